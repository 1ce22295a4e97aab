//! What an issuer says of a person becomes what we keep of them.

use serde_json::Value;
use url::Url;
use vestibule_domain::account::Profile;

use super::line::Object;

const LONGEST: usize = 512;
/// RFC 5321 §4.5.3.1.3, less the angle brackets.
const LONGEST_EMAIL: usize = 254;
const MOST_GROUPS: usize = 500;
const MOST_METHODS: usize = 20;

/// The claims of the ID token, and of userinfo those that the ID token does not have.
///
/// An address and whether it is verified are one statement: they are never put together from two places, or a verified address of one account
/// would vouch for an unverified one of another.
pub(super) fn merged(mut id_token: Object, mut userinfo: Object) -> Object {
    if !id_token.contains_key("email") {
        id_token.remove("email_verified");
    } else if id_token.get("email") != userinfo.get("email") {
        userinfo.remove("email_verified");
    }
    for (name, value) in userinfo {
        id_token.entry(name).or_insert(value);
    }
    id_token
}

/// The profile. A claim of the wrong type, too long, or with control characters is left out as if it had not been said; nothing is converted,
/// because `"false"` is not false in every language (attack 7).
pub(super) fn profile(claims: &Object) -> Profile {
    let text = |name| text(claims, name);
    let email = text("email").filter(|email| is_email(email));
    Profile {
        name: text("name"),
        given_name: text("given_name"),
        family_name: text("family_name"),
        nickname: text("nickname"),
        preferred_username: text("preferred_username"),
        profile: address(claims, "profile"),
        picture: address(claims, "picture"),
        website: address(claims, "website"),
        locale: text("locale"),
        zoneinfo: text("zoneinfo"),
        email_verified: email.is_some() && claims.get("email_verified") == Some(&Value::Bool(true)),
        email,
        groups: list(claims, "groups", MOST_GROUPS),
    }
}

/// A short text, if the claim is one.
pub(super) fn text(claims: &Object, name: &str) -> Option<String> {
    claims.get(name)?.as_str().filter(|text| is_printable(text)).map(str::to_owned)
}

/// RFC 8176.
pub(super) fn methods(claims: &Object) -> Vec<String> {
    list(claims, "amr", MOST_METHODS)
}

fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control)
}

/// One `@` with something on both sides and no white space. `a@corp.example@evil.example` is how an allow-list of domains is fooled (attack 9).
fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    let whole = parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    whole && text.len() <= LONGEST_EMAIL && !text.contains(char::is_whitespace)
}

/// A web address: pages may link to it or load it, and a `javascript:` address would then run there (attack 65).
fn address(claims: &Object, name: &str) -> Option<String> {
    text(claims, name).filter(|text| Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http")))
}

/// All of a list of short texts, or nothing of it: rights hang on groups, and half a list is another list.
fn list(claims: &Object, name: &str, most: usize) -> Vec<String> {
    let Some(Value::Array(values)) = claims.get(name) else { return Vec::new() };
    let texts: Option<Vec<_>> = values.iter().map(|value| value.as_str().filter(|text| is_printable(text)).map(str::to_owned)).collect();
    let fitting = texts.filter(|texts| texts.len() <= most);
    if fitting.is_none() {
        tracing::warn!(claim = name, most, "a list of the issuer's is too long or not of short texts, and is taken for empty");
    }
    fitting.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        let Value::Object(object) = value else { unreachable!() };
        object
    }

    #[test]
    fn attack_07_only_true_is_verified() {
        for claimed in [json!("true"), json!("1"), json!(1), json!(false), json!(null), json!([true]), json!({"value": true})] {
            let profile = profile(&object(json!({"email": "a@b.example", "email_verified": claimed})));
            assert!(!profile.email_verified && profile.email.is_some(), "{claimed}");
        }
        assert!(!profile(&object(json!({"email": "a@b.example"}))).email_verified);
        assert!(!profile(&object(json!({"email_verified": true}))).email_verified);
        assert!(profile(&object(json!({"email": "a@b.example", "email_verified": true}))).email_verified);
    }

    #[test]
    fn attack_07_an_address_is_not_verified_by_a_statement_about_another() {
        let id_token = object(json!({"email": "victim@corp.example"}));
        let userinfo = |email| object(json!({"email": email, "email_verified": true, "name": "N"}));
        let claims = merged(id_token.clone(), userinfo("attacker@evil.example"));
        assert_eq!((&claims["email"], claims.get("email_verified"), &claims["name"]), (&json!("victim@corp.example"), None, &json!("N")));
        assert!(profile(&merged(id_token.clone(), userinfo("victim@corp.example"))).email_verified);
        assert!(profile(&merged(Object::new(), userinfo("victim@corp.example"))).email_verified);
        let denied = object(json!({"email": "victim@corp.example", "email_verified": false}));
        assert!(!profile(&merged(denied, userinfo("victim@corp.example"))).email_verified);
        let orphan = object(json!({"email_verified": true}));
        assert!(!profile(&merged(orphan, object(json!({"email": "victim@corp.example"})))).email_verified);
    }

    #[test]
    fn attack_23_claims_of_another_type_are_left_out() {
        let said = profile(&object(json!({
            "name": 7, "nickname": ["a"], "email": ["a@b.example"], "groups": "admins", "locale": null, "zoneinfo": {"a": "b"},
            "given_name": "a\r\nb", "family_name": "\u{1b}[31m", "preferred_username": "x".repeat(513),
            "profile": "javascript:alert(1)", "picture": "data:text/html,x", "website": "https://a.example/"
        })));
        assert_eq!(said, Profile { website: Some("https://a.example/".into()), ..Profile::default() });
    }

    #[test]
    fn attack_09_what_is_not_one_address_is_none() {
        for bad in ["a", "@b.example", "a@", "a@b@c", "a b@c.example", "a@b.example ", "a@b.example\n", ""] {
            assert_eq!(profile(&object(json!({"email": bad}))).email, None, "{bad:?}");
        }
    }

    #[test]
    fn groups_are_taken_whole_or_not_at_all() {
        let groups = |value: Value| profile(&object(json!({ "groups": value }))).groups;
        assert_eq!(groups(json!(["a", "b"])), ["a", "b"]);
        assert_eq!(groups(json!(vec!["g"; MOST_GROUPS])).len(), MOST_GROUPS);
        for bad in [json!(["a", 1]), json!(["a", "b\n"]), json!(vec!["g"; MOST_GROUPS + 1]), json!({"a": 1})] {
            assert!(groups(bad).is_empty());
        }
    }
}
