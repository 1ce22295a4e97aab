//! A week of numbers that nobody caused, so that the dashboards of a gateway to be tried are not empty. They stand under a node that does not exist, and
//! every page whose spans have some of them says so. Made-up people go on being counted for their month, and as long every page that counts people says so.

use std::time::Duration;

use vestibule_domain::{
    audit::Reason,
    ids::AccountId,
    stats::{FailedLogin, MADE_UP, Outcomes, StatsRow, Step, Tally, day},
    store::StoreError,
    time::Timestamp,
};
use vestibule_flows::Gateway;

use super::DEMO;

const DAYS: u32 = 7;
const DAY: Duration = Duration::from_hours(24);
/// How many sign in within an hour of a working day, hour by hour in UTC.
const BUSY: [u64; 24] = [2, 1, 1, 1, 2, 6, 18, 42, 74, 66, 52, 40, 44, 58, 54, 46, 34, 22, 16, 12, 10, 8, 5, 3];
/// Of whom somebody is here each day.
const PEOPLE: usize = 48;

/// Makes them up, once: in the folder that was made just now.
pub(super) async fn seed(gateway: &Gateway) -> Result<(), StoreError> {
    let now = gateway.clock().now();
    gateway.put_statistics(&rows(now)).await?;
    let people: Vec<_> = (0..PEOPLE).map(|_| AccountId::new(gateway.entropy())).collect();
    gateway.put_people(&days_here(now, &people)).await
}

/// The same numbers for the same minute, whoever asks.
struct Dice(u64);

impl Dice {
    fn of(at: Timestamp) -> Self {
        Self(at.as_secs().cast_unsigned() | 1)
    }

    /// Below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        // Marsaglia's xorshift: it need only look like chance.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides.max(1)
    }
}

/// Every hour of the week, every minute of the last day, and the last six hours by ten seconds; all of it over.
fn rows(now: Timestamp) -> Vec<StatsRow> {
    let end = Step::Minute.start(now);
    let begin = Step::Hour.start(end - DAY * DAYS);
    let row = |step, start, tally| StatsRow { node: MADE_UP, step, start, tally };
    let (mut rows, mut hour, mut minute) = (Vec::new(), Tally::default(), begin);
    while minute < end {
        let tally = one_minute(minute);
        hour.add(&tally);
        let age = end.since(minute);
        if age <= DAY {
            rows.push(row(Step::Minute, minute, tally.clone()));
        }
        if age < Step::TenSeconds.kept() {
            rows.push(row(Step::TenSeconds, minute, tally));
        }
        let next = minute + Step::Minute.span();
        if next == end || Step::Hour.start(next) == next {
            rows.push(row(Step::Hour, Step::Hour.start(minute), std::mem::take(&mut hour)));
        }
        minute = next;
    }
    rows
}

fn one_minute(at: Timestamp) -> Tally {
    let mut dice = Dice::of(at);
    for _ in 0..8 {
        dice.roll(2);
    }
    let mut tally = Tally { sessions: Some(sessions(at)), ..Tally::default() };
    let an_hour = BUSY[usize::try_from(at.as_secs().rem_euclid(86_400) / 3_600).unwrap_or_default()];
    let logins = (an_hour + dice.roll(60)) / 60;
    for _ in 0..logins {
        one_login(&mut tally, &mut dice, at);
    }
    let apps = [DEMO, "example-wiki"];
    for _ in 0..logins * 3 {
        let client = tally.client(apps[usize::try_from(dice.roll(2)).unwrap_or_default()]);
        match dice.roll(12) {
            0..3 => client.silent += 1,
            11 if dice.roll(8) == 0 => client.not_refreshed += 1,
            _ => client.refreshed += 1,
        }
        tally.tokens.observe(Duration::from_micros(1_500 + dice.roll(9_000)));
    }
    tally
}

