//! Files of the console: its style sheet and scripts, from this binary. Their names have their digests in them, so that browsers keep them for ever and a
//! new release is a new name.

use std::{fmt::Write as _, sync::Arc, sync::LazyLock};

use http::{HeaderValue, StatusCode, header};
use poem::Response;
use sha2::{Digest, Sha256};

use crate::{house::House, visit::Visit};

/// The style sheet.
pub(super) static STYLE: LazyLock<File> =
    LazyLock::new(|| File::new("console", "css", "text/css; charset=utf-8", include_str!("../../templates/console/console.css")));
/// What copies to the clipboard.
pub(super) static SCRIPT: LazyLock<File> =
    LazyLock::new(|| File::new("console", "js", JAVASCRIPT, include_str!("../../templates/console/console.js")));
/// `htmx`, by its makers (<https://htmx.org>, under the licence beside it).
pub(super) static HTMX: LazyLock<File> =
    LazyLock::new(|| File::new("htmx", "js", JAVASCRIPT, include_str!("../../assets/htmx-2.0.11.min.js")));

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// One file.
pub(super) struct File {
    /// The last part of its address.
    pub(super) name: String,
    content_type: &'static str,
    text: &'static str,
}

impl File {
    fn new(name: &str, kind: &str, content_type: &'static str, text: &'static str) -> Self {
        let digest = Sha256::digest(text).iter().take(8).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Self { name: format!("{name}-{digest}.{kind}"), content_type, text }
    }
}

/// The file of a name.
pub(super) async fn file(_: Arc<House>, visit: Visit) -> Response {
    let asked = visit.request.raw_path_param("file").unwrap_or_default();
    let files: [&File; 3] = [&STYLE, &SCRIPT, &HTMX];
    let Some(file) = files.into_iter().find(|file| file.name == asked) else {
        return Response::builder().status(StatusCode::NOT_FOUND).content_type("text/plain; charset=utf-8").body("no such file\n");
    };
    Response::builder()
        .content_type(file.content_type)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"))
        .header("cross-origin-resource-policy", HeaderValue::from_static("same-origin"))
        .body(file.text)
}
