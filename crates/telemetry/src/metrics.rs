//! Metrics: what exists, and how it is recorded.
//!
//! Every label comes from a closed set: an enum, a `&'static str`, or the providers that exist, at most a hundred. What a request says of itself
//! never becomes a label, so a stranger can't make the number of series grow (attack 87).

mod labels;

use std::{fmt, time::Duration};

use http::{Method, StatusCode};
use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Metric, Registry},
};
use vestibule_domain::{
    audit::{AuditEvent, EventName, Outcome, Reason},
    client::GrantType,
    error::OAuthErrorCode,
    health::BreakerState,
    ids::ProviderId,
    keys::SigningKey,
    ports::Observer,
    provider::Phase,
    time::Timestamp,
    upstream::RefreshOutcome,
};

use labels::{
    GrantLabel, KindLabel, LimitLabel, LoginLabels, OperationLabel, PhaseLabels, Provider, ProviderLabel, Providers, RequestLabels,
    ResultLabel, TokenErrorLabels, UpstreamLabels,
};

/// What [`Metrics::render`] writes: `Content-Type` of its response.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds. Dense below one second: the service levels lie at 50 and 250 milliseconds.
const SECONDS: [f64; 16] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// A login has a person in it, who may take minutes.
const LOGIN_SECONDS: [f64; 12] = [0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];
const BATCHES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Makes histograms; a plain function would have to be one for each list of buckets.
#[derive(Clone, Copy)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

type Timings<L> = Family<L, Histogram, Buckets>;

/// Which build this is.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The release.
    pub version: &'static str,
    /// The commit.
    pub revision: &'static str,
}

/// Everything that is counted. Share it in an `Arc`; recording takes `&self` and never waits for a scrape.
pub struct Metrics {
    registry: Registry,
    providers: Providers,
    http_requests: Timings<RequestLabels>,
    http_active: Gauge,
    upstream_seconds: Timings<PhaseLabels>,
    upstream_requests: Family<UpstreamLabels, Counter>,
    breakers: Family<ProviderLabel, Gauge>,
    secrets_expire: Family<ProviderLabel, Gauge>,
    commit_batch: Histogram,
    commit_seconds: Histogram,
    logins: Family<LoginLabels, Counter>,
    login_seconds: Timings<PhaseLabels>,
    tokens: Family<GrantLabel, Counter>,
    token_errors: Family<TokenErrorLabels, Counter>,
    refreshes: Family<ResultLabel, Counter>,
    sessions_active: Gauge,
    sessions_created: Counter,
    logouts: Family<KindLabel, Counter>,
    logout_deliveries: Family<ResultLabel, Counter>,
    rate_limited: Family<LimitLabel, Counter>,
    key_age: Gauge,
    key_rotation: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("providers", &self.providers).finish_non_exhaustive()
    }
}

/// A request under way; counted until dropped.
#[derive(Debug)]
#[must_use = "the request counts as ended when this is dropped"]
pub struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Registers as it makes.
struct Maker(Registry);

impl Maker {
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn family<L, M>(&mut self, name: &str, help: &str) -> Family<L, M>
    where
        Family<L, M>: Metric + Clone + Default,
    {
        self.add(name, help, Family::default())
    }

