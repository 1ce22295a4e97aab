//! Metrics: what exists, and how it is recorded.
//!
//! Every label comes from a closed set: an enum, a `&'static str`, or the providers that exist, at most a hundred. What a request says of itself
//! never becomes a label, so a stranger can't make the number of series grow (attack 87).

mod departures;
mod instruments;
mod labels;
mod sinks;

use std::{fmt, time::Duration};

use prometheus_client::{encoding::text::encode, metrics::gauge::Gauge, registry::Registry};
use vestibule_domain::{
    audit::{AuditEvent, EventName, Outcome, Reason, chain::Unsealed, sink::SinkLag},
    client::GrantType,
    detection::Detection,
    error::OAuthErrorCode,
    health::BreakerState,
    ids::{ClientId, LoginId, ProviderId, SinkId},
    keys::SigningKey,
    ports::{Answered, Observer},
    provider::Phase,
    stats::People,
    time::Timestamp,
    upstream::RefreshOutcome,
};

use departures::Departures;
pub(crate) use instruments::provider;
use instruments::{Count, Counts, Levels, Maker, Sizes, Timings};
use labels::{
    CHANGED, ClientGrantLabels, ClientLoginLabels, DatabaseLabel, DetectionLabel, GrantLabel, KindLabel, LimitLabel, ListenerLabel,
    LoginLabels, Name, Names, ObjectLabel, OperationLabel, PhaseLabels, ProviderLabel, RequestLabels, ResultLabel, TokenErrorLabels,
    UpstreamLabels, WindowLabel,
};
use sinks::OfSinks;

/// What [`Metrics::render`] writes: `Content-Type` of its response.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds. Dense below one second: the service levels lie at 50 and 250 milliseconds.
const SECONDS: [f64; 16] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// A login has a person in it, who may take minutes.
const LOGIN_SECONDS: [f64; 12] = [0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// How a login ended whose person did not come back from the provider.
const ABANDONED: &str = "abandoned";
const BATCHES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

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
    providers: Names<ProviderId>,
    http_requests: Timings<RequestLabels>,
    http_active: Gauge,
    upstream_seconds: Timings<PhaseLabels>,
    upstream_requests: Counts<UpstreamLabels>,
    breakers: Levels<ProviderLabel>,
    secrets_expire: Levels<ProviderLabel>,
    certificate_expires: Levels<ListenerLabel>,
    commit_batch: Sizes,
    commits_waiting: Gauge,
    database_seconds: Timings<OperationLabel>,
    store_size: Levels<DatabaseLabel>,
    store_free: Levels<DatabaseLabel>,
    logins: Counts<LoginLabels>,
    login_seconds: Timings<PhaseLabels>,
    departures: Departures,
    departed: Counts<ProviderLabel>,
    tokens: Counts<GrantLabel>,
    token_errors: Counts<TokenErrorLabels>,
    refreshes: Counts<ResultLabel>,
    sessions_active: Gauge,
    accounts_active: Levels<WindowLabel>,
    sessions_created: Count,
    logouts: Counts<KindLabel>,
    logout_deliveries: Counts<ResultLabel>,
    rate_limited: Counts<LimitLabel>,
    changes: Counts<ObjectLabel>,
    key_age: Gauge,
    key_period: Gauge,
    key_rotation: Gauge,
    detections: Counts<DetectionLabel>,
    audit_unsealed: Gauge,
    audit_oldest_unsealed: Gauge,
    sinks: OfSinks,
    config_held: Gauge,
    config_read: Gauge,
    clients: Option<ByClient>,
}

/// What is counted by client, where an operator wants that: a series for each of them costs whoever collects.
struct ByClient {
    names: Names<ClientId>,
    logins: Counts<ClientLoginLabels>,
    tokens: Counts<ClientGrantLabels>,
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

impl Metrics {
    /// Nothing is counted yet. A provider is counted under its own name once [`Observer::provider_health`] was told of it, and as `other` before.
    pub fn new(build: Build) -> Self {
        Self::made(build, false)
    }

    /// The same, and some of it by client: for the first hundred that an operator registered and that are seen, the others together.
    pub fn by_client(build: Build) -> Self {
        Self::made(build, true)
    }

