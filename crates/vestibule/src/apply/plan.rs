//! What would be done, shown before it is done.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::declared::Kind;
use crate::{
    config::show::{HIDDEN, may_be_secret},
    remote::difference,
    table::printable,
};

/// What is done with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Create,
    Change,
    Delete,
    Keep,
}

impl Action {
    const fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Change => '~',
            Self::Delete => '-',
            Self::Keep => '=',
        }
    }

    pub(super) const fn done(self) -> &'static str {
        match self {
            Self::Create => "is registered",
            Self::Change => "is changed",
            Self::Delete => "is deleted",
            Self::Keep => "stays",
        }
    }
}

/// One thing.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// Where it stands; nothing if it stands nowhere any more.
    pub(super) file: String,
    pub(super) action: Action,
    pub(super) changes: Vec<Change>,
    /// What the gateway would refuse.
    pub(super) faults: Vec<String>,
    /// What is sent.
    pub(super) body: Value,
    /// Which version the plan was made on.
    pub(super) etag: Option<String>,
    /// Whether somebody shut it, and its file does not say otherwise.
    pub(super) shut: bool,
}

/// One field.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    field: String,
    before: Value,
    after: Value,
}

impl Change {
    pub(super) fn new(field: &str, before: Value, after: Value) -> Self {
        Self { field: field.to_owned(), before, after }
    }

    /// The field that it is in, or is itself.
    pub(super) fn top(&self) -> &str {
        self.field.split('/').next().unwrap_or_default()
    }
}

/// What a gateway that only tried it says would change. Where is said as in files: from the top, and a provider's settings are its own.
pub(super) fn changes(would: &Value) -> Vec<Change> {
    let places = would["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let field = |place: &Value| {
        let pointer = place["pointer"].as_str().unwrap_or_default().trim_start_matches('/').to_owned();
        pointer.strip_prefix("settings/").map(str::to_owned).unwrap_or(pointer)
    };
    places.iter().map(|place| Change { field: field(place), before: place["before"].clone(), after: place["after"].clone() }).collect()
}

impl Step {
    pub(super) fn new(kind: Kind, id: &str, file: &str, action: Action) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            file: file.to_owned(),
            action,
            changes: Vec::new(),
            faults: Vec::new(),
            body: Value::Null,
            etag: None,
            shut: false,
        }
    }

    /// What it is, and which.
    pub(super) fn named(&self) -> String {
        format!("{} {}", self.kind.name(), self.id)
    }

    /// With every field of what is to be made. What is a secret, or is called nearly as one, is not said.
    /// `is_known` says whether a name is one of the gateway's own fields, none of which is a secret.
    pub(super) fn with_fields(mut self, body: &Value, is_known: impl Fn(&str) -> bool) -> Self {
        let fields = if self.kind == Kind::Provider { &body["settings"] } else { body };
        for (name, value) in fields.as_object().into_iter().flatten() {
            let name_or_none = if is_known(name) { "" } else { name };
            self.changes.push(Change::new(name, Value::Null, without_secrets(name_or_none, value)));
        }
        self
    }

    /// What the gateway would refuse.
    pub(super) fn refused(self, faults: Vec<String>) -> Self {
        Self { action: if self.action == Action::Keep { Action::Change } else { self.action }, faults, ..self }
    }

    fn text(&self) -> String {
        let mut text = format!("  {} {}", self.action.sign(), printable(&self.named()));
        let whence = if self.file.is_empty() { "stands in no file any more" } else { &self.file };
        let _ = writeln!(text, "    ({})", printable(whence));
        let width = self.changes.iter().map(|change| change.field.chars().count()).max().unwrap_or_default();
        for change in &self.changes {
            let _ = writeln!(text, "      {:width$}  {}", printable(&change.field), difference(&change.before, &change.after));
        }
        for fault in &self.faults {
            let _ = writeln!(text, "      ! {}", printable(fault));
        }
        text
    }
}

