//! What this node counts, until it is written.
//!
//! Everything is counted in the ten seconds it happens in. When they are over they are written as they are, once, and added to their minute and their
//! hour, which are written whole again and again until they are over too. Nothing is forgotten before it is written, but what is older than anybody
//! may look back by tens of seconds.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;
use vestibule_domain::{
    audit::{AuditEvent, EventName, Outcome, Reason},
    client::GrantType,
    health::BreakerState,
    ids::{AccountId, ClientId, LoginId, ProviderId},
    ports::{Answered, Clock, Observer},
    provider::Phase,
    stats::{FailedLogin, OfClient, Outcomes, StatsRow, Step, Tally, day},
    time::Timestamp,
    upstream::RefreshOutcome,
};

use crate::{console::CONSOLE_NAME, own_page::OWN_NAME};

/// No more providers, and no more apps, are counted under their own names.
const MOST_NAMES: usize = 100;
/// How many apps may wait for it to be looked up whether an operator registered them.
const MOST_UNKNOWN: usize = 100;
/// How many people of today need no second write.
const MOST_NOTED: usize = 200_000;
/// What stands for everything without a name of its own.
const OTHER: &str = "other";
/// What stands for a provider where none was chosen, and for an app where somebody came to a page of ours.
const NONE: &str = "none";

/// Counts, as an [`Observer`], and keeps it until somebody writes it.
pub struct Statistics {
    clock: Arc<dyn Clock>,
    books: Mutex<Books>,
}

impl std::fmt::Debug for Statistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statistics").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Books {
    /// Counted in now, or over and not taken yet.
    open: BTreeMap<Timestamp, Tally>,
    /// Over, and to be written.
    over: BTreeMap<Timestamp, Tally>,
    /// Not over, or not written since they were.
    longer: BTreeMap<(Step, Timestamp), Longer>,
    /// Nothing is counted before this any more, whatever the clock says.
    counted_from: Timestamp,
    /// Grows for a step whenever something of it that is here no more has been written.
    generations: BTreeMap<Step, u64>,
    providers: BTreeSet<ProviderId>,
    clients: BTreeSet<ClientId>,
    unknown: BTreeSet<ClientId>,
    /// When our secrets at providers expire, where that is known.
    secrets: BTreeMap<ProviderId, Timestamp>,
    /// Who was here and is to be noted.
    people: HashSet<(Timestamp, AccountId)>,
    /// Who is noted already, of the last day.
    noted: HashSet<(Timestamp, AccountId)>,
    /// Until then, some of those who are counted for their month were made up.
    made_up_until: Timestamp,
}

#[derive(Default)]
struct Longer {
    tally: Tally,
    is_written: bool,
}

/// What is here of a step, and when that was so.
pub(super) struct Live {
    pub(super) generation: u64,
    pub(super) spans: BTreeMap<Timestamp, Tally>,
}

