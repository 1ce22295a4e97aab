//! The words of the API about accounts. What stands in the comments here is what the OpenAPI document says.

mod consent;

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Example};
use serde_json::Value;
use vestibule_domain::{
    account::{Account, Evidence, Link, LinkedBy, Profile},
    grant::Grant,
    session::Session,
    settings::Lifetimes,
    time::Timestamp,
};

pub(super) use self::consent::ConsentList;
use crate::admin::{
    body::{Fields, Read},
    text::{Moment, Text},
};

/// A person, as this house knows them.
#[derive(Object)]
#[oai(rename = "Account", example)]
pub(super) struct AccountObject {
    /// Its id: the `sub` of tokens for clients of the subject type `public`. Never given to anybody else.
    id: String,
    /// Whether it signs in nowhere.
    disabled: bool,
    /// What their last sign-in said of them.
    profile: ProfileObject,
    /// When they first came.
    created_at: Text<Moment>,
    /// When they last signed in.
    signed_in_at: Text<Moment>,
}

impl From<Account> for AccountObject {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.to_string(),
            disabled: account.disabled,
            profile: account.profile.into(),
            created_at: account.created.into(),
            signed_in_at: account.updated.into(),
        }
    }
}

const EXAMPLE_ID: &str = "7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71";
const EXAMPLE_LINK: &str = "019ab55f-7c00-7d4e-9a3b-0c1d2e3f4a5b";
const EXAMPLE_SESSION: &str = "019ab55f-7c00-7b21-8c4d-5e6f708192a3";
const EXAMPLE_GRANT: &str = "019ab55f-7c00-7a1e-8c4d-5e6f708192a3";
const EXAMPLE_LOGIN: &str = "019ab55f-7c00-79aa-b5c6-d7e8f9012345";
const EXAMPLE_TIME: Timestamp = Timestamp::from_secs(1_795_514_400);

impl Example for AccountObject {
    fn example() -> Self {
        Self {
            id: EXAMPLE_ID.into(),
            disabled: false,
            profile: ProfileObject::example(),
            created_at: EXAMPLE_TIME.into(),
            signed_in_at: EXAMPLE_TIME.into(),
        }
    }
}

/// Claims about a person, as a provider's claim map makes them (OpenID Connect Core 1.0 §5.1). What is absent was not said.
#[derive(Object)]
#[oai(rename = "Profile", example, skip_serializing_if_is_none)]
pub(super) struct ProfileObject {
    /// The full name.
    name: Option<String>,
    /// The given name.
    given_name: Option<String>,
    /// The family name.
    family_name: Option<String>,
    /// What they are called.
    nickname: Option<String>,
    /// Their user name at the provider. Not unique.
    preferred_username: Option<String>,
    /// The address of a page about them.
    profile: Option<String>,
    /// The address of a picture of them.
    picture: Option<String>,
    /// The address of their own page.
    website: Option<String>,
    /// Their language, as BCP 47 writes it.
    locale: Option<String>,
    /// Their time zone.
    zoneinfo: Option<String>,
    /// Their e-mail address. Identifies nobody.
    email: Option<String>,
    /// Whether the provider vouches for the address, and is believed.
    email_verified: bool,
    /// Their groups.
    groups: Vec<String>,
    /// What the provider's claim map makes besides, by name.
    #[oai(default, skip_serializing_if_is_empty)]
    custom: BTreeMap<String, Value>,
}

impl From<Profile> for ProfileObject {
    fn from(said: Profile) -> Self {
        Self {
            name: said.name,
            given_name: said.given_name,
            family_name: said.family_name,
            nickname: said.nickname,
            preferred_username: said.preferred_username,
            profile: said.profile,
            picture: said.picture,
            website: said.website,
            locale: said.locale,
            zoneinfo: said.zoneinfo,
            email: said.email,
            email_verified: said.email_verified,
            groups: said.groups,
            custom: said.custom,
        }
    }
}

impl Example for ProfileObject {
    fn example() -> Self {
        Profile {
            name: Some("Ada Lovelace".into()),
            preferred_username: Some("ada".into()),
            email: Some("ada@corp.example".into()),
            email_verified: true,
            groups: vec!["engineering".into()],
            ..Profile::default()
        }
        .into()
    }
}

/// Some accounts, in the order of their ids. `Link` leads to the next ones, if there are any.
#[derive(Object)]
#[oai(example)]
pub(super) struct AccountPage {
    items: Vec<AccountObject>,
}

impl AccountPage {
    pub(super) fn new(accounts: Vec<Account>) -> Self {
        Self { items: accounts.into_iter().map(Into::into).collect() }
    }
}

impl Example for AccountPage {
    fn example() -> Self {
        Self { items: vec![AccountObject::example()] }
    }
}

/// What can be changed of an account.
#[derive(Object)]
#[oai(example, deny_unknown_fields, skip_serializing_if_is_none)]
pub(super) struct AccountChange {
    /// Whether it signs in nowhere. Left out, it stays as it is.
    pub(super) disabled: Option<bool>,
}

