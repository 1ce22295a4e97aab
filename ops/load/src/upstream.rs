//! The upstream issuer of the load: as little work as an honest one can do. Its codes carry what it needs, so it keeps nothing. It signs
//! with RS256, as nearly every issuer does.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use vestibule_crypto::{KeySealer, LocalSigner, SealingKey, SystemClock, SystemEntropy};
use vestibule_domain::{
    client::SigningAlg,
    keys::{Rotation, SigningKey},
    ports::{Clock, TokenSigner},
};

use crate::Outcome;

/// The client name and secret of the gateway here.
pub(crate) const CLIENT_ID: &str = "vestibule";
pub(crate) const CLIENT_SECRET: &str = "upstream-secret";

/// A running issuer.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) issuer: String,
}

struct Issuer {
    issuer: String,
    signer: LocalSigner,
}

impl Upstream {
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let entropy = SystemEntropy;
        let sealer = Arc::new(KeySealer::new(SealingKey::generate(&entropy), Vec::new()));
        let signer = LocalSigner::new(issuer.clone(), sealer);
        signer.install(&[key(&signer)?])?;
        let state = Arc::new(Issuer { issuer: issuer.clone(), signer });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let state = state.clone();
                tokio::spawn(http1::Builder::new().serve_connection(
                    TokioIo::new(stream),
                    service_fn(move |request| {
                        let state = state.clone();
                        async move { Ok::<_, Infallible>(state.answer(request).await) }
                    }),
                ));
            }
        });
        Ok(Self { issuer })
    }
}

fn key(signer: &LocalSigner) -> Outcome<SigningKey> {
    let rotation = Rotation { algorithms: vec![SigningAlg::Rs256], ..Rotation::default() };
    let now = SystemClock.now();
    let wanted = rotation.wanted(&[], now).pop().ok_or("a key is wanted where there is none")?;
    let (kid, sealed) = signer.generate(wanted.alg)?;
    Ok(rotation.dated(kid, &wanted, sealed, now))
}

impl Issuer {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let body = match request.uri().path() {
            "/.well-known/openid-configuration" => json!({
                "issuer": self.issuer,
                "authorization_endpoint": format!("{}/authorize", self.issuer),
                "token_endpoint": format!("{}/token", self.issuer),
                "jwks_uri": format!("{}/jwks", self.issuer),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "code_challenge_methods_supported": ["S256"],
            })
            .to_string()
            .into(),
            "/jwks" => Bytes::copy_from_slice(&self.signer.jwks(SystemClock.now())),
            "/token" => self.token(request).await.unwrap_or_default(),
            _ => Bytes::new(),
        };
        let mut response = Response::new(Full::new(body));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        response
    }

    /// A code is `subject.nonce`.
    async fn token(&self, request: Request<Incoming>) -> Option<Bytes> {
        let body = request.into_body().collect().await.ok()?.to_bytes();
        let code = url::form_urlencoded::parse(&body).find(|(name, _)| name == "code")?.1.into_owned();
        let (subject, nonce) = code.split_once('.')?;
        let now = SystemClock.now();
        let claims = json!({
            "iss": self.issuer, "sub": subject, "aud": CLIENT_ID, "nonce": nonce, "iat": now.as_secs(), "exp": now.as_secs() + 300,
            "name": "A Person", "email": "person@example.com", "email_verified": true,
        });
        let id_token = self.signer.sign_claims(SigningAlg::Rs256, "JWT", claims.to_string().as_bytes(), now).ok()?;
        Some(
            json!({ "access_token": "upstream-access-token", "token_type": "Bearer", "expires_in": 300, "id_token": id_token })
                .to_string()
                .into(),
        )
    }
}
