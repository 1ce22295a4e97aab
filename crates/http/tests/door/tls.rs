//! The door with TLS.

use super::*;

struct Tls {
    folder: tempfile::TempDir,
}

impl Tls {
    fn new() -> Self {
        let tls = Self { folder: tempfile::tempdir().unwrap() };
        tls.renew();
        tls
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.path("tls.crt"), key: self.path("tls.key") }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn renew(&self) -> CertificateDer<'static> {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["house.test".to_owned()]).unwrap();
        std::fs::write(self.path("tls.crt"), cert.pem()).unwrap();
        std::fs::write(self.path("tls.key"), signing_key.serialize_pem()).unwrap();
        cert.der().clone()
    }
}

type TlsStream = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

/// A client that trusts this one certificate.
async fn tls_connect(address: SocketAddr, trusted: &CertificateDer<'static>, alpn: &[&[u8]]) -> std::io::Result<TlsStream> {
    tls_connect_by(address, trusted, alpn, rustls::DEFAULT_VERSIONS).await
}

/// The same, by these versions alone.
async fn tls_connect_by(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[&[u8]],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> std::io::Result<TlsStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = tokio::net::TcpStream::connect(address).await?;
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("house.test").unwrap(), stream).await
}

fn get(uri: &str) -> http::Request<Empty<Bytes>> {
    http::Request::get(uri).header("host", "house.test").body(Empty::new()).unwrap()
}

