//! Apps that register themselves (RFC 7591): what they may say, and what they get at most.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, GrantType, closed_enum},
    ids::RegistrationTokenId,
    redirect::RegisteredUri,
    registration::{Draft, FieldFault},
    scope::Scopes,
    secret::Digest,
    time::Timestamp,
};

closed_enum! {
    /// Who may register an app without an operator.
    RegistrationMode {
        /// Nobody.
        Off = "off",
        /// Whoever has a token that an operator made (RFC 7591 §3.1).
        Token = "token",
        /// Everybody, within limits.
        Open = "open",
    }
}

/// The house's rules for apps that no operator has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfRegistration {
    /// Who may register.
    pub mode: RegistrationMode,
    /// The most such an app may ask for.
    pub scopes: Scopes,
    /// What it may ask the token endpoint for.
    pub grant_types: BTreeSet<GrantType>,
    /// Resources its access tokens may be for.
    pub audiences: Vec<String>,
    /// How many there may be at once.
    pub most_clients: u64,
    /// How long one is kept that nobody signs in to.
    pub unused: Duration,
    /// Whether the address of a metadata document is a client id.
    pub metadata_documents: bool,
    /// At which hosts such documents may lie; empty means at all that are public.
    pub document_hosts: Vec<String>,
}

impl Default for SelfRegistration {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            scopes: ["openid", "profile", "email", "offline_access"].into_iter().collect(),
            grant_types: [GrantType::AuthorizationCode, GrantType::RefreshToken].into(),
            audiences: Vec::new(),
            most_clients: 10_000,
            unused: Duration::from_hours(24 * 30),
            metadata_documents: false,
            document_hosts: Vec::new(),
        }
    }
}

/// What an app may say of itself, by the registered names. Everything else in a registration is the operator's to say, and ignored as something that
/// is not understood (RFC 7591 §2): who may enter, what is released, which providers.
pub const SAYABLE: &[&str] = &[
    "redirect_uris",
    "post_logout_redirect_uris",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "grant_types",
    "scope",
    "client_name",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "initiate_login_uri",
    "contacts",
    "software_id",
    "software_version",
    "application_type",
    "subject_type",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_object_signing_alg",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
];

/// A registration as an app sent it.
#[derive(Clone, Debug, Default)]
pub struct SelfDraft {
    /// What it says, within [`SAYABLE`].
    pub draft: Draft,
    /// What of that it did say: what it left out has defaults of its own here (RFC 7591 §2).
    pub said: BTreeSet<String>,
    /// `response_types`, if it said them.
    pub response_types: Option<Vec<String>>,
    /// Whether it wants people's names to be those of a sector that we would have to fetch.
    pub has_sector_identifier: bool,
}

