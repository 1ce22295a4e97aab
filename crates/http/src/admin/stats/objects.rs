//! The words of the API about statistics. What stands in the comments here is what the OpenAPI document says.

use std::time::Duration;

use poem_openapi::{Object, types::Example};
use vestibule_domain::{
    audit::Reason,
    stats::{AppLine, FailedLogin, Outcomes, People, Point, ProviderLine, Range, Report},
    time::Timestamp,
};

use crate::admin::text::{Moment, Text};

/// What was counted in a stretch of time.
#[derive(Object)]
#[oai(rename = "Statistics", example, skip_serializing_if_is_none)]
pub(super) struct StatsObject {
    /// How far back.
    range: Text<Range>,
    /// Where it begins.
    since: Text<Moment>,
    /// Until when it was counted: now.
    until: Text<Moment>,
    /// How many seconds a point stands for.
    point_seconds: u64,
    /// Whether some of it was made up, as `vestibule dev` does to have something to show.
    made_up: bool,
    /// Logins that ended.
    logins: OutcomesObject,
    /// How many of a hundred logins succeeded, refusals by rules and persons left out, cut to a tenth; absent if none ended.
    success_percent: Option<f64>,
    /// Logins that a session answered without a sign-in.
    silent_logins: Option<u64>,
    /// How far logins came.
    funnel: FunnelObject,
    /// Why they did not end well, the ten most frequent.
    reasons: Vec<ReasonObject>,
    /// Provider by provider. Empty when one app is asked for.
    providers: Vec<ProviderStats>,
    /// The ten apps with most logins. Empty when one provider is asked for.
    clients: Vec<ClientStats>,
    /// Answers of the token endpoint.
    token_endpoint: TokenStats,
    /// Refresh tokens that became new ones.
    refreshes_ok: Option<u64>,
    /// Refresh tokens that did not.
    refreshes_failed: Option<u64>,
    /// How often somebody was told to slow down.
    rate_limited: Option<u64>,
    /// Browsers signed in, when it was looked last.
    sessions_active: Option<u64>,
    /// People who were here; absent when one provider or one app is asked for.
    people: Option<PeopleObject>,
    /// The last logins that failed, newest first, at most twenty.
    failures: Vec<FailureObject>,
    /// One after another without a gap, oldest first; the last one has only begun.
    points: Vec<PointObject>,
}

/// How logins ended.
#[derive(Object)]
#[oai(rename = "LoginOutcomes", example, skip_serializing_if_is_none)]
struct OutcomesObject {
    /// Somebody signed in.
    succeeded: u64,
    /// A rule or the person said no.
    denied: u64,
    /// Something went wrong.
    failed: u64,
}

/// How far logins came. The steps are counted each for itself, when they happen.
#[derive(Object)]
#[oai(rename = "LoginFunnel", example, skip_serializing_if_is_none)]
struct FunnelObject {
    /// An app sent somebody, and no session answered at once.
    asked: Option<u64>,
    /// They were sent to a provider.
    sent: Option<u64>,
    /// They came back from it.
    returned: Option<u64>,
    /// They signed in.
    signed_in: u64,
    /// The app fetched its tokens; after a silent login too.
    redeemed: Option<u64>,
}

/// A reason, and how often it was one.
#[derive(Object)]
#[oai(rename = "ReasonCount", example, skip_serializing_if_is_none)]
struct ReasonObject {
    /// The reason, as in audit events.
    reason: String,
    /// How often.
    count: u64,
}

/// What was counted of one provider.
#[derive(Object)]
#[oai(rename = "ProviderStatistics", example, skip_serializing_if_is_none)]
struct ProviderStats {
    /// Its id; `other` for those beyond the first hundred, `none` for what ended before one was chosen.
    provider: String,
    /// Logins that ended.
    logins: OutcomesObject,
    /// How many of a hundred succeeded, refusals left out; absent if none ended.
    success_percent: Option<f64>,
    /// Logins with which somebody was sent there.
    sent: u64,
    /// Those who came back.
    returned: u64,
    /// How many answers it gave while somebody waited.
    answers: u64,
    /// How many of them were none, or no good ones.
    bad_answers: u64,
    /// What half of its answers did not exceed, in milliseconds.
    p50_ms: Option<f64>,
    /// What 95 of 100 did not exceed, in milliseconds.
    p95_ms: Option<f64>,
}

/// What was counted of one app.
#[derive(Object)]
#[oai(rename = "ClientStatistics", example, skip_serializing_if_is_none)]
struct ClientStats {
    /// Its id; `other` for those that are not counted by name, `none` for pages of ours, such as the console.
    client_id: String,
    /// Logins that ended.
    logins: OutcomesObject,
    /// Logins that a session answered.
    silent_logins: u64,
    /// Codes that became tokens.
    redeemed: u64,
    /// Refresh tokens that became new ones.
    refreshes_ok: u64,
    /// Refresh tokens that did not.
    refreshes_failed: u64,
}

