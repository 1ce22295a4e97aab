//! Signed request objects (RFC 9101, OpenID Connect Core 1.0 §6): what a client says in them, and whether it may count.
//!
//! The signature was checked before, by a key of the client that the request names.

use std::time::Duration;

use serde_json::Value;

use crate::{
    assertion::{CLOCKS_DIFFER, is_media_type, moment},
    authorize::Asked,
    claims::Claims,
    claims_request::ClaimsRequest,
    client::Client,
    error::{OAuthError, OAuthErrorCode},
    signed::SignedJwt,
    time::Timestamp,
};

/// Media types without `application/` (RFC 9101 §10.8.1). None is taken too, and the general one, which many libraries write; any other is a token for
/// something else.
const OURS: [&str; 2] = ["oauth-authz-req+jwt", "JWT"];

/// How old an object may be, and how long it may live: whoever finds one in a browser's history later finds nothing.
const LONGEST: Duration = Duration::from_hours(1);

/// The request that an object makes (RFC 9101 §6.3): its members alone count. What stands beside it in the open can be changed by whoever carries it,
/// so where it says something else about who asks and where the answer goes, the whole is refused (attack 60).
pub fn read(object: &SignedJwt, beside: &Asked, client: &Client, issuer: &str, now: Timestamp) -> Result<Asked, OAuthError> {
    let claims = &object.claims;
    if object.typ.as_deref().is_some_and(|typ| !OURS.iter().any(|ours| is_media_type(typ, ours))) {
        return Err(invalid("typ of the request object must be oauth-authz-req+jwt, or left out"));
    }
    is_for_us(claims, client, issuer)?;
    is_timely(claims, now)?;
    if claims.contains_key("request") || claims.contains_key("request_uri") {
        return Err(invalid("a request object must not have request or request_uri in it"));
    }
    let mut wrong = false;
    let asked = Asked::read(|name| {
        let read = read_text(claims.get(name));
        wrong |= read.is_err();
        read.unwrap_or_default()
    });
    if wrong {
        return Err(invalid("a parameter in the request object is not text"));
    }
    let by_name = claims.get("claims").map(ClaimsRequest::of);
    let resources = resources(claims.get("resource"))?;
    let asked = Asked { claims: by_name, resources, signed: true, pushed: beside.pushed, ..asked };
    if asked.client_id.as_deref() != Some(client.id.as_str()) {
        return Err(invalid("client_id must be in the request object, and be the one beside it"));
    }
    let differs = |beside: &Option<String>, within: &Option<String>| beside.is_some() && beside != within;
    if differs(&beside.response_type, &asked.response_type) || differs(&beside.redirect_uri, &asked.redirect_uri) {
        return Err(invalid("response_type and redirect_uri must say the same beside the request object as in it"));
    }
    Ok(asked)
}

/// `iss` and `aud` (RFC 9101 §4), and that it is no other token of the client's: one whose `sub` is the client could be its proof of who it is (§10.8.2).
fn is_for_us(claims: &Claims, client: &Client, issuer: &str) -> Result<(), OAuthError> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(client.id.as_str()) {
        return Err(invalid("iss of the request object must be the client_id"));
    }
    let aimed = match claims.get("aud") {
        Some(Value::String(aud)) => aud == issuer,
        Some(Value::Array(all)) => all.iter().any(|aud| aud == issuer),
        _ => false,
    };
    if !aimed {
        return Err(invalid("aud of the request object must be this issuer"));
    }
    if text("sub") == Some(client.id.as_str()) {
        return Err(invalid("sub of a request object must not be the client_id"));
    }
    Ok(())
}

