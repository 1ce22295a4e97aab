//! A login's traces and events in words: one telling, for terminals, pages and the admin API alike.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{CameIn, Decisions, Destined, End, ErrandKind, LoginTrace};
use crate::{
    account::LinkedBy,
    audit::{AuditEvent, EventName, Outcome, Reason},
    client::closed_enum,
    door::Chosen,
    ids::LoginId,
};

/// What happened to a login, and what helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Which, if it is known.
    #[serde(rename = "login_id", default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginId>,
    /// What happened, in a sentence or two.
    pub summary: String,
    /// What helps, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helps: Option<String>,
    /// What each of its requests decided, the first of them first. Empty if that is not kept, or not any more.
    pub chapters: Vec<Chapter>,
    /// What the audit log has of it, the first first.
    pub events: Vec<HappenedEvent>,
}

/// What one request decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// The reference that its page showed.
    pub reference: String,
    /// When, as RFC 3339 writes it.
    pub at: String,
    /// What came of it, as the audit log calls it.
    pub event: String,
    /// `success`, `failure` or `denied`.
    pub outcome: String,
    /// Why it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Which provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Whose account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What the app was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    /// Step by step.
    pub steps: Vec<Step>,
}

/// A step on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub step: Stretch,
    /// Its heading.
    pub title: String,
    /// How it went.
    pub mood: Mood,
    /// What is to be said of it.
    pub facts: Vec<Fact>,
}

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Of what.
    pub name: String,
    /// What.
    pub value: String,
}

/// An event of the login, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HappenedEvent {
    /// When, as RFC 3339 writes it.
    pub at: String,
    /// What.
    pub event: String,
    /// How it ended.
    pub outcome: String,
    /// Why it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which rule, which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

closed_enum! {
    /// A part of the way.
    Stretch {
        /// What was asked.
        Asked = "asked",
        /// Which provider was taken.
        Provider = "provider",
        /// What it answered.
        Upstream = "upstream",
        /// What it said.
        Claims = "claims",
        /// What that became.
        Profile = "profile",
        /// Which rules were asked.
        Rules = "rules",
        /// To whom it led.
        Account = "account",
        /// What came of it.
        Verdict = "verdict",
        /// What was given.
        Given = "given",
    }
}

closed_enum! {
    /// How a step went.
    Mood {
        /// Well.
        Good = "good",
        /// Not well: here it ended.
        Bad = "bad",
        /// Nothing was decided there.
        Plain = "plain",
    }
}

impl Explanation {
    /// Tells it. `asked` is the reference that somebody asked about: what its page showed comes first.
    pub fn new(asked: Option<&str>, login: Option<LoginId>, traces: &[LoginTrace], events: &[AuditEvent]) -> Self {
        let meant = traces.iter().find(|trace| asked == Some(trace.reference.as_str())).or_else(|| traces.last());
        let (summary, helps) = match meant.and_then(|trace| Some((trace, trace.decisions.end.as_ref()?))) {
            Some((trace, end)) => match afterwards(end, trace, events) {
                Some((event, reason)) => later(&trace.decisions, end, event, reason),
                None => told(&trace.decisions, end),
            },
            None => of_events(events),
        };
        Self { login, summary, helps, chapters: traces.iter().map(chapter).collect(), events: events.iter().map(happened).collect() }
    }

