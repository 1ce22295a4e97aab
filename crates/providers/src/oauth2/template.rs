//! Texts with pointers into JSON between braces: `{/organization/login}:{/slug}`.

use std::{fmt, str::FromStr};

use serde_json::Value;
use vestibule_domain::claims::is_printable;

/// A text with places to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// RFC 6901.
    Pointer(String),
}

/// A template that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a template: write JSON pointers between braces, as {{/organization/login}}:{{/slug}}")]
pub(crate) struct NotATemplate;

impl FromStr for Template {
    type Err = NotATemplate;

    fn from_str(text: &str) -> Result<Self, NotATemplate> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (pointer, after) = behind.split_once('}').ok_or(NotATemplate)?;
            if before.contains('}') || !pointer.starts_with('/') || pointer.contains('{') {
                return Err(NotATemplate);
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Pointer(pointer.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(NotATemplate);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        // Without a place to fill everybody would get the same.
        if pieces.iter().any(|piece| matches!(piece, Piece::Pointer(_))) { Ok(Self(pieces)) } else { Err(NotATemplate) }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Pointer(pointer) => write!(f, "{{{pointer}}}"),
        })
    }
}

impl Template {
    /// The text, when every pointer leads to a short text or a whole number.
    pub(crate) fn fill(&self, value: &Value) -> Option<String> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Pointer(pointer) => filled.push_str(&text_or_number(value.pointer(pointer)?)?),
            }
        }
        is_printable(&filled).then_some(filled)
    }
}

/// A short text, or a whole number written out.
pub(crate) fn text_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => is_printable(text).then(|| text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_filled_whole_or_not_at_all() {
        let team: Template = "{/organization/login}:{/slug}".parse().unwrap();
        assert_eq!(team.fill(&json!({"organization": {"login": "acme"}, "slug": "core"})).as_deref(), Some("acme:core"));
        for bad in [json!({"slug": "core"}), json!({"organization": {"login": ["acme"]}, "slug": "core"}), json!([]), json!(null)] {
            assert_eq!(team.fill(&bad), None, "{bad}");
        }
        assert_eq!("{/id}".parse::<Template>().unwrap().fill(&json!({"id": 7})).as_deref(), Some("7"));
        assert_eq!("{/id}".parse::<Template>().unwrap().fill(&json!({"id": 7.5})), None);
        assert_eq!("{/id}".parse::<Template>().unwrap().fill(&json!({"id": "a\r\nb"})), None);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for bad in ["", "acme", "{id}", "{/id", "/id}", "{/a}}", "{{/a}}", "}{/a}"] {
            assert_eq!(bad.parse::<Template>(), Err(NotATemplate), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(text in "[a{}/]{0,12}") {
            if let Ok(template) = text.parse::<Template>() {
                prop_assert_eq!(template.to_string(), text);
            }
        }
    }
}
