//! Everything that one look shows.

use std::collections::BTreeMap;

use askama::{Template, filters::HtmlSafe};
use vestibule_domain::{
    audit::Witness,
    health::BreakerState,
    ids::ProviderId,
    operator::{AdminArea, Operator},
    stats::{AppLine, FailedLogin, Only, Outcomes, People, ProviderLine, Range, Report},
    time::Timestamp,
};
use vestibule_flows::AdminFault;

use super::{
    Asked,
    chart::{Chart, Group, Series, count, grouped, moment, shown},
};
use crate::{
    console::{
        BASE,
        parts::{Badge, When},
        segment,
    },
    house::House,
};

/// What one look shows, as a part of a page.
#[derive(Template)]
#[template(path = "console/board.html")]
pub(crate) struct Board {
    base: String,
    /// Which page it stands on, below the console.
    path: &'static str,
    ranges: Vec<RangeLink>,
    /// Where it is sent again and again.
    events: String,
    as_of: String,
    is_made_up: bool,
    only: Option<String>,
    cards: Vec<Card>,
    charts: Vec<Chart>,
    stages: Vec<Stage>,
    reasons: Vec<(String, u64)>,
    providers: Vec<ProviderRow>,
    apps: Vec<AppRow>,
    failures: Vec<FailureRow>,
}

impl HtmlSafe for Board {}

struct RangeLink {
    word: &'static str,
    label: &'static str,
    query: String,
    is_here: bool,
}

/// A number that is looked at first.
struct Card {
    label: &'static str,
    figure: String,
    hint: String,
}

/// A step of a login.
struct Stage {
    label: &'static str,
    count: String,
    /// Of those who came as far as any did, drawn a hundred wide.
    width: String,
    share: String,
}

struct ProviderRow {
    name: String,
    query: String,
    state: Option<Badge>,
    success: String,
    last_hour: String,
    logins: u64,
    sent: u64,
    returned: u64,
    p50: String,
    p95: String,
    secret: Option<When>,
}

struct AppRow {
    name: String,
    query: String,
    logins: u64,
    silent: u64,
    failed: u64,
    refreshed: u64,
}

struct FailureRow {
    at: When,
    provider: String,
    client: String,
    reason: String,
    /// Where it is explained.
    reference: Option<String>,
}

impl Board {
    /// Counts together what is asked for. `path` is the page it stands on.
    pub(in crate::console) async fn of(
        house: &House,
        witness: &Witness,
        operator: &Operator,
        asked: Asked,
        path: &'static str,
    ) -> Result<Self, AdminFault> {
        let gateway = &house.gateway;
        let report = gateway.report(witness, asked.range, &asked.only).await.map_err(AdminFault::Store)?;
        let last_hour = gateway.report(witness, Range::Hour, &asked.only).await.map_err(AdminFault::Store)?;
        let everywhere = asked.only == Only::Everything;
        let people = if everywhere { Some(gateway.people_here(witness).await.map_err(AdminFault::Store)?) } else { None };
        let health: BTreeMap<String, Badge> = if operator.sees(AdminArea::Providers) {
            let shown = gateway.shown_providers(witness).await?;
            shown.into_iter().map(|provider| (provider.id.to_string(), state(provider.disabled, provider.health))).collect()
        } else {
            BTreeMap::new()
        };
        let secrets = if operator.sees(AdminArea::Providers) { gateway.secrets_expire() } else { BTreeMap::new() };
        let explains = operator.sees(AdminArea::Audit);
        let groups = grouped(asked.range, &report.points);
        let of_page = if path.is_empty() { "&of=overview" } else { "" };
        let base = format!("{}{BASE}", house.prefix());
        Ok(Self {
            path,
            ranges: Range::ALL.iter().map(|range| RangeLink::new(*range, &asked)).collect(),
            events: format!("{base}/events?{}{of_page}", asked.query(asked.range)),
            as_of: format!("{} UTC", witness.now.to_string().get(11..19).unwrap_or_default()),
            is_made_up: report.made_up || people.as_ref().is_some_and(|people| people.made_up),
            only: match &asked.only {
                Only::Everything => None,
                Only::Provider(id) => Some(id.to_string()),
                Only::Client(id) => Some(id.to_string()),
            },
            cards: cards(&report, people.as_ref()),
            charts: charts(&report, &groups, people.as_ref()),
            stages: stages(&report),
            reasons: report.reasons.iter().map(|(reason, count)| (words(reason.as_str()), *count)).collect(),
            providers: report.providers.iter().map(|line| provider_row(line, &asked, &last_hour, &health, &secrets, witness.now)).collect(),
            apps: report.apps.iter().map(|line| app_row(line, &asked)).collect(),
            failures: report.failures.iter().map(|failed| failure_row(failed, explains, witness.now)).collect(),
            base,
        })
    }
}

