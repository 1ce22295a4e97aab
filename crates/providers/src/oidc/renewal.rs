//! New tokens for old ones, what the issuer says of the person by then, and tokens given back.

use async_trait::async_trait;
use http::StatusCode;
use secrecy::ExposeSecret;
use vestibule_domain::{
    claims::Claims,
    ports::{RefreshUpstream, RevokeUpstream},
    provider::{Known, Phase, ProviderError, ReceivedTokens, Renewed},
    time::Timestamp,
};

use super::{
    OidcProvider,
    metadata::Metadata,
    tokens::{Redeemed, received},
};
use crate::{
    line::{Object, invalid, object},
    oauth2::{fault, person::unless_of_another},
};

/// What describes a person. A refreshed ID token need not have all of it (Google leaves out the name), and Apple tells a name once: that
/// nothing is said of it now takes nothing back. Groups, organizations and tenants are rights, and what is not said of them is no longer so.
const DESCRIBES: [&str; 10] =
    ["name", "given_name", "family_name", "nickname", "preferred_username", "profile", "picture", "website", "locale", "zoneinfo"];
/// An address and who vouches for it are one statement: kept together, or not at all (attack 7).
const ADDRESS: [&str; 4] = ["email", "email_verified", "xms_edov", "verified_email"];

#[async_trait]
impl RefreshUpstream for OidcProvider {
    /// RFC 6749 §6, OpenID Connect Core 1.0 §12. One request: whether it is tried again is for who holds the tokens to say.
    async fn refresh(&self, tokens: &ReceivedTokens, known: Known<'_>, now: Timestamp) -> Result<Renewed, ProviderError> {
        let metadata = self.documents.metadata().await?;
        // Tokens of another issuer are not shown to this one: the configuration may have been changed since they were given.
        if !self.issuers.vouches_as(known.issuer, &metadata.issuer) {
            let detail = "the tokens are of another issuer than is configured now".to_owned();
            return Err(ProviderError::Denied { phase: Phase::Refresh, detail });
        }
        let Some(refresh_token) = &tokens.refresh_token else {
            return Err(ProviderError::Denied { phase: Phase::Refresh, detail: "it gave no refresh token".to_owned() });
        };
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        let body = self.line.step(Phase::Refresh, self.ask(Phase::Refresh, &metadata, &form)).await?;
        let tokens = received(Phase::Refresh, &body, now)?;
        let claims = unless_of_another(&self.line, self.said_now(&metadata, &tokens, known, now).await)?;
        // An ID token goes back to its issuer one day, so one that may not have been believed is not kept.
        let id_token = tokens.id_token.filter(|_| claims.is_some());
        Ok(Renewed { tokens: ReceivedTokens { id_token, ..tokens }, claims })
    }
}

impl OidcProvider {
    /// What the issuer says of the person now, if it says anything.
    async fn said_now(
        &self,
        metadata: &Metadata,
        tokens: &ReceivedTokens,
        known: Known<'_>,
        now: Timestamp,
    ) -> Result<Option<Claims>, ProviderError> {
        let Some(access_token) = &tokens.access_token else { return Ok(None) };
        let id_token = match &tokens.id_token {
            Some(id_token) => {
                let redeemed = Redeemed { tokens: tokens.clone(), id_token: id_token.clone(), access_token: access_token.clone() };
                let verified = self.identify(Phase::Refresh, metadata, &redeemed, None, now).await?;
                // §12.2. Otherwise a mistake, or worse, would give one person's session the rights of another.
                if !self.issuers.is_same(&verified.issuer, known.issuer) || verified.subject != known.subject {
                    return Err(invalid(Phase::Refresh, "sub", "the new ID token is about somebody else"));
                }
                verified.claims
            }
            // Without an ID token there are the claims of userinfo, and of whom they are is held against what was said at the sign-in.
            None if self.settings.userinfo && metadata.userinfo_endpoint.is_some() => signed_before(known.claims),
            None => return Ok(None),
        };
        let mut claims = self.claims(metadata, id_token, access_token).await?;
        keep(&mut claims, known.claims);
        Ok(Some(claims))
    }
}

/// What only an ID token says, from the last one: who it was about, and of which house they are.
fn signed_before(known: &Claims) -> Object {
    ["iss", "sub", "tid", "oid", "hd"].iter().filter_map(|name| Some(((*name).to_owned(), known.get(*name)?.clone()))).collect()
}

fn keep(claims: &mut Claims, known: &Claims) {
    let address = ADDRESS.iter().filter(|_| !claims.contains_key("email")).copied().collect::<Vec<_>>();
    if !address.is_empty() {
        claims.retain(|name, _| !ADDRESS.contains(&name.as_str()));
    }
    for name in DESCRIBES.into_iter().chain(address) {
        if let (false, Some(value)) = (claims.contains_key(name), known.get(name)) {
            claims.insert(name.to_owned(), value.clone());
        }
    }
}

#[async_trait]
impl RevokeUpstream for OidcProvider {
    /// RFC 7009, for both tokens, the refresh token first: with it most issuers forget what came of it (§2.1), and others don't.
    async fn revoke(&self, tokens: &ReceivedTokens) -> Result<(), ProviderError> {
        let metadata = self.documents.metadata().await?;
        let Some(endpoint) = &metadata.revocation_endpoint else { return Ok(()) };
        let token = [(&tokens.refresh_token, "refresh_token"), (&tokens.access_token, "access_token")];
        for (token, hint) in token.into_iter().filter_map(|(token, hint)| Some((token.as_ref()?, hint))) {
            self.line.step(Phase::Revocation, self.give_back(endpoint, token.expose_secret(), hint)).await?;
        }
        Ok(())
    }
}

impl OidcProvider {
    async fn give_back(&self, endpoint: &str, token: &str, hint: &str) -> Result<(), ProviderError> {
        let answer = self.post(Phase::Revocation, endpoint, &[("token", token), ("token_type_hint", hint)]).await?;
        let status = answer.status();
        let fault = object(Phase::Revocation, &answer).ok().and_then(|body| self.fault_in(Phase::Revocation, status, &body));
        match fault {
            // §2.2: what it does not know is given back already. §2.2.1: what can't be given back alone went with the refresh token.
            Some(ProviderError::Invalid { rule: "token", .. }) => Ok(()),
            Some(_) if hint == "access_token" && status == StatusCode::BAD_REQUEST => Ok(()),
            Some(fault) => Err(fault),
            None if status.is_success() => Ok(()),
            None => Err(fault::of_status(Phase::Revocation, status, answer.headers())),
        }
    }
}