    fn made(build: Build, by_client: bool) -> Self {
        let mut make = Maker::new();
        make.info(
            "vestibule_build",
            "vestibule_build_info",
            "Which build this is",
            vec![("version", build.version), ("revision", build.revision)],
        );
        let metrics = Self {
            providers: Names::new(),
            http_requests: make.timings("http_server_request_duration_seconds", "Requests answered, by route", &SECONDS),
            http_active: make.level("http_server_active_requests", "Requests being answered"),
            upstream_seconds: make.timings("http_client_request_duration_seconds", "Steps with upstream providers", &SECONDS),
            upstream_requests: make.counts("vestibule_upstream_requests", "Steps with upstream providers, by how they ended"),
            breakers: make.levels(
                "vestibule_upstream_breaker_state",
                "What is done with requests to a provider: 0 they go through, 1 one looks whether it is well, 2 none goes through",
            ),
            secrets_expire: make.levels(
                "vestibule_upstream_secret_expiry_timestamp_seconds",
                "When our secret or certificate at a provider expires, as Unix time, where that is known",
            ),
            certificate_expires: make.levels(
                "vestibule_tls_certificate_expiry_timestamp_seconds",
                "When our own certificate expires, as Unix time, where TLS is ours",
            ),
            commit_batch: make.sizes("db_commit_batch_size", "Changes committed in one transaction", &BATCHES),
            commits_waiting: make.level("db_commits_waiting", "Changes that waited for the writer when it last committed"),
            database_seconds: make.timings("db_client_operation_duration_seconds", "Work of the database: commit or read", &SECONDS),
            store_size: make.levels("vestibule_store_size_bytes", "What the database's files take, where it is SQLite"),
            store_free: make.levels("vestibule_store_free_bytes", "What is free where the database lies, where it is SQLite"),
            logins: make.counts("vestibule_login", "Logins that ended, by how"),
            login_seconds: make.timings(
                "vestibule_login_duration_seconds",
                "How long a sign-in took: in all, from the app's request on, or at the provider, person included",
                &LOGIN_SECONDS,
            ),
            departures: Departures::default(),
            departed: make.counts("vestibule_login_departures", "Logins with which somebody was sent to a provider"),
            tokens: make.counts("vestibule_tokens_issued", "Token responses given"),
            token_errors: make.counts("vestibule_token_errors", "Token requests refused"),
            refreshes: make.counts(
                "vestibule_refresh",
                "Refresh tokens presented to us, by what became of them, and our own refreshes at providers that failed",
            ),
            sessions_active: make.level("vestibule_sessions_active", "Browser sessions that live"),
            accounts_active: make.levels(
                "vestibule_active_accounts",
                "Different accounts that were here: today, in 7 days with today, in 30 days with today, by days in UTC",
            ),
            sessions_created: make.count("vestibule_sessions_created", "Sign-ins that began or renewed a browser session"),
            logouts: make.counts("vestibule_logout", "Browser sessions ended, by what ended them"),
            logout_deliveries: make
                .counts("vestibule_logout_deliveries", "Apps told that a session has ended, or given up after the last attempt"),
            rate_limited: make.counts("vestibule_rate_limited", "Limits reached by somebody who tried too often"),
            changes: make.counts("vestibule_admin_changes", "What operators changed, by what sort of thing it is"),
            key_age: make.level("vestibule_signing_key_age_seconds", "Age of the oldest key that signs"),
            key_period: make.level("vestibule_signing_key_period_seconds", "How long a key signs before the next one takes over"),
            key_rotation: make
                .level("vestibule_signing_key_next_rotation_timestamp_seconds", "When the next signing key takes over, as Unix time"),
            detections: make.counts("vestibule_detections", "Unusual activity that was raised, by what it is"),
            audit_unsealed: make.level("vestibule_audit_unsealed", "Audit events that wait to be put into the chain"),
            audit_oldest_unsealed: make
                .level("vestibule_audit_oldest_unsealed_seconds", "How long the oldest of them has waited; 0 if none waits"),
            sinks: OfSinks::new(&mut make),
            config_held: make.level(
                "vestibule_config_last_reload_success",
                "Whether the configuration could be used when it was last read: 1 it holds, 0 the one before does",
            ),
            config_read: make.level(
                "vestibule_config_last_reload_success_timestamp_seconds",
                "When the configuration was last read that holds, as Unix time",
            ),
            clients: by_client.then(|| ByClient {
                names: Names::new(),
                logins: make
                    .counts("vestibule_client_logins", "Logins that ended, by client: the first hundred by name, the others together"),
                tokens: make.counts("vestibule_client_tokens_issued", "Token responses given, by client likewise"),
            }),
            registry: make.registry,
        };
        metrics.begin_at_zero();
        metrics
    }

