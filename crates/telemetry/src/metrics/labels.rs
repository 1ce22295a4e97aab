//! Labels, each from a closed set.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, PoisonError, RwLock},
};

use opentelemetry::{KeyValue, Value};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason},
    change::Change,
};

use super::instruments::Labels;

/// The name of something that exists, `other`, or `none`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Name(Arc<str>);

impl Name {
    /// For what ended before there was any.
    pub(super) fn none() -> Self {
        Self("none".into())
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Name> for Value {
    fn from(name: Name) -> Self {
        Self::String(name.0.into())
    }
}

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(&self.0)
    }
}

/// No more providers, and no more clients, have series of their own. Whoever may make them could otherwise fill the memory of whoever collects.
pub(super) const MOST_NAMES: usize = 100;

/// The providers, the clients, or the sinks that exist, or did. Only those that were introduced have a label of their own; what a request names is never
/// introduced.
#[derive(Debug)]
pub(super) struct Names<I> {
    known: RwLock<BTreeMap<I, Name>>,
    other: Name,
}

impl<I: Clone + Ord + AsRef<str>> Names<I> {
    pub(super) fn new() -> Self {
        Self { known: RwLock::default(), other: "other".into() }
    }

    /// Gives one a label of its own, while there are any left. Tells which, if it is new.
    pub(super) fn introduce(&self, id: &I) -> Option<Name> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_NAMES || known.contains_key(id) {
            return None;
        }
        let name = Name::from(id.as_ref());
        known.insert(id.clone(), name.clone());
        Some(name)
    }

    /// The label of one that has one of its own.
    pub(super) fn own_label(&self, id: &I) -> Option<Name> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All that have one.
    pub(super) fn all(&self) -> Vec<(I, Name)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(id, name)| (id.clone(), name.clone())).collect()
    }

    /// The label of one.
    pub(super) fn label(&self, id: &I) -> Name {
        self.own_label(id).unwrap_or_else(|| self.other.clone())
    }
}

macro_rules! label_sets {
    ($($name:ident { $($label:ident: $kind:ty),+ })+) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
            pub(super) struct $name { $(pub(super) $label: $kind),+ }

            impl Labels for $name {
                fn attributes(&self) -> Vec<KeyValue> {
                    vec![$(KeyValue::new(stringify!($label), self.$label.clone())),+]
                }
            }
        )+
    };
}

/// Named by OpenTelemetry's conventions for HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(clippy::struct_field_names, reason = "the fields are the names of the labels")]
pub(super) struct RequestLabels {
    pub(super) http_request_method: &'static str,
    pub(super) http_route: &'static str,
    pub(super) http_response_status_code: u16,
}

impl Labels for RequestLabels {
    fn attributes(&self) -> Vec<KeyValue> {
        vec![
            KeyValue::new("http_request_method", self.http_request_method),
            KeyValue::new("http_route", self.http_route),
            KeyValue::new("http_response_status_code", i64::from(self.http_response_status_code)),
        ]
    }
}

