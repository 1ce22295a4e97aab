//! What apps ask for and have, in plain words.

use super::{phrase::Phrase, texts::Texts};

/// In which order scopes are read; those the house has no words for stand before the last.
const ORDER: [&str; 6] = ["openid", "profile", "email", "groups", "", "offline_access"];

/// Scopes in plain words, in the order in which they are read. An app's own are called by their names.
pub(super) fn in_words<'a>(t: &Texts<'a>, scopes: &'a [String]) -> Vec<Phrase<'a>> {
    let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    scopes.sort_by_key(|scope| ORDER.iter().position(|known| known == scope).unwrap_or(ORDER.len() - 2));
    let said = |scope| match scope {
        "openid" => Phrase::new(t.scope_openid),
        "profile" => Phrase::new(t.scope_profile),
        "email" => Phrase::new(t.scope_email),
        "groups" => Phrase::new(t.scope_groups),
        "offline_access" => Phrase::new(t.scope_offline),
        other => Phrase::new(t.scope_other).named("scope", Some(other), ""),
    };
    scopes.into_iter().map(said).collect()
}