    /// The same as lines for a terminal. Nothing in it moves a cursor.
    pub fn text(&self) -> String {
        let mut lines = vec![self.summary.clone()];
        lines.extend(self.helps.as_ref().map(|helps| format!("What helps: {helps}")));
        for chapter in &self.chapters {
            lines.push(String::new());
            lines.push(format!("{}  {}  {}", chapter.at, chapter.event, chapter.reference).trim_end().to_owned());
            for step in &chapter.steps {
                let mark = match step.mood {
                    Mood::Good => '+',
                    Mood::Bad => '!',
                    Mood::Plain => ' ',
                };
                lines.push(format!(" {mark} {}", step.title));
                let width = step.facts.iter().map(|fact| fact.name.chars().count()).max().unwrap_or_default();
                lines.extend(step.facts.iter().map(|fact| format!("     {:width$}  {}", fact.name, fact.value)));
            }
        }
        let login = self.login.map(|login| format!(", login {login}")).unwrap_or_default();
        lines.extend([String::new(), format!("In the audit log{login}:")]);
        lines.extend(self.events.iter().map(HappenedEvent::line));
        let one_line = |line: &String| line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>() + "\n";
        lines.iter().map(one_line).collect()
    }
}

impl HappenedEvent {
    fn line(&self) -> String {
        let said = [self.reason.as_deref(), self.detail.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let outcome = if self.outcome == Outcome::Success.as_str() { "" } else { &self.outcome };
        format!("  {}  {:<26} {outcome} {said}", self.at, self.event).trim_end().to_owned()
    }
}

/// What went wrong after a sign-in that went well: mostly the app could not redeem its code.
fn afterwards<'e>(end: &End, trace: &LoginTrace, events: &'e [AuditEvent]) -> Option<(&'e AuditEvent, Reason)> {
    let went_wrong =
        |event: &&AuditEvent| event.time >= trace.at && event.outcome != Outcome::Success && event.name != EventName::SessionEnded;
    let last = events.iter().rev().find(went_wrong).filter(|_| end.outcome == Outcome::Success)?;
    Some((last, last.reason?))
}

fn later(decisions: &Decisions, end: &End, event: &AuditEvent, reason: Reason) -> (String, Option<String>) {
    let meaning = reason.meaning();
    let (well, _) = told(decisions, &End { reason: None, ..end.clone() });
    (
        format!("{well} But then {} ({}, {reason}).{}", meaning.what, event.name, here(event.detail.as_deref())),
        Some(meaning.helps.to_owned()),
    )
}

fn nowhere() -> End {
    End { event: EventName::LoginFailed, outcome: Outcome::Failure, reason: None, detail: None, asks_consent: false, session: None }
}

/// The sentence for what one request decided.
fn told(decisions: &Decisions, end: &End) -> (String, Option<String>) {
    let app = decisions.asked.as_ref().map_or_else(
        || decisions.refused.as_ref().and_then(|refused| refused.client.as_ref()).map_or_else(|| "an app".to_owned(), ToString::to_string),
        |asked| match asked.errand {
            ErrandKind::SignIn | ErrandKind::Device | ErrandKind::Tried => asked.client.to_string(),
            ErrandKind::OwnPage | ErrandKind::Link => "the page of their own".to_owned(),
            ErrandKind::Console => "the console".to_owned(),
            ErrandKind::Trial => "a trial".to_owned(),
        },
    );
    let through = decisions.door.as_ref().map(|door| format!(" through {}", door.provider)).unwrap_or_default();
    if let Some(reason) = end.reason {
        let meaning = reason.meaning();
        let what = match end.event {
            EventName::IdentityLinkRefused => "No way in was added",
            EventName::RequestRefused => "No sign-in was begun",
            _ => "Nobody was signed in",
        };
        let summary = format!("{what} to {app}{through}: {} ({reason}).{}", meaning.what, here(end.detail.as_deref()));
        return (summary, Some(meaning.helps.to_owned()));
    }
    let asks = if end.asks_consent { " They are asked first whether the app may have what it asks for." } else { "" };
    let tried =
        if decisions.asked.as_ref().is_some_and(|asked| asked.errand == ErrandKind::Tried) { " An operator only tried it." } else { "" };
    let what = match end.event {
        EventName::LoginSilent => format!("{app} was answered from a session that began{through}."),
        EventName::ConsentGranted => format!("The person allowed {app} what it asks for, and it got its code."),
        EventName::DeviceApproved => format!("The person let a device in to {app}."),
        EventName::DeviceDenied => format!("The person turned away a device that asked for {app}."),
        EventName::IdentityLinked => format!("One more way in was added{through}."),
        _ => format!("Somebody signed in to {app}{through}."),
    };
    (format!("{what}{asks}{tried}"), None)
}

