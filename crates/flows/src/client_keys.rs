//! What a client signed with keys of its own: client assertions, and whatever else it signs. One rule for all of it.

use vestibule_domain::{
    client::{Client, KeySource, SigningAlg},
    secret::Digest,
    signed::{JwtFault, SignedJwt},
};

use crate::Gateway;

impl Gateway {
    /// The JWT, if a key of this client signed it with one of these algorithms. That its claims hold is the caller's to see.
    ///
    /// Keys at an address of the client's are fetched when they are missing or old, and once more for a signature that none of them made, because the
    /// client may have new ones (OpenID Connect Core 1.0 §10.1.1).
    pub(crate) async fn signed_by(&self, client: &Client, algs: &[SigningAlg], jwt: &str) -> Result<SignedJwt, JwtFault> {
        self.with_keys_of(client, |jwks| self.checker.signed_with(jwks, algs, jwt)).await
    }

    /// Whether a certificate stands in the client's key set (RFC 8705 §2.2.2).
    pub(crate) async fn has_certificate(&self, client: &Client, thumbprint: Digest) -> Result<(), JwtFault> {
        let listed = |jwks: &[u8]| {
            let found = self.checker.certificates_in(jwks)?.contains(&thumbprint);
            found.then_some(()).ok_or(JwtFault::UnknownKey)
        };
        self.with_keys_of(client, listed).await
    }

    async fn with_keys_of<T: Send>(
        &self,
        client: &Client,
        look: impl Fn(&[u8]) -> Result<T, JwtFault> + Send + Sync,
    ) -> Result<T, JwtFault> {
        let address = match &client.keys {
            None => return Err(JwtFault::NoKeys),
            Some(KeySource::Registered(jwks)) => return look(jwks.as_bytes()),
            Some(KeySource::Published(address)) => address,
        };
        let keys = self.client_keys.keys(address).await.map_err(|_| JwtFault::NoKeys)?;
        match look(&keys) {
            Err(JwtFault::UnknownKey) => {
                let renewed = self.client_keys.renewed_keys(address).await.map_err(|_| JwtFault::UnknownKey)?;
                look(&renewed)
            }
            answer => answer,
        }
    }
}
