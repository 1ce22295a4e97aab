//! Whether an ID token is one, and for us (OpenID Connect Core 1.0 §3.1.3.7).

use std::{str::FromStr, time::Duration};

use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde_json::Value;
use vestibule_domain::{
    client::SigningAlg,
    provider::{Phase, ProviderError},
    time::Timestamp,
};
use vestibule_protocol::jwt::{self, JwtError};

use super::line::{Object, invalid};

/// How long ago a token may have been made: it comes straight from the issuer, in answer to a code.
const OLDEST: Duration = Duration::from_mins(10);
/// How far an issuer's clock may be from ours.
const SKEW: Duration = Duration::from_mins(1);

/// What a token has to agree with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a IssuerUrl,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) algs: &'a [SigningAlg],
    pub(super) now: Timestamp,
}

/// Why a token is not believed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No key here explains it; perhaps the issuer has new ones.
    UnknownKey { rule: &'static str, detail: &'static str },
    /// A rule is broken, and no other key would mend it.
    Broken { rule: &'static str, detail: &'static str },
}

impl From<Refusal> for ProviderError {
    fn from(refusal: Refusal) -> Self {
        let (Refusal::UnknownKey { rule, detail } | Refusal::Broken { rule, detail }) = refusal;
        invalid(Phase::Token, rule, detail)
    }
}

fn broken<T>(rule: &'static str, detail: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Broken { rule, detail })
}

/// What a token says, when everything about it holds.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) subject: String,
    /// When the person proved who they are there, if it says.
    pub(super) auth_time: Option<Timestamp>,
    pub(super) claims: Object,
}

/// Believes a token, or says why not.
///
/// Form first, read strictly, and what a strict reader can tell from the claims; nothing of that is believed yet. Then `openidconnect` checks
/// signature, type, audience and nonce. Times are judged by us alone, by our clock and with one tolerance for all of them.
pub(super) fn verify(token: &str, access_token: &str, keys: &CoreJsonWebKeySet, expected: &Expected<'_>) -> Result<Verified, Refusal> {
    let unverified = jwt::parse(token).map_err(malformed)?;
    // The allow-list counts before any key is looked at: `HS256` would make a secret of the public key (attack 18).
    if !expected.algs.iter().any(|alg| alg.as_str() == unverified.header.alg) {
        return broken("alg", "the ID token is signed with an algorithm that is not allowed");
    }
    is_ours(&unverified.claims, expected)?;
    is_timely(&unverified.claims, expected.now)?;
    let auth_time = auth_time(&unverified.claims)?;
    let Some(subject) = subject(&unverified.claims).map(str::to_owned) else {
        return broken("sub", "sub is not a text of 1 to 255 printable ASCII characters");
    };
    // By now `azp` is ours or absent. With it, other audiences are the issuer's to add; without it they could show our token around as theirs.
    let others_may_read = unverified.claims.contains_key("azp");
    is_signed(token, access_token, keys, expected, others_may_read).map_err(|refusal| match refusal {
        // Without a `kid`, a key that was replaced looks like a wrong signature (OpenID Connect Core 1.0 §10.1.1).
        Refusal::Broken { rule: rule @ ("signature" | "kid"), detail } if unverified.header.kid.is_none() => {
            Refusal::UnknownKey { rule, detail }
        }
        refusal => refusal,
    })?;
    Ok(Verified { subject, auth_time, claims: unverified.claims })
}

/// The subject: a text of 1 to 255 ASCII characters (OpenID Connect Core 1.0 §2). A number is not taken for one: `1` and `"1"` may be two people.
pub(super) fn subject(claims: &Object) -> Option<&str> {
    let text = claims.get("sub")?.as_str()?;
    ((1..=255).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))).then_some(text)
}

fn malformed(error: JwtError) -> Refusal {
    let (rule, detail) = match error {
        JwtError::Length => ("jwt", "the ID token is too long"),
        JwtError::Parts => ("jwt", "the ID token is not a signed token of three parts"),
        JwtError::Encoding => ("jwt", "the ID token is not canonical base64url"),
        JwtError::Json => ("jwt", "header or claims of the ID token are no proper JSON objects"),
        JwtError::Header => ("jwt", "the header of the ID token is malformed"),
        JwtError::Extension => ("crit", "the ID token wants an extension of JWS"),
        JwtError::Unsigned => ("alg", "the ID token is not signed"),
    };
    Refusal::Broken { rule, detail }
}

/// Issuer and authorized party, exactly.
fn is_ours(claims: &Object, expected: &Expected<'_>) -> Result<(), Refusal> {
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer.as_str()) {
        return broken("iss", "the ID token is another issuer's");
    }
    match claims.get("azp") {
        None => Ok(()),
        Some(Value::String(party)) if party == expected.client_id => Ok(()),
        Some(_) => broken("azp", "the ID token was issued to another client"),
    }
}

