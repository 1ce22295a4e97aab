//! Authorization codes.

use serde::{Deserialize, Serialize};

use crate::{
    authorize::{CodeChallenge, Nonce},
    claims_request::WantedClaims,
    error::OAuthError,
    ids::{AccountId, ClientId, GrantId, LinkId, LoginId, ProviderId, SessionId},
    possession::Thumbprint,
    redirect::RedirectUri,
    resource::Resources,
    scope::Scopes,
    secret::Digest,
    time::Timestamp,
};

/// An authorization code, by digest; the code itself is 256 random bits that only the app sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// SHA-256 of the code.
    pub digest: Digest,
    /// Who may redeem it.
    pub client: ClientId,
    /// Where it was sent.
    pub redirect_uri: RedirectUri,
    /// Whether the request named the address; then the token request must too (OAuth 2.1 §10.2).
    pub redirect_uri_was_sent: bool,
    /// RFC 7636.
    pub challenge: Option<CodeChallenge>,
    /// The key that must be shown when it is redeemed (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
    /// Echoed in the ID token.
    pub nonce: Option<Nonce>,
    /// What was granted.
    pub scopes: Scopes,
    /// Claims that were asked for by name.
    pub claims: WantedClaims,
    /// For which resources, if any was named (RFC 8707).
    pub resources: Resources,
    /// Who signed in.
    pub account: AccountId,
    /// In which session.
    pub session: SessionId,
    /// Through which provider.
    pub provider: ProviderId,
    /// By which of the account's links.
    pub link: LinkId,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// As the upstream said it.
    pub acr: Option<String>,
    /// As the upstream said it.
    pub amr: Vec<String>,
    /// The login it came from.
    pub login: LoginId,
    /// The grant that redeeming it makes; named beforehand so that a replay finds what to revoke.
    pub grant: GrantId,
    /// When it was made.
    pub issued: Timestamp,
    /// When it is too late.
    pub expires: Timestamp,
    /// When it was redeemed, if it was.
    pub redeemed: Option<Timestamp>,
}

/// A `code_verifier` as it came.
#[derive(Clone, Copy, Debug)]
pub struct Verifier {
    /// Its SHA-256.
    pub hashed: Digest,
    /// Whether it has the form of one (RFC 7636 §4.1): too short, it proves nothing even where its hash is the challenge.
    pub is_well_formed: bool,
}

/// Why a code is not redeemed. To the app they are all `invalid_grant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeFault {
    /// Used before: revoke what it issued (RFC 9700 §4.2.4).
    Replayed,
    /// Another client's.
    OtherClient,
    /// Too late.
    Expired,
    /// Another address than in the authorization request.
    RedirectUri,
    /// PKCE does not hold.
    Verifier,
    /// Another key than the one it was asked for with, or none.
    Key,
    /// The session it came from has ended.
    SignedOut,
    /// The person or an operator took back what the app was given, and with it what the code stands for.
    Withdrawn,
}

impl Code {
    /// Whether `client` may have what the code stands for.
    ///
    /// A code of another client is not spent and revokes nothing: a stranger must not be able to end someone's grant by guessing.
    pub fn check(
        &self,
        client: &ClientId,
        redirect_uri: Option<&str>,
        verifier: Option<&Verifier>,
        now: Timestamp,
    ) -> Result<(), CodeFault> {
        if self.client != *client {
            return Err(CodeFault::OtherClient);
        }
        if self.redeemed.is_some() {
            return Err(CodeFault::Replayed);
        }
        if now >= self.expires {
            return Err(CodeFault::Expired);
        }
        let same_address = match redirect_uri {
            Some(asked) => asked == self.redirect_uri.as_str(),
            None => !self.redirect_uri_was_sent,
        };
        if !same_address {
            return Err(CodeFault::RedirectUri);
        }
        match (&self.challenge, verifier) {
            (Some(challenge), Some(verifier)) if verifier.is_well_formed && challenge.0 == verifier.hashed => Ok(()),
            (None, None) => Ok(()),
            // A verifier where no challenge was sent is a downgrade in progress (RFC 9700 §4.8.2).
            _ => Err(CodeFault::Verifier),
        }
    }
}

impl Code {
    /// Whether the key that was shown is the one the code is bound to, if it is to any: who stole the code and even its verifier lacks it.
    pub fn is_for_key(&self, shown: Option<&Thumbprint>) -> bool {
        self.dpop_jkt.is_none() || self.dpop_jkt.as_ref() == shown
    }
}

impl CodeFault {
    /// What the app is told.
    pub fn to_oauth(self) -> OAuthError {
        OAuthError::invalid_grant(match self {
            Self::Replayed => "this code was used before; what it issued is revoked",
            Self::OtherClient => "this code is not known",
            Self::Expired => "this code has expired",
            Self::RedirectUri => "redirect_uri is not the one of the authorization request",
            Self::Verifier => "code_verifier does not match the code_challenge of the authorization request",
            Self::Key => "the DPoP proof is missing or of another key than dpop_jkt of the authorization request",
            Self::SignedOut => "the person has signed out since this code was issued",
            Self::Withdrawn => "what this code stands for was taken back",
        })
    }
}
