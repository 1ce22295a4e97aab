//! What a client checks of an ID token (OpenID Connect Core 1.0 §3.1.3.7).
//!
//! Not its signature: the token came straight from the token endpoint, and point 6 then lets the connection vouch for it. The page says so,
//! and that over plain http on one machine it is the machine that vouches.

use serde_json::{Map, Value};
use vestibule_protocol::jwt;

use super::exchange::pretty;
use crate::random;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) what: &'static str,
    pub(super) is_good: bool,
    /// What was found.
    pub(super) found: String,
}

/// What the token has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: Nonce<'a>,
    /// Known from before, when this is a refreshed token (§12.2).
    pub(super) sub: Option<&'a str>,
    pub(super) access_token: &'a str,
    /// Seconds since the epoch.
    pub(super) now: i64,
}

/// After a refresh the nonce may be missing, but not another (§12.2).
#[derive(Clone, Copy)]
pub(super) enum Nonce<'a> {
    Required(&'a str),
    SameIfPresent(&'a str),
}

/// How far two clocks may be apart, in seconds.
const LEEWAY: i64 = 60;

/// The `sub`, if everything is as it has to be; and what was checked, either way.
pub(super) fn check(token: &str, expected: &Expected<'_>) -> (Option<String>, Vec<Check>) {
    let unverified = match jwt::parse(token) {
        Ok(unverified) => unverified,
        Err(fault) => return (None, vec![Check { what: "It is a signed token", is_good: false, found: fault.to_string() }]),
    };
    let checks = checks(&unverified.claims, &unverified.header.alg, expected);
    let sub = text(&unverified.claims, "sub").filter(|sub| !sub.is_empty() && checks.iter().all(|check| check.is_good));
    (sub.map(str::to_owned), checks)
}

fn checks(claims: &Map<String, Value>, alg: &str, expected: &Expected<'_>) -> Vec<Check> {
    let found = |name: &str| claims.get(name).map_or_else(|| "absent".to_owned(), Value::to_string);
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let nonce_is_good = match expected.nonce {
        Nonce::Required(nonce) => text(claims, "nonce") == Some(nonce),
        Nonce::SameIfPresent(nonce) => !claims.contains_key("nonce") || text(claims, "nonce") == Some(nonce),
    };
    let sub_is_good = expected.sub.map_or_else(|| text(claims, "sub").is_some(), |sub| text(claims, "sub") == Some(sub));
    // Other algorithms hash with something else; the claim is optional in this flow (§3.1.3.6).
    let hash_is_good = !alg.ends_with("256") || text(claims, "at_hash").is_none_or(|hash| hash == random::half_hash(expected.access_token));
    [
        ("iss is Vestibule", text(claims, "iss") == Some(expected.issuer), found("iss")),
        ("aud is this app, alone", is_for(claims, expected.client_id), found("aud")),
        ("exp lies ahead", number("exp").is_some_and(|exp| expected.now < exp + LEEWAY), found("exp")),
        ("iat does not lie ahead", number("iat").is_some_and(|iat| iat <= expected.now + LEEWAY), found("iat")),
        ("nonce is the one that was sent", nonce_is_good, found("nonce")),
        ("sub is there, and the same after a refresh", sub_is_good, found("sub")),
        ("at_hash belongs to the access token", hash_is_good, found("at_hash")),
    ]
    .into_iter()
    .map(|(what, is_good, found)| Check { what, is_good, found })
    .collect()
}

/// §3.1.3.7 points 3 to 5: ours, with no audience that we don't know, and no other authorized party.
fn is_for(claims: &Map<String, Value>, client_id: &str) -> bool {
    let aud = match claims.get("aud") {
        Some(Value::Array(several)) if several.len() == 1 => several[0].as_str(),
        Some(Value::String(one)) => Some(one.as_str()),
        _ => None,
    };
    aud == Some(client_id) && claims.get("azp").is_none_or(|azp| azp == client_id)
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// Header and claims as people read them; nothing if the token is opaque.
pub(super) fn decoded(token: &str) -> Option<(String, String)> {
    let unverified = jwt::parse(token).ok()?;
    let header = serde_json::to_value(&unverified.header).ok()?;
    Some((pretty(&header), pretty(&Value::Object(unverified.claims))))
}

/// One claim as text, to greet people with; nothing is decided by it.
pub(super) fn claim(token: &str, name: &str) -> Option<String> {
    text(&jwt::parse(token).ok()?.claims, name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_protocol::jwt::Header;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn expected() -> Expected<'static> {
        Expected { issuer: "http://i", client_id: "demo", nonce: Nonce::Required("n"), sub: None, access_token: "at", now: NOW }
    }

    fn good() -> Value {
        json!({"iss": "http://i", "aud": "demo", "sub": "s", "exp": NOW + 300, "iat": NOW, "nonce": "n", "at_hash": random::half_hash("at")})
    }

    fn token(claims: &Value) -> String {
        let header = Header { alg: "RS256".into(), typ: Some("JWT".into()), kid: Some("k".into()) };
        jwt::assemble(jwt::signing_input(&header, claims.to_string().as_bytes()), b"x")
    }

    #[test]
    fn oidc_core_section_3_1_3_7_a_good_token_says_who_it_is() {
        assert_eq!(check(&token(&good()), &expected()).0.as_deref(), Some("s"));
        let mut alone = good();
        alone["aud"] = json!(["demo"]);
        alone["azp"] = json!("demo");
        assert_eq!(check(&token(&alone), &expected()).0.as_deref(), Some("s"));
    }

    #[test]
    fn attack_23_each_claim_that_is_not_as_it_has_to_be_is_named() {
        let wrong = [
            ("iss", json!("http://i/"), "iss is Vestibule"),
            ("aud", json!(["demo", "other"]), "aud is this app, alone"),
            ("aud", json!("other"), "aud is this app, alone"),
            ("azp", json!("other"), "aud is this app, alone"),
            ("exp", json!(NOW - 60), "exp lies ahead"),
            ("exp", json!("2030"), "exp lies ahead"),
            ("iat", json!(NOW + 61), "iat does not lie ahead"),
            ("nonce", json!("other"), "nonce is the one that was sent"),
            ("nonce", Value::Null, "nonce is the one that was sent"),
            ("sub", json!(7), "sub is there, and the same after a refresh"),
            ("at_hash", json!("other"), "at_hash belongs to the access token"),
        ];
        for (name, value, what) in wrong {
            let mut claims = good();
            claims[name] = value;
            let (sub, checks) = check(&token(&claims), &expected());
            let bad: Vec<_> = checks.iter().filter(|check| !check.is_good).map(|check| check.what).collect();
            assert_eq!((sub, bad), (None, vec![what]), "{name}");
        }
    }

    #[test]
    fn oidc_core_section_12_2_a_refreshed_token_may_lack_the_nonce_and_keeps_the_sub() {
        let expected = Expected { nonce: Nonce::SameIfPresent("n"), sub: Some("s"), ..expected() };
        let mut claims = good();
        claims.as_object_mut().unwrap().remove("nonce");
        assert!(check(&token(&claims), &expected).0.is_some());
        claims["sub"] = json!("t");
        assert!(check(&token(&claims), &expected).0.is_none());
        claims["sub"] = json!("s");
        claims["nonce"] = json!("m");
        assert!(check(&token(&claims), &expected).0.is_none());
    }

    #[test]
    fn attack_18_an_unsigned_token_is_none() {
        let unsigned = token(&good()).rsplit_once('.').map(|(input, _)| format!("{input}.")).unwrap();
        assert_eq!(check(&unsigned, &expected()).0, None);
    }
}