fn is_timely(claims: &Claims, now: Timestamp) -> Result<(), OAuthError> {
    let moment = |name| moment(claims, name).map_err(|_| invalid("exp, nbf and iat of the request object must be moments in seconds"));
    // Without an end, whoever saw the object once could send people with it for ever.
    let expires = moment("exp")?.ok_or_else(|| invalid("exp of the request object is missing"))?;
    if now >= expires {
        return Err(invalid("the request object has expired"));
    }
    if expires.since(now) > LONGEST + CLOCKS_DIFFER {
        return Err(invalid("exp of the request object must be at most an hour ahead"));
    }
    for from in [moment("nbf")?, moment("iat")?].into_iter().flatten() {
        if from > now + CLOCKS_DIFFER {
            return Err(invalid("nbf or iat of the request object lies ahead; is the clock right?"));
        }
        if now.since(from) > LONGEST {
            return Err(invalid("nbf and iat of the request object must be at most an hour ago"));
        }
    }
    Ok(())
}

/// A parameter's value as the query would have it; numbers are for `max_age` (RFC 9101 §4), and empty is absent.
fn read_text(value: Option<&Value>) -> Result<Option<String>, ()> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(()),
    }
}

/// One, or an array of several (RFC 8707 §2).
fn resources(value: Option<&Value>) -> Result<Vec<String>, OAuthError> {
    let one = |value: &Value| value.as_str().map(str::to_owned);
    let all = match value {
        None => Some(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(one).collect(),
        Some(value) => one(value).map(|one| vec![one]),
    };
    all.ok_or_else(|| invalid("resource of the request object must be text, or an array of texts"))
}

fn invalid(why: &'static str) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidRequestObject, why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{
        client::SigningAlg,
        registration::{Draft, Offered},
    };

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const ISSUER: &str = "https://sso.example.com";
    const CALLBACK: &str = "https://app.example.com/cb";

    fn client() -> Client {
        let draft = Draft { name: "App".into(), redirect_uris: vec![CALLBACK.into()], ..Draft::default() };
        let offered = Offered { algorithms: vec![SigningAlg::Rs256], ..Offered::default() };
        draft.check("app", &offered, NOW).unwrap()
    }

    fn claims(changed: &Value) -> Claims {
        let mut claims = json!({
            "iss": "app", "aud": ISSUER, "exp": NOW.as_secs() + 300, "client_id": "app", "response_type": "code", "redirect_uri": CALLBACK,
            "scope": "openid", "max_age": 60,
        });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    fn reading(changed: &Value, beside: &Asked) -> Result<Asked, OAuthErrorCode> {
        let object = SignedJwt { typ: None, alg: Some(SigningAlg::Es256), claims: claims(changed) };
        read(&object, beside, &client(), ISSUER, NOW).map_err(|error| error.code)
    }

    #[test]
    fn rfc_9101_section_6_3_only_what_the_object_says_counts() {
        let beside =
            Asked { client_id: Some("app".into()), scope: Some("openid email".into()), state: Some("changed".into()), ..Asked::default() };
        let asked =
            reading(&json!({ "resource": ["https://a.example/", "https://b.example/"], "nonce": "n", "unknown": {}, "claims": { "userinfo": { "email": null } } }), &beside).unwrap();
        assert_eq!((asked.scope.as_deref(), asked.state.as_deref(), asked.max_age.as_deref()), (Some("openid"), None, Some("60")));
        assert_eq!((asked.nonce.as_deref(), asked.resources.len(), asked.signed), (Some("n"), 2, true));
        assert!(asked.claims.unwrap().unwrap().wanted.userinfo.contains("email"));
        assert_eq!(reading(&json!({ "resource": "https://a.example/" }), &beside).unwrap().resources, ["https://a.example/"]);
    }

    #[test]
    fn attack_60_an_object_of_or_for_somebody_else_or_out_of_its_time_is_refused() {
        for bad in [
            json!({ "iss": null }),
            json!({ "iss": "other" }),
            json!({ "iss": ["app"] }),
            json!({ "client_id": null }),
            json!({ "client_id": "other" }),
            json!({ "client_id": 1 }),
            json!({ "aud": null }),
            json!({ "aud": "https://sso.example.com/" }),
            json!({ "aud": ["https://other.example"] }),
            json!({ "aud": { "0": ISSUER } }),
            json!({ "sub": "app" }),
            json!({ "exp": null }),
            json!({ "exp": NOW.as_secs() }),
            json!({ "exp": NOW.as_secs() + 4_000 }),
            json!({ "exp": i64::MAX }),
            json!({ "exp": "1800000300" }),
            json!({ "exp": -1.0e300 }),
            json!({ "nbf": "now" }),
            json!({ "nbf": NOW.as_secs() + 61 }),
            json!({ "nbf": NOW.as_secs() - 3_601 }),
            json!({ "iat": NOW.as_secs() + 61 }),
            json!({ "nbf": true }),
            json!({ "request": "a.b.c" }),
            json!({ "request_uri": "urn:ietf:params:oauth:request_uri:x" }),
            json!({ "scope": ["openid"] }),
            json!({ "state": { "a": 1 } }),
            json!({ "resource": [1] }),
            json!({ "resource": {} }),
        ] {
            assert_eq!(reading(&bad, &Asked::default()).unwrap_err(), OAuthErrorCode::InvalidRequestObject, "{bad}");
        }
        for good in [
            json!({}),
            json!({ "aud": [ISSUER, "https://other.example"] }),
            json!({ "nbf": NOW.as_secs() + 10, "iat": NOW.as_secs() - 3_000 }),
            json!({ "sub": "somebody" }),
        ] {
            assert!(reading(&good, &Asked::default()).is_ok(), "{good}");
        }
    }

    #[test]
    fn rfc_9101_section_10_8_a_token_of_another_kind_is_no_request_object() {
        let typed = |typ: &str| {
            let object = SignedJwt { typ: Some(typ.into()), alg: Some(SigningAlg::Es256), claims: claims(&json!({})) };
            read(&object, &Asked::default(), &client(), ISSUER, NOW).is_ok()
        };
        assert!(typed("oauth-authz-req+jwt") && typed("application/OAuth-Authz-Req+JWT") && typed("JWT"));
        for other in ["at+jwt", "logout+jwt", "dpop+jwt", "client-authentication+jwt", ""] {
            assert!(!typed(other), "{other}");
        }
    }

    #[test]
    fn attack_60_what_stands_beside_the_object_must_not_say_another_address() {
        let beside = |redirect_uri: &str, response_type: &str| Asked {
            redirect_uri: Some(redirect_uri.into()),
            response_type: Some(response_type.into()),
            ..Asked::default()
        };
        assert!(reading(&json!({}), &beside(CALLBACK, "code")).is_ok());
        let refused = Err(OAuthErrorCode::InvalidRequestObject);
        assert_eq!(reading(&json!({}), &beside("https://app.example.com/other", "code")).map(drop), refused);
        assert_eq!(reading(&json!({}), &beside(CALLBACK, "token")).map(drop), refused);
        assert_eq!(reading(&json!({ "redirect_uri": null }), &beside(CALLBACK, "code")).map(drop), refused);
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            proptest::collection::vec(".{0,8}", 0..3).prop_map(Value::from),
            Just(json!({ "a": [] })),
        ]
    }

    proptest! {
        #[test]
        fn any_members_are_read_or_refused_and_never_for_another_client(
            name in prop::sample::select(vec!["iss", "aud", "exp", "nbf", "iat", "sub", "client_id", "scope", "resource", "max_age", "request", "x"]),
            value in value(),
        ) {
            let mut changed = json!({});
            changed[name] = value;
            if let Ok(asked) = reading(&changed, &Asked::default()) {
                prop_assert_eq!(asked.client_id.as_deref(), Some("app"));
                prop_assert!(asked.signed && asked.request.is_none() && asked.request_uri.is_none());
            }
        }
    }
}