    /// A counter that first appears with its first increase hides that increase from `rate()`; alerts stand on these.
    fn begin_at_zero(&self) {
        for grant in GrantType::ALL {
            self.tokens.add(&GrantLabel { grant: grant.as_str() }, 0);
        }
        for result in ["ok", "replayed", "expired", "reused", "revoked", "upstream_denied", "upstream_unreachable"] {
            self.refreshes.add(&ResultLabel { result }, 0);
        }
        for reason in Reason::ALL {
            self.rate_limited.add(&LimitLabel { limit: labels::limit(Some(*reason)) }, 0);
        }
        for kind in labels::LOGOUT_KINDS {
            self.logouts.add(&KindLabel { kind }, 0);
        }
        for result in ["delivered", "failed"] {
            self.logout_deliveries.add(&ResultLabel { result }, 0);
        }
        for detection in Detection::ALL {
            self.detections.add(&DetectionLabel { detection: detection.as_str() }, 0);
        }
        for object in CHANGED {
            self.changes.add(&ObjectLabel { object }, 0);
        }
    }

    /// The same for what is counted of a provider.
    fn introduce(&self, id: &ProviderId) {
        let Some(provider) = self.providers.introduce(id) else { return };
        for (outcome, reason) in [("success", ""), ("denied", Reason::PersonDeclined.as_str()), (ABANDONED, "")] {
            self.logins.add(&LoginLabels { provider: provider.clone(), outcome, reason }, 0);
        }
        self.departed.add(&ProviderLabel { provider }, 0);
    }

    /// A request has come; it counts as active while the value lives.
    pub fn request_begins(&self) -> InFlight {
        self.http_active.inc();
        InFlight(self.http_active.clone())
    }

    /// The writer committed this many changes in one transaction, while others waited.
    pub fn committed(&self, batch: usize, waiting: usize, took: Duration) {
        self.commit_batch.observe(f64::from(u32::try_from(batch).unwrap_or(u32::MAX)));
        self.commits_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.database_seconds.observe(&OperationLabel { operation: "commit" }, took);
    }

    /// The database answered a question that no cache could.
    pub fn read(&self, took: Duration) {
        self.database_seconds.observe(&OperationLabel { operation: "read" }, took);
    }

    /// How much room an SQLite database takes, and how much is left where it lies.
    pub fn set_store_room(&self, size: u64, free: u64) {
        let label = DatabaseLabel { database: "sqlite" };
        self.store_size.set(&label, i64::try_from(size).unwrap_or(i64::MAX));
        self.store_free.set(&label, i64::try_from(free).unwrap_or(i64::MAX));
    }

    /// When the certificate that the main listener shows expires.
    pub fn set_certificate_expiry(&self, expires: Timestamp) {
        self.certificate_expires.set(&ListenerLabel { listener: "main" }, expires.as_secs());
    }

    /// Logins that began before that moment can't come back any more: who has not is counted as `abandoned`.
    pub fn count_abandoned(&self, before: Timestamp) {
        for (provider, lost) in self.departures.lost(before) {
            self.logins.add(&LoginLabels { provider, outcome: ABANDONED, reason: "" }, lost);
        }
    }

    /// How many sessions live, as the store counts them.
    pub fn set_sessions_active(&self, sessions: u64) {
        self.sessions_active.set(i64::try_from(sessions).unwrap_or(i64::MAX));
    }

    /// How many people were here, as the store counts them for all nodes.
    pub fn set_active_accounts(&self, people: &People) {
        for (window, accounts) in [("day", people.day), ("week", people.week), ("month", people.month)] {
            self.accounts_active.set(&WindowLabel { window }, i64::try_from(accounts).unwrap_or(i64::MAX));
        }
    }

