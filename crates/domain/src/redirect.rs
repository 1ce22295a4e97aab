//! Redirect addresses: what may be registered, and when a request's address is one of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// An address that a client registered. Kept as the exact text: comparison is of strings (RFC 9700 §2.1), never of parsed forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegisteredUri(String);

/// Why an address can't be registered; each says what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Nothing there.
    #[error("is blank; write the whole address, as https://app.example.com/callback")]
    Blank,
    /// Longer than 1,024 characters.
    #[error("is longer than 1,024 characters")]
    TooLong,
    /// Not an absolute URI.
    #[error("is not an absolute address; begin it with https://")]
    Relative,
    /// RFC 6749 §3.1.2: no fragment.
    #[error("has a fragment; leave out '#' and what follows")]
    Fragment,
    /// Patterns are how codes reach strangers.
    #[error("has a wildcard; register each address in full")]
    Wildcard,
    /// A user name or password before the host.
    #[error("has a user name or password; leave out what stands before '@'")]
    UserInfo,
    /// Plain http off loopback.
    #[error("uses http, which is only for 127.0.0.1, [::1] and localhost; write https://")]
    InsecureHttp,
    /// `javascript:`, `data:` and their like run or show what they carry.
    #[error("has a scheme that no app can own; use https or a reverse-domain scheme such as com.example.app:/callback")]
    ForbiddenScheme,
    /// RFC 8252 §7.1.
    #[error("has a private-use scheme without a dot; use your domain in reverse, as com.example.app:/callback")]
    SchemeWithoutDot,
    /// Control characters, spaces, backslashes, characters outside ASCII.
    #[error("has a character that does not belong in an address; percent-encode it")]
    Character,
    /// `.` or `..` as a path segment, plain or percent-encoded: browsers and servers disagree about them.
    #[error("has '.' or '..' as a path segment; write the path without it")]
    DotSegment,
}

const LONGEST: usize = 1024;

/// A request's `redirect_uri` that is known to be one of the client's. Only [`RegisteredUri::admits`] and the list of a client make one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RegisteredUri {
    /// Checks an address that someone wants to register.
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        use RedirectUriError as E;
        if text.is_empty() {
            return Err(E::Blank);
        }
        if text.len() > LONGEST {
            return Err(E::TooLong);
        }
        if text.contains('*') {
            return Err(E::Wildcard);
        }
        if !text.bytes().all(|b| matches!(b, 0x21..=0x7e)) || text.contains(['\\', '"', '<', '>', '`', '{', '}', '^', '|']) {
            return Err(E::Character);
        }
        if text.contains('#') {
            return Err(E::Fragment);
        }
        let parsed = Url::parse(text).map_err(|_| E::Relative)?;
        if has_dot_segment(text) {
            return Err(E::DotSegment);
        }
        match parsed.scheme() {
            "https" | "http" => {
                let written = text.get(parsed.scheme().len()..).unwrap_or_default();
                // As a browser reads it and as everybody else does: `HTTPS://` is another text than the scheme it stands for, and the host of
                // `https:///host` is one reader's alone.
                let spelled = text.starts_with(parsed.scheme()) && written.starts_with("://") && !authority(text).is_empty();
                if !spelled || parsed.host().is_none() {
                    return Err(E::Relative);
                }
                if !parsed.username().is_empty() || parsed.password().is_some() || authority(text).contains('@') {
                    return Err(E::UserInfo);
                }
                if parsed.scheme() == "http" && !is_loopback(&parsed) {
                    return Err(E::InsecureHttp);
                }
            }
            "javascript" | "data" | "vbscript" | "file" | "blob" | "about" | "filesystem" | "ws" | "wss" | "ftp" | "mailto" | "intent"
            | "view-source" => return Err(E::ForbiddenScheme),
            scheme if !scheme.contains('.') => return Err(E::SchemeWithoutDot),
            _ => {}
        }
        Ok(Self(text.to_owned()))
    }

    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request's address is this one: the same string, except that a loopback **IP** may carry any port
    /// (RFC 8252 §7.3, RFC 9700 §2.1). The address used is the request's own, port included.
    pub fn admits(&self, asked: &str) -> Option<RedirectUri> {
        let same =
            self.0 == asked || matches!((without_loopback_port(&self.0), without_loopback_port(asked)), (Some(a), Some(b)) if a == b);
        same.then(|| RedirectUri(asked.to_owned()))
    }

    /// The address itself, for a client that registered only one and left it out of the request.
    pub fn exactly(&self) -> RedirectUri {
        RedirectUri(self.0.clone())
    }

    /// Whether it is of a scheme of an app's own, which only installed apps have (RFC 8252 §7.1).
    pub fn is_private_use(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| !matches!(url.scheme(), "http" | "https"))
    }

    /// Whether another app on the person's device can receive what is sent here: a loopback or private-use address (RFC 8252 §8.6).
    pub fn is_impersonable(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| !matches!(url.scheme(), "https"))
    }
}

