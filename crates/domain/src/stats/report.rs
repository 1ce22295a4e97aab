//! What is told of a stretch of time.

use std::{collections::BTreeMap, time::Duration};

use super::{FailedLogin, OfClient, OfProvider, Outcomes, Range, Tally};
use crate::{
    audit::Reason,
    ids::{ClientId, ProviderId},
    time::Timestamp,
};

/// How many reasons, and how many apps, are named.
const TOP: usize = 10;

/// Of what alone something is told. Both at once can't be: nobody counts which app's people came by which provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// Of everything.
    Everything,
    /// Of one provider.
    Provider(ProviderId),
    /// Of one app.
    Client(ClientId),
}

impl Only {
    /// What is left of a tally.
    fn of(&self, tally: &Tally) -> Tally {
        match self {
            Self::Everything => tally.clone(),
            Self::Provider(id) => Tally {
                providers: tally.providers.get(id.as_str()).map(|of| (id.to_string(), of.clone())).into_iter().collect(),
                failures: tally.failures.iter().filter(|failed| failed.provider == id.as_str()).cloned().collect(),
                ..Tally::default()
            },
            Self::Client(id) => Tally {
                clients: tally.clients.get(id.as_str()).map(|of| (id.to_string(), of.clone())).into_iter().collect(),
                failures: tally.failures.iter().filter(|failed| failed.client == id.as_str()).cloned().collect(),
                ..Tally::default()
            },
        }
    }

    fn logins(&self, tally: &Tally) -> Outcomes {
        match self {
            Self::Everything | Self::Provider(_) => tally.logins(),
            Self::Client(_) => tally.of_clients().logins,
        }
    }
}

/// What happened in one point of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// When it began.
    pub start: Timestamp,
    /// Logins that ended.
    pub logins: Outcomes,
    /// Logins that a session answered; nothing where that is not counted.
    pub silent: Option<u64>,
    /// Refresh tokens that became new ones; nothing where that is not counted.
    pub refreshed: Option<u64>,
    /// Those that did not.
    pub not_refreshed: Option<u64>,
    /// How often somebody was told to slow down; nothing where that is not counted.
    pub rate_limited: Option<u64>,
    /// Browsers signed in; nothing where nobody looked.
    pub sessions: Option<u64>,
    /// What 99 of 100 answers of the token endpoint did not exceed.
    pub token_p99: Option<Duration>,
    /// What 95 of 100 answers of providers did not exceed.
    pub upstream_p95: Option<Duration>,
}

/// How far logins came. What is not counted of a provider or an app alone is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funnel {
    /// An app sent somebody, and no session answered at once.
    pub asked: Option<u64>,
    /// They were sent to a provider.
    pub sent: Option<u64>,
    /// They came back from it.
    pub returned: Option<u64>,
    /// They signed in.
    pub signed_in: u64,
    /// The app fetched its tokens; those after a silent login are among them.
    pub redeemed: Option<u64>,
}

/// What is told of one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLine {
    /// Its name, or `other` or `none`.
    pub name: String,
    /// What was counted.
    pub counted: OfProvider,
    /// What half of its answers did not exceed.
    pub p50: Option<Duration>,
    /// What 95 of 100 did not exceed.
    pub p95: Option<Duration>,
}

/// What is told of one app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppLine {
    /// Its id, or `other`.
    pub name: String,
    /// What was counted.
    pub counted: OfClient,
}

/// People who were here: who signed in, came in by a session or had a token refreshed on that day, in UTC. Counted exactly, over all nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Today.
    pub day: u64,
    /// Today and the six days before.
    pub week: u64,
    /// Today and the 29 days before.
    pub month: u64,
    /// Each of these days on which somebody was here, oldest first.
    pub days: Vec<(Timestamp, u64)>,
    /// Whether some of them were made up.
    pub made_up: bool,
}

