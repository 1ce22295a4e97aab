//! The section about how pages look.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use vestibule_domain::{claims::Claims, registration::FieldFault};
use vestibule_http::pages::{
    Appearance, Brand, BrandDraft,
    texts::{TextOverrides, TextsDraft},
};

use super::super::{check::Checker, fault::Fault, file, layers, pointer, raw::RawBranding};

/// Under this key the places in the file of texts are noted.
const TEXTS: &str = "texts";

pub(crate) fn appearance(raw: &RawBranding, check: &mut Checker<'_>) -> Appearance {
    let draft = BrandDraft {
        name: raw.name.clone(),
        accent: raw.accent.clone(),
        accent_dark: raw.accent_dark.clone(),
        help: raw.help_url.clone(),
        privacy: raw.privacy_url.clone(),
    };
    let mut faults = Vec::new();
    let brand = Brand::check(&draft, "", &mut faults);
    for FieldFault { pointer, message } in faults {
        let name = match pointer.trim_start_matches('/') {
            "help" => "help_url",
            "privacy" => "privacy_url",
            name => name,
        };
        check.fault(&format!("branding.{name}"), message, &[]);
    }
    let overrides = raw.texts_file.as_deref().map_or_else(TextOverrides::default, |path| texts(path, check));
    Appearance { brand, overrides }
}

fn texts(path: &str, check: &mut Checker<'_>) -> TextOverrides {
    const KEY: &str = "branding.texts_file";
    let Some(bytes) = check.read_file(KEY, path) else { return TextOverrides::default() };
    let Ok(text) = String::from_utf8(bytes) else {
        check.fault(KEY, format!("names {path}, which is not UTF-8"), &[]);
        return TextOverrides::default();
    };
    let read = file::free_outline(Path::new(path), &text, TEXTS).and_then(|origins| Ok((origins, layers::table(&text)?)));
    let (origins, table) = match read {
        Ok(read) => read,
        Err(fault) => {
            check.add(fault);
            return TextOverrides::default();
        }
    };
    let mut faults = Vec::new();
    let overrides = TextOverrides::check(&drafted(table, &mut faults), "", &mut faults);
    for FieldFault { pointer, message } in faults {
        let key = pointer::key(TEXTS, &pointer);
        let shown = key.strip_prefix("texts.").unwrap_or(&key).to_owned();
        check.add(Fault { origin: origins.get(&key).cloned(), key: shown, message, add: Vec::new() });
    }
    overrides
}

/// What is no text is noted and left out.
fn drafted(table: Claims, faults: &mut Vec<FieldFault>) -> TextsDraft {
    let mut draft = TextsDraft::new();
    for (lang, words) in table {
        let at = format!("/{}", pointer::escaped(&lang));
        let Value::Object(words) = words else {
            faults.push(FieldFault { pointer: at, message: "must be a section for a language, as [en]".into() });
            continue;
        };
        let mut texts = BTreeMap::new();
        for (key, value) in words {
            match value {
                Value::String(text) => drop(texts.insert(key, text)),
                _ => faults
                    .push(FieldFault { pointer: format!("{at}/{}", pointer::escaped(&key)), message: "must be a text in quotes".into() }),
            }
        }
        draft.insert(lang, texts);
    }
    draft
}