    /// What waits to be put into the chain of audit events.
    pub fn set_audit_unsealed(&self, unsealed: Unsealed, now: Timestamp) {
        self.audit_unsealed.set(i64::try_from(unsealed.events).unwrap_or(i64::MAX));
        let waited = unsealed.oldest.map_or(0, |oldest| now.since(oldest).as_secs());
        self.audit_oldest_unsealed.set(i64::try_from(waited).unwrap_or(i64::MAX));
    }

    /// The signing keys as they stand: the age of the oldest one that signs, how long it was to sign, and when the first of them is due to be followed.
    pub fn set_signing_keys(&self, keys: &[SigningKey], now: Timestamp) {
        let signing = || keys.iter().filter(|key| key.signs(now));
        if let Some(oldest) = signing().min_by_key(|key| key.signs_from) {
            self.key_age.set(seconds(now.since(oldest.signs_from)));
            self.key_period.set(seconds(oldest.signs_until.since(oldest.signs_from)));
        }
        if let Some(next) = signing().map(|key| key.signs_until).min() {
            self.key_rotation.set(next.as_secs());
        }
    }

    /// The configuration was read; `holds` if it could be used.
    pub fn config_read(&self, holds: bool, now: Timestamp) {
        self.config_held.set(holds.into());
        if holds {
            self.config_read.set(now.as_secs());
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
        self.logins.one(&LoginLabels { provider: provider.clone(), outcome, reason });
        if let (Some(clients), Some(client), false) = (&self.clients, &event.client, event.trial) {
            clients.logins.one(&ClientLoginLabels { client: clients.names.label(client), outcome });
        }
        if event.name != EventName::LoginSucceeded {
            return;
        }
        self.sessions_created.one();
        if let Some(took) = event.took_ms {
            let labels = PhaseLabels { provider, phase: "total" };
            self.login_seconds.observe(&labels, Duration::from_millis(took));
        }
    }

    fn provider(&self, id: Option<&ProviderId>) -> Name {
        id.map_or_else(Name::none, |id| self.providers.label(id))
    }

    fn issued(&self, event: &AuditEvent, grant: GrantType) {
        let grant = grant.as_str();
        self.tokens.one(&GrantLabel { grant });
        if let (Some(clients), Some(client)) = (&self.clients, &event.client) {
            clients.tokens.one(&ClientGrantLabels { client: clients.names.label(client), grant });
        }
    }

    fn logout_told(&self, result: &'static str) {
        self.logout_deliveries.one(&ResultLabel { result });
    }

    fn refreshed(&self, result: &'static str) {
        self.refreshes.one(&ResultLabel { result });
    }
}

impl Observer for Metrics {
    fn sealed(&self, event: &AuditEvent) {
        if let Some(object) = labels::changed(event) {
            self.changes.one(&ObjectLabel { object });
        }
    }

