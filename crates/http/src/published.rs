//! Documents that many read and few change: bytes made when keys or settings change, served with an ETag.

use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::Response;
use sha2::{Digest, Sha256};
use vestibule_domain::{client::SigningAlg, self_registration::RegistrationMode, time::Timestamp};
use vestibule_flows::Gateway;
use vestibule_protocol::metadata::provider_metadata;

/// How long clients may keep a document. Keys are published a week ahead, so this never hides one that signs.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The discovery document and the keys, as they were last made.
#[derive(Debug, Default)]
pub(crate) struct Published {
    metadata: RwLock<Option<(Vec<SigningAlg>, Document)>>,
    keys: RwLock<Option<(Arc<[u8]>, Document)>>,
}

/// Bytes with their ETag.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    bytes: bytes::Bytes,
    etag: HeaderValue,
}

impl Published {
    /// The provider metadata; made again when the algorithms change.
    pub(crate) fn metadata(&self, gateway: &Gateway, now: Timestamp) -> Document {
        let algorithms = gateway.signer().algorithms(now);
        kept(&self.metadata, |made: &Vec<SigningAlg>| *made == algorithms).unwrap_or_else(|| {
            let names: Vec<_> = algorithms.iter().map(|alg| alg.as_str()).collect();
            let settings = gateway.settings();
            let for_certificates = settings.issuer_for_certificates();
            let mut metadata = provider_metadata(&settings.issuer, &names, &settings.client_certificates, for_certificates.as_deref());
            let may_register = settings.registration.mode != RegistrationMode::Off;
            metadata.registration_endpoint = may_register.then(|| settings.url("/register"));
            metadata.client_id_metadata_document_supported = settings.registration.metadata_documents.then_some(true);
            keep(&self.metadata, algorithms, serde_json::to_vec(&metadata).unwrap_or_default().into())
        })
    }

    /// The JWKS; made again when the signer has another.
    pub(crate) fn keys(&self, gateway: &Gateway, now: Timestamp) -> Document {
        let jwks = gateway.signer().jwks(now);
        kept(&self.keys, |made: &Arc<[u8]>| Arc::ptr_eq(made, &jwks)).unwrap_or_else(|| {
            let bytes = bytes::Bytes::copy_from_slice(&jwks);
            keep(&self.keys, jwks, bytes)
        })
    }
}

/// What a gateway publishes, to be compared with what is seen of it elsewhere.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The discovery document.
    pub discovery: bytes::Bytes,
    /// The keys.
    pub keys: bytes::Bytes,
}

/// The documents as a house on this gateway would serve them.
pub fn documents(gateway: &Gateway, now: Timestamp) -> Documents {
    let published = Published::default();
    Documents { discovery: published.metadata(gateway, now).bytes, keys: published.keys(gateway, now).bytes }
}

impl Document {
    /// 200 with the bytes, or 304 for who has them already.
    pub(crate) fn respond(&self, asked: &HeaderMap) -> Response {
        let known = asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|value| value.as_bytes().windows(self.etag.len()).any(|part| self.etag == part));
        let response = Response::builder()
            .header(header::ETAG, self.etag.clone())
            .header(header::CACHE_CONTROL, CACHE)
            // Public, without credentials: a browser app may read it from anywhere.
            .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if known {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.content_type("application/json").body(self.bytes.clone())
    }
}

fn kept<K>(place: &RwLock<Option<(K, Document)>>, still_good: impl Fn(&K) -> bool) -> Option<Document> {
    let place = place.read().unwrap_or_else(PoisonError::into_inner);
    place.as_ref().filter(|(key, _)| still_good(key)).map(|(_, document)| document.clone())
}

fn keep<K>(place: &RwLock<Option<(K, Document)>>, key: K, bytes: bytes::Bytes) -> Document {
    let digest = Sha256::digest(&bytes);
    let tag = digest.iter().take(16).fold(String::from("\""), |tag, byte| tag + &format!("{byte:02x}")) + "\"";
    let document = Document { bytes, etag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")) };
    *place.write().unwrap_or_else(PoisonError::into_inner) = Some((key, document.clone()));
    document
}
