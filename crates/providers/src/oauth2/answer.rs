//! What a token endpoint answers (RFC 6749 §5.1).

use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use vestibule_domain::{
    claims::is_printable,
    provider::{Phase, ProviderError, ReceivedTokens},
    time::Timestamp,
};

use super::settings::Separator;
use crate::line::{Object, invalid};

/// Beyond a century it is no expiry.
const CENTURY: u64 = 24 * 3600 * 36525;
/// No token is longer; one is sent in a header, and servers stop reading those much earlier.
const LONGEST_TOKEN: usize = 16 * 1024;

/// The tokens. A refresh may leave out what stays as it was.
pub(crate) fn tokens(phase: Phase, body: &Object, separator: Separator, now: Timestamp) -> Result<ReceivedTokens, ProviderError> {
    let token = |name| body.get(name).and_then(Value::as_str).filter(|text| is_token(text)).map(|text| SecretString::from(text.to_owned()));
    // Servers from before RFC 6750 leave the type out; of those that name it none but bearer can be used.
    if let Some(kind) = body.get("token_type").filter(|kind| !kind.is_null())
        && !kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(invalid(phase, "token_type", "the access token is not a bearer token"));
    }
    let access_token = token("access_token").ok_or_else(|| invalid(phase, "access_token", "no access token"))?;
    Ok(ReceivedTokens {
        access_token: Some(access_token),
        refresh_token: token("refresh_token"),
        id_token: None,
        expires: seconds(body.get("expires_in")).map(|seconds| now + Duration::from_secs(seconds)),
        scope: scope(body, separator),
    })
}

/// What an answer to a code granted: where it says nothing of scopes, that is what was asked for (RFC 6749 §5.1). A scope that is there and can't
/// be read stays unknown, and so does what nobody asked for by scopes.
pub(crate) fn granted(tokens: ReceivedTokens, body: &Object, asked: &str) -> ReceivedTokens {
    let is_silent = body.get("scope").is_none_or(Value::is_null);
    let as_asked = (is_silent && is_printable(asked)).then(|| asked.to_owned());
    ReceivedTokens { scope: tokens.scope.or(as_asked), ..tokens }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A number of seconds; some servers write it as a text.
fn seconds(value: Option<&Value>) -> Option<u64> {
    let seconds = match value? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    seconds.filter(|seconds| *seconds < CENTURY)
}

/// What was granted, with spaces between (RFC 6749 §3.3).
fn scope(body: &Object, separator: Separator) -> Option<String> {
    let text = body.get("scope").and_then(Value::as_str).filter(|text| is_printable(text))?;
    Some(match separator {
        Separator::Space => text.to_owned(),
        Separator::Comma => text.split([',', ' ']).filter(|scope| !scope.is_empty()).collect::<Vec<_>>().join(" "),
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<ReceivedTokens, ProviderError> {
        tokens(Phase::Token, body.as_object().unwrap(), Separator::Comma, Timestamp::from_secs(100))
    }

    #[test]
    fn rfc_6749_section_5_1_tokens_are_taken_as_they_are_written() {
        let tokens = read(&json!({
            "access_token": "a", "token_type": "BEARER", "expires_in": 60, "refresh_token": "r", "scope": "read:org,user:email"
        }))
        .unwrap();
        assert_eq!(tokens.access_token.unwrap().expose_secret(), "a");
        assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "r");
        assert_eq!((tokens.expires, tokens.scope.as_deref()), (Some(Timestamp::from_secs(160)), Some("read:org user:email")));
    }

    #[test]
    fn expiries_that_are_none_are_left_out() {
        let expires = |value: Value| read(&json!({"access_token": "a", "expires_in": value})).unwrap().expires;
        assert_eq!(expires(json!("60")), Some(Timestamp::from_secs(160)));
        for none in [json!(null), json!(-1), json!(1e300), json!(u64::MAX), json!("soon"), json!([60])] {
            assert_eq!(expires(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for token in [json!(null), json!(""), json!(7), json!("a b"), json!("a\r\nb"), json!("ä"), json!("a".repeat(LONGEST_TOKEN + 1))] {
            assert!(matches!(read(&json!({"access_token": token})), Err(ProviderError::Invalid { rule: "access_token", .. })), "{token}");
        }
        for kind in [json!("DPoP"), json!("mac"), json!(7)] {
            assert!(matches!(
                read(&json!({"access_token": "a", "token_type": kind})),
                Err(ProviderError::Invalid { rule: "token_type", .. })
            ));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_or_refused_and_nothing_unprintable_is_kept(token in ".{0,60}", scope in ".{0,60}", expires in "-?[0-9]{1,25}|.{0,9}") {
            let Ok(read) = read(&json!({ "access_token": token, "refresh_token": scope, "scope": scope, "expires_in": expires })) else {
                return Ok(());
            };
            for text in [read.access_token, read.refresh_token].into_iter().flatten() {
                proptest::prop_assert!(text.expose_secret().bytes().all(|b| b.is_ascii_graphic()));
            }
            proptest::prop_assert!(read.scope.is_none_or(|scope| is_printable(&scope)));
            let latest = Timestamp::from_secs(100) + Duration::from_secs(CENTURY);
            proptest::prop_assert!(read.expires.is_none_or(|expires| expires < latest));
        }
    }
}
