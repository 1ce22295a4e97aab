//! Accounts, and the links that lead to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    claims::{Claims, RESERVED, STANDARD, is_claim_name, is_printable, matches_pattern},
    client::{Client, closed_enum},
    email::EmailAddress,
    ids::{AccountId, LinkId, LoginId, ProviderId, SessionId},
    ports::{Entropy, Sealer},
    registration::escaped,
    scope::Scopes,
    secret::Sealed,
    time::Timestamp,
};

/// A person, as this house knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Names them here, and at public clients ([`Account::name_at`]).
    pub id: AccountId,
    /// What their last sign-in said of them.
    pub profile: Profile,
    /// When they first came.
    pub created: Timestamp,
    /// When they last signed in.
    pub updated: Timestamp,
    /// A disabled account signs in nowhere, and what it had stops working.
    pub disabled: bool,
    /// Random, made with the account and never changed: what its names at pairwise clients are derived from.
    pub salt: Salt,
}

/// 128 random bits. Whoever knows them and an account can tell which of its pairwise names belong together, so no client ever sees them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(pub [u8; 16]);

impl Salt {
    /// A new one.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(bytes)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

impl Account {
    /// What a client knows the person as: the `sub` of its tokens. At a pairwise client it is derived from the client's sector, so that two sectors
    /// can't tell that they know the same person (OpenID Connect Core 1.0 §8.1). It never changes and looks like any other.
    pub fn name_at(&self, client: &Client, sealer: &dyn Sealer) -> AccountId {
        let Some(sector) = client.sector() else { return self.id };
        let named = [b"pairwise\0", self.salt.0.as_slice(), self.id.0.as_bytes(), sector.as_bytes()].concat();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&sealer.hash(&named).0[..16]);
        AccountId(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
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
    /// What sessions and grants know it by.
    pub id: LinkId,
    /// Whom it is for upstream.
    pub key: LinkKey,
    /// Whom it leads to here.
    pub account: AccountId,
    /// When it was made.
    pub created: Timestamp,
    /// Why it leads there.
    pub evidence: Evidence,
    /// What the upstream said of the person last, mapped. Rules are held against this, never against what another link brought.
    pub profile: Profile,
    /// What it said last, as it said it, within bounds; rules about an upstream's own claims read it, and so does a replay of rules.
    pub claims: Claims,
    /// When the upstream last said it: at a sign-in, or when its tokens were refreshed.
    pub seen: Timestamp,
}

/// Why a link leads to its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// How it came about.
    pub by: LinkedBy,
    /// The login that made it.
    pub login: LoginId,
    /// The session in which the person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The link whose verified address was the same, where that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_email_as: Option<LinkId>,
}

closed_enum! {
    /// How a link came about.
    LinkedBy {
        /// The first sign-in of somebody new.
        FirstSignIn = "first_sign_in",
        /// The person, signed in, asked for it and signed in there.
        Person = "person",
        /// Both sides had verified the same address, and the provider is the authority for its domain.
        Email = "email",
    }
}

impl Link {
    /// The address that the provider vouches for, if there is one: the only kind that may ever lead from one link to another's account.
    pub fn verified_email(&self) -> Option<EmailAddress> {
        self.profile.verified_email()
    }
}

/// The most bytes of an upstream's own claims that are kept with a link; beyond it only what was mapped is.
pub const MOST_CLAIM_BYTES: usize = 64 * 1024;

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
    /// What the provider's claim map makes besides.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, Value>,
}

/// The most letters of a name that people are found by.
const LONGEST_SOUGHT: usize = 200;

/// A name, or how one begins, as it is looked for: in small letters, and no more of it than anybody types.
pub fn sought(name: &str) -> String {
    name.to_lowercase().chars().filter(|letter| !letter.is_control()).take(LONGEST_SOUGHT).collect()
}

