//! Audit events as syslog messages (RFC 5424): over UDP (RFC 5426), TCP with octet counting (RFC 6587 §3.4.1), or TLS (RFC 5425).
//!
//! Syslog has no answer that says "I have it". Over TCP and TLS each batch has a connection of its own: it is written, our side is closed, and the batch
//! counts as taken when the server, having read to the end, closes its own. A server that breaks off or does not close in time is sent the batch
//! again. Over UDP a message counts as taken once it was sent, and may be lost on the way.

use std::{fmt::Write as _, io, sync::Arc};

use async_trait::async_trait;
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls_platform_verifier::Verifier;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UdpSocket, lookup_host},
};
use tokio_rustls::TlsConnector;
use vestibule_domain::{
    audit::{
        AuditEvent, Outcome,
        record::{RecordForm, canonical},
        sink::{Batch, NotTaken, SinkTrouble},
    },
    ports::AuditSink,
};

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram each.
    Udp,
    /// One after the other, each with its length before it.
    Tcp,
    /// The same, encrypted, to a server that proves who it is.
    Tls,
}

impl Transport {
    /// The port where servers usually listen for it.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Udp => 514,
            Self::Tcp => 601,
            Self::Tls => 6514,
        }
    }
}

/// Where messages are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogOptions {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How.
    pub transport: Transport,
    /// What we call ourselves in messages (HOSTNAME): printable ASCII without spaces.
    pub sender: String,
    /// Certificate authorities besides the platform's, each a PEM file.
    pub extra_roots: Vec<Vec<u8>>,
}

/// Why messages can't be sent by TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyslogSetupError {
    /// The host is no name that a certificate could have.
    #[error("the host is no name that a certificate could have")]
    Host,
    /// The TLS library can't be set up.
    #[error("TLS can't be set up: no certificate authorities were found, or those in the file can't be read")]
    Tls,
}

/// Sends messages.
#[derive(Clone)]
pub struct SyslogSink {
    options: SyslogOptions,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for SyslogSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyslogSink").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Security and authorization messages, those that are private (RFC 5424 §6.2.1).
const FACILITY: u8 = 10;
/// A datagram carries no more (RFC 768 over IPv4).
const LONGEST_DATAGRAM: usize = 65_507;

impl SyslogSink {
    /// With these options; nobody is asked yet.
    pub fn new(options: SyslogOptions) -> Result<Self, SyslogSetupError> {
        let tls = match options.transport {
            Transport::Tls => {
                let name = ServerName::try_from(options.host.clone()).map_err(|_| SyslogSetupError::Host)?;
                Some((TlsConnector::from(Arc::new(tls(&options.extra_roots)?)), name))
            }
            Transport::Udp | Transport::Tcp => None,
        };
        Ok(Self { options, tls })
    }

    async fn send(&self, batch: &Batch) -> io::Result<()> {
        let place = (self.options.host.as_str(), self.options.port);
        if self.options.transport == Transport::Udp {
            return datagrams(place, batch, &self.options.sender).await;
        }
        let mut framed = Vec::new();
        for event in &batch.events {
            let message = message(event, batch.form, &self.options.sender);
            framed.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
        }
        let stream = TcpStream::connect(place).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            Some((connector, name)) => hand_over(connector.connect(name.clone(), stream).await?, &framed).await,
            None => hand_over(stream, &framed).await,
        }
    }
}

fn tls(extra_roots: &[Vec<u8>]) -> Result<ClientConfig, SyslogSetupError> {
    let roots: Result<Vec<_>, _> = extra_roots.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem)).collect();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots.map_err(|_| SyslogSetupError::Tls)?, provider.clone());
    let verifier = Arc::new(verifier.map_err(|_| SyslogSetupError::Tls)?);
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|_| SyslogSetupError::Tls)?.dangerous().with_custom_certificate_verifier(verifier);
    Ok(config.with_no_client_auth())
}