    fn timings<L>(&mut self, name: &str, help: &str, buckets: &'static [f64]) -> Timings<L>
    where
        L: Clone + std::hash::Hash + Eq,
        Timings<L>: Metric + Clone,
    {
        self.add(name, help, Family::new_with_constructor(Buckets(buckets)))
    }
}

impl Metrics {
    /// Nothing is counted yet. A provider is counted under its own name once [`Observer::provider_health`] was told of it, and as `other` before.
    pub fn new(build: Build) -> Self {
        let mut make = Maker(Registry::default());
        let build = Info::new([("version", build.version), ("revision", build.revision)]);
        // The library puts `_info` behind the name.
        make.0.register("vestibule_build", "Which build this is", build);
        let metrics = Self {
            providers: Providers::new(),
            http_requests: make.timings("http_server_request_duration_seconds", "Requests answered, by route", &SECONDS),
            http_active: make.add("http_server_active_requests", "Requests being answered", Gauge::default()),
            upstream_seconds: make.timings("http_client_request_duration_seconds", "Steps with upstream providers", &SECONDS),
            upstream_requests: make.family("vestibule_upstream_requests", "Steps with upstream providers, by how they ended"),
            breakers: make.family(
                "vestibule_upstream_breaker_state",
                "What is done with requests to a provider: 0 they go through, 1 one looks whether it is well, 2 none goes through",
            ),
            secrets_expire: make.family(
                "vestibule_upstream_secret_expiry_timestamp_seconds",
                "When our secret or certificate at a provider expires, as Unix time, where that is known",
            ),
            commit_batch: make.add("db_commit_batch_size", "Changes committed in one transaction", Buckets(&BATCHES).new_metric()),
            commit_seconds: {
                let timings = make.timings("db_client_operation_duration_seconds", "Work of the database", &SECONDS);
                timings.get_or_create_owned(&OperationLabel { operation: "commit" })
            },
            logins: make.family("vestibule_login", "Logins that ended, by how"),
            login_seconds: make.timings(
                "vestibule_login_duration_seconds",
                "From the app's request to the sign-in, person included",
                &LOGIN_SECONDS,
            ),
            tokens: make.family("vestibule_tokens_issued", "Token responses given"),
            token_errors: make.family("vestibule_token_errors", "Token requests refused"),
            refreshes: make.family(
                "vestibule_refresh",
                "Refresh tokens presented to us, by what became of them, and our own refreshes at providers that failed",
            ),
            sessions_active: make.add("vestibule_sessions_active", "Browser sessions that live", Gauge::default()),
            sessions_created: make.add(
                "vestibule_sessions_created",
                "Sign-ins that began or renewed a browser session",
                Counter::default(),
            ),
            logouts: make.family("vestibule_logout", "Browser sessions ended, by what ended them"),
            logout_deliveries: make
                .family("vestibule_logout_deliveries", "Apps told that a session has ended, or given up after the last attempt"),
            rate_limited: make.family("vestibule_rate_limited", "Limits reached by somebody who tried too often"),
            key_age: make.add("vestibule_signing_key_age_seconds", "Age of the oldest key that signs", Gauge::default()),
            key_rotation: make.add(
                "vestibule_signing_key_next_rotation_timestamp_seconds",
                "When the next signing key takes over, as Unix time",
                Gauge::default(),
            ),
            registry: make.0,
        };
        metrics.begin_at_zero();
        metrics
    }

    /// A counter that first appears with its first increase hides that increase from `rate()`; alerts stand on these.
    fn begin_at_zero(&self) {
        for grant in GrantType::ALL {
            drop(self.tokens.get_or_create(&GrantLabel { grant: grant.as_str() }));
        }
        for result in ["ok", "replayed", "expired", "reused", "revoked", "upstream_denied", "upstream_unreachable"] {
            drop(self.refreshes.get_or_create(&ResultLabel { result }));
        }
        for limit in ["client", "admin", "user_code", "authorize", "token", "push", "device", "sign_in"] {
            drop(self.rate_limited.get_or_create(&LimitLabel { limit }));
        }
    }

    /// The same for what is counted of a provider.
    fn introduce(&self, id: &ProviderId) {
        let Some(provider) = self.providers.introduce(id) else { return };
        for (outcome, reason) in [("success", ""), ("denied", Reason::PersonDeclined.as_str())] {
            drop(self.logins.get_or_create(&LoginLabels { provider: provider.clone(), outcome, reason }));
        }
    }

