use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vestibule_domain::ports::{Clock, Observer};
use vestibule_providers::{
    egress::{Egress, EgressError, EgressOptions, EgressSetupError, Lookup},
    oidc::{OidcProvider, OidcSettings, SettingsFault},
};
use vestibule_testkit::{
    clock::{SeededEntropy, StoppedClock},
    issuer::Issuer,
};

use crate::bench::{Steps, egress, settings};

fn get(url: &str) -> http::Request<Vec<u8>> {
    http::Request::get(url).body(Vec::new()).unwrap()
}

fn provider(settings: OidcSettings, egress: Egress) -> Result<OidcProvider, SettingsFault> {
    let clock = Arc::new(StoppedClock::default()) as Arc<dyn Clock>;
    OidcProvider::new(settings, egress, clock, Arc::new(SeededEntropy::default()), Arc::new(Steps::default()) as Arc<dyn Observer>)
}

const INSIDE: [&str; 17] = [
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://0.0.0.0/",
    "https://0/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://2130706433/",
    "https://0x7f.0.0.1/",
    "https://0177.1/",
    "https://10.0.0.1:8443/",
    "https://user:secret@8.8.8.8/",
    "http://8.8.8.8/",
];

#[tokio::test]
async fn attack_42_addresses_inside_are_blocked_with_one_error_and_no_packet() {
    let egress = egress(&[]);
    for url in INSIDE {
        if let Ok(request) = http::Request::get(url).body(Vec::new()) {
            assert_eq!(egress.send(request).await.unwrap_err(), EgressError::Blocked, "{url}");
        }
        assert!(!egress.permits(&url.parse().unwrap()), "{url}");
    }
    for scheme in ["file:///etc/passwd", "gopher://8.8.8.8/", "ftp://8.8.8.8/", "data:text/plain,x", "javascript:1"] {
        assert!(!egress.permits(&scheme.parse().unwrap()), "{scheme}");
    }
    assert!(egress.permits(&"https://8.8.8.8/".parse().unwrap()) && egress.permits(&"https://issuer.example:443/".parse().unwrap()));
}

#[test]
fn attack_42_odd_ports_are_reached_only_where_an_operator_named_them() {
    let permits = |egress: &Egress, url: &str| egress.permits(&url.parse().unwrap());
    let strict = egress(&[]);
    for url in ["https://8.8.8.8:22/", "https://issuer.example:6379/", "https://issuer.example:8443/", "https://issuer.example:80/"] {
        assert!(!permits(&strict, url), "{url}");
    }
    let of_issuer = strict.at_port_of(&"https://issuer.example:8443/t".parse().unwrap());
    for url in ["https://issuer.example:8443/", "https://tokens.example:8443/", "https://tokens.example/", "https://8.8.8.8:8443/"] {
        assert!(permits(&of_issuer, url), "{url}");
    }
    for url in ["https://issuer.example:8444/", "https://8.8.8.8:22/", "https://10.0.0.1:8443/", "http://issuer.example:8443/"] {
        assert!(!permits(&of_issuer, url), "{url}");
    }
    let allowing = egress(&["issuer.example:9000", "10.0.0.0/8"]);
    assert!(permits(&allowing, "https://issuer.example:9000/") && permits(&allowing, "https://10.0.0.1:22/"));
    assert!(!permits(&allowing, "https://8.8.8.8:9000/"));
    assert!(permits(&allowing, "https://inside.example:8443/"), "it may lead into the network; the resolver sees to it");
}

#[test]
fn an_issuer_at_a_port_of_its_own_is_reached_there() {
    assert!(provider(settings("https://issuer.example:8443"), egress(&[])).is_ok());
}

#[test]
fn attack_42_an_issuer_inside_is_refused_when_it_is_configured() {
    for url in INSIDE {
        assert!(matches!(provider(settings(url), egress(&[])), Err(SettingsFault::IssuerAddress)), "{url}");
    }
}

/// Answers the same for every name.
#[derive(Debug)]
pub(crate) struct Always(pub(crate) IpAddr);

#[async_trait]
impl Lookup for Always {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![self.0])
    }
}

/// Leads to 127.0.0.2 when it is asked first, and to 127.0.0.1 from then on.
#[derive(Debug, Default)]
pub(crate) struct Rebinding(AtomicUsize);

impl Rebinding {
    pub(crate) fn times_asked(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Lookup for Rebinding {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let last = if self.0.fetch_add(1, Ordering::Relaxed) == 0 { 2 } else { 1 };
        Ok(vec![Ipv4Addr::new(127, 0, 0, last).into()])
    }
}

pub(crate) async fn knocks(listener: &TcpListener) -> bool {
    tokio::time::timeout(Duration::from_millis(100), listener.accept()).await.is_ok()
}

#[tokio::test]
async fn attack_43_a_name_that_leads_inside_is_not_connected_to() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let lookup = Arc::new(Always(Ipv4Addr::LOCALHOST.into()));
    let client = |allow: &[&str]| {
        let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
        let timeout = Duration::from_millis(300);
        Egress::new(EgressOptions { allow, timeout, lookup: Arc::clone(&lookup) as Arc<dyn Lookup>, ..EgressOptions::default() }).unwrap()
    };
    let request = || get(&format!("https://rebound.example:{port}/"));

