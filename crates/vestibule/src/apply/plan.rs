//! What would be done, shown before it is done.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::declared::Kind;
use crate::{config::schema::provider_secrets, remote::difference, table::printable};

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

    /// With every field of what is to be made; secrets are among a provider's settings and not said.
    pub(super) fn with_fields(mut self, body: &Value) -> Self {
        let fields = if self.kind == Kind::Provider { &body["settings"] } else { body };
        for (name, value) in fields.as_object().into_iter().flatten() {
            if self.kind == Kind::Provider && provider_secrets().any(|secret| secret == name) {
                self.changes.push(Change { field: name.clone(), before: Value::Null, after: json!("(secret)") });
                continue;
            }
            self.changes.push(Change { field: name.clone(), before: Value::Null, after: value.clone() });
        }
        self
    }

    /// With a field more that changes.
    pub(super) fn changed(&mut self, field: &str, before: Value, after: Value) {
        self.action = Action::Change;
        self.changes.push(Change { field: field.to_owned(), before, after });
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

/// All of it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What the same set of files kept, stands in none any more, and stays.
    pub(super) left: Vec<String>,
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

    fn count(&self, action: Action) -> usize {
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
    fn a_change_says_what_goes_and_what_comes() {
        let text = |before: Value, after: Value| difference(&before, &after);
        assert_eq!(text(json!("implicit"), json!("always")), "\"implicit\" → \"always\"");
        assert_eq!(text(json!(["a", "b"]), json!(["b", "c"])), "- \"a\"  + \"c\"");
        assert_eq!(text(json!(["a", "b"]), json!(["b", "a"])), "in another order");
        assert_eq!(text(Value::Null, json!(["a"])), "[\"a\"]");
        assert_eq!(text(json!("x\u{1b}[31m"), Value::Null), "\"x\\u001b[31m\" → (default)");
    }
}
