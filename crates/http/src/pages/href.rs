//! Addresses that may stand in a page. A string cannot become a link: it has to pass one of the constructors here first.

use std::fmt;

use url::Url;

/// An address safe to put in `href`, in `action` and in a `refresh`: it navigates and can never run script, so a hostile
/// `javascript:` or `data:` address is refused by type and not by each template's care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Href(String);

impl Href {
    /// A path on this gateway, with its query: `/login/acme?attempt=…`.
    ///
    /// `None` when it could leave this origin: `//host` and `/\host` are other hosts to a browser, and a tab or line break is
    /// dropped by URL parsers, which turns `/⇥/host` into `//host`.
    pub fn local(path_and_query: &str) -> Option<Self> {
        let rest = path_and_query.strip_prefix('/')?;
        let stays = !rest.starts_with(['/', '\\']) && !path_and_query.contains(|c: char| c.is_control() || c == ' ');
        stays.then(|| Self(path_and_query.to_owned()))
    }

    /// An address of an app: `https`, `http`, or a private-use scheme, which RFC 8252 §7.1 requires to contain a dot
    /// (`com.example.app:/callback`); so `javascript:`, `data:`, `file:` and their like are all `None`.
    pub fn app(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let web = matches!(url.scheme(), "https" | "http") && url.has_host();
        (web || url.scheme().contains('.')).then(|| Self(url.into()))
    }

    /// An address an operator chose for people to read or to write to: `https`, `http` or `mailto`.
    pub fn outside(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let leads = match url.scheme() {
            "https" | "http" => url.has_host(),
            "mailto" => url.path().contains('@'),
            _ => false,
        };
        leads.then(|| Self(url.into()))
    }
}

impl fmt::Display for Href {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An origin a form may end at, for the `form-action` directive: Chromium and Safari apply it to every redirect that follows
/// a form, so the origin an app asked to return to has to be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormTarget(String);

impl FormTarget {
    /// `None` when the address is not on the web, or when its host holds a character that means something in a policy: the URL
    /// standard allows `;` and `,` in a host, and with them a registered address could write directives of its own.
    pub fn of(address: &Url) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        let host = address.host_str().filter(|host| !host.is_empty() && host.chars().all(plain))?;
        let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
        matches!(address.scheme(), "https" | "http").then(|| Self(format!("{}://{host}{port}", address.scheme())))
    }
}

impl FormTarget {
    /// Where a form may end that leads back to an app: its own origin, and over TLS wherever the app goes on to from there. The directive holds for every
    /// redirect after the form, those of the app too, and what follows a callback is nobody's business but the app's.
    pub fn after(address: &Url) -> Vec<Self> {
        Self::of(address).into_iter().chain([Self("https:".to_owned())]).collect()
    }
}

impl fmt::Display for FormTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an address leads, in the words a person can compare: the host (punycode, so that look-alike letters show) with an
/// unusual port, or the scheme of an installed app.
pub fn place_of(address: &Url) -> String {
    match (address.scheme(), address.host_str(), address.port()) {
        ("https" | "http", Some(host), Some(port)) => format!("{host}:{port}"),
        ("https" | "http", Some(host), None) => host.to_owned(),
        (scheme, ..) => scheme.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_65_only_navigating_addresses_become_links() {
        let hostile = [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " \tjavascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://app.example/1",
            "about:blank",
            "view-source:https://app.example",
            "intent://scan/#Intent;scheme=zxing;end",
            "//evil.example",
            "/path",
            "https://",
            "",
        ];
        for address in hostile {
            assert_eq!(Href::app(address), None, "{address:?}");
            assert_eq!(Href::outside(address), None, "{address:?}");
        }
        assert_eq!(Href::outside("com.example.app:/cb"), None);
        assert_eq!(Href::outside("mailto:help@corp.example").unwrap().to_string(), "mailto:help@corp.example");
        for path in ["", "login", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "https://evil.example"] {
            assert_eq!(Href::local(path), None, "{path:?}");
        }
    }

    #[test]
    fn addresses_of_apps_keep_their_form() {
        for address in [
            "https://app.example/cb?code=1&state=2",
            "http://127.0.0.1:5000/",
            "app.immich:///oauth-callback",
            "com.example.app:/cb?code=1",
        ] {
            assert_eq!(Href::app(address).unwrap().to_string(), address);
        }
    }

    #[test]
    fn a_form_target_cannot_write_directives() {
        let of = |address: &str| FormTarget::of(&Url::parse(address).unwrap()).map(|target| target.to_string());
        assert_eq!(of("https://app.example/a/b?c=d").as_deref(), Some("https://app.example"));
        assert_eq!(of("http://127.0.0.1:5000/x").as_deref(), Some("http://127.0.0.1:5000"));
        assert_eq!(of("http://[::1]:5000/x").as_deref(), Some("http://[::1]:5000"));
        assert_eq!(of("https://user:pw@app.example/").as_deref(), Some("https://app.example"));
        for address in [
            "https://app.example;sandbox/",
            "https://a,b/",
            "https://a'b/",
            "https://*.example/",
            "com.example.app:/cb",
            "data:text/html,x",
        ] {
            assert_eq!(of(address), None, "{address}");
        }
    }

    #[test]
    fn places_read_as_a_person_would_compare_them() {
        let place = |address: &str| place_of(&Url::parse(address).unwrap());
        assert_eq!(place("https://grafana.example.com/login/generic_oauth"), "grafana.example.com");
        assert_eq!(place("http://localhost:3000/cb"), "localhost:3000");
        assert_eq!(place("https://gr\u{430}fana.example/"), "xn--grfana-4nf.example");
        assert_eq!(place("app.immich:///oauth-callback"), "app.immich");
    }
}
