//! Clients that prove who they are by a certificate (RFC 8705): a real door, real handshakes, and a proxy's header.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};
use vestibule_domain::{
    registration::{CertificateDraft, Draft},
    settings::CertificateSettings,
};
use vestibule_http::{
    Authorities, ClientCertificates, House, HttpSettings,
    door::{Asks, Door, DoorOptions, TlsFiles},
    routes,
};
use vestibule_telemetry::{Build, Metrics};
use vestibule_testkit::rig::{Rig, RigOptions};

const NAME: &str = "sso.example.com";
const MTLS: &str = "mtls.example.com";

/// A certificate and its key, as an app holds them.
struct Identity {
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Identity {
    /// Signed by nobody else.
    fn own(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap().der().clone();
        Self { der, key }
    }

    /// Its public key with the certificate, as it is registered (RFC 8705 §2.2.2).
    fn jwks(&self) -> Value {
        let point = self.key.der_bytes();
        let half = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": half(&point[1..33]), "y": half(&point[33..65]), "x5c": [STANDARD.encode(&self.der)]}]})
    }

    fn field(&self) -> String {
        format!(":{}:", STANDARD.encode(&self.der))
    }
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issues(&self, common_name: &str, dns: &str) -> Identity {
        let mut params = CertificateParams::new(vec![dns.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Example");
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.0).unwrap().der().clone();
        Identity { der, key }
    }
}

/// A house behind a door with TLS.
struct Street {
    rig: Rig,
    house: Arc<House>,
    address: SocketAddr,
    server: CertificateDer<'static>,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
    _served: JoinHandle<std::io::Result<()>>,
}

impl Street {
    async fn open(authority: Option<&Authority>, asks: Asks, proxies: &[&str]) -> Self {
        let host = if let Asks::At(host) = &asks { Some(host.clone()) } else { None };
        let client_certificates = CertificateSettings { reach_us: true, vouched_for: authority.is_some(), host };
        let (gateway, rig) = Rig::gateway(RigOptions { client_certificates, ..RigOptions::default() }).await;
        let certificates = ClientCertificates {
            header: (!proxies.is_empty()).then_some(HeaderName::from_static("client-cert")),
            authorities: authority.map(|authority| Authorities::from_pem(authority.0.pem().as_bytes()).unwrap()),
        };
        let trusted_proxies = proxies.iter().map(|text| text.parse().unwrap()).collect();
        let settings = HttpSettings { certificates, trusted_proxies, ..HttpSettings::default() };
        let metrics = Arc::new(Metrics::new(Build { version: "test", revision: "test" }));
        let house = Arc::new(House::new(gateway, metrics, settings));
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
        let pair = rcgen::generate_simple_self_signed([NAME.to_owned(), MTLS.to_owned()]).unwrap();
        std::fs::write(&files.certificate, pair.cert.pem()).unwrap();
        std::fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
        let options = DoorOptions { tls: Some(files), asks, ..DoorOptions::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))) };
        let door = Door::bind(options).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let address = door.local_addr();
        let served = tokio::spawn(door.serve(routes(&house), async { drop(stopped.await) }));
        Self { rig, house, address, server: pair.cert.der().clone(), _folder: folder, _stop: stop, _served: served }
    }

    async fn registers(&self, id: &str, draft: Draft) {
        let draft = Draft { name: "The app".into(), grant_types: vec!["client_credentials".into()], scope: "api".into(), ..draft };
        let (client, secret) = self.rig.register(self.house.gateway(), id, draft).await;
        assert!(client.secrets.is_empty() && secret.is_none());
    }

    /// Asks for a token, with a certificate or without.
    async fn asks(&self, name: &str, client: &str, shown: Option<&Identity>, headers: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.server.clone()).unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![identity.der.clone()], key).unwrap()
            }
        };
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let server_name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(server_name, stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driving = tokio::spawn(connection);
        let mut request =
            Request::post("/token").header(header::HOST, name).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let form = format!("grant_type=client_credentials&client_id={client}");
        let response = sender.send_request(request.body(Full::new(Bytes::from(form))).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        driving.abort();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn is_let_in(&self, client: &str, shown: Option<&Identity>) -> bool {
        let (status, body) = self.asks(NAME, client, shown, &[]).await;
        assert!(status == StatusCode::OK || body["error"] == "invalid_client", "{body}");
        status == StatusCode::OK
    }

    /// Why the last one was not.
    fn reason(&self) -> String {
        let failed = self.rig.events().into_iter().rfind(|event| event.name.as_str() == "client.auth_failed").unwrap();
        failed.reason.unwrap().to_string()
    }
}

fn by_subject(dn: &str) -> Draft {
    let certificate_subject = CertificateDraft { subject_dn: Some(dn.into()), ..CertificateDraft::default() };
    Draft { auth_method: "tls_client_auth".into(), certificate_subject, ..Draft::default() }
}

#[tokio::test]
async fn rfc_8705_section_2_1_a_certificate_of_an_authority_is_known_by_its_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let street = Street::open(Some(&authority), Asks::Everybody, &[]).await;
    street.registers("app", by_subject("CN=app,O=Example")).await;
    let san = CertificateDraft { san_dns: Some("app.example.com".into()), ..CertificateDraft::default() };
    street.registers("san", Draft { auth_method: "tls_client_auth".into(), certificate_subject: san, ..Draft::default() }).await;
    let app = authority.issues("app", "app.example.com");
    assert!(street.is_let_in("app", Some(&app)).await);
    assert!(street.is_let_in("san", Some(&app)).await);
    assert!(!street.is_let_in("app", None).await, "its name alone is nothing");
    assert_eq!(street.reason(), "wrong_method");
    assert!(!street.is_let_in("app", Some(&authority.issues("other", "app.example.com"))).await, "attack 48: another client's certificate");
    assert_eq!(street.reason(), "bad_certificate");
    assert!(!street.is_let_in("app", Some(&stranger.issues("app", "app.example.com"))).await, "the same name from another authority");
    assert!(!street.is_let_in("san", Some(&Identity::own("app.example.com"))).await, "nobody vouches for oneself");
    let (_, body) = street.asks(NAME, "app", Some(&app), &[("authorization", "Basic YXBwOng=")]).await;
    assert_eq!(body["error"], "invalid_client", "a secret is another method");
}

