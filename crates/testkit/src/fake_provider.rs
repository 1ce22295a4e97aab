//! A provider that says what it is told to: the fake behind the port.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use vestibule_domain::{
    account::Profile,
    attempt::Kept,
    ids::ProviderId,
    ports::IdentityProvider,
    provider::{Arrival, Callback, Departure, ProviderCard, ProviderError, ReceivedTokens, Sent},
    time::Timestamp,
};

/// Sends everybody to `https://upstream.example/authorize` and takes whoever is next in its queue for the person who comes back; with
/// an empty queue, the one whose name is the code.
#[derive(Debug)]
pub struct FakeProvider {
    card: ProviderCard,
    next: Mutex<VecDeque<Result<Arrival, ProviderError>>>,
    departures: Mutex<Vec<Departure>>,
    completions: AtomicUsize,
}

impl FakeProvider {
    /// A provider of this name.
    pub fn named(id: &str) -> Self {
        let id = ProviderId::parse(id).expect("a name for a provider");
        Self {
            card: ProviderCard { label: id.to_string(), id },
            next: Mutex::default(),
            departures: Mutex::default(),
            completions: AtomicUsize::new(0),
        }
    }

    /// What the next return leads to.
    pub fn answers_next(&self, answer: Result<Arrival, ProviderError>) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer);
    }

    /// Everybody who was sent here so far.
    pub fn departures(&self) -> Vec<Departure> {
        self.departures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often somebody who came back was to be identified.
    pub fn completions(&self) -> usize {
        self.completions.load(Ordering::Relaxed)
    }

    /// An identity with a verified address.
    pub fn arrival(subject: &str, now: Timestamp) -> Arrival {
        Arrival {
            issuer: "https://upstream.example".into(),
            subject: subject.into(),
            profile: Profile {
                name: Some(format!("{subject} of Upstream")),
                email: Some(format!("{subject}@example.com")),
                email_verified: true,
                ..Profile::default()
            },
            auth_time: Some(now),
            acr: None,
            amr: vec!["pwd".into()],
            tokens: ReceivedTokens { access_token: Some("upstream-access-token".to_owned().into()), ..ReceivedTokens::default() },
        }
    }
}

#[async_trait]
impl IdentityProvider for FakeProvider {
    fn card(&self) -> &ProviderCard {
        &self.card
    }

    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError> {
        self.departures.lock().unwrap_or_else(PoisonError::into_inner).push(departure.clone());
        Ok(Sent {
            location: format!("https://upstream.example/authorize?state={}", departure.attempt),
            kept: Kept { issuer: "https://upstream.example".into(), pkce_verifier: "verifier".into(), nonce: "nonce".into() },
        })
    }

    async fn complete(&self, callback: Callback, _kept: Kept, now: Timestamp) -> Result<Arrival, ProviderError> {
        self.completions.fetch_add(1, Ordering::Relaxed);
        // Others go on meanwhile, as they do while a real one is waited for.
        tokio::task::yield_now().await;
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or_else(|| match (callback.error, callback.code) {
            (Some(_), _) | (None, None) => Err(ProviderError::Declined),
            (None, Some(code)) => Ok(Self::arrival(&code, now)),
        })
    }
}