impl Statistics {
    /// Nothing is counted yet. A provider is counted under its own name once [`Observer::provider_health`] was told of it, an app once it is known
    /// that an operator registered it.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, what: impl FnOnce(&mut Tally)) {
        let now = self.clock.now();
        what(self.books().now(now));
    }

    /// So many browsers are signed in, on all nodes.
    pub(super) fn sessions(&self, sessions: u64) {
        self.count(|tally| tally.sessions = tally.sessions.max(Some(sessions)));
    }

    /// From now on an app is counted under its own name, while there is room.
    pub(super) fn introduce(&self, client: &ClientId) {
        let mut books = self.books();
        if books.clients.len() < MOST_NAMES {
            books.clients.insert(client.clone());
        }
    }

    /// Apps of which it is to be looked up whether an operator registered them.
    pub(super) fn take_unknown(&self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.books().unknown)
    }

    /// What is to be written now: what is over, and what it is part of. With `all` what is not over yet, too: nothing is counted in it any more.
    pub(super) fn due(&self, node: Uuid, all: bool) -> Vec<StatsRow> {
        let now = self.clock.now();
        let mut books = self.books();
        books.close(now, all);
        let over = books.over.iter().map(|(start, tally)| (Step::TenSeconds, *start, tally));
        let longer = books.longer.iter().filter(|(_, longer)| !longer.is_written);
        let longer = longer.map(|((step, start), longer)| (*step, *start, &longer.tally));
        over.chain(longer).map(|(step, start, tally)| StatsRow { node, step, start, tally: tally.clone() }).collect()
    }

    /// These were written as they were due.
    pub(super) fn written(&self, rows: &[StatsRow]) {
        let now = self.clock.now();
        let mut books = self.books();
        for row in rows {
            if row.step == Step::TenSeconds {
                books.over.remove(&row.start);
            } else if let Some(longer) = books.longer.get_mut(&(row.step, row.start)) {
                longer.is_written = true;
            }
        }
        let counted_from = books.counted_from;
        let is_done = |step: Step, start: Timestamp| start + step.span() <= now.min(counted_from);
        let done = books.longer.extract_if(.., |(step, start), longer| longer.is_written && is_done(*step, *start));
        let mut gone: BTreeSet<Step> = done.map(|((step, _), _)| step).collect();
        gone.extend(rows.iter().map(|row| row.step).filter(|step| *step == Step::TenSeconds));
        for step in gone {
            *books.generations.entry(step).or_default() += 1;
        }
    }

    /// What is here of a step: what may be written of it, and what was counted since.
    pub(super) fn live(&self, step: Step) -> Live {
        let books = self.books();
        let mut spans: BTreeMap<Timestamp, Tally> = match step {
            Step::TenSeconds => books.over.clone(),
            Step::Minute | Step::Hour => {
                let of_step = books.longer.iter().filter(|((of, _), _)| *of == step);
                of_step.map(|((_, start), longer)| (*start, longer.tally.clone())).collect()
            }
        };
        for (start, tally) in &books.open {
            spans.entry(step.start(*start)).or_default().add(tally);
        }
        Live { generation: books.generations.get(&step).copied().unwrap_or_default(), spans }
    }

    /// When our secrets at providers expire, where that is known.
    pub(super) fn secrets(&self) -> BTreeMap<ProviderId, Timestamp> {
        self.books().secrets.clone()
    }

    /// Until then, some of the people who are counted were made up.
    pub(super) fn people_are_made_up_until(&self, then: Timestamp) {
        self.books().made_up_until = then;
    }

    pub(super) fn made_up_until(&self) -> Timestamp {
        self.books().made_up_until
    }

    /// Who was here and is to be noted.
    pub(super) fn people(&self) -> Vec<(Timestamp, AccountId)> {
        self.books().people.iter().copied().collect()
    }

    /// They are noted.
    pub(super) fn noted(&self, people: &[(Timestamp, AccountId)]) {
        let today = day(self.clock.now());
        let mut books = self.books();
        for one in people {
            books.people.remove(one);
        }
        if books.noted.iter().next().is_some_and(|(day, _)| *day != today) {
            books.noted.clear();
        }
        let room = MOST_NOTED.saturating_sub(books.noted.len());
        books.noted.extend(people.iter().filter(|(day, _)| *day == today).take(room).copied());
    }
}

impl Books {
    /// Where something is counted now. A clock that was set back counts on where it was.
    fn now(&mut self, now: Timestamp) -> &mut Tally {
        self.counted_from = self.counted_from.max(Step::TenSeconds.start(now));
        self.open.entry(self.counted_from).or_default()
    }

    fn close(&mut self, now: Timestamp, all: bool) {
        let current = self.counted_from.max(Step::TenSeconds.start(now));
        let still = if all { BTreeMap::new() } else { self.open.split_off(&current) };
        for (start, tally) in std::mem::replace(&mut self.open, still) {
            for step in [Step::Minute, Step::Hour] {
                let longer = self.longer.entry((step, step.start(start))).or_default();
                longer.tally.add(&tally);
                longer.is_written = false;
            }
            self.over.insert(start, tally);
        }
        self.counted_from = if all { current + Step::TenSeconds.span() } else { current };
        // While the database is away.
        self.over = self.over.split_off(&(now - Step::TenSeconds.kept()));
    }