impl Profile {
    /// What the granted scopes, the names that were `asked` for besides and the client's own rules let out (OpenID Connect Core 1.0 §5.4, §5.5). The one
    /// place where claims are released.
    #[must_use]
    pub fn released(&self, scopes: &Scopes, asked: &BTreeSet<String>, release: &Release) -> Released {
        let allowed = |name: &str| release.claims.as_ref().is_none_or(|allowed| allowed.contains(name));
        let may = |scope: &str, name: &str| (scopes.has(scope) || asked.contains(name)) && allowed(name);
        let email = may("email", "email");
        let verified = email || (asked.contains("email_verified") && allowed("email"));
        let groups = may("groups", "groups");
        let text = |value: &Option<String>, name| value.clone().filter(|_| may("profile", name));
        let custom = self.custom.iter().filter(|(name, _)| may("profile", name));
        Released {
            profile: Self {
                name: text(&self.name, "name"),
                given_name: text(&self.given_name, "given_name"),
                family_name: text(&self.family_name, "family_name"),
                nickname: text(&self.nickname, "nickname"),
                preferred_username: text(&self.preferred_username, "preferred_username"),
                profile: text(&self.profile, "profile"),
                picture: text(&self.picture, "picture"),
                website: text(&self.website, "website"),
                locale: text(&self.locale, "locale"),
                zoneinfo: text(&self.zoneinfo, "zoneinfo"),
                email: self.email.clone().filter(|_| email),
                email_verified: self.email_verified && verified,
                groups: if groups { release.groups_of(&self.groups) } else { Vec::new() },
                custom: custom.map(|(name, value)| (name.clone(), value.clone())).collect(),
            },
            email: verified && self.email.is_some(),
            groups,
            rename: release.rename.clone(),
        }
    }

    /// The address, if the provider vouches for it.
    pub fn verified_email(&self) -> Option<EmailAddress> {
        self.email.as_deref().filter(|_| self.email_verified).and_then(EmailAddress::parse)
    }

    /// Whether a claim of this name is said.
    pub fn says(&self, name: &str) -> bool {
        match name {
            "name" => self.name.is_some(),
            "given_name" => self.given_name.is_some(),
            "family_name" => self.family_name.is_some(),
            "nickname" => self.nickname.is_some(),
            "preferred_username" => self.preferred_username.is_some(),
            "profile" => self.profile.is_some(),
            "picture" => self.picture.is_some(),
            "website" => self.website.is_some(),
            "locale" => self.locale.is_some(),
            "zoneinfo" => self.zoneinfo.is_some(),
            "email" => self.email.is_some(),
            "email_verified" => self.email_verified,
            "groups" => !self.groups.is_empty(),
            custom => self.custom.contains_key(custom),
        }
    }
}

/// What a client wants of the claims its scopes would let out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Release {
    /// Only these, by the names they have here. Absent means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<BTreeSet<String>>,
    /// Only groups that one of these patterns fits, in which `*` stands for any text. Empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Claims that go out under another name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
}

impl Release {
    fn groups_of(&self, groups: &[String]) -> Vec<String> {
        let fits = |group: &&String| self.groups.is_empty() || self.groups.iter().any(|pattern| matches_pattern(pattern, group));
        groups.iter().filter(fits).cloned().collect()
    }

    /// What is wrong with it: where, and what to write instead.
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        for (at, _) in self.groups.iter().enumerate().filter(|(_, pattern)| !is_printable(pattern)) {
            faults.push((format!("/groups/{at}"), "must have 1 to 512 printable characters".into()));
        }
        for (at, _) in self.claims.iter().flatten().enumerate().filter(|(_, name)| !is_claim_name(name)) {
            faults.push((format!("/claims/{at}"), "must have 1 to 100 printable ASCII characters without spaces".into()));
        }
        for (from, to) in &self.rename {
            let at = format!("/rename/{}", escaped(from));
            let taken = STANDARD.contains(&to.as_str()) || self.rename.values().filter(|other| *other == to).count() > 1;
            if RESERVED.contains(&to.as_str()) || taken {
                faults.push((at, format!("can't be {to:?}: tokens have a claim of that name already")));
            } else if !is_claim_name(to) {
                faults.push((at, "must have 1 to 100 printable ASCII characters without spaces".into()));
            }
        }
        faults
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
    /// Under which other name a claim is said.
    pub rename: BTreeMap<String, String>,
}

/// An upstream's tokens for a person, sealed. Opened only to refresh them or under an explicit rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamTokens {
    /// Whose, and from where.
    pub link: LinkId,
    /// The tokens, sealed for [`crate::secret::Purpose::UpstreamTokens`] with the link as context.
    pub sealed: Sealed,
    /// Grows with every set; a refresh replaces the one it began with or nothing.
    pub version: i64,
    /// When the upstream's access token expires, if it said.
    pub expires: Option<Timestamp>,
    /// When they were received.
    pub received: Timestamp,
    /// Whether there is a refresh token among them.
    pub refreshable: bool,
    /// Until when one node alone may refresh them.
    pub leased_until: Option<Timestamp>,
    /// When an app last asked for the access token: what nobody asks for is not kept fresh.
    pub used: Option<Timestamp>,
    /// Set when the upstream honours them no more and the person has to sign in there again.
    pub denied: Option<Timestamp>,
    /// How often in a row the upstream could not be reached for a refresh, and when it may be tried again.
    pub failures: u32,
    /// Not before.
    pub retry_after: Option<Timestamp>,
}
