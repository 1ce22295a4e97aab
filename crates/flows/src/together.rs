//! Several who look on, as one.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    audit::{AuditEvent, sink::SinkLag},
    client::GrantType,
    error::OAuthErrorCode,
    health::BreakerState,
    ids::{ClientId, LoginId, ProviderId, SinkId},
    ports::{Answered, Observer},
    provider::Phase,
    time::Timestamp,
    upstream::RefreshOutcome,
};

/// Each of them hears of everything, in their order.
#[expect(missing_debug_implementations, reason = "ports have nothing to show")]
pub struct Together(pub Vec<Arc<dyn Observer>>);

impl Together {
    fn tell(&self, what: impl Fn(&dyn Observer)) {
        self.0.iter().for_each(|observer| what(observer.as_ref()));
    }
}

impl Observer for Together {
    fn observed(&self, event: &AuditEvent) {
        self.tell(|observer| observer.observed(event));
    }

    fn sealed(&self, event: &AuditEvent) {
        self.tell(|observer| observer.sealed(event));
    }

    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, took: Duration) {
        self.tell(|observer| observer.upstream_called(provider, phase, result, took));
    }

    fn provider_health(&self, provider: &ProviderId, state: BreakerState) {
        self.tell(|observer| observer.provider_health(provider, state));
    }

    fn provider_secret_expires(&self, provider: &ProviderId, expires: Option<Timestamp>) {
        self.tell(|observer| observer.provider_secret_expires(provider, expires));
    }

    fn client_served(&self, client: &ClientId) {
        self.tell(|observer| observer.client_served(client));
    }

    fn upstream_refreshed(&self, provider: &ProviderId, result: RefreshOutcome) {
        self.tell(|observer| observer.upstream_refreshed(provider, result));
    }

    fn departed(&self, provider: &ProviderId, login: LoginId) {
        self.tell(|observer| observer.departed(provider, login));
    }

    fn upstream_answered(&self, provider: &ProviderId, phase: Phase, status: Option<u16>, took: Duration) {
        self.tell(|observer| observer.upstream_answered(provider, phase, status, took));
    }

    fn returned(&self, provider: &ProviderId, login: LoginId, away: Duration) {
        self.tell(|observer| observer.returned(provider, login, away));
    }

    fn answered(&self, answered: &Answered) {
        self.tell(|observer| observer.answered(answered));
    }

    fn sink_tried(&self, sink: &SinkId, result: &'static str) {
        self.tell(|observer| observer.sink_tried(sink, result));
    }

    fn sinks_lag(&self, lags: &[(SinkId, SinkLag)], now: Timestamp) {
        self.tell(|observer| observer.sinks_lag(lags, now));
    }

    fn sink_missed(&self, sink: &SinkId, events: u64) {
        self.tell(|observer| observer.sink_missed(sink, events));
    }

    fn token_refused(&self, grant: Option<GrantType>, error: OAuthErrorCode) {
        self.tell(|observer| observer.token_refused(grant, error));
    }
}
