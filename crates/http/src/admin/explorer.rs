//! The OpenAPI document, and a page that shows it. Everything comes from this binary; neither holds a secret, so neither asks for a key.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};
use poem_openapi::{OpenApi, OpenApiService};
use sha2::{Digest, Sha256};

use super::document;

/// Scripts and styles of our own origin only, and nothing may frame the page, whose reader types an admin key into it.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// The few files, made once.
pub(crate) struct Explorer {
    document: File,
    page: File,
    style: File,
    viewer: File,
    start: File,
}

struct File {
    content_type: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
}

impl Explorer {
    pub(crate) fn new<T: OpenApi>(service: &OpenApiService<T, ()>) -> Self {
        // The library gives its viewer only as one page with everything inline, which a strict policy would refuse to run.
        let inline = service.swagger_ui_html();
        let part = |begin, end| between(&inline, begin, end).unwrap_or_default();
        Self {
            document: File::new("application/json", document::finish(&service.spec())),
            page: File::new("text/html; charset=utf-8", include_str!("explorer/page.html")),
            style: File::new("text/css; charset=utf-8", part("<style charset=\"UTF-8\">", "</style>")),
            viewer: File::new("text/javascript; charset=utf-8", part("<script charset=\"UTF-8\">", "</script>")),
            start: File::new("text/javascript; charset=utf-8", include_str!("explorer/start.js")),
        }
    }

    /// The file at an address, relative to the API.
    pub(crate) fn respond(&self, request: &Request) -> Option<Response> {
        let file = match request.uri().path().trim_start_matches('/') {
            "openapi.json" => &self.document,
            "explorer" => &self.page,
            "explorer/swagger-ui.css" => &self.style,
            "explorer/swagger-ui.js" => &self.viewer,
            "explorer/start.js" => &self.start,
            _ => return None,
        };
        Some(file.respond(request))
    }
}

impl File {
    fn new(content_type: &'static str, text: impl Into<String>) -> Self {
        let bytes = Bytes::from(text.into());
        let digest = Sha256::digest(&bytes).iter().take(16).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let etag = HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { content_type, bytes, etag }
    }

    fn respond(&self, request: &Request) -> Response {
        let known = request.headers().get_all(header::IF_NONE_MATCH).iter().any(|tag| self.etag == tag);
        let response = Response::builder()
            .header(header::ETAG, self.etag.clone())
            // Asked for again each time, sent again only when it changed: the viewer is 1.4 MB.
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
            .header("cross-origin-opener-policy", HeaderValue::from_static("same-origin"))
            .header("cross-origin-resource-policy", HeaderValue::from_static("same-origin"))
            .header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if known {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.content_type(self.content_type).body(self.bytes.clone())
    }
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(part, _)| part)
}
