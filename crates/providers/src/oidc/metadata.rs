//! What an issuer says of itself (OpenID Connect Discovery 1.0 §3), as far as we use it.

use serde_json::Value;
use url::Url;
use vestibule_domain::provider::{Phase, ProviderError};

use super::line::{Object, invalid, misconfigured};

/// The endpoints of an issuer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    /// RFC 9207 §3: then an answer without `iss` is not this issuer's.
    pub(super) says_iss: bool,
}

const LONGEST: usize = 2048;

/// Where the metadata lies (OpenID Connect Discovery 1.0 §4): appended to the issuer, whatever its path.
pub(super) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl Metadata {
    /// Reads the metadata of `issuer`. PKCE is used whether or not it is announced: leaving it out is how it would be stripped (attack 17).
    pub(super) fn read(issuer: &str, document: &Object) -> Result<Self, ProviderError> {
        // Exactly, to the trailing slash (OpenID Connect Discovery 1.0 §4.3): otherwise one issuer could speak in another's name (attack 3).
        match document.get("issuer").and_then(Value::as_str) {
            Some(said) if said == issuer => {}
            Some(said) if said.trim_end_matches('/') == issuer.trim_end_matches('/') => {
                return Err(misconfigured(
                    Phase::Discovery,
                    "it names itself with or without a slash at the end, unlike the configured issuer",
                ));
            }
            _ => return Err(invalid(Phase::Discovery, "issuer", "it does not name itself as the configured issuer")),
        }
        let plain_http = issuer.starts_with("http://");
        let endpoint = |name: &'static str| endpoint(document, name, plain_http);
        let required = |name: &'static str| endpoint(name)?.ok_or_else(|| invalid(Phase::Discovery, "endpoint", format!("no {name}")));
        Ok(Self {
            authorization_endpoint: required("authorization_endpoint")?,
            token_endpoint: required("token_endpoint")?,
            jwks_uri: required("jwks_uri")?,
            userinfo_endpoint: endpoint("userinfo_endpoint")?,
            says_iss: document.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }

    /// Which endpoints lie on another host than the issuer. Normal for some (Google); for others it is the beginning of attack 4.
    pub(super) fn foreign(&self, issuer: &str) -> Vec<&'static str> {
        let host = |url: &str| Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let home = host(issuer);
        let named = [
            ("authorization_endpoint", Some(&self.authorization_endpoint)),
            ("token_endpoint", Some(&self.token_endpoint)),
            ("jwks_uri", Some(&self.jwks_uri)),
            ("userinfo_endpoint", self.userinfo_endpoint.as_ref()),
        ];
        named.into_iter().filter(|(_, url)| url.is_some_and(|url| host(url) != home)).map(|(name, _)| name).collect()
    }
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
        Metadata::read(ISSUER, &document)
    }

    #[test]
    fn endpoints_elsewhere_are_named() {
        let metadata = read(|_| {}).unwrap();
        assert_eq!(metadata.foreign(ISSUER), ["token_endpoint"]);
        assert!(metadata.userinfo_endpoint.is_none() && !metadata.says_iss);
    }

    #[test]
    fn openid_discovery_section_4_the_address_is_appended_to_the_path() {
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
            for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
                let error = read(|document| drop(document.insert(name.into(), json!(bad)))).unwrap_err();
                assert!(matches!(error, ProviderError::Invalid { rule: "endpoint", .. }), "{name} {bad}");
            }
        }
        assert!(read(|document| drop(document.remove("jwks_uri"))).is_err());
    }
}
