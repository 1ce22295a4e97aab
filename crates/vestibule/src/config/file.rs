//! The configuration file, read for what no merged value tells any more: where each key stands, and which ones do not exist.

use std::{collections::BTreeMap, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    fault::{Fault, Faults, Origin},
    hint,
    schema::{KEYS, Kind},
};

/// What the file says, apart from its values.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Where each key stands.
    pub(crate) origins: BTreeMap<String, Origin>,
    /// The ids of its providers, in order.
    pub(crate) providers: Vec<String>,
}

/// Reads the outline of a file; unknown keys and values of another type are faults.
pub(crate) fn outline(path: &Path, text: &str) -> Result<Outline, Faults> {
    let mut reader = Reader { path, text, outline: Outline::default(), faults: Vec::new() };
    let document = DeTable::parse(text).map_err(|error| {
        let origin = Some(reader.origin(error.span().map_or(0, |span| span.start)));
        // The parser's message names what it met, never a whole value.
        Fault { origin, key: String::new(), message: format!("is no TOML: {}", error.message()), add: Vec::new() }
    })?;
    reader.table("", "", document.get_ref());
    if reader.faults.is_empty() { Ok(reader.outline) } else { Err(Faults(reader.faults)) }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    outline: Outline,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    /// `at` is the path with numbers, `shape` the same without, as the list of keys has it.
    fn table(&mut self, at: &str, shape: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let below = |path: &str| if path.is_empty() { name.get_ref().to_string() } else { format!("{path}.{}", name.get_ref()) };
            let (at, shape) = (below(at), below(shape));
            let origin = self.origin(name.span().start);
            match KEYS.get(&shape) {
                None => self.faults.push(unknown(&at, &shape, origin)),
                Some(kind) => {
                    self.outline.origins.insert(at.clone(), origin);
                    self.value(&at, &shape, *kind, value.get_ref());
                }
            }
        }
    }

    fn value(&mut self, at: &str, shape: &str, kind: Kind, value: &DeValue<'_>) {
        match (kind, value) {
            (Kind::Section, DeValue::Table(table)) => self.table(at, shape, table),
            (Kind::Sections, DeValue::Array(tables)) if tables.iter().all(|table| table.get_ref().is_table()) => {
                for (number, each) in tables.iter().enumerate() {
                    if let DeValue::Table(table) = each.get_ref() {
                        let id = table.get("id").and_then(|id| id.get_ref().as_str()).unwrap_or_default();
                        let at = format!("{at}[{number}]");
                        self.outline.providers.push(id.to_owned());
                        self.outline.origins.insert(at.clone(), self.origin(each.span().start));
                        self.table(&at, &format!("{shape}[]"), table);
                    }
                }
            }
            (Kind::Texts { .. }, DeValue::Array(texts)) if texts.iter().all(|text| text.get_ref().is_str()) => {}
            (Kind::Text { .. }, DeValue::String(_))
            | (Kind::Integer | Kind::Number, DeValue::Integer(_))
            | (Kind::Number, DeValue::Float(_))
            | (Kind::Boolean, DeValue::Boolean(_)) => {}
            _ => {
                let origin = self.outline.origins.get(at).cloned();
                let message = format!("must be {}", kind.expected());
                let add = if kind == Kind::Section { vec![format!("[{shape}]")] } else { Vec::new() };
                self.faults.push(Fault { origin, key: at.to_owned(), message, add });
            }
        }
    }

    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Origin::File {
            file: self.path.display().to_string(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

fn unknown(at: &str, shape: &str, origin: Origin) -> Fault {
    let meant = hint::key_like(shape).map(|key| format!("; did you mean {}?", key.replace("[]", "")));
    Fault { origin: Some(origin), key: at.to_owned(), message: format!("is not a setting{}", meant.unwrap_or_default()), add: Vec::new() }
}