fn here(detail: Option<&str>) -> String {
    detail.map(|detail| format!(" Here: {detail}.")).unwrap_or_default()
}

/// The sentence where no trace is kept.
fn of_events(events: &[AuditEvent]) -> (String, Option<String>) {
    let Some((event, reason)) = events.iter().rev().find_map(|event| Some((event, event.reason?))) else {
        return ("Nothing went wrong.".to_owned(), None);
    };
    let meaning = reason.meaning();
    let what = format!("It did not go well: {} ({}, {reason}).{}", meaning.what, event.name, here(event.detail.as_deref()));
    (what, Some(meaning.helps.to_owned()))
}

fn happened(event: &AuditEvent) -> HappenedEvent {
    HappenedEvent {
        at: event.time.to_string(),
        event: event.name.to_string(),
        outcome: event.outcome.to_string(),
        reason: event.reason.map(|reason| reason.to_string()),
        detail: event.detail.clone(),
    }
}

fn chapter(trace: &LoginTrace) -> Chapter {
    let decisions = &trace.decisions;
    let end = decisions.end.clone().unwrap_or_else(nowhere);
    let steps = [
        asked(decisions).or_else(|| refused(decisions)),
        door(decisions),
        upstream(decisions, &end),
        claims(decisions),
        profile(decisions),
    ];
    let refused_client = decisions.refused.as_ref().and_then(|refused| refused.client.as_ref());
    let rest = [rules(decisions), account(decisions), Some(verdict(decisions, &end)), given(decisions)];
    Chapter {
        reference: trace.reference.clone(),
        at: trace.at.to_string(),
        event: end.event.to_string(),
        outcome: end.outcome.to_string(),
        reason: end.reason.map(|reason| reason.to_string()),
        client_id: decisions.asked.as_ref().map(|asked| &asked.client).or(refused_client).map(ToString::to_string),
        provider: decisions.door.as_ref().map(|door| door.provider.to_string()),
        account_id: decisions.account.map(|id| id.to_string()),
        session_id: end.session.map(|id| id.to_string()),
        grant_id: decisions.given.as_ref().map(|given| given.grant.to_string()),
        steps: steps.into_iter().chain(rest).flatten().collect(),
    }
}

/// Facts as they are added.
struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push(Fact { name: name.to_owned(), value: value.into() });
    }

    fn some(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn list<T: ToString>(&mut self, name: &str, values: &[T]) {
        let text = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        self.some(name, Some(text).filter(|text| !text.is_empty()));
    }

    fn into_step(self, step: Stretch, title: &str, mood: Mood) -> Option<Step> {
        (!self.0.is_empty()).then(|| Step { step, title: title.to_owned(), mood, facts: self.0 })
    }
}

