//! The `claims` parameter on the wire (OpenID Connect Core 1.0 §5.5).

use vestibule_domain::claims_request::ClaimsRequest;

use crate::json::parse_strict;

/// Longer than any app's; it is kept in a cookie while the person signs in.
const LONGEST: usize = 4_096;

/// Reads the parameter, or says what is wrong with it.
pub fn read(text: &str) -> Result<ClaimsRequest, &'static str> {
    if text.len() > LONGEST {
        return Err("claims is longer than 4096 bytes");
    }
    ClaimsRequest::of(&parse_strict(text.as_bytes()).map_err(|_| "claims is not JSON, or has a member twice")?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn oidc_core_section_5_5_the_example_is_read() {
        let text = r#"{"userinfo": {"given_name": {"essential": true}, "nickname": null, "email": {"essential": true},
            "http://example.info/claims/groups": null}, "id_token": {"auth_time": {"essential": true}, "acr": {"values": ["urn:mace:incommon:iap:silver"]}}}"#;
        let read = read(text).unwrap();
        let names: Vec<_> = read.wanted.userinfo.iter().map(String::as_str).collect();
        assert_eq!(names, ["email", "given_name", "http://example.info/claims/groups", "nickname"]);
        assert_eq!((read.acr.as_slice(), read.acr_is_essential), (["urn:mace:incommon:iap:silver".to_owned()].as_slice(), false));
        assert_eq!(read.subjects, None);
    }

    #[test]
    fn oidc_core_section_5_5_1_sub_and_acr_may_name_values() {
        let id = "7c1f7a0e-5d1c-4d3e-8f2b-6a9d0c3b5e71";
        let one =
            read(&format!(r#"{{"id_token": {{"sub": {{"value": "{id}"}}, "acr": {{"essential": true, "value": "urn:mfa"}}}}}}"#)).unwrap();
        assert_eq!((one.subjects.map(|names| names.len()), one.acr_is_essential), (Some(1), true));
        let nobody = read(r#"{"id_token": {"sub": {"values": ["248289761001"]}}}"#).unwrap();
        assert_eq!(nobody.subjects, Some(vec![]), "nobody has such a name here");
        assert!(read(r#"{"id_token": {"acr": {"essential": true}}, "x": 1, "userinfo": null}"#).unwrap().acr.is_empty());
    }

    #[test]
    fn oidc_core_section_5_5_what_is_malformed_is_refused() {
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
    }
}
