//! What somebody writes to register an app, and the client it makes when every rule is kept.

mod exchange;
mod facts;
mod profile;
mod proof;

use std::collections::BTreeSet;

use crate::{
    about::AboutDraft,
    account::Release,
    client::{AuthMethod, Client, ClientSecret, ConsentMode, GrantType, Origin, SigningAlg, SubjectType, UpstreamTokenRule, host_of},
    entry::EntryDraft,
    ids::{ClientId, ProviderId},
    logout::LogoutDraft,
    redirect::RegisteredUri,
    scope::Scopes,
    time::Timestamp,
};

pub use facts::{facts, facts_with_secrets};
pub use proof::CertificateDraft;

/// A registration as it was written: names and lists as text, nothing believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of [`Client`]")]
pub struct Draft {
    pub name: String,
    pub about: AboutDraft,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub grant_types: Vec<String>,
    pub auth_method: String,
    pub scope: String,
    pub jwks: Option<serde_json::Value>,
    pub jwks_uri: Option<String>,
    /// `token_endpoint_auth_signing_alg`.
    pub assertion_alg: Option<String>,
    pub certificate_subject: CertificateDraft,
    pub id_token_alg: String,
    pub access_token_alg: String,
    pub userinfo_alg: Option<String>,
    pub introspection_alg: Option<String>,
    pub require_pkce: bool,
    pub legacy_oauth: bool,
    pub require_pushed_requests: bool,
    pub dpop_bound_access_tokens: bool,
    pub certificate_bound_access_tokens: bool,
    pub profile: Option<String>,
    pub require_signed_requests: bool,
    pub request_object_alg: Option<String>,
    pub audiences: Vec<String>,
    pub serves: Vec<String>,
    pub allowed_providers: Vec<String>,
    pub entry: EntryDraft,
    pub release: Release,
    pub subject_type: String,
    pub upstream_tokens: Vec<UpstreamTokenDraft>,
    pub logout: LogoutDraft,
    pub exchange_audiences: Vec<String>,
    pub may_act: Option<String>,
    pub id_token_claims: bool,
    pub consent: String,
    pub disabled: bool,
}

/// A rule about upstream tokens as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of [`UpstreamTokenRule`]")]
pub struct UpstreamTokenDraft {
    pub provider: String,
    pub scopes: Vec<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            name: String::new(),
            about: AboutDraft::default(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grant_types: vec!["authorization_code".into(), "refresh_token".into()],
            auth_method: "client_secret_basic".into(),
            scope: "openid profile email groups offline_access".into(),
            jwks: None,
            jwks_uri: None,
            assertion_alg: None,
            certificate_subject: CertificateDraft::default(),
            id_token_alg: "RS256".into(),
            access_token_alg: "RS256".into(),
            userinfo_alg: None,
            introspection_alg: None,
            require_pkce: true,
            legacy_oauth: false,
            require_pushed_requests: false,
            dpop_bound_access_tokens: false,
            certificate_bound_access_tokens: false,
            profile: None,
            require_signed_requests: false,
            request_object_alg: None,
            audiences: Vec::new(),
            serves: Vec::new(),
            allowed_providers: Vec::new(),
            entry: EntryDraft::default(),
            release: Release::default(),
            subject_type: "public".into(),
            upstream_tokens: Vec::new(),
            logout: LogoutDraft::default(),
            exchange_audiences: Vec::new(),
            may_act: None,
            id_token_claims: true,
            consent: "implicit".into(),
            disabled: false,
        }
    }
}

/// One broken rule, at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// Where: a JSON pointer into what was sent (RFC 6901), in the admin API's names.
    pub pointer: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// A name as it stands in a JSON pointer (RFC 6901 §3).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What the house has, for a registration to refer to.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    /// Providers that exist.
    pub providers: BTreeSet<ProviderId>,
    /// Algorithms that have keys.
    pub algorithms: Vec<SigningAlg>,
    /// Whether clients' certificates reach us.
    pub client_certificates: bool,
    /// Whether there are authorities that vouch for them.
    pub certificate_authorities: bool,
}

const MOST_URIS: usize = 50;
const LONGEST_NAME: usize = 100;
const LONGEST_AUDIENCE: usize = 255;