impl Read for AccountChange {
    const MAY_BE_EMPTY: bool = false;
    const READ_ONLY: &'static [&'static str] = &["id", "profile", "created_at", "signed_in_at"];

    fn read(fields: &mut Fields) -> Self {
        let disabled = fields.flag("disabled");
        if disabled.is_none() {
            // A merge patch took it away; to read that as "enabled" would let somebody in again by a slip.
            fields.is_missing("disabled", "true or false; an account is always one or the other");
        }
        Self { disabled }
    }
}

impl Example for AccountChange {
    fn example() -> Self {
        Self { disabled: Some(true) }
    }
}

/// One way into an account, and why it leads there.
#[derive(Object)]
#[oai(rename = "Link", example)]
pub(super) struct LinkObject {
    /// Its id.
    id: String,
    /// Which provider vouches.
    provider: String,
    /// The issuer that vouches, as it names itself.
    issuer: String,
    /// The issuer's unchanging name for the person.
    subject: String,
    /// Why it leads to this account.
    evidence: EvidenceObject,
    /// What the provider said of the person last.
    profile: ProfileObject,
    /// When it was made.
    created_at: Text<Moment>,
    /// When the provider last said it: at a sign-in, or when its tokens were refreshed.
    seen_at: Text<Moment>,
}

/// Why a link leads to its account.
#[derive(Object)]
#[oai(rename = "Evidence", skip_serializing_if_is_none)]
pub(super) struct EvidenceObject {
    /// `first_sign_in`: it is how they first came. `person`: they asked for it, signed in, and signed in there. `email`: both sides had verified the same
    /// address, and the provider is the authority for its domain.
    by: Text<LinkedBy>,
    /// The login that made it, as audit events name it.
    login: String,
    /// The session in which the person asked for it.
    session: Option<String>,
    /// The link whose verified address was the same, where that is the reason.
    same_email_as: Option<String>,
}

impl From<Evidence> for EvidenceObject {
    fn from(evidence: Evidence) -> Self {
        Self {
            by: evidence.by.into(),
            login: evidence.login.to_string(),
            session: evidence.session.map(|session| session.to_string()),
            same_email_as: evidence.same_email_as.map(|link| link.to_string()),
        }
    }
}

impl From<Link> for LinkObject {
    fn from(link: Link) -> Self {
        Self {
            id: link.id.to_string(),
            provider: link.key.provider.to_string(),
            issuer: link.key.issuer,
            subject: link.key.subject,
            evidence: link.evidence.into(),
            profile: link.profile.into(),
            created_at: link.created.into(),
            seen_at: link.seen.into(),
        }
    }
}

impl Example for LinkObject {
    fn example() -> Self {
        Self {
            id: EXAMPLE_LINK.into(),
            provider: "google".into(),
            issuer: "https://accounts.google.com".into(),
            subject: "110169484474386276334".into(),
            evidence: EvidenceObject { by: LinkedBy::FirstSignIn.into(), login: EXAMPLE_LOGIN.into(), session: None, same_email_as: None },
            profile: ProfileObject::example(),
            created_at: EXAMPLE_TIME.into(),
            seen_at: EXAMPLE_TIME.into(),
        }
    }
}

/// The ways into an account, oldest first.
#[derive(Object)]
#[oai(example)]
pub(super) struct LinkList {
    items: Vec<LinkObject>,
}

impl LinkList {
    pub(super) fn new(links: Vec<Link>) -> Self {
        Self { items: links.into_iter().map(Into::into).collect() }
    }
}

impl Example for LinkList {
    fn example() -> Self {
        Self { items: vec![LinkObject::example()] }
    }
}

/// A browser that is signed in.
#[derive(Object)]
#[oai(rename = "Session", example, skip_serializing_if_is_none)]
pub(super) struct SessionObject {
    /// Its id: the `sid` of the tokens that were given in it.
    id: String,
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

/// Where somebody is signed in, newest first.
#[derive(Object)]
#[oai(example)]
pub(super) struct SessionList {
    items: Vec<SessionObject>,
}

impl SessionList {
    pub(super) fn new(sessions: &[Session], lifetimes: &Lifetimes) -> Self {
        let shown = |session: &Session| SessionObject {
            id: session.id.to_string(),
            provider: session.provider.to_string(),
            link: session.link.to_string(),
            auth_time: session.auth_time.into(),
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            created_at: session.created.into(),
            seen_at: session.last_seen.into(),
            expires_at: session.expires(lifetimes).into(),
        };
        Self { items: sessions.iter().map(shown).collect() }
    }
}

impl Example for SessionObject {
    fn example() -> Self {
        Self {
            id: EXAMPLE_SESSION.into(),
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
pub(super) struct GrantObject {
    /// Its id, part of every token of it.
    id: String,
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
pub(super) struct GrantList {
    items: Vec<GrantObject>,
}

impl GrantList {
    pub(super) fn new(grants: &[Grant]) -> Self {
        let shown = |grant: &Grant| GrantObject {
            id: grant.id.to_string(),
            client_id: grant.client.to_string(),
            session: grant.session.to_string(),
            provider: grant.provider.to_string(),
            link: grant.link.to_string(),
            scope: grant.scopes.to_string(),
            created_at: grant.issued.into(),
            used_at: grant.last_used().into(),
            expires_at: grant.expires().into(),
        };
        Self { items: grants.iter().map(shown).collect() }
    }
}

impl Example for GrantObject {
    fn example() -> Self {
        Self {
            id: EXAMPLE_GRANT.into(),
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