fn one_login(tally: &mut Tally, dice: &mut Dice, at: Timestamp) {
    let provider = if dice.roll(3) == 0 { "example-corp" } else { DEMO };
    let client = if dice.roll(4) == 0 { "example-wiki" } else { DEMO };
    let came_back = dice.roll(20) != 0;
    tally.client(client).asked += 1;
    let of_provider = tally.provider(provider);
    of_provider.sent += 1;
    if !came_back {
        return;
    }
    of_provider.returned += 1;
    of_provider.answers.observe(Duration::from_millis(if provider == DEMO { 8 + dice.roll(60) } else { 90 + dice.roll(320) }));
    let reason = match dice.roll(40) {
        0 => Some(Reason::PersonDeclined),
        1 => Some(Reason::EntryRule),
        2 if provider != DEMO => Some(Reason::UpstreamUnreachable),
        _ => None,
    };
    let Some(reason) = reason else {
        of_provider.logins.succeeded += 1;
        let of_client = tally.client(client);
        of_client.logins.succeeded += 1;
        of_client.redeemed += 1;
        tally.tokens.observe(Duration::from_micros(2_000 + dice.roll(12_000)));
        return;
    };
    let failed = u64::from(reason == Reason::UpstreamUnreachable);
    let ended = Outcomes { succeeded: 0, denied: 1 - failed, failed };
    *of_provider.reasons.entry(reason).or_default() += 1;
    of_provider.bad_answers += failed;
    of_provider.logins.add(ended);
    let of_client = tally.client(client);
    *of_client.reasons.entry(reason).or_default() += 1;
    of_client.logins.add(ended);
    let (provider, client) = (provider.to_owned(), client.to_owned());
    tally.remember(FailedLogin { at, provider, client, reason: Some(reason), reference: None, login: None });
}

/// A gentle wave: most in the afternoon.
fn sessions(at: Timestamp) -> u64 {
    let hour = usize::try_from(at.as_secs().rem_euclid(86_400) / 3_600).unwrap_or_default();
    let lately: u64 = (0..8).map(|before| BUSY[(hour + 24 - before) % 24]).sum();
    20 + lately / 4
}

fn days_here(now: Timestamp, people: &[AccountId]) -> Vec<(Timestamp, AccountId)> {
    let days = (0..DAYS).map(|before| day(now - DAY * before));
    let here = |today: Timestamp| {
        let mut dice = Dice::of(today);
        people.iter().filter(move |_| dice.roll(3) > 0).map(move |person| (today, *person)).collect::<Vec<_>>()
    };
    days.flat_map(here).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_made_up_that_adds_up_and_is_over() {
        let now = Timestamp::from_secs(1_795_514_467);
        let rows = rows(now);
        assert!(rows.iter().all(|row| row.node == MADE_UP && row.start < now && row.step.start(row.start) == row.start));
        let of = |step, since: Timestamp| {
            let mut sum = Tally::default();
            rows.iter().filter(|row| row.step == step && row.start >= since).for_each(|row| sum.add(&row.tally));
            sum.logins()
        };
        let since = Step::Hour.start(now - Duration::from_hours(5));
        assert_eq!(of(Step::Hour, since), of(Step::Minute, since));
        assert_eq!(of(Step::Minute, since), of(Step::TenSeconds, since));
        let week = of(Step::Hour, now - DAY * 8);
        assert!(week.succeeded > 1_000 && week.failed > 0 && week.denied > 0, "{week:?}");
        assert_eq!(rows.iter().filter(|row| row.step == Step::Hour).count(), 24 * 7 + 1);
    }

    #[test]
    fn the_same_minute_is_made_up_the_same_and_people_differ_from_day_to_day() {
        let now = Timestamp::from_secs(1_795_514_467);
        assert_eq!(rows(now), rows(now));
        let entropy = crate::wire::entropy();
        let people: Vec<_> = (0..PEOPLE).map(|_| AccountId::new(entropy.as_ref())).collect();
        let here = days_here(now, &people);
        let on = |before| here.iter().filter(|(at, _)| *at == day(now - DAY * before)).count();
        assert!((20..48).contains(&on(0)) && (20..48).contains(&on(6)), "{} {}", on(0), on(6));
    }
}
