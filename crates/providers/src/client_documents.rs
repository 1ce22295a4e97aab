//! Documents of clients that are known by their address (draft-ietf-oauth-client-id-metadata-document), fetched by the one guarded client.

use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use vestibule_domain::{
    client_document::{DocumentFault, FetchedDocument},
    ids::ClientId,
    ports::ClientDocuments,
};
use vestibule_protocol::{json, registration::read_metadata};

use crate::egress::{Egress, EgressError, EgressOptions, EgressSetupError};

/// Fetches them.
#[derive(Clone, Debug)]
pub struct DocumentFetcher(Egress);

/// §6.6.
const MOST_BYTES: usize = 5 * 1024;
/// Somebody waits before a page for it, and whoever named the address may be an attacker who would have us wait.
const TIMEOUT: Duration = Duration::from_secs(5);

impl DocumentFetcher {
    /// Under the same rules about what is reached, and shorter ones about how long and how much.
    pub fn new(options: EgressOptions) -> Result<Self, EgressSetupError> {
        let timeout = options.timeout.min(TIMEOUT);
        let connect_timeout = options.connect_timeout.min(timeout);
        Egress::new(EgressOptions { timeout, connect_timeout, most_bytes: MOST_BYTES, ..options }).map(Self)
    }
}

#[async_trait]
impl ClientDocuments for DocumentFetcher {
    async fn fetch(&self, id: &ClientId) -> Result<FetchedDocument, DocumentFault> {
        self.fetch_at(id.document().ok_or(DocumentFault::Unreachable)?).await
    }
}

impl DocumentFetcher {
    async fn fetch_at(&self, address: &str) -> Result<FetchedDocument, DocumentFault> {
        let request = Request::get(address).header(header::ACCEPT, "application/json").body(Vec::new());
        let answer = self.0.send(request.map_err(|_| DocumentFault::Unreachable)?).await.map_err(|error| {
            tracing::info!(%error, "a client's document can't be fetched");
            match error {
                EgressError::Redirect(_) => DocumentFault::Redirect,
                EgressError::TooLarge(_) => DocumentFault::TooLarge,
                _ => DocumentFault::Unreachable,
            }
        })?;
        if answer.status() != StatusCode::OK {
            return Err(DocumentFault::Status);
        }
        if !is_json(answer.headers()) {
            return Err(DocumentFault::NotJson);
        }
        Ok(FetchedDocument { fresh_for: fresh_for(answer.headers()), ..read(answer.body())? })
    }
}

fn read(body: &[u8]) -> Result<FetchedDocument, DocumentFault> {
    let Ok(Value::Object(members)) = json::parse_strict(body) else { return Err(DocumentFault::NotJson) };
    let client_id = members.get("client_id").and_then(Value::as_str).map(str::to_owned);
    // A statement that nobody here can check might say something else than the rest.
    if members.contains_key("software_statement") {
        return Err(DocumentFault::Invalid("software_statement"));
    }
    let has_secret = members.keys().any(|name| name.starts_with("client_secret"));
    let asked = read_metadata(members).map_err(|_| DocumentFault::Invalid("a member of another type than it has to be"))?;
    Ok(FetchedDocument { client_id, has_secret, asked, fresh_for: None })
}

