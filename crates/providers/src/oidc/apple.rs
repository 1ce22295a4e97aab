//! What is Apple's alone.

use serde_json::Value;
use vestibule_domain::claims::{Claims, is_printable};
use vestibule_protocol::json;

/// No such text is longer.
const LONGEST: usize = 4096;

/// Adds the name that Apple tells once, at the first sign-in, as JSON beside the code.
///
/// Nobody signed it: it came through the browser, and whoever sits there may have written it. So a name is all that is taken of it, as if the
/// person had typed it - never the address, and never over what the token says.
pub(super) fn add_name(claims: &mut Claims, user: Option<&str>) {
    let Some(Ok(user)) = user.filter(|user| user.len() <= LONGEST).map(|user| json::parse_strict(user.as_bytes())) else { return };
    let part = |name: &str| {
        user.pointer(name).and_then(Value::as_str).map(str::trim).filter(|text| is_printable(text) && text.chars().count() <= 100)
    };
    let (first, last) = (part("/name/firstName"), part("/name/lastName"));
    let whole = [first, last].into_iter().flatten().collect::<Vec<_>>().join(" ");
    for (name, value) in [("given_name", first), ("family_name", last), ("name", Some(whole.as_str()))] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            claims.entry(name).or_insert_with(|| value.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(user: &str) -> Value {
        let mut claims = Claims::new();
        add_name(&mut claims, Some(user));
        claims.into()
    }

    #[test]
    fn apple_of_what_nobody_signed_only_the_name_is_taken() {
        let user =
            r#"{"name":{"firstName":" Ada","lastName":"Lovelace"},"email":"victim@corp.example","sub":"victim","email_verified":true}"#;
        assert_eq!(named(user), json!({"given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace"}));
        let mut claims = json!({"name": "Signed"}).as_object().unwrap().clone();
        add_name(&mut claims, Some(user));
        assert_eq!(claims["name"], "Signed");
        add_name(&mut claims, None);
    }

    #[test]
    fn attack_65_a_name_is_short_and_printable_or_none() {
        for bad in [
            "",
            "null",
            "[]",
            "{",
            r#"{"name":"Ada"}"#,
            r#"{"name":{"firstName":7}}"#,
            r#"{"name":{"firstName":"a\u0000"}}"#,
            r#"{"name":{"firstName":"a","firstName":"b"}}"#,
            &format!(r#"{{"name":{{"firstName":"{}"}}}}"#, "a".repeat(101)),
            &format!(r#"{{"name":{{"firstName":"a"}},"x":"{}"}}"#, "a".repeat(LONGEST)),
        ] {
            assert_eq!(named(bad), json!({}), "{bad}");
        }
        assert_eq!(named(r#"{"name":{"lastName":"L"}}"#), json!({"family_name": "L", "name": "L"}));
    }
}
