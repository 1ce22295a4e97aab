//! The cookies: the session, an operator's, a login attempt each, the provider used last, and the language an app asked for.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use vestibule_domain::ids::{AttemptId, ProviderId};
use vestibule_flows::{ConsoleCookie, SealedAttempt, SessionCookie};

/// Names and attributes of our cookies. Over TLS they carry the `__Host-` prefix, so no other host can set them (attack 63);
/// without TLS, which is for loopback only, browsers refuse the prefix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookies {
    secure: bool,
}

/// How many login attempts one browser keeps, and how many bytes of them; beginning another lets go of the oldest. Proxies in front of us take
/// request headers of 8 KB, and any site can make a browser begin attempts.
const MOST_ATTEMPTS: usize = 6;
const MOST_BYTES: usize = 6_000;
/// Longer than anybody takes to sign in.
const A_SIGN_IN: Duration = Duration::from_mins(15);
const A_YEAR: Duration = Duration::from_hours(365 * 24);

impl Cookies {
    pub(crate) fn new(secure: bool) -> Self {
        Self { secure }
    }

    pub(crate) fn are_secure(self) -> bool {
        self.secure
    }

    /// The session cookie's value.
    pub(crate) fn session(self, headers: &HeaderMap) -> Option<String> {
        only(headers, &self.named("session"))
    }

    /// The value of an attempt's cookie.
    pub(crate) fn attempt(self, headers: &HeaderMap, id: AttemptId) -> Option<String> {
        only(headers, &self.attempt_name(id))
    }

    /// The attempts that a browser keeps, the oldest first.
    pub(crate) fn attempts(self, headers: &HeaderMap) -> Vec<(AttemptId, String)> {
        let start = self.named("attempt-");
        let ids = pairs(headers).filter_map(|(name, _)| name.strip_prefix(&start)?.parse().ok()).take(MOST_ATTEMPTS * 2);
        ids.filter_map(|id| self.attempt(headers, id).map(|value| (id, value))).collect()
    }

    /// The provider used last, if the cookie holds a name that can be one.
    pub(crate) fn last_provider(self, headers: &HeaderMap) -> Option<ProviderId> {
        only(headers, &self.named("last-provider")).and_then(|text| ProviderId::parse(text).ok())
    }

    /// Whether this browser sent any cookie of ours at all.
    pub(crate) fn any(self, headers: &HeaderMap) -> bool {
        let ours = self.named("");
        pairs(headers).any(|(name, _)| name.starts_with(&ours))
    }

    pub(crate) fn set_session(self, session: &SessionCookie) -> HeaderValue {
        self.set(&self.named("session"), &session.value, session.max_age)
    }

    pub(crate) fn drop_session(self) -> HeaderValue {
        self.set(&self.named("session"), "", Duration::ZERO)
    }

    /// The console cookie's value.
    pub(crate) fn console(self, headers: &HeaderMap) -> Option<String> {
        only(headers, &self.named("console"))
    }

    pub(crate) fn set_console(self, console: &ConsoleCookie) -> HeaderValue {
        self.set(&self.named("console"), &console.value, console.max_age)
    }

    pub(crate) fn drop_console(self) -> HeaderValue {
        self.set(&self.named("console"), "", Duration::ZERO)
    }

    /// What was just made for a page of the console, sealed.
    pub(crate) fn console_shown(self, headers: &HeaderMap) -> Option<String> {
        only(headers, &self.named("console-shown"))
    }

    pub(crate) fn set_console_shown(self, sealed: &str, max_age: Duration) -> HeaderValue {
        self.set(&self.named("console-shown"), sealed, max_age)
    }

    pub(crate) fn drop_console_shown(self) -> HeaderValue {
        self.set(&self.named("console-shown"), "", Duration::ZERO)
    }

    /// The page of the console that an operator wanted to see before they signed in, as it stands in an address's query.
    pub(crate) fn console_page(self, headers: &HeaderMap) -> Option<String> {
        only(headers, &self.named("console-page"))
    }

    pub(crate) fn set_console_page(self, page: &str) -> HeaderValue {
        self.set(&self.named("console-page"), page, A_SIGN_IN)
    }

    pub(crate) fn drop_console_page(self) -> HeaderValue {
        self.set(&self.named("console-page"), "", Duration::ZERO)
    }

    /// The language an app last asked for, for pages that no app asked for.
    pub(crate) fn language(self, headers: &HeaderMap) -> Option<String> {
        only(headers, &self.named("language"))
    }

    pub(crate) fn set_language(self, lang: &'static str) -> HeaderValue {
        self.set(&self.named("language"), lang, A_YEAR)
    }

    pub(crate) fn set_last_provider(self, provider: &ProviderId) -> HeaderValue {
        self.set(&self.named("last-provider"), provider.as_str(), A_YEAR)
    }

    pub(crate) fn drop_attempt(self, id: AttemptId) -> HeaderValue {
        self.set(&self.attempt_name(id), "", Duration::ZERO)
    }

