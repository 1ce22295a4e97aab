//! Whether a logout token is one, and for us (OpenID Connect Back-Channel Logout 1.0 §2.6).

use serde_json::Value;
use vestibule_domain::{claims::is_printable, provider::LogoutNotice};
use vestibule_protocol::{
    claims::LOGOUT_EVENT,
    jwt::{self, Header},
};

use super::{
    id_token::{self, Expected, OLDEST, Refusal, SKEW, broken},
    keys::KeySet,
};
use crate::line::Object;

/// Believes a logout token, or says why not. What it has in common with an ID token is checked by the same rules, and in the same order.
pub(super) fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<LogoutNotice, Refusal> {
    let unverified = jwt::parse(token).map_err(id_token::malformed)?;
    let claims = &unverified.claims;
    let Some(alg) = expected.algs.iter().find(|alg| alg.as_str() == unverified.header.alg) else {
        return broken("alg", "the logout token is signed with an algorithm that is not allowed");
    };
    let alg = id_token::library_alg(*alg);
    is_logout_token(&unverified.header, claims)?;
    let Some(issuer) = expected.issuers.of_token(claims, expected.published) else {
        return broken("iss", "the logout token is another issuer's");
    };
    id_token::is_for_us(claims, expected)?;
    id_token::is_timely(claims, expected.now)?;
    let (subject, session) = (said(claims, "sub")?, said(claims, "sid")?);
    let subject = match subject {
        None => None,
        // Where a subject is made of other claims than `sub`, they have to be there to know whom it is about.
        Some(_) => match expected.subject.fill(claims) {
            Some(subject) => Some(subject),
            None if session.is_some() => None,
            None => return broken("sub", "a claim that the subject is made of is missing, and there is no sid"),
        },
    };
    if subject.is_none() && session.is_none() {
        return broken("sub", "the logout token names neither a person nor a session");
    }
    let Some(id) = said(claims, "jti")? else { return broken("jti", "the logout token has no name, so it could come again and again") };
    let key = id_token::signer(&unverified.header, &alg, keys.of(expected.issuers, &issuer))?;
    id_token::is_signed(&unverified, &alg, key)?;
    Ok(LogoutNotice { issuer, subject, session, id, expires: expected.now + OLDEST + SKEW + SKEW })
}

/// What tells it from every other token that the issuer signs for us: above all from an ID token, with which anybody who has one could sign its person
/// out, or the other way round sign in as them (attack 27). Some issuers write no type, or `JWT`; none of these can be left out.
fn is_logout_token(header: &Header, claims: &Object) -> Result<(), Refusal> {
    let named = |typ: &str| typ.eq_ignore_ascii_case("logout+jwt") || typ.eq_ignore_ascii_case("JWT");
    if header.typ.as_deref().is_some_and(|typ| !named(typ)) {
        return broken("typ", "what was sent as logout token is a token of another type");
    }
    if claims.contains_key("nonce") {
        return broken("nonce", "the logout token has a nonce, as only ID tokens have");
    }
    match claims.get("events").and_then(|events| events.get(LOGOUT_EVENT)) {
        Some(Value::Object(_)) => Ok(()),
        _ => broken("events", "the token is about no logout"),
    }
}

/// A name in a claim, if it is there.
fn said(claims: &Object, name: &'static str) -> Result<Option<String>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= 255 && is_printable(text) => Ok(Some(text.clone())),
        Some(_) => broken("claims", "sub, sid or jti is not a text of 1 to 255 printable characters"),
    }
}
