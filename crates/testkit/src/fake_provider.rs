//! A provider that says what it is told to: the fake behind the port.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use vestibule_domain::{
    attempt::Kept,
    claims::Claims,
    health::Checked,
    ids::ProviderId,
    ports::{IdentityProvider, RefreshUpstream, RevokeUpstream, SignOutUpstream, UpstreamLogout},
    provider::{
        Arrival, ButtonWording, Callback, Departure, Known, LogoutNotice, Phase, ProviderCard, ProviderError, ProviderTerms,
        ReceivedTokens, Renewed, Sent,
    },
    time::Timestamp,
};

/// Sends everybody to `https://upstream.example/authorize` and takes whoever is next in its queue for the person who comes back; with
/// an empty queue, the one whose name is the code.
#[derive(Debug)]
pub struct FakeProvider {
    card: ProviderCard,
    terms: ProviderTerms,
    renewals: Mutex<VecDeque<Result<Renewed, ProviderError>>>,
    refreshed: Mutex<Vec<ReceivedTokens>>,
    revoked: Mutex<Vec<ReceivedTokens>>,
    checks: Mutex<VecDeque<Result<Checked, ProviderError>>>,
    next: Mutex<VecDeque<Result<Arrival, ProviderError>>>,
    departures: Mutex<Vec<Departure>>,
    completions: AtomicUsize,
    signs_out: AtomicBool,
}

impl FakeProvider {
    /// A provider of this name.
    pub fn named(id: &str) -> Self {
        Self::with(id, ProviderTerms { keeps_tokens: true, ..ProviderTerms::default() })
    }

    /// A provider of this name with rules of its own.
    pub fn with(id: &str, terms: ProviderTerms) -> Self {
        let id = ProviderId::parse(id).expect("a name for a provider");
        let wording = ButtonWording::ContinueWith;
        Self {
            card: ProviderCard { label: id.to_string(), id, wording, icon: None, preset: "fake".into() },
            terms,
            renewals: Mutex::default(),
            refreshed: Mutex::default(),
            revoked: Mutex::default(),
            checks: Mutex::default(),
            next: Mutex::default(),
            departures: Mutex::default(),
            completions: AtomicUsize::new(0),
            signs_out: AtomicBool::new(false),
        }
    }

    /// From now on people who sign out are sent to `https://acme.example/end`.
    pub fn signs_people_out(&self) {
        self.signs_out.store(true, Ordering::Relaxed);
    }

    /// What the next return leads to.
    pub fn answers_next(&self, answer: Result<Arrival, ProviderError>) {
        lock(&self.next).push_back(answer);
    }

    /// What the next refresh leads to; with nothing said, to the tokens `renewed` and on.
    pub fn renews_next(&self, answer: Result<Renewed, ProviderError>) {
        lock(&self.renewals).push_back(answer);
    }

    /// Forgets what refreshes were to lead to.
    pub fn forget_renewals(&self) {
        lock(&self.renewals).clear();
    }

    /// What the next look at it shows; with nothing said, that all is well.
    pub fn checks_next(&self, answer: Result<Checked, ProviderError>) {
        lock(&self.checks).push_back(answer);
    }

    /// The tokens it was asked to refresh so far.
    pub fn refreshed(&self) -> Vec<ReceivedTokens> {
        lock(&self.refreshed).clone()
    }

    /// The tokens it was given back so far.
    pub fn revoked(&self) -> Vec<ReceivedTokens> {
        lock(&self.revoked).clone()
    }

