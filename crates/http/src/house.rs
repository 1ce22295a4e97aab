//! What every handler may use.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use http::header;
use ipnet::IpNet;
use tokio::sync::Semaphore;
use url::Url;
use vestibule_domain::{certificate::ClientCertificate, store::StoreError, time::Timestamp};
use vestibule_flows::Gateway;
use vestibule_protocol::resource_metadata::WELL_KNOWN;
use vestibule_telemetry::Metrics;

use crate::{
    certificates::ClientCertificates,
    cookies::Cookies,
    pages::{Appearance, Brand, Href, Look, texts::Texts},
    published::Published,
    visit::{self, Visit},
};

/// How many dashboards are sent again and again at once, to all operators of a node.
const MOST_STREAMS: usize = 64;

/// Settings of the web side.
#[derive(Clone, Debug, Default)]
pub struct HttpSettings {
    /// Peers that may say for whom they speak (`X-Forwarded-For`) and under which name they were called. Empty means nobody.
    pub trusted_proxies: Vec<IpNet>,
    /// How pages look, and an operator's own words.
    pub appearance: Appearance,
    /// Which certificates of clients are looked at, and who vouches for them.
    pub certificates: ClientCertificates,
    /// Whether the admin API and the console have a listener of their own, and the main one does not answer for them.
    pub admin_apart: bool,
}

/// The gateway with its doors: shared by every request.
pub struct House {
    pub(crate) gateway: Gateway,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) cookies: Cookies,
    pub(crate) published: Published,
    settings: HttpSettings,
    authority: String,
    origin: String,
    /// The name under which clients with certificates call, when it is another.
    authority_for_certificates: Option<String>,
    prefix: String,
    draining: Arc<AtomicBool>,
    /// How many more dashboards may be sent again and again: each is work every few seconds.
    pub(crate) streams: Arc<Semaphore>,
    /// When the database last answered, in milliseconds.
    answered: AtomicI64,
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("House").field("gateway", &self.gateway).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl House {
    /// Puts the house together. The issuer was checked by the configuration: an absolute http or https URL.
    pub fn new(gateway: Gateway, metrics: Arc<Metrics>, settings: HttpSettings) -> Self {
        Self::with(gateway, metrics, settings, (Arc::default(), Arc::new(Semaphore::new(MOST_STREAMS))))
    }

    /// The same house by another configuration: it counts on where this one does, and drains when this one is told to.
    #[must_use]
    pub fn renewed(&self, gateway: Gateway, settings: HttpSettings) -> Self {
        Self::with(gateway, self.metrics.clone(), settings, (self.draining.clone(), self.streams.clone()))
    }

    fn with(gateway: Gateway, metrics: Arc<Metrics>, settings: HttpSettings, lasting: (Arc<AtomicBool>, Arc<Semaphore>)) -> Self {
        let (draining, streams) = lasting;
        let issuer = Url::parse(&gateway.settings().issuer).ok();
        let for_certificates = gateway.settings().issuer_for_certificates().and_then(|issuer| Url::parse(&issuer).ok());
        let authority = issuer.as_ref().map(authority_of).unwrap_or_default();
        let prefix = issuer.as_ref().map(|issuer| clean_path(issuer.path())).unwrap_or_default();
        let origin = issuer.as_ref().map(|issuer| issuer.origin().ascii_serialization()).unwrap_or_default();
        let secure = issuer.is_some_and(|issuer| issuer.scheme() == "https");
        let published = Published::default();
        Self {
            gateway,
            metrics,
            cookies: Cookies::new(secure),
            published,
            settings,
            authority,
            origin,
            authority_for_certificates: for_certificates.as_ref().map(authority_of),
            prefix,
            draining,
            streams,
            answered: AtomicI64::new(i64::MIN),
        }
    }

    /// The gateway, for what the house does by itself.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// From now on `/readyz` fails, so that no new traffic is sent here while what is under way finishes.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the database answers; asked at most once a second, because anybody may ask us (attack 84).
    pub(crate) async fn is_ready(&self, now: Timestamp) -> Result<(), StoreError> {
        let answered = Timestamp::from_millis(self.answered.load(Ordering::Relaxed));
        if answered <= now && now.since(answered) < Duration::from_secs(1) {
            return Ok(());
        }
        self.gateway.ready().await?;
        self.answered.store(now.as_millis(), Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The path of the issuer without a trailing slash; everything of ours lies under it.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Where a resource of ours says of itself who gives tokens for it (RFC 9728 §3).
    pub(crate) fn resource_metadata(&self, path: &str) -> String {
        let issuer = self.gateway.settings().url("");
        let origin = issuer.strip_suffix(&self.prefix).unwrap_or(&issuer);
        format!("{origin}{WELL_KNOWN}{}{path}", self.prefix)
    }

    /// What a browser calls us in `Origin`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whose house it is.
    pub(crate) fn brand(&self) -> &Brand {
        &self.settings.appearance.brand
    }

    /// A link to a path of ours.
    pub(crate) fn href(&self, path: &str) -> Href {
        Href::local(&format!("{}{path}", self.prefix)).expect("a path under the issuer's stays on this origin")
    }

    /// The address that was called, as apps know it: under the issuer's name, or under the one that is only for clients with certificates.
    pub(crate) fn url_of(&self, visit: &Visit) -> String {
        let path = visit.request.uri().path();
        let below = path.strip_prefix(self.prefix.as_str()).unwrap_or(path);
        let settings = self.gateway.settings();
        let for_certificates = visit::called(&visit.request).is_some_and(|host| self.is_called_for_certificates(host));
        for_certificates.then(|| settings.url_for_certificates(below)).flatten().unwrap_or_else(|| settings.url(below))
    }

    /// How pages look to whoever asks: in the language the app asked for, that of their cookie, or that of their browser.
    pub(crate) fn look(&self, visit: &Visit, ui_locales: Option<&str>) -> Look<'_> {
        let cookie = self.cookies.language(visit.headers());
        let accepted = visit.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        self.settings.appearance.look(Texts::for_request(ui_locales, cookie.as_deref(), accepted))
    }

    /// Whether pages and cookies travel over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.cookies.are_secure()
    }

    /// Whether the admin API and the console have a listener of their own.
    pub(crate) fn is_admin_apart(&self) -> bool {
        self.settings.admin_apart
    }

    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.settings.trusted_proxies.iter().any(|net| net.contains(&peer))
    }

    /// The certificate that a client showed, to us or to a trusted proxy (RFC 8705, RFC 9440).
    pub(crate) fn certificate(&self, visit: &Visit) -> Option<ClientCertificate> {
        let from_proxy = visit::peer(&visit.request).is_some_and(|peer| self.trusts(peer));
        self.settings.certificates.of(&visit.request, from_proxy, visit.witness.now)
    }

    /// Whether a request came under the name that is only for clients with certificates.
    pub(crate) fn is_called_for_certificates(&self, host: &str) -> bool {
        self.authority_for_certificates.as_ref().is_some_and(|authority| host.eq_ignore_ascii_case(authority))
    }

    /// Whether a request came under our own name (attack 44: a rebound name leads here too, but never carries ours).
    pub(crate) fn is_called(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.authority)
    }
}

/// Empty, or `/` and the rest without slashes at the ends: `//x` would be another host to a browser.
fn clean_path(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

/// `host` or `host:port`, as browsers write it in `Host`: the scheme's own port left out.
fn authority_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
