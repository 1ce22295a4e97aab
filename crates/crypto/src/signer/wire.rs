//! From the domain's tokens to the claims on the wire, and back.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use vestibule_domain::{
    actors::Actors,
    ids::ClientId,
    possession::Confirmation,
    scope::Scopes,
    time::Timestamp,
    token::{AccessToken, IdToken, IdTokenHint, LogoutToken, Subject},
};
use vestibule_protocol::{
    acting::{ActorClaim, MayActClaim},
    claims::{AccessTokenClaims, Audience, ConfirmationClaim, IdTokenClaims, IdTokenHintClaims, LogoutEvents, LogoutTokenClaims},
};

pub(super) fn access_token_claims(token: &AccessToken) -> AccessTokenClaims {
    AccessTokenClaims {
        iss: token.issuer.clone(),
        sub: token.subject.to_claim(),
        aud: Audience(token.audiences.clone()),
        exp: token.expires.as_secs(),
        iat: token.issued.as_secs(),
        jti: token.id.to_string(),
        client_id: token.client.to_string(),
        scope: token.scopes.to_string(),
        auth_time: token.auth_time.map(Timestamp::as_secs),
        acr: token.acr.clone(),
        act: ActorClaim::of(&token.actors),
        may_act: token.may_act.as_ref().map(MayActClaim::of),
        cnf: ConfirmationClaim::of(&token.confirmation),
    }
}

/// Reads claims that we signed. Nothing if they aren't an access token of `issuer`.
pub(super) fn access_token(claims: Map<String, Value>, issuer: &str) -> Option<Arc<AccessToken>> {
    let claims: AccessTokenClaims = read(claims)?;
    if claims.iss != issuer {
        return None;
    }
    Some(Arc::new(AccessToken {
        issuer: claims.iss,
        subject: Subject::from_claim(&claims.sub)?,
        audiences: claims.aud.0,
        client: ClientId::parse(claims.client_id).ok()?,
        scopes: Scopes::parse(&claims.scope).ok()?,
        id: claims.jti.parse().ok()?,
        issued: Timestamp::from_secs(claims.iat),
        expires: Timestamp::from_secs(claims.exp),
        auth_time: claims.auth_time.map(Timestamp::from_secs),
        acr: claims.acr,
        actors: match claims.act {
            Some(claim) => claim.read()?,
            None => Actors::default(),
        },
        may_act: match claims.may_act {
            Some(claim) => Some(claim.read()?),
            None => None,
        },
        confirmation: match claims.cnf {
            Some(claim) => claim.read()?,
            None => Confirmation::default(),
        },
    }))
}

pub(super) fn id_token_claims(token: &IdToken) -> IdTokenClaims {
    IdTokenClaims {
        iss: token.issuer.clone(),
        sub: token.subject.to_string(),
        aud: token.client.as_str().into(),
        exp: token.expires.as_secs(),
        iat: token.issued.as_secs(),
        auth_time: token.auth_time.as_secs(),
        nonce: token.nonce.clone(),
        acr: token.acr.clone(),
        amr: token.amr.clone(),
        sid: token.session.map(|session| session.to_string()),
        at_hash: token.access_token_hash.map(|half| URL_SAFE_NO_PAD.encode(half)),
        person: token.claims.clone().into(),
    }
}

pub(super) fn logout_token_claims(token: &LogoutToken) -> LogoutTokenClaims {
    LogoutTokenClaims {
        iss: token.issuer.clone(),
        sub: token.subject.to_string(),
        aud: token.client.as_str().into(),
        iat: token.issued.as_secs(),
        exp: token.expires.as_secs(),
        jti: format!("{:032x}", token.id),
        events: LogoutEvents::default(),
        sid: token.session.map(|session| session.to_string()),
    }
}

/// Reads claims that we signed. Nothing if they aren't an ID token of `issuer` for one client.
pub(super) fn id_token_hint(claims: Map<String, Value>, issuer: &str) -> Option<IdTokenHint> {
    let claims: IdTokenHintClaims = read(claims)?;
    if claims.iss != issuer {
        return None;
    }
    Some(IdTokenHint {
        subject: claims.sub.parse().ok()?,
        client: ClientId::parse(claims.aud.only()?).ok()?,
        session: match claims.sid {
            Some(sid) => Some(sid.parse().ok()?),
            None => None,
        },
    })
}

fn read<T: DeserializeOwned>(claims: Map<String, Value>) -> Option<T> {
    serde_json::from_value(Value::Object(claims)).ok()
}