/// What is told of a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How far back.
    pub range: Range,
    /// Where it begins.
    pub since: Timestamp,
    /// Now.
    pub until: Timestamp,
    /// One after another, without a gap.
    pub points: Vec<Point>,
    /// Logins that ended.
    pub logins: Outcomes,
    /// Logins that a session answered; nothing where that is not counted.
    pub silent: Option<u64>,
    /// How far logins came.
    pub funnel: Funnel,
    /// Why they did not end well, the most frequent first.
    pub reasons: Vec<(Reason, u64)>,
    /// Provider by provider, in the order of their names; none of one app alone.
    pub providers: Vec<ProviderLine>,
    /// The apps with most logins, those first; none of one provider alone.
    pub apps: Vec<AppLine>,
    /// How many answers the token endpoint gave; nothing where that is not counted.
    pub token_answers: Option<u64>,
    /// What half of them did not exceed.
    pub token_p50: Option<Duration>,
    /// What 99 of 100 did not exceed.
    pub token_p99: Option<Duration>,
    /// Refresh tokens that became new ones; nothing where that is not counted.
    pub refreshed: Option<u64>,
    /// Those that did not.
    pub not_refreshed: Option<u64>,
    /// How often somebody was told to slow down; nothing where that is not counted.
    pub rate_limited: Option<u64>,
    /// Browsers signed in when somebody looked last.
    pub sessions: Option<u64>,
    /// The last logins that failed, newest first.
    pub failures: Vec<FailedLogin>,
    /// Whether some of it was made up.
    pub made_up: bool,
}

impl Report {
    /// Tells of what was counted, point by point; what is not there is nought.
    pub fn new(range: Range, now: Timestamp, only: &Only, counted: &BTreeMap<Timestamp, Tally>, made_up: bool) -> Self {
        let since = range.since(now);
        let nothing = Tally::default();
        let (mut all, mut points, mut sessions) = (Tally::default(), Vec::new(), None);
        let mut start = since;
        while start <= now {
            let tally = only.of(counted.get(&start).unwrap_or(&nothing));
            points.push(only.point(start, &tally));
            sessions = tally.sessions.or(sessions);
            all.add(&tally);
            start = start + range.point();
        }
        let clients = all.of_clients();
        let (of_provider, of_client) = (matches!(only, Only::Provider(_)), matches!(only, Only::Client(_)));
        let everywhere = *only == Only::Everything;
        let sum = |count: fn(&OfProvider) -> u64| (!of_client).then(|| all.providers.values().map(count).sum());
        let logins = only.logins(&all);
        let funnel = Funnel {
            asked: (!of_provider).then_some(clients.asked),
            sent: sum(|provider| provider.sent),
            returned: sum(|provider| provider.returned),
            signed_in: logins.succeeded,
            redeemed: (!of_provider).then_some(clients.redeemed),
        };
        let reasons = if of_client { clients.reasons.clone() } else { all.reasons() };
        let failures = all.failures.iter().rev().cloned().collect();
        Self {
            range,
            since,
            until: now,
            points,
            logins,
            silent: (!of_provider).then_some(clients.silent),
            funnel,
            reasons: most_frequent(reasons),
            providers: all.providers.into_iter().map(|(name, counted)| ProviderLine::new(name, counted)).collect(),
            apps: busiest(all.clients),
            token_answers: everywhere.then(|| all.tokens.count()),
            token_p50: all.tokens.percentile(50),
            token_p99: all.tokens.percentile(99),
            refreshed: (!of_provider).then_some(clients.refreshed),
            not_refreshed: (!of_provider).then_some(clients.not_refreshed),
            rate_limited: everywhere.then_some(all.rate_limited),
            sessions,
            failures,
            made_up,
        }
    }

    /// How many of a hundred logins succeeded that did not end because the person or a rule said no, to a tenth; nothing if there were none.
    pub fn success(logins: Outcomes) -> Option<f64> {
        let counted = logins.succeeded.saturating_add(logins.failed);
        // To a tenth of a percent, cut off: 99.96 is not 100.
        let tenths = u128::from(logins.succeeded) * 1000 / u128::from((counted > 0).then_some(counted)?);
        Some(f64::from(u32::try_from(tenths).unwrap_or(1000)) / 10.0)
    }
}

impl Only {
    fn point(&self, start: Timestamp, tally: &Tally) -> Point {
        let clients = tally.of_clients();
        let (everywhere, of_provider) = (*self == Self::Everything, matches!(self, Self::Provider(_)));
        let mut answers = super::Histogram::default();
        tally.providers.values().for_each(|provider| answers.add(&provider.answers));
        Point {
            start,
            logins: self.logins(tally),
            silent: (!of_provider).then_some(clients.silent),
            refreshed: (!of_provider).then_some(clients.refreshed),
            not_refreshed: (!of_provider).then_some(clients.not_refreshed),
            rate_limited: everywhere.then_some(tally.rate_limited),
            sessions: tally.sessions,
            token_p99: tally.tokens.percentile(99),
            upstream_p95: answers.percentile(95),
        }
    }
}

