//! Settings that decisions need. Those of one request never change: a reload makes a gateway with others, and who is under way keeps theirs.

use std::time::Duration;

use url::Url;

use crate::{
    audit::chain::SealRules, detection::DetectionRules, entry::EntryRules, ids::ProviderId, keys::Rotation, limits::Limits,
    self_registration::SelfRegistration, upstream::RefreshRules,
};

/// How long things live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A login attempt, from `/authorize` to the callback.
    pub attempt: Duration,
    /// A session without use.
    pub session_idle: Duration,
    /// A session in all.
    pub session_absolute: Duration,
    /// An authorization code.
    pub code: Duration,
    /// An access token.
    pub access_token: Duration,
    /// An ID token.
    pub id_token: Duration,
    /// A refresh family without use.
    pub refresh_idle: Duration,
    /// A refresh family in all.
    pub refresh_absolute: Duration,
    /// How long the previous refresh token is answered with the same successor.
    pub refresh_grace: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            attempt: Duration::from_mins(15),
            session_idle: Duration::from_hours(8),
            session_absolute: DAY * 7,
            code: Duration::from_mins(1),
            access_token: Duration::from_mins(10),
            id_token: Duration::from_mins(10),
            refresh_idle: DAY * 30,
            refresh_absolute: DAY * 90,
            refresh_grace: Duration::from_secs(10),
        }
    }
}

/// What there is for clients with certificates (RFC 8705).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateSettings {
    /// Whether certificates reach us: from connections of our own, or from a proxy.
    pub reach_us: bool,
    /// Whether there are authorities that vouch for them.
    pub vouched_for: bool,
    /// The name under which clients with certificates call, when it is another than the issuer's (RFC 8705 §5).
    pub host: Option<String>,
}

/// Who may come into the operators' console, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Which people are operators. Without rules it is nobody: the console then opens by one-time keys alone.
    pub operators: EntryRules,
    /// Whose word counts for that: they come in through these providers alone. Without any it is nobody.
    pub providers: Vec<ProviderId>,
    /// How long after their sign-in an operator may be in it.
    pub session: Duration,
    /// How long they stay without doing anything.
    pub idle: Duration,
}

impl ConsoleSettings {
    /// Whether anybody can be an operator: rules, and somebody whose word counts. A list without entries would mean everybody elsewhere.
    pub fn has_operators(&self) -> bool {
        !self.operators.is_empty() && !self.providers.is_empty()
    }
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self { operators: EntryRules::default(), providers: Vec::new(), session: Duration::from_hours(8), idle: Duration::from_mins(30) }
    }
}

/// What the walk needs to know of the house.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our issuer identifier, exactly as configured; compared as a string everywhere (RFC 8414 §2).
    pub issuer: String,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// How signing keys follow one another.
    pub rotation: Rotation,
    /// Whether a person is sent straight on when only one provider can be chosen, or the app names one. Otherwise they act on our page first.
    pub straight_through: bool,
    /// Whether every DPoP proof must have a nonce of ours, so that none can be made beforehand (RFC 9449 §8).
    pub dpop_nonce: bool,
    /// How upstream tokens are kept fresh.
    pub upstream: RefreshRules,
    /// Which apps may register themselves, and what they get.
    pub registration: SelfRegistration,
    /// Whether clients may come with certificates.
    pub client_certificates: CertificateSettings,
    /// How often anybody may ask.
    pub limits: Limits,
    /// Who may come into the console.
    pub console: ConsoleSettings,
    /// How audit events are sealed, and for how long they are kept.
    pub audit: SealRules,
    /// What of what happens is unusual.
    pub detections: DetectionRules,
}

impl Settings {
    /// Our callback at a provider: one of its own for each, so that an answer can't be taken for another's (RFC 9700 §4.4.2.2).
    pub fn callback_of(&self, provider: &ProviderId) -> String {
        self.url(&format!("/callback/{provider}"))
    }

    /// The issuer under the name that clients with certificates call; nothing if it is our own.
    pub fn issuer_for_certificates(&self) -> Option<String> {
        let mut url = Url::parse(&self.issuer).ok()?;
        url.set_host(Some(self.client_certificates.host.as_deref()?)).ok()?;
        Some(url.into())
    }

    /// An address of ours as clients with certificates call it, if that is another name.
    pub fn url_for_certificates(&self, path: &str) -> Option<String> {
        Some(format!("{}{path}", self.issuer_for_certificates()?.trim_end_matches('/')))
    }

    /// An address of ours: the issuer without its trailing slash, and `path`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer.trim_end_matches('/'))
    }
}
