//! What the observer was told, how somebody leaves, and what stopped them.

use std::{sync::Mutex, time::Duration};

use vestibule_domain::{
    audit::AuditEvent,
    health::BreakerState,
    ids::{AttemptId, ProviderId},
    ports::Observer,
    provider::{Departure, Phase, ProviderError},
    time::Timestamp,
    upstream::RefreshOutcome,
};
use vestibule_testkit::clock::SeededEntropy;

pub(crate) const REDIRECT_URI: &str = "https://id.example/callback/acme";

/// What the observer was told: the steps with how they ended, and the requests with their status.
#[derive(Default)]
pub(crate) struct Steps(Mutex<Vec<(Phase, &'static str)>>, Mutex<Vec<(Phase, Option<u16>)>>);

impl Observer for Steps {
    fn observed(&self, _: &AuditEvent) {}

    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, _: Duration) {
        assert_eq!(provider.as_str(), "acme");
        self.0.lock().unwrap().push((phase, result));
    }

    fn upstream_answered(&self, _: &ProviderId, phase: Phase, status: Option<u16>, _: Duration) {
        self.1.lock().unwrap().push((phase, status));
    }

    fn provider_health(&self, _: &ProviderId, _: BreakerState) {}

    fn provider_secret_expires(&self, _: &ProviderId, _: Option<Timestamp>) {}

    fn upstream_refreshed(&self, _: &ProviderId, _: RefreshOutcome) {}
}

impl Steps {
    pub(crate) fn taken(&self) -> Vec<(Phase, &'static str)> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> Vec<(Phase, Option<u16>)> {
        self.1.lock().unwrap().clone()
    }
}

pub(crate) fn departure() -> Departure {
    Departure {
        attempt: AttemptId::new(&SeededEntropy::new(7)),
        redirect_uri: REDIRECT_URI.into(),
        fresh: false,
        select_account: false,
        max_age: None,
        login_hint: None,
        domain_hint: None,
        acr_values: None,
        ui_locales: None,
    }
}

/// The rule that an answer broke, or what kind of trouble it was.
pub(crate) fn rule<T: std::fmt::Debug>(answer: Result<T, ProviderError>) -> (Phase, &'static str) {
    match answer.unwrap_err() {
        ProviderError::Invalid { phase, rule, .. } => (phase, rule),
        ProviderError::Unreachable { phase, .. } => (phase, "unreachable"),
        ProviderError::Misconfigured { phase, .. } => (phase, "misconfigured"),
        ProviderError::Denied { phase, .. } => (phase, "denied"),
        ProviderError::Refused { rule } => (Phase::Callback, rule),
        ProviderError::Declined => (Phase::Callback, "declined"),
        ProviderError::Paused { .. } => (Phase::Callback, "paused"),
    }
}