/// A value without what may be a secret in it.
fn without_secrets(name: &str, value: &Value) -> Value {
    match value {
        _ if may_be_secret(name) => json!(HIDDEN),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), without_secrets(name, value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(|item| without_secrets("", item)).collect(),
        plain => plain.clone(),
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What the same set of files kept, stands in none any more, and stays.
    pub(super) left: Vec<String>,
    /// How many things it kept.
    pub(super) kept: usize,
}

impl Plan {
    /// Whether the gateway would take all of it.
    pub(super) fn is_sound(&self) -> bool {
        self.steps.iter().all(|step| step.faults.is_empty())
    }

    /// How many things would be done.
    pub(super) fn changes(&self) -> usize {
        self.steps.iter().filter(|step| step.action != Action::Keep).count()
    }

    fn shut(&self) -> Vec<String> {
        self.steps.iter().filter(|step| step.shut).map(Step::named).collect()
    }

    /// How many things would be removed, if that is more than half of what there is: a wrong folder, or one of which a part is missing, looks like this.
    pub(super) fn most_of_it(&self) -> Option<usize> {
        let removed = self.count(Action::Delete);
        (removed * 2 > self.kept).then_some(removed)
    }

    pub(super) fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    pub(super) fn text(&self, gateway: &str, name: &str) -> String {
        let mut text = String::new();
        if self.changes() > 0 || !self.is_sound() {
            let _ = writeln!(text, "{gateway}, in the name of {name}:\n");
        }
        for step in self.steps.iter().filter(|step| step.action != Action::Keep || !step.faults.is_empty()) {
            text.push_str(&step.text());
            text.push('\n');
        }
        if !self.left.is_empty() {
            let _ = writeln!(text, "In no file any more, and left as they are without --prune: {}\n", printable(&self.left.join(", ")));
        }
        let shut = self.shut();
        if !shut.is_empty() {
            let _ =
                writeln!(text, "Disabled by somebody, and left so until a file says disabled = false: {}\n", printable(&shut.join(", ")));
        }
        if self.changes() > 0 || !self.is_sound() {
            let [add, change, remove] = [Action::Create, Action::Change, Action::Delete].map(|action| self.count(action));
            let _ = writeln!(text, "Plan: {add} to add, {change} to change, {remove} to remove.");
            return text;
        }
        let why = match self.steps.len() {
            0 => "the files describe nothing".to_owned(),
            1 => "it is as the files say".to_owned(),
            all => format!("all {all} are as the files say"),
        };
        let _ = writeln!(text, "Nothing to do: {why}.");
        text
    }

    /// The same when it is done.
    pub(super) fn done(&self) -> String {
        let [added, changed, removed] = [Action::Create, Action::Change, Action::Delete].map(|action| self.count(action));
        format!("\nDone: {added} added, {changed} changed, {removed} removed.\n")
    }

    pub(super) fn json(&self, done: bool, secrets: &Map<String, Value>) -> Value {
        let steps = self.steps.iter().map(|step| {
            json!({ "kind": step.kind, "id": step.id, "file": step.file, "action": step.action, "changes": step.changes, "faults": step.faults })
        });
        json!({
            "done": done, "add": self.count(Action::Create), "change": self.count(Action::Change), "remove": self.count(Action::Delete),
            "steps": steps.collect::<Vec<_>>(), "left": self.left, "shut": self.shut(), "secrets": secrets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_the_name_of_a_secret_does_not_show_it() {
        let body =
            json!({ "settings": { "preset": "oidc", "client_secrets": "hunter2", "clientsecret": "hunter2", "token_auth": "none" } });
        let step = Step::new(Kind::Provider, "acme", "", Action::Create).with_fields(&body, |_| false);
        let text = step.text();
        assert!(!text.contains("hunter2") && text.contains("\"oidc\"") && text.contains("\"none\""), "{text}");
        let client = json!({ "client_name": "App", "token_endpoint_auth_method": "plain-to-see", "secret": "hunter2", "jwks": { "keys": [{ "private": "hunter2", "kid": "one" }] } });
        let is_known = |name: &str| ["client_name", "token_endpoint_auth_method", "jwks"].contains(&name);
        let text = Step::new(Kind::Client, "app", "", Action::Create).with_fields(&client, is_known).text();
        assert!(!text.contains("hunter2") && text.contains("App") && text.contains("one") && text.contains("plain-to-see"), "{text}");
    }

    #[test]
    fn more_than_half_is_counted_and_less_is_not() {
        let plan = |gone: usize, kept| {
            let steps = (0..gone).map(|at| Step::new(Kind::Client, &at.to_string(), "", Action::Delete)).collect();
            Plan { steps, left: Vec::new(), kept }.most_of_it()
        };
        assert_eq!([plan(0, 0), plan(0, 3), plan(1, 3), plan(1, 2), plan(2, 3), plan(1, 1)], [None, None, None, None, Some(2), Some(1)]);
    }

    #[test]
    fn a_change_says_what_goes_and_what_comes() {
        let text = |before: Value, after: Value| difference(&before, &after);
        assert_eq!(text(json!("implicit"), json!("always")), "\"implicit\" → \"always\"");
        assert_eq!(text(json!(["a", "b"]), json!(["b", "c"])), "- \"a\"  + \"c\"");
        assert_eq!(text(json!(["a", "b"]), json!(["b", "a"])), "in another order");
        assert_eq!(text(Value::Null, json!(["a"])), "[\"a\"]");
        assert_eq!(text(json!("x\u{1b}[31m"), Value::Null), "\"x\\u001b[31m\" → (default)");
    }
}
