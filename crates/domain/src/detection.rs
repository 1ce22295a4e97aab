//! Unusual activity: what in the stream of audit events is worth that somebody looks at it.
//!
//! The rules are pure: an event, what is known of the person ([`Habits`]) and of the last minutes ([`Detector`]) go in, findings come out. So the same
//! rules judge what happens now and what was recorded long ago. A finding is no verdict, and nobody is refused anything for one.

pub mod habits;
mod hours;

use std::{collections::VecDeque, fmt, net::IpAddr, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::{
    habits::{Habits, Sight},
    hours::{HoursFault, OfficeHours},
};
use crate::{
    ages::Ages,
    audit::{Actor, AuditEvent, COMMAND_LINE, EventName, Outcome, Reason, Source, Witness},
    client::{GrantType, closed_enum},
    ids::{AccountId, ClientId, ProviderId},
    limits::household,
    ports::Entropy,
    time::Timestamp,
};

closed_enum! {
    /// What is found.
    Detection {
        /// Many failures in a short time, for one account, from one address or of one client.
        FailureBurst = "failure_burst",
        /// A refresh token or a code that was used up came back.
        RefreshReuse = "refresh_reuse",
        /// Somebody is in a country that they were not known in.
        NewCountry = "new_country",
        /// Somebody signed in from a network that they were not known from, and nothing is known of its country.
        NewNetwork = "new_network",
        /// Somebody is where they can't have come to since they were last seen.
        ImpossibleTravel = "impossible_travel",
        /// Somebody signed in through a provider that they never used.
        NewProvider = "new_provider",
        /// An operator changed something when operators do not work.
        AdminOffHours = "admin_off_hours",
        /// Somebody signed in who had not been seen for long.
        DormantReturn = "dormant_return",
    }
}

impl Detection {
    /// The event that records one.
    pub const fn event(self) -> EventName {
        match self {
            Self::FailureBurst => EventName::DetectionFailureBurst,
            Self::RefreshReuse => EventName::DetectionRefreshReuse,
            Self::NewCountry => EventName::DetectionNewCountry,
            Self::NewNetwork => EventName::DetectionNewNetwork,
            Self::ImpossibleTravel => EventName::DetectionImpossibleTravel,
            Self::NewProvider => EventName::DetectionNewProvider,
            Self::AdminOffHours => EventName::DetectionAdminOffHours,
            Self::DormantReturn => EventName::DetectionDormantReturn,
        }
    }

    /// What an event records, if it records one.
    pub fn recorded_by(name: EventName) -> Option<Self> {
        Self::ALL.iter().copied().find(|detection| detection.event() == name)
    }
}

/// What counts as unusual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectionRules {
    /// Whether anything does. Nothing is learned of people otherwise.
    pub enabled: bool,
    /// What does not.
    pub off: Vec<Detection>,
    /// How long the same is not raised again for the same account, address, client or operator.
    pub cool_down: Duration,
    /// In how long failures are counted together.
    pub failures_within: Duration,
    /// So many failures for one account are a burst; nought is no number.
    pub failures_per_account: u32,
    /// From one address, or one household's network. Many people share an address.
    pub failures_per_address: u32,
    /// Of one client.
    pub failures_per_client: u32,
    /// How many sign-ins each network, country or provider of somebody must have seen on average before another one is unusual. Of who is always
    /// somewhere else, being somewhere else says nothing.
    pub learn_sign_ins: u32,
    /// How long a network, a country or a provider is remembered after it was last seen.
    pub remember_for: Duration,
    /// Who was not seen for so long is dormant.
    pub dormant_after: Duration,
    /// Nobody travels faster, in kilometres an hour.
    pub travel_speed: u32,
    /// When operators work; without it, always.
    pub admin_hours: Option<OfficeHours>,
    /// Keys of the admin API that machines use at any hour.
    pub admin_keys_at_any_hour: Vec<String>,
}

impl Default for DetectionRules {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            enabled: true,
            off: Vec::new(),
            cool_down: DAY,
            failures_within: Duration::from_mins(10),
            failures_per_account: 10,
            failures_per_address: 50,
            failures_per_client: 200,
            learn_sign_ins: 3,
            remember_for: DAY * 180,
            dormant_after: DAY * 90,
            travel_speed: 1_000,
            admin_hours: None,
            admin_keys_at_any_hour: Vec::new(),
        }
    }
}

impl DetectionRules {
    /// How long it is known of somebody that they were here: a year longer than their ways are remembered, and than it takes to be dormant. Whoever
    /// comes back within it is told from who was never here.
    pub fn known_for(&self) -> Duration {
        const YEAR: Duration = Duration::from_hours(24 * 365);
        self.remember_for.max(self.dormant_after) + YEAR
    }
}

/// Where an address is in the world, as far as a database says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// About where.
    pub spot: Option<Spot>,
}

