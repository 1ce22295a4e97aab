//! Who watches what happens: everything is counted, and what an operator should see as it happens becomes a log line. No personal data:
//! who it was is in the audit log, which a line's login leads to.

use std::{sync::Arc, time::Duration};

use tracing::{info, warn};
use vestibule_domain::{
    audit::{AuditEvent, EventName, Outcome, Reason},
    ids::ProviderId,
    ports::Observer,
    provider::Phase,
};
use vestibule_telemetry::Metrics;

/// Counts and logs.
#[derive(Debug)]
pub(crate) struct Watch(pub(crate) Arc<Metrics>);

impl Observer for Watch {
    fn observed(&self, event: &AuditEvent) {
        self.0.observed(event);
        log(event);
    }

    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, took: Duration) {
        self.0.upstream_called(provider, phase, result, took);
        if result != "ok" && result != "declined" {
            let milliseconds = took.as_millis();
            warn!(provider.id = %provider, upstream.phase = %phase, result, milliseconds, "{phase} with {provider} failed: {result}");
        }
    }
}

/// One line for the events that are worth one. What apps do all day (tokens, silent logins) is counted and audited, not logged, unless it fails.
fn log(event: &AuditEvent) {
    let provider = event.provider.as_ref().map(ProviderId::as_str);
    let client = event.client.as_ref().map(ToString::to_string);
    let client = client.as_deref();
    let login = event.login.map(tracing::field::display);
    let trace = event.trace_id.as_deref();
    let name = event.name.as_str();
    let detail = event.detail.as_deref();
    let reason = event.reason.map(Reason::as_str);
    let through = provider.unwrap_or("no provider");
    match (event.name, event.outcome) {
        (EventName::LoginSucceeded, _) => {
            info!(
                event = name,
                provider.id = provider,
                client.id = client,
                login.id = login,
                trace.id = trace,
                "signed in through {through}"
            );
        }
        (EventName::LoginFailed | EventName::LoginDeniedByPolicy, _) => {
            let why = reason.unwrap_or("unknown");
            warn!(
                event = name,
                provider.id = provider,
                client.id = client,
                login.id = login,
                trace.id = trace,
                reason,
                detail,
                "a sign-in through {through} failed: {why}"
            );
        }
        (_, Outcome::Failure | Outcome::Denied) | (EventName::TokenReuseDetected, _) => {
            let why = reason.unwrap_or("unknown");
            warn!(
                event = name,
                provider.id = provider,
                client.id = client,
                login.id = login,
                trace.id = trace,
                reason,
                detail,
                "{name}: {why}"
            );
        }
        (
            EventName::ClientCreated
            | EventName::ClientUpdated
            | EventName::ClientDeleted
            | EventName::ClientSecretAdded
            | EventName::ClientSecretRevoked,
            Outcome::Success,
        ) => info!(event = name, client.id = client, trace.id = trace, detail, "{name}"),
        (EventName::KeyRotated | EventName::KeyRetired, Outcome::Success) => info!(event = name, detail, "{name}"),
        _ => {}
    }
}
