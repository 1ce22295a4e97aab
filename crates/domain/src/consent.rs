//! Consent: what a person allowed an app, and when they are asked.

use serde::{Deserialize, Serialize};

use crate::{
    authorize::{AuthorizationRequest, Prompt},
    client::{Client, ConsentMode},
    ids::{AccountId, ClientId},
    scope::Scopes,
    time::Timestamp,
};

/// What a person allowed an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Who.
    pub account: AccountId,
    /// Which app.
    pub client: ClientId,
    /// To which host their answer went, or to which scheme of an installed app.
    pub host: String,
    /// What.
    pub scopes: Scopes,
    /// When, last.
    pub given: Timestamp,
}

impl Consent {
    /// Where it stands among those of its account. No client's id has a space.
    pub fn place(&self) -> String {
        format!("{} {}", self.client, self.host)
    }

    /// What somebody allows who says yes to a request, with what they allowed at the same host before: to be asked for less does not take back more.
    pub fn to(request: &AuthorizationRequest, account: AccountId, before: &[Self], client: &Client, now: Timestamp) -> Self {
        let host = request.redirect_uri.shown_host();
        let before = before.iter().find(|consent| consent.host == host && consent.is_for(client));
        let scopes = before.map_or_else(|| request.told(), |before| before.scopes.union(&request.told()));
        Self { account, client: client.id.clone(), host, scopes, given: now }
    }

    /// Whether it was given to this client, and not to one that had its name before.
    fn is_for(&self, client: &Client) -> bool {
        self.client == client.id && self.given >= client.created
    }

    /// Whether a request asks for nothing else and leads nowhere else (attack 41: what is remembered is good for what was read, and for no more).
    fn covers(&self, request: &AuthorizationRequest, client: &Client) -> bool {
        self.is_for(client) && self.host == request.redirect_uri.shown_host() && request.told().within(&self.scopes)
    }
}

/// Whether somebody who says yes will be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Only when the app wants more, or leads elsewhere.
    ForMore,
    /// Every time.
    EachTime,
    /// When the app wants them to be.
    AsTheAppAsks,
}

impl Again {
    /// What holds for a request of this client.
    pub fn of(client: &Client, request: &AuthorizationRequest) -> Self {
        match client.consent {
            _ if !client.is_vetted() || client.is_impersonable_at(&request.redirect_uri) => Self::EachTime,
            ConsentMode::Always => Self::EachTime,
            ConsentMode::Remembered => Self::ForMore,
            ConsentMode::Implicit => Self::AsTheAppAsks,
        }
    }
}

/// Whether the person must be asked before the app gets a code; `given` is what they allowed it so far. `offline_access` is asked for like any
/// other scope: who registered an app with [`ConsentMode::Implicit`] allowed it for everybody (OpenID Connect Core 1.0 §11).
pub fn is_needed(client: &Client, request: &AuthorizationRequest, given: &[Consent]) -> bool {
    request.prompt.contains(&Prompt::Consent)
        || match client.consent {
            ConsentMode::Implicit => !client.is_vetted(),
            ConsentMode::Remembered => !given.iter().any(|consent| consent.covers(request, client)),
            ConsentMode::Always => true,
        }
}
