//! A provider wired to a server, and shorthands for what happens between them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;
use vestibule_domain::{
    account::Profile,
    attempt::Kept,
    ids::ProviderId,
    ports::{Clock, IdentityProvider, Observer, ProviderFactory},
    provider::{Arrival, Callback, Definition, Departure, Known, Phase, ProviderError, ReceivedTokens, Renewed},
    registration::FieldFault,
};
use vestibule_providers::{
    egress::{Egress, EgressOptions},
    factory::ProviderMaker,
};
use vestibule_testkit::clock::{SeededEntropy, StoppedClock};

use crate::upstream::{Upstream, pairs, value};
pub(crate) use crate::watched::{REDIRECT_URI, Steps, departure, rule};

pub(crate) const SECRET: &str = "s3cret: 100%+ä";

pub(crate) struct Bench {
    pub(crate) upstream: Upstream,
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) clock: Arc<StoppedClock>,
    pub(crate) steps: Arc<Steps>,
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

pub(crate) fn callback() -> Callback {
    Callback { code: Some("code-1".into()), redirect_uri: REDIRECT_URI.into(), ..Callback::default() }
}

pub(crate) fn text(token: Option<&SecretString>) -> Option<&str> {
    token.map(ExposeSecret::expose_secret)
}
