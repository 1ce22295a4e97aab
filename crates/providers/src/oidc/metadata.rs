//! What an issuer says of itself (OpenID Connect Discovery 1.0 §3), as far as we use it.

use serde_json::Value;
use url::Url;
use vestibule_domain::{
    client::SigningAlg,
    provider::{Phase, ProviderError},
};

use super::{
    issuers::Issuers,
    settings::{Endpoints, TokenAuth},
};
use crate::line::{Object, invalid, misconfigured};

/// The endpoints of an issuer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    /// As it names itself.
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    /// RFC 9207 §3: then an answer without `iss` is not this issuer's.
    pub(super) says_iss: bool,
    /// Whether it takes PKCE with S256, if it speaks of PKCE at all (RFC 8414 §2).
    pub(super) takes_s256: Option<bool>,
    /// Which of our algorithms it signs ID tokens with, if it says.
    pub(super) algs: Option<Vec<SigningAlg>>,
    /// Which of our ways to prove ourselves it takes, if it says.
    pub(super) token_auths: Option<Vec<TokenAuth>>,
}

const LONGEST: usize = 2048;

/// Where the metadata lies (OpenID Connect Discovery 1.0 §4): appended to the issuer, whatever its path.
pub(super) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl Metadata {
    /// Reads the metadata of an issuer. Endpoints that an operator set are believed instead of what it says.
    pub(super) fn read(issuers: &Issuers, set: &Endpoints, document: &Object) -> Result<Self, ProviderError> {
        let configured = &issuers.configured;
        // Exactly, to the trailing slash (OpenID Connect Discovery 1.0 §4.3): otherwise one issuer could speak in another's name (attack 3).
        let issuer = match document.get("issuer").and_then(Value::as_str) {
            Some(said) if issuers.publishes(said) => said.to_owned(),
            Some(said) if said.trim_end_matches('/') == configured.trim_end_matches('/') => {
                return Err(misconfigured(
                    Phase::Discovery,
                    "it names itself with or without a slash at the end, unlike the configured issuer",
                ));
            }
            _ => return Err(invalid(Phase::Discovery, "issuer", "it does not name itself as the configured issuer")),
        };
        let plain_http = configured.starts_with("http://");
        let optional = |name: &'static str, set: &Option<String>| match set {
            Some(address) => Ok(Some(address.clone())),
            None => endpoint(document, name, plain_http),
        };
        let required = |name: &'static str, set: &Option<String>| {
            optional(name, set)?.ok_or_else(|| invalid(Phase::Discovery, "endpoint", format!("no {name}")))
        };
        Ok(Self {
            issuer,
            authorization_endpoint: required("authorization_endpoint", &set.authorization_endpoint)?,
            token_endpoint: required("token_endpoint", &set.token_endpoint)?,
            jwks_uri: required("jwks_uri", &set.jwks_uri)?,
            userinfo_endpoint: optional("userinfo_endpoint", &set.userinfo_endpoint)?,
            revocation_endpoint: optional("revocation_endpoint", &set.revocation_endpoint)?,
            end_session_endpoint: optional("end_session_endpoint", &set.end_session_endpoint)?,
            says_iss: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
            takes_s256: texts(document, "code_challenge_methods_supported").map(|methods| methods.contains(&"S256")),
            algs: known(document, "id_token_signing_alg_values_supported"),
            token_auths: known(document, "token_endpoint_auth_methods_supported"),
        })
    }

    /// An issuer without metadata: everything was set.
    pub(super) fn set(issuer: &str, set: &Endpoints) -> Result<Self, ProviderError> {
        let required = |name: &str, set: &Option<String>| {
            set.clone().ok_or_else(|| misconfigured(Phase::Discovery, format!("{name} has to be set where discovery is off")))
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: required("authorization_endpoint", &set.authorization_endpoint)?,
            token_endpoint: required("token_endpoint", &set.token_endpoint)?,
            jwks_uri: required("jwks_uri", &set.jwks_uri)?,
            userinfo_endpoint: set.userinfo_endpoint.clone(),
            revocation_endpoint: set.revocation_endpoint.clone(),
            end_session_endpoint: set.end_session_endpoint.clone(),
            says_iss: false,
            takes_s256: None,
            algs: None,
            token_auths: None,
        })
    }

    /// Each endpoint and its host, as the URL parser writes it.
    pub(super) fn hosts(&self) -> Vec<(&'static str, String)> {
        let named = [
            ("authorization_endpoint", Some(&self.authorization_endpoint)),
            ("token_endpoint", Some(&self.token_endpoint)),
            ("jwks_uri", Some(&self.jwks_uri)),
            ("userinfo_endpoint", self.userinfo_endpoint.as_ref()),
            ("revocation_endpoint", self.revocation_endpoint.as_ref()),
            ("end_session_endpoint", self.end_session_endpoint.as_ref()),
        ];
        named.into_iter().filter_map(|(name, url)| Some((name, host(url?)?))).collect()
    }

    /// Which endpoints lie on a host that is neither the issuer's nor known to be used by it. For some it is the beginning of attack 4.
    pub(super) fn foreign(&self, issuer: &str, known: &[String]) -> Vec<(&'static str, String)> {
        let home = host(issuer);
        let is_known = |host: &str| {
            known.iter().any(|known| match known.strip_prefix("*.") {
                Some(above) => host.strip_suffix(above).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
                None => host == known,
            })
        };
        self.hosts().into_iter().filter(|(_, host)| Some(host) != home.as_ref() && !is_known(host)).collect()
    }
}

fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

fn texts<'d>(document: &'d Object, name: &str) -> Option<Vec<&'d str>> {
    document.get(name)?.as_array().map(|list| list.iter().filter_map(Value::as_str).collect())
}