fn asked(decisions: &Decisions) -> Option<Step> {
    let asked = decisions.asked.as_ref()?;
    let mut facts = Facts(Vec::new());
    facts.add("app", asked.client.to_string());
    facts.add(
        "for",
        match asked.errand {
            ErrandKind::SignIn => "a sign-in to the app",
            ErrandKind::OwnPage => "the page of a person's own ways in",
            ErrandKind::Link => "one more way into an account",
            ErrandKind::Trial => "a provider that an operator tries",
            ErrandKind::Console => "the operators' console",
            ErrandKind::Tried => "an app that an operator tries",
            ErrandKind::Device => "a device that waits to be let in",
        },
    );
    facts.add("scope", asked.scopes.to_string());
    facts.add("returns to", asked.returns_to.clone());
    facts.list("prompt", &asked.prompt);
    facts.some("max_age", asked.max_age.map(|age| format!("{age} s")));
    facts.some("acr", asked.acr.as_ref().map(|acr| if asked.acr_is_essential { format!("{acr}, and no other") } else { acr.clone() }));
    facts.list("claims by name", &asked.claims);
    facts.list("resource", &asked.resources);
    facts.some("idp_hint", asked.idp_hint.clone());
    facts.some("domain_hint", asked.domain_hint.clone());
    facts.some("login_hint", asked.login_hint.then_some("somebody was named; who, is not kept"));
    facts.some("person", asked.expects_somebody.then_some("nobody else than the request names will do"));
    let bound = [("PKCE", asked.pkce), ("DPoP", asked.dpop), ("pushed", asked.pushed)];
    facts.list("protected by", &bound.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect::<Vec<_>>());
    facts.add("began", asked.began.to_string());
    facts.some("left out", decisions.cut.then_some("lists that were too long to be kept"));
    facts.into_step(Stretch::Asked, "What was asked", Mood::Plain)
}

/// What a request named that was believed in nothing, and what is registered.
fn refused(decisions: &Decisions) -> Option<Step> {
    let refused = decisions.refused.as_ref()?;
    let mut facts = Facts(Vec::new());
    facts.some("app", refused.client.as_ref().map(ToString::to_string));
    facts.some("known as", refused.client_name.clone().filter(|name| !name.is_empty()));
    facts.add("client_id sent", refused.named.as_deref().unwrap_or("none"));
    facts.add("redirect_uri sent", refused.address.as_deref().unwrap_or("none"));
    facts.some("first difference", refused.differs.clone());
    for address in &refused.registered {
        facts.add("registered", address.clone());
    }
    facts.some("registered", (refused.more > 0).then(|| format!("and {} more", refused.more)));
    facts.into_step(Stretch::Asked, "What was asked", Mood::Bad)
}

fn door(decisions: &Decisions) -> Option<Step> {
    let door = decisions.door.as_ref()?;
    let mut facts = Facts(Vec::new());
    facts.add("provider", door.provider.to_string());
    facts.some(
        "why",
        door.how.map(|how| match how {
            Chosen::Hint => "the app named it (idp_hint)",
            Chosen::Domain => "the domain of the address belongs to it",
            Chosen::Only => "there was no other to choose from",
            Chosen::Click => "the person picked it",
        }),
    );
    facts.some("away for", door.away_ms.map(span));
    facts.into_step(Stretch::Provider, "Which provider, and why", Mood::Plain)
}

fn upstream(decisions: &Decisions, end: &End) -> Option<Step> {
    use Reason as R;
    let failed = end.reason.is_some_and(|reason| {
        matches!(reason, R::UpstreamUnreachable | R::UpstreamInvalid | R::UpstreamMisconfigured | R::UpstreamDenied | R::BreakerOpen)
    });
    let mut facts = Facts(Vec::new());
    for request in &decisions.requests {
        let status = request.status.map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
        facts.add(request.phase.as_str(), format!("{status} in {}", span(request.took_ms)));
    }
    facts.some("what went wrong", end.detail.clone().filter(|_| failed));
    facts.into_step(Stretch::Upstream, "What the provider answered", if failed { Mood::Bad } else { Mood::Good })
}

fn claims(decisions: &Decisions) -> Option<Step> {
    let came = decisions.came.as_ref()?;
    let mut facts = Facts(Vec::new());
    facts.add("issuer", came.issuer.clone());
    for seen in &came.claims {
        facts.add(&seen.claim, seen.kind.clone());
    }
    facts.some("signed in there", came.auth_time.map(|at| at.to_string()));
    facts.some("acr there", came.acr.clone());
    facts.list("amr there", &came.amr);
    facts.into_step(Stretch::Claims, "Which claims came (their values are not kept)", Mood::Plain)
}

