//! A person's own page: the ways they sign in here, one more, one less.
//!
//! Whoever changes them has signed in lately: a browser left open must not be enough to add a stranger's way in.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    account::{Account, Link},
    attempt::Errand,
    audit::{AuditEvent, EventName, Outcome, Reason, Witness},
    authorize::{AuthorizationRequest, Prompt},
    client::{AuthMethod, Client, Origin, SigningAlg},
    door::{Chosen, Offer},
    entry::EntryRules,
    grant::{Revoked, RevokedBy},
    ids::{ClientId, LinkId, LoginId, ProviderId},
    redirect::RegisteredUri,
    scope::Scopes,
    secret::{Digest, Purpose},
    session::Session,
    settings::Settings,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{Authorized, Fault, Gateway, Halt, OwnApp, OwnSession, depart::Away};

/// How long ago a sign-in may be for changing anything here.
const LATELY: Duration = Duration::from_mins(10);

/// Nobody needs more ways in, and each is one to be taken over by.
pub(crate) const MOST_WAYS: usize = 20;

/// The name that attempts of this page go by. No client can be registered under it: nobody else's codes are ever made for it.
pub(crate) const OWN_NAME: &str = "vestibule.account";

/// What stands for a page of ours where an attempt has an app. It is registered nowhere and gets no codes.
#[derive(Clone, Debug)]
pub(crate) struct OwnClient {
    pub(crate) client: Arc<Client>,
    redirect_uri: Option<RegisteredUri>,
}

impl OwnClient {
    /// This page's.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self::named(OWN_NAME, &settings.url("/account"), EntryRules::default(), Vec::new())
    }

    /// That of the page at an address of ours, which only those come to whom `entry` lets in, through `providers`, or any if there are none.
    pub(crate) fn named(name: &str, address: &str, entry: EntryRules, providers: Vec<ProviderId>) -> Self {
        let redirect_uri = RegisteredUri::parse(address).ok();
        let nobody = Timestamp::default();
        let client = Client {
            id: ClientId::parse(name).unwrap_or_else(|_| unreachable!("the name keeps the rules")),
            origin: Origin::Operator,
            managed_by: None,
            name: String::new(),
            about: vestibule_domain::about::About::default(),
            redirect_uris: redirect_uri.iter().cloned().collect(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: std::collections::BTreeSet::new(),
            auth_method: AuthMethod::ClientSecretBasic,
            scopes: Scopes::default(),
            keys: None,
            assertion_alg: None,
            certificate_subject: None,
            id_token_alg: SigningAlg::Rs256,
            access_token_alg: SigningAlg::Rs256,
            userinfo_alg: None,
            introspection_alg: None,
            require_pkce: true,
            legacy_oauth: false,
            require_pushed_requests: false,
            dpop_bound_access_tokens: false,
            certificate_bound_access_tokens: false,
            profile: None,
            require_signed_requests: false,
            request_object_alg: None,
            audiences: Vec::new(),
            serves: Vec::new(),
            allowed_providers: providers,
            entry,
            release: vestibule_domain::account::Release::default(),
            subject_type: vestibule_domain::client::SubjectType::Public,
            upstream_tokens: Vec::new(),
            logout: vestibule_domain::logout::LogoutRegistration::default(),
            exchange_audiences: Vec::new(),
            may_act: None,
            id_token_claims: false,
            consent: vestibule_domain::client::ConsentMode::Implicit,
            disabled: false,
            secrets: Vec::new(),
            created: nobody,
            updated: nobody,
            version: 0,
        };
        Self { client: Arc::new(client), redirect_uri }
    }

    pub(crate) fn request(&self, prompt: Option<Prompt>) -> Result<AuthorizationRequest, Fault> {
        let redirect_uri = self.redirect_uri.as_ref().ok_or(Fault::ProviderNotAllowed)?.exactly();
        let request = AuthorizationRequest::plain(self.client.id.clone(), redirect_uri, Scopes::default());
        Ok(AuthorizationRequest { prompt: prompt.into_iter().collect(), ..request })
    }
}