impl RedirectUri {
    /// The exact text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with parameters added to its query; what was registered in the query is kept (RFC 6749 §3.1.2).
    ///
    /// Parameters of the registered query that carry a name of ours are dropped, so that ours win (attack 33).
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        let (base, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let mut kept: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .filter(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                let name = url::form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default();
                !RESERVED.contains(&name.as_str())
            })
            .collect();
        let ours = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        kept.extend(Some(ours.as_str()).filter(|ours| !ours.is_empty()));
        if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) }
    }

    /// The host to show a person, or the scheme of a private-use address.
    pub fn shown_host(&self) -> String {
        // The host of another scheme is nobody's word: whoever likes writes another's there.
        let host = |url: &Url| url.host_str().filter(|_| self.is_web()).map(str::to_owned);
        Url::parse(&self.0).ok().map_or_else(String::new, |url| host(&url).unwrap_or_else(|| url.scheme().to_owned()))
    }

    /// Whether a browser follows a 303 to it in every case; private-use schemes want a page with a link instead.
    pub fn is_web(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }
}

/// Names of an authorization response that no registered query may set.
const RESERVED: [&str; 9] = ["code", "state", "iss", "error", "error_description", "error_uri", "response", "id_token", "access_token"];

impl fmt::Display for RegisteredUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RegisteredUri {
    type Error = RedirectUriError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RegisteredUri> for String {
    fn from(uri: RegisteredUri) -> Self {
        uri.0
    }
}

/// Whether the text's host is 127.0.0.0/8, `[::1]` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The registered addresses, those first that begin most like `asked`.
pub fn nearest_first<'u>(registered: &'u [RegisteredUri], asked: &str) -> Vec<&'u RegisteredUri> {
    let mut all: Vec<_> = registered.iter().collect();
    all.sort_by_key(|uri| std::cmp::Reverse(uri.0.bytes().zip(asked.bytes()).take_while(|(a, b)| a == b).count()));
    all
}

/// The first part in which `asked` leaves the registered address nearest to it, for the developer who has to find it. Says nothing
/// of what is registered.
pub fn first_difference(registered: &[RegisteredUri], asked: &str) -> Option<&'static str> {
    let nearest = *nearest_first(registered, asked).first()?;
    let (Ok(nearest), Ok(asked)) = (Url::parse(&nearest.0), Url::parse(asked)) else { return Some("it is not an absolute address") };
    let parts = [
        ("scheme", nearest.scheme() != asked.scheme()),
        ("host", nearest.host_str() != asked.host_str()),
        ("port", nearest.port() != asked.port()),
        ("path", nearest.path() != asked.path()),
        ("query", nearest.query() != asked.query()),
    ];
    // Addresses that mean the same are still compared as they are spelled.
    Some(parts.into_iter().find(|(_, differs)| *differs).map_or("spelling", |(part, _)| part))
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// `http://127.0.0.1:8000/cb` → `http://127.0.0.1` + `/cb`; nothing for any other host. Only the literal spellings count:
/// `localhost` and odd spellings of the address (decimal, hexadecimal) must match exactly.
fn without_loopback_port(text: &str) -> Option<(&str, &str)> {
    ["http://127.0.0.1", "http://[::1]"].into_iter().find_map(|host| {
        let rest = text.strip_prefix(host)?;
        let (port, path) = match rest.strip_prefix(':') {
            Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
            None => ("80", rest),
        };
        let port_is_fine = port.parse::<u16>().is_ok_and(|port| port != 0) && (path.is_empty() || path.starts_with(['/', '?']));
        port_is_fine.then_some((host, path))
    })
}