fn is_signed(
    token: &str,
    access_token: &str,
    keys: &CoreJsonWebKeySet,
    expected: &Expected<'_>,
    others_may_read: bool,
) -> Result<(), Refusal> {
    let token =
        CoreIdToken::from_str(token).or_else(|_| broken("claims", "a standard claim of the ID token has another type than it should"))?;
    let client = ClientId::new(expected.client_id.to_owned());
    let verifier = CoreIdTokenVerifier::new_public_client(client, expected.issuer.clone(), keys.clone())
        .set_allowed_algs(expected.algs.iter().map(|&alg| library_alg(alg)))
        .set_other_audience_verifier_fn(|_| others_may_read)
        // `is_timely` judges the times; at the beginning of time nothing has expired.
        .set_time_fn(Default::default);
    let claims = token.claims(&verifier, &Nonce::new(expected.nonce.to_owned())).map_err(|error| unverified(&error))?;
    let Some(hash) = claims.access_token_hash() else { return Ok(()) };
    let signed_with = token.signing_alg().ok().zip(token.signing_key(&verifier).ok());
    let access_token = AccessToken::new(access_token.to_owned());
    let computed = signed_with.and_then(|(alg, key)| AccessTokenHash::from_token(&access_token, alg, key).ok());
    if computed.as_ref() == Some(hash) { Ok(()) } else { broken("at_hash", "the access token is not the one the ID token came with") }
}

fn library_alg(alg: SigningAlg) -> CoreJwsSigningAlgorithm {
    match alg {
        SigningAlg::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        SigningAlg::Ps256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        SigningAlg::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        SigningAlg::EdDsa => CoreJwsSigningAlgorithm::EdDsa,
    }
}

/// The library's texts repeat what the token says, so none of them goes on.
fn unverified(error: &ClaimsVerificationError) -> Refusal {
    use SignatureVerificationError as Signature;
    let (rule, detail) = match error {
        ClaimsVerificationError::SignatureVerification(Signature::NoMatchingKey) => {
            return Refusal::UnknownKey { rule: "kid", detail: "the ID token is signed with a key that the issuer does not publish" };
        }
        ClaimsVerificationError::SignatureVerification(Signature::AmbiguousKeyId(_)) => {
            ("kid", "the ID token does not say which of several keys it is signed with")
        }
        ClaimsVerificationError::SignatureVerification(Signature::DisallowedAlg(_) | Signature::UnsupportedAlg(_)) => {
            ("alg", "the ID token is signed with an algorithm that is not allowed")
        }
        ClaimsVerificationError::SignatureVerification(_) => ("signature", "the signature of the ID token is wrong"),
        ClaimsVerificationError::InvalidAudience(_) => ("aud", "the ID token is for another client, or for others too"),
        ClaimsVerificationError::InvalidIssuer(_) => ("iss", "the ID token is another issuer's"),
        ClaimsVerificationError::InvalidNonce(_) => ("nonce", "the ID token was not made for this sign-in"),
        ClaimsVerificationError::Unsupported(_) => ("typ", "what was sent as ID token is a token of another type"),
        _ => ("claims", "the ID token is not acceptable"),
    };
    Refusal::Broken { rule, detail }
}

fn is_timely(claims: &Object, now: Timestamp) -> Result<(), Refusal> {
    match numeric_date(claims, "exp") {
        Some(exp) if now < exp + SKEW => {}
        Some(_) => return broken("exp", "the ID token has expired; compare the clocks"),
        None => return broken("claims", "exp is not a time"),
    }
    match numeric_date(claims, "iat") {
        Some(iat) if iat > now + SKEW => return broken("iat", "the ID token was made in the future; compare the clocks"),
        Some(iat) if now.since(iat) > OLDEST + SKEW => return broken("iat", "the ID token is older than 10 minutes; compare the clocks"),
        Some(_) => {}
        None => return broken("claims", "iat is not a time"),
    }
    match numeric_date(claims, "nbf") {
        Some(nbf) if nbf > now + SKEW => broken("nbf", "the ID token is not valid yet; compare the clocks"),
        None if claims.contains_key("nbf") => broken("claims", "nbf is not a time"),
        _ => Ok(()),
    }
}

/// When the person signed in there. What is no time is not taken for silence: a rule about the age of sign-ins would be passed by with it.
fn auth_time(claims: &Object) -> Result<Option<Timestamp>, Refusal> {
    match (numeric_date(claims, "auth_time"), claims.contains_key("auth_time")) {
        (None, true) => broken("claims", "auth_time is not a time"),
        (said, _) => Ok(said),
    }
}

/// A NumericDate (RFC 7519 §2): seconds, perhaps with a fraction, which is dropped. A text is none.
fn numeric_date(claims: &Object, name: &str) -> Option<Timestamp> {
    let number = claims.get(name)?.as_number()?;
    let seconds = number.as_i64().or_else(|| {
        let seconds = number.as_f64()?;
        // Beyond the year 9999 nothing is a time.
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and the fraction is meant to go")]
        (0.0..=253_402_300_799.0).contains(&seconds).then_some(seconds as i64)
    })?;
    Some(Timestamp::from_secs(seconds))
}
