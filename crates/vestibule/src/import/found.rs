//! What a file of another program says of an app, and what becomes of it here.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{config::nearest, table::printable};

/// What a file has.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) clients: Vec<Found>,
    /// What in it is no client, and where it goes here.
    pub(super) beside: Vec<String>,
}

/// One app.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What it is called, there and here.
    pub(super) id: String,
    /// What is asked of the admin API.
    pub(super) fields: Map<String, Value>,
    /// Which of the file's fields are in it unchanged, by their names there.
    pub(super) carried: Vec<String>,
    pub(super) notes: Vec<Note>,
    /// What can't be read.
    pub(super) wrong: Vec<String>,
    /// Why it is not for us at all.
    pub(super) passed_over: Option<String>,
}

/// Something that is not the same afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Note {
    /// The field, by its name there, or here where it has none there.
    pub(super) field: String,
    pub(super) kind: NoteKind,
    pub(super) why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NoteKind {
    /// It is another here.
    Changes,
    /// It has no counterpart, or is not wanted.
    LeftOut,
    /// Somebody has to do something.
    ToDo,
}

impl Contents {
    /// Only these clients; one that is not there is an error with the one that may have been meant.
    pub(super) fn keep_only(&mut self, only: &[String]) -> Result<(), String> {
        for wanted in only {
            if self.clients.iter().all(|found| found.id != *wanted) {
                let near = nearest(wanted, self.clients.iter().map(|found| found.id.as_str()), |id| id);
                let meant = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                return Err(printable(&format!("there is no client {wanted} in the file{meant}")));
            }
        }
        self.clients.retain(|found| only.contains(&found.id));
        Ok(())
    }
}

impl Found {
    /// What the admin API is sent.
    pub(super) fn registration(&self) -> Value {
        let mut fields = self.fields.clone();
        // People are shown something.
        fields.entry("client_name").or_insert_with(|| self.id.clone().into());
        Value::Object(fields)
    }

    /// A field of ours.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    pub(super) fn changes(&mut self, field: &str, why: impl Into<String>) {
        self.note(field, NoteKind::Changes, why);
    }

    pub(super) fn left_out(&mut self, field: &str, why: impl Into<String>) {
        self.note(field, NoteKind::LeftOut, why);
    }

    pub(super) fn left_to_do(&mut self, field: &str, why: impl Into<String>) {
        self.note(field, NoteKind::ToDo, why);
    }

    fn note(&mut self, field: &str, kind: NoteKind, why: impl Into<String>) {
        self.notes.push(Note { field: field.to_owned(), kind, why: printable(&why.into()) });
    }

    /// A secret of another program may be a word that somebody thought of. What is kept of ours is a keyed digest without a slow hash, which is safe for
    /// 256 random bits and for nothing less.
    pub(super) fn new_secret(&mut self, field: &str) {
        self.left_to_do(
            field,
            "a new one is made, of 256 random bits, and replaces it in the app's own settings; the old one is not taken over",
        );
    }

    /// Whether people come to it, as far as was said; left out, they do.
    pub(super) fn signs_in(&self) -> bool {
        let grants = self.fields.get("grant_types").and_then(Value::as_array);
        grants.is_none_or(|grants| grants.iter().any(|grant| grant == "authorization_code"))
    }

    /// The app may not know PKCE, which is asked for here unless a client is excepted.
    pub(super) fn without_pkce(&mut self, who: &str) {
        if self.signs_in() {
            self.set("require_pkce", false);
            self.changes("require_pkce", format!("is false, because {who} did not ask for it; set it to true once the app sends PKCE"));
        }
    }

    /// Where people come back to is what a sign-in can't do without.
    pub(super) fn needs_redirect_uris(&mut self, field: &str) {
        let unreadable = self.wrong.iter().any(|wrong| wrong.starts_with(field));
        if self.signs_in() && !unreadable && !self.fields.contains_key("redirect_uris") {
            self.wrong.push(format!(
                "{field} leaves no address that codes could be sent to; write one into the file, whole and without a pattern"
            ));
        }
    }

    /// The fields of an object, to be taken one by one.
    pub(super) fn reader<'a>(&'a mut self, object: &'a Map<String, Value>) -> Reader<'a> {
        Reader { found: self, object, taken: Vec::new() }
    }
}

/// Takes fields, and knows at the end which were left.
pub(super) struct Reader<'a> {
    pub(super) found: &'a mut Found,
    object: &'a Map<String, Value>,
    taken: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// `null` and absent are one: nothing was said.
    pub(super) fn take(&mut self, name: &'a str) -> Option<&'a Value> {
        self.taken.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &'a str) -> Option<&'a str> {
        let value = self.take(name)?;
        value.as_str().or_else(|| self.wrong(name, "must be text")).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&mut self, name: &'a str) -> Option<bool> {
        let value = self.take(name)?;
        value.as_bool().or_else(|| self.wrong(name, "must be true or false"))
    }

    /// A list of texts; one text alone is a list of one.
    pub(super) fn texts(&mut self, name: &'a str) -> Vec<String> {
        let Some(value) = self.take(name) else { return Vec::new() };
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => self.wrong(name, "must be a list of texts").unwrap_or_default(),
        }
    }

    pub(super) fn object(&mut self, name: &'a str) -> Option<&'a Map<String, Value>> {
        let value = self.take(name)?;
        value.as_object().or_else(|| self.wrong(name, "must have names and values"))
    }

    /// A text that is the same here under this name.
    pub(super) fn same_text(&mut self, name: &'a str, ours: &str) {
        if let Some(text) = self.text(name) {
            self.carry(name, ours, text);
        }
    }

    /// A list of texts likewise.
    pub(super) fn same_texts(&mut self, name: &'a str, ours: &str) {
        let texts = self.texts(name);
        if !texts.is_empty() {
            self.carry(name, ours, texts);
        }
    }

    /// A flag likewise.
    pub(super) fn same_flag(&mut self, name: &'a str, ours: &str) {
        if let Some(flag) = self.flag(name) {
            self.carry(name, ours, flag);
        }
    }

    /// A field that is ours as it is.
    pub(super) fn carry(&mut self, name: &str, ours: &str, value: impl Into<Value>) {
        self.found.set(ours, value);
        self.found.carried.push(name.to_owned());
    }

    /// A field that is in what was set already, if it is there at all.
    pub(super) fn is_carried(&mut self, name: &str) {
        if self.object.contains_key(name) {
            self.found.carried.push(name.to_owned());
        }
    }

    /// A field that means nothing here, if it is there and says something.
    pub(super) fn drop(&mut self, name: &'a str, why: &str) {
        if self.take(name).is_some_and(says_something) {
            self.found.left_out(name, why);
        }
    }

    /// Whatever nobody took.
    pub(super) fn rest(self, why: &str) {
        let Self { found, object, taken } = self;
        for (name, value) in object {
            if !taken.contains(&name.as_str()) && says_something(value) {
                found.left_out(name, why);
            }
        }
    }

    fn wrong<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.found.wrong.push(printable(&format!("{name} {message}")));
        None
    }
}

/// Whether leaving it out changes anything.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(true) => true,
    }
}

/// Every object of a list; what is none is named by its place.
pub(super) fn objects<'a>(list: &'a [Value], name: &str) -> Result<Vec<&'a Map<String, Value>>, String> {
    let each =
        list.iter().enumerate().map(|(at, value)| value.as_object().ok_or_else(|| format!("{name}[{at}] must have names and values")));
    each.collect()
}