async fn text(response: http::Response<hyper::body::Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_are_spoken_over_tls() {
    let tls = Tls::new();
    let trusted = tls.renew();
    let house = House::open(DoorOptions { tls: Some(tls.files()), ..options() });

    let stream = tls_connect(house.address, &trusted, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut h2, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let driving = tokio::spawn(connection);
    let request = || http::Request::get("https://house.test/who").body(Empty::<Bytes>::new()).unwrap();
    let (first, second) = tokio::join!(h2.send_request(request()), h2.clone().send_request(request()));
    assert!(text(first.unwrap()).await.starts_with("https socket://127.0.0.1:"));
    assert_eq!(second.unwrap().version(), http::Version::HTTP_2);

    let stream = tls_connect(house.address, &trusted, &[b"http/1.1"]).await.unwrap();
    let (mut h1, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driving_h1 = tokio::spawn(connection);
    let response = h1.send_request(get("/who")).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_11);
    assert!(text(response).await.starts_with("https socket://127.0.0.1:"));

    // A request under way over HTTP/2 survives the stop, and the client is told.
    let slow = h2.send_request(http::Request::get("https://house.test/slow").body(Empty::new()).unwrap());
    let slow = tokio::spawn(slow);
    sleep(Duration::from_millis(50)).await;
    let took = house.stops().await;
    assert_eq!(text(slow.await.unwrap().unwrap()).await, "hello");
    assert!(took < Duration::from_secs(5), "{took:?}");
    driving.await.unwrap().unwrap();
    driving_h1.await.unwrap().unwrap();
}

/// What a client of before TLS 1.3 says first: the latest version it speaks, and its cipher suites (RFC 5246 §7.4.1.2).
fn client_hello(version: [u8; 2], suites: &[u16]) -> Vec<u8> {
    fn counted<const BYTES: usize>(content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[4 - BYTES..], content].concat()
    }
    let numbers = |list: &[u16]| counted::<2>(&list.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>());
    let extension = |number: u16, content: &[u8]| [&number.to_be_bytes()[..], &counted::<2>(content)].concat();
    let extensions = [
        extension(10, &numbers(&[0x001d, 0x0017])),         // groups: X25519, P-256
        extension(13, &numbers(&[0x0403, 0x0804, 0x0401])), // signatures: ECDSA, RSA-PSS, RSA
    ]
    .concat();
    let (random, no_session, no_compression) = ([7; 32], [0], [1, 0]);
    let body = [&version[..], &random, &no_session, &numbers(suites), &no_compression, &counted::<2>(&extensions)].concat();
    let handshake = [&[1][..], &counted::<3>(&body)].concat();
    [&[22, 3, 1][..], &counted::<2>(&handshake)].concat()
}

/// The first record that comes back: its kind, and what it says.
async fn first_record(house: &House, hello: Vec<u8>) -> (u8, Vec<u8>) {
    let mut stream = house.connect();
    outside(move || {
        stream.write_all(&hello).unwrap();
        let mut head = [0; 5];
        stream.read_exact(&mut head).unwrap();
        let mut said = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut said).unwrap();
        (head[0], said)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn fapi_2_0_section_5_2_1_asvs_12_1_1_tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    const FATAL_PROTOCOL_VERSION: [u8; 2] = [2, 70];
    let tls = Tls::new();
    let trusted = tls.renew();
    let house = House::open(DoorOptions { tls: Some(tls.files()), ..options() });
    for (version, name) in [(&rustls::version::TLS12, "1.2"), (&rustls::version::TLS13, "1.3")] {
        let stream = tls_connect_by(house.address, &trusted, &[b"http/1.1"], &[version]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version), "{name}");
        let (mut h1, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        assert_eq!(text(h1.send_request(get("/")).await.unwrap()).await, "hello", "{name}");
    }
    // Suites of those days, and one of TLS 1.2, so that the version is what it is refused for.
    let suites = [0xc02b, 0xc009, 0xc013, 0x002f, 0x000a];
    for (version, name) in [([3, 2], "TLS 1.1"), ([3, 1], "TLS 1.0"), ([3, 0], "SSL 3")] {
        let said = first_record(&house, client_hello(version, &suites)).await;
        assert_eq!(said, (21, FATAL_PROTOCOL_VERSION.into()), "{name}");
    }
    let (kind, said) = first_record(&house, client_hello([3, 3], &suites)).await;
    assert_eq!((kind, said[0]), (22, 2), "the same hello is answered when it is one of TLS 1.2");
}

#[tokio::test(flavor = "multi_thread")]
async fn fapi_2_0_section_5_2_2_asvs_12_1_2_no_suite_without_forward_secrecy_and_authenticated_encryption() {
    const FATAL_HANDSHAKE_FAILURE: [u8; 2] = [2, 40];
    let tls = Tls::new();
    let house = House::open(DoorOptions { tls: Some(tls.files()), ..options() });
    for (suite, name) in [
        (0x009c, "RSA_WITH_AES_128_GCM_SHA256: without forward secrecy"),
        (0x002f, "RSA_WITH_AES_128_CBC_SHA"),
        (0xc009, "ECDHE_ECDSA_WITH_AES_128_CBC_SHA: not authenticated as a whole"),
        (0xc023, "ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
        (0x000a, "RSA_WITH_3DES_EDE_CBC_SHA"),
        (0x0005, "RSA_WITH_RC4_128_SHA"),
        (0x003b, "RSA_WITH_NULL_SHA256"),
        (0x0034, "DH_anon_WITH_AES_128_CBC_SHA"),
        (0x00ff, "none at all"),
    ] {
        let said = first_record(&house, client_hello([3, 3], &[suite])).await;
        assert_eq!(said, (21, FATAL_HANDSHAKE_FAILURE.into()), "{name}");
    }
    for suite in [0xc02b, 0xc02c, 0xcca9] {
        assert_eq!(first_record(&house, client_hello([3, 3], &[suite])).await.0, 22, "{suite:#06x} of BCP 195");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_used_and_a_broken_one_is_not() {
    let tls = Tls::new();
    let first = tls.renew();
    let house = House::open(DoorOptions { tls: Some(tls.files()), ..options() });
    tls_connect(house.address, &first, &[]).await.unwrap();

    let second = tls.renew();
    house.reload.reload().unwrap();
    tls_connect(house.address, &second, &[]).await.unwrap();
    assert!(tls_connect(house.address, &first, &[]).await.is_err(), "the first is not shown any more");

    let stranger = KeyPair::generate().unwrap().serialize_pem();
    for (name, content) in [("tls.key", stranger.as_str()), ("tls.crt", "not a certificate"), ("tls.crt", "")] {
        std::fs::write(tls.path(name), content).unwrap();
        let error = house.reload.reload().unwrap_err().to_string();
        assert!(error.contains("tls."), "the error names the file: {error}");
        tls_connect(house.address, &second, &[]).await.unwrap();
    }
    std::fs::remove_file(tls.path("tls.crt")).unwrap();
    assert!(house.reload.reload().is_err());
    tls_connect(house.address, &second, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_with_a_broken_certificate_does_not_open() {
    let tls = Tls::new();
    std::fs::write(tls.path("tls.crt"), "nothing").unwrap();
    let error = Door::bind(DoorOptions { tls: Some(tls.files()), ..options() }).unwrap_err().to_string();
    assert!(error.contains("tls.crt"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_end_is_cut() {
    let tls = Tls::new();
    let house = House::open(DoorOptions { tls: Some(tls.files()), header_timeout: MOMENT, ..options() });
    let mut silent = Client::from(house.connect());
    let (_, waited) = outside(move || silent.rest()).await;
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_46_contradicting_names_are_refused_in_http2_too() {
    let tls = Tls::new();
    let trusted = tls.renew();
    let house = House::open(DoorOptions { tls: Some(tls.files()), ..options() });
    let stream = tls_connect(house.address, &trusted, &[b"h2"]).await.unwrap();
    let (mut h2, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let contradiction = http::Request::get("https://house.test/").header("host", "evil.test").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(h2.send_request(contradiction).await.unwrap().status(), 400);
    assert_eq!(text(h2.send_request(get("https://house.test/")).await.unwrap()).await, "hello");
}
