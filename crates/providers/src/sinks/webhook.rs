//! Audit events posted to a web address, signed as Standard Webhooks are (<https://www.standardwebhooks.com>).

use std::fmt;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, header};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use url::Url;
use vestibule_domain::{
    audit::sink::{Batch, NotTaken, SinkTrouble},
    ports::AuditSink,
};

use super::post;
use crate::egress::Egress;

/// What batches are signed with: `whsec_` and the Base64 of 24 to 64 random bytes.
#[derive(Clone)]
pub struct WebhookSecret(SecretSlice<u8>);

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

/// It is no such secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not whsec_ and the Base64 of 24 to 64 random bytes")]
pub struct WebhookSecretError;

impl WebhookSecret {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let bytes = text.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        let bytes = bytes.filter(|bytes| (24..=64).contains(&bytes.len())).ok_or(WebhookSecretError)?;
        Ok(Self(bytes.into()))
    }

    fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else {
            // HMAC takes keys of any length.
            return String::new();
        };
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Posts a JSON array of events. `webhook-id` names exactly the events in it: a batch that failed may come again in
/// smaller parts. `webhook-signature` has one signature for each secret.
#[derive(Clone, Debug)]
pub struct WebhookSink {
    url: Url,
    secrets: Vec<WebhookSecret>,
    egress: Egress,
}

impl WebhookSink {
    /// To this address, by this client. With several secrets the receiver may know any one of them: so they are changed.
    pub const fn new(url: Url, secrets: Vec<WebhookSecret>, egress: Egress) -> Self {
        Self { url, secrets, egress }
    }

    fn request(&self, batch: &Batch) -> Option<Request<Vec<u8>>> {
        let (first, last) = batch.span();
        let id = format!("audit_{}_{first}_{last}", batch.chain.simple());
        let timestamp = batch.now.as_secs().to_string();
        let records: Vec<_> = batch.events.iter().map(|event| batch.form.text(event)).collect();
        let body = format!("[{}]", records.join(",")).into_bytes();
        let signatures: Vec<_> = self.secrets.iter().map(|secret| secret.sign(&id, &timestamp, &body)).collect();
        Request::post(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body)
            .ok()
    }
}

#[async_trait]
impl AuditSink for WebhookSink {
    async fn deliver(&self, batch: &Batch) -> Result<(), NotTaken> {
        let unsayable = || NotTaken { trouble: SinkTrouble::Blocked, why: "the address can't be asked for".into() };
        post(&self.egress, self.request(batch).ok_or_else(unsayable)?).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::audit::{EventName, record::RecordForm};
    use vestibule_testkit::sample::Sample;

    use super::*;
    use crate::egress::EgressOptions;

    /// The example of the specification (§ Verifying signatures), and of every library for it.
    #[test]
    fn standard_webhooks_the_example_is_signed_as_it_is_printed() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_has_enough_bits_and_is_never_shown() {
        for text in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_????????????????????????????????"] {
            assert!(WebhookSecret::parse(text).is_err(), "{text}");
        }
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret(..)");
    }

    #[tokio::test]
    async fn attack_42_what_nobody_allowed_is_not_posted_to() {
        let sample = Sample::default();
        let event = sample.event(EventName::LoginFailed, &sample.account(), &sample.client("app"));
        let batch = Batch { chain: uuid::Uuid::nil(), events: vec![event], form: RecordForm::Json, now: sample.now };
        for url in ["http://127.0.0.1:1/", "https://10.0.0.1/", "https://169.254.169.254/latest", "http://siem.example.com/"] {
            let egress = Egress::new(EgressOptions::default()).unwrap();
            let refused = WebhookSink::new(url.parse().unwrap(), Vec::new(), egress).deliver(&batch).await.unwrap_err();
            assert_eq!(refused.trouble, SinkTrouble::Blocked, "{url}");
        }
    }
}
