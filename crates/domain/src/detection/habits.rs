//! What is known of a person: from where, and through whom, they sign in. Bounded, sealed where it is kept, and gone with the person.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Detection, DetectionRules, Place, Spot};
use crate::{ids::ProviderId, time::Timestamp};

/// Most of each kind that are remembered of one person.
const MOST: usize = 16;
/// What was seen is noted this often, so that not every sign-in writes.
const NOTED_EVERY: Duration = Duration::from_hours(1);
/// The same of a spot: how far somebody can have come is counted from there.
const SPOT_EVERY: Duration = Duration::from_mins(5);
/// Databases are wrong about addresses by that much, whatever they say of themselves.
const NEARBY: f64 = 500.0;

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Habits {
    /// When they were last seen; the epoch if they never were.
    #[serde(default)]
    seen: Timestamp,
    /// Networks they signed in from.
    #[serde(default)]
    networks: Known<IpAddr>,
    /// Countries they were in.
    #[serde(default)]
    countries: Known<String>,
    /// Providers they came through.
    #[serde(default)]
    providers: Known<ProviderId>,
    /// Where they were last, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<(Spot, Timestamp)>,
}

/// From where, and through whom, somebody comes.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// When.
    pub at: Timestamp,
    /// From which address.
    pub ip: Option<IpAddr>,
    /// Where that is.
    pub place: Option<&'a Place>,
    /// Through whom.
    pub provider: Option<&'a ProviderId>,
}

impl Habits {
    /// They signed in: what of it they never did before, each with what speaks for it. Of who was never seen before nothing is unusual.
    pub fn sign_in(&mut self, rules: &DetectionRules, sight: &Sight<'_>) -> Vec<(Detection, String)> {
        let mut found = Vec::new();
        self.forget(rules, sight.at);
        let away = sight.at.since(self.seen);
        if self.is_known() && away > rules.dormant_after {
            found.push((Detection::DormantReturn, format!("the first sign-in in {} days", away.as_secs() / 86_400)));
        }
        if let Some(network) = sight.ip.map(network) {
            let is_new = self.networks.is_unusual(&network, rules);
            // Where the country is known, a new network is no news.
            if is_new && country_of(sight).is_none() {
                let width = if network.is_ipv4() { 24 } else { 48 };
                found.push((Detection::NewNetwork, format!("a network (/{width}) beside the {} known", self.networks.0.len())));
            }
            self.networks.note(network, sight.at, twice(rules));
        }
        if let Some(provider) = sight.provider {
            if self.providers.is_unusual(provider, rules) {
                found.push((Detection::NewProvider, format!("a provider beside the {} used before", self.providers.0.len())));
            }
            self.providers.note(provider.clone(), sight.at, often(rules));
        }
        found.extend(self.moved(rules, sight));
        found
    }

    /// They came by with a session. A device with one moves about, and its network says nothing; a country does.
    pub fn pass(&mut self, rules: &DetectionRules, sight: &Sight<'_>) -> Vec<(Detection, String)> {
        self.forget(rules, sight.at);
        self.moved(rules, sight)
    }

    fn moved(&mut self, rules: &DetectionRules, sight: &Sight<'_>) -> Vec<(Detection, String)> {
        let mut found = Vec::new();
        if let Some(country) = country_of(sight) {
            if self.countries.is_unusual(country, rules) {
                found.push((Detection::NewCountry, format!("a country beside the {} known", self.countries.0.len())));
            }
            self.countries.note(country.clone(), sight.at, often(rules));
        }
        if let Some(spot) = sight.place.and_then(|place| place.spot) {
            found.extend(self.last.as_ref().and_then(|last| travelled(rules, last, &spot, sight.at)));
            let is_old = self.last.is_none_or(|(last, at)| last != spot || sight.at.since(at) >= SPOT_EVERY);
            // One that is recorded late tells where they were, and not where they are.
            if is_old && self.last.is_none_or(|(_, at)| at <= sight.at) {
                self.last = Some((spot, sight.at));
            }
        }
        if sight.at.since(self.seen) >= NOTED_EVERY {
            self.seen = sight.at;
        }
        found
    }

    /// Whether they were ever seen.
    fn is_known(&self) -> bool {
        self.seen != Timestamp::default()
    }

    /// Who was away for longer than anything is known is somebody new, whether what was known of them was swept or not.
    fn forget(&mut self, rules: &DetectionRules, now: Timestamp) {
        if now.since(self.seen) > rules.known_for() {
            *self = Self::default();
        }
        let before = now - rules.remember_for;
        self.networks.forget(before);
        self.countries.forget(before);
        self.providers.forget(before);
        self.last = self.last.take().filter(|(_, at)| *at >= before);
    }
}

fn country_of<'a>(sight: &Sight<'a>) -> Option<&'a String> {
    sight.place.and_then(|place| place.country.as_ref())
}

/// A network as others are told apart: a /24, or a /48.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 80))),
    }
}

/// What speaks for it that nobody travels so fast.
fn travelled(rules: &DetectionRules, (last, seen): &(Spot, Timestamp), spot: &Spot, at: Timestamp) -> Option<(Detection, String)> {
    let away = last.away(spot);
    // Events of two nodes may come in another order than they happened.
    let spent = at.since(*seen).max(seen.since(at)).max(Duration::from_secs(1));
    let speed = away / spent.as_secs_f64() * 3_600.0;
    (away > NEARBY && speed > f64::from(rules.travel_speed))
        .then(|| (Detection::ImpossibleTravel, format!("{away:.0} km in {} s", spent.as_secs())))
}

/// How often something counts at most. A network counts little: one that is used always is not to make up for ten that were used once.
fn twice(rules: &DetectionRules) -> u32 {
    rules.learn_sign_ins.saturating_mul(2)
}

fn often(rules: &DetectionRules) -> u32 {
    rules.learn_sign_ins.saturating_mul(10)
}

/// Things that are known of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Known<T>(Vec<Acquaintance<T>>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Acquaintance<T> {
    what: T,
    seen: Timestamp,
    times: u32,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> Known<T> {
    /// Whether it is new to somebody whose ways are known: who has used each of theirs a few times on average, and has not as many as are remembered.
    fn is_unusual(&self, what: &T, rules: &DetectionRules) -> bool {
        let times: u64 = self.0.iter().map(|known| u64::from(known.times)).sum();
        let enough = u64::from(rules.learn_sign_ins) * self.0.len() as u64;
        !self.0.is_empty() && self.0.len() < MOST && times >= enough && self.0.iter().all(|known| known.what != *what)
    }

    fn note(&mut self, what: T, at: Timestamp, most_times: u32) {
        if let Some(known) = self.0.iter_mut().find(|known| known.what == what) {
            if known.times < most_times {
                known.times += 1;
            }
            if at.since(known.seen) >= NOTED_EVERY {
                known.seen = at;
            }
            return;
        }
        if self.0.len() >= MOST
            && let Some(oldest) = (0..self.0.len()).min_by_key(|place| self.0[*place].seen)
        {
            self.0.remove(oldest);
        }
        self.0.push(Acquaintance { what, seen: at, times: 1 });
    }

    fn forget(&mut self, before: Timestamp) {
        self.0.retain(|known| known.seen >= before);
    }
}
