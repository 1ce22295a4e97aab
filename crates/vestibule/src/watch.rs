//! Who writes the log: what an operator should see as it happens becomes a line. No personal data: who it was is in the audit log, which a line's login
//! leads to.

use std::time::Duration;

use tracing::{debug, info, warn};
use vestibule_domain::{
    audit::{AuditEvent, EventName, Outcome, Reason},
    health::BreakerState,
    ids::ProviderId,
    ports::Observer,
    provider::Phase,
    time::Timestamp,
    upstream::RefreshOutcome,
};

/// Logs.
#[derive(Debug)]
pub(crate) struct Watch;

impl Observer for Watch {
    fn observed(&self, event: &AuditEvent) {
        if let Some(login) = event.login {
            vestibule_telemetry::belongs_to_login(login);
        }
        log(event);
    }

    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, took: Duration) {
        if result != "ok" && result != "declined" {
            let milliseconds = took.as_millis();
            warn!(provider.id = %provider, upstream.phase = %phase, result, milliseconds, "{phase} with {provider} failed: {result}");
        }
    }

    fn upstream_answered(&self, _: &ProviderId, phase: Phase, status: Option<u16>, took: Duration) {
        vestibule_flows::note_upstream_request(phase, status, took);
    }

    fn provider_health(&self, _: &ProviderId, _: BreakerState) {}
    fn provider_secret_expires(&self, _: &ProviderId, _: Option<Timestamp>) {}
    fn upstream_refreshed(&self, _: &ProviderId, _: RefreshOutcome) {}
}

/// One line for the events that are worth one. What apps do all day (tokens, silent logins) is for whoever debugs, unless it fails.
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
        (EventName::ProviderHealthChanged, outcome) => {
            let detail = detail.unwrap_or_default();
            if outcome == Outcome::Success {
                info!(event = name, provider.id = provider, "{through} is well again");
            } else {
                warn!(event = name, provider.id = provider, reason, detail, "{through} is in trouble: {detail}");
            }
        }
        (EventName::ConfigReloaded, _) => {
            let changes = detail.unwrap_or_default();
            info!(event = name, trace.id = trace, "the configuration was read again and holds: {changes}");
        }
        // What failed there is said as it fails, and how the login ended by its own event.
        (EventName::UpstreamCallback, _) => {
            debug!(event = name, provider.id = provider, login.id = login, trace.id = trace, reason, "{name}");
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
        (
            EventName::DetectionFailureBurst
            | EventName::DetectionRefreshReuse
            | EventName::DetectionNewCountry
            | EventName::DetectionNewNetwork
            | EventName::DetectionImpossibleTravel
            | EventName::DetectionNewProvider
            | EventName::DetectionAdminOffHours
            | EventName::DetectionDormantReturn,
            _,
        ) => {
            let detail = detail.unwrap_or_default();
            warn!(event = name, provider.id = provider, client.id = client, login.id = login, trace.id = trace, "{name}: {detail}");
        }
        (_, Outcome::Failure | Outcome::Denied) | (EventName::TokenReuseDetected | EventName::AuditSinkMissed, _) => {
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
            | EventName::ClientExpired
            | EventName::ClientDocumentChanged
            | EventName::ClientSecretAdded
            | EventName::ClientSecretRevoked,
            Outcome::Success,
        ) => info!(event = name, client.id = client, trace.id = trace, detail, "{name}"),
        (
            EventName::ProviderCreated
            | EventName::ProviderUpdated
            | EventName::ProviderEnabled
            | EventName::ProviderDisabled
            | EventName::ProviderDeleted,
            Outcome::Success,
        ) => info!(event = name, provider.id = provider, trace.id = trace, detail, "{name}: {through}"),
        (
            EventName::KeyRotated
            | EventName::KeyRetired
            | EventName::RegistrationTokenCreated
            | EventName::RegistrationTokenDeleted
            | EventName::AuditChainBegun
            | EventName::AuditRetentionPurged
            | EventName::AuditExported,
            Outcome::Success,
        ) => info!(event = name, detail, "{name}"),
        // In the audit log, and counted.
        (
            EventName::LoginStarted
            | EventName::RequestPushed
            | EventName::RequestRefused
            | EventName::UpstreamRedirected
            | EventName::LoginProviderSelected
            | EventName::TokenIntrospected
            | EventName::LoginSilent
            | EventName::ConsentGranted
            | EventName::ConsentDenied
            | EventName::ConsentRevoked
            | EventName::UserProvisioned
            | EventName::IdentityLinked
            | EventName::IdentityUnlinked
            | EventName::IdentityLinkRefused
            | EventName::AccountDisabled
            | EventName::AccountEnabled
            | EventName::CodeRedeemed
            | EventName::CodeFailed
            | EventName::TokenRefreshed
            | EventName::TokenRefreshFailed
            | EventName::TokenRevoked
            | EventName::TokenExchanged
            | EventName::TokenExchangeFailed
            | EventName::GrantRevoked
            | EventName::ClientCredentialsGranted
            | EventName::ClientCredentialsFailed
            | EventName::ClientAuthFailed
            | EventName::AdminAuthFailed
            | EventName::AdminAccessDenied
            | EventName::AdminLogin
            | EventName::AdminLogout
            | EventName::AdminLoginFailed
            | EventName::ConsoleKeyCreated
            | EventName::DeviceStarted
            | EventName::DeviceApproved
            | EventName::DeviceDenied
            | EventName::SessionEnded
            | EventName::LogoutDelivered
            | EventName::LogoutFailed
            | EventName::UpstreamLogoutReceived
            | EventName::AbuseRateLimited
            | EventName::ClientRegistrationRefused
            | EventName::ApiKeyCreated
            | EventName::ApiKeyUpdated
            | EventName::ApiKeyDeleted
            | EventName::ProviderTested
            | EventName::UpstreamTokenReleased
            | EventName::UpstreamTokenRefused
            | EventName::UpstreamTokenRefreshed
            | EventName::UpstreamNeedsReconnect
            | EventName::UpstreamTokenRevoked
            | EventName::ConfigReloadFailed
            | EventName::ConfigChecked
            | EventName::AccountErased,
            Outcome::Success,
        ) => debug!(event = name, provider.id = provider, client.id = client, login.id = login, trace.id = trace, detail, "{name}"),
    }
}
