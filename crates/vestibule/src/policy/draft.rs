//! Rules to try, as an operator writes them: over the present ones, and judged like them.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use vestibule_domain::{
    claims::Claims,
    entry::{EntryDraft, EntryRules},
    ids::{ClientId, ProviderId},
    provider::{Definition, ProviderTerms},
    registration::FieldFault,
};

use crate::{
    config::{
        fault::{Fault, Faults, Origin},
        file, hint, layers, pointer,
        schema::provider_secrets,
    },
    failure::Failure,
    onlooker::{Onlooker, Opened},
};

/// What would be different.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The whole terms of the providers that it names.
    pub(super) providers: BTreeMap<ProviderId, ProviderTerms>,
    /// The entry rules of the clients that it names.
    pub(super) clients: BTreeMap<ClientId, EntryRules>,
}

/// Under this key the places in the file are noted.
const ROOT: &str = "draft";

/// Reads a draft; everything that is wrong with it at once.
pub(super) async fn read(path: &Path, onlooker: &Onlooker, opened: &Opened) -> Result<Draft, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::io(format!("{} can't be read", path.display()), error))?;
    let mut reader =
        Reader { origins: file::free_outline(path, &text, ROOT).map_err(|fault| Failure::Draft(fault.into()))?, faults: Vec::new() };
    let table = layers::table(&text).map_err(|fault| Failure::Draft(fault.into()))?;
    let mut draft = Draft::default();
    for (name, value) in &table {
        match (name.as_str(), value) {
            ("providers" | "clients", Value::Array(tables)) if tables.iter().all(Value::is_object) => {}
            ("providers" | "clients", _) => reader.fault(&format!("/{name}"), "must be sections in double brackets"),
            _ => reader.unknown(&format!("/{}", pointer::escaped(name)), name, &["providers", "clients"]),
        }
    }
    for (number, table) in tables(&table, "providers") {
        if let Some((id, terms)) = reader.provider(&format!("/providers/{number}"), table, onlooker, opened).await?
            && draft.providers.insert(id, terms).is_some()
        {
            reader.fault(&format!("/providers/{number}/id"), "is there twice");
        }
    }
    for (number, table) in tables(&table, "clients") {
        if let Some((id, entry)) = reader.client(&format!("/clients/{number}"), table, opened).await?
            && draft.clients.insert(id, entry).is_some()
        {
            reader.fault(&format!("/clients/{number}/client_id"), "is there twice");
        }
    }
    if draft.providers.is_empty() && draft.clients.is_empty() && reader.faults.is_empty() {
        reader.fault("", "has neither [[providers]] nor [[clients]], so there is nothing to try");
    }
    // In the order in which they stand.
    reader.faults.sort_by_key(|fault| match fault.origin {
        Some(Origin::File { line, column, .. }) => (line, column),
        _ => (0, 0),
    });
    if reader.faults.is_empty() { Ok(draft) } else { Err(Failure::Draft(Faults(reader.faults))) }
}

fn tables<'a>(table: &'a Claims, name: &str) -> impl Iterator<Item = (usize, &'a Claims)> {
    let all = table.get(name).and_then(Value::as_array).into_iter().flatten();
    all.enumerate().filter_map(|(number, value)| Some((number, value.as_object()?)))
}

struct Reader {
    origins: BTreeMap<String, Origin>,
    faults: Vec<Fault>,
}

impl Reader {
    fn fault(&mut self, pointer: &str, message: impl Into<String>) {
        let key = pointer::key(ROOT, pointer);
        let mut at = key.as_str();
        while !self.origins.contains_key(at) {
            let Some(cut) = at.rfind(['.', '[']) else { break };
            at = &at[..cut];
        }
        let shown = key.strip_prefix(ROOT).unwrap_or(&key).trim_start_matches('.').to_owned();
        self.faults.push(Fault { origin: self.origins.get(at).cloned(), key: shown, message: message.into(), add: Vec::new() });
    }

    fn unknown(&mut self, pointer: &str, name: &str, known: &[&str]) {
        let meant = hint::nearest(name, known.iter().copied(), |name| name).map(|name| format!("; did you mean {name}?"));
        self.fault(pointer, format!("is not a setting of a draft{}", meant.unwrap_or_default()));
    }

    /// A provider's present settings with the draft's over them, made as it would be made.
    async fn provider(
        &mut self,
        at: &str,
        table: &Claims,
        onlooker: &Onlooker,
        opened: &Opened,
    ) -> Result<Option<(ProviderId, ProviderTerms)>, Failure> {
        let Some(id) = self.named::<ProviderId>(&format!("{at}/id"), table.get("id"), "the provider's") else { return Ok(None) };
        let Some(present) = onlooker.settings(&opened.store, &id).await? else {
            let all = opened.all().await?;
            let names: Vec<_> = all.iter().map(|found| found.id.to_string()).collect();
            self.fault(&format!("{at}/id"), format!("{id} is no provider that can be used; there are: {}", names.join(", ")));
            return Ok(None);
        };
        let mut settings = present.settings;
        for (name, value) in table.iter().filter(|(name, _)| *name != "id") {
            if provider_secrets().any(|secret| name.starts_with(secret)) {
                self.fault(&format!("{at}/{name}"), "has nothing to do with rules; secrets have no place in a draft");
            } else {
                settings.insert(name.clone(), value.clone());
            }
        }
        match onlooker.factory.make(&Definition { settings, ..present }) {
            Ok(made) => Ok(Some((id, made.terms().clone()))),
            Err(faults) => {
                for FieldFault { pointer, message } in faults {
                    self.fault(&format!("{at}{pointer}"), message);
                }
                Ok(None)
            }
        }
    }

    async fn client(&mut self, at: &str, table: &Claims, opened: &Opened) -> Result<Option<(ClientId, EntryRules)>, Failure> {
        for name in table.keys().filter(|name| !["client_id", "entry"].contains(&name.as_str())) {
            self.unknown(&format!("{at}/{}", pointer::escaped(name)), name, &["client_id", "entry"]);
        }
        let Some(id) = self.named::<ClientId>(&format!("{at}/client_id"), table.get("client_id"), "the client's") else { return Ok(None) };
        if let Err(fault) = opened.gateway.client(id.as_str()).await {
            let failure = Failure::Admin { what: id.to_string(), fault };
            self.fault(&format!("{at}/client_id"), failure.to_string().trim_start_matches("error: ").to_owned());
            return Ok(None);
        }
        let entry = match serde_json::from_value::<EntryDraft>(table.get("entry").cloned().unwrap_or_else(|| Claims::new().into())) {
            Ok(entry) => entry,
            Err(error) => {
                self.fault(&format!("{at}/entry"), error.to_string());
                return Ok(None);
            }
        };
        let mut faults = Vec::new();
        let rules = entry.check("/entry", &mut faults);
        for FieldFault { pointer, message } in faults {
            self.fault(&format!("{at}{pointer}"), message);
        }
        Ok(Some((id, rules)))
    }

    fn named<T: std::str::FromStr>(&mut self, pointer: &str, value: Option<&Value>, whose: &str) -> Option<T> {
        let named = value.and_then(Value::as_str).and_then(|text| text.parse().ok());
        if named.is_none() {
            let name = pointer.rsplit('/').next().unwrap_or_default();
            self.fault(pointer, if value.is_some() { format!("is not {whose} {name}") } else { "is missing".to_owned() });
        }
        named
    }
}