/// How fast the token endpoint answered.
#[derive(Object)]
#[oai(rename = "TokenEndpointStatistics", example, skip_serializing_if_is_none)]
struct TokenStats {
    /// How many answers.
    answers: Option<u64>,
    /// What half of them did not exceed, in milliseconds.
    p50_ms: Option<f64>,
    /// What 99 of 100 did not exceed, in milliseconds.
    p99_ms: Option<f64>,
}

/// Different people who signed in, came in by a session, or had a token refreshed. Days are those of UTC.
#[derive(Object)]
#[oai(rename = "PeopleCounts", example, skip_serializing_if_is_none)]
struct PeopleObject {
    /// Today.
    day: u64,
    /// Today and the six days before.
    week: u64,
    /// Today and the 29 days before.
    month: u64,
    /// Each day on which somebody was here, oldest first.
    days: Vec<DayObject>,
}

/// How many people were here on a day.
#[derive(Object)]
#[oai(rename = "PeopleOfDay", example, skip_serializing_if_is_none)]
struct DayObject {
    /// The day, in UTC.
    day: String,
    /// How many.
    people: u64,
}

/// A login that failed.
#[derive(Object)]
#[oai(rename = "FailedLogin", example, skip_serializing_if_is_none)]
struct FailureObject {
    /// When.
    time: Text<Moment>,
    /// At which provider, or `none`.
    provider: String,
    /// For which app.
    client_id: String,
    /// Why.
    reason: Option<String>,
    /// The reference that the person was shown, which leads to what is known of it.
    reference: Option<String>,
    /// The login's id, as in audit events.
    login_id: Option<String>,
}

/// What happened in one point of time.
#[derive(Object)]
#[oai(rename = "StatisticsPoint", example, skip_serializing_if_is_none)]
struct PointObject {
    /// When it began.
    start: Text<Moment>,
    /// Logins that ended.
    logins: OutcomesObject,
    /// Logins that a session answered.
    silent_logins: Option<u64>,
    /// Refresh tokens that became new ones.
    refreshes_ok: Option<u64>,
    /// Refresh tokens that did not.
    refreshes_failed: Option<u64>,
    /// How often somebody was told to slow down.
    rate_limited: Option<u64>,
    /// Browsers signed in; absent where nobody looked.
    sessions_active: Option<u64>,
    /// What 99 of 100 answers of the token endpoint did not exceed, in milliseconds.
    token_p99_ms: Option<f64>,
    /// What 95 of 100 answers of providers did not exceed, in milliseconds.
    upstream_p95_ms: Option<f64>,
}

/// A span in milliseconds, to a tenth.
fn millis(span: Duration) -> f64 {
    let tenths = u32::try_from(span.as_micros().div_ceil(100)).unwrap_or(u32::MAX);
    f64::from(tenths) / 10.0
}

