//! Accounts, and the links that lead to them.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AccountId, LoginId, ProviderId},
    scope::Scopes,
    secret::Sealed,
    time::Timestamp,
};

/// A person, as this house knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The `sub` of their tokens.
    pub id: AccountId,
    /// What their last sign-in said of them.
    pub profile: Profile,
    /// When they first came.
    pub created: Timestamp,
    /// When they last signed in.
    pub updated: Timestamp,
    /// A disabled account signs in nowhere, and what it had stops working.
    pub disabled: bool,
}

/// What identifies a person upstream. E-mail never does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LinkKey {
    /// Which configured provider: two with the same issuer are two.
    pub provider: ProviderId,
    /// The issuer that vouches, exactly as it names itself.
    pub issuer: String,
    /// Its stable name for the person.
    pub subject: String,
}

/// One way into an account, and why it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Whom it is for upstream.
    pub key: LinkKey,
    /// Whom it leads to here.
    pub account: AccountId,
    /// When it was made.
    pub created: Timestamp,
    /// The login that made it.
    pub login: LoginId,
}

/// Claims about a person (OpenID Connect Core 1.0 §5.1). What is absent was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// True only when the provider said so; absent means no.
    pub email_verified: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

impl Profile {
    /// What the granted scopes let out (OpenID Connect Core 1.0 §5.4). The one place where claims are released.
    #[must_use]
    pub fn released(&self, scopes: &Scopes) -> Released {
        let profile = scopes.has("profile");
        let email = scopes.has("email");
        Released {
            profile: Self {
                email: self.email.clone().filter(|_| email),
                email_verified: self.email_verified && email,
                groups: if scopes.has("groups") { self.groups.clone() } else { Vec::new() },
                ..if profile { self.clone() } else { Self::default() }
            },
            email: email && self.email.is_some(),
            groups: scopes.has("groups"),
        }
    }
}

/// Claims that may go out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// The claims themselves; the rest is blank.
    pub profile: Profile,
    /// Whether `email_verified` is to be said at all.
    pub email: bool,
    /// Whether `groups` is to be said, even when empty: clients expect an array.
    pub groups: bool,
}

/// An upstream's tokens for a person, sealed. Opened only to refresh them or under an explicit rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamTokens {
    /// Whose, and from where.
    pub link: LinkKey,
    /// The tokens, sealed for [`crate::secret::Purpose::UpstreamTokens`] with the link as context.
    pub sealed: Sealed,
    /// When the upstream's access token expires, if it said.
    pub expires: Option<Timestamp>,
    /// When they were received.
    pub received: Timestamp,
}