    /// Everybody who was sent here so far.
    pub fn departures(&self) -> Vec<Departure> {
        lock(&self.departures).clone()
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
            claims: Claims::from_iter([
                ("name".to_owned(), format!("{subject} of Upstream").into()),
                ("email".to_owned(), format!("{subject}@example.com").into()),
                ("email_verified".to_owned(), true.into()),
            ]),
            auth_time: Some(now),
            acr: None,
            amr: vec!["pwd".into()],
            session: Some(format!("session-of-{subject}")),
            tokens: ReceivedTokens { access_token: Some("upstream-access-token".to_owned().into()), ..ReceivedTokens::default() },
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl RefreshUpstream for FakeProvider {
    async fn refresh(&self, tokens: &ReceivedTokens, _known: Known<'_>, now: Timestamp) -> Result<Renewed, ProviderError> {
        let count = {
            let mut refreshed = lock(&self.refreshed);
            refreshed.push(tokens.clone());
            refreshed.len()
        };
        tokio::task::yield_now().await;
        let next = lock(&self.renewals).pop_front();
        next.unwrap_or_else(|| {
            let tokens = ReceivedTokens {
                access_token: Some(format!("renewed-{count}").into()),
                expires: Some(now + std::time::Duration::from_hours(1)),
                ..ReceivedTokens::default()
            };
            Ok(Renewed { tokens, claims: None })
        })
    }
}

#[async_trait]
impl SignOutUpstream for FakeProvider {
    async fn leave(&self, back: &str, state: &str) -> Result<Option<String>, ProviderError> {
        Ok(Some(format!("https://acme.example/end?post_logout_redirect_uri={back}&state={state}")))
    }
}

/// Believes what is written `issuer subject session jti`, with `-` for what is not said.
#[async_trait]
impl UpstreamLogout for FakeProvider {
    async fn read(&self, logout_token: &str, now: Timestamp) -> Result<LogoutNotice, ProviderError> {
        let said = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        match logout_token.split(' ').collect::<Vec<_>>().as_slice() {
            [issuer, subject, session, id] => Ok(LogoutNotice {
                issuer: (*issuer).to_owned(),
                subject: said(subject),
                session: said(session),
                id: (*id).to_owned(),
                expires: now + std::time::Duration::from_mins(12),
            }),
            ["down"] => Err(ProviderError::Unreachable { phase: Phase::Keys, status: None, detail: "no answer in time".into() }),
            _ => Err(ProviderError::Invalid { phase: Phase::Logout, rule: "signature", detail: "the signature is wrong".into() }),
        }
    }
}

#[async_trait]
impl RevokeUpstream for FakeProvider {
    async fn revoke(&self, tokens: &ReceivedTokens) -> Result<(), ProviderError> {
        lock(&self.revoked).push(tokens.clone());
        Ok(())
    }
}

#[async_trait]
impl IdentityProvider for FakeProvider {
    fn terms(&self) -> &ProviderTerms {
        &self.terms
    }

    async fn check(&self) -> Result<Checked, ProviderError> {
        lock(&self.checks).pop_front().unwrap_or_else(|| Ok(Checked::default()))
    }

    fn refresh(&self) -> Option<&dyn RefreshUpstream> {
        Some(self)
    }

    fn logout(&self) -> Option<&dyn UpstreamLogout> {
        Some(self)
    }

    fn revocation(&self) -> Option<&dyn RevokeUpstream> {
        Some(self)
    }

    fn sign_out(&self) -> Option<&dyn SignOutUpstream> {
        self.signs_out.load(Ordering::Relaxed).then_some(self as _)
    }

    fn card(&self) -> &ProviderCard {
        &self.card
    }

    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError> {
        lock(&self.departures).push(departure.clone());
        Ok(Sent {
            location: format!("https://upstream.example/authorize?state={}", departure.attempt),
            kept: Kept { issuer: "https://upstream.example".into(), pkce_verifier: "verifier".into(), nonce: "nonce".into() },
        })
    }

    async fn complete(&self, callback: Callback, _kept: Kept, now: Timestamp) -> Result<Arrival, ProviderError> {
        self.completions.fetch_add(1, Ordering::Relaxed);
        // Others go on meanwhile, as they do while a real one is waited for.
        tokio::task::yield_now().await;
        let next = lock(&self.next).pop_front();
        next.unwrap_or_else(|| match (callback.error, callback.code) {
            (Some(_), _) | (None, None) => Err(ProviderError::Declined),
            (None, Some(code)) => Ok(Self::arrival(&code, now)),
        })
    }
}
