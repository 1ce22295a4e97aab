//! `/logout` (OpenID Connect RP-Initiated Logout 1.0).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    audit::{Actor, Reason, Witness},
    client::Client,
    ids::ClientId,
    redirect::{RedirectUri, RegisteredUri},
    secret::{Digest, Purpose, Sealed},
    session::Session,
    store::Changes,
    time::Timestamp,
    token::IdTokenHint,
};

use crate::{AppAnswer, Fault, Gateway, Halt, codec};

/// A logout request. Empty is absent.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct LogoutAsked {
    pub id_token_hint: Option<String>,
    pub client_id: Option<String>,
    pub post_logout_redirect_uri: Option<String>,
    pub state: Option<String>,
    /// What our own confirmation form carries; only there can a person have said yes.
    pub confirmation: Option<String>,
    /// Names of known parameters that came more than once.
    pub repeated: Vec<&'static str>,
}

/// What comes next.
#[derive(Debug)]
pub enum LogoutNext {
    /// Nothing proves that the person meant it: they are asked (§2, against logout CSRF).
    Confirm {
        /// Who asks, if known.
        client_name: Option<String>,
        /// For the form.
        confirmation: String,
        /// Where it ends, if it leaves us.
        ends_at: Option<RegisteredUri>,
    },
    /// The session is over, or there was none.
    Done {
        /// Who asked, if known.
        client_name: Option<String>,
        /// Where the app wants the browser, with `state`.
        back: Option<AppAnswer>,
        /// Whether it goes there by itself.
        straight: bool,
        /// Apps that hear of it.
        told: Vec<ToldApp>,
        /// Where the browser goes first: to the provider, to be signed out there too. It comes back for the rest.
        upstream: Option<String>,
    },
}

/// What somebody goes on to who comes back from their provider.
#[derive(Debug, Default)]
pub struct LogoutRest {
    /// Who asked, if known.
    pub client_name: Option<String>,
    /// Where the app wants the browser, with `state`.
    pub back: Option<AppAnswer>,
    /// Whether it goes there by itself.
    pub straight: bool,
}

/// The same on the way: sealed, in the `state` that the provider gives back.
#[derive(Serialize, Deserialize)]
struct Carried {
    expires: Timestamp,
    client_name: Option<String>,
    back: Option<(RedirectUri, String)>,
    straight: bool,
}

/// How long somebody may take to sign out at their provider.
const LONGEST_AWAY: Duration = Duration::from_mins(30);

/// An app that hears of the end of a session.
#[derive(Debug)]
pub struct ToldApp {
    /// What people know it as.
    pub name: String,
    /// What the page loads in a frame for it (OpenID Connect Front-Channel Logout 1.0 §3), if it hears of it that way.
    pub frame: Option<String>,
}

impl Gateway {
    /// Ends the session of a browser. A bad request changes nothing and never redirects (§4).
    pub async fn logout(&self, witness: &Witness, asked: &LogoutAsked, session_cookie: Option<&str>) -> Result<LogoutNext, Halt> {
        if let Some(name) = asked.repeated.first() {
            return Err(Fault::Logout(match *name {
                "id_token_hint" => "id_token_hint came more than once",
                "post_logout_redirect_uri" => "post_logout_redirect_uri came more than once",
                _ => "a parameter came more than once",
            })
            .into());
        }
        let hint = self.hint(witness, asked)?;
        let client = self.logout_client(asked, hint.as_ref()).await?;
        let back = leads_back(asked, client.as_deref())?;
        // To an app that nobody vetted a link would lead anybody from our name to any address (attack 34), so a person goes on themselves.
        let mut straight = client.as_ref().is_none_or(|client| client.is_vetted());
        let client_name = client.map(|client| client.name.clone());
        let session = self.session_of(witness, session_cookie).await?;
        let with_state = |uri: RegisteredUri| AppAnswer {
            to: uri.exactly(),
            form: None,
            location: asked.state.as_ref().map_or_else(|| uri.as_str().to_owned(), |state| uri.exactly().with(&[("state", state)])),
        };
        let (mut told, mut upstream) = (Vec::new(), None);
        if let Some(session) = session {
            let proven = hint.is_some_and(|hint| hint.session == Some(session.id));
            let said_yes = asked.confirmation.as_deref().is_some_and(|given| self.confirms(given, &session));
            if !proven && !said_yes {
                return Ok(LogoutNext::Confirm { client_name, confirmation: self.confirmation(&session), ends_at: back });
            }
            straight |= proven;
            told = self.told(&session).await?;
            let rest = LogoutRest { client_name: client_name.clone(), back: back.clone().map(with_state), straight };
            upstream = self.away(witness, &session, rest).await;
            self.commit(self.end_session(Changes::default(), witness, &session, &Actor::Account(session.account), Reason::Logout)).await?;
        }
        Ok(LogoutNext::Done { client_name, back: back.map(with_state), straight, told, upstream })
    }

