//! A request and the session that stands in the browser: whether it is enough.

use std::time::Duration;

use super::{AuthorizationRequest, Prompt};
use crate::{
    client::Client,
    error::{OAuthError, OAuthErrorCode},
    session::Session,
    time::Timestamp,
};

/// How far a provider's clock may be from ours when the age of a sign-in is judged.
const SKEW: Duration = Duration::from_mins(1);

impl AuthorizationRequest {
    /// Whether nothing may be shown.
    pub fn is_silent(&self) -> bool {
        self.prompt.contains(&Prompt::None)
    }

    /// Whether the person must prove who they are again, upstream, whatever session there is. `max_age=0` is `prompt=login`
    /// (OpenID Connect Core 1.0 §3.1.2.1), also within the second of a sign-in.
    pub fn wants_fresh_sign_in(&self, session: Option<&Session>, now: Timestamp) -> bool {
        let is_too_old = |most: Duration| most.is_zero() || session.is_some_and(|session| now.since(session.auth_time) > most);
        self.prompt.contains(&Prompt::Login) || self.max_age.is_some_and(is_too_old)
    }

    /// Whether an upstream's sign-in at `said` is too old for the request of somebody who was sent there at `departed`. An upstream that was
    /// asked for an age must say when it was (OpenID Connect Core 1.0 §2); one that was asked to prompt may be believed that it did.
    pub fn is_stale(&self, said: Option<Timestamp>, departed: Timestamp, now: Timestamp) -> bool {
        let Some(said) = said else { return self.max_age.is_some() };
        let too_old = self.max_age.is_some_and(|most| now.since(said) > most + SKEW);
        let not_again = self.prompt.contains(&Prompt::Login) && departed.since(said) > SKEW;
        too_old || not_again
    }

    /// What a session that stands in this browser means for the request, and what is known of its person.
    pub fn meets(&self, session: Option<&Session>, person: Person, client: &Client, now: Timestamp) -> Meeting {
        let silent = |code, why| {
            if self.is_silent() { Meeting::Refuse(OAuthError::new(code, why)) } else { Meeting::SignIn }
        };
        let Some(session) = session else {
            return silent(OAuthErrorCode::LoginRequired, "nobody is signed in in this browser");
        };
        if !person.is_expected {
            return silent(OAuthErrorCode::LoginRequired, "somebody else than the request names is signed in in this browser");
        }
        if !self.claims.accepts(session.acr.as_deref()) {
            return silent(OAuthErrorCode::LoginRequired, "the person did not sign in in one of the ways that claims demands");
        }
        if !person.is_welcome {
            return silent(
                OAuthErrorCode::LoginRequired,
                "a rule here does not let the person who is signed in in this browser into this client",
            );
        }
        if self.wants_fresh_sign_in(Some(session), now) {
            return silent(OAuthErrorCode::LoginRequired, "the sign-in is older than max_age");
        }
        if self.prompt.contains(&Prompt::SelectAccount) {
            return Meeting::SignIn;
        }
        if person.has_allowed {
            return Meeting::SessionIsEnough;
        }
        let ask = |code, why| if self.is_silent() { Meeting::Refuse(OAuthError::new(code, why)) } else { Meeting::Ask };
        if client.is_impersonable_at(&self.redirect_uri) {
            return ask(OAuthErrorCode::InteractionRequired, "a native app needs the person to act each time");
        }
        if person.must_consent {
            return ask(OAuthErrorCode::ConsentRequired, "the person has not allowed this client what it asks for");
        }
        Meeting::SessionIsEnough
    }
}

/// What is known of the person of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Whether it is whom `id_token_hint` or `claims` names, if they name somebody.
    pub is_expected: bool,
    /// Whether [`policy::stands`](crate::policy::stands) for them.
    pub is_welcome: bool,
    /// Whether [`consent::is_needed`](crate::consent::is_needed) from them.
    pub must_consent: bool,
    /// Whether they have just said yes to this very request.
    pub has_allowed: bool,
}

/// What comes next for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// The session answers it; no page, no upstream.
    SessionIsEnough,
    /// The session answers it once its person has allowed it.
    Ask,
    /// The person signs in.
    SignIn,
    /// The app is told no.
    Refuse(OAuthError),
}