#[tokio::test]
async fn rfc_8705_section_2_2_a_certificate_of_ones_own_is_known_when_it_was_registered() {
    let street = Street::open(None, Asks::Everybody, &[]).await;
    let (app, other) = (Identity::own("app.example.com"), Identity::own("app.example.com"));
    let draft =
        |identity: &Identity| Draft { auth_method: "self_signed_tls_client_auth".into(), jwks: Some(identity.jwks()), ..Draft::default() };
    street.registers("app", draft(&app)).await;
    street.registers("other", draft(&other)).await;
    assert!(street.is_let_in("app", Some(&app)).await);
    assert!(!street.is_let_in("app", Some(&other)).await, "attack 48: another client's certificate");
    assert!(!street.is_let_in("app", None).await);
    let renewed = Identity::own("app.example.com");
    let published = "https://app.example.com/jwks";
    let draft = Draft { jwks: None, jwks_uri: Some(published.into()), ..draft(&app) };
    street.registers("rotating", draft).await;
    for current in [&app, &renewed] {
        street.rig.client_keys.publish(published, Some(current.jwks().to_string().into_bytes()));
        assert!(street.is_let_in("rotating", Some(current)).await);
    }
    assert!(!street.is_let_in("rotating", Some(&app)).await, "it is published no more");
}

#[tokio::test]
async fn rfc_8705_section_5_only_who_calls_the_name_for_certificates_is_asked_for_one() {
    let authority = Authority::new();
    let street = Street::open(Some(&authority), Asks::At(MTLS.into()), &[]).await;
    street.registers("app", by_subject("CN=app,O=Example")).await;
    let app = authority.issues("app", "app.example.com");
    assert_eq!(street.asks(MTLS, "app", Some(&app), &[]).await.0, StatusCode::OK);
    assert!(!street.is_let_in("app", Some(&app)).await, "nobody asked, so it was not shown");
    // What is called there and what the handshake was for are two things: without a certificate a name is nothing.
    let (status, _) = street.asks(NAME, "app", Some(&app), &[]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rfc_9440_section_3_a_header_is_believed_of_a_trusted_proxy_and_of_nobody_else() {
    let authority = Authority::new();
    let app = authority.issues("app", "app.example.com");
    let field = app.field();
    let passed = [("client-cert", field.as_str())];
    let behind = Street::open(Some(&authority), Asks::Nobody, &["127.0.0.0/8"]).await;
    behind.registers("app", by_subject("CN=app,O=Example")).await;
    assert_eq!(behind.asks(NAME, "app", None, &passed).await.0, StatusCode::OK);
    assert_eq!(behind.asks(NAME, "app", None, &[passed[0], passed[0]]).await.0, StatusCode::UNAUTHORIZED, "written twice");
    let elsewhere = Street::open(Some(&authority), Asks::Everybody, &["10.0.0.0/8"]).await;
    elsewhere.registers("app", by_subject("CN=app,O=Example")).await;
    assert_eq!(elsewhere.asks(NAME, "app", None, &passed).await.0, StatusCode::UNAUTHORIZED, "written by the client itself");
    assert_eq!(elsewhere.asks(NAME, "app", Some(&app), &[]).await.0, StatusCode::OK);
}