impl Draft {
    /// The client, or everything that is wrong with it at once.
    pub fn check(&self, id: &str, offered: &Offered, now: Timestamp) -> Result<Client, Vec<FieldFault>> {
        let mut faults = Faults::default();
        let id = ClientId::name(id).map_err(|error| faults.add("/client_id", &error.to_string())).ok();
        self.check_all(id, faults, offered, now)
    }

    /// The same for a client whose id is known, and may be the address of its document.
    pub(crate) fn check_as(&self, id: ClientId, offered: &Offered, now: Timestamp) -> Result<Client, Vec<FieldFault>> {
        self.check_all(Some(id), Faults::default(), offered, now)
    }

    fn check_all(&self, id: Option<ClientId>, mut faults: Faults, offered: &Offered, now: Timestamp) -> Result<Client, Vec<FieldFault>> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            faults.add("/client_name", "must have 1 to 100 printable characters; people see it when they sign in");
        }
        let auth_method = faults.one_of::<AuthMethod>("/token_endpoint_auth_method", &self.auth_method, AuthMethod::ALL);
        let grant_types: BTreeSet<_> = self
            .grant_types
            .iter()
            .enumerate()
            .filter_map(|(at, text)| faults.one_of::<GrantType>(&format!("/grant_types/{at}"), text, GrantType::ALL))
            .collect();
        let redirect_uris = faults.uris("/redirect_uris", &self.redirect_uris);
        let post_logout_redirect_uris = faults.uris("/post_logout_redirect_uris", &self.post_logout_redirect_uris);
        let about = self.about.check(&redirect_uris, &mut faults.0);
        self.grants_fit(&grant_types, auth_method, &mut faults);
        let scopes = Scopes::parse(&self.scope).unwrap_or_else(|error| {
            faults.add("/scope", &error.to_string());
            Scopes::default()
        });
        let proof = proof::check(self, auth_method, offered, &mut faults);
        let id_token_alg = faults.offered_alg("/id_token_signed_response_alg", &self.id_token_alg, offered);
        let access_token_alg = faults.offered_alg("/access_token_signed_response_alg", &self.access_token_alg, offered);
        let request_object_alg = self
            .request_object_alg
            .as_deref()
            .and_then(|text| faults.one_of::<SigningAlg>("/request_object_signing_alg", text, SigningAlg::ALL));
        if self.require_signed_requests && self.jwks.is_none() && self.jwks_uri.is_none() {
            faults.add("/require_signed_request_object", "needs jwks or jwks_uri: nobody could check what the client signs");
        }
        let mut answer_alg = |pointer, text: &Option<String>| text.as_ref().and_then(|text| faults.offered_alg(pointer, text, offered));
        let userinfo_alg = answer_alg("/userinfo_signed_response_alg", &self.userinfo_alg);
        let introspection_alg = answer_alg("/introspection_signed_response_alg", &self.introspection_alg);
        if auth_method == Some(AuthMethod::None) && !self.require_pkce {
            faults.add("/require_pkce", "must be true for a public client: without a secret, PKCE is all that protects its codes");
        } else if !self.require_pkce && redirect_uris.iter().any(RegisteredUri::is_private_use) {
            let message = "must be true for an installed app: every copy of it has the secret, so PKCE is all that protects its codes";
            faults.add("/require_pkce", message);
        }
        if self.certificate_bound_access_tokens && !offered.client_certificates {
            let message = "needs listen.client_certificates.ask, or .header, in the configuration, or no certificate could reach us";
            faults.add("/tls_client_certificate_bound_access_tokens", message);
        }
        let profile = profile::check(self, auth_method, &grant_types, &redirect_uris, &mut faults);
        faults.audiences("/audiences", &self.audiences);
        faults.audiences("/introspection_audiences", &self.serves);
        if !self.serves.is_empty() && auth_method == Some(AuthMethod::None) {
            faults.add("/introspection_audiences", "is not for a public client: anybody could ask about tokens in its name");
        }
        if auth_method == Some(AuthMethod::None) && self.legacy_oauth {
            faults.add("/legacy_oauth", "must be false for a public client: its codes would be protected by nothing at all");
        }
        let mut allowed_providers = Vec::with_capacity(self.allowed_providers.len());
        for (at, text) in self.allowed_providers.iter().enumerate() {
            let pointer = format!("/allowed_providers/{at}");
            match faults.provider(&pointer, text, offered) {
                Some(id) if allowed_providers.contains(&id) => faults.add(&pointer, "is there twice"),
                Some(id) => allowed_providers.push(id),
                None => {}
            }
        }
        let entry = self.entry.check("/entry", &mut faults.0);
        for (at, message) in self.release.faults() {
            faults.add(&format!("/release{at}"), &message);
        }
        let subject_type = faults.one_of::<SubjectType>("/subject_type", &self.subject_type, SubjectType::ALL);
        if subject_type == Some(SubjectType::Pairwise) {
            let hosts: BTreeSet<_> = redirect_uris.iter().map(host_of).collect();
            if hosts.len() > 1 || hosts.contains(&None) {
                let message = "is pairwise, so all redirect_uris must have one host: it is what the names are derived from";
                faults.add("/subject_type", message);
            }
        }
        let consent = faults.one_of::<ConsentMode>("/consent", &self.consent, ConsentMode::ALL);
        let upstream_tokens = self.upstream_rules(offered, &mut faults);
        let may_act = self.exchange_rules(&grant_types, &mut faults);
        let logout = self.logout.check(&redirect_uris, subject_type == Some(SubjectType::Pairwise), &mut faults.0);
        let (Some(id), Some(auth_method), Some(id_token_alg), Some(access_token_alg), Some(subject_type), Some(consent), true) =
            (id, auth_method, id_token_alg, access_token_alg, subject_type, consent, faults.0.is_empty())
        else {
            return Err(faults.0);
        };
        Ok(Client {
            id,
            origin: Origin::Operator,
            managed_by: None,
            name: name.to_owned(),
            about,
            redirect_uris,
            post_logout_redirect_uris,
            grant_types,
            auth_method,
            scopes,
            keys: proof.keys,
            assertion_alg: proof.assertion_alg,
            certificate_subject: proof.certificate_subject,
            id_token_alg,
            access_token_alg,
            userinfo_alg,
            introspection_alg,
            require_pkce: self.require_pkce,
            legacy_oauth: self.legacy_oauth,
            require_pushed_requests: self.require_pushed_requests,
            dpop_bound_access_tokens: self.dpop_bound_access_tokens,
            certificate_bound_access_tokens: self.certificate_bound_access_tokens,
            profile,
            require_signed_requests: self.require_signed_requests,
            request_object_alg,
            audiences: self.audiences.clone(),
            serves: self.serves.clone(),
            allowed_providers,
            entry,
            release: self.release.clone(),
            subject_type,
            upstream_tokens,
            logout,
            exchange_audiences: self.exchange_audiences.clone(),
            may_act,
            id_token_claims: self.id_token_claims,
            consent,
            disabled: self.disabled,
            secrets: Vec::<ClientSecret>::new(),
            created: now,
            updated: now,
            version: 1,
        })
    }

    fn grants_fit(&self, grants: &BTreeSet<GrantType>, auth: Option<AuthMethod>, faults: &mut Faults) {
        let has = |grant| grants.contains(&grant);
        if grants.is_empty() && self.grant_types.is_empty() {
            faults.add("/grant_types", "is empty; an app that people sign in to needs authorization_code");
        }
        if has(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            faults.add("/redirect_uris", "is empty; authorization_code needs at least one address to send codes to");
        }
        if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) && !has(GrantType::DeviceCode) {
            let message = "has refresh_token without authorization_code or the device_code grant, which are what gives refresh tokens";
            faults.add("/grant_types", message);
        }
        if has(GrantType::TokenExchange) && auth == Some(AuthMethod::None) {
            faults.add("/grant_types", "has token exchange, which a public client can't have: nobody would know who gets the token");
        }
        if has(GrantType::ClientCredentials) && auth == Some(AuthMethod::None) {
            faults.add("/grant_types", "has client_credentials, which a public client can't have (OAuth 2.1 section 4.2)");
        }
    }
}