    let at_port = client(&[]).at_port_of(&format!("https://issuer.example:{port}").parse().unwrap());
    assert_eq!(at_port.send(request()).await.unwrap_err(), EgressError::Blocked);
    assert_eq!(client(&[]).send(request()).await.unwrap_err(), EgressError::Blocked);
    assert_eq!(client(&["rebound.example:1"]).send(request()).await.unwrap_err(), EgressError::Blocked);
    assert_eq!(client(&["10.0.0.0/8"]).send(request()).await.unwrap_err(), EgressError::Blocked);
    assert!(!knocks(&listener).await);

    for allowed in ["127.0.0.0/8".to_owned(), format!("rebound.example:{port}")] {
        let client = client(&[&allowed]);
        let (answer, knocked) = tokio::join!(client.send(request()), knocks(&listener));
        assert!(knocked && answer.unwrap_err() != EgressError::Blocked, "{allowed}");
    }
}

#[tokio::test]
async fn names_without_addresses_and_closed_ports_are_told_apart() {
    #[derive(Debug)]
    struct Nowhere;
    #[async_trait]
    impl Lookup for Nowhere {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    let nowhere = Egress::new(EgressOptions { lookup: Arc::new(Nowhere), ..EgressOptions::default() }).unwrap();
    assert_eq!(nowhere.send(get("https://nowhere.example/")).await.unwrap_err(), EgressError::Name);
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
    let closed = format!("127.0.0.1:{port}");
    assert_eq!(egress(&[&closed]).send(get(&format!("http://{closed}/"))).await.unwrap_err(), EgressError::Connect);
}

#[tokio::test]
async fn the_current_trace_goes_along_and_cookies_do_not() {
    let issuer = Issuer::start(Arc::new(StoppedClock::default())).await;
    let propagate = |host: &str, headers: &mut HeaderMap| {
        assert_eq!(host, "127.0.0.1");
        headers.insert("traceparent", HeaderValue::from_static("00-1-2-01"));
    };
    let options = EgressOptions {
        allow: vec![issuer.host_and_port().parse().unwrap()],
        propagate: Some(Arc::new(propagate)),
        ..EgressOptions::default()
    };
    Egress::new(options).unwrap().send(get(&format!("{}/jwks", issuer.url()))).await.unwrap();
    let headers = &issuer.seen()[0].headers;
    assert!(headers.contains(&("traceparent".into(), "00-1-2-01".into())));
    assert!(headers.iter().all(|(name, _)| name != "cookie" && name != "referer"));
}

/// Answers every connection with an empty JSON object over TLS; returns its port.
async fn https_server(certificate: rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = rustls_pki_types::PrivateKeyDer::try_from(certificate.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn asvs_16_3_4_a_certificate_is_trusted_for_its_name_when_its_root_was_given_and_not_before() {
    let certificate = rcgen::generate_simple_self_signed(vec!["issuer.internal".to_owned()]).unwrap();
    let root = certificate.cert.pem().into_bytes();
    let port = https_server(certificate).await;
    let client = |extra_roots: Vec<Vec<u8>>| {
        let allow = vec!["127.0.0.0/8".parse().unwrap()];
        let lookup = Arc::new(Always(Ipv4Addr::LOCALHOST.into()));
        Egress::new(EgressOptions { allow, extra_roots, lookup, ..EgressOptions::default() }).unwrap()
    };
    let request = |host: &str| get(&format!("https://{host}:{port}/"));
    assert_eq!(client(vec![]).send(request("issuer.internal")).await.unwrap_err(), EgressError::Connect);
    let trusting = client(vec![root]);
    assert_eq!(trusting.send(request("issuer.internal")).await.unwrap().body(), b"{}");
    assert_eq!(trusting.send(request("other.internal")).await.unwrap_err(), EgressError::Connect);
}

#[tokio::test]
async fn the_stand_in_sends_a_browser_straight_back() {
    let issuer = Issuer::start(Arc::new(StoppedClock::default())).await;
    let asked = format!("{}/authorize?client_id=vestibule&response_type=code&redirect_uri=https://id.example/cb&state=s", issuer.url());
    assert_eq!(egress(&[&issuer.host_and_port()]).send(get(&asked)).await.unwrap_err(), EgressError::Redirect(303));
    let back = issuer.visit(&asked).unwrap();
    assert_eq!((back.location.host_str(), back.state.as_str(), back.callback.code.is_some()), (Some("id.example"), "s", true));
}

#[test]
fn a_root_that_is_no_certificate_is_named_at_the_start() {
    for bad in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA"] {
        let options = EgressOptions { extra_roots: vec![bad.into()], ..EgressOptions::default() };
        assert_eq!(Egress::new(options).unwrap_err(), EgressSetupError::Root(0), "{bad}");
    }
}

#[test]
fn settings_that_can_not_work_are_named_at_the_start() {
    let fault = |change: fn(&mut OidcSettings)| {
        let mut settings = settings("https://issuer.example");
        change(&mut settings);
        provider(settings, egress(&[])).err()
    };
    assert_eq!(fault(|_| {}), None);
    for issuer in ["", "issuer.example", "https://issuer.example?x", "https://issuer.example#x", "https://issuer.example/ä", "mailto:a@b"]
    {
        assert!(provider(settings(issuer), egress(&[])).is_err(), "{issuer}");
    }
    assert_eq!(fault(|settings| settings.client_id.clear()), Some(SettingsFault::ClientId));
    assert_eq!(fault(|settings| settings.allowed_algs.clear()), Some(SettingsFault::Algorithms));
    assert_eq!(fault(|settings| settings.scopes.push("a b".into())), Some(SettingsFault::Scope));
}
