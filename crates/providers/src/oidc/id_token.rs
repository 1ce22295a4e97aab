//! Whether an ID token is one, and for us (OpenID Connect Core 1.0 §3.1.3.7).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKey, JsonWebKeyAlgorithm, JwsSigningAlgorithm,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use serde_json::Value;
use vestibule_domain::{
    client::SigningAlg,
    provider::{Phase, ProviderError},
    time::Timestamp,
};
use vestibule_protocol::jwt::{self, Header, JwtError, Unverified};

use super::{issuers::Issuers, keys::KeySet, settings::NonceRule, subject::SubjectTemplate};
use crate::line::{Object, invalid};

/// How long ago a token may have been made: it comes straight from the issuer, in answer to a code.
pub(super) const OLDEST: Duration = Duration::from_mins(10);
/// How far an issuer's clock may be from ours.
pub(super) const SKEW: Duration = Duration::from_mins(1);

/// What a token has to agree with.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuers: &'a Issuers,
    /// What the issuer's metadata calls itself.
    pub(super) published: &'a str,
    pub(super) client_id: &'a str,
    /// Audiences that are ours too.
    pub(super) audiences: &'a [String],
    /// The nonce that was sent; nothing after a refresh, when there is none (OpenID Connect Core 1.0 §12.2).
    pub(super) nonce: Option<(NonceRule, &'a str)>,
    pub(super) algs: &'a [SigningAlg],
    pub(super) subject: &'a SubjectTemplate,
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

impl Refusal {
    /// The step that brought the token is at fault.
    pub(super) fn at(self, phase: Phase) -> ProviderError {
        let (Self::UnknownKey { rule, detail } | Self::Broken { rule, detail }) = self;
        invalid(phase, rule, detail)
    }
}

pub(super) fn broken<T>(rule: &'static str, detail: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Broken { rule, detail })
}

/// What a token says, when everything about it holds.
#[derive(Debug)]
pub(super) struct Verified {
    /// The issuer that vouches, under the name that links record.
    pub(super) issuer: String,
    /// The person, as links record them.
    pub(super) subject: String,
    /// When the person proved who they are there, if it says.
    pub(super) auth_time: Option<Timestamp>,
    pub(super) claims: Object,
}

/// Believes a token, or says why not.
///
/// Form first, read strictly, and what can be told from header and claims; nothing of that is believed yet. Then `openidconnect` checks the
/// signature. Its own reading of claims is not used: it turns people away over a `locale` or an `updated_at` of another type than it expects
/// (LinkedIn, Auth0, Salesforce), and nothing of ours hangs on either.
pub(super) fn verify(token: &str, access_token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Verified, Refusal> {
    let unverified = jwt::parse(token).map_err(malformed)?;
    // The allow-list counts before any key is looked at: `HS256` would make a secret of the public key (attack 18).
    let Some(alg) = expected.algs.iter().find(|alg| alg.as_str() == unverified.header.alg) else {
        return broken("alg", "the token is signed with an algorithm that is not allowed");
    };
    let alg = library_alg(*alg);
    is_id_token(&unverified.header)?;
    let Some(issuer) = expected.issuers.of_token(&unverified.claims, expected.published) else {
        return broken("iss", "the token is another issuer's");
    };
    is_for_us(&unverified.claims, expected)?;
    is_timely(&unverified.claims, expected.now)?;
    let auth_time = auth_time(&unverified.claims)?;
    if subject(&unverified.claims).is_none() {
        return broken("sub", "sub is not a text of 1 to 255 printable ASCII characters");
    }
    let Some(subject) = expected.subject.fill(&unverified.claims) else {
        return broken("sub", "a claim that the subject is made of is missing, or is no id");
    };
    let key = signer(&unverified.header, &alg, keys.of(expected.issuers, &issuer))?;
    is_signed(&unverified, &alg, key)?;
    is_of_this_sign_in(&unverified.claims, expected.nonce)?;
    is_with(access_token, &unverified.claims, &alg, key)?;
    Ok(Verified { issuer, subject, auth_time, claims: unverified.claims })
}

/// The subject as the issuer says it (OpenID Connect Core 1.0 §2).
pub(super) fn subject(claims: &Object) -> Option<&str> {
    claims.get("sub")?.as_str().filter(|text| is_subject(text))
}

/// A text of 1 to 255 printable ASCII characters.
pub(super) fn is_subject(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

pub(super) fn malformed(error: JwtError) -> Refusal {
    let (rule, detail) = match error {
        JwtError::Length => ("jwt", "the token is too long"),
        JwtError::Parts => ("jwt", "the token is not a signed token of three parts"),
        JwtError::Encoding => ("jwt", "the token is not canonical base64url"),
        JwtError::Json => ("jwt", "header or claims of the token are no proper JSON objects"),
        JwtError::Header => ("jwt", "the header of the token is malformed"),
        JwtError::Extension => ("crit", "the token wants an extension of JWS"),
        JwtError::Unsigned => ("alg", "the token is not signed"),
    };
    Refusal::Broken { rule, detail }
}

/// Access tokens and logout tokens of the same issuer have the same signature and other types (RFC 9068 §2.1, attack 18).
fn is_id_token(header: &Header) -> Result<(), Refusal> {
    match &header.typ {
        Some(typ) if !typ.eq_ignore_ascii_case("JWT") => broken("typ", "what was sent as ID token is a token of another type"),
        _ => Ok(()),
    }
}

/// Audience and authorized party. With `azp`, other audiences are the issuer's to add; without it, they could show our token around as theirs.
pub(super) fn is_for_us(claims: &Object, expected: &Expected<'_>) -> Result<(), Refusal> {
    let is_ours = |name: &str| name == expected.client_id || expected.audiences.iter().any(|audience| audience == name);
    let others_may_read = match claims.get("azp") {
        None => false,
        Some(Value::String(party)) if is_ours(party) => true,
        Some(_) => return broken("azp", "the token was issued to another client"),
    };
    let audiences: Option<Vec<&str>> = match claims.get("aud") {
        Some(Value::String(audience)) => Some(vec![audience]),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let Some(audiences) = audiences else { return broken("aud", "aud is neither a text nor a list of texts") };
    // Another audience of ours does not make it this client's: a token of the mobile app's would sign its holder in here.
    let is_this_client = |name: &str| name == expected.client_id;
    let to_this_client = claims.get("azp").and_then(Value::as_str).is_some_and(is_this_client);
    let named = audiences.iter().any(|name| is_ours(name)) && (to_this_client || audiences.iter().any(|name| is_this_client(name)));
    if named && (others_may_read || audiences.iter().all(|name| is_ours(name))) {
        Ok(())
    } else {
        broken("aud", "the token is for another client, or for others too")
    }
}

/// The one key that can have signed. One that was replaced looks like a wrong signature where keys have no names (OpenID Connect Core 1.0
/// §10.1.1): so a token without `kid` is always a reason to look for new ones.
pub(super) fn signer<'k>(
    header: &Header,
    alg: &CoreJwsSigningAlgorithm,
    keys: impl Iterator<Item = &'k CoreJsonWebKey>,
) -> Result<&'k CoreJsonWebKey, Refusal> {
    let mut fitting = keys
        .filter(|key| header.kid.is_none() || header.kid.as_deref() == key.key_id().map(|id| id.as_str()))
        .filter(|key| can_sign(key, alg));
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(Refusal::UnknownKey { rule: "kid", detail: "the token is signed with a key that the issuer does not publish" }),
        (Some(_), Some(_)) if header.kid.is_none() => {
            Err(Refusal::UnknownKey { rule: "kid", detail: "the token does not say which of several keys it is signed with" })
        }
        (Some(_), Some(_)) => broken("kid", "the issuer publishes several keys under the name that the token is signed with"),
    }
}

/// A key's type and, where it says one, its algorithm (RFC 7517 §4.1, §4.4).
fn can_sign(key: &CoreJsonWebKey, alg: &CoreJwsSigningAlgorithm) -> bool {
    let same_type = alg.key_type().as_ref() == Some(key.key_type());
    same_type
        && match key.signing_alg() {
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Algorithm(named) => named == alg,
            JsonWebKeyAlgorithm::Unsupported => false,
        }
}

pub(super) fn is_signed(token: &Unverified<'_>, alg: &CoreJwsSigningAlgorithm, key: &CoreJsonWebKey) -> Result<(), Refusal> {
    let (rule, detail) = ("signature", "the signature of the token is wrong");
    match key.verify_signature(alg, token.signing_input.as_bytes(), &token.signature) {
        Ok(()) => Ok(()),
        Err(_) if token.header.kid.is_none() => Err(Refusal::UnknownKey { rule, detail }),
        Err(_) => Err(Refusal::Broken { rule, detail }),
    }
}

/// Attack 15. The token is signed, so what it says of nonces is the issuer's word.
fn is_of_this_sign_in(claims: &Object, sent: Option<(NonceRule, &str)>) -> Result<(), Refusal> {
    let Some((rule, nonce)) = sent else { return Ok(()) };
    // Slack writes an empty one where none was sent.
    let said = claims.get("nonce").filter(|said| !(rule == NonceRule::Unsupported && *said == ""));
    let may_be_absent = match rule {
        NonceRule::Required => false,
        NonceRule::UnlessDisclaimed => claims.get("nonce_supported") == Some(&Value::Bool(false)),
        NonceRule::Optional | NonceRule::Unsupported => true,
    };
    match said {
        None if may_be_absent => Ok(()),
        Some(Value::String(said)) if said == nonce && rule != NonceRule::Unsupported => Ok(()),
        _ => broken("nonce", "the token was not made for this sign-in"),
    }
}

/// OpenID Connect Core 1.0 §3.1.3.8: the left half of the hash that goes with the algorithm.
fn is_with(access_token: &str, claims: &Object, alg: &CoreJwsSigningAlgorithm, key: &CoreJsonWebKey) -> Result<(), Refusal> {
    let Some(said) = claims.get("at_hash") else { return Ok(()) };
    let hash = key.hash_bytes(access_token.as_bytes(), alg).ok();
    let computed = hash.and_then(|hash| hash.get(..hash.len() / 2).map(|half| URL_SAFE_NO_PAD.encode(half)));
    match said.as_str() {
        Some(said) if Some(said) == computed.as_deref() => Ok(()),
        _ => broken("at_hash", "the access token is not the one the ID token came with"),
    }
}

pub(super) fn library_alg(alg: SigningAlg) -> CoreJwsSigningAlgorithm {
    match alg {
        SigningAlg::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        SigningAlg::Ps256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        SigningAlg::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        SigningAlg::EdDsa => CoreJwsSigningAlgorithm::EdDsa,
    }
}

pub(super) fn is_timely(claims: &Object, now: Timestamp) -> Result<(), Refusal> {
    match numeric_date(claims, "exp") {
        Some(exp) if now < exp + SKEW => {}
        Some(_) => return broken("exp", "the token has expired; compare the clocks"),
        None => return broken("claims", "exp is not a time"),
    }
    match numeric_date(claims, "iat") {
        Some(iat) if iat > now + SKEW => return broken("iat", "the token was made in the future; compare the clocks"),
        Some(iat) if now.since(iat) > OLDEST + SKEW => return broken("iat", "the token is older than 10 minutes; compare the clocks"),
        Some(_) => {}
        None => return broken("claims", "iat is not a time"),
    }
    match numeric_date(claims, "nbf") {
        Some(nbf) if nbf > now + SKEW => broken("nbf", "the token is not valid yet; compare the clocks"),
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
pub(super) fn numeric_date(claims: &Object, name: &str) -> Option<Timestamp> {
    let number = claims.get(name)?.as_number()?;
    let seconds = number.as_i64().or_else(|| {
        let seconds = number.as_f64()?;
        // Beyond the year 9999 nothing is a time.
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and the fraction is meant to go")]
        (0.0..=253_402_300_799.0).contains(&seconds).then_some(seconds as i64)
    })?;
    Some(Timestamp::from_secs(seconds))
}
