//! Grants and their refresh families.

use serde::{Deserialize, Serialize};

use crate::{
    authorize::Nonce,
    claims_request::WantedClaims,
    client::{Client, closed_enum},
    code::Code,
    error::OAuthError,
    ids::{AccountId, ClientId, GrantId, LinkId, LoginId, ProviderId, SessionId},
    possession::Confirmation,
    resource::Resources,
    scope::Scopes,
    settings::Lifetimes,
    time::Timestamp,
};
use std::{fmt, str::FromStr};

/// What one sign-in gave one client. Every token issued from it names it, so ending it ends them all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id, part of every token.
    pub id: GrantId,
    /// For whom.
    pub client: ClientId,
    /// Whose.
    pub account: AccountId,
    /// The session it began in.
    pub session: SessionId,
    /// The login it came from.
    pub login: LoginId,
    /// Through which provider the person came.
    pub provider: ProviderId,
    /// By which of the account's links.
    pub link: LinkId,
    /// What was granted; a refresh may ask for less, never for more.
    pub scopes: Scopes,
    /// Claims that were asked for by name.
    #[serde(default, skip_serializing_if = "WantedClaims::is_empty")]
    pub claims: WantedClaims,
    /// For which resources, if any was named; a token may be for fewer, never for others (RFC 8707 §2.2).
    pub resources: Resources,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// As the upstream said it.
    pub acr: Option<String>,
    /// As the upstream said it.
    pub amr: Vec<String>,
    /// For the ID tokens (OpenID Connect Core 1.0 §12.2).
    pub nonce: Option<Nonce>,
    /// What its tokens are bound to since its code was redeemed.
    pub confirmation: Confirmation,
    /// When it was made.
    pub issued: Timestamp,
    /// When the last access token issued from it expires, at the latest.
    pub access_expires: Timestamp,
    /// The refresh family, if the client has one.
    pub family: Option<RefreshFamily>,
    /// Set when it ended before its time.
    pub revoked: Option<Revoked>,
}

/// One row for a whole family: a token is (grant, generation, MAC), so history does not grow tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFamily {
    /// The generation whose token is good.
    pub generation: u32,
    /// When it became so.
    pub rotated: Timestamp,
    /// When it dies of disuse.
    pub idle_expires: Timestamp,
    /// When it dies in any case (ASVS 5.0 §10.4.8).
    pub absolute_expires: Timestamp,
}

/// When and why a grant ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub by: RevokedBy,
}

closed_enum! {
    /// Why a grant ended.
    RevokedBy {
        /// RFC 7009.
        Client = "client",
        /// Its code was used twice.
        CodeReplay = "code_replay",
        /// An old refresh token came back.
        RefreshReuse = "refresh_reuse",
        /// The person signed out.
        Logout = "logout",
        /// The person took it back from the app.
        Person = "person",
        /// An operator ended it.
        Admin = "admin",
        /// The link the person came by was undone.
        Unlinked = "unlinked",
        /// The provider the person came by honours them no more.
        UpstreamDenied = "upstream_denied",
    }
}

/// What a refresh token leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// The good one: generation `from` becomes `to`, which is the same where tokens do not change with their use.
    Rotate {
        /// The generation presented.
        from: u32,
        /// Its successor.
        to: u32,
        /// The family after it.
        family: RefreshFamily,
    },
    /// The one just before, within the grace: the same successor again, nothing written. An app whose answer got lost is not punished.
    Repeat {
        /// The generation that is good now.
        generation: u32,
    },
    /// An older one: somebody has a copy. The grant ends (OAuth 2.1 §4.3.1).
    Reused,
}

/// Why a refresh is refused without anything being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshFault {
    /// Another client's, or no family at all.
    Unknown,
    /// Ended before.
    Revoked,
    /// Unused for too long, or too old.
    Expired,
    /// What it is bound to was not shown.
    Unproven,
}

impl Grant {
    /// The grant a redeemed code makes.
    pub fn from_code(code: &Code, client: &Client, now: Timestamp, lifetimes: &Lifetimes) -> Self {
        let absolute_expires = now + lifetimes.refresh_absolute;
        let family = client.refreshes().then(|| RefreshFamily {
            generation: 0,
            rotated: now,
            idle_expires: (now + lifetimes.refresh_idle).min(absolute_expires),
            absolute_expires,
        });
        Self {
            id: code.grant,
            client: code.client.clone(),
            account: code.account,
            session: code.session,
            login: code.login,
            provider: code.provider.clone(),
            link: code.link,
            scopes: code.scopes.clone(),
            claims: code.claims.clone(),
            resources: code.resources.clone(),
            auth_time: code.auth_time,
            acr: code.acr.clone(),
            amr: code.amr.clone(),
            nonce: code.nonce.clone(),
            confirmation: Confirmation::default(),
            issued: now,
            access_expires: now + lifetimes.access_token,
            family,
            revoked: None,
        }
    }

