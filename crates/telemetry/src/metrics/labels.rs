//! Labels, each from a closed set.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, PoisonError, RwLock},
};

use http::Method;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use vestibule_domain::{
    audit::{Actor, AuditEvent, Reason},
    ids::ProviderId,
};

/// A provider that exists, `other`, or `none`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Provider(Arc<str>);

impl Provider {
    /// For what ended before a provider was chosen.
    pub(super) fn none() -> Self {
        Self("none".into())
    }
}

impl EncodeLabelValue for Provider {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(&self.0)
    }
}

/// No more providers have series of their own. Whoever may make providers could otherwise fill the memory of whoever collects.
pub(super) const MOST_PROVIDERS: usize = 100;

/// The providers that exist, or did. Only those that were introduced have a label of their own; what a request names is never introduced. Their
/// ids have no character that needs escaping.
#[derive(Debug)]
pub(super) struct Providers {
    known: RwLock<BTreeMap<ProviderId, Provider>>,
    other: Provider,
}

impl Providers {
    pub(super) fn new() -> Self {
        Self { known: RwLock::default(), other: Provider("other".into()) }
    }

    /// Gives a provider a label of its own, while there are any left. Tells which, if it is new.
    pub(super) fn introduce(&self, id: &ProviderId) -> Option<Provider> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_PROVIDERS || known.contains_key(id) {
            return None;
        }
        let provider = Provider(id.as_str().into());
        known.insert(id.clone(), provider.clone());
        Some(provider)
    }

    /// The label of a provider that has one of its own.
    pub(super) fn own_label(&self, id: &ProviderId) -> Option<Provider> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The label of a provider.
    pub(super) fn label(&self, id: &ProviderId) -> Provider {
        self.own_label(id).unwrap_or_else(|| self.other.clone())
    }
}

macro_rules! label_sets {
    ($($name:ident { $($label:ident: $kind:ty),+ })+) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
            pub(super) struct $name { $(pub(super) $label: $kind),+ }
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

label_sets! {
    ProviderLabel { provider: Provider }
    PhaseLabels { provider: Provider, phase: &'static str }
    UpstreamLabels { provider: Provider, phase: &'static str, result: &'static str }
    OperationLabel { operation: &'static str }
    LoginLabels { provider: Provider, outcome: &'static str, reason: &'static str }
    GrantLabel { grant: &'static str }
    TokenErrorLabels { grant: &'static str, error: &'static str }
    ResultLabel { result: &'static str }
    KindLabel { kind: &'static str }
    LimitLabel { limit: &'static str }
}

/// Methods are free text on the wire.
pub(super) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// `ok`, or the kind of a `ProviderError`.
pub(super) fn upstream_result(result: &str) -> &'static str {
    const RESULTS: [&str; 8] = ["ok", "declined", "paused", "unreachable", "invalid", "denied", "refused", "misconfigured"];
    RESULTS.into_iter().find(|known| *known == result).unwrap_or("other")
}

/// Who or what ended a session.
pub(super) fn logout_kind(event: &AuditEvent) -> &'static str {
    match (&event.actor, event.reason) {
        (Actor::AdminKey(_), _) => "admin",
        (_, Some(Reason::Logout)) => "user",
        (_, Some(Reason::UpstreamLogout)) => "upstream",
        (_, Some(Reason::Replaced)) => "replaced",
        (_, Some(Reason::Expired)) => "expiry",
        (_, Some(Reason::AccountDisabled)) => "account_disabled",
        (_, Some(Reason::UpstreamDenied)) => "upstream_denied",
        _ => "other",
    }
}

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
        _ => "other",
    }
}