label_sets! {
    ProviderLabel { provider: Name }
    PhaseLabels { provider: Name, phase: &'static str }
    UpstreamLabels { provider: Name, phase: &'static str, result: &'static str }
    OperationLabel { operation: &'static str }
    DatabaseLabel { database: &'static str }
    DetectionLabel { detection: &'static str }
    WindowLabel { window: &'static str }
    ListenerLabel { listener: &'static str }
    LoginLabels { provider: Name, outcome: &'static str, reason: &'static str }
    GrantLabel { grant: &'static str }
    TokenErrorLabels { grant: &'static str, error: &'static str }
    ResultLabel { result: &'static str }
    KindLabel { kind: &'static str }
    LimitLabel { limit: &'static str }
    ObjectLabel { object: &'static str }
    ClientLoginLabels { client: Name, outcome: &'static str }
    ClientGrantLabels { client: Name, grant: &'static str }
    SinkLabel { sink: Name }
    SinkResultLabels { sink: Name, result: &'static str }
}

/// `ok`, or the kind of a `ProviderError`.
pub(super) fn upstream_result(result: &str) -> &'static str {
    const RESULTS: [&str; 8] = ["ok", "declined", "paused", "unreachable", "invalid", "denied", "refused", "misconfigured"];
    RESULTS.into_iter().find(|known| *known == result).unwrap_or("other")
}

/// Who or what ended a session.
pub(super) fn logout_kind(event: &AuditEvent) -> &'static str {
    match (event.reason, &event.actor) {
        // What an operator did then was to the account, or to a way into it.
        (Some(Reason::AccountDisabled), _) => "account_disabled",
        (Some(Reason::Unlinked), _) => "unlinked",
        (_, Actor::AdminKey(_) | Actor::Operator(_)) => "admin",
        (Some(Reason::Logout), _) => "user",
        (Some(Reason::UpstreamLogout), _) => "upstream",
        (Some(Reason::Replaced), _) => "replaced",
        (Some(Reason::UpstreamDenied), _) => "upstream_denied",
        _ => "other",
    }
}

/// All of [`logout_kind`].
pub(super) const LOGOUT_KINDS: [&str; 8] =
    ["admin", "user", "upstream", "replaced", "unlinked", "account_disabled", "upstream_denied", "other"];

/// Which limit was reached.
pub(super) fn limit(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::ClientRate) => "client",
        Some(Reason::BadSecret) => "admin",
        Some(Reason::UserCodeRate) => "user_code",
        Some(Reason::AuthorizeRate) => "authorize",
        Some(Reason::TokenRate) => "token",
        Some(Reason::PushRate) => "push",
        Some(Reason::DeviceRate) => "device",
        Some(Reason::SignInRate) => "sign_in",
        Some(Reason::AdminRate) => "admin_key",
        Some(Reason::EventRate) => "events",
        _ => "other",
    }
}

/// What sort of thing an operator changed, if the event is of that.
pub(super) fn changed(event: &AuditEvent) -> Option<&'static str> {
    if event.outcome != Outcome::Success {
        return None;
    }
    let object = match event.name {
        // Whoever writes the file is an operator, whatever made the house read it.
        EventName::ConfigReloaded => return reloaded(&event.change),
        EventName::ProviderCreated
        | EventName::ProviderUpdated
        | EventName::ProviderEnabled
        | EventName::ProviderDisabled
        | EventName::ProviderDeleted => "provider",
        EventName::KeyRotated | EventName::KeyRetired => "signing_key",
        EventName::ApiKeyCreated | EventName::ApiKeyUpdated | EventName::ApiKeyDeleted => "api_key",
        EventName::ClientCreated
        | EventName::ClientUpdated
        | EventName::ClientDeleted
        | EventName::ClientSecretAdded
        | EventName::ClientSecretRevoked => "client",
        EventName::AccountDisabled | EventName::AccountEnabled | EventName::AccountErased | EventName::IdentityUnlinked => "account",
        // A session that ended with its account, or with the way into it, was not what the operator changed.
        EventName::SessionEnded if logout_kind(event) != "admin" => return None,
        EventName::SessionEnded | EventName::GrantRevoked | EventName::ConsentRevoked => "access",
        EventName::RegistrationTokenCreated | EventName::RegistrationTokenDeleted => "registration_token",
        // Nothing that an operator keeps is another after these.
        EventName::LoginStarted
        | EventName::RequestPushed
        | EventName::RequestRefused
        | EventName::UpstreamRedirected
        | EventName::LoginSucceeded
        | EventName::LoginFailed
        | EventName::LoginDeniedByPolicy
        | EventName::LoginSilent
        | EventName::ConsentGranted
        | EventName::ConsentDenied
        | EventName::UserProvisioned
        | EventName::IdentityLinked
        | EventName::IdentityLinkRefused
        | EventName::CodeRedeemed
        | EventName::CodeFailed
        | EventName::TokenRefreshed
        | EventName::TokenRefreshFailed
        | EventName::TokenReuseDetected
        | EventName::TokenRevoked
        | EventName::TokenExchanged
        | EventName::TokenExchangeFailed
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
        | EventName::LogoutDelivered
        | EventName::LogoutFailed
        | EventName::UpstreamLogoutReceived
        | EventName::AbuseRateLimited
        | EventName::ClientRegistrationRefused
        | EventName::ClientExpired
        | EventName::ClientDocumentChanged
        | EventName::ProviderHealthChanged
        | EventName::ProviderTested
        | EventName::UpstreamTokenReleased
        | EventName::UpstreamTokenRefused
        | EventName::UpstreamTokenRefreshed
        | EventName::UpstreamNeedsReconnect
        | EventName::UpstreamTokenRevoked
        | EventName::ConfigReloadFailed
        | EventName::ConfigChecked
        | EventName::AuditChainBegun
        | EventName::LoginProviderSelected
        | EventName::UpstreamCallback
        | EventName::TokenIntrospected
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
        | EventName::DetectionDormantReturn => return None,
    };
    matches!(event.actor, Actor::AdminKey(_) | Actor::Operator(_)).then_some(object)
}

/// The same of a configuration that was read again: what matters most of what is written differently.
fn reloaded(changes: &[Change]) -> Option<&'static str> {
    let any = |section: &str| changes.iter().any(|change| change.pointer.strip_prefix('/').is_some_and(|name| name.starts_with(section)));
    // Of very many places the last are not named; there may be a provider among them.
    let are_all_named = changes.iter().all(|change| !change.pointer.is_empty());
    match changes {
        [] => None,
        _ if any("providers.") || any("providers_dir") || !are_all_named => Some("provider"),
        _ if any("keys.") => Some("signing_key"),
        _ if any("admin.bootstrap_key") => Some("api_key"),
        _ => Some("configuration"),
    }
}

/// All of [`changed`].
pub(super) const CHANGED: [&str; 8] =
    ["provider", "signing_key", "api_key", "client", "account", "access", "registration_token", "configuration"];
