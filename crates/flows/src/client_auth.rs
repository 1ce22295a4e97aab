//! Who is the client? One rule for every endpoint that a client calls.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{
    assertion::{self, JWT_BEARER},
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    certificate::ClientCertificate,
    client::{AuthMethod, Client},
    error::OAuthError,
    ids::ClientId,
    secret::{Digest, Purpose},
    signed::{JwtFault, SignedJwt},
    store::{Changes, Contest, StoreError, Write},
};

use crate::{Gateway, throttle::Spent};

/// What a client presented to prove who it is.
#[derive(Debug, Default)]
pub struct Presented {
    /// HTTP Basic, decoded: id and secret.
    pub basic: Option<(String, SecretString)>,
    /// `client_id` of the form.
    pub client_id: Option<String>,
    /// `client_secret` of the form.
    pub client_secret: Option<SecretString>,
    /// `client_assertion_type` of the form.
    pub assertion_type: Option<String>,
    /// `client_assertion` of the form.
    pub assertion: Option<SecretString>,
    /// The certificate of its connection, whether or not it authenticates by it.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// The values of its `DPoP` headers (RFC 9449 §4.1).
    pub proofs: Vec<String>,
    /// The address of the endpoint that it called, as an assertion may name it.
    pub endpoint: String,
}

/// The one way in which a client says who it is.
enum Way<'p> {
    Secret {
        id: &'p str,
        method: AuthMethod,
        secret: &'p [u8],
    },
    Assertion {
        id: String,
        jwt: &'p str,
    },
    /// Its name alone: a public client, or one whose certificate says the rest.
    Named {
        id: &'p str,
    },
}

/// Why a proof is none.
enum Refused {
    Proof { reason: Reason, detail: Option<String> },
    Store(StoreError),
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self::Proof { reason, detail: None }
    }
}

impl From<JwtFault> for Refused {
    fn from(fault: JwtFault) -> Self {
        let reason = if fault == JwtFault::NoKeys { Reason::KeysUnavailable } else { Reason::BadAssertion };
        Self::Proof { reason, detail: Some(format!("the assertion {fault}")) }
    }
}

impl Gateway {
    /// The client that presented this, or one error for every way it can be wrong (OAuth 2.1 §2.4). Nobody learns which clients exist.
    pub(crate) async fn authenticate(&self, witness: &Witness, presented: &Presented) -> Result<Arc<Client>, OAuthError> {
        let way = self.way(presented)?;
        let id = ClientId::parse(way.id()).map_err(|_| OAuthError::invalid_client())?;
        let ip = witness.source.ip;
        let client = self.client_presenting(witness, &id).await.map_err(unavailable)?;
        let place = place_of(client.as_deref());
        if let Some(seconds) = self.secret_failures.wait(ip, place, witness.now) {
            return Err(OAuthError::slow_down(seconds));
        }
        let method = way.method(client.as_deref(), presented.certificate.is_some());
        match self.holds(witness, client.as_deref(), method, &way, presented).await {
            Ok(()) => {
                self.secret_failures.succeeded(ip, place);
                let client = client.ok_or_else(OAuthError::invalid_client)?;
                if client.is_vetted() {
                    self.observer.client_served(&client.id);
                }
                Ok(client)
            }
            Err(Refused::Proof { reason, detail }) => {
                self.record_auth_failure(witness, client.as_deref(), method, reason, detail).await;
                Err(OAuthError::invalid_client())
            }
            Err(Refused::Store(error)) => Err(unavailable(error)),
        }
    }

