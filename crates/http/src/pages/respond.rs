//! From a page to a response: the markup, and every header that protects it.

use http::{HeaderName, HeaderValue, StatusCode, header};
use poem::Response;

use super::{FormTarget, Look, brand::Brand, style::source_of};

/// Something a person sees.
pub trait Page: Send + Sync {
    /// The whole document.
    fn render(&self, look: &Look<'_>) -> askama::Result<String>;

    /// The status it is sent with.
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }

    /// The `form-action` sources: `None` for a page without a form, otherwise the origins besides our own at which it may end.
    fn forms(&self) -> Option<&[FormTarget]> {
        None
    }

    /// The origins of what it loads in frames.
    fn frames(&self) -> Vec<&FormTarget> {
        Vec::new()
    }

    /// The one script that may run; pages have none but for the one that cannot do without.
    fn script(&self) -> Option<&'static str> {
        None
    }

    /// Headers that belong to this page alone.
    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        Vec::new()
    }

    /// The response, complete with its security headers.
    fn respond(&self, look: &Look<'_>) -> Response {
        let Ok(html) = self.render(look) else {
            tracing::error!("a hosted page could not be rendered");
            return Response::builder()
                .status(StatusCode::INTERNAL_SERVER_ERROR)
                .content_type("text/plain; charset=utf-8")
                .body(look.texts.unrenderable.to_owned());
        };
        let mut response = Response::builder()
            .status(self.status())
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_LANGUAGE, look.texts.lang)
            .header(header::CONTENT_SECURITY_POLICY, content_security_policy(look.brand, self.script(), self.forms(), &self.frames()))
            .body(html);
        protect(&mut response, "no-referrer");
        response.headers_mut().extend(self.headers());
        response
    }
}

/// The policy of a page: nothing runs, nothing loads, nobody frames it. Our one style and the icon are all it may show; a form
/// goes to us and ends at the named origins, or nowhere when the page has none.
fn content_security_policy(brand: &Brand, script: Option<&str>, forms: Option<&[FormTarget]>, frames: &[&FormTarget]) -> String {
    let form_action = match forms {
        None => "'none'".to_owned(),
        Some(targets) => targets.iter().fold("'self'".to_owned(), |sources, target| format!("{sources} {target}")),
    };
    let mut framed = Vec::new();
    for origin in frames {
        if !framed.contains(origin) {
            framed.push(*origin);
        }
    }
    // Without frames, `default-src` says that there are none.
    let frame_src = framed.iter().fold(String::new(), |sources, origin| format!("{sources} {origin}"));
    let frame_src = if frame_src.is_empty() { frame_src } else { format!(" frame-src{frame_src};") };
    let script = script.map(|script| format!(" script-src {};", source_of(script))).unwrap_or_default();
    format!(
        "default-src 'none';{frame_src}{script} style-src {}; img-src data:; base-uri 'none'; object-src 'none'; form-action {form_action}; frame-ancestors 'none'",
        brand.style().source()
    )
}

/// Puts on the headers that every page of ours carries alike, and how much of its address it tells to others. Addresses of our pages hold attempts and
/// references, so pages are not stored; `X-Frame-Options` repeats `frame-ancestors` for browsers and scanners that know only the old one.
pub(crate) fn protect(response: &mut Response, referrer: &'static str) {
    let all = PROTECTION.into_iter().chain([(header::REFERRER_POLICY, referrer)]);
    response.headers_mut().extend(all.map(|(name, value)| (name, HeaderValue::from_static(value))));
}

const PROTECTION: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    ),
];