    fn provider(&self, id: Option<&ProviderId>) -> String {
        match id {
            None => NONE.to_owned(),
            Some(id) if self.providers.contains(id) => id.to_string(),
            Some(_) => OTHER.to_owned(),
        }
    }

    /// One known by the address of its document is a stranger's, and so may be one that registered itself.
    fn client(&mut self, id: Option<&ClientId>) -> String {
        let Some(id) = id.filter(|id| ![CONSOLE_NAME, OWN_NAME].contains(&id.as_str())) else { return NONE.to_owned() };
        if self.clients.contains(id) {
            return id.to_string();
        }
        if self.unknown.len() < MOST_UNKNOWN && !id.as_str().starts_with("https://") {
            self.unknown.insert(id.clone());
        }
        OTHER.to_owned()
    }

    fn was_here(&mut self, now: Timestamp, account: Option<AccountId>) {
        let Some(account) = account else { return };
        let here = (day(now), account);
        if !self.noted.contains(&here) {
            self.people.insert(here);
        }
    }

    fn login_ended(&mut self, now: Timestamp, event: &AuditEvent) {
        let (provider, client) = (self.provider(event.provider.as_ref()), self.client(event.client.as_ref()));
        let tally = self.now(now);
        let of_provider = tally.provider(&provider);
        count(&mut of_provider.logins, event.outcome);
        if let Some(reason) = event.reason {
            *of_provider.reasons.entry(reason).or_default() += 1;
        }
        // Nobody entered an app that an operator only tried.
        if event.trial {
            return;
        }
        let of_client = tally.client(&client);
        count(&mut of_client.logins, event.outcome);
        if let Some(reason) = event.reason {
            *of_client.reasons.entry(reason).or_default() += 1;
        }
        if event.outcome != Outcome::Success {
            let reference = event.trace_id.clone();
            tally.remember(FailedLogin { at: event.time, provider, client, reason: event.reason, reference, login: event.login });
        }
    }

    fn of_client(&mut self, now: Timestamp, event: &AuditEvent, what: impl FnOnce(&mut OfClient)) {
        let client = self.client(event.client.as_ref());
        what(self.now(now).client(&client));
    }
}

fn count(logins: &mut Outcomes, outcome: Outcome) {
    match outcome {
        Outcome::Success => logins.succeeded += 1,
        Outcome::Denied => logins.denied += 1,
        Outcome::Failure => logins.failed += 1,
    }
}

/// Steps with a provider for which somebody waits, and in which it works: what we fetch ahead, and what their browser brings, say nothing of how fast it
/// answers them.
const fn is_waited_for(phase: Phase) -> bool {
    match phase {
        Phase::Token | Phase::Userinfo | Phase::Api | Phase::Refresh => true,
        Phase::Discovery | Phase::Keys | Phase::Callback | Phase::Revocation | Phase::Logout => false,
    }
}

