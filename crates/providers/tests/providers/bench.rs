//! A provider wired to an issuer, and shorthands for what happens between them.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use vestibule_domain::{
    account::Profile,
    attempt::Kept,
    client::SigningAlg,
    ids::ProviderId,
    ports::{Clock, IdentityProvider, Observer},
    provider::{Arrival, Callback, Phase, ProviderError},
};
use vestibule_providers::{
    egress::{Egress, EgressOptions},
    oidc::{OidcProvider, OidcSettings},
};
use vestibule_testkit::{
    clock::{SeededEntropy, StoppedClock},
    issuer::{Answer, CLIENT_ID, CLIENT_SECRET, Issuer, Manners, Place},
};

pub(crate) use crate::watched::{REDIRECT_URI, Steps, departure, rule};

pub(crate) struct Bench {
    pub(crate) issuer: Issuer,
    pub(crate) provider: OidcProvider,
    pub(crate) clock: Arc<StoppedClock>,
    pub(crate) steps: Arc<Steps>,
}

/// An outgoing client that reaches these addresses, and gives up quickly.
pub(crate) fn egress(allow: &[&str]) -> Egress {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    Egress::new(EgressOptions { allow, timeout: Duration::from_millis(700), ..EgressOptions::default() }).unwrap()
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    pub(crate) async fn signing(alg: SigningAlg) -> Self {
        Self::build(alg, |_, _| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut OidcSettings, &Issuer)) -> Self {
        Self::build(SigningAlg::Es256, change).await
    }

    async fn build(alg: SigningAlg, change: impl FnOnce(&mut OidcSettings, &Issuer)) -> Self {
        let clock = Arc::new(StoppedClock::default());
        let issuer = Issuer::start_signing(Arc::clone(&clock) as Arc<dyn Clock>, alg).await;
        let mut settings = settings(&issuer.url());
        change(&mut settings, &issuer);
        let steps = Arc::new(Steps::default());
        let provider = OidcProvider::new(
            settings,
            egress(&[&issuer.host_and_port()]),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::new(SeededEntropy::default()),
            Arc::clone(&steps) as Arc<dyn Observer>,
        );
        Self { issuer, provider: provider.unwrap(), clock, steps }
    }

    /// From the button to the verified identity.
    pub(crate) async fn sign_in(&self) -> Result<Arrival, ProviderError> {
        let (callback, kept) = self.there_and_back().await?;
        self.complete(callback, kept).await
    }

    /// What the core makes of somebody who signs in.
    pub(crate) async fn profile(&self) -> Profile {
        let arrival = self.sign_in().await.unwrap();
        self.provider.terms().profile_of(&arrival.claims).profile
    }

    /// From the button to the callback.
    pub(crate) async fn there_and_back(&self) -> Result<(Callback, Kept), ProviderError> {
        let sent = self.provider.begin(&departure()).await?;
        let returned = self.issuer.visit(&sent.location).unwrap();
        assert_eq!(returned.state, departure().attempt.to_string());
        Ok((returned.callback, sent.kept))
    }

    pub(crate) async fn complete(&self, callback: Callback, kept: Kept) -> Result<Arrival, ProviderError> {
        self.provider.complete(callback, kept, self.clock.now()).await
    }

    /// Signs in at an issuer of these manners, and tells which rule stopped it.
    pub(crate) async fn refused_with(&self, change: impl FnOnce(&mut Manners)) -> (Phase, &'static str) {
        self.issuer.behaves(|manners| *manners = Manners::default());
        self.issuer.behaves(change);
        rule(self.sign_in().await)
    }

    /// The same, for one place that answers badly.
    pub(crate) async fn refused_when(&self, place: Place, answer: Answer) -> (Phase, &'static str) {
        self.refused_with(|manners| drop(manners.answers.insert(place, answer))).await
    }

    pub(crate) fn times_asked(&self, place: Place) -> usize {
        self.issuer.seen_at(place).len()
    }
}

pub(crate) fn settings(issuer: &str) -> OidcSettings {
    let id = ProviderId::parse("acme").unwrap();
    OidcSettings { client_secret: Some(CLIENT_SECRET.into()), ..OidcSettings::new(id, "Acme", issuer, CLIENT_ID) }
}

/// One change to an object of the issuer's.
pub(crate) fn change(object: &mut serde_json::Map<String, Value>, name: &str, value: impl Into<Value>) {
    object.insert(name.to_owned(), value.into());
}