    /// A request was answered. `route` is the pattern that matched, never the path that was asked for.
    pub fn http_request(&self, method: &Method, route: &'static str, status: StatusCode, took: Duration) {
        let labels =
            RequestLabels { http_request_method: labels::method(method), http_route: route, http_response_status_code: status.as_u16() };
        self.http_requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A request has come; it counts as active while the value lives.
    pub fn request_begins(&self) -> InFlight {
        self.http_active.inc();
        InFlight(self.http_active.clone())
    }

    /// The writer committed this many changes in one transaction.
    pub fn committed(&self, batch: usize, took: Duration) {
        self.commit_batch.observe(f64::from(u32::try_from(batch).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// The token endpoint refused. `grant` is absent when the request named none of ours.
    pub fn token_error(&self, grant: Option<GrantType>, error: OAuthErrorCode) {
        let grant = grant.map_or("other", GrantType::as_str);
        self.token_errors.get_or_create(&TokenErrorLabels { grant, error: error.as_str() }).inc();
    }

    /// How many sessions live, as the store counts them.
    pub fn set_sessions_active(&self, sessions: u64) {
        self.sessions_active.set(i64::try_from(sessions).unwrap_or(i64::MAX));
    }

    /// The signing keys as they stand: the age of the oldest one that signs, and when the first of them is due to be followed.
    pub fn set_signing_keys(&self, keys: &[SigningKey], now: Timestamp) {
        let signing = || keys.iter().filter(|key| key.signs(now));
        if let Some(oldest) = signing().map(|key| key.signs_from).min() {
            self.key_age.set(i64::try_from(now.since(oldest).as_secs()).unwrap_or(i64::MAX));
        }
        if let Some(next) = signing().map(|key| key.signs_until).min() {
            self.key_rotation.set(next.as_secs());
        }
    }

    /// All of it, as [`METRICS_CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        // Writing to a string does not fail, and a half-written exposition is refused by its reader for want of its last line.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn login_ended(&self, event: &AuditEvent) {
        let provider = self.provider(event.provider.as_ref());
        let outcome = match event.outcome {
            Outcome::Success => "success",
            Outcome::Denied => "denied",
            Outcome::Failure => "failed",
        };
        let reason = event.reason.map_or("", Reason::as_str);
        self.logins.get_or_create(&LoginLabels { provider: provider.clone(), outcome, reason }).inc();
        if event.name != EventName::LoginSucceeded {
            return;
        }
        self.sessions_created.inc();
        if let Some(took) = event.took_ms {
            let labels = PhaseLabels { provider, phase: "total" };
            self.login_seconds.get_or_create(&labels).observe(Duration::from_millis(took).as_secs_f64());
        }
    }

    fn provider(&self, id: Option<&ProviderId>) -> Provider {
        id.map_or_else(Provider::none, |id| self.providers.label(id))
    }

    fn issued(&self, grant: GrantType) {
        self.tokens.get_or_create(&GrantLabel { grant: grant.as_str() }).inc();
    }

    fn logout_told(&self, result: &'static str) {
        self.logout_deliveries.get_or_create(&ResultLabel { result }).inc();
    }

    fn refreshed(&self, result: &'static str) {
        self.refreshes.get_or_create(&ResultLabel { result }).inc();
    }
}

impl Observer for Metrics {
    fn observed(&self, event: &AuditEvent) {
        match event.name {
            EventName::LoginSucceeded | EventName::LoginFailed | EventName::LoginDeniedByPolicy => self.login_ended(event),
            EventName::CodeRedeemed => self.issued(event.grant_type.unwrap_or(GrantType::AuthorizationCode)),
            EventName::UpstreamTokenReleased | EventName::TokenExchanged => self.issued(GrantType::TokenExchange),
            EventName::ClientCredentialsGranted => self.issued(GrantType::ClientCredentials),
            EventName::TokenRefreshed => {
                self.issued(GrantType::RefreshToken);
                // The successor once more, for an app whose answer got lost.
                self.refreshed(if event.reason == Some(Reason::Replayed) { "replayed" } else { "ok" });
            }
            EventName::TokenRefreshFailed => self.refreshed(event.reason.map_or("other", Reason::as_str)),
            // A spent code that comes back has the same name, and is no refresh.
            EventName::TokenReuseDetected if event.grant_type == Some(GrantType::RefreshToken) => self.refreshed("reused"),
            EventName::SessionEnded => {
                self.logouts.get_or_create(&KindLabel { kind: labels::logout_kind(event) }).inc();
            }
            EventName::LogoutDelivered => self.logout_told("delivered"),
            EventName::LogoutFailed => self.logout_told("failed"),
            EventName::AbuseRateLimited => {
                self.rate_limited.get_or_create(&LimitLabel { limit: labels::limit(event.reason) }).inc();
            }
            // Requests on the way are counted by their routes, and what operators do is read in the audit log.
            EventName::UpstreamLogoutReceived
            | EventName::GrantRevoked
            | EventName::LoginStarted
            | EventName::RequestPushed
            | EventName::UpstreamRedirected
            | EventName::LoginSilent
            | EventName::ConsentGranted
            | EventName::ConsentDenied
            | EventName::ConsentRevoked
            | EventName::UserProvisioned
            | EventName::IdentityLinked
            | EventName::CodeFailed
            | EventName::TokenReuseDetected
            | EventName::DeviceStarted
            | EventName::DeviceApproved
            | EventName::DeviceDenied
            | EventName::TokenRevoked
            | EventName::TokenExchangeFailed
            | EventName::ClientCredentialsFailed
            | EventName::ClientAuthFailed
            | EventName::AdminAuthFailed
            | EventName::AdminAccessDenied
            | EventName::ClientCreated
            | EventName::ClientUpdated
            | EventName::ClientDeleted
            | EventName::ClientSecretAdded
            | EventName::ClientSecretRevoked
            | EventName::ClientRegistrationRefused
            | EventName::RegistrationTokenCreated
            | EventName::ApiKeyCreated
            | EventName::ApiKeyUpdated
            | EventName::ApiKeyDeleted
            | EventName::RegistrationTokenDeleted
            | EventName::IdentityUnlinked
            | EventName::IdentityLinkRefused
            | EventName::AccountDisabled
            | EventName::AccountEnabled
            | EventName::ProviderCreated
            | EventName::ProviderUpdated
            | EventName::ProviderEnabled
            | EventName::ProviderDisabled
            | EventName::ProviderDeleted
            | EventName::ProviderHealthChanged
            | EventName::ProviderTested
            | EventName::UpstreamTokenRefused
            | EventName::UpstreamTokenRefreshed
            | EventName::UpstreamNeedsReconnect
            | EventName::UpstreamTokenRevoked
            | EventName::KeyRotated
            | EventName::KeyRetired => {}
        }
    }

    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, took: Duration) {
        let provider = self.providers.label(provider);
        let phase = phase.as_str();
        let labels = UpstreamLabels { provider: provider.clone(), phase, result: labels::upstream_result(result) };
        self.upstream_requests.get_or_create(&labels).inc();
        self.upstream_seconds.get_or_create(&PhaseLabels { provider, phase }).observe(took.as_secs_f64());
    }

    fn provider_health(&self, provider: &ProviderId, state: BreakerState) {
        self.introduce(provider);
        // Many that share one series would overwrite each other's.
        let Some(provider) = self.providers.own_label(provider) else { return };
        let state = match state {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        };
        self.breakers.get_or_create(&ProviderLabel { provider }).set(state);
    }

    fn provider_secret_expires(&self, provider: &ProviderId, expires: Option<Timestamp>) {
        let Some(provider) = self.providers.own_label(provider) else { return };
        let label = ProviderLabel { provider };
        match expires {
            Some(expires) => drop(self.secrets_expire.get_or_create(&label).set(expires.as_secs())),
            None => drop(self.secrets_expire.remove(&label)),
        }
    }

    /// One that went well is a step with a provider like others, and is counted there.
    fn upstream_refreshed(&self, _provider: &ProviderId, result: RefreshOutcome) {
        match result {
            RefreshOutcome::Ok => {}
            RefreshOutcome::Denied | RefreshOutcome::Unreachable => self.refreshed(result.as_str()),
        }
    }
}

#[cfg(test)]
mod tests;
