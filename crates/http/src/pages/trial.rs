//! What came of a sign-in that was only tried: for the operator who tried it, in English as the admin API is.

use askama::Template;
use serde_json::Value;
use vestibule_domain::rehearsal::Rehearsal;
use vestibule_flows::{TrialOutcome, TriedSignIn};

use super::{
    Brand, Look, Page,
    phrase::{Phrase, visible},
    texts::Texts,
};

/// What is shown of one value, and how many values of each table: whatever a provider says, the page stays one.
const LONGEST: usize = 300;
const MOST: usize = 60;

/// The page at the end of a trial.
#[derive(Debug, Clone)]
pub struct Tried {
    /// What people know the provider as.
    pub provider: String,
    /// What came of it.
    pub outcome: TrialOutcome,
}

/// A name, what is said of it, and a note on where that comes from.
type Row = (String, String, String);

impl Page for Tried {
    fn render(&self, look: &Look<'_>) -> askama::Result<String> {
        let (title, lead, failed, tables) = match &self.outcome {
            TrialOutcome::SignedIn(tried) => {
                let lead = if tried.rehearsal.admitted { "You would be let in." } else { "You would be turned away: a rule is not met." };
                ("Signed in at {provider}, on trial", lead, None, tables(tried))
            }
            TrialOutcome::Failed(detail) => {
                let lead = "Nobody could be signed in. What the operator reads in the log stands here too:";
                ("The trial of {provider} failed", lead, Some(visible(detail, LONGEST)), Vec::new())
            }
            TrialOutcome::Waiting => ("The trial of {provider} waits", "Nobody came back yet.", None, Vec::new()),
        };
        let title = Phrase::new(title).named("provider", Some(&self.provider), "a provider");
        TriedView { t: &look.texts, brand: look.brand, title, lead, failed, tables }.render()
    }
}

fn tables(tried: &TriedSignIn) -> Vec<(&'static str, Vec<Row>)> {
    let plain = |name: &str, value: String| (name.to_owned(), value, String::new());
    let Rehearsal { claims, email, unused, rules, .. } = &tried.rehearsal;
    let mut came =
        vec![plain("issuer", tried.issuer.clone()), plain("subject", tried.subject.clone()), plain("tokens", tried.tokens.join(", "))];
    came.extend(tried.scope.clone().map(|scope| plain("scopes", scope)));
    let made = claims.iter().map(|made| {
        let from = made.from.clone().unwrap_or_else(|| "not from a claim".to_owned());
        (made.claim.clone(), shown(&made.value), from)
    });
    let believed = if email.verified { "believed" } else { "not believed" };
    let mut made: Vec<Row> = made.collect();
    made.push(("e-mail address".to_owned(), believed.to_owned(), email.why.to_string()));
    if !unused.is_empty() {
        made.push(plain("said and not used", unused.join(", ")));
    }
    let met = rules.iter().map(|rule| plain(&rule.rule, if rule.met { "met" } else { "not met" }.to_owned()));
    let rules: Vec<Row> = met.collect();
    let all = [("What came back", came), ("What it becomes", made), ("Who may enter", rules)];
    let short = |(name, value, note): Row| (visible(&name, LONGEST), visible(&value, LONGEST), visible(&note, LONGEST));
    let all = all.map(|(heading, rows)| (heading, rows.into_iter().take(MOST).map(short).collect::<Vec<_>>()));
    all.into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[derive(Template)]
#[template(path = "trial.html")]
struct TriedView<'a> {
    t: &'a Texts<'a>,
    brand: &'a Brand,
    title: Phrase<'a>,
    lead: &'static str,
    failed: Option<String>,
    tables: Vec<(&'static str, Vec<Row>)>,
}
