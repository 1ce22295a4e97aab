//! The words of the API about accounts. What stands in the comments here is what the OpenAPI document says.

mod consent;

use std::collections::BTreeMap;

use poem_openapi::{Object, types::Example};
use serde_json::Value;
use vestibule_domain::{
    account::{Account, Evidence, Link, LinkedBy, Profile},
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

pub(in crate::admin) const EXAMPLE_ID: &str = "7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71";
pub(in crate::admin) const EXAMPLE_LINK: &str = "019ab55f-7c00-7d4e-9a3b-0c1d2e3f4a5b";
const EXAMPLE_LOGIN: &str = "019ab55f-7c00-79aa-b5c6-d7e8f9012345";
pub(in crate::admin) const EXAMPLE_TIME: Timestamp = Timestamp::from_secs(1_795_514_400);

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