impl Observer for Statistics {
    fn observed(&self, event: &AuditEvent) {
        let now = self.clock.now();
        let mut books = self.books();
        match event.name {
            EventName::LoginStarted => books.of_client(now, event, |client| client.asked += 1),
            EventName::LoginSucceeded => {
                books.login_ended(now, event);
                books.was_here(now, event.account);
            }
            EventName::LoginFailed | EventName::LoginDeniedByPolicy => books.login_ended(now, event),
            EventName::LoginSilent => {
                books.of_client(now, event, |client| client.silent += 1);
                books.was_here(now, event.account);
            }
            EventName::CodeRedeemed => books.of_client(now, event, |client| client.redeemed += 1),
            EventName::TokenRefreshed => {
                // The successor once more, for an app whose answer got lost, is no second refresh.
                if event.reason != Some(Reason::Replayed) {
                    books.of_client(now, event, |client| client.refreshed += 1);
                }
                books.was_here(now, event.account);
            }
            EventName::TokenRefreshFailed => books.of_client(now, event, |client| client.not_refreshed += 1),
            // A spent code that comes back has the same name, and is no refresh.
            EventName::TokenReuseDetected => {
                if event.grant_type == Some(GrantType::RefreshToken) {
                    books.of_client(now, event, |client| client.not_refreshed += 1);
                }
            }
            EventName::AbuseRateLimited => books.now(now).rate_limited += 1,
            EventName::AccountErased => books.people.retain(|(_, account)| event.account != Some(*account)),
            // Statistics answer the questions of the dashboards and no others; everything else is in the metrics and the audit log.
            EventName::RequestPushed
            | EventName::RequestRefused
            | EventName::LoginProviderSelected
            | EventName::UpstreamRedirected
            | EventName::UpstreamCallback
            | EventName::ConsentGranted
            | EventName::ConsentDenied
            | EventName::ConsentRevoked
            | EventName::UserProvisioned
            | EventName::IdentityLinked
            | EventName::IdentityUnlinked
            | EventName::IdentityLinkRefused
            | EventName::AccountDisabled
            | EventName::AccountEnabled
            | EventName::CodeFailed
            | EventName::TokenRevoked
            | EventName::TokenIntrospected
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
            | EventName::ClientCreated
            | EventName::ClientUpdated
            | EventName::ClientDeleted
            | EventName::ClientSecretAdded
            | EventName::ClientSecretRevoked
            | EventName::ClientRegistrationRefused
            | EventName::ClientExpired
            | EventName::ClientDocumentChanged
            | EventName::RegistrationTokenCreated
            | EventName::RegistrationTokenDeleted
            | EventName::ApiKeyCreated
            | EventName::ApiKeyUpdated
            | EventName::ApiKeyDeleted
            | EventName::ProviderCreated
            | EventName::ProviderUpdated
            | EventName::ProviderEnabled
            | EventName::ProviderDisabled
            | EventName::ProviderDeleted
            | EventName::ProviderHealthChanged
            | EventName::ProviderTested
            | EventName::UpstreamTokenReleased
            | EventName::UpstreamTokenRefused
            | EventName::UpstreamTokenRefreshed
            | EventName::UpstreamNeedsReconnect
            | EventName::UpstreamTokenRevoked
            | EventName::KeyRotated
            | EventName::KeyRetired
            | EventName::ConfigReloaded
            | EventName::ConfigReloadFailed
            | EventName::ConfigChecked
            | EventName::AuditChainBegun
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
            | EventName::DetectionDormantReturn => {}
        }
    }

    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, took: Duration) {
        // One that is paused was not asked.
        if !is_waited_for(phase) || result == "paused" {
            return;
        }
        let now = self.clock.now();
        let mut books = self.books();
        let name = books.provider(Some(provider));
        let of_provider = books.now(now).provider(&name);
        of_provider.answers.observe(took);
        of_provider.bad_answers += u64::from(!matches!(result, "ok" | "declined"));
    }

    fn provider_health(&self, provider: &ProviderId, _: BreakerState) {
        let mut books = self.books();
        if books.providers.len() < MOST_NAMES {
            books.providers.insert(provider.clone());
        }
    }

    fn provider_secret_expires(&self, provider: &ProviderId, expires: Option<Timestamp>) {
        let mut books = self.books();
        match expires {
            Some(expires) if books.providers.contains(provider) => {
                books.secrets.insert(provider.clone(), expires);
            }
            _ => {
                books.secrets.remove(provider);
            }
        }
    }

    fn upstream_refreshed(&self, _: &ProviderId, _: RefreshOutcome) {}

    /// An operator's own. Those of a login that began at another node are looked up.
    fn client_served(&self, client: &ClientId) {
        self.introduce(client);
    }

    fn departed(&self, provider: &ProviderId, _: LoginId) {
        let now = self.clock.now();
        let mut books = self.books();
        let name = books.provider(Some(provider));
        books.now(now).provider(&name).sent += 1;
    }

    fn returned(&self, provider: &ProviderId, _: LoginId, _: Duration) {
        let now = self.clock.now();
        let mut books = self.books();
        let name = books.provider(Some(provider));
        books.now(now).provider(&name).returned += 1;
    }

    fn answered(&self, answered: &Answered) {
        if answered.route == "/token" {
            self.count(|tally| tally.tokens.observe(answered.took));
        }
    }
}