fn profile(decisions: &Decisions) -> Option<Step> {
    let CameIn { became, email, unused, .. } = decisions.came.as_ref()?;
    let mut facts = Facts(Vec::new());
    for made in became {
        let from = made.from.as_ref().map_or_else(|| "by a setting".to_owned(), |from| format!("from {from}"));
        facts.add(&made.claim, format!("{}, {from}", made.kind));
    }
    let believed = if email.verified { "verified" } else { "not verified" };
    facts.add("the address", format!("{believed}: {}", email.why));
    facts.list("not used", unused);
    facts.into_step(Stretch::Profile, "What they became", Mood::Plain)
}

fn rules(decisions: &Decisions) -> Option<Step> {
    let mut facts = Facts(Vec::new());
    for verdict in &decisions.rules {
        facts.add(&verdict.rule, if verdict.met { "met" } else { "not met" });
    }
    let all = decisions.rules.iter().all(|verdict| verdict.met);
    facts.into_step(Stretch::Rules, "Which rules were asked", if all { Mood::Good } else { Mood::Bad })
}

fn account(decisions: &Decisions) -> Option<Step> {
    let led = decisions.led.as_ref()?;
    let mut facts = Facts(Vec::new());
    facts.add(
        "leads to",
        match led.to {
            Destined::Known => "the account that it led to before",
            Destined::New => "a new account",
            Destined::Joined => "an account that there was, by a new link",
        },
    );
    facts.add(
        "because",
        match led.by {
            LinkedBy::FirstSignIn => "the account was made with the first sign-in by this link",
            LinkedBy::Person => "the person, signed in, asked for it",
            LinkedBy::Email => "both sides vouch for the same address, and the provider is the authority for its domain",
        },
    );
    facts.some("account", decisions.account.map(|id| id.to_string()));
    facts.add("link", format!("{}, since {}", led.link, led.since));
    facts.some("same address as link", led.same_email_as.map(|id| id.to_string()));
    facts.into_step(Stretch::Account, "To whom it led", Mood::Good)
}

fn verdict(decisions: &Decisions, end: &End) -> Step {
    let mut facts = Facts(Vec::new());
    facts.add("event", end.event.to_string());
    facts.add("outcome", end.outcome.to_string());
    facts.some("reason", end.reason.map(|reason| format!("{reason}: {}", reason.meaning().what)));
    facts.some("here", end.detail.clone());
    facts.some("session", end.session.map(|id| id.to_string()));
    facts.some("next", end.asks_consent.then_some("the person is asked whether the app may have what it asks for"));
    let asked = decisions.asked.as_ref().map(|asked| asked.errand);
    let elsewhere = match asked.filter(|_| end.outcome == Outcome::Success && decisions.given.is_none() && !end.asks_consent) {
        Some(ErrandKind::OwnPage | ErrandKind::Link) => Some("the page of their own"),
        Some(ErrandKind::Console) => Some("the console"),
        Some(ErrandKind::Device) => Some("the question whether the device may be let in"),
        Some(ErrandKind::Tried) => Some("the console, which says what the app would get"),
        _ => None,
    };
    facts.some("next", elsewhere);
    let mood = if end.outcome == Outcome::Success { Mood::Good } else { Mood::Bad };
    Step { step: Stretch::Verdict, title: "What came of it".to_owned(), mood, facts: facts.0 }
}

fn given(decisions: &Decisions) -> Option<Step> {
    let given = decisions.given.as_ref()?;
    let mut facts = Facts(Vec::new());
    facts.add("a code for", given.tokens.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", "));
    facts.add("scope", given.scopes.to_string());
    facts.list("resource", &given.resources);
    facts.add("grant", given.grant.to_string());
    facts.add("good until", given.code_expires.to_string());
    facts.into_step(Stretch::Given, "What the app was given", Mood::Good)
}

fn span(ms: u64) -> String {
    if ms < 10_000 { format!("{ms} ms") } else { format!("{} s", ms / 1000) }
}
