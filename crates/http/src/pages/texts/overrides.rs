//! An operator's own words in place of ours.

use std::collections::BTreeMap;

use vestibule_domain::registration::{FieldFault, escaped};

use super::{LANGUAGES, Texts};
use crate::pages::phrase::is_plain;

/// Texts as an operator writes them: a language, `*` for all of them, and in it a text for each key.
pub type TextsDraft = BTreeMap<String, BTreeMap<String, String>>;

/// In place of a language: every one.
const EVERY: &str = "*";
/// No text is longer, in characters.
const LONGEST_TEXT: usize = 400;
/// How alike two keys must be, from 0 to 1, before one is offered for the other.
const ALIKE: f64 = 0.8;

/// Texts that were checked: each is of a language and a key there are, and has only slots that its place fills.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextOverrides(TextsDraft);

impl TextOverrides {
    /// Checks texts; what is wrong is added to `faults`, below `pointer`, and left out.
    pub fn check(draft: &TextsDraft, pointer: &str, faults: &mut Vec<FieldFault>) -> Self {
        let mut texts = TextsDraft::new();
        for (lang, words) in draft {
            if lang != EVERY && !LANGUAGES.iter().any(|texts| texts.lang == lang) {
                faults.push(FieldFault { pointer: format!("{pointer}/{}", escaped(lang)), message: unknown_language(lang) });
                continue;
            }
            for (key, text) in words {
                match fault_of(key, text) {
                    Some(message) => faults.push(FieldFault { pointer: format!("{pointer}/{}/{}", escaped(lang), escaped(key)), message }),
                    None => drop(texts.entry(lang.clone()).or_default().insert(key.clone(), text.clone())),
                }
            }
        }
        Self(texts)
    }

    /// A language with an operator's words in it: those for every language first, those for this one over them.
    pub fn over(&self, texts: &Texts<'static>) -> Texts<'_> {
        let mut worded = texts.clone();
        for (key, text) in [EVERY, texts.lang].iter().filter_map(|lang| self.0.get(*lang)).flatten() {
            if let Some(place) = worded.text_mut(key) {
                *place = text;
            }
        }
        worded
    }
}

fn fault_of(key: &str, text: &str) -> Option<String> {
    let Some((_, slots)) = Texts::keys().find(|(known, _)| *known == key) else { return Some(unknown_key(key)) };
    if text.trim().is_empty() {
        return Some("must not be empty; leave the key out to have our own text".into());
    }
    if text.chars().count() > LONGEST_TEXT || !is_plain(text) {
        return Some(format!("must have at most {LONGEST_TEXT} characters, and none that control or hide text"));
    }
    stray_slot(text, slots).map(|stray| match slots {
        [] => format!("has {stray:?}, but nothing is put into this text; write it without braces"),
        slots => format!(
            "has {stray:?}; this text may have {}",
            slots.iter().map(|slot| format!("{{{slot}}}")).collect::<Vec<_>>().join(" and ")
        ),
    })
}

/// The first brace that does not belong to a slot, with what follows it up to its end.
fn stray_slot<'a>(text: &'a str, slots: &[&str]) -> Option<&'a str> {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let found = &rest[at..];
        let end = found.find('}').map_or(found.len(), |end| end + 1);
        let slot = found.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(slot, _)| slot);
        if !slot.is_some_and(|slot| slots.contains(&slot)) {
            return Some(&found[..end]);
        }
        rest = &found[end..];
    }
    None
}

fn unknown_language(lang: &str) -> String {
    let all: Vec<_> = LANGUAGES.iter().map(|texts| texts.lang).collect();
    format!("is not a language of the pages; write one of {}, or \"*\" for every one{}", all.join(", "), meant(lang, all.iter().copied()))
}

fn unknown_key(key: &str) -> String {
    format!("is not the key of a text{}", meant(key, Texts::keys().map(|(key, _)| key)))
}

fn meant(text: &str, all: impl Iterator<Item = &'static str>) -> String {
    let likeness = all.map(|each| (strsim::jaro_winkler(text, each), each));
    let nearest = likeness.filter(|(alike, _)| *alike >= ALIKE).max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.map(|(_, each)| format!("; did you mean {each}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::pages::texts::ENGLISH;

    fn checked(draft: Value) -> (TextOverrides, Vec<(String, String)>) {
        let draft: TextsDraft = serde_json::from_value(draft).unwrap();
        let mut faults = Vec::new();
        let overrides = TextOverrides::check(&draft, "/texts", &mut faults);
        (overrides, faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect())
    }

    #[test]
    fn own_words_stand_over_ours_and_those_for_one_language_over_those_for_all() {
        let (overrides, faults) = checked(json!({
            "*": {"footer": "Corp IT", "chooser_title": "Corp"},
            "de": {"chooser_title": "Anmeldung bei Corp", "error_not_allowed_remedy": "Fragen Sie die IT nach {app}."},
        }));
        assert_eq!(faults, []);
        let (german, english) = (overrides.over(LANGUAGES[1]), overrides.over(&ENGLISH));
        assert_eq!((german.chooser_title, german.footer), ("Anmeldung bei Corp", "Corp IT"));
        assert_eq!(german.errors.not_allowed.remedy, "Fragen Sie die IT nach {app}.");
        assert_eq!((english.chooser_title, english.footer), ("Corp", "Corp IT"));
        assert_eq!(english.errors.not_allowed.remedy, ENGLISH.errors.not_allowed.remedy);
        assert_eq!(german.logout_yes, LANGUAGES[1].logout_yes);
    }

    #[test]
    fn slips_are_named_where_they_stand_with_what_was_meant() {
        let (overrides, faults) = checked(json!({
            "pt": {"footer": "x"},
            "en": {"choser_title": "x", "chooser_lead": "To {ap}", "footer": "see {place}", "chooser_title": " ", "zzz": "x",
                   "help": "a\u{202e}b", "privacy": "x".repeat(401), "back_to": "To {app"},
        }));
        let said: Vec<_> = faults.iter().map(|(at, message)| format!("{at} {message}")).collect();
        assert_eq!(
            said,
            [
                "/texts/en/back_to has \"{app\"; this text may have {app}",
                "/texts/en/chooser_lead has \"{ap}\"; this text may have {app}",
                "/texts/en/chooser_title must not be empty; leave the key out to have our own text",
                "/texts/en/choser_title is not the key of a text; did you mean chooser_title?",
                "/texts/en/footer has \"{place}\", but nothing is put into this text; write it without braces",
                "/texts/en/help must have at most 400 characters, and none that control or hide text",
                "/texts/en/privacy must have at most 400 characters, and none that control or hide text",
                "/texts/en/zzz is not the key of a text",
                "/texts/pt is not a language of the pages; write one of en, de, fr, es, pt-BR, ja, zh-CN, zh-TW, ko, ar, or \"*\" for every one\
                 ; did you mean pt-BR?",
            ]
        );
        assert_eq!(overrides, TextOverrides::default());
    }

    proptest! {
        #[test]
        fn what_passes_fills_every_slot_it_has(text in "[a-z{} ]{0,24}|\\{app\\}[a-z{}]{0,6}") {
            let (overrides, faults) = checked(json!({"en": {"chooser_lead": text}}));
            if faults.is_empty() {
                let rest = overrides.over(&ENGLISH).chooser_lead.replace("{app}", "");
                prop_assert!(!rest.contains(['{', '}']), "{rest}");
            }
        }
    }
}
