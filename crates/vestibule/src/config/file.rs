//! The configuration's files, read for what no merged value tells any more: where each key stands, and which ones do not exist.

use std::{collections::BTreeMap, path::Path};

use toml::de::{DeTable, DeValue};

use super::{
    fault::{Fault, Faults, Origin},
    hint,
    schema::{KEYS, Kind},
};

/// What a file says, apart from its values.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Where each key stands.
    pub(crate) origins: BTreeMap<String, Origin>,
    /// The ids of its providers, in order; blank where there is none.
    pub(crate) providers: Vec<String>,
}

/// Reads the outline of a configuration file; unknown keys and values of another type are faults. What stands in a provider's section is its
/// preset's to judge.
pub(crate) fn outline(path: &Path, text: &str) -> Result<Outline, Faults> {
    let mut reader = Reader::new(path, text);
    let document = reader.document()?;
    reader.table("", "", document.get_ref());
    if reader.faults.is_empty() { Ok(reader.outline) } else { Err(Faults(reader.faults)) }
}

/// Reads the outline of a file whose keys are not ours to know. They are noted as if the file stood at the key `at`.
pub(crate) fn free_outline(path: &Path, text: &str, at: &str) -> Result<BTreeMap<String, Origin>, Fault> {
    let mut reader = Reader::new(path, text);
    let document = reader.document()?;
    reader.outline.origins.insert(at.to_owned(), reader.origin(0));
    reader.free_table(at, document.get_ref());
    Ok(reader.outline.origins)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    outline: Outline,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, outline: Outline::default(), faults: Vec::new() }
    }

    fn document(&self) -> Result<toml::Spanned<DeTable<'a>>, Fault> {
        DeTable::parse(self.text).map_err(|error| {
            let origin = Some(self.origin(error.span().map_or(0, |span| span.start)));
            // The parser's message names what it met, never a whole value.
            Fault { origin, key: String::new(), message: format!("is no TOML: {}", error.message()), add: Vec::new() }
        })
    }

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
                    let DeValue::Table(table) = each.get_ref() else { continue };
                    let at = format!("{at}[{number}]");
                    self.outline.origins.insert(at.clone(), self.origin(each.span().start));
                    if shape == "providers" {
                        let id = table.get("id").and_then(|id| id.get_ref().as_str()).unwrap_or_default();
                        self.outline.providers.push(id.to_owned());
                        self.free_table(&at, table);
                    } else {
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

    /// Notes where everything stands.
    fn free_table(&mut self, at: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let at = format!("{at}.{}", name.get_ref());
            self.outline.origins.insert(at.clone(), self.origin(name.span().start));
            self.free_value(&at, value.get_ref());
        }
    }

    fn free_value(&mut self, at: &str, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.free_table(at, table),
            DeValue::Array(values) => {
                for (number, value) in values.iter().enumerate() {
                    let at = format!("{at}[{number}]");
                    self.outline.origins.insert(at.clone(), self.origin(value.span().start));
                    self.free_value(&at, value.get_ref());
                }
            }
            _ => {}
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
