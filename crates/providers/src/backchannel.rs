//! Logout tokens on their way to apps (OpenID Connect Back-Channel Logout 1.0 §2.5).

use async_trait::async_trait;
use http::{Request, StatusCode, header};
use url::{Url, form_urlencoded};
use vestibule_domain::{
    ports::{BackChannel, Undelivered},
    redirect::RegisteredUri,
};

use crate::egress::Egress;

/// Posts logout tokens through the guarded client: an app's address is no more to be trusted than an issuer's (attack 42).
#[derive(Clone, Debug)]
pub struct GuardedBackChannel {
    egress: Egress,
}

impl GuardedBackChannel {
    /// By this client.
    pub const fn new(egress: Egress) -> Self {
        Self { egress }
    }
}

#[async_trait]
impl BackChannel for GuardedBackChannel {
    async fn send(&self, to: &RegisteredUri, logout_token: &str) -> Result<(), Undelivered> {
        let undelivered = |why: &str| Undelivered(why.to_owned());
        let url = Url::parse(to.as_str()).map_err(|_| undelivered("the address can't be read"))?;
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", logout_token).finish();
        let request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .map_err(|_| undelivered("the address can't be asked for"))?;
        let answer = self.egress.send(request).await.map_err(|error| Undelivered(error.to_string()))?;
        match answer.status() {
            // §2.8 wants 200; frameworks that find nothing to say make 204 of it.
            StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
            status => Err(Undelivered(format!("it answered with status {}", status.as_u16()))),
        }
    }
}
