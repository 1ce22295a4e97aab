//! Requests that clients sign (RFC 9101): whoever carries one through a browser can't change it, and nobody else can make one.

use vestibule_domain::{
    audit::Witness,
    authorize::{Asked, PageFault, Rejection},
    client::Client,
    error::{OAuthError, OAuthErrorCode},
    request_object,
};

use crate::Gateway;

impl Gateway {
    /// The request that its request object makes, if it has one; otherwise as it came.
    pub(crate) async fn as_signed(&self, witness: &Witness, client: &Client, asked: Asked) -> Result<Asked, Rejection> {
        let Some(object) = asked.request.as_deref() else { return Ok(asked) };
        if client.disabled {
            // Before anything of the client's is fetched.
            return Err(Rejection::Page(PageFault::ClientUnknown));
        }
        self.read_object(witness, client, &asked, object).await.map_err(|error| asked.rejected(client, error))
    }

    async fn read_object(&self, witness: &Witness, client: &Client, beside: &Asked, object: &str) -> Result<Asked, OAuthError> {
        if let Some(name) = beside.repeated.first() {
            return Err(OAuthError::invalid_request(format!("{name} came more than once")));
        }
        if beside.request_uri.is_some() {
            return Err(OAuthError::invalid_request("request and request_uri must not come together"));
        }
        // An object that nobody signed says no more than the address it stands in. It is the same answer as for a client that has no keys to sign with.
        if client.keys.is_none() {
            let why = "request objects are not supported for this client: it has no registered keys to check them with";
            return Err(OAuthError::new(OAuthErrorCode::RequestNotSupported, why));
        }
        let signed = self.signed_by(client, client.request_object_algs(), object).await;
        let signed =
            signed.map_err(|fault| OAuthError::new(OAuthErrorCode::InvalidRequestObject, format!("the request object {fault}")))?;
        request_object::read(&signed, beside, client, &self.settings.issuer, witness.now)
    }
}