impl Draft {
    fn upstream_rules(&self, offered: &Offered, faults: &mut Faults) -> Vec<UpstreamTokenRule> {
        let mut rules: Vec<UpstreamTokenRule> = Vec::with_capacity(self.upstream_tokens.len());
        for (at, draft) in self.upstream_tokens.iter().enumerate() {
            let pointer = format!("/upstream_tokens/{at}");
            if draft.scopes.is_empty() {
                faults.add(&format!("{pointer}/scopes"), "is empty; name each scope that such a token may have, as the provider names it");
            }
            let Some(provider) = faults.provider(&format!("{pointer}/provider"), &draft.provider, offered) else { continue };
            if rules.iter().any(|rule| rule.provider == provider) {
                faults.add(&format!("{pointer}/provider"), "is there twice");
            }
            rules.push(UpstreamTokenRule { provider, scopes: draft.scopes.iter().cloned().collect() });
        }
        rules
    }
}

#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn provider(&mut self, pointer: &str, text: &str, offered: &Offered) -> Option<ProviderId> {
        let known = ProviderId::parse(text).ok().filter(|id| offered.providers.contains(id));
        if known.is_none() {
            let names: Vec<_> = offered.providers.iter().map(ProviderId::as_str).collect();
            self.add(pointer, &format!("is not a configured provider; there are: {}", names.join(", ")));
        }
        known
    }

    fn add(&mut self, pointer: &str, message: &str) {
        self.0.push(FieldFault { pointer: pointer.to_owned(), message: message.to_owned() });
    }

    fn one_of<T: std::str::FromStr + Copy + std::fmt::Display>(&mut self, pointer: &str, text: &str, all: &[T]) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            let names: Vec<_> = all.iter().map(ToString::to_string).collect();
            self.add(pointer, &format!("must be one of {}", names.join(", ")));
        }
        value
    }

    fn offered_alg(&mut self, pointer: &str, text: &str, offered: &Offered) -> Option<SigningAlg> {
        self.one_of(pointer, text, &offered.algorithms).filter(|alg| {
            let there = offered.algorithms.contains(alg);
            if !there {
                self.add(pointer, &format!("has no signing key; add \"{alg}\" to keys.algorithms in the configuration"));
            }
            there
        })
    }

    fn audiences(&mut self, pointer: &str, texts: &[String]) {
        if texts.len() > MOST_URIS {
            self.add(pointer, "has more than 50 entries");
        }
        for (at, text) in texts.iter().enumerate().take(MOST_URIS) {
            if text.is_empty() || text.len() > LONGEST_AUDIENCE || !text.bytes().all(|b| matches!(b, 0x21..=0x7e)) {
                self.add(&format!("{pointer}/{at}"), "must have 1 to 255 printable ASCII characters, as https://api.example.com");
            }
        }
    }

    fn uris(&mut self, pointer: &str, texts: &[String]) -> Vec<RegisteredUri> {
        if texts.len() > MOST_URIS {
            self.add(pointer, "has more than 50 addresses");
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        let mut uris = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            match RegisteredUri::parse(text) {
                Ok(_) if !seen.insert(text) => self.add(&format!("{pointer}/{at}"), "is there twice"),
                Ok(uri) => uris.push(uri),
                Err(error) => self.add(&format!("{pointer}/{at}"), &error.to_string()),
            }
        }
        uris
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered() -> Offered {
        let algorithms = vec![SigningAlg::Rs256, SigningAlg::Es256];
        Offered { providers: [ProviderId::parse("acme").unwrap()].into(), algorithms, ..Offered::default() }
    }

    fn draft() -> Draft {
        Draft { name: "App".into(), redirect_uris: vec!["https://app.example.com/cb".into()], ..Draft::default() }
    }

    fn pointers(draft: &Draft) -> Vec<String> {
        let faults = draft.check("app", &offered(), Timestamp::default()).unwrap_err();
        faults.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn a_plain_draft_makes_a_client() {
        let client = draft().check("app", &offered(), Timestamp::default()).unwrap();
        assert!(client.require_pkce && !client.is_public() && client.version == 1);
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let bad = Draft {
            name: " ".into(),
            redirect_uris: vec!["https://a.test/#x".into(), "myapp:/cb".into()],
            auth_method: "none".into(),
            require_pkce: false,
            grant_types: vec!["authorization_code".into(), "password".into(), "client_credentials".into()],
            id_token_alg: "EdDSA".into(),
            allowed_providers: vec!["nobody".into()],
            ..draft()
        };
        assert_eq!(
            pointers(&bad),
            [
                "/client_name",
                "/grant_types/1",
                "/redirect_uris/0",
                "/redirect_uris/1",
                "/grant_types",
                "/id_token_signed_response_alg",
                "/require_pkce",
                "/allowed_providers/0"
            ]
        );
    }
}