impl RangeLink {
    fn new(range: Range, asked: &Asked) -> Self {
        let label = match range {
            Range::Hour => "1 hour",
            Range::SixHours => "6 hours",
            Range::Day => "24 hours",
            Range::Week => "7 days",
            Range::Month => "30 days",
            Range::ThirteenMonths => "13 months",
        };
        Self { word: range.as_str(), label, query: asked.query(range), is_here: range == asked.range }
    }
}

fn state(disabled: bool, health: BreakerState) -> Badge {
    match health {
        _ if disabled => Badge::plain("Disabled"),
        BreakerState::Closed => Badge::good("Answers"),
        BreakerState::HalfOpen => Badge::warn("Being tried"),
        BreakerState::Open => Badge::bad("Paused"),
    }
}

fn percent(logins: Outcomes) -> String {
    Report::success(logins).map_or_else(|| "–".to_owned(), |share| format!("{share:.1} %"))
}

fn millis(span: Option<std::time::Duration>) -> String {
    span.map_or_else(|| "–".to_owned(), |span| format!("{} ms", shown(Some((span.as_secs_f64() * 10_000.0).round() / 10.0))))
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn cards(report: &Report, people: Option<&People>) -> Vec<Card> {
    let logins = report.logins;
    let mut cards = vec![Card {
        label: "Sign-ins that worked",
        figure: percent(logins),
        hint: format!("{} of {}; {} refused by a rule or the person", logins.succeeded, logins.succeeded + logins.failed, logins.denied),
    }];
    if let Some(silent) = report.silent {
        cards.push(Card { label: "Let in by a session", figure: silent.to_string(), hint: "without a new sign-in".into() });
    }
    if let Some(people) = people {
        let hint = format!("{} in 7 days, {} in 30", people.week, people.month);
        cards.push(Card { label: "People today", figure: people.day.to_string(), hint });
    }
    if let Some(answers) = report.token_answers {
        let hint = format!("half within {}, of {answers} answers", millis(report.token_p50));
        cards.push(Card { label: "Token endpoint, p99", figure: millis(report.token_p99), hint });
    }
    if let (Some(ok), Some(failed)) = (report.refreshed, report.not_refreshed) {
        cards.push(Card { label: "Refreshes that failed", figure: failed.to_string(), hint: format!("beside {ok} that did not") });
    }
    if let Some(limited) = report.rate_limited {
        cards.push(Card { label: "Told to slow down", figure: limited.to_string(), hint: "limits reached".into() });
    }
    cards
}

fn charts(report: &Report, groups: &[Group], people: Option<&People>) -> Vec<Chart> {
    let moments: Vec<_> = groups.iter().map(|group| moment(report.range, group.start)).collect();
    let series =
        |label, colour, value: &dyn Fn(&Group) -> Option<f64>| Series { label, colour, values: groups.iter().map(value).collect() };
    let number = |value: Option<u64>| value.map(count);
    let mut logins = vec![
        series("Signed in", "good", &|group| Some(count(group.logins.succeeded))),
        series("Refused", "warn", &|group| Some(count(group.logins.denied))),
        series("Failed", "bad", &|group| Some(count(group.logins.failed))),
    ];
    if report.silent.is_some() {
        logins.push(series("By a session", "mild", &|group| number(group.silent)));
    }
    let mut charts = vec![Chart::bars("logins", "Sign-ins by how they ended", "", &moments, &logins)];
    if !report.providers.is_empty() {
        let speed = [series("p95 of providers", "strong", &|group| group.upstream_p95)];
        charts.push(Chart::lines("upstream", "How long providers took, p95", " ms", &moments, &speed));
    }
    if report.token_answers.is_some() {
        let speed = [series("p99 of /token", "strong", &|group| group.token_p99)];
        charts.push(Chart::lines("token", "How long our token endpoint took, p99", " ms", &moments, &speed));
        let sessions = [series("Browsers", "strong", &|group| number(group.sessions))];
        charts.push(Chart::lines("sessions", "Browsers signed in", "", &moments, &sessions));
    }
    if report.refreshed.is_some() {
        let refreshes =
            [series("Refreshed", "good", &|group| number(group.refreshed)), series("Failed", "bad", &|group| number(group.not_refreshed))];
        charts.push(Chart::bars("refreshes", "Refresh tokens", "", &moments, &refreshes));
    }
    if let Some(people) = people {
        let days: Vec<_> = people.days.iter().map(|(day, _)| moment(Range::ThirteenMonths, *day)).collect();
        let here =
            Series { label: "People", colour: "strong", values: people.days.iter().map(|(_, people)| number(Some(*people))).collect() };
        charts.push(Chart::bars("people", "People by day, of the last 30", "", &days, &[here]));
    }
    charts
}

fn stages(report: &Report) -> Vec<Stage> {
    let funnel = report.funnel;
    let steps = [
        ("Sent by an app", funnel.asked),
        ("Sent to a provider", funnel.sent),
        ("Back from it", funnel.returned),
        ("Signed in", Some(funnel.signed_in)),
        ("Tokens fetched", funnel.redeemed),
    ];
    let most = steps.iter().filter_map(|(_, count)| *count).max().unwrap_or_default();
    let first = steps.iter().find_map(|(_, count)| *count).unwrap_or_default();
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { count(part) / count(whole) * 100.0 };
    let stage = |(label, counted): (&'static str, Option<u64>)| {
        counted.map(|counted| Stage {
            label,
            count: counted.to_string(),
            width: format!("{:.1}", share(counted, most)),
            share: if first == 0 { "–".into() } else { format!("{:.0} %", share(counted, first)) },
        })
    };
    steps.into_iter().filter_map(stage).collect()
}

fn provider_row(
    line: &ProviderLine,
    asked: &Asked,
    last_hour: &Report,
    health: &BTreeMap<String, Badge>,
    secrets: &BTreeMap<ProviderId, Timestamp>,
    now: Timestamp,
) -> ProviderRow {
    let lately = last_hour.providers.iter().find(|other| other.name == line.name).map(|other| other.counted.logins);
    let id = ProviderId::parse(&line.name).ok();
    ProviderRow {
        query: format!("range={}&provider={}", asked.range, segment(&line.name)),
        state: health.get(&line.name).cloned(),
        success: percent(line.counted.logins),
        last_hour: percent(lately.unwrap_or_default()),
        logins: line.counted.logins.all(),
        sent: line.counted.sent,
        returned: line.counted.returned,
        p50: millis(line.p50),
        p95: millis(line.p95),
        secret: id.and_then(|id| secrets.get(&id)).map(|expires| When::new(*expires, now)),
        name: line.name.clone(),
    }
}

fn app_row(line: &AppLine, asked: &Asked) -> AppRow {
    let counted = &line.counted;
    AppRow {
        query: format!("range={}&client={}", asked.range, segment(&line.name)),
        logins: counted.logins.succeeded,
        silent: counted.silent,
        failed: counted.logins.failed + counted.logins.denied,
        refreshed: counted.refreshed,
        name: line.name.clone(),
    }
}

fn failure_row(failed: &FailedLogin, explains: bool, now: Timestamp) -> FailureRow {
    let reference = failed.reference.clone().or_else(|| failed.login.map(|login| login.to_string())).filter(|_| explains);
    FailureRow {
        at: When::new(failed.at, now),
        provider: failed.provider.clone(),
        client: failed.client.clone(),
        reason: failed.reason.map_or_else(|| "unknown".to_owned(), |reason| words(reason.as_str())),
        reference,
    }
}