    /// Where the session's provider signs its person out, if it is to be asked. One that can't say holds nobody up: the person is signed out here.
    async fn away(&self, witness: &Witness, session: &Session, rest: LogoutRest) -> Option<String> {
        let providers = self.providers().await.ok()?;
        let way = providers.find(&session.provider)?.made.as_ref().ok()?.sign_out()?;
        let carried = Carried {
            expires: witness.now + LONGEST_AWAY,
            client_name: rest.client_name,
            back: rest.back.map(|answer| (answer.to, answer.location)),
            straight: rest.straight,
        };
        let plain = serde_json::to_vec(&carried).ok()?;
        let state = codec::encode(&self.sealer.seal(Purpose::LogoutReturn, b"", &plain).0);
        match way.leave(&self.settings.url("/logout/back"), &state).await {
            Ok(address) => address,
            Err(error) => {
                tracing::warn!(provider = %session.provider, ?error, "nobody can be signed out at this provider now");
                None
            }
        }
    }

    /// Where somebody goes who comes back from signing out at their provider. What we did not send there ourselves leads nowhere.
    pub fn logout_back(&self, witness: &Witness, state: Option<&str>) -> LogoutRest {
        let opened = || {
            let plain = self.sealer.open(Purpose::LogoutReturn, b"", &Sealed(codec::decode(state?)?))?;
            serde_json::from_slice::<Carried>(&plain).ok().filter(|carried| witness.now < carried.expires)
        };
        opened().map_or_else(LogoutRest::default, |carried| LogoutRest {
            client_name: carried.client_name,
            back: carried.back.map(|(to, location)| AppAnswer { to, form: None, location }),
            straight: carried.straight,
        })
    }

    /// The apps of a session that are registered to hear of its end, by their names.
    async fn told(&self, session: &Session) -> Result<Vec<ToldApp>, Halt> {
        let mut told = Vec::new();
        for id in self.store.clients_in(&session.id).await? {
            let Some(client) = self.store.client(&id).await?.filter(|client| !client.disabled && client.logout.is_told()) else { continue };
            told.push(ToldApp { name: client.name.clone(), frame: client.logout_frame(&self.settings.issuer, session.id) });
        }
        told.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(told)
    }

    fn hint(&self, witness: &Witness, asked: &LogoutAsked) -> Result<Option<IdTokenHint>, Fault> {
        let Some(text) = asked.id_token_hint.as_deref() else { return Ok(None) };
        let hint = self.signer.verify_id_token_hint(text, witness.now);
        hint.map(Some).ok_or(Fault::Logout("id_token_hint is not an ID token of this issuer"))
    }

    async fn logout_client(&self, asked: &LogoutAsked, hint: Option<&IdTokenHint>) -> Result<Option<std::sync::Arc<Client>>, Halt> {
        let named = asked.client_id.as_deref().map(ClientId::parse).transpose().map_err(|_| Fault::Logout("client_id is not known"))?;
        let id = match (named, hint) {
            (Some(named), Some(hint)) if named != hint.client => {
                return Err(Fault::Logout("client_id is not the client that id_token_hint was issued to").into());
            }
            (Some(named), _) => named,
            (None, Some(hint)) => hint.client.clone(),
            (None, None) => return Ok(None),
        };
        let client = self.store.client(&id).await?.filter(|client| !client.disabled);
        client.map(Some).ok_or_else(|| Fault::Logout("client_id is not known").into())
    }

    /// Bound to the session by its secret digest, so no other site can make one (attack 66).
    fn confirmation(&self, session: &Session) -> String {
        self.sealer.tag(Purpose::LogoutConfirmation, &session.digest.0).to_hex()
    }

    fn confirms(&self, given: &str, session: &Session) -> bool {
        Digest::from_hex(given).is_some_and(|tag| self.sealer.tag_matches(Purpose::LogoutConfirmation, &session.digest.0, &tag))
    }
}

/// The registered address the browser goes to afterwards: exact, and only of a client that is known (§3).
fn leads_back(asked: &LogoutAsked, client: Option<&Client>) -> Result<Option<RegisteredUri>, Fault> {
    let Some(uri) = asked.post_logout_redirect_uri.as_deref() else { return Ok(None) };
    let client = client.ok_or(Fault::Logout("post_logout_redirect_uri needs client_id or id_token_hint beside it"))?;
    let registered = client.post_logout_redirect_uris.iter().find(|registered| registered.as_str() == uri);
    registered.cloned().map(Some).ok_or(Fault::Logout("post_logout_redirect_uri is not registered for this client"))
}