/// One way in, as its person sees it.
#[derive(Clone, Debug)]
pub struct OwnLink {
    /// The link.
    pub link: Link,
    /// What its provider is called, if it is there still.
    pub label: Option<String>,
    /// The name of the provider's mark.
    pub icon: Option<String>,
    /// Whether the person is signed in by it now.
    pub is_current: bool,
}

/// What the page shows.
#[derive(Debug)]
pub struct OwnPage {
    /// Whose.
    pub account: Arc<Account>,
    /// The ways in, oldest first.
    pub links: Vec<OwnLink>,
    /// Whether there is no other way in, so that it stays.
    pub only_way: bool,
    /// Providers that are no way in yet.
    pub more: Vec<Offer>,
    /// Where they are signed in, this browser first.
    pub sessions: Vec<OwnSession>,
    /// Apps that have something of them.
    pub apps: Vec<OwnApp>,
    /// For the forms.
    pub token: String,
    /// Whether the sign-in was lately enough to change anything.
    pub may_change: bool,
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnPageNotice {
    /// A way in was removed.
    Removed,
    /// It was the last one, which stays.
    LastOne,
    /// The sign-in is too long ago; sign in again first.
    SignInAgain,
    /// Another session was ended.
    SessionEnded,
    /// All others were.
    OtherSessionsEnded,
    /// An app lost what it was given.
    AppRevoked,
    /// The form belongs to another sign-in, or is too old.
    Stale,
}

impl Gateway {
    /// The page, for whoever is signed in in this browser; nothing when nobody is.
    pub async fn own_page(&self, witness: &Witness, session_cookie: Option<&str>) -> Result<Option<OwnPage>, Halt> {
        let Some(session) = self.session_of(witness, session_cookie).await? else { return Ok(None) };
        let standing = self.standing(&self.own_page.client, &session.account, &session.link).await?;
        let Ok((account, _)) = standing else { return Ok(None) };
        let providers = self.providers().await?;
        let links = self.store.links_of(&account.id).await?;
        let offers = if links.len() < MOST_WAYS { providers.offers(&self.own_page.client, witness.now) } else { Vec::new() };
        let more = offers.into_iter().filter(|offer| links.iter().all(|link| link.key.provider != offer.card.id)).collect();
        let card = |link: &Link| providers.find(&link.key.provider)?.made.as_ref().ok().map(|provider| provider.card().clone());
        let only_way = is_last(&links);
        let shown = links.into_iter().map(|link| {
            let card = card(&link);
            let (label, icon) = card.map_or((None, None), |card| (Some(card.label), card.icon));
            OwnLink { is_current: link.id == session.link, label, icon, link }
        });
        Ok(Some(OwnPage {
            only_way,
            links: shown.collect(),
            more,
            sessions: self.own_sessions(witness, &providers, &session).await?,
            apps: self.own_apps(witness, &account.id).await?,
            token: self.form_token(&session),
            may_change: was_lately(&session, witness.now),
            account,
        }))
    }

    /// Signs somebody in to their own page; `again` makes them prove who they are at the provider once more.
    pub async fn enter_own_page(&self, witness: &Witness, again: bool) -> Result<Authorized, Halt> {
        let request = self.own_page.request(again.then_some(Prompt::Login))?;
        self.begin(witness, &self.own_page.client.clone(), self.new_attempt(witness, request, Errand::OwnPage)).await
    }

    /// Sends somebody who is signed in to a provider that is to become one more way in.
    pub async fn add_link(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        token: &str,
        provider: &str,
    ) -> Result<Result<Away, OwnPageNotice>, Halt> {
        let session = match self.own_session(witness, session_cookie, token).await? {
            Ok(session) => session,
            Err(notice) => return Ok(Err(notice)),
        };
        if self.store.links_of(&session.account).await?.len() >= MOST_WAYS {
            return Ok(Err(OwnPageNotice::Stale));
        }
        let provider = ProviderId::parse(provider).map_err(|_| Fault::ProviderNotAllowed)?;
        let request = self.own_page.request(Some(Prompt::SelectAccount))?;
        let errand = Errand::Link { account: session.account, session: session.id };
        let attempt = self.new_attempt(witness, request, errand);
        self.send_away(witness, &self.own_page.client.clone(), attempt, &provider, Chosen::Click).await.map(Ok)
    }