/// `application/json`, or any `application/…+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// What `Cache-Control` lets a private cache keep it for (RFC 9111 §5.2.2).
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let directives: Vec<_> = values.flat_map(|value| value.split(',')).map(|one| one.trim().to_ascii_lowercase()).collect();
    if directives.iter().any(|one| matches!(one.as_str(), "no-store" | "no-cache")) {
        return Some(Duration::ZERO);
    }
    directives.iter().find_map(|one| one.strip_prefix("max-age=")?.trim_matches('"').parse().ok()).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use std::{io, net::IpAddr, sync::Arc};

    use http::HeaderValue;
    use proptest::prelude::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::egress::Lookup;

    /// What a host on loopback answers with makes of it; how often it was asked.
    async fn answered(answer: String) -> Result<FetchedDocument, DocumentFault> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 2048]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let options = EgressOptions { allow: vec![at.parse().unwrap()], timeout: Duration::from_secs(2), ..EgressOptions::default() };
        let fetched = DocumentFetcher::new(options).unwrap().fetch_at(&format!("http://{at}/client.json")).await;
        serving.abort();
        fetched
    }

    fn ok(headers: &str, body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n\r\n{body}", body.len())
    }

    const JSON: &str = "content-type: application/json";

    #[tokio::test]
    async fn cimd_section_4_only_200_with_json_is_a_document() {
        let document =
            answered(ok("content-type: application/json\r\ncache-control: max-age=90", r#"{"client_id":"x","client_name":"App"}"#)).await;
        let document = document.unwrap();
        assert_eq!((document.client_id.as_deref(), document.fresh_for), (Some("x"), Some(Duration::from_secs(90))));
        let moved = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(answered(moved.into()).await.unwrap_err(), DocumentFault::Redirect);
        for status in ["201 Created", "204 No Content", "404 Not Found", "500 Oops"] {
            assert_eq!(answered(ok(JSON, "{}").replace("200 OK", status)).await.unwrap_err(), DocumentFault::Status, "{status}");
        }
        assert_eq!(answered(ok("content-type: text/html", "{}")).await.unwrap_err(), DocumentFault::NotJson);
        assert_eq!(answered(ok(JSON, "not json")).await.unwrap_err(), DocumentFault::NotJson);
        assert_eq!(answered("nonsense".into()).await.unwrap_err(), DocumentFault::Unreachable);
    }

    #[tokio::test]
    async fn cimd_section_6_6_five_kilobytes_are_enough() {
        let sized = |size: usize| ok(JSON, &format!("{{\"x\":\"{}\"}}", "a".repeat(size - 8)));
        assert!(answered(sized(5 * 1024)).await.is_ok());
        assert_eq!(answered(sized(5 * 1024 + 1)).await.unwrap_err(), DocumentFault::TooLarge);
    }

    #[derive(Debug)]
    struct Rebound;

    #[async_trait]
    impl Lookup for Rebound {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(vec!["127.0.0.1".parse().unwrap()])
        }
    }

    #[tokio::test]
    async fn attack_42_and_43_cimd_section_6_5_a_document_inside_is_reached_by_no_spelling_and_no_name() {
        let fetcher = DocumentFetcher::new(EgressOptions { lookup: Arc::new(Rebound), ..EgressOptions::default() }).unwrap();
        for address in [
            "https://127.0.0.1/c",
            "https://[::1]/c",
            "https://[::ffff:7f00:1]/c",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1/c",
            "https://100.64.0.1/c",
            "https://[fd00::1]/c",
            "https://0.0.0.0/c",
            "https://8.8.8.8:8443/c",
            "https://rebound.example/c",
        ] {
            let fetched = fetcher.fetch(&ClientId::parse(address).unwrap()).await;
            assert_eq!(fetched.unwrap_err(), DocumentFault::Unreachable, "{address}");
        }
    }

    #[test]
    fn cimd_section_4_4_how_long_it_may_be_kept_stands_in_its_headers() {
        let kept = |text: &'static str| {
            let headers: HeaderMap = [(header::CACHE_CONTROL, HeaderValue::from_static(text))].into_iter().collect();
            fresh_for(&headers).map(|span| span.as_secs())
        };
        assert_eq!(kept("public, max-age=600"), Some(600));
        assert_eq!(kept("Max-Age=\"60\""), Some(60));
        assert_eq!((kept("no-store"), kept("max-age=600, no-cache"), kept("max-age=-1"), kept("public")), (Some(0), Some(0), None, None));
        assert_eq!(fresh_for(&HeaderMap::new()), None);
    }

    #[test]
    fn only_json_is_read() {
        let kind = |text: &'static str| is_json(&[(header::CONTENT_TYPE, HeaderValue::from_static(text))].into_iter().collect());
        assert!(kind("application/json") && kind("application/json; charset=utf-8") && kind("application/cimd+json"));
        assert!(!kind("text/html") && !kind("text/json") && !is_json(&HeaderMap::new()));
    }

    #[test]
    fn cimd_section_4_1_a_secret_is_seen_whatever_it_is() {
        assert!(read(br#"{"client_id": "x", "client_secret": null}"#).unwrap().has_secret);
        assert!(read(br#"{"client_id": "x", "client_secret_expires_at": 0}"#).unwrap().has_secret);
        assert_eq!(read(br#"{"client_id": "x", "client_id": "y"}"#).unwrap_err(), DocumentFault::NotJson);
        assert_eq!(read(br#"["x"]"#).unwrap_err(), DocumentFault::NotJson);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in r#"\{("[a-z_]{1,12}":("x"|\[\]|1|null),?){0,6}\}"#) {
            let _ = read(&bytes);
            let _ = read(text.as_bytes());
        }
    }
}
