//! A provider wired to a server, and shorthands for what happens between them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;
use vestibule_domain::{
    account::Profile,
    attempt::Kept,
    audit::AuditEvent,
    health::BreakerState,
    ids::{AttemptId, ProviderId},
    ports::{Clock, IdentityProvider, Observer, ProviderFactory},
    provider::{Arrival, Callback, Definition, Departure, Known, Phase, ProviderError, ReceivedTokens, Renewed},
    registration::FieldFault,
    time::Timestamp,
    upstream::RefreshOutcome,
};
use vestibule_providers::{
    egress::{Egress, EgressOptions},
    factory::ProviderMaker,
};
use vestibule_testkit::clock::{SeededEntropy, StoppedClock};

use crate::upstream::{Upstream, pairs, value};

pub(crate) const REDIRECT_URI: &str = "https://id.example/callback/acme";
pub(crate) const SECRET: &str = "s3cret: 100%+ä";

pub(crate) struct Bench {
    pub(crate) upstream: Upstream,
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) clock: Arc<StoppedClock>,
    pub(crate) steps: Arc<Steps>,
}

/// What the observer was told.
#[derive(Default)]
pub(crate) struct Steps(Mutex<Vec<(Phase, &'static str)>>);

impl Observer for Steps {
    fn observed(&self, _: &AuditEvent) {}
    fn upstream_called(&self, _: &ProviderId, phase: Phase, result: &'static str, _: Duration) {
        self.0.lock().unwrap().push((phase, result));
    }
    fn provider_health(&self, _: &ProviderId, _: BreakerState) {}
    fn provider_secret_expires(&self, _: &ProviderId, _: Option<Timestamp>) {}
    fn upstream_refreshed(&self, _: &ProviderId, _: RefreshOutcome) {}
}

impl Steps {
    pub(crate) fn taken(&self) -> Vec<(Phase, &'static str)> {
        self.0.lock().unwrap().clone()
    }
}

/// Settings as a JSON object.
pub(crate) fn settings(value: Value) -> Map<String, Value> {
    let Value::Object(settings) = value else { panic!("settings are an object") };
    settings
}

/// Makes a provider of a preset. `{base}` in the settings stands for the address of the server.
pub(crate) fn make(
    preset: &str,
    upstream: &Upstream,
    own: &Value,
    secret: Option<&str>,
    steps: &Arc<Steps>,
) -> Result<Arc<dyn IdentityProvider>, Vec<FieldFault>> {
    let text = own.to_string().replace("{base}", &upstream.base());
    let mut settings = settings(serde_json::from_str(&text).unwrap());
    settings.insert("preset".into(), preset.into());
    settings.entry("client_id").or_insert("vestibule".into());
    let secrets = secret.map(|secret| ("client_secret".to_owned(), SecretString::from(secret.to_owned())));
    let allow = vec![upstream.address().parse().unwrap()];
    let egress = Egress::new(EgressOptions { allow, timeout: Duration::from_millis(700), ..EgressOptions::default() }).unwrap();
    let (clock, entropy) = (Arc::new(StoppedClock::default()), Arc::new(SeededEntropy::default()));
    let maker = ProviderMaker::new(egress, clock as Arc<dyn Clock>, entropy, Arc::clone(steps) as Arc<dyn Observer>);
    let id = ProviderId::parse("acme").unwrap();
    maker.make(&Definition { id, settings, secrets: BTreeMap::from_iter(secrets) })
}

impl Bench {
    /// A provider of a preset, with these settings over it.
    pub(crate) async fn new(preset: &'static str, own: Value) -> Self {
        let upstream = Upstream::start(preset).await;
        let steps = Arc::new(Steps::default());
        let provider = make(preset, &upstream, &own, Some(SECRET), &steps).unwrap();
        Self { upstream, provider, clock: Arc::new(StoppedClock::default()), steps }
    }

    /// Where somebody is sent, as its parameters.
    pub(crate) async fn departs(&self, departure: &Departure) -> Vec<(String, String)> {
        let sent = self.provider.begin(departure).await.unwrap();
        pairs(Url::parse(&sent.location).unwrap().query().unwrap())
    }

    /// What was kept when somebody was sent away.
    pub(crate) async fn kept(&self) -> Kept {
        self.provider.begin(&departure()).await.unwrap().kept
    }

    /// From the button to the verified identity.
    pub(crate) async fn sign_in(&self) -> Result<Arrival, ProviderError> {
        let sent = self.provider.begin(&departure()).await?;
        let parameters = pairs(Url::parse(&sent.location).unwrap().query().unwrap());
        assert_eq!(value(&parameters, "state"), Some(departure().attempt.to_string().as_str()));
        self.complete(callback(), sent.kept).await
    }

    pub(crate) async fn complete(&self, callback: Callback, kept: Kept) -> Result<Arrival, ProviderError> {
        self.provider.complete(callback, kept, self.clock.now()).await
    }

    /// What a sign-in makes of somebody.
    pub(crate) async fn profile(&self) -> Profile {
        self.profile_of(&self.sign_in().await.unwrap())
    }

    pub(crate) fn profile_of(&self, arrival: &Arrival) -> Profile {
        self.provider.terms().profile_of(&arrival.claims).profile
    }

    /// Which rule stops a sign-in when the server says this.
    pub(crate) async fn stopped_by(&self, names: &[&str]) -> (Phase, &'static str) {
        self.upstream.says(names);
        rule(self.sign_in().await)
    }

    pub(crate) async fn refresh(&self, arrival: &Arrival) -> Result<Renewed, ProviderError> {
        let known = Known { issuer: &arrival.issuer, subject: &arrival.subject, claims: &arrival.claims };
        self.provider.refresh().unwrap().refresh(&arrival.tokens, known, self.clock.now()).await
    }

    pub(crate) async fn revoke(&self, tokens: &ReceivedTokens) -> Result<(), ProviderError> {
        self.provider.revocation().unwrap().revoke(tokens).await
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

pub(crate) fn callback() -> Callback {
    Callback { code: Some("code-1".into()), redirect_uri: REDIRECT_URI.into(), ..Callback::default() }
}

/// The rule that an answer broke, or what kind of trouble it was.
pub(crate) fn rule<T: std::fmt::Debug>(answer: Result<T, ProviderError>) -> (Phase, &'static str) {
    match answer.unwrap_err() {
        ProviderError::Invalid { phase, rule, .. } => (phase, rule),
        ProviderError::Unreachable { phase, .. } => (phase, "unreachable"),
        ProviderError::Misconfigured { phase, .. } => (phase, "misconfigured"),
        ProviderError::Denied { phase, .. } => (phase, "denied"),
        ProviderError::Refused { rule } => (Phase::Callback, rule),
        other => (Phase::Callback, if other == ProviderError::Declined { "declined" } else { "paused" }),
    }
}

pub(crate) fn text(token: Option<&SecretString>) -> Option<&str> {
    token.map(ExposeSecret::expose_secret)
}