    fn observed(&self, event: &AuditEvent) {
        if let Some(detection) = Detection::recorded_by(event.name) {
            self.detections.one(&DetectionLabel { detection: detection.as_str() });
        }
        match event.name {
            EventName::LoginSucceeded | EventName::LoginFailed | EventName::LoginDeniedByPolicy => self.login_ended(event),
            EventName::CodeRedeemed => self.issued(event, event.grant_type.unwrap_or(GrantType::AuthorizationCode)),
            EventName::UpstreamTokenReleased | EventName::TokenExchanged => self.issued(event, GrantType::TokenExchange),
            EventName::ClientCredentialsGranted => self.issued(event, GrantType::ClientCredentials),
            EventName::TokenRefreshed => {
                self.issued(event, GrantType::RefreshToken);
                // The successor once more, for an app whose answer got lost.
                self.refreshed(if event.reason == Some(Reason::Replayed) { "replayed" } else { "ok" });
            }
            EventName::TokenRefreshFailed => self.refreshed(event.reason.map_or("other", Reason::as_str)),
            // A spent code that comes back has the same name, and is no refresh.
            EventName::TokenReuseDetected if event.grant_type == Some(GrantType::RefreshToken) => self.refreshed("reused"),
            EventName::SessionEnded => {
                self.logouts.one(&KindLabel { kind: labels::logout_kind(event) });
            }
            EventName::LogoutDelivered => self.logout_told("delivered"),
            EventName::LogoutFailed => self.logout_told("failed"),
            EventName::AbuseRateLimited => {
                self.rate_limited.one(&LimitLabel { limit: labels::limit(event.reason) });
            }
            // Requests on the way are counted by their routes, what is unusual is counted above, and what operators do when it is sealed.
            EventName::UpstreamLogoutReceived
            | EventName::ConfigReloaded
            | EventName::ConfigReloadFailed
            | EventName::ConfigChecked
            | EventName::GrantRevoked
            | EventName::LoginStarted
            | EventName::RequestPushed
            | EventName::RequestRefused
            | EventName::LoginProviderSelected
            | EventName::UpstreamRedirected
            | EventName::UpstreamCallback
            | EventName::TokenIntrospected
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
            | EventName::AdminLogin
            | EventName::AdminLogout
            | EventName::AdminLoginFailed
            | EventName::ConsoleKeyCreated
            | EventName::ClientCreated
            | EventName::ClientUpdated
            | EventName::ClientDeleted
            | EventName::ClientSecretAdded
            | EventName::ClientSecretRevoked
            | EventName::ClientRegistrationRefused
            | EventName::ClientExpired
            | EventName::ClientDocumentChanged
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
            | EventName::KeyRetired
            | EventName::AccountErased
            | EventName::AuditChainBegun
            | EventName::AuditRetentionPurged
            | EventName::AuditExported
            | EventName::AuditSinkMissed
            | EventName::DetectionFailureBurst
            | EventName::DetectionRefreshReuse
            | EventName::DetectionNewCountry
            | EventName::DetectionNewNetwork
            | EventName::DetectionImpossibleTravel
            | EventName::DetectionNewProvider
            | EventName::DetectionAdminOffHours
            | EventName::DetectionDormantReturn => {}
        }
    }

    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, took: Duration) {
        let provider = self.providers.label(provider);
        let phase = phase.as_str();
        self.upstream_requests.one(&UpstreamLabels { provider: provider.clone(), phase, result: labels::upstream_result(result) });
        self.upstream_seconds.observe(&PhaseLabels { provider, phase }, took);
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
        self.breakers.set(&ProviderLabel { provider }, state);
    }

    fn client_served(&self, client: &ClientId) {
        if let Some(clients) = &self.clients {
            let _ = clients.names.introduce(client);
        }
    }

    fn provider_secret_expires(&self, provider: &ProviderId, expires: Option<Timestamp>) {
        let Some(provider) = self.providers.own_label(provider) else { return };
        let label = ProviderLabel { provider };
        match expires {
            Some(expires) => self.secrets_expire.set(&label, expires.as_secs()),
            None => self.secrets_expire.remove(&label),
        }
    }

    /// One that went well is a step with a provider like others, and is counted there.
    fn upstream_refreshed(&self, _provider: &ProviderId, result: RefreshOutcome) {
        match result {
            RefreshOutcome::Ok => {}
            RefreshOutcome::Denied | RefreshOutcome::Unreachable => self.refreshed(result.as_str()),
        }
    }

    fn departed(&self, provider: &ProviderId, login: LoginId) {
        let provider = self.providers.label(provider);
        self.departed.one(&ProviderLabel { provider: provider.clone() });
        self.departures.went(provider, login);
    }

    fn returned(&self, provider: &ProviderId, login: LoginId, away: Duration) {
        let provider = self.providers.label(provider);
        self.departures.came_back(provider.clone(), login);
        self.login_seconds.observe(&PhaseLabels { provider, phase: "provider" }, away);
    }

    fn answered(&self, answered: &Answered) {
        let Answered { method, route, status, took } = *answered;
        let labels = RequestLabels { http_request_method: method, http_route: route, http_response_status_code: status };
        self.http_requests.observe(&labels, took);
    }

    fn sink_tried(&self, sink: &SinkId, result: &'static str) {
        self.sinks.tried(sink, result);
    }

    fn sinks_lag(&self, lags: &[(SinkId, SinkLag)], now: Timestamp) {
        self.sinks.lag(lags, now);
    }

    fn sink_missed(&self, sink: &SinkId, events: u64) {
        self.sinks.missed(sink, events);
    }

    fn token_refused(&self, grant: Option<GrantType>, error: OAuthErrorCode) {
        let grant = grant.map_or("other", GrantType::as_str);
        self.token_errors.one(&TokenErrorLabels { grant, error: error.as_str() });
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