impl SelfRegistration {
    /// What an operator would have written for such an app, or why nobody may: to be checked like everything that is registered.
    pub fn bound(&self, asked: SelfDraft) -> Result<Draft, Vec<FieldFault>> {
        let SelfDraft { draft, said, response_types, has_sector_identifier } = asked;
        let mut faults = Vec::new();
        let mut add = |pointer: &str, message: String| faults.push(FieldFault { pointer: pointer.to_owned(), message });
        if response_types.is_some_and(|types| types.iter().any(|kind| kind != "code")) {
            add("/response_types", "may only have code".to_owned());
        }
        // Whoever reads the page would see another name, or another end of the sentence around it.
        if draft.name.chars().any(turns_text_around) {
            add("/client_name", "has characters that turn the direction of text; leave them out".to_owned());
        }
        if has_sector_identifier {
            add("/sector_identifier_uri", "is not supported: the sector is the host of redirect_uris".to_owned());
        }
        // RFC 7591 §2 has defaults of its own, which are less than what an operator's client has.
        let grant_types = if said.contains("grant_types") { draft.grant_types } else { vec![GrantType::AuthorizationCode.to_string()] };
        for (at, _) in grant_types.iter().enumerate().filter(|(_, grant)| !self.allows(grant)) {
            let names: Vec<_> = self.grant_types.iter().map(|grant| grant.as_str()).collect();
            add(&format!("/grant_types/{at}"), format!("is not for apps that register themselves, which may have {}", names.join(", ")));
        }
        // A part of what was asked is better than nothing, and the answer says what it is (RFC 7591 §3.2.1).
        let scope = match Scopes::parse(&draft.scope) {
            Ok(asked) if said.contains("scope") => asked.common(&self.scopes).to_string(),
            Ok(_) => self.scopes.to_string(),
            Err(_) => draft.scope,
        };
        let name = if draft.name.trim().is_empty() { named_after(&draft.redirect_uris) } else { draft.name };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Draft { name, grant_types, scope, require_pkce: true, audiences: self.audiences.clone(), ..draft })
    }

    /// What no draft can be checked for: pages at somebody else's host. Those of an app without a host of its own are left out.
    pub fn settle(client: Client) -> Result<Client, Vec<FieldFault>> {
        let elsewhere = client.about.pages_elsewhere(&client.redirect_uris);
        let has_host = client.redirect_uris.iter().any(|uri| !uri.is_impersonable());
        if elsewhere.is_empty() {
            return Ok(client);
        }
        if has_host {
            let message = "must have the host of one of redirect_uris (RFC 7591 section 5)";
            let fault = |name: &str| FieldFault { pointer: format!("/{name}"), message: message.to_owned() };
            return Err(elsewhere.into_iter().map(fault).collect());
        }
        let mut client = client;
        (client.about.client_uri, client.about.policy_uri, client.about.tos_uri) = (None, None, None);
        Ok(client)
    }

    fn allows(&self, grant: &str) -> bool {
        // What is no grant at all is for the draft's own rules to say.
        grant.parse().is_ok_and(|grant| self.grant_types.contains(&grant)) || grant.parse::<GrantType>().is_err()
    }
}

/// The bidirectional controls of Unicode (UAX #9 §2).
const fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The host of the first address: true, at least, and no more than that is known.
fn named_after(redirect_uris: &[String]) -> String {
    let uri = redirect_uris.first().and_then(|uri| RegisteredUri::parse(uri).ok());
    uri.map(|uri| uri.exactly().shown_host()).filter(|host| !host.is_empty()).unwrap_or_else(|| "An app without a name".to_owned())
}

/// What a token that an operator made lets its holder do: register so many apps (RFC 7591 §1.2, "initial access token").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationToken {
    /// Names it; reveals nothing of it.
    pub id: RegistrationTokenId,
    /// For whom or what it was made.
    pub name: String,
    /// SHA-256 of the token: it has 256 random bits.
    pub digest: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working.
    pub expires: Timestamp,
    /// How many more apps it is good for.
    pub uses_left: u32,
    /// Counts changes.
    pub version: i64,
}

