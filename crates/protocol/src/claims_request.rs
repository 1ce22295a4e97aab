//! The `claims` parameter on the wire (OpenID Connect Core 1.0 §5.5).

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use vestibule_domain::{
    claims::is_claim_name,
    claims_request::{ClaimsRequest, WantedClaims},
};

use crate::json::parse_strict;

/// Longer than any app's; it is kept in a cookie while the person signs in.
const LONGEST: usize = 4_096;
/// More claims than there are.
const MOST_NAMES: usize = 50;
const MOST_VALUES: usize = 10;
const LONGEST_VALUE: usize = 256;

/// Reads the parameter, or says what is wrong with it. Members that no specification knows are ignored, as are values of claims other than `acr` and
/// `sub`: the app sees what the claim says.
pub fn read(text: &str) -> Result<ClaimsRequest, &'static str> {
    if text.len() > LONGEST {
        return Err("claims is longer than 4096 bytes");
    }
    of(&parse_strict(text.as_bytes()).map_err(|_| "claims is not JSON, or has a member twice")?)
}

/// The same of a value that was read strictly already.
pub fn of(value: &Value) -> Result<ClaimsRequest, &'static str> {
    let asked = value.as_object().ok_or("claims must be an object")?;
    let (id_token, userinfo) = (part(asked, "id_token")?, part(asked, "userinfo")?);
    let names = |part: Option<&Map<String, Value>>| part.into_iter().flat_map(Map::keys).cloned().collect::<BTreeSet<_>>();
    let wanted = WantedClaims { id_token: names(id_token), userinfo: names(userinfo) };
    let member = |name| id_token.and_then(|part| part.get(name)).and_then(Value::as_object);
    let subjects = member("sub").and_then(values).map(|names| names.iter().filter_map(|name| name.parse().ok()).collect());
    let acr = member("acr");
    let acr_is_essential = acr.and_then(|acr| acr.get("essential")).is_some_and(|essential| *essential == Value::Bool(true));
    let acr: Vec<String> = acr.and_then(values).unwrap_or_default().into_iter().map(str::to_owned).collect();
    Ok(ClaimsRequest { wanted, subjects, acr_is_essential: acr_is_essential && !acr.is_empty(), acr })
}

/// One of the two lists, each member of it well formed (§5.5.1).
fn part<'a>(asked: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, &'static str> {
    let part = match asked.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(part) => part.as_object().ok_or("claims.id_token and claims.userinfo must be objects")?,
    };
    if part.len() > MOST_NAMES {
        return Err("claims asks for more than 50 claims at once");
    }
    for (name, how) in part {
        let Some(how) = how.as_object() else {
            if how.is_null() && is_claim_name(name) {
                continue;
            }
            return Err("each claim in claims must be null or an object");
        };
        let fine = is_claim_name(name)
            && how.get("essential").is_none_or(Value::is_boolean)
            && how.get("values").is_none_or(|values| values.as_array().is_some_and(|values| (1..=MOST_VALUES).contains(&values.len())));
        // Only for these two are values looked at.
        let texts = !matches!(name.as_str(), "sub" | "acr") || values(how).is_none_or(|texts| texts.len() == count(how));
        if !fine || !texts {
            return Err("a claim in claims has a malformed name, essential, value or values");
        }
    }
    Ok(Some(part))
}

/// `value` and `values`, those that are texts of a sensible length; nothing if neither is there.
fn values(how: &Map<String, Value>) -> Option<Vec<&str>> {
    let all = how.get("value").into_iter().chain(how.get("values").and_then(Value::as_array).into_iter().flatten());
    let texts = all.filter_map(Value::as_str).filter(|text| (1..=LONGEST_VALUE).contains(&text.len())).collect();
    (count(how) > 0).then_some(texts)
}

fn count(how: &Map<String, Value>) -> usize {
    usize::from(how.contains_key("value")) + how.get("values").and_then(Value::as_array).map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn openid_core_section_5_5_the_example_is_read() {
        let text = r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null, "email": {"essential": true},
            "http://example.info/claims/groups": null}, "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}}}"#;
        let read = read(text).unwrap();
        let names: Vec<_> = read.wanted.userinfo.iter().map(String::as_str).collect();
        assert_eq!(names, ["email", "given_name", "http://example.info/claims/groups", "nickname"]);
        assert_eq!((read.acr.as_slice(), read.acr_is_essential), (["urn:mace:incommon:iap:silver".to_owned()].as_slice(), false));
        assert_eq!(read.subjects, None);
    }

    #[test]
    fn openid_core_section_5_5_1_sub_and_acr_may_name_values() {
        let id = "7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71";
        let one =
            read(&format!(r#"{{"id_token": {{"sub": {{"value": "{id}"}}, "acr": {{"essential": true, "value": "urn:mfa"}}}}}}"#)).unwrap();
        assert_eq!((one.subjects.map(|names| names.len()), one.acr_is_essential), (Some(1), true));
        let nobody = read(r#"{"id_token": {"sub": {"values": ["248289761001"]}}}"#).unwrap();
        assert_eq!(nobody.subjects, Some(vec![]), "nobody has such a name here");
        assert!(read(r#"{"id_token": {"acr": {"essential": true}}, "x": 1, "userinfo": null}"#).unwrap().acr.is_empty());
    }

    #[test]
    fn openid_core_section_5_5_what_is_malformed_is_refused() {
        let many: Vec<String> = (0..51).map(|n| format!("\"c{n}\": null")).collect();
        for bad in [
            "",
            "x",
            "[]",
            "null",
            "1",
            "{\"id_token\": 1}",
            "{\"userinfo\": []}",
            "{\"userinfo\": {\"a\": 1}}",
            "{\"userinfo\": {\"a b\": null}}",
            "{\"userinfo\": {\"\": {}}}",
            "{\"userinfo\": {\"a\": {\"essential\": \"yes\"}}}",
            "{\"id_token\": {\"acr\": {\"values\": \"x\"}}}",
            "{\"id_token\": {\"acr\": {\"values\": []}}}",
            "{\"id_token\": {\"acr\": {\"values\": [1]}}}",
            "{\"id_token\": {\"sub\": {\"value\": 1}}}",
            "{\"userinfo\": {\"a\": null, \"a\": null}}",
            "{\"userinfo\": {}} {}",
            &format!("{{\"userinfo\": {{{}}}}}", many.join(",")),
            &format!("{{\"x\": \"{}\"}}", "y".repeat(LONGEST)),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_the_refusal_repeats_nothing(text in ".{0,300}") {
            if let Err(why) = read(&text) {
                prop_assert!(why.starts_with("claims") || why.starts_with("a claim") || why.starts_with("each claim"));
            }
        }

        #[test]
        fn what_is_read_is_bounded(names in vec("[a-z_#:/. \"]{0,120}", 0..80), values in vec(".{0,300}", 0..14), essential in any::<bool>()) {
            let part: Map<String, Value> = names.iter().map(|name| (name.clone(), serde_json::json!({"essential": essential, "values": values}))).collect();
            let acr = serde_json::json!({"essential": essential, "values": values});
            let asked = serde_json::json!({"userinfo": part, "id_token": {"acr": acr, "sub": acr}});
            if let Ok(read) = of(&asked) {
                prop_assert!(read.wanted.userinfo.len() <= MOST_NAMES && read.acr.len() <= MOST_VALUES);
                prop_assert!(read.acr.iter().all(|value| value.len() <= LONGEST_VALUE));
                prop_assert!(read.wanted.userinfo.iter().all(|name| is_claim_name(name)));
            }
        }
    }
}
