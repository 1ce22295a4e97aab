//! The person is back from a provider: who are they, may they enter, and what does the app get?

use std::sync::Arc;

use vestibule_domain::{
    account::{Account, Evidence, Link, LinkKey, LinkedBy, MOST_CLAIM_BYTES, Profile, Salt},
    attempt::{Attempt, AttemptFault, Consenting, Errand},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    authorize::Prompt,
    claims::Claims,
    client::Client,
    consent::Consent,
    grant::{Revoked, RevokedBy},
    ids::{AccountId, AttemptId, ClientId, LinkId, ProviderId, SessionId},
    linking::{self, Destination, LinkRefusal},
    login_trace::{Decisions, End, SignInRule},
    policy,
    provider::{Arrival, Callback, ProviderError, ProviderTerms, ReceivedTokens},
    session::Session,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{
    AppAnswer, Fault, Gateway, Halt, Providers, SealedAttempt, SessionCookie, authorize::too_long, codec, consent::must_consent, heard,
    login_trace::end_of, sealed_attempt, upstream,
};

/// What a browser brought back from a provider.
#[derive(Debug)]
pub struct Callbacks {
    /// The `state`, when it can be one of ours.
    pub attempt: Option<AttemptId>,
    /// The value of that attempt's cookie in this browser.
    pub attempt_cookie: Option<String>,
    /// The value of the session's cookie in this browser.
    pub session_cookie: Option<String>,
    /// What the provider sent; its `redirect_uri` is filled in here.
    pub callback: Callback,
}

/// Where a person goes from here.
#[derive(Debug)]
pub enum Landing {
    /// Back to the app.
    App(AppAnswer),
    /// To the question whether the app may have what it asks for.
    Consent(SealedAttempt),
    /// To their own page.
    OwnPage,
    /// To the operators' console.
    Console,
    /// To the page of the console that says what this app would get.
    Tried(ClientId),
    /// To the question whether a device may be let in: what its address carries.
    Device(String),
}

/// A login that went well.
#[derive(Debug)]
pub struct Arrived {
    /// Where the person goes.
    pub landing: Landing,
    /// What people know the app as.
    pub client_name: String,
    /// The browser's new session cookie: always a new value (attack 62). Nothing when another way in was added to the session there is.
    pub session: Option<SessionCookie>,
    /// The attempt that is over.
    pub settled: AttemptId,
    /// Through whom, for the last-used badge.
    pub provider: ProviderId,
}

impl Gateway {
    /// Settles an attempt with what came back from `provider`.
    pub async fn arrive(&self, witness: &Witness, provider: &str, brought: Callbacks) -> Result<Arrived, Halt> {
        let unknown = || Fault::Attempt(AttemptFault::NotHere);
        let provider = ProviderId::parse(provider).map_err(|_| unknown())?;
        let id = brought.attempt.ok_or_else(unknown)?;
        let attempt = self.open_attempt(witness, id, brought.attempt_cookie.as_deref()).await?;
        let client = self.client_of(witness, &attempt).await?;
        let mut decided = Decisions::begun(&attempt);
        let settled = match self.identify(witness, &client, &attempt, &provider, brought.callback, &mut decided).await {
            Ok(arrival) => {
                self.settle(witness, &client, &attempt, &provider, arrival, brought.session_cookie.as_deref(), &mut decided).await
            }
            Err(fault) => Err(fault),
        };
        match settled {
            Ok(arrived) => Ok(arrived),
            Err(fault) => {
                // A failed attempt is spent like a good one: its callback can't be tried again.
                let event = self.login_failure(witness, &attempt, Some(&provider), &fault);
                let is_spent = matches!(fault, Fault::AttemptSpent);
                let trace = self.trace_of(witness, attempt.login, decided.came_to_nothing(end_of(&event)));
                self.record_traced_failure(witness, event, if is_spent { Vec::new() } else { vec![spend(&attempt)] }, trace).await;
                Err(Halt { settled: Some(attempt.id), ..self.halt_of(&client, &attempt, fault) })
            }
        }
    }

    /// From the callback to a verified identity. The only wait for the network; no database work is open meanwhile.
    async fn identify(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        provider: &ProviderId,
        callback: Callback,
        decided: &mut Decisions,
    ) -> Result<Arrival, Fault> {
        let departed = attempt.returned_to(provider, witness.now).map_err(Fault::Attempt)?;
        let provider = self.provider_for(client, provider).await?;
        let adapter = provider.open().ok_or(Fault::ProviderNotAllowed)?;
        // Asked here and again at settlement, where it holds on every node: whoever comes a second time does not make us knock at the provider.
        if !self.taken_up.first(attempt.id) {
            return Err(Fault::AttemptSpent);
        }
        self.observer.returned(&provider.id, attempt.login, witness.now.since(departed.at));
        decided.returned(witness.now.since(departed.at));
        let callback = Callback { redirect_uri: self.settings.callback_of(&provider.id), ..callback };
        let completed = adapter.complete(callback, departed.kept.clone(), witness.now);
        let (completed, requests) = heard::listening(self.ask(&provider, completed)).await;
        decided.requests = requests;
        let completed = completed.map_err(Fault::Provider);
        self.seen(&self.called_back(witness, attempt, &provider.id, completed.as_ref().err()));
        let arrival = completed?;
        let request = &attempt.request;
        let is_stale = request.is_stale(arrival.auth_time, departed.at, witness.now);
        if request.max_age.is_some() || request.prompt.contains(&Prompt::Login) {
            decided.holds(SignInRule::Fresh, !is_stale);
        }
        let is_accepted = request.claims.accepts(arrival.acr.as_deref());
        if request.claims.acr_is_essential {
            decided.holds(SignInRule::Acr, is_accepted);
        }
        if is_stale || !is_accepted {
            decided.judge(adapter.terms(), client, &provider.id, &arrival.claims, &arrival);
            return Err(if is_stale { Fault::StaleSignIn } else { Fault::UnmetAcr });
        }
        Ok(arrival)
    }

    /// That somebody is back, and whether what they brought is good. Whether they may enter is another matter.
    fn called_back(&self, witness: &Witness, attempt: &Attempt, provider: &ProviderId, fault: Option<&Fault>) -> AuditEvent {
        let outcome = match fault {
            None => Outcome::Success,
            Some(Fault::Provider(ProviderError::Declined | ProviderError::Refused { .. })) => Outcome::Denied,
            Some(_) => Outcome::Failure,
        };
        AuditEvent {
            reason: fault.map(Fault::reason),
            client: Some(attempt.request.client.clone()),
            provider: Some(provider.clone()),
            login: Some(attempt.login),
            ..self.event(witness, EventName::UpstreamCallback, outcome, Actor::Anonymous)
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of what came back, and the last is what becomes of it")]
    async fn settle(
        &self,
        witness: &Witness,
        client: &Client,
        attempt: &Attempt,
        provider: &ProviderId,
        arrival: Arrival,
        session_cookie: Option<&str>,
        decided: &mut Decisions,
    ) -> Result<Arrived, Fault> {
        let providers = self.providers().await.map_err(Fault::Store)?;
        let terms = providers.terms(provider).ok_or(Fault::ProviderNotAllowed)?;
        let key = LinkKey { provider: provider.clone(), issuer: arrival.issuer.clone(), subject: arrival.subject.clone() };
        // Two tabs may bring the same new person at once, or a logout may come between. Who loses sees what is there on the second try.
        for last_try in [false, true] {
            let previous = self.session_of(witness, session_cookie).await.map_err(Fault::Store)?;
            let known = self.store.link(&key).await.map_err(Fault::Store)?;
            let claims = terms.known_of(arrival.claims.clone(), known.as_ref().map(|known| &known.claims));
            decided.judge(terms, client, provider, &claims, &arrival);
            if let Some(link) = &known {
                decided.leads(&Destination::Linked(link.account), link);
            }
            if let (false, Some(link)) = (last_try, &known) {
                self.admit_account(witness, link.account).await?;
            }
            let profile = terms.profile_of(&claims).profile;
            let arriving = Arriving { client, attempt, providers: &providers, terms, key: &key, known, claims, profile, arrival: &arrival };
            let settlement = self.settlement(witness, &arriving, previous.as_deref(), decided).await?;
            // The row of a client is made, or moved on, with a code alone.
            let committed = if matches!(settlement.arrived.landing, Landing::App(_)) {
                self.commit_remembering(settlement.changes, witness, client).await
            } else {
                self.commit(settlement.changes).await
            };
            return match committed {
                Ok(()) => Ok(settlement.arrived),
                Err(StoreError::Conflict(Contest::Link | Contest::Session | Contest::UpstreamTokens)) if !last_try => continue,
                Err(StoreError::Conflict(Contest::Attempt)) => Err(Fault::AttemptSpent),
                Err(error) => Err(Fault::Store(error)),
            };
        }
        Err(Fault::AttemptSpent)
    }

    /// Everything a good arrival writes, decided before anything is written.
    async fn settlement(
        &self,
        witness: &Witness,
        arriving: &Arriving<'_>,
        previous: Option<&Session>,
        decided: &mut Decisions,
    ) -> Result<Settlement, Fault> {
        let Arriving { client, attempt, providers, terms, .. } = *arriving;
        let joining = joining(attempt, previous)?;
        if let (Some(_), Some(session)) = (joining, previous) {
            // What a session is not enough for on the page it is not enough for here.
            self.standing(client, &session.account, &session.link).await.map_err(Fault::Store)?.map_err(Fault::from)?;
        }
        let known = arriving.known.as_deref();
        let linked = match known {
            Some(link) => self.store.account(&link.account).await.map_err(Fault::Store)?,
            None => None,
        };
        let same_email = match arriving.profile.verified_email() {
            Some(email) if known.is_none() && joining.is_none() && terms.links_by_email && terms.is_home_of(email.domain()) => {
                let links = self.store.links_by_verified_email(&email).await.map_err(Fault::Store)?;
                // As their providers are believed today, and only providers that are open: an old verdict must not lead anybody into an account.
                let vouched = |link: &Link| {
                    let terms = providers.terms(&link.key.provider);
                    terms.is_some_and(|terms| terms.profile_of(&link.claims).profile.verified_email().as_ref() == Some(&email))
                };
                links.into_iter().filter(vouched).collect()
            }
            _ => Vec::new(),
        };
        let destination = linking::destination(terms, &arriving.profile, linked.as_deref(), joining, &same_email)
            .map_err(|LinkRefusal::TakenByOther| Fault::LinkTaken)?;
        let account = self.account_at(&destination, linked, witness.now).await?;
        let link = self.link_for(witness, arriving, &destination, account.id, previous);
        decided.leads(&destination, &link);
        if destination != Destination::New {
            decided.holds(SignInRule::Account, !account.disabled);
        }
        policy::stands(client, &account, &link, Some(terms)).map_err(Fault::from)?;
        let is_expected = self.is_expected(&attempt.request, &account).await.map_err(Fault::Store)?;
        if attempt.request.expected.is_some() || attempt.request.claims.subjects.is_some() {
            decided.holds(SignInRule::Person, is_expected);
        }
        if !is_expected {
            return Err(Fault::OtherPerson);
        }
        let mut changes = Changes::default().write(spend(attempt));
        changes = match &destination {
            Destination::Linked(_) => changes.write(Write::UpdateLink(link.clone())),
            Destination::New | Destination::Joins { .. } => changes.write(Write::AddLink(link.clone())),
        };
        if joining.is_none() {
            let profile = arriving.profile.clone();
            changes = changes.write(Write::PutAccount(Account { profile, updated: witness.now, ..account.clone() }));
        }
        if let Some(write) = self.received_tokens(witness, &link, arriving).await.map_err(Fault::Store)? {
            changes = changes.write(write);
        }
        if let (Some(_), Some(session)) = (joining, previous) {
            return Ok(self.joined(witness, arriving, changes, &destination, session, decided));
        }
        let given = self.given(client, &account.id).await.map_err(Fault::Store)?;
        let must_consent = must_consent(client, attempt, &given);
        let entering = Entering { account: &account, link: &link, previous, given, must_consent };
        self.signed_in(witness, arriving, changes, &destination, &entering, decided)
    }

    /// The account an arrival leads to, as it is; a new one is made up here and not yet written.
    async fn account_at(&self, destination: &Destination, linked: Option<Arc<Account>>, now: Timestamp) -> Result<Account, Fault> {
        match destination {
            Destination::New => {
                let id = AccountId::new(self.entropy.as_ref());
                let salt = Salt::new(self.entropy.as_ref());
                Ok(Account { id, profile: Profile::default(), created: now, updated: now, disabled: false, salt })
            }
            Destination::Linked(id) | Destination::Joins { account: id, .. } => {
                let there = match linked.filter(|account| account.id == *id) {
                    Some(account) => Some(account),
                    None => self.store.account(id).await.map_err(Fault::Store)?,
                };
                there.map(Arc::unwrap_or_clone).ok_or(Fault::AccountDisabled)
            }
        }
    }

    /// The link with what its provider says now.
    fn link_for(
        &self,
        witness: &Witness,
        arriving: &Arriving<'_>,
        destination: &Destination,
        account: AccountId,
        session: Option<&Session>,
    ) -> Link {
        let now = witness.now;
        let claims = kept_claims(&arriving.claims);
        if let Some(known) = arriving.known.as_deref() {
            return Link { profile: arriving.profile.clone(), claims, seen: now.max(known.seen), ..known.clone() };
        }
        let (by, same_email_as) = match destination {
            Destination::Joins { by, same_email_as, .. } => (*by, *same_email_as),
            Destination::Linked(_) | Destination::New => (LinkedBy::FirstSignIn, None),
        };
        let session = session.filter(|_| by == LinkedBy::Person).map(|session| session.id);
        Link {
            id: LinkId::new(now, self.entropy.as_ref()),
            key: arriving.key.clone(),
            account,
            created: now,
            evidence: Evidence { by, login: arriving.attempt.login, session, same_email_as },
            profile: arriving.profile.clone(),
            claims,
            seen: now,
        }
    }

    /// A person signed in.
    fn signed_in(
        &self,
        witness: &Witness,
        arriving: &Arriving<'_>,
        mut changes: Changes,
        destination: &Destination,
        entering: &Entering<'_>,
        decided: &mut Decisions,
    ) -> Result<Settlement, Fault> {
        let now = witness.now;
        let Arriving { client, attempt, arrival, .. } = arriving;
        let Entering { account, link, previous, given, must_consent } = entering;
        let cookie = codec::random_text(self.entropy.as_ref());
        let same_person = previous.filter(|session| session.account == account.id);
        let session = Session {
            id: same_person.map_or_else(|| SessionId::new(now, self.entropy.as_ref()), |session| session.id),
            digest: self.sealer.hash(cookie.as_bytes()),
            account: account.id,
            provider: link.key.provider.clone(),
            link: link.id,
            auth_time: arrival.auth_time.map_or(now, |said| said.min(now)),
            acr: arrival.acr.clone(),
            amr: arrival.amr.clone(),
            upstream_session: arrival.session.clone(),
            source: witness.source.clone(),
            created: now,
            last_seen: now,
            ended: None,
        };
        let event = |name| {
            let event = AuditEvent {
                client: Some(client.id.clone()).filter(|_| attempt.errand.is_for_app()),
                ..self.login_event(witness, name, Outcome::Success, attempt.login, &session, client)
            };
            AuditEvent { trial: attempt.errand == Errand::Tried, ..event }
        };
        match destination {
            Destination::New => changes = changes.event(event(EventName::UserProvisioned)).event(event(EventName::IdentityLinked)),
            Destination::Joins { by, .. } => {
                changes = changes.event(AuditEvent { detail: Some(format!("by {by}")), ..event(EventName::IdentityLinked) });
            }
            Destination::Linked(_) => {}
        }
        if let Some(other) = previous.filter(|session| session.account != account.id) {
            changes = self.end_session(changes, witness, other, &Actor::Account(other.account), Reason::Replaced);
        }
        changes = changes.write(Write::PutSession(session.clone()));
        let landing = match attempt.errand {
            Errand::SignIn if *must_consent => Landing::Consent(self.to_be_asked(witness, attempt, &session)?),
            Errand::SignIn => {
                let (code, text) = self.new_code(witness, &attempt.request, &session, attempt.login);
                decided.gives(&code, client);
                changes = changes.write(Write::AddCode(code));
                if attempt.consent == Consenting::Allowed {
                    changes = self.allowed(changes, witness, client, attempt, &session, given);
                }
                Landing::App(AppAnswer::code(&attempt.request, &text, &self.settings.issuer))
            }
            Errand::Device(user_code) => Landing::Device(self.device_form(&session.digest, user_code)),
            Errand::Console => Landing::Console,
            Errand::Tried => Landing::Tried(client.id.clone()),
            Errand::OwnPage | Errand::Link { .. } | Errand::Trial { .. } => Landing::OwnPage,
        };
        let succeeded = AuditEvent {
            scopes: Some(attempt.request.scopes.clone()),
            took_ms: u64::try_from(now.since(attempt.started).as_millis()).ok(),
            ..event(EventName::LoginSucceeded)
        };
        decided.end = Some(End { asks_consent: *must_consent, ..end_of(&succeeded) });
        changes = changes.event(succeeded).and(self.trace_of(witness, attempt.login, decided.clone()));
        let arrived = Arrived {
            landing,
            client_name: client.name.clone(),
            session: Some(SessionCookie { value: cookie, max_age: self.settings.lifetimes.session_absolute }),
            settled: attempt.id,
            provider: link.key.provider.clone(),
        };
        Ok(Settlement { changes, arrived })
    }

    /// The attempt as it waits for the answer of somebody who has just signed in. It has another id: the one that went to the provider is spent.
    fn to_be_asked(&self, witness: &Witness, attempt: &Attempt, session: &Session) -> Result<SealedAttempt, Fault> {
        let consent = Consenting::Asked { session: Some(session.id), arrived: true };
        let attempt = Attempt {
            login: attempt.login,
            pushed: attempt.pushed,
            consent,
            ..self.new_attempt(witness, attempt.request.clone(), attempt.errand)
        };
        sealed_attempt::seal(&attempt, witness.now, self.sealer.as_ref()).ok_or_else(|| Fault::App(too_long()))
    }

    /// A person who is signed in has one more way in. Their session stays what it is.
    fn joined(
        &self,
        witness: &Witness,
        arriving: &Arriving<'_>,
        mut changes: Changes,
        destination: &Destination,
        session: &Session,
        decided: &mut Decisions,
    ) -> Settlement {
        let Arriving { client, attempt, key, .. } = arriving;
        // Contested: whatever ends the session, or the account, while the person is away ends this too.
        changes = changes.write(Write::PutSession(Session { last_seen: witness.now, ..session.clone() }));
        let event = AuditEvent {
            client: None,
            provider: Some(key.provider.clone()),
            ..self.login_event(witness, EventName::IdentityLinked, Outcome::Success, attempt.login, session, client)
        };
        decided.end = Some(end_of(&event));
        changes = changes.and(self.trace_of(witness, attempt.login, decided.clone()));
        if let Destination::Joins { by, .. } = destination {
            changes = changes.event(AuditEvent { detail: Some(format!("by {by}")), ..event });
        }
        let arrived = Arrived {
            landing: Landing::OwnPage,
            client_name: client.name.clone(),
            session: None,
            settled: attempt.id,
            provider: key.provider.clone(),
        };
        Settlement { changes, arrived }
    }

    /// Ends a session and whatever ends with it.
    pub(crate) fn end_session(&self, changes: Changes, witness: &Witness, session: &Session, actor: &Actor, why: Reason) -> Changes {
        changes
            .write(Write::EndSession { id: session.id, at: witness.now })
            .write(Write::RevokeSessionGrants { session: session.id, revoked: Revoked { at: witness.now, by: RevokedBy::Logout } })
            .write(Write::AnnounceEnds { account: session.account, at: witness.now })
            .event(self.session_ended(witness, session, actor, why))
    }

    /// How the tokens an arrival brought are kept, if its provider's are. Many an upstream gives a refresh token only once; the one we have is kept then,
    /// and only if it is the one that is there still: a refresh at the same time may just have spent it.
    async fn received_tokens(&self, witness: &Witness, link: &Link, arriving: &Arriving<'_>) -> Result<Option<Write>, StoreError> {
        let received = &arriving.arrival.tokens;
        if !arriving.terms.keeps_tokens || received.access_token.is_none() {
            return Ok(None);
        }
        let sealer = self.sealer.as_ref();
        if received.refresh_token.is_none()
            && let Some(before) = self.store.upstream_tokens(&link.id).await?.filter(|before| before.denied.is_none())
            && let Some(refresh_token) = upstream::open(&before, sealer).and_then(|opened| opened.refresh_token)
        {
            let tokens = ReceivedTokens { refresh_token: Some(refresh_token), ..received.clone() };
            let sealed = upstream::seal(link.id, &tokens, before.version + 1, witness.now, sealer);
            return Ok(sealed.map(|tokens| Write::RenewUpstreamTokens { tokens, expected: before.version }));
        }
        let sealed = upstream::seal(link.id, received, 1, witness.now, sealer);
        Ok(sealed.map(Write::PutUpstreamTokens))
    }
}

/// What a settlement is decided from.
struct Arriving<'a> {
    client: &'a Client,
    attempt: &'a Attempt,
    providers: &'a Providers,
    terms: &'a ProviderTerms,
    key: &'a LinkKey,
    /// Where that leads now.
    known: Option<Arc<Link>>,
    claims: Claims,
    profile: Profile,
    arrival: &'a Arrival,
}

/// Who comes in.
struct Entering<'a> {
    account: &'a Account,
    link: &'a Link,
    /// The session that this browser had.
    previous: Option<&'a Session>,
    /// What they allowed the app before.
    given: Vec<Consent>,
    /// Whether they are asked before it gets its code.
    must_consent: bool,
}

/// Whose account the arrival is to be added to, if that was asked for: the session in which it was must stand in the same browser.
fn joining(attempt: &Attempt, session: Option<&Session>) -> Result<Option<AccountId>, Fault> {
    let Errand::Link { account, session: asked_in } = attempt.errand else { return Ok(None) };
    let stands = session.is_some_and(|session| session.id == asked_in && session.account == account);
    if stands { Ok(Some(account)) } else { Err(Fault::Attempt(AttemptFault::NotHere)) }
}

/// The upstream's own claims as they are kept: whole, or not at all when they are too many.
pub(crate) fn kept_claims(claims: &Claims) -> Claims {
    let size = serde_json::to_vec(claims).map_or(usize::MAX, |text| text.len());
    if size <= MOST_CLAIM_BYTES { claims.clone() } else { Claims::new() }
}

struct Settlement {
    changes: Changes,
    arrived: Arrived,
}

pub(crate) fn spend(attempt: &Attempt) -> Write {
    Write::SpendAttempt { id: attempt.id, expires: attempt.expires }
}

impl Fault {
    /// What the operator reads in the audit record: never input from a stranger.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::Provider(ProviderError::Unreachable { phase, status, detail }) => {
                let status = status.map(|status| format!(" (status {status})")).unwrap_or_default();
                Some(format!("{phase}{status}: {detail}"))
            }
            Self::Provider(ProviderError::Invalid { phase, rule, detail }) => Some(format!("{phase}: {rule}: {detail}")),
            Self::Provider(ProviderError::Refused { rule }) => Some((*rule).to_owned()),
            Self::Provider(ProviderError::Misconfigured { phase, detail } | ProviderError::Denied { phase, detail }) => {
                Some(format!("{phase}: {detail}"))
            }
            Self::Provider(ProviderError::Paused { until }) => Some(format!("not asked before {until}")),
            Self::NotAllowed(denial) => Some(denial.to_string()),
            Self::App(error) => Some(error.to_string()),
            _ => None,
        }
    }
}
