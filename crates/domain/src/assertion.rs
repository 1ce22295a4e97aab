//! Client assertions (RFC 7523 §3, OpenID Connect Core 1.0 §9): may this JWT stand for a client?

use std::time::Duration;

use serde_json::Value;

use crate::{claims::Claims, ids::ClientId, signed::SignedJwt, time::Timestamp};

/// `client_assertion_type` (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead `exp` may lie. An assertion is made for one request; until it expires its `jti` is remembered, and whoever steals one that lives
/// for a year has a year. The longest that common libraries make is ten minutes.
pub const LONGEST: Duration = Duration::from_mins(10);
/// How far ahead `iat` and `nbf` may lie, because clocks differ (FAPI 2.0 Security Profile §5.3.2.1: 10 seconds must be accepted, more than 60 must
/// not).
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(10);
/// Longer names of assertions are refused; they are only ever compared.
const LONGEST_JTI: usize = 255;

/// An assertion that holds; what is left is to see that it was not used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Its name, unique among those of its client.
    pub jti: String,
    /// When it can be forgotten.
    pub expires: Timestamp,
}

/// Why an assertion is none. The texts are for the operator, and repeat nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionFault {
    /// It is another kind of token: an access token, a logout token, a DPoP proof, a request object (attack 55).
    #[error("typ is that of another kind of token")]
    Type,
    /// It names no client, or two (RFC 7523 §3: both are the `client_id`).
    #[error("iss and sub are not both the client_id")]
    Client,
    /// It is meant for somebody else, or for several: then each of them could present it to the others.
    #[error("aud is not a single text that names us")]
    Audience,
    /// There is no `exp`, or it is no number.
    #[error("exp is missing")]
    NoExpiry,
    /// Too late.
    #[error("it has expired")]
    Expired,
    /// `exp` lies too far ahead.
    #[error("exp lies more than ten minutes ahead")]
    LivesTooLong,
    /// `nbf` or `iat` is no number, or lies ahead.
    #[error("nbf or iat is not a moment that has come")]
    NotYet,
    /// There is no `jti`, so it could be used again and again.
    #[error("jti is missing, or longer than 255 bytes")]
    NoName,
}

/// Whether what a client signed is an assertion that it is this client, made for one of `audiences`, now.
///
/// `aud` is a text and never a list (draft-ietf-oauth-rfc7523bis §4): a client that signs for whatever token endpoint an attacker's metadata names
/// would sign for us among others, and the attacker could bring it here.
pub fn check(jwt: &SignedJwt, client: &ClientId, audiences: &[&str], now: Timestamp) -> Result<Assertion, AssertionFault> {
    const OURS: [&str; 2] = ["JWT", "client-authentication+jwt"];
    if jwt.typ.as_deref().is_some_and(|typ| !OURS.iter().any(|ours| is_media_type(typ, ours))) {
        return Err(AssertionFault::Type);
    }
    let text = |name: &str| jwt.claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(client.as_str()) || text("sub") != Some(client.as_str()) {
        return Err(AssertionFault::Client);
    }
    if !text("aud").is_some_and(|aud| audiences.contains(&aud)) {
        return Err(AssertionFault::Audience);
    }
    let expires = moment(&jwt.claims, "exp").ok().flatten().ok_or(AssertionFault::NoExpiry)?;
    if expires <= now {
        return Err(AssertionFault::Expired);
    }
    if expires > now + LONGEST + CLOCKS_DIFFER {
        return Err(AssertionFault::LivesTooLong);
    }
    for name in ["nbf", "iat"] {
        let from = moment(&jwt.claims, name).map_err(|NotADate| AssertionFault::NotYet)?;
        if from.is_some_and(|from| from > now + CLOCKS_DIFFER) {
            return Err(AssertionFault::NotYet);
        }
    }
    let jti = text("jti").filter(|jti| (1..=LONGEST_JTI).contains(&jti.len())).ok_or(AssertionFault::NoName)?;
    Ok(Assertion { jti: jti.to_owned(), expires })
}

/// RFC 7515 §4.1.9: media types are compared without regard to case, and `application/` may stand before them.
pub fn is_media_type(typ: &str, expected: &str) -> bool {
    let (prefix, rest) = typ.split_at_checked("application/".len()).unwrap_or(("", typ));
    let typ = if prefix.eq_ignore_ascii_case("application/") { rest } else { typ };
    typ.eq_ignore_ascii_case(expected)
}

/// A claim is there and is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADate;