impl StatsObject {
    pub(super) fn new(report: Report, people: Option<People>) -> Self {
        let ms = |span: Option<Duration>| span.map(millis);
        Self {
            range: report.range.into(),
            since: report.since.into(),
            until: report.until.into(),
            point_seconds: report.range.point().as_secs(),
            made_up: report.made_up || people.as_ref().is_some_and(|people| people.made_up),
            logins: report.logins.into(),
            success_percent: Report::success(report.logins),
            silent_logins: report.silent,
            funnel: FunnelObject {
                asked: report.funnel.asked,
                sent: report.funnel.sent,
                returned: report.funnel.returned,
                signed_in: report.funnel.signed_in,
                redeemed: report.funnel.redeemed,
            },
            reasons: report.reasons.into_iter().map(|(reason, count)| ReasonObject { reason: reason.to_string(), count }).collect(),
            providers: report.providers.into_iter().map(Into::into).collect(),
            clients: report.apps.into_iter().map(Into::into).collect(),
            token_endpoint: TokenStats { answers: report.token_answers, p50_ms: ms(report.token_p50), p99_ms: ms(report.token_p99) },
            refreshes_ok: report.refreshed,
            refreshes_failed: report.not_refreshed,
            rate_limited: report.rate_limited,
            sessions_active: report.sessions,
            people: people.map(Into::into),
            failures: report.failures.into_iter().map(Into::into).collect(),
            points: report.points.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Outcomes> for OutcomesObject {
    fn from(Outcomes { succeeded, denied, failed }: Outcomes) -> Self {
        Self { succeeded, denied, failed }
    }
}

impl From<ProviderLine> for ProviderStats {
    fn from(line: ProviderLine) -> Self {
        let ProviderLine { name, counted, p50, p95 } = line;
        Self {
            provider: name,
            logins: counted.logins.into(),
            success_percent: Report::success(counted.logins),
            sent: counted.sent,
            returned: counted.returned,
            answers: counted.answers.count(),
            bad_answers: counted.bad_answers,
            p50_ms: p50.map(millis),
            p95_ms: p95.map(millis),
        }
    }
}

impl From<AppLine> for ClientStats {
    fn from(AppLine { name, counted }: AppLine) -> Self {
        Self {
            client_id: name,
            logins: counted.logins.into(),
            silent_logins: counted.silent,
            redeemed: counted.redeemed,
            refreshes_ok: counted.refreshed,
            refreshes_failed: counted.not_refreshed,
        }
    }
}

impl From<People> for PeopleObject {
    fn from(People { day, week, month, days, .. }: People) -> Self {
        let of_day = |(at, people): (Timestamp, u64)| DayObject { day: at.to_string().chars().take(10).collect(), people };
        Self { day, week, month, days: days.into_iter().map(of_day).collect() }
    }
}

impl From<FailedLogin> for FailureObject {
    fn from(failed: FailedLogin) -> Self {
        Self {
            time: failed.at.into(),
            provider: failed.provider,
            client_id: failed.client,
            reason: failed.reason.map(|reason| reason.to_string()),
            reference: failed.reference,
            login_id: failed.login.map(|login| login.to_string()),
        }
    }
}

impl From<Point> for PointObject {
    fn from(point: Point) -> Self {
        Self {
            start: point.start.into(),
            logins: point.logins.into(),
            silent_logins: point.silent,
            refreshes_ok: point.refreshed,
            refreshes_failed: point.not_refreshed,
            rate_limited: point.rate_limited,
            sessions_active: point.sessions,
            token_p99_ms: point.token_p99.map(millis),
            upstream_p95_ms: point.upstream_p95.map(millis),
        }
    }
}

const NOW: Timestamp = Timestamp::from_secs(1_795_514_400);

impl Example for StatsObject {
    fn example() -> Self {
        Self {
            range: Range::Day.into(),
            since: (Range::Day.since(NOW)).into(),
            until: NOW.into(),
            point_seconds: 300,
            made_up: false,
            logins: OutcomesObject::example(),
            success_percent: Some(99.4),
            silent_logins: Some(3_120),
            funnel: FunnelObject::example(),
            reasons: vec![ReasonObject::example()],
            providers: vec![ProviderStats::example()],
            clients: vec![ClientStats::example()],
            token_endpoint: TokenStats::example(),
            refreshes_ok: Some(8_031),
            refreshes_failed: Some(12),
            rate_limited: Some(0),
            sessions_active: Some(211),
            people: Some(PeopleObject::example()),
            failures: vec![FailureObject::example()],
            points: vec![PointObject::example()],
        }
    }
}

impl Example for OutcomesObject {
    fn example() -> Self {
        Self { succeeded: 905, denied: 14, failed: 5 }
    }
}

impl Example for FunnelObject {
    fn example() -> Self {
        Self { asked: Some(1_010), sent: Some(980), returned: Some(931), signed_in: 905, redeemed: Some(4_011) }
    }
}

impl Example for ReasonObject {
    fn example() -> Self {
        Self { reason: Reason::PersonDeclined.to_string(), count: 9 }
    }
}

impl Example for ProviderStats {
    fn example() -> Self {
        Self {
            provider: "google".into(),
            logins: OutcomesObject::example(),
            success_percent: Some(99.4),
            sent: 980,
            returned: 931,
            answers: 931,
            bad_answers: 3,
            p50_ms: Some(84.2),
            p95_ms: Some(310.0),
        }
    }
}

impl Example for ClientStats {
    fn example() -> Self {
        Self {
            client_id: "grafana".into(),
            logins: OutcomesObject::example(),
            silent_logins: 3_120,
            redeemed: 4_011,
            refreshes_ok: 8_031,
            refreshes_failed: 12,
        }
    }
}

impl Example for TokenStats {
    fn example() -> Self {
        Self { answers: Some(12_054), p50_ms: Some(2.1), p99_ms: Some(9.4) }
    }
}

impl Example for PeopleObject {
    fn example() -> Self {
        Self { day: 188, week: 240, month: 262, days: vec![DayObject::example()] }
    }
}

impl Example for DayObject {
    fn example() -> Self {
        Self { day: "2026-11-24".into(), people: 188 }
    }
}

impl Example for FailureObject {
    fn example() -> Self {
        Self {
            time: NOW.into(),
            provider: "google".into(),
            client_id: "grafana".into(),
            reason: Some(Reason::UpstreamUnreachable.to_string()),
            reference: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
            login_id: Some("019ab5c1-7b80-7c3e-9d41-5f6a7b8c9d0e".into()),
        }
    }
}

impl Example for PointObject {
    fn example() -> Self {
        Self {
            start: NOW.into(),
            logins: Outcomes { succeeded: 7, denied: 0, failed: 0 }.into(),
            silent_logins: Some(21),
            refreshes_ok: Some(55),
            refreshes_failed: Some(0),
            rate_limited: Some(0),
            sessions_active: Some(211),
            token_p99_ms: Some(9.4),
            upstream_p95_ms: Some(310.0),
        }
    }
}
