//! The words of the API about sessions and grants. What stands in the comments here is what the OpenAPI document says.

use poem_openapi::{Object, types::Example};
use vestibule_domain::{grant::Grant, session::Session, settings::Lifetimes};

use crate::admin::{
    accounts::{EXAMPLE_ID, EXAMPLE_LINK, EXAMPLE_TIME},
    text::{Moment, Text},
};

const EXAMPLE_SESSION: &str = "019ab55f-7c00-7b21-8c4d-5e6f708192a3";
const EXAMPLE_GRANT: &str = "019ab55f-7c00-7a1e-8c4d-5e6f708192a3";

/// A browser that is signed in.
#[derive(Object)]
#[oai(rename = "Session", example, skip_serializing_if_is_none)]
pub(in crate::admin) struct SessionObject {
    /// Its id: the `sid` of the tokens that were given in it.
    id: String,
    /// Who is signed in.
    account: String,
    /// Which provider they came through.
    provider: String,
    /// By which of the account's links.
    link: String,
    /// When they last proved who they are.
    auth_time: Text<Moment>,
    /// How, as the provider said it.
    acr: Option<String>,
    /// By which methods, as the provider said it (RFC 8176).
    amr: Vec<String>,
    /// When it began.
    created_at: Text<Moment>,
    /// When it was last used, to the minute.
    seen_at: Text<Moment>,
    /// When it ends if it is not used again.
    expires_at: Text<Moment>,
}

/// Browsers that are signed in, newest first.
#[derive(Object)]
#[oai(example)]
pub(in crate::admin) struct SessionList {
    items: Vec<SessionObject>,
}

impl SessionList {
    pub(in crate::admin) fn new(sessions: &[Session], lifetimes: &Lifetimes) -> Self {
        Self { items: sessions.iter().map(|session| SessionObject::new(session, lifetimes)).collect() }
    }
}

impl SessionObject {
    pub(in crate::admin) fn new(session: &Session, lifetimes: &Lifetimes) -> Self {
        Self {
            id: session.id.to_string(),
            account: session.account.to_string(),
            provider: session.provider.to_string(),
            link: session.link.to_string(),
            auth_time: session.auth_time.into(),
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            created_at: session.created.into(),
            seen_at: session.last_seen.into(),
            expires_at: session.expires(lifetimes).into(),
        }
    }
}

impl Example for SessionObject {
    fn example() -> Self {
        Self {
            id: EXAMPLE_SESSION.into(),
            account: EXAMPLE_ID.into(),
            provider: "google".into(),
            link: EXAMPLE_LINK.into(),
            auth_time: EXAMPLE_TIME.into(),
            acr: None,
            amr: vec!["pwd".into(), "otp".into()],
            created_at: EXAMPLE_TIME.into(),
            seen_at: EXAMPLE_TIME.into(),
            expires_at: (EXAMPLE_TIME + Lifetimes::default().session_idle).into(),
        }
    }
}

impl Example for SessionList {
    fn example() -> Self {
        Self { items: vec![SessionObject::example()] }
    }
}

/// What one sign-in gave one app.
#[derive(Object)]
#[oai(rename = "Grant", example, skip_serializing_if_is_none)]
pub(in crate::admin) struct GrantObject {
    /// Its id, part of every token of it.
    id: String,
    /// Whose.
    account: String,
    /// Which app.
    client_id: String,
    /// In which session.
    session: String,
    /// Which provider they came through.
    provider: String,
    /// By which of the account's links.
    link: String,
    /// What was granted, separated by spaces.
    scope: String,
    /// When it was given.
    created_at: Text<Moment>,
    /// When the app last got tokens from it.
    used_at: Text<Moment>,
    /// When nothing of it is good any more, if it is not used again.
    expires_at: Text<Moment>,
}

/// What apps were given, newest first.
#[derive(Object)]
#[oai(example)]
pub(in crate::admin) struct GrantList {
    items: Vec<GrantObject>,
}

impl GrantList {
    pub(in crate::admin) fn new(grants: &[Grant]) -> Self {
        Self { items: grants.iter().map(Into::into).collect() }
    }
}

impl From<&Grant> for GrantObject {
    fn from(grant: &Grant) -> Self {
        Self {
            id: grant.id.to_string(),
            account: grant.account.to_string(),
            client_id: grant.client.to_string(),
            session: grant.session.to_string(),
            provider: grant.provider.to_string(),
            link: grant.link.to_string(),
            scope: grant.scopes.to_string(),
            created_at: grant.issued.into(),
            used_at: grant.last_used().into(),
            expires_at: grant.expires().into(),
        }
    }
}

impl Example for GrantObject {
    fn example() -> Self {
        Self {
            id: EXAMPLE_GRANT.into(),
            account: EXAMPLE_ID.into(),
            client_id: "grafana".into(),
            session: EXAMPLE_SESSION.into(),
            provider: "google".into(),
            link: EXAMPLE_LINK.into(),
            scope: "openid profile email".into(),
            created_at: EXAMPLE_TIME.into(),
            used_at: EXAMPLE_TIME.into(),
            expires_at: (EXAMPLE_TIME + Lifetimes::default().refresh_idle).into(),
        }
    }
}

impl Example for GrantList {
    fn example() -> Self {
        Self { items: vec![GrantObject::example()] }
    }
}
