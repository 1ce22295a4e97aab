//! How a client proves who it is: keys, algorithms and certificates that fit its method.

use std::net::IpAddr;

use url::Url;

use super::{Draft, Faults, Offered};
use crate::{
    certificate::{CertificateSubject, DistinguishedName},
    client::{AuthMethod, KeySource, SigningAlg},
};

/// By what a certificate is known, as it was written: one of these and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of RFC 8705 §2.1.2, without `tls_client_auth_`")]
pub struct CertificateDraft {
    pub subject_dn: Option<String>,
    pub san_dns: Option<String>,
    pub san_uri: Option<String>,
    pub san_ip: Option<String>,
    pub san_email: Option<String>,
}

/// What was meant.
#[derive(Default)]
pub(super) struct Proof {
    pub(super) keys: Option<KeySource>,
    pub(super) assertion_alg: Option<SigningAlg>,
    pub(super) certificate_subject: Option<CertificateSubject>,
}

/// Longer names and addresses are nobody's.
const LONGEST: usize = 1_000;

/// Reads what belongs to the method; what belongs to another is a fault, because whoever wrote it believes that it counts. What stands in `jwks` is
/// read by whoever knows keys.
pub(super) fn check(draft: &Draft, method: Option<AuthMethod>, offered: &Offered, faults: &mut Faults) -> Proof {
    reachable(method, offered, faults);
    let keys = keys(draft, faults);
    let wanted = method.filter(|method| matches!(method, AuthMethod::PrivateKeyJwt | AuthMethod::SelfSignedTlsClientAuth));
    if let (None, None, Some(method)) = (&draft.jwks, &draft.jwks_uri, wanted) {
        let message = format!("is missing, and so is jwks_uri: {method} is checked with the client's public keys");
        faults.add("/jwks", &message);
    }
    Proof { keys, assertion_alg: assertion_alg(draft, method, faults), certificate_subject: certificate_subject(draft, method, faults) }
}

/// A method by which the client could never come in is refused where an operator still sees it.
fn reachable(method: Option<AuthMethod>, offered: &Offered, faults: &mut Faults) {
    let missing = match method {
        Some(AuthMethod::TlsClientAuth) if !offered.certificate_authorities => "listen.client_certificates.authorities_file",
        Some(method) if method.is_certificate() && !offered.client_certificates => "listen.client_certificates.ask, or .header,",
        _ => return,
    };
    faults.add("/token_endpoint_auth_method", &format!("needs {missing} in the configuration, or no certificate could prove anything"));
}

fn keys(draft: &Draft, faults: &mut Faults) -> Option<KeySource> {
    match (&draft.jwks, &draft.jwks_uri) {
        (Some(_), Some(_)) => {
            faults.add("/jwks_uri", "and jwks are both there; keys stand in one place (RFC 7591 section 2)");
            None
        }
        (Some(jwks), None) => Some(KeySource::Registered(jwks.to_string())),
        (None, Some(uri)) if uri.len() <= LONGEST && Url::parse(uri).is_ok_and(|url| url.has_host() && url.fragment().is_none()) => {
            Some(KeySource::Published(uri.clone()))
        }
        (None, Some(_)) => {
            faults.add("/jwks_uri", "is not an address, as https://app.example.com/jwks");
            None
        }
        (None, None) => None,
    }
}

fn assertion_alg(draft: &Draft, method: Option<AuthMethod>, faults: &mut Faults) -> Option<SigningAlg> {
    const POINTER: &str = "/token_endpoint_auth_signing_alg";
    let text = draft.assertion_alg.as_deref()?;
    match method {
        Some(AuthMethod::PrivateKeyJwt) => faults.one_of(POINTER, text, SigningAlg::ALL),
        Some(AuthMethod::ClientSecretJwt) if text == "HS256" => None,
        Some(AuthMethod::ClientSecretJwt) => {
            faults.add(POINTER, "must be HS256 for client_secret_jwt, or left out");
            None
        }
        _ => {
            faults.add(POINTER, "is for private_key_jwt and client_secret_jwt; leave it out");
            None
        }
    }
}