/// A `NumericDate` (RFC 7519 §2), which may have a fraction; nothing if it is not there, an error if it is something else.
pub fn moment(claims: &Claims, name: &str) -> Result<Option<Timestamp>, NotADate> {
    /// The year 9999; what lies beyond is no date, and could not be computed with.
    const LAST: f64 = 253_402_300_799.0;
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=LAST).contains(seconds)).ok_or(NotADate)?;
    #[expect(clippy::cast_possible_truncation, reason = "it lies between 0 and the year 9999")]
    Ok(Some(Timestamp::from_secs(seconds.floor() as i64)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const ISSUER: &str = "https://id.example";

    fn good() -> Value {
        json!({"iss": "app", "sub": "app", "aud": ISSUER, "exp": 1_800_000_060, "iat": 1_800_000_000, "jti": "one"})
    }

    fn checked(claims: Value, typ: Option<&str>) -> Result<Assertion, AssertionFault> {
        let Value::Object(claims) = claims else { unreachable!() };
        let jwt = SignedJwt { typ: typ.map(str::to_owned), alg: None, claims };
        check(&jwt, &ClientId::parse("app").unwrap(), &[ISSUER, "https://id.example/token"], NOW)
    }

    fn with(name: &str, value: Value) -> Result<Assertion, AssertionFault> {
        let mut claims = good();
        claims[name] = value;
        checked(claims, None)
    }

    fn without(name: &str) -> Result<Assertion, AssertionFault> {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        checked(claims, None)
    }

    #[test]
    fn rfc_7523_section_3_an_assertion_names_its_client_twice_and_us_once() {
        assert_eq!(checked(good(), None), Ok(Assertion { jti: "one".into(), expires: Timestamp::from_secs(1_800_000_060) }));
        assert!(with("aud", json!("https://id.example/token")).is_ok());
        for name in ["iss", "sub"] {
            for bad in [json!("other"), json!(null), json!(["app"]), json!("APP"), json!("")] {
                assert_eq!(with(name, bad.clone()), Err(AssertionFault::Client), "{name}: {bad}");
            }
            assert_eq!(without(name), Err(AssertionFault::Client));
        }
    }

    #[test]
    fn security_topics_update_audience_injection_a_list_of_audiences_is_refused_even_when_we_stand_in_it() {
        for bad in [
            json!([ISSUER]),
            json!([ISSUER, "https://evil.example"]),
            json!("https://evil.example"),
            json!("https://id.example/"),
            json!("https://id.example/token?"),
            json!(""),
            json!(null),
            json!({"aud": ISSUER}),
        ] {
            assert_eq!(with("aud", bad.clone()), Err(AssertionFault::Audience), "{bad}");
        }
        assert_eq!(without("aud"), Err(AssertionFault::Audience));
    }

    #[test]
    fn attack_48_an_assertion_lives_for_minutes_and_has_a_name() {
        assert_eq!(without("exp"), Err(AssertionFault::NoExpiry));
        for bad in [json!("1800000060"), json!(-1), json!(1e300), json!(null), json!([1_800_000_060])] {
            assert_eq!(with("exp", bad.clone()), Err(AssertionFault::NoExpiry), "{bad}");
        }
        assert_eq!(with("exp", json!(1_800_000_000)), Err(AssertionFault::Expired));
        assert!(with("exp", json!(1_800_000_610)).is_ok());
        assert_eq!(with("exp", json!(1_800_000_611)), Err(AssertionFault::LivesTooLong));
        assert_eq!(with("exp", json!(1_831_536_000)), Err(AssertionFault::LivesTooLong), "a year");
        assert_eq!(without("jti"), Err(AssertionFault::NoName));
        for bad in [json!(""), json!(1), json!("x".repeat(256))] {
            assert_eq!(with("jti", bad), Err(AssertionFault::NoName));
        }
    }

    #[test]
    fn fapi_2_0_section_5_3_2_1_13_ten_seconds_ahead_are_accepted_and_more_than_sixty_are_not() {
        for name in ["iat", "nbf"] {
            assert!(without(name).is_ok(), "{name} is not required");
            assert!(with(name, json!(1_800_000_010)).is_ok());
            assert!(with(name, json!(1_800_000_000.9)).is_ok());
            assert_eq!(with(name, json!(1_800_000_061)), Err(AssertionFault::NotYet));
            assert_eq!(with(name, json!("1800000000")), Err(AssertionFault::NotYet));
        }
    }

    #[test]
    fn attack_55_another_kind_of_token_is_no_assertion() {
        for fine in ["JWT", "jwt", "application/jwt", "client-authentication+jwt", "APPLICATION/Client-Authentication+JWT"] {
            assert!(checked(good(), Some(fine)).is_ok(), "{fine}");
        }
        for other in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "oauth-authz-req+jwt", "token-introspection+jwt", ""] {
            assert_eq!(checked(good(), Some(other)), Err(AssertionFault::Type), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_claims_are_decided_and_none_that_lacks_a_rule_passes(
            members in proptest::collection::vec(("(iss|sub|aud|exp|nbf|iat|jti)", prop_oneof![
                Just(json!("app")), Just(json!(ISSUER)), any::<i64>().prop_map(Into::into), any::<f64>().prop_map(Into::into),
                (1_799_999_000_i64..1_800_001_000).prop_map(Into::into), Just(json!([ISSUER])), Just(Value::Null),
            ]), 0..9),
            typ in proptest::option::of(".{0,12}"),
        ) {
            let claims: Claims = members.into_iter().collect();
            let jwt = SignedJwt { typ, alg: None, claims };
            if let Ok(assertion) = check(&jwt, &ClientId::parse("app").unwrap(), &[ISSUER], NOW) {
                prop_assert_eq!((&jwt.claims["iss"], &jwt.claims["sub"], &jwt.claims["aud"]), (&json!("app"), &json!("app"), &json!(ISSUER)));
                prop_assert!(assertion.expires > NOW && assertion.expires <= NOW + LONGEST + CLOCKS_DIFFER);
            }
        }
    }
}