/// Writes, closes our side, and waits until the other side, having read everything, closes its own.
async fn hand_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, framed: &[u8]) -> io::Result<()> {
    stream.write_all(framed).await?;
    stream.shutdown().await?;
    let mut buffer = [0; 512];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return Ok(()),
            // What it says is no part of the protocol.
            Ok(_) => {}
            // Many close without the last word of TLS.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

async fn datagrams(place: (&str, u16), batch: &Batch, sender: &str) -> io::Result<()> {
    let address = lookup_host(place).await?.next().ok_or(io::ErrorKind::HostUnreachable)?;
    let socket = UdpSocket::bind(if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).await?;
    socket.connect(address).await?;
    for event in &batch.events {
        let mut message = message(event, batch.form, sender);
        if message.len() > LONGEST_DATAGRAM {
            message = short_message(event, sender);
        }
        socket.send(message.as_bytes()).await?;
    }
    // What the network answers at once, if nobody listens there.
    socket.take_error()?.map_or(Ok(()), Err)
}

/// RFC 5424 §6. The record is canonical JSON, in which control characters are escaped: nothing in it can begin another message.
fn message(event: &AuditEvent, form: RecordForm, sender: &str) -> String {
    let mut message = header(event, sender);
    message.push_str(&form.text(event));
    message
}

/// What stands for an event that fits in no datagram: enough to find it in the log.
fn short_message(event: &AuditEvent, sender: &str) -> String {
    let seq = event.link.map(|link| link.seq);
    let found =
        json!({ "id": event.id, "time": event.time.to_string(), "name": event.name, "code": event.name.code(), "seq": seq, "cut": true });
    header(event, sender) + &canonical(&found)
}

fn header(event: &AuditEvent, sender: &str) -> String {
    let severity = match event.outcome {
        Outcome::Success => 6,
        Outcome::Denied => 5,
        Outcome::Failure => 4,
    };
    let priority = FACILITY * 8 + severity;
    let mut header = String::new();
    // Writing to a string does not fail.
    let _ = write!(header, "<{priority}>1 {} {sender} vestibule - {} ", event.time, event.name);
    // §7.3.1: from 1 to 2147483647, and then from 1 again.
    let _ = match event.link {
        Some(link) => write!(header, "[meta sequenceId=\"{}\"] ", (link.seq - 1).rem_euclid(i64::from(i32::MAX)) + 1),
        None => write!(header, "- "),
    };
    header
}

#[async_trait]
impl AuditSink for SyslogSink {
    async fn deliver(&self, batch: &Batch) -> Result<(), NotTaken> {
        self.send(batch).await.map_err(|error| {
            let trouble = match error.kind() {
                io::ErrorKind::TimedOut => SinkTrouble::Timeout,
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => SinkTrouble::Failing,
                _ => SinkTrouble::Unreachable,
            };
            let SyslogOptions { host, port, .. } = &self.options;
            NotTaken { trouble, why: format!("{host}:{port}: {error}") }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;
    use uuid::Uuid;
    use vestibule_domain::{
        audit::{EventName, chain::Link},
        secret::Digest,
    };
    use vestibule_testkit::sample::Sample;

    use super::*;

    fn events() -> Vec<AuditEvent> {
        let sample = Sample::default();
        let first = sample.event(EventName::LoginFailed, &sample.account(), &sample.client("app"));
        let link = |seq| Some(Link { seq, prev: Digest([1; 32]), hash: Digest([2; 32]) });
        let hostile = Some("a\r\n<1>1 forged \u{1b}[2Jé".to_owned());
        vec![
            AuditEvent { outcome: Outcome::Failure, link: link(1), detail: hostile, ..first.clone() },
            AuditEvent { link: link(i64::from(i32::MAX) + 1), outcome: Outcome::Success, ..first },
        ]
    }

    fn batch() -> Batch {
        Batch { chain: Uuid::nil(), events: events(), form: RecordForm::Json, now: Sample::default().now }
    }

    fn sink(port: u16, transport: Transport) -> SyslogSink {
        let sender = "sso.example.com".to_owned();
        SyslogSink::new(SyslogOptions { host: "127.0.0.1".into(), port, transport, sender, extra_roots: Vec::new() }).unwrap()
    }

    #[test]
    fn rfc_5424_section_6_a_message_has_its_header_and_one_line() {
        let [first, wrapped] = &events()[..] else { unreachable!() };
        let text = message(first, RecordForm::Json, "sso.example.com");
        let head = format!("<84>1 {} sso.example.com vestibule - login.failed [meta sequenceId=\"1\"] {{", first.time);
        assert!(text.starts_with(&head), "{text}");
        assert!(
            message(wrapped, RecordForm::Json, "h").contains(" [meta sequenceId=\"1\"] {")
                && message(wrapped, RecordForm::Json, "h").starts_with("<86>1 ")
        );
    }

    #[test]
    fn attack_78_nothing_in_an_event_begins_another_message() {
        for form in RecordForm::ALL {
            let text = message(&events()[0], *form, "h");
            assert!(!text.chars().any(char::is_control) && text.contains("forged"), "{text}");
        }
    }

    /// RFC 5424 §6: MSGID has 32 characters at most.
    #[test]
    fn rfc_5424_section_6_every_name_of_an_event_fits() {
        for name in EventName::ALL {
            assert!(name.as_str().len() <= 32 && name.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{name}");
        }
    }

    #[tokio::test]
    async fn rfc_6587_section_3_4_1_messages_are_counted_and_taken_when_the_server_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            stream.read_to_end(&mut read).await.unwrap();
            read
        });
        sink(port, Transport::Tcp).deliver(&batch()).await.unwrap();
        let read = server.await.unwrap();
        let (mut rest, mut messages) = (&read[..], Vec::new());
        while let Some(at) = rest.iter().position(|byte| *byte == b' ') {
            let length: usize = std::str::from_utf8(&rest[..at]).unwrap().parse().unwrap();
            messages.push(String::from_utf8(rest[at + 1..at + 1 + length].to_vec()).unwrap());
            rest = &rest[at + 1 + length..];
        }
        let sent: Vec<_> = events().iter().map(|event| message(event, RecordForm::Json, "sso.example.com")).collect();
        assert_eq!(messages, sent);
    }

    #[tokio::test]
    async fn a_server_that_reads_nothing_or_breaks_off_has_taken_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let slow = tokio::time::timeout(Duration::from_millis(200), async { sink(port, Transport::Tcp).deliver(&batch()).await }).await;
        assert!(slow.is_err(), "it waits for the server to close");
        drop(listener);
        let gone = sink(port, Transport::Tcp).deliver(&batch()).await.unwrap_err();
        assert_eq!(gone.trouble, SinkTrouble::Unreachable);
        let nobody = sink(port, Transport::Tls).deliver(&batch()).await.unwrap_err();
        assert_eq!(nobody.trouble, SinkTrouble::Unreachable);
    }

    /// Takes one connection; whether the last word of TLS is said.
    async fn tls_server(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>, polite: bool) -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
        let key = rustls_pki_types::PrivateKeyDer::Pkcs8(certificate.signing_key.serialize_der().into());
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let mut read = Vec::new();
            if let Ok(mut stream) = acceptor.accept(listener.accept().await.unwrap().0).await {
                stream.read_to_end(&mut read).await.unwrap();
                if polite {
                    stream.shutdown().await.unwrap();
                }
            }
            read
        });
        (port, served)
    }

    #[tokio::test]
    async fn rfc_5425_section_4_2_a_server_is_sent_something_once_it_proved_who_it_is() {
        let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let sink = |host: &str, port, extra_roots| {
            let options =
                SyslogOptions { host: host.into(), port, transport: Transport::Tls, sender: "sso.example.com".into(), extra_roots };
            SyslogSink::new(options).unwrap()
        };
        let roots = vec![certificate.cert.pem().into_bytes()];
        for polite in [true, false] {
            let (port, served) = tls_server(&certificate, polite).await;
            sink("localhost", port, roots.clone()).deliver(&batch()).await.unwrap();
            let read = String::from_utf8(served.await.unwrap()).unwrap();
            assert!(read.contains("<84>1 ") && read.contains("<86>1 "), "{read}");
        }
        for (host, roots) in [("localhost", Vec::new()), ("127.0.0.1", roots)] {
            let (port, served) = tls_server(&certificate, true).await;
            let refused = sink(host, port, roots).deliver(&batch()).await.unwrap_err();
            assert_eq!(refused.trouble, SinkTrouble::Unreachable, "{refused}");
            assert!(served.await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn a_port_of_this_machine_where_nobody_listens_is_noticed() {
        let port = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut batch = batch();
        batch.events.truncate(1);
        assert_eq!(sink(port, Transport::Udp).deliver(&batch).await.unwrap_err().trouble, SinkTrouble::Unreachable);
    }

    #[tokio::test]
    async fn rfc_5426_section_3_a_message_is_a_datagram_and_one_too_long_is_named() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut batch = batch();
        batch.events[1].detail = Some("x".repeat(70_000));
        sink(socket.local_addr().unwrap().port(), Transport::Udp).deliver(&batch).await.unwrap();
        let mut buffer = vec![0; 70_000];
        let read = socket.recv(&mut buffer).await.unwrap();
        assert_eq!(std::str::from_utf8(&buffer[..read]).unwrap(), message(&batch.events[0], RecordForm::Json, "sso.example.com"));
        let read = socket.recv(&mut buffer).await.unwrap();
        let short = std::str::from_utf8(&buffer[..read]).unwrap();
        assert!(short.contains("\"cut\":true") && short.contains(&batch.events[1].id.to_string()), "{short}");
    }
}