/// A spot on the map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spot {
    /// In degrees, north of the equator.
    pub latitude: f64,
    /// In degrees, east of Greenwich.
    pub longitude: f64,
    /// Within how many kilometres of it.
    pub radius: u16,
}

impl Spot {
    /// How far another spot is at least, in kilometres: along the ground, less what neither is certain of.
    pub fn away(&self, other: &Self) -> f64 {
        const EARTH: f64 = 6_371.0;
        let (here, there) = (self.latitude.to_radians(), other.latitude.to_radians());
        let (north, east) = ((there - here) / 2.0, (other.longitude - self.longitude).to_radians() / 2.0);
        let haversine = north.sin().powi(2) + here.cos() * there.cos() * east.sin().powi(2);
        let along = 2.0 * EARTH * haversine.clamp(0.0, 1.0).sqrt().asin();
        (along - f64::from(self.radius) - f64::from(other.radius)).max(0.0)
    }
}

/// Of whom something is not found again within the cool-down.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A person.
    Account(AccountId),
    /// A person at a provider.
    AtProvider(AccountId, ProviderId),
    /// An address, or a household's network.
    Address(IpAddr),
    /// A client.
    Client(ClientId),
    /// An operator, or a key of the admin API.
    Operator(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "account {account}"),
            Self::AtProvider(account, provider) => write!(f, "account {account} at {provider}"),
            Self::Address(ip) => write!(f, "address {ip}"),
            Self::Client(client) => write!(f, "client {client}"),
            Self::Operator(operator) => write!(f, "operator {operator}"),
        }
    }
}

/// Something unusual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub detection: Detection,
    /// Of whom.
    pub target: Target,
    /// What speaks for it, for an operator. Where somebody was is not in it: it stays in the chain when the person is erased.
    pub evidence: String,
    /// The country it came from, where that is known.
    pub country: Option<String>,
}

impl Finding {
    /// The record of it. Who did what led to it is its actor, so what it says of where a person was is erased with them.
    pub fn event(&self, cause: &AuditEvent, now: Timestamp, entropy: &dyn Entropy) -> AuditEvent {
        let source = Source { country: self.country.clone(), ..cause.source.clone() };
        let witness = Witness { now, source, trace_id: cause.trace_id.clone() };
        let detail = format!("{}; at {} {}", self.evidence, cause.name, cause.id);
        let blank =
            |actor| AuditEvent { detail: Some(detail.clone()), ..witness.event(self.detection.event(), Outcome::Success, actor, entropy) };
        match &self.target {
            // Of many people's failures, only what they have in common.
            Target::Address(ip) => {
                let source = Source { ip: Some(*ip), user_agent: None, country: self.country.clone() };
                AuditEvent { source, ..blank(Actor::Anonymous) }
            }
            Target::Client(client) => AuditEvent { client: Some(client.clone()), source: Source::default(), ..blank(Actor::Anonymous) },
            Target::Account(_) | Target::AtProvider(..) | Target::Operator(_) => AuditEvent {
                account: cause.account,
                client: cause.client.clone(),
                provider: cause.provider.clone(),
                login: cause.login,
                session: cause.session,
                grant: cause.grant,
                ..blank(cause.actor.clone())
            },
        }
    }
}

/// What is remembered of the last minutes: failures, by whom they are of. Bounded, whatever strangers cause.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    failures: Ages<Target, VecDeque<Timestamp>>,
}

impl Detector {
    /// What an event shows that is unusual. `place` is where it came from; `habits` are those of whom it is about, who is known better afterwards. What
    /// was found before is found again: the cool-down is the caller's.
    pub fn look(&mut self, rules: &DetectionRules, event: &AuditEvent, place: Option<&Place>, habits: Option<&mut Habits>) -> Vec<Finding> {
        if !rules.enabled || event.trial {
            return Vec::new();
        }
        let mut found = self.bursts(rules, event);
        found.extend(reuse(event));
        found.extend(off_hours(rules, event));
        if let (Some(habits), Some(account)) = (habits, visitor(event)) {
            let sight = Sight { at: event.time, ip: event.source.ip, place, provider: event.provider.as_ref() };
            let visits = if event.name == EventName::LoginSucceeded { habits.sign_in(rules, &sight) } else { habits.pass(rules, &sight) };
            found.extend(visits.into_iter().map(|(detection, evidence)| {
                let at = event.provider.clone().filter(|_| detection == Detection::NewProvider);
                let target = at.map_or(Target::Account(account), |provider| Target::AtProvider(account, provider));
                Finding { detection, target, evidence, country: None }
            }));
        }
        found.retain(|finding| !rules.off.contains(&finding.detection));
        for finding in &mut found {
            finding.country = place.and_then(|place| place.country.clone());
        }
        found
    }

