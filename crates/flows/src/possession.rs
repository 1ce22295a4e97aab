//! Proofs of possession at our endpoints (RFC 9449): one rule for tokens that are given and tokens that are used.

use std::time::Duration;

use vestibule_domain::{
    client::Client,
    error::OAuthError,
    possession::{Confirmation, MOST_AHEAD, OLDEST, ProofFault, ProvenRequest, Thumbprint},
    secret::{Digest, Purpose},
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{Gateway, Presented, client_auth::unavailable, codec};

/// Nonces change this often; one is good while it is the present or the last one, so for five minutes at most.
const NONCE_CHANGES: Duration = Duration::from_secs(150);

/// What was shown with a request, to which tokens are bound.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Shown {
    /// The key and the certificate.
    pub(crate) confirmation: Confirmation,
    /// Uses the proof up. It must be in the step's `Changes`, or the proof could be used again (RFC 9449 §11.1).
    spend: Option<Write>,
}

impl Shown {
    /// The step's `Changes`, and the proof used up with it. Of a proof that was used before, [`Contest::Once`] is lost.
    pub(crate) fn spent_with(&self, changes: Changes) -> Changes {
        match &self.spend {
            Some(spend) => changes.write(spend.clone()),
            None => changes,
        }
    }
}

/// Whether a commit was lost because its proof was used before.
pub(crate) fn is_replay(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(Contest::Once))
}

impl Gateway {
    /// What a proof has to have in it now (RFC 9449 §8). Nothing is kept for it: it is a MAC of the time.
    pub fn dpop_nonce(&self, now: Timestamp) -> String {
        let slice = slice_of(now).to_be_bytes();
        codec::encode(&[&slice[..], &self.sealer.tag(Purpose::DpopNonce, &slice).0].concat())
    }

    /// Whether a nonce is one of ours, and not too old. The next one is good too: another node's clock may be ahead.
    fn is_nonce_good(&self, nonce: &str, now: Timestamp) -> bool {
        let Some(bytes) = codec::decode(nonce) else { return false };
        let Some((slice, tag)) = bytes.split_first_chunk::<8>() else { return false };
        let Ok(tag) = <[u8; 32]>::try_from(tag) else { return false };
        let fresh = slice_of(now).abs_diff(i64::from_be_bytes(*slice)) <= 1;
        fresh && self.sealer.tag_matches(Purpose::DpopNonce, slice, &Digest(tag))
    }

    /// The key of the request's proof, if it has one (RFC 9449 §4.3), and the write that uses the proof up.
    pub(crate) fn proof_of(&self, headers: &[String], request: &ProvenRequest<'_>) -> Result<Option<(Thumbprint, Write)>, ProofFault> {
        let proof = match headers {
            [] => return Ok(None),
            [proof] => self.proofs.read(proof)?,
            _ => return Err(ProofFault::Several),
        };
        proof.check(request)?;
        match &proof.nonce {
            Some(nonce) if self.is_nonce_good(nonce, request.now) => {}
            None if !self.settings.dpop_nonce => {}
            _ => return Err(ProofFault::Nonce),
        }
        // A name of the key's own: nobody can use up the `jti` of somebody else.
        let name = [b"dpop proof/", proof.key.0.0.as_slice(), proof.id.as_bytes()].concat();
        let expires = proof.issued + OLDEST + MOST_AHEAD;
        Ok(Some((proof.key, Write::SpendOnce { digest: self.sealer.hash(&name), expires })))
    }

    /// The same of a client's request to the endpoint that it called.
    fn proof_at(&self, client: &Client, presented: &Presented, now: Timestamp) -> Result<Option<(Thumbprint, Write)>, ProofFault> {
        let request = ProvenRequest { method: "POST", address: &presented.endpoint, token: None, algs: client.client_algs(), now };
        self.proof_of(&presented.proofs, &request)
    }

    /// The key that a pushed request is for (RFC 9449 §10.1), and the write that uses its proof up. Beside a `dpop_jkt` it must be the same.
    pub(crate) fn proof_of_push(
        &self,
        client: &Client,
        presented: &Presented,
        dpop_jkt: Option<Thumbprint>,
        now: Timestamp,
    ) -> Result<Option<(Thumbprint, Write)>, ProofFault> {
        let proof = self.proof_at(client, presented, now)?;
        match (&proof, dpop_jkt) {
            (Some((key, _)), Some(named)) if *key != named => Err(ProofFault::OtherKey),
            _ => Ok(proof),
        }
    }

    /// What a client shows at an endpoint of ours, where what it is given will be bound to it. Whoever must show something and does not gets
    /// nothing, so nobody can have the binding left out by taking a header away (attack 36).
    pub(crate) fn shown_by(&self, client: &Client, presented: &Presented, now: Timestamp) -> Result<Shown, ProofFault> {
        let (key, spend) = self.proof_at(client, presented, now)?.unzip();
        if client.dpop_bound_access_tokens && key.is_none() {
            return Err(ProofFault::Missing);
        }
        let certificate = presented.certificate.as_ref().filter(|_| client.certificate_bound_access_tokens);
        let certificate = certificate.map(|certificate| Thumbprint(certificate.thumbprint));
        if client.certificate_bound_access_tokens && certificate.is_none() {
            return Err(ProofFault::Certificate);
        }
        Ok(Shown { confirmation: Confirmation { key, certificate }, spend })
    }

    /// Uses a proof up where nothing else is written.
    pub(crate) async fn spend(&self, shown: &Shown) -> Result<(), OAuthError> {
        if shown.spend.is_none() {
            return Ok(());
        }
        self.commit(shown.spent_with(Changes::default())).await.map_err(lost)
    }
}

/// What the app is told of a commit that failed for a reason no step looks at itself.
pub(crate) fn lost(error: StoreError) -> OAuthError {
    if is_replay(&error) { ProofFault::Replayed.to_oauth() } else { unavailable(error) }
}

fn slice_of(now: Timestamp) -> i64 {
    let length = i64::try_from(NONCE_CHANGES.as_millis()).unwrap_or(i64::MAX);
    now.as_millis().div_euclid(length)
}