    /// Undoes a way in, unless it is the last. Whatever came by it ends, and its upstream tokens are given back.
    pub async fn remove_link(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        token: &str,
        link: &str,
    ) -> Result<OwnPageNotice, Halt> {
        let session = match self.own_session(witness, session_cookie, token).await? {
            Ok(session) => session,
            Err(notice) => return Ok(notice),
        };
        let Ok(id) = link.parse::<LinkId>() else { return Ok(OwnPageNotice::Stale) };
        let links = self.store.links_of(&session.account).await?;
        let Some(link) = links.iter().find(|link| link.id == id) else { return Ok(OwnPageNotice::Removed) };
        if is_last(&links) {
            return Ok(OwnPageNotice::LastOne);
        }
        let login = LoginId::new(witness.now, self.entropy.as_ref());
        let event = self.login_event(witness, EventName::IdentityUnlinked, Outcome::Success, login, &session, &self.own_page.client);
        let event = AuditEvent { client: None, login: None, provider: Some(link.key.provider.clone()), ..event };
        if !self.unlink(witness, link, event, true).await? {
            // Somebody removed one beside this: it, or the one that would have been left.
            let there = self.store.links_of(&session.account).await?.iter().any(|there| there.id == id);
            return Ok(if there { OwnPageNotice::LastOne } else { OwnPageNotice::Removed });
        }
        Ok(OwnPageNotice::Removed)
    }

    /// Undoes a link with everything that came by it; `false` if somebody else was first, or it is the last one and another must be left.
    pub(crate) async fn unlink(&self, witness: &Witness, link: &Link, event: AuditEvent, leaves_another: bool) -> Result<bool, StoreError> {
        let tokens = self.store.upstream_tokens(&link.id).await?;
        let revoked = Revoked { at: witness.now, by: RevokedBy::Unlinked };
        let ended = self.session_ends(witness, link.account, Some(link.id), &event.actor, Reason::Unlinked).await?;
        let changes = Changes::default()
            .write(Write::RemoveLink { id: link.id, account: link.account, leaves_another })
            .write(Write::EndLinkSessions { link: link.id, account: link.account, at: witness.now })
            .write(Write::RevokeLinkGrants { link: link.id, account: link.account, revoked })
            .write(Write::AnnounceEnds { account: link.account, at: witness.now })
            .write(Write::DropUpstreamTokens { link: link.id })
            .event(event);
        match self.commit(ended.into_iter().fold(changes, Changes::event)).await {
            Ok(()) => {
                self.give_back(witness, link, tokens.as_ref()).await;
                Ok(true)
            }
            Err(StoreError::Conflict(Contest::Link)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The session of somebody who may change something: theirs is the form, and their sign-in was lately.
    pub(crate) async fn own_session(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        token: &str,
    ) -> Result<Result<Arc<Session>, OwnPageNotice>, Halt> {
        let session = match self.session_of(witness, session_cookie).await? {
            Some(session) => {
                let stands = self.standing(&self.own_page.client, &session.account, &session.link).await?.is_ok();
                Some(session).filter(|_| stands)
            }
            None => None,
        };
        let made_here = |session: &Arc<Session>| {
            let given = Digest::from_hex(token);
            given.is_some_and(|tag| self.sealer.tag_matches(Purpose::AccountForm, &session.digest.0, &tag))
        };
        Ok(match session.filter(made_here) {
            None => Err(OwnPageNotice::Stale),
            Some(session) if !was_lately(&session, witness.now) => Err(OwnPageNotice::SignInAgain),
            Some(session) => Ok(session),
        })
    }

    /// Bound to the session by its secret digest, so no other site can make one (attack 66).
    fn form_token(&self, session: &Session) -> String {
        self.sealer.tag(Purpose::AccountForm, &session.digest.0).to_hex()
    }
}

/// Whether removing one of them would leave none.
fn is_last(links: &[Link]) -> bool {
    links.len() < 2
}

fn was_lately(session: &Session, now: Timestamp) -> bool {
    now.since(session.auth_time) <= LATELY
}