    /// A failure of the last minutes that was looked at before.
    pub fn recall(&mut self, rules: &DetectionRules, event: &AuditEvent) {
        let _ = self.bursts(rules, event);
    }

    fn bursts(&mut self, rules: &DetectionRules, event: &AuditEvent) -> Vec<Finding> {
        if !is_failure(event) {
            return Vec::new();
        }
        let of = [
            (event.account.map(Target::Account), rules.failures_per_account),
            (event.source.ip.map(household).map(Target::Address), rules.failures_per_address),
            (event.client.clone().map(Target::Client), rules.failures_per_client),
        ];
        of.into_iter().filter_map(|(target, most)| self.count(rules, target?, most, event.time)).collect()
    }

    /// One more failure; a finding if it is the one that makes a burst. Counting begins anew then.
    fn count(&mut self, rules: &DetectionRules, target: Target, most: u32, at: Timestamp) -> Option<Finding> {
        let most = usize::try_from(most).ok().filter(|most| *most > 0)?;
        let mut times = self.failures.remove(&target).unwrap_or_default();
        // What nodes record at the same time comes in any order.
        let place = times.partition_point(|time| *time <= at);
        times.insert(place, at);
        let last = times.back().copied().unwrap_or(at);
        while times.front().is_some_and(|first| last.since(*first) > rules.failures_within) {
            times.pop_front();
        }
        if times.len() < most {
            self.failures.put(target, times);
            return None;
        }
        let spent = times.front().map_or(0, |first| last.since(*first).as_secs());
        let evidence = format!("{} failures within {spent} s", times.len());
        Some(Finding { detection: Detection::FailureBurst, target, evidence, country: None })
    }
}

/// The events that [`Detector::recall`] is to be told of.
pub const FAILURES: [EventName; 11] = [
    EventName::LoginFailed,
    EventName::LoginDeniedByPolicy,
    EventName::CodeFailed,
    EventName::TokenRefreshFailed,
    EventName::TokenExchangeFailed,
    EventName::ClientCredentialsFailed,
    EventName::ClientAuthFailed,
    EventName::AdminAuthFailed,
    EventName::AdminAccessDenied,
    EventName::AdminLoginFailed,
    EventName::AbuseRateLimited,
];

/// Whether somebody was turned away who may have no business here. A provider in trouble, our own faults, and what people leave lying are none of that.
fn is_failure(event: &AuditEvent) -> bool {
    let harmless = matches!(
        event.reason,
        Some(
            Reason::PersonDeclined
                | Reason::UpstreamUnreachable
                | Reason::UpstreamInvalid
                | Reason::UpstreamMisconfigured
                | Reason::UpstreamDenied
                | Reason::BreakerOpen
                | Reason::KeysUnavailable
                | Reason::AttemptExpired
                | Reason::Expired
                | Reason::EventRate
                | Reason::Internal
        )
    );
    FAILURES.contains(&event.name) && event.outcome != Outcome::Success && !harmless
}

fn reuse(event: &AuditEvent) -> Option<Finding> {
    if event.name != EventName::TokenReuseDetected {
        return None;
    }
    let target = event.account.map(Target::Account).or_else(|| event.client.clone().map(Target::Client))?;
    let what = if event.grant_type == Some(GrantType::RefreshToken) { "a refresh token" } else { "a code" };
    Some(Finding { detection: Detection::RefreshReuse, target, evidence: format!("{what} that was used up came back"), country: None })
}

fn off_hours(rules: &DetectionRules, event: &AuditEvent) -> Option<Finding> {
    let hours = rules.admin_hours.as_ref()?;
    let operator = match &event.actor {
        Actor::Operator(account) => account.to_string(),
        Actor::AdminKey(key) => key.clone(),
        // Somebody on the machine wrote the file before the house was told to read it.
        Actor::System if event.name == EventName::ConfigReloaded && !event.change.is_empty() => COMMAND_LINE.to_owned(),
        _ => return None,
    };
    if rules.admin_keys_at_any_hour.contains(&operator) {
        return None;
    }
    let looks_only =
        matches!(event.name, EventName::AdminLogin | EventName::AdminLogout | EventName::ConfigChecked | EventName::ProviderTested);
    if looks_only || event.outcome != Outcome::Success || hours.include(event.time) {
        return None;
    }
    let evidence = format!("{} at {}", event.name, hours.local(event.time));
    Some(Finding { detection: Detection::AdminOffHours, target: Target::Operator(operator), evidence, country: None })
}

/// Whose habits an event tells something of: of who signed in, or came by with a session.
pub fn visitor(event: &AuditEvent) -> Option<AccountId> {
    match event.actor {
        Actor::Account(account) if matches!(event.name, EventName::LoginSucceeded | EventName::LoginSilent) && !event.trial => {
            Some(account)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
