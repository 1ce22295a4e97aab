//! The sections about providers, and how they are reached.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;
use serde_json::Value;
use vestibule_domain::{claims::Claims, ids::ProviderId, provider::Definition};
use vestibule_providers::egress::{AllowedAddress, EgressOptions};

use super::{
    super::{
        ProviderConfig,
        check::{Checker, shown},
        fault::{Fault, Faults},
        layers::Source,
        raw::RawEgress,
        schema::provider_secrets,
        units,
    },
    MINUTE, list,
};

/// Every provider that has a name of its own; and what is wrong with files of which not even that can be said.
pub(crate) fn providers(raw: &[Claims], sources: &[Source], check: &mut Checker<'_>) -> (Vec<ProviderConfig>, Vec<Fault>) {
    let (mut found, mut lost): (Vec<ProviderConfig>, Vec<Fault>) = (Vec::new(), Vec::new());
    for (number, (raw, source)) in raw.iter().zip(sources).enumerate() {
        let at = format!("providers[{number}]");
        // A faulty file of its own stops nobody else.
        let mut own_check = check.apart();
        let provider = provider(&at, raw, source, &mut own_check);
        let faults =
            source.fault.iter().cloned().chain(own_check.into_faults().0.into_iter().map(|fault| named_within(source, &at, fault)));
        let mut faults: Vec<_> = faults.collect();
        let Ok((id, definition, unread)) = provider else {
            if source.own.is_some() {
                lost.extend(faults);
            } else {
                for fault in faults {
                    check.add(fault);
                }
            }
            continue;
        };
        if let Some(other) = found.iter().find(|other| other.id == id) {
            let message = format!("{id} is another provider's too, at {}", check.place(&format!("{}.id", other.at)));
            let key = format!("{at}.id");
            let fault = Fault { origin: check.origin(&key), key, message, add: Vec::new() };
            if source.own.is_some() {
                lost.push(named_within(source, &at, fault));
            } else {
                check.add(fault);
            }
            continue;
        }
        if source.own.is_none() {
            faults.drain(..).for_each(|fault| check.add(fault));
        }
        let definition = if faults.is_empty() { Ok(definition) } else { Err(Faults(faults)) };
        found.push(ProviderConfig { at, id, source: source.clone(), definition, unread });
    }
    (found, lost)
}

/// In a file of its own a provider's settings have no number before them.
pub(crate) fn named_within(source: &Source, at: &str, fault: Fault) -> Fault {
    match fault.key.strip_prefix(at).filter(|_| source.own.is_some()) {
        Some(key) => Fault { key: key.trim_start_matches('.').to_owned(), ..fault },
        None => fault,
    }
}

/// Its id, its definition, and secrets that were taken on trust. Nothing without a good id; what is wrong is noted.
fn provider(at: &str, raw: &Claims, source: &Source, check: &mut Checker<'_>) -> Result<(ProviderId, Definition, Vec<String>), ()> {
    let id = provider_id(at, raw, source, check);
    let mut settings = raw.clone();
    settings.remove("id");
    let (mut secrets, mut unread) = (BTreeMap::new(), Vec::new());
    for name in provider_secrets() {
        let file = format!("{name}_file");
        let (own, path) = (settings.remove(name), settings.remove(&file));
        let own = own.and_then(|value| text(&format!("{at}.{name}"), value, check)).map(SecretString::from);
        let path = path.and_then(|value| text(&format!("{at}.{file}"), value, check));
        let Some(secret) = check.secret(&format!("{at}.{name}"), own.as_ref(), path.as_ref()) else { continue };
        if path.is_some() && !check.reads_files() {
            unread.push(name.to_owned());
        }
        secrets.insert(name.to_owned(), secret);
    }
    settings.entry("preset").or_insert_with(|| "oidc".into());
    let id = id.ok_or(())?;
    Ok((id.clone(), Definition { id, settings, secrets }, unread))
}

fn provider_id(at: &str, raw: &Claims, source: &Source, check: &mut Checker<'_>) -> Option<ProviderId> {
    let key = format!("{at}.id");
    let Some(value) = raw.get("id") else {
        check.fault(&key, "is missing", &["[[providers]]", "id = \"acme\""]);
        return None;
    };
    let id = ProviderId::parse(value.as_str().unwrap_or_default());
    let from_name = source.own.as_deref().filter(|name| value.as_str() == Some(name));
    match (&id, from_name) {
        (Err(error), Some(name)) => {
            let message = format!("is the name of the file, and {} {error}; name the file differently, or write", shown(name));
            check.fault(&key, message, &["id = \"acme\""]);
        }
        (Err(error), None) => check.fault(&key, error.to_string(), &[]),
        (Ok(_), _) => {}
    }
    id.ok()
}

/// The value is not repeated: it may be a secret.
fn text(key: &str, value: Value, check: &mut Checker<'_>) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text);
    }
    check.fault(key, "must be a text in quotes", &[]);
    None
}

pub(crate) fn egress(raw: &RawEgress, check: &mut Checker<'_>) -> EgressOptions {
    let defaults = EgressOptions::default();
    let form = "is neither host and port, as issuer.internal:8443, nor a network, as 10.1.0.0/16";
    let allow = list::<AllowedAddress>("egress.allow", &raw.allow, form, check);
    let extra_roots = raw.extra_roots_file.as_ref().and_then(|path| check.read_file("egress.extra_roots_file", path));
    let connect_timeout = check.span("egress.connect_timeout", &raw.connect_timeout, Duration::from_millis(100)..=MINUTE);
    let timeout = check.span("egress.timeout", &raw.timeout, Duration::from_millis(100)..=MINUTE);
    let size = units::parse_size(&raw.max_response);
    match size {
        None => check.fault("egress.max_response", format!("{} {}", shown(&raw.max_response), units::SIZE_FORM), &[]),
        Some(size) if !(1 << 10..=16 << 20).contains(&size) => check.fault("egress.max_response", "must be from 1KiB to 16MiB", &[]),
        Some(_) => {}
    }
    EgressOptions {
        connect_timeout,
        timeout,
        most_bytes: size.unwrap_or(defaults.most_bytes),
        allow,
        extra_roots: extra_roots.into_iter().filter(|pem| !pem.is_empty() || check.reads_files()).collect(),
        ..defaults
    }
}
