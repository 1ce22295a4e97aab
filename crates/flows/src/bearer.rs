//! Is an access token still good? One rule for userinfo, introspection and whatever else is called with one.

use std::sync::Arc;

use vestibule_domain::{
    account::{Account, Link},
    audit::Witness,
    client::Client,
    grant::Grant,
    possession::{ProofFault, ProvenRequest, Thumbprint},
    store::{Changes, StoreError},
    token::{AccessToken, Subject},
};

use crate::{Gateway, possession::is_replay};

/// An access token as it came to a resource of ours, and what came along to show that it may be used.
#[derive(Clone)]
pub struct TokenShown {
    /// The token.
    pub text: String,
    /// How it came.
    pub scheme: Scheme,
    /// The values of the request's `DPoP` headers.
    pub proofs: Vec<String>,
    /// The certificate of its connection.
    pub certificate: Option<Thumbprint>,
    /// The request's method.
    pub method: String,
    /// The address of the resource that was called.
    pub endpoint: String,
}

/// How an access token comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the header (RFC 6750 §2.1).
    Bearer,
    /// In the form (RFC 6750 §2.2).
    Form,
    /// In the header, with a proof (RFC 9449 §7.1).
    Dpop,
}

/// Without the token.
impl std::fmt::Debug for TokenShown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenShown").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// Why a bearer is turned away (RFC 6750 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BearerFault {
    /// No token came.
    Missing,
    /// It came in a way that is not allowed, or twice.
    Malformed(&'static str),
    /// Not ours, expired, revoked, or what it came from has ended: one answer for all.
    Invalid,
    /// Bound to a key, and what should prove that it is held does not (RFC 9449 §7).
    Unproven(ProofFault),
    /// Good, but not for this; the scope that is missing.
    InsufficientScope(&'static str),
    /// Nothing can be said now.
    Store(StoreError),
}

/// An access token that is good now, and who stands behind it.
#[derive(Debug)]
pub(crate) struct Living {
    pub(crate) token: Arc<AccessToken>,
    /// Whose token it is.
    pub(crate) client: Arc<Client>,
    /// The person, and the way they came by; absent when it speaks for the client itself.
    pub(crate) person: Option<(Arc<Account>, Arc<Link>)>,
    /// What it came from; absent when it speaks for the client itself.
    pub(crate) grant: Option<Arc<Grant>>,
}

impl Gateway {
    /// The token, if it is ours, its time has not passed, nobody revoked it, and its grant, client and account still stand.
    pub(crate) async fn living(&self, witness: &Witness, text: &str) -> Result<Option<Living>, StoreError> {
        let now = witness.now;
        let token = self.signer.verify_access_token(text, now);
        let Some(token) = token.filter(|token| token.issued <= now + CLOCKS_OF_OUR_NODES && now < token.expires) else { return Ok(None) };
        let Some(client) = self.store.client(&token.client).await? else { return Ok(None) };
        if client.disabled || self.store.is_token_revoked(&token.id).await? {
            return Ok(None);
        }
        match (&token.subject, token.id.grant) {
            // A client that was deleted and made anew under its name is another one.
            (Subject::Client(_), None) => {
                Ok(client.existed_at(token.issued).then_some(Living { token, client, person: None, grant: None }))
            }
            (Subject::Account(id), Some(grant)) => {
                let Some(grant) = self.store.grant(&grant).await?.filter(|grant| grant.is_alive()) else { return Ok(None) };
                if !self.stands_by_others(&client, &token, &grant).await? {
                    return Ok(None);
                }
                let standing = self.standing(&client, &grant.account, &grant.link).await?;
                let person = standing.ok().filter(|(account, _)| account.name_at(&client, self.sealer.as_ref()) == *id);
                Ok(person.map(|person| Living { token, client, person: Some(person), grant: Some(grant) }))
            }
            // A person's token without a grant, or a client's with one: never made by us.
            _ => Ok(None),
        }
    }

    /// Whether everybody besides its holder whom a token leans on is there still: the apps that act by it, and, for one that was exchanged for another
    /// app's (RFC 8693), that app, its person's welcome there, and the rule that let the holder have it.
    async fn stands_by_others(&self, client: &Client, token: &AccessToken, grant: &Grant) -> Result<bool, StoreError> {
        for actor in token.actors.iter() {
            if self.store.client(actor).await?.is_none_or(|actor| actor.disabled) {
                return Ok(false);
            }
        }
        if grant.client == token.client {
            return Ok(true);
        }
        let Some(first) = self.store.client(&grant.client).await? else { return Ok(false) };
        // Deleted and made anew under its name, the holder is another client; the grant is not its own and did not end with it.
        let is_the_same = client.existed_at(token.issued);
        let may_have_it = is_the_same && client.may_exchange_for(&token.audiences);
        Ok(may_have_it && self.standing(&first, &grant.account, &grant.link).await?.is_ok())
    }

    /// A token that is good now and was brought to a resource of ours by who may use it. Every resource asks here and nowhere else, or a bound token
    /// would be a bearer's at the one that forgot.
    pub(crate) async fn brought(&self, witness: &Witness, shown: &TokenShown) -> Result<Living, BearerFault> {
        let living = self.living(witness, &shown.text).await?.ok_or(BearerFault::Invalid)?;
        // As bad as another token (RFC 8705 §3).
        if living.token.confirmation.certificate.is_some_and(|bound| shown.certificate != Some(bound) || shown.scheme == Scheme::Form) {
            return Err(BearerFault::Invalid);
        }
        let bound = living.token.confirmation.key;
        match (bound, shown.scheme) {
            (None, Scheme::Bearer | Scheme::Form) => return Ok(living),
            // A bound token as a bearer's is what a thief would try (RFC 9449 §7.1, attack 58).
            (Some(_), Scheme::Bearer | Scheme::Form) => return Err(BearerFault::Unproven(ProofFault::Missing)),
            (None, Scheme::Dpop) => return Err(BearerFault::Invalid),
            (Some(_), Scheme::Dpop) => {}
        }
        let hash = self.sealer.hash(shown.text.as_bytes());
        let request = ProvenRequest {
            method: &shown.method,
            address: &shown.endpoint,
            token: Some(&hash),
            algs: living.client.client_algs(),
            now: witness.now,
        };
        let proof = self.proof_of(&shown.proofs, &request).map_err(BearerFault::Unproven)?;
        let (key, spend) = proof.ok_or(BearerFault::Unproven(ProofFault::Missing))?;
        if bound != Some(key) {
            return Err(BearerFault::Unproven(ProofFault::OtherKey));
        }
        match self.commit(Changes::default().write(spend)).await {
            Ok(()) => Ok(living),
            Err(error) if is_replay(&error) => Err(BearerFault::Unproven(ProofFault::Replayed)),
            Err(error) => Err(error.into()),
        }
    }
}

/// Nodes of one gateway may be this far apart.
const CLOCKS_OF_OUR_NODES: std::time::Duration = std::time::Duration::from_secs(10);