/// What of a list means something to us; names that we don't know are not kept.
fn known<T: std::str::FromStr>(document: &Object, name: &str) -> Option<Vec<T>> {
    texts(document, name).map(|list| list.into_iter().filter_map(|text| text.parse().ok()).collect())
}

/// An address the browser or we may be sent to: https, or http where the issuer itself was allowed that. Anything else - `javascript:`, a user
/// name before the host, a fragment - is no endpoint.
fn endpoint(document: &Object, name: &'static str, plain_http: bool) -> Result<Option<String>, ProviderError> {
    let Some(value) = document.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let bad = || invalid(Phase::Discovery, "endpoint", format!("{name} is not a plain https address"));
    let text = value.as_str().filter(|text| text.len() <= LONGEST).ok_or_else(bad)?;
    let url = Url::parse(text).map_err(|_| bad())?;
    let scheme = url.scheme() == "https" || (plain_http && url.scheme() == "http");
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    // As the parser writes it: without the tabs and line breaks that it skips.
    if scheme && plain { Ok(Some(url.into())) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::preset::{Protocol, presets};

    const ISSUER: &str = "https://issuer.example/t/";

    fn read(change: impl FnOnce(&mut Object)) -> Result<Metadata, ProviderError> {
        let Value::Object(mut document) = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://issuer.example/authorize?p=1",
            "token_endpoint": "https://tokens.example/token",
            "jwks_uri": "https://issuer.example/keys",
        }) else {
            unreachable!()
        };
        change(&mut document);
        let issuers = Issuers::new(ISSUER.into(), Vec::new(), None);
        Metadata::read(&issuers, &Endpoints::default(), &document)
    }

    #[test]
    fn endpoints_elsewhere_are_named() {
        let metadata = read(|_| {}).unwrap();
        let token = ("token_endpoint", "tokens.example".to_owned());
        assert_eq!(metadata.foreign(ISSUER, &[]), std::slice::from_ref(&token));
        assert!(metadata.foreign(ISSUER, &["tokens.example".into()]).is_empty());
        assert_eq!(metadata.foreign(ISSUER, &["*.tokens.example".into(), "okens.example".into(), "*.okens.example".into()]), [token]);
        assert!(metadata.userinfo_endpoint.is_none() && !metadata.says_iss);
    }

    #[test]
    fn oidc_discovery_section_4_1_the_address_is_appended_to_the_path() {
        assert_eq!(address(ISSUER), "https://issuer.example/t/.well-known/openid-configuration");
        assert_eq!(address("https://a.example"), "https://a.example/.well-known/openid-configuration");
    }

    #[test]
    fn attack_03_another_issuer_is_refused_and_a_slash_is_the_operators() {
        for other in [json!("https://other.example/t/"), json!(null), json!(7), json!("HTTPS://issuer.example/t/")] {
            let error = read(|document| drop(document.insert("issuer".into(), other))).unwrap_err();
            assert!(matches!(error, ProviderError::Invalid { rule: "issuer", .. }), "{error}");
        }
        let error = read(|document| drop(document.insert("issuer".into(), json!("https://issuer.example/t")))).unwrap_err();
        assert!(matches!(error, ProviderError::Misconfigured { .. }), "{error}");
    }

    #[test]
    fn an_endpoint_that_was_set_is_believed_instead_of_the_metadata() {
        let set = Endpoints { token_endpoint: Some("https://set.example/token".into()), ..Endpoints::default() };
        let document = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://issuer.example/a", "token_endpoint": "javascript:x", "jwks_uri": "https://issuer.example/k"
        });
        let issuers = Issuers::new(ISSUER.into(), Vec::new(), None);
        let metadata = Metadata::read(&issuers, &set, document.as_object().unwrap()).unwrap();
        assert_eq!(metadata.token_endpoint, "https://set.example/token");
        let error = Metadata::set(ISSUER, &set).unwrap_err();
        assert!(matches!(error, ProviderError::Misconfigured { .. }), "{error}");
    }

    #[test]
    fn attack_42_endpoints_are_plain_https() {
        for bad in [
            "http://issuer.example/authorize",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "gopher://issuer.example/",
            "https://issuer.example@evil.example/",
            "https://issuer.example/#x",
            "/authorize",
            "",
        ] {
            for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint"] {
                let error = read(|document| drop(document.insert(name.into(), json!(bad)))).unwrap_err();
                assert!(matches!(error, ProviderError::Invalid { rule: "endpoint", .. }), "{name} {bad}");
            }
        }
        assert!(read(|document| drop(document.remove("jwks_uri"))).is_err());
    }

    #[test]
    fn cognito_and_others_whose_endpoints_are_known_to_lie_elsewhere_are_not_flagged() {
        for preset in presets().iter().filter(|preset| preset.protocol == Protocol::Oidc) {
            let file = format!("{}/tests/fixtures/{}/discovery.json", env!("CARGO_MANIFEST_DIR"), preset.name);
            let text = std::fs::read_to_string(file).unwrap();
            let recorded: Value = serde_json::from_str(&text.replace("{base}/", "https://")).unwrap();
            let document = recorded["body"].as_object().unwrap();
            // Entra's names a template; where it lies is what counts.
            let issuer = document["issuer"].as_str().unwrap().replace("{tenantid}", "common");
            let issuers = Issuers::new(issuer.clone(), vec![document["issuer"].as_str().unwrap().to_owned()], None);
            let metadata = Metadata::read(&issuers, &Endpoints::default(), document).unwrap();
            let known: Vec<String> =
                serde_json::from_value(preset.settings.get("endpoint_hosts").cloned().unwrap_or_else(|| json!([]))).unwrap();
            assert_eq!(metadata.foreign(&issuer, &known), [], "{}", preset.name);
        }
    }
}