    /// Whether tokens issued from it are still good, as far as the grant says.
    pub fn is_alive(&self) -> bool {
        self.revoked.is_none()
    }

    /// When an app last got tokens from it.
    pub fn last_used(&self) -> Timestamp {
        self.family.as_ref().map_or(self.issued, |family| family.rotated.max(self.issued))
    }

    /// Whether it ends with its session: everything does but what the person was asked to leave on (`offline_access`).
    pub fn ends_with_session(&self) -> bool {
        !self.scopes.has("offline_access")
    }

    /// When nothing issued from it can be good any more, and its row may go.
    pub fn expires(&self) -> Timestamp {
        let refresh = self.family.as_ref().map_or(self.access_expires, |family| family.idle_expires);
        refresh.max(self.access_expires)
    }

    /// What presenting generation `presented` leads to. The token's MAC was checked before.
    pub fn refresh(&self, client: &Client, presented: u32, now: Timestamp, lifetimes: &Lifetimes) -> Result<Refresh, RefreshFault> {
        let family = self.family.as_ref().filter(|_| self.client == client.id).ok_or(RefreshFault::Unknown)?;
        if self.revoked.is_some() {
            return Err(RefreshFault::Revoked);
        }
        if now >= family.idle_expires || now >= family.absolute_expires {
            return Err(RefreshFault::Expired);
        }
        if presented > family.generation {
            return Err(RefreshFault::Unknown);
        }
        if presented == family.generation {
            let to = presented.checked_add(u32::from(client.rotates_refresh_tokens())).ok_or(RefreshFault::Expired)?;
            let idle_expires = (now + lifetimes.refresh_idle).min(family.absolute_expires);
            let family = RefreshFamily { generation: to, rotated: now, idle_expires, absolute_expires: family.absolute_expires };
            return Ok(Refresh::Rotate { from: presented, to, family });
        }
        let just_before = presented + 1 == family.generation;
        if just_before && now.since(family.rotated) < lifetimes.refresh_grace {
            return Ok(Refresh::Repeat { generation: family.generation });
        }
        Ok(Refresh::Reused)
    }

    /// Whether who refreshes holds what the refresh token is bound to (RFC 9449 §5, RFC 8705 §4).
    ///
    /// A public client has nothing but its key to be known by, so it must be the same one; and where there was none, its refresh token would stay
    /// unbound beside a bound access token, which is refused. A confidential client may come with a new key, but not with none: that would turn what
    /// was bound to a sender into something that whoever has it can use.
    pub fn may_be_refreshed_with(&self, shown: &Confirmation, client: &Client) -> bool {
        if client.is_public() { self.confirmation == *shown } else { self.confirmation.is_kept_by(shown) }
    }

    /// The claims that were asked for by name, for a token of these scopes in the hands of this client. One that was narrowed has lost them, and one
    /// that another app exchanged for itself never had them: the person let the first app ask.
    pub fn claims_for(&self, client: &Client, scopes: &Scopes) -> WantedClaims {
        if self.client == client.id && self.scopes.within(scopes) { self.claims.within(&client.scopes) } else { WantedClaims::default() }
    }

    /// The scopes of a refreshed token: what was granted, or less (OAuth 2.1 §4.3), within what the client may still have.
    pub fn narrowed(&self, client: &Client, asked: Option<&str>) -> Result<Scopes, OAuthError> {
        use crate::error::OAuthErrorCode::InvalidScope;
        let granted = self.scopes.common(&client.scopes);
        let Some(asked) = asked else {
            return Ok(granted);
        };
        let asked = Scopes::parse(asked).map_err(|_| OAuthError::new(InvalidScope, "scope has a character that is not allowed"))?;
        if asked.within(&granted) { Ok(asked) } else { Err(OAuthError::new(InvalidScope, "scope asks for more than was granted")) }
    }
}

impl RefreshFault {
    /// What the app is told: always `invalid_grant`.
    pub fn to_oauth(self) -> OAuthError {
        OAuthError::invalid_grant(match self {
            Self::Unknown => "this refresh token is not known",
            Self::Revoked => "this refresh token was revoked",
            Self::Expired => "this refresh token has expired",
            Self::Unproven => "this refresh token is not bound to what was shown: a DPoP proof is missing, one too many, or of another key",
        })
    }
}