    /// The one way that was used (OAuth 2.1 §2.4: not two in one request).
    fn way<'p>(&self, presented: &'p Presented) -> Result<Way<'p>, OAuthError> {
        let Presented { basic, client_id, client_secret, assertion, assertion_type, .. } = presented;
        let ways = [basic.is_some(), client_secret.is_some(), assertion.is_some()];
        if ways.iter().filter(|used| **used).count() > 1 {
            return Err(OAuthError::invalid_request("the client authenticated in two ways at once"));
        }
        if assertion.is_some() != assertion_type.is_some() {
            return Err(OAuthError::invalid_request("client_assertion and client_assertion_type come together"));
        }
        if assertion_type.as_deref().is_some_and(|text| text != JWT_BEARER) {
            return Err(OAuthError::invalid_request("client_assertion_type is not the one of RFC 7523"));
        }
        match (basic, client_id, client_secret, assertion) {
            (Some((basic, _)), Some(id), ..) if basic != id => {
                Err(OAuthError::invalid_request("client_id in the form is not the one of the Authorization header"))
            }
            (Some((id, secret)), ..) => {
                Ok(Way::Secret { id, method: AuthMethod::ClientSecretBasic, secret: secret.expose_secret().as_bytes() })
            }
            (_, Some(id), Some(secret), _) => {
                Ok(Way::Secret { id, method: AuthMethod::ClientSecretPost, secret: secret.expose_secret().as_bytes() })
            }
            (_, id, _, Some(jwt)) => {
                let jwt = jwt.expose_secret();
                // RFC 7521 §4.2: the client_id may be left out, and must not be another.
                let claimed = self.checker.claimed_issuer(jwt).filter(|claimed| id.as_ref().is_none_or(|id| id == claimed));
                Ok(Way::Assertion { id: claimed.ok_or_else(OAuthError::invalid_client)?, jwt })
            }
            (_, Some(id), ..) => Ok(Way::Named { id }),
            (None, None, ..) => Err(OAuthError::invalid_client()),
        }
    }

    /// Whether the proof is good.
    async fn holds(
        &self,
        witness: &Witness,
        client: Option<&Client>,
        method: AuthMethod,
        way: &Way<'_>,
        presented: &Presented,
    ) -> Result<(), Refused> {
        let secret = if let Way::Secret { secret, .. } = way { secret } else { b"".as_slice() };
        // Done for a client that is not there too, so that the time it takes does not tell.
        let matches = self.knows_secret(client, secret, witness);
        let client = match client {
            None => return Err(Reason::Unknown.into()),
            Some(client) if client.disabled => return Err(Reason::ClientDisabled.into()),
            Some(client) if !client.authenticates_by(method) => return Err(Reason::WrongMethod.into()),
            Some(client) => client,
        };
        match (method, way) {
            (AuthMethod::None, Way::Named { .. }) => Ok(()),
            (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, _) if matches => Ok(()),
            (AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost, _) => Err(Reason::BadSecret.into()),
            (AuthMethod::PrivateKeyJwt, Way::Assertion { jwt, .. }) => {
                let signed = self.signed_by(client, client.assertion_algs(), jwt).await?;
                self.accept_assertion(witness, client, &signed, presented).await
            }
            (AuthMethod::ClientSecretJwt, Way::Assertion { jwt, .. }) => {
                let signed = self.signed_with_secret_of(witness, client, jwt)?;
                self.accept_assertion(witness, client, &signed, presented).await
            }
            (AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth, Way::Named { .. }) => {
                let certificate = presented.certificate.as_deref().ok_or(Reason::WrongMethod)?;
                self.knows_certificate(client, certificate).await
            }
            _ => Err(Reason::WrongMethod.into()),
        }
    }

    fn knows_secret(&self, client: Option<&Client>, secret: &[u8], witness: &Witness) -> bool {
        let nobody = [Digest([0; 32])];
        let alive: Vec<Digest> = client.map_or_else(
            || nobody.to_vec(),
            |client| client.secrets.iter().filter(|kept| kept.is_alive(witness.now)).map(|kept| kept.digest).collect(),
        );
        let fits: Vec<bool> = alive.iter().map(|digest| self.sealer.tag_matches(Purpose::ClientSecret, secret, digest)).collect();
        let used = client.map(|client| client.secrets.iter().filter(|kept| kept.is_alive(witness.now)).zip(&fits));
        for (kept, _) in used.into_iter().flatten().filter(|(_, fits)| **fits) {
            self.uses.note(kept.id, witness.now);
        }
        fits.contains(&true)
    }

    /// `client_secret_jwt`: the HMAC is the secret's. It is opened for this and for nothing else.
    fn signed_with_secret_of(&self, witness: &Witness, client: &Client, jwt: &str) -> Result<SignedJwt, JwtFault> {
        let mut fault = JwtFault::NoKeys;
        for kept in client.secrets.iter().filter(|kept| kept.is_alive(witness.now)) {
            let Some(secret) = self.open_secret(&client.id, kept) else { continue };
            match self.checker.signed_with_secret(secret.expose_secret().as_bytes(), jwt) {
                Ok(signed) => {
                    self.uses.note(kept.id, witness.now);
                    return Ok(signed);
                }
                Err(found) => fault = found,
            }
        }
        Err(fault)
    }

    /// What the client signed is an assertion, for us, now, and for the first time on any node (RFC 7523 §3, attack 48).
    async fn accept_assertion(&self, witness: &Witness, client: &Client, signed: &SignedJwt, presented: &Presented) -> Result<(), Refused> {
        let token_endpoint = self.settings.url("/token");
        let audiences = [self.settings.issuer.as_str(), &token_endpoint, &presented.endpoint];
        // FAPI 2.0 §5.3.2.1: the issuer and nothing else, which every endpoint of an authorization server has in common.
        let audiences = if client.is_fapi2() { &audiences[..1] } else { &audiences };
        let checked = assertion::check(signed, &client.id, audiences, witness.now);
        let assertion =
            checked.map_err(|fault| Refused::Proof { reason: Reason::BadAssertion, detail: Some(format!("assertion: {fault}")) })?;
        let name = format!("client assertion\n{}\n{}", client.id, assertion.jti);
        let once = Write::SpendOnce { digest: self.sealer.hash(name.as_bytes()), expires: assertion.expires + assertion::CLOCKS_DIFFER };
        match self.commit(Changes::default().write(once)).await {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict(Contest::Once)) => Err(Reason::Replayed.into()),
            Err(error) => Err(Refused::Store(error)),
        }
    }

    /// Whether a certificate is the client's (RFC 8705 §2.1, §2.2). That the client has its private key was shown in the handshake.
    async fn knows_certificate(&self, client: &Client, certificate: &ClientCertificate) -> Result<(), Refused> {
        let bad = |detail: &str| Refused::Proof { reason: Reason::BadCertificate, detail: Some(detail.to_owned()) };
        if client.auth_method == AuthMethod::SelfSignedTlsClientAuth {
            return self.has_certificate(client, certificate.thumbprint).await.map_err(|fault| match fault {
                JwtFault::NoKeys => Reason::KeysUnavailable.into(),
                _ => bad("the certificate stands with none of the client's keys"),
            });
        }
        // Asked first: what a certificate says of its subject means nothing unless somebody vouches for it.
        if !certificate.trusted {
            return Err(bad("no authority of listen.client_certificates vouches for the certificate"));
        }
        match &client.certificate_subject {
            Some(subject) if subject.is_of(certificate) => Ok(()),
            _ => Err(bad("the certificate is another's")),
        }
    }

    async fn record_auth_failure(
        &self,
        witness: &Witness,
        client: Option<&Client>,
        method: AuthMethod,
        reason: Reason,
        detail: Option<String>,
    ) {
        let known = client.map(|client| client.id.clone());
        let event = AuditEvent {
            reason: Some(reason),
            client: known.clone(),
            auth_method: Some(method),
            detail,
            ..self.event(witness, EventName::ClientAuthFailed, Outcome::Failure, Actor::Anonymous)
        };
        let reached_the_limit = self.secret_failures.count(witness.source.ip, place_of(client), witness.now);
        match known {
            Some(_) => self.record_failure(witness, event, Vec::new()).await,
            None => self.seen(&event),
        }
        if reached_the_limit {
            let event = AuditEvent {
                reason: Some(Reason::ClientRate),
                client: client.map(|client| client.id.clone()),
                ..self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous)
            };
            self.record_failure(witness, event, Vec::new()).await;
        }
    }

    /// Everybody knows the name of a public client, and each thing that is kept for one is a row: so many a minute from one place, and so many in all, for
    /// each kind of thing (attack 84).
    pub(crate) async fn bound_strangers(&self, witness: &Witness, client: &Client, kind: EventName) -> Result<(), OAuthError> {
        if !client.is_public() {
            return Ok(());
        }
        let (ip, place) = (witness.source.ip, format!("{kind} {}", client.id));
        if let Some(wait) = self.strangers_of_clients.wait(ip, &place, witness.now) {
            return Err(OAuthError::too_many(wait));
        }
        let reached = self.strangers_of_clients.count(ip, &place, witness.now);
        let in_all = self.strangers_in_all.spend(kind, witness.now);
        if reached || in_all == Spent::RunsOut {
            let event = AuditEvent {
                reason: Some(Reason::ClientRate),
                client: Some(client.id.clone()),
                ..self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous)
            };
            self.record_failure(witness, event, Vec::new()).await;
        }
        if in_all == Spent::Fits { Ok(()) } else { Err(OAuthError::too_many(60)) }
    }
}

/// Where failures are counted: under the client's name, or together for all names that are nobody's.
fn place_of(client: Option<&Client>) -> &str {
    client.map_or("", |client| client.id.as_str())
}

impl Way<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Secret { id, .. } | Self::Named { id } => id,
            Self::Assertion { id, .. } => id,
        }
    }

    /// What was used, as the client is registered where the request alone does not tell: two methods present a JWT, and three nothing but a name.
    fn method(&self, client: Option<&Client>, has_certificate: bool) -> AuthMethod {
        let registered = client.map(|client| client.auth_method);
        match self {
            Self::Secret { method, .. } => *method,
            Self::Assertion { .. } => registered.filter(|method| method.is_assertion()).unwrap_or(AuthMethod::PrivateKeyJwt),
            Self::Named { .. } => registered.filter(|method| has_certificate && method.is_certificate()).unwrap_or(AuthMethod::None),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "so that it stands in map_err by its name")]
/// A database that can't be used is our fault and passes; the log has the rest.
pub(crate) fn unavailable(error: vestibule_domain::store::StoreError) -> OAuthError {
    tracing::error!(%error, "the database can't be used");
    OAuthError::unavailable()
}