    /// Sets an attempt's cookie; the oldest others go when there are too many.
    pub(crate) fn set_attempt(self, headers: &HeaderMap, attempt: &SealedAttempt) -> Vec<HeaderValue> {
        let own = self.attempt_name(attempt.id);
        let start = self.named("attempt-");
        // Browsers send the oldest first (RFC 6265 §5.4); the newest are kept as long as they fit.
        let others: Vec<_> = pairs(headers).filter(|(name, _)| name.starts_with(&start) && *name != own && is_token(name)).collect();
        let page = self.named("console-page");
        let beside: usize = pairs(headers).filter(|(name, _)| *name == page).map(|(name, value)| name.len() + value.len()).sum();
        let (mut kept, mut bytes) = (1, own.len() + attempt.value.len() + beside);
        let dropped = others.iter().rev().filter(|(name, value)| {
            kept += 1;
            bytes += name.len() + value.len();
            kept > MOST_ATTEMPTS || bytes > MOST_BYTES
        });
        let dropped: Vec<_> = dropped.map(|(name, _)| self.set(name, "", Duration::ZERO)).collect();
        dropped.into_iter().rev().chain([self.set(&own, &attempt.value, attempt.max_age)]).collect()
    }

    fn attempt_name(self, id: AttemptId) -> String {
        self.named(&format!("attempt-{id}"))
    }

    fn named(self, name: &str) -> String {
        if self.secure { format!("__Host-vestibule-{name}") } else { format!("vestibule-{name}") }
    }

    fn set(self, name: &str, value: &str, max_age: Duration) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", max_age.as_secs());
        // Names and values are ours: hexadecimal, base64url and names of providers.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The value of a cookie that is there once. Two of a name: one of them is not ours, and nobody can tell which (attack 63).
fn only(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = pairs(headers).filter(|(found, _)| *found == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.to_owned()),
        _ => None,
    }
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
}

fn is_token(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|text| (header::COOKIE, HeaderValue::from_str(text).unwrap())).collect()
    }

    fn attempt(n: u8) -> SealedAttempt {
        SealedAttempt { id: format!("{n:032x}").parse().unwrap(), value: "v".into(), max_age: Duration::from_mins(15) }
    }

    #[test]
    fn attack_63_two_cookies_of_a_name_are_none() {
        let cookies = Cookies::new(true);
        let name = "__Host-vestibule-session";
        assert_eq!(cookies.session(&headers(&[&format!("{name}=a; x=y")])).as_deref(), Some("a"));
        assert_eq!(cookies.session(&headers(&[&format!("{name}=a; {name}=b")])), None);
        assert_eq!(cookies.session(&headers(&[&format!("{name}=a"), &format!("{name}=b")])), None);
        assert_eq!(cookies.session(&headers(&["vestibule-session=a"])), None);
    }

    #[test]
    fn rfc_6265bis_host_prefix_needs_secure_root_and_no_domain() {
        let set = Cookies::new(true).set_session(&SessionCookie { value: "v".into(), max_age: Duration::from_mins(1) });
        assert_eq!(set, "__Host-vestibule-session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure");
    }

    #[test]
    fn attack_63_an_overflow_of_attempts_lets_go_of_the_oldest() {
        let cookies = Cookies::new(false);
        let sent: Vec<String> = (0..8).map(|n| format!("vestibule-attempt-{n:032x}=v")).collect();
        let set = cookies.set_attempt(&headers(&[&sent.join("; ")]), &attempt(200));
        let texts: Vec<_> = set.iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(texts.len(), 4, "three go, one is set: {texts:?}");
        assert!(
            texts[..3].iter().enumerate().all(|(n, text)| text.starts_with(&format!("vestibule-attempt-{n:032x}=; Path=/; Max-Age=0")))
        );
    }

    #[test]
    fn attack_63_attempts_never_fill_the_header_that_a_proxy_takes() {
        let sent: Vec<String> = (0..3).map(|n| format!("vestibule-attempt-{n:032x}={}", "v".repeat(2_500))).collect();
        let set =
            Cookies::new(false).set_attempt(&headers(&[&sent.join("; ")]), &SealedAttempt { value: "v".repeat(2_500), ..attempt(200) });
        assert_eq!(set.len(), 3, "two go, one stays, one is set");
    }

    #[test]
    fn a_cookie_with_a_full_attempt_fits_what_a_browser_keeps() {
        let full = SealedAttempt { value: "v".repeat(3_800), ..attempt(1) };
        let set = Cookies::new(true).set_attempt(&HeaderMap::new(), &full);
        assert!(set[0].len() <= 4_096, "{}", set[0].len());
    }

    proptest::proptest! {
        #[test]
        fn any_cookie_header_is_read_without_a_fault(text in "[ -~]{0,300}") {
            let headers = headers(&[&text]);
            let _ = Cookies::new(true).session(&headers);
            let _ = Cookies::new(true).last_provider(&headers);
            for value in Cookies::new(true).set_attempt(&headers, &attempt(1)) {
                proptest::prop_assert!(!value.is_empty());
            }
        }
    }
}