fn has_dot_segment(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/");
    path.split('/').skip(1).any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered(text: &str) -> RegisteredUri {
        RegisteredUri::parse(text).unwrap()
    }

    #[test]
    fn attack_32_rfc_9700_section_2_1_rfc_9700_section_4_1_3_asvs_10_4_1_only_the_registered_string_is_admitted() {
        let uri = registered("https://app.example.com/cb");
        assert!(uri.admits("https://app.example.com/cb").is_some());
        for hostile in [
            "https://app.example.com/cb/",
            "https://app.example.com/c",
            "https://app.example.com/cbx",
            "https://app.example.com/cb/../x",
            "https://app.example.com/%2e%2e/cb",
            "https://app.example.com/x%2f..%2fcb",
            "https://app.example.com/%252e/cb",
            "https://app.example.com\\@evil.test/cb",
            "https://app.example.com@evil.test/cb",
            "https://u:p@app.example.com/cb",
            "https://app.example.com/cb#f",
            "https://app.example.com:443/cb",
            "https://app.example.com:8443/cb",
            "http://app.example.com/cb",
            "https://APP.example.com/cb",
            "https://app.example.com./cb",
            "https://xn--app.example.com/cb",
            "https://app.example.com/cb?x=1",
            "https://app.example.com.evil.test/cb",
            "https://evil.test/?https://app.example.com/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://app.example.com/cb\r\nX: y",
            "https://app.example.com/cb\0",
            "",
            " https://app.example.com/cb",
            "//app.example.com/cb",
        ] {
            assert!(uri.admits(hostile).is_none(), "{hostile:?}");
        }
    }

    #[test]
    fn attack_32_query_is_compared_whole_and_in_order() {
        let uri = registered("https://app.example.com/cb?a=1&b=2");
        assert!(uri.admits("https://app.example.com/cb?a=1&b=2").is_some());
        for hostile in ["https://app.example.com/cb?b=2&a=1", "https://app.example.com/cb?a=1&b=2&c=3", "https://app.example.com/cb"] {
            assert!(uri.admits(hostile).is_none(), "{hostile:?}");
        }
    }

    #[test]
    fn rfc_8252_section_7_3_only_the_port_of_a_loopback_ip_is_free() {
        let uri = registered("http://127.0.0.1/cb");
        for fine in ["http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"] {
            assert_eq!(uri.admits(fine).unwrap().as_str(), fine);
        }
        assert!(registered("http://[::1]:3000/cb").admits("http://[::1]:4000/cb").is_some());
        for hostile in [
            "http://localhost:51004/cb",
            "http://127.0.0.1:51004/other",
            "http://127.0.0.2/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:80@evil.test/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://2130706433/cb",
            "https://127.0.0.1/cb",
            "http://0x7f.1/cb",
            "http://[::ffff:127.0.0.1]/cb",
            "http://127.1/cb",
        ] {
            assert!(uri.admits(hostile).is_none(), "{hostile:?}");
        }
        assert!(registered("http://localhost:3000/cb").admits("http://localhost:3001/cb").is_none());
    }

    #[test]
    fn the_first_part_that_differs_is_named() {
        let uris = [registered("https://app.example.com/cb?x=1"), registered("http://127.0.0.1:8080/cb")];
        for (asked, part) in [
            ("https://app.example.org/cb", "host"),
            ("https://app.example.com:444/cb", "port"),
            ("https://app.example.com/other", "path"),
            ("https://app.example.com/cb?x=2", "query"),
            ("https://APP.example.com/cb?x=1", "spelling"),
            ("com.example.app:/cb", "scheme"),
            ("/cb", "it is not an absolute address"),
        ] {
            assert_eq!(first_difference(&uris, asked), Some(part), "{asked}");
        }
        assert_eq!(first_difference(&[], "https://a.test/"), None);
    }

    #[test]
    fn the_address_that_was_meant_comes_first() {
        let uris =
            [registered("https://a.example/cb"), registered("https://app.example.com/cb"), registered("https://app.example.com/in/cb")];
        let order = |asked: &str| nearest_first(&uris, asked).into_iter().map(RegisteredUri::as_str).collect::<Vec<_>>();
        let (a, b, c) = (uris[0].as_str(), uris[1].as_str(), uris[2].as_str());
        assert_eq!(order("https://app.example.com/in"), [c, b, a]);
        assert_eq!(order(""), [a, b, c]);
    }

    #[test]
    fn oauth_2_1_section_2_3_oauth_2_1_section_8_4_3_what_may_not_be_registered_is_named() {
        use RedirectUriError as E;
        for (text, why) in [
            ("", E::Blank),
            ("/cb", E::Relative),
            ("app.example.com/cb", E::Relative),
            ("https://a.test/#x", E::Fragment),
            ("https://*.a.test/cb", E::Wildcard),
            ("https://u@a.test/cb", E::UserInfo),
            ("https://@a.test/cb", E::UserInfo),
            ("http://a.test/cb", E::InsecureHttp),
            ("http://127.0.0.1.evil.test/", E::InsecureHttp),
            ("javascript:alert(1)", E::ForbiddenScheme),
            ("data:text/html,hi", E::ForbiddenScheme),
            ("myapp:/cb", E::SchemeWithoutDot),
            ("https://a.test/\r\n", E::Character),
            ("https://a.test/\\b", E::Character),
            ("https://a.test/ü", E::Character),
            ("https://a.test/x/../y", E::DotSegment),
            ("https://a.test/%2E%2e/y", E::DotSegment),
            ("https:a.test/cb", E::Relative),
            ("https:/a.test/cb", E::Relative),
            ("https:///a.test/cb", E::Relative),
            ("https:////@a.test/cb", E::Relative),
            ("HTTPS://a.test/cb", E::Relative),
            ("hTtp://127.0.0.1/cb", E::Relative),
        ] {
            assert_eq!(RegisteredUri::parse(text), Err(why), "{text:?}");
        }
        for fine in [
            "https://a.test/cb",
            "http://localhost:3000/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
            "app.immich:///oauth-callback",
            "https://a.test/cb?x=1",
        ] {
            assert!(RegisteredUri::parse(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn attack_41_the_host_of_a_private_use_address_is_nobodys() {
        for (text, shown) in [
            ("https://app.example/cb", "app.example"),
            ("http://127.0.0.1:80/cb", "127.0.0.1"),
            ("com.evil.app://bank.example/cb", "com.evil.app"),
            ("com.example.app:/cb", "com.example.app"),
        ] {
            assert_eq!(registered(text).exactly().shown_host(), shown, "{text}");
        }
        assert_eq!(crate::client::host_of(&registered("com.evil.app://bank.example/cb")), None, "no sector of the bank's");
    }

    #[test]
    fn attack_33_a_registered_code_parameter_gives_way_to_ours() {
        let uri = registered("https://a.test/cb?code=x&keep=1&%63ode=y").exactly();
        assert_eq!(uri.with(&[("code", "real"), ("state", "s t")]), "https://a.test/cb?keep=1&code=real&state=s+t");
        assert_eq!(uri.with(&[]), "https://a.test/cb?keep=1", "nor does a form go to it with one");
        assert_eq!(registered("https://a.test/cb?code=x").exactly().with(&[]), "https://a.test/cb");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_admitted_unless_it_is_registered_or_a_loopback_port(text in ".{0,80}") {
            let uri = registered("https://app.example.com/cb");
            proptest::prop_assert_eq!(uri.admits(&text).is_some(), text == "https://app.example.com/cb");
            let _ = RegisteredUri::parse(&text);
        }
    }
}