impl ProviderLine {
    fn new(name: String, counted: OfProvider) -> Self {
        Self { name, p50: counted.answers.percentile(50), p95: counted.answers.percentile(95), counted }
    }
}

fn most_frequent(reasons: BTreeMap<Reason, u64>) -> Vec<(Reason, u64)> {
    let mut all: Vec<_> = reasons.into_iter().collect();
    all.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    all.truncate(TOP);
    all
}

fn busiest(clients: BTreeMap<String, OfClient>) -> Vec<AppLine> {
    let mut all: Vec<_> = clients.into_iter().map(|(name, counted)| AppLine { name, counted }).collect();
    let logins = |line: &AppLine| line.counted.logins.succeeded.saturating_add(line.counted.silent);
    all.sort_by(|one, other| logins(other).cmp(&logins(one)).then_with(|| one.name.cmp(&other.name)));
    all.truncate(TOP);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_514_467);

    fn counted() -> BTreeMap<Timestamp, Tally> {
        let (mut early, mut late) = (Tally::default(), Tally { sessions: Some(4), rate_limited: 2, ..Tally::default() });
        early.provider("acme").logins = Outcomes { succeeded: 5, denied: 1, failed: 1 };
        early.provider("acme").reasons = BTreeMap::from([(Reason::PersonDeclined, 1), (Reason::UpstreamInvalid, 1)]);
        early.provider("acme").sent = 9;
        early.provider("acme").answers.observe(Duration::from_millis(200));
        early.client("wiki").asked = 9;
        early.client("wiki").logins = Outcomes { succeeded: 5, denied: 1, failed: 1 };
        late.provider("other").logins.succeeded = 2;
        late.client("mail").silent = 30;
        late.client("mail").refreshed = 3;
        late.tokens.observe(Duration::from_millis(4));
        let last = Range::Hour.point_of(NOW);
        BTreeMap::from([(last - Duration::from_mins(30), early), (last, late)])
    }

    #[test]
    fn a_report_has_every_point_of_its_range_and_the_sum_of_them() {
        let report = Report::new(Range::Hour, NOW, &Only::Everything, &counted(), false);
        assert_eq!(report.points.len(), 360);
        assert_eq!(report.points.last().map(|point| (point.start, point.sessions)), Some((Range::Hour.point_of(NOW), Some(4))));
        assert_eq!(report.logins, Outcomes { succeeded: 7, denied: 1, failed: 1 });
        assert_eq!(report.funnel, Funnel { asked: Some(9), sent: Some(9), returned: Some(0), signed_in: 7, redeemed: Some(0) });
        assert_eq!(report.apps.iter().map(|app| app.name.as_str()).collect::<Vec<_>>(), ["mail", "wiki"]);
        assert_eq!((report.token_answers, report.refreshed, report.rate_limited, report.sessions), (Some(1), Some(3), Some(2), Some(4)));
        assert_eq!(report.reasons, [(Reason::PersonDeclined, 1), (Reason::UpstreamInvalid, 1)]);
    }

    #[test]
    fn what_is_not_counted_of_one_alone_is_absent_rather_than_nought() {
        let acme = Only::Provider(ProviderId::parse("acme").unwrap());
        let report = Report::new(Range::Hour, NOW, &acme, &counted(), false);
        assert_eq!(report.logins.all(), 7);
        assert_eq!((report.funnel.asked, report.funnel.sent, report.funnel.redeemed), (None, Some(9), None));
        assert_eq!((report.refreshed, report.rate_limited, report.token_answers, report.apps.len()), (None, None, None, 0));
        let mail = Only::Client(ClientId::parse("mail").unwrap());
        let report = Report::new(Range::Hour, NOW, &mail, &counted(), false);
        assert_eq!((report.logins.all(), report.silent, report.funnel.sent, report.providers.len()), (0, Some(30), None, 0));
    }

    #[test]
    fn a_refusal_is_no_failure_and_nearly_all_is_not_all() {
        let of = |succeeded, denied, failed| Report::success(Outcomes { succeeded, denied, failed });
        assert_eq!(of(0, 5, 0), None);
        assert_eq!(of(9, 5, 1), Some(90.0));
        assert_eq!(of(9_999, 0, 1), Some(99.9));
        assert_eq!(of(3, 0, 0), Some(100.0));
    }
}
