//! How Graph says what went wrong, and what it wants to see.

use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;
use url::Url;
use vestibule_domain::{
    provider::{Phase, ProviderError},
    secret::Digest,
};

use crate::{
    line::{Object, misconfigured, unreachable},
    oauth2::fault,
};

/// The proof that who shows a token has the app's secret too: HMAC-SHA-256 of the token under the secret, in hexadecimal digits.
pub(super) fn proof(secret: &SecretString, token: &str) -> String {
    // HMAC takes keys of any length (RFC 2104 §2), so there is always one.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { return String::new() };
    Digest(mac.chain_update(token.as_bytes()).finalize().into_bytes().into()).to_hex()
}

/// Whether a text is a version of Graph: `v26.0`.
pub(super) fn is_version(text: &str) -> bool {
    let is_number = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v').and_then(|text| text.split_once('.')).is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

/// The version that an address of Graph's begins with; an address without one gets the oldest that still exists.
pub(super) fn version_of(url: &Url) -> Option<String> {
    url.path_segments()?.next().filter(|segment| is_version(segment)).map(str::to_owned)
}

/// The permissions that the person granted, as a scope.
pub(super) fn granted(permissions: &Value) -> String {
    let all = permissions.get("data").and_then(Value::as_array).into_iter().flatten();
    let granted = all.filter(|one| one.get("status").and_then(Value::as_str) == Some("granted"));
    let names = granted.filter_map(|one| one.get("permission").and_then(Value::as_str));
    let is_name =
        |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    names.filter(is_name).take(100).collect::<Vec<_>>().join(" ")
}

/// Facebook's errors are objects with a code, and with a sub-code where the code is used for many things.
pub(super) fn find_fault(phase: Phase, status: StatusCode, body: &Object) -> Option<ProviderError> {
    let Some(Value::Object(error)) = body.get("error") else { return fault::standard(phase, status, body) };
    let number = |name: &str| error.get(name).and_then(Value::as_i64);
    // The text is compared with what it is known to be, and goes no further.
    let says = |text: &str| error.get("message").and_then(Value::as_str).is_some_and(|message| message.contains(text));
    let wrong = |detail: &str| misconfigured(phase, detail);
    Some(match (number("code"), number("error_subcode")) {
        (Some(1), _) if says("validating client secret") => wrong("code 1: check the app's secret"),
        (Some(1 | 2), _) => unreachable(phase, Some(status), "it answered with an error of its own"),
        (Some(4 | 17 | 32 | 341 | 613), _) => unreachable(phase, Some(status), "we have asked it too often"),
        (Some(101), _) => wrong("code 101: check the app's id and secret"),
        (Some(100), Some(36008)) | (Some(191), _) => wrong("our callback address is not the one that is registered there"),
        (Some(100), Some(36007 | 36009)) => fault::spent(phase, "the code is spent, too old or another's"),
        (Some(100), _) if says("appsecret_proof") => wrong("code 100: the proof is not taken; check the app's secret"),
        (Some(102 | 190 | 467), _) => fault::spent(phase, "the access token is expired or revoked"),
        (Some(10 | 200..=299), _) => wrong("the app lacks a permission for this"),
        _ => fault::unknown(phase),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_proof_is_that_of_rfc_4231_section_4_3() {
        let proof = proof(&"Jefe".into(), "what do ya want for nothing?");
        assert_eq!(proof, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_version_is_read_from_an_address_and_from_nothing_else() {
        let version = |url: &str| version_of(&url.parse().unwrap());
        assert_eq!(version("https://graph.facebook.com/v26.0/me").as_deref(), Some("v26.0"));
        assert_eq!(version("https://graph.facebook.com/me"), None);
        for bad in ["v26", "26.0", "v26.0\n", "v.0", "v99999.0", "<b>"] {
            assert!(!is_version(bad), "{bad:?}");
        }
    }

    #[test]
    fn only_what_was_granted_is_a_scope() {
        let permissions = json!({"data": [
            {"permission": "public_profile", "status": "granted"}, {"permission": "email", "status": "declined"},
            {"permission": "user_link", "status": "granted"}, {"permission": "a b", "status": "granted"}, "x"
        ]});
        assert_eq!(granted(&permissions), "public_profile user_link");
        assert_eq!(granted(&json!(null)), "");
    }
}
