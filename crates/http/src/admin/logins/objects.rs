//! The words of the API about one login. What stands in the comments here is what the OpenAPI document says.

use poem_openapi::{Object, types::Example};
use vestibule_domain::login_trace::{Chapter, Explanation, Fact, HappenedEvent, Mood, Step, Stretch};

use crate::admin::text::{Moment, Text};

/// What happened to a login, and why.
#[derive(Object)]
#[oai(rename = "LoginExplanation", example, skip_serializing_if_is_none)]
pub(super) struct ExplanationObject {
    /// The login.
    login_id: Option<String>,
    /// What happened, in a sentence or two.
    summary: String,
    /// What helps, where something is to be done.
    helps: Option<String>,
    /// What each of its requests decided, the first of them first. Empty if that is not kept, or not any more.
    chapters: Vec<ChapterObject>,
    /// What the audit log has of it, the first first, at most 200.
    events: Vec<EventObject>,
}

/// What one request decided about a login.
#[derive(Object)]
#[oai(rename = "LoginChapter", skip_serializing_if_is_none)]
pub(super) struct ChapterObject {
    /// The reference that its page showed.
    reference: String,
    /// When.
    at: Text<Moment>,
    /// What came of it, as the audit log calls it.
    event: String,
    /// `success`, `failure` or `denied`.
    outcome: String,
    /// Why it did not end well.
    reason: Option<String>,
    /// Which app.
    client_id: Option<String>,
    /// Which provider.
    provider: Option<String>,
    /// Whose account.
    account_id: Option<String>,
    /// Which session.
    session_id: Option<String>,
    /// What the app was given.
    grant_id: Option<String>,
    /// Step by step.
    steps: Vec<StepObject>,
}

/// A step on the way.
#[derive(Object)]
#[oai(rename = "LoginStep")]
pub(super) struct StepObject {
    /// Which.
    step: Text<Stretch>,
    /// Its heading.
    title: String,
    /// `good`: it went well. `bad`: here it ended. `plain`: nothing was decided there.
    mood: Text<Mood>,
    /// What is to be said of it.
    facts: Vec<FactObject>,
}

/// One thing that is said of a step.
#[derive(Object)]
#[oai(rename = "LoginFact")]
pub(super) struct FactObject {
    /// Of what.
    name: String,
    /// What. Never the value of a claim.
    value: String,
}

/// An audit event of the login, in short.
#[derive(Object)]
#[oai(rename = "LoginEvent", skip_serializing_if_is_none)]
pub(super) struct EventObject {
    /// When.
    at: Text<Moment>,
    /// What.
    event: String,
    /// How it ended.
    outcome: String,
    /// Why it did not end well.
    reason: Option<String>,
    /// Which rule, which step.
    detail: Option<String>,
}

impl From<Explanation> for ExplanationObject {
    fn from(told: Explanation) -> Self {
        Self {
            login_id: told.login.map(|id| id.to_string()),
            summary: told.summary,
            helps: told.helps,
            chapters: told.chapters.into_iter().map(Into::into).collect(),
            events: told.events.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Chapter> for ChapterObject {
    fn from(chapter: Chapter) -> Self {
        Self {
            reference: chapter.reference,
            at: Text::new(chapter.at),
            event: chapter.event,
            outcome: chapter.outcome,
            reason: chapter.reason,
            client_id: chapter.client_id,
            provider: chapter.provider,
            account_id: chapter.account_id,
            session_id: chapter.session_id,
            grant_id: chapter.grant_id,
            steps: chapter.steps.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Step> for StepObject {
    fn from(step: Step) -> Self {
        let facts = step.facts.into_iter().map(|Fact { name, value }| FactObject { name, value }).collect();
        Self { step: step.step.into(), title: step.title, mood: step.mood.into(), facts }
    }
}

impl From<HappenedEvent> for EventObject {
    fn from(event: HappenedEvent) -> Self {
        let HappenedEvent { at, event, outcome, reason, detail } = event;
        Self { at: Text::new(at), event, outcome, reason, detail }
    }
}

impl Example for ExplanationObject {
    fn example() -> Self {
        let fact = |name: &str, value: &str| Fact { name: name.into(), value: value.into() };
        let step = |step, title: &str, mood, facts| Step { step, title: title.into(), mood, facts };
        let at = "2026-11-24T10:00:00Z";
        Self {
            login_id: Some("019ab5c4-2c00-7cc1-9d2a-5f0e3b7a6d11".into()),
            summary: "Nobody was signed in to grafana through google: a rule about who may enter does not let them in (entry_rule). Here: client.groups."
                .into(),
            helps: Some("the detail names the rule; `vestibule claims` tries it on claims, `vestibule policy replay` on past logins.".into()),
            chapters: vec![
                Chapter {
                    reference: "0af7651916cd43dd8448eb211c80319c".into(),
                    at: at.into(),
                    event: "login.denied_by_policy".into(),
                    outcome: "denied".into(),
                    reason: Some("entry_rule".into()),
                    client_id: Some("grafana".into()),
                    provider: Some("google".into()),
                    account_id: Some("5f0c61d5-5a32-4c0c-9c4c-1d1f5a0e7b3a".into()),
                    session_id: None,
                    grant_id: None,
                    steps: vec![
                        step(Stretch::Upstream, "What the provider answered", Mood::Good, vec![fact("token", "status 200 in 184 ms")]),
                        step(Stretch::Rules, "Which rules were asked", Mood::Bad, vec![fact("client.groups", "not met")]),
                    ],
                }
                .into(),
            ],
            events: vec![EventObject {
                at: Text::new(at),
                event: "login.denied_by_policy".into(),
                outcome: "denied".into(),
                reason: Some("entry_rule".into()),
                detail: Some("client.groups".into()),
            }],
        }
    }
}