fn certificate_subject(draft: &Draft, method: Option<AuthMethod>, faults: &mut Faults) -> Option<CertificateSubject> {
    let CertificateDraft { subject_dn, san_dns, san_uri, san_ip, san_email } = &draft.certificate_subject;
    let written = [
        ("/tls_client_auth_subject_dn", subject_dn),
        ("/tls_client_auth_san_dns", san_dns),
        ("/tls_client_auth_san_uri", san_uri),
        ("/tls_client_auth_san_ip", san_ip),
        ("/tls_client_auth_san_email", san_email),
    ];
    let mut written = written.into_iter().filter_map(|(pointer, text)| Some((pointer, text.as_deref()?)));
    let by_certificate = method == Some(AuthMethod::TlsClientAuth);
    let Some((pointer, text)) = written.next() else {
        if by_certificate {
            let message = "is missing: tls_client_auth knows a certificate by its subject, or by one of tls_client_auth_san_dns, _uri, _ip and _email";
            faults.add("/tls_client_auth_subject_dn", message);
        }
        return None;
    };
    if !by_certificate {
        faults.add(pointer, "is for tls_client_auth; leave it out");
    }
    for (other, _) in written {
        faults.add(other, "is one too many: a certificate is known by one name (RFC 8705 section 2.1.2)");
    }
    let fine = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    let subject = match pointer {
        "/tls_client_auth_subject_dn" => text.parse::<DistinguishedName>().ok().map(CertificateSubject::Dn),
        "/tls_client_auth_san_dns" => text.is_ascii().then(|| CertificateSubject::Dns(text.to_owned())),
        "/tls_client_auth_san_uri" => Url::parse(text).is_ok().then(|| CertificateSubject::Uri(text.to_owned())),
        "/tls_client_auth_san_ip" => text.parse::<IpAddr>().ok().map(CertificateSubject::Ip),
        _ => text.contains('@').then(|| CertificateSubject::Email(text.to_owned())),
    };
    let subject = subject.filter(|_| fine);
    if subject.is_none() {
        let example = match pointer {
            "/tls_client_auth_subject_dn" => "a distinguished name of RFC 4514, as CN=app,O=Example,C=GB",
            "/tls_client_auth_san_dns" => "a host name, as app.example.com",
            "/tls_client_auth_san_uri" => "a URI, as spiffe://example.com/app",
            "/tls_client_auth_san_ip" => "an IP address, as 192.0.2.7",
            _ => "an e-mail address, as app@example.com",
        };
        faults.add(pointer, &format!("is not {example}"));
    }
    subject
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{registration::Offered, time::Timestamp};

    fn with(method: &str, change: impl FnOnce(&mut Draft)) -> Result<Proof, Vec<String>> {
        let mut draft =
            Draft { name: "App".into(), auth_method: method.into(), redirect_uris: vec!["https://a.test/cb".into()], ..Draft::default() };
        change(&mut draft);
        let offered =
            Offered { algorithms: vec![SigningAlg::Rs256], client_certificates: true, certificate_authorities: true, ..Offered::default() };
        let checked = draft.check("app", &offered, Timestamp::default());
        let proof = |client: crate::client::Client| Proof {
            keys: client.keys,
            assertion_alg: client.assertion_alg,
            certificate_subject: client.certificate_subject,
        };
        checked.map(proof).map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
    }

    fn faults(method: &str, change: impl FnOnce(&mut Draft)) -> Vec<String> {
        with(method, change).err().unwrap_or_default()
    }

    #[test]
    fn rfc_7591_section_2_keys_stand_in_one_place_and_where_they_are_needed() {
        assert_eq!(faults("private_key_jwt", |_| {}), ["/jwks"]);
        assert_eq!(faults("self_signed_tls_client_auth", |_| {}), ["/jwks"]);
        let both = |draft: &mut Draft| (draft.jwks, draft.jwks_uri) = (Some(json!({})), Some("https://a.test/jwks".into()));
        assert_eq!(faults("private_key_jwt", both), ["/jwks_uri"]);
        for bad in ["", "jwks", "data:,x", "https://a.test/#x"] {
            assert_eq!(faults("client_secret_basic", |draft| draft.jwks_uri = Some(bad.into())), ["/jwks_uri"], "{bad}");
        }
        let published = with("private_key_jwt", |draft| draft.jwks_uri = Some("https://a.test/jwks".into())).ok().unwrap();
        assert_eq!(published.keys, Some(KeySource::Published("https://a.test/jwks".into())));
    }

    #[test]
    fn oidc_registration_section_2_the_algorithm_of_assertions_fits_the_method() {
        let alg = |text: &str| {
            let text = text.to_owned();
            move |draft: &mut Draft| (draft.assertion_alg, draft.jwks) = (Some(text), Some(json!({})))
        };
        assert_eq!(with("private_key_jwt", alg("PS256")).ok().unwrap().assertion_alg, Some(SigningAlg::Ps256));
        assert_eq!(with("client_secret_jwt", alg("HS256")).ok().unwrap().assertion_alg, None);
        for (method, bad) in [("private_key_jwt", "HS256"), ("private_key_jwt", "none"), ("client_secret_jwt", "RS256"), ("none", "RS256")]
        {
            assert_eq!(faults(method, alg(bad)), ["/token_endpoint_auth_signing_alg"], "{method}: {bad}");
        }
    }

    #[test]
    fn a_method_that_can_never_work_here_is_not_registered() {
        let draft = Draft {
            name: "App".into(),
            auth_method: "self_signed_tls_client_auth".into(),
            redirect_uris: vec!["https://a.test/cb".into()],
            jwks: Some(json!({})),
            ..Draft::default()
        };
        let offered = Offered { algorithms: vec![SigningAlg::Rs256], ..Offered::default() };
        let faults = draft.check("app", &offered, Timestamp::default()).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.contains("listen.client_certificates"), "{faults:?}");
    }

    #[test]
    fn rfc_8705_section_2_1_2_a_certificate_is_known_by_one_name() {
        let dn = |text: &str| {
            let text = Some(text.to_owned());
            move |draft: &mut Draft| draft.certificate_subject.subject_dn = text
        };
        assert_eq!(faults("tls_client_auth", |_| {}), ["/tls_client_auth_subject_dn"]);
        assert_eq!(faults("tls_client_auth", dn("app")), ["/tls_client_auth_subject_dn"]);
        assert_eq!(faults("client_secret_basic", dn("CN=app")), ["/tls_client_auth_subject_dn"]);
        let two = |draft: &mut Draft| {
            (draft.certificate_subject.san_dns, draft.certificate_subject.san_ip) = (Some("a.test".into()), Some("192.0.2.1".into()));
        };
        assert_eq!(faults("tls_client_auth", two), ["/tls_client_auth_san_ip"]);
        assert_eq!(
            faults("tls_client_auth", |draft| draft.certificate_subject.san_ip = Some("a.test".into())),
            ["/tls_client_auth_san_ip"]
        );
        let meant = with("tls_client_auth", dn("cn=app, o=Example")).ok().unwrap().certificate_subject.unwrap();
        assert_eq!(serde_json::to_value(meant).unwrap(), json!({"tls_client_auth_subject_dn": "CN=app,O=Example"}));
    }
}