impl RegistrationToken {
    /// Whether it still works.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.uses_left > 0 && now < self.expires
    }

    /// The same, used once more.
    #[must_use]
    pub fn used(&self) -> Self {
        Self { uses_left: self.uses_left.saturating_sub(1), version: self.version + 1, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{about::AboutDraft, registration::Offered};

    fn said(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn asked() -> SelfDraft {
        let draft = Draft { name: "App".into(), redirect_uris: vec!["https://app.example.com/cb".into()], ..Draft::default() };
        SelfDraft { draft, said: said(&["redirect_uris", "client_name"]), ..SelfDraft::default() }
    }

    fn pointers(result: Result<Draft, Vec<FieldFault>>) -> Vec<String> {
        result.unwrap_err().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn rfc_7591_section_2_what_was_left_out_has_the_defaults_of_the_specification() {
        let draft = SelfRegistration::default().bound(asked()).unwrap();
        assert_eq!(draft.grant_types, ["authorization_code"]);
        assert_eq!(draft.auth_method, "client_secret_basic");
        assert_eq!(draft.scope, "email offline_access openid profile");
        let nameless = SelfDraft { draft: Draft { name: " ".into(), ..asked().draft }, ..asked() };
        assert_eq!(SelfRegistration::default().bound(nameless).unwrap().name, "app.example.com");
    }

    #[test]
    fn attack_61_an_app_gets_no_more_than_the_house_gives_to_strangers() {
        let rules = SelfRegistration { audiences: vec!["https://mcp.example.com".into()], ..SelfRegistration::default() };
        let greedy = SelfDraft {
            draft: Draft {
                scope: "openid groups admin".into(),
                grant_types: vec!["authorization_code".into(), "client_credentials".into()],
                audiences: vec!["https://payroll.example.com".into()],
                require_pkce: false,
                ..asked().draft
            },
            said: said(&["scope", "grant_types"]),
            ..SelfDraft::default()
        };
        assert_eq!(pointers(rules.bound(greedy.clone())), ["/grant_types/1"]);
        let humble = SelfDraft { draft: Draft { grant_types: vec!["authorization_code".into()], ..greedy.draft }, ..greedy };
        let draft = rules.bound(humble).unwrap();
        assert_eq!((draft.scope.as_str(), draft.require_pkce), ("openid", true));
        assert_eq!(draft.audiences, ["https://mcp.example.com"]);
    }

    #[test]
    fn attack_65_a_name_that_turns_text_around_is_refused() {
        for name in ["App \u{202e}elgoog", "\u{2067}App", "App\u{200f}"] {
            let turned = SelfDraft { draft: Draft { name: name.into(), ..asked().draft }, ..asked() };
            assert_eq!(pointers(SelfRegistration::default().bound(turned)), ["/client_name"], "{name:?}");
        }
        let arabic = SelfDraft { draft: Draft { name: "تطبيق".into(), ..asked().draft }, ..asked() };
        assert!(SelfRegistration::default().bound(arabic).is_ok());
    }

    #[test]
    fn oidc_registration_section_2_other_response_types_and_sectors_are_refused() {
        let implicit = SelfDraft { response_types: Some(vec!["code".into(), "id_token token".into()]), ..asked() };
        assert_eq!(pointers(SelfRegistration::default().bound(implicit)), ["/response_types"]);
        let sector = SelfDraft { has_sector_identifier: true, ..asked() };
        assert_eq!(pointers(SelfRegistration::default().bound(sector)), ["/sector_identifier_uri"]);
    }

    #[test]
    fn rfc_7591_section_5_terms_stand_at_the_app_s_own_host_or_are_left_out() {
        let offered = Offered { algorithms: vec![crate::client::SigningAlg::Rs256], ..Offered::default() };
        let client = |redirect: &str| {
            let about = AboutDraft { tos_uri: Some("https://bank.example/terms".into()), ..AboutDraft::default() };
            let draft =
                Draft { about, name: "App".into(), redirect_uris: vec![redirect.into()], auth_method: "none".into(), ..Draft::default() };
            draft.check("app", &offered, Timestamp::default()).unwrap()
        };
        assert!(SelfRegistration::settle(client("https://bank.example/cb")).unwrap().about.tos_uri.is_some());
        assert!(SelfRegistration::settle(client("http://127.0.0.1/cb")).unwrap().about.tos_uri.is_none());
        assert_eq!(SelfRegistration::settle(client("https://evil.example/cb")).unwrap_err()[0].pointer, "/tos_uri");
    }

    #[test]
    fn a_registration_token_is_good_for_so_long_and_so_often() {
        let now = Timestamp::from_secs(1_800_000_000);
        let token = RegistrationToken {
            id: RegistrationTokenId(uuid::Uuid::nil()),
            name: "ci".into(),
            digest: Digest([1; 32]),
            created: now,
            expires: now + Duration::from_mins(1),
            uses_left: 1,
            version: 1,
        };
        assert!(token.is_good(now) && !token.is_good(token.expires) && !token.used().is_good(now));
        assert_eq!(token.used().version, 2);
    }
}
