//! Any OpenID Connect issuer as a place to sign in (OpenID Connect Core 1.0, authorization code flow).
//!
//! `openidconnect` checks signatures and makes PKCE challenges; what it leaves to its caller is done here: strict reading, exact comparison of
//! issuers, RFC 9207, the age of tokens, and which keys are fit at all. The order of a return is that of [`OidcProvider::complete`], and no step
//! is taken before the one above it has held.

mod apple;
mod checking;
mod consistent;
mod departure;
mod documents;
mod google;
mod id_token;
mod issuers;
mod keys;
mod logout_token;
mod metadata;
mod microsoft;
mod reading;
mod renewal;
mod settings;
mod subject;
mod tokens;

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;
use vestibule_domain::{
    attempt::Kept as KeptAttempt,
    claims::{Claims, is_printable, merged},
    health::Checked,
    ports::{Clock, Entropy, IdentityProvider, Observer, RefreshUpstream, RevokeUpstream, SignOutUpstream, UpstreamLogout},
    provider::{Arrival, Callback, Departure, LogoutNotice, Phase, ProviderCard, ProviderError, ProviderTerms, Sent},
    time::Timestamp,
};

use self::{
    documents::{Documents, Source},
    google::Directory,
    id_token::{Expected, Refusal, Verified},
    issuers::Issuers,
    keys::KeySet,
    metadata::Metadata,
    tokens::Redeemed,
};
pub use self::{
    google::{DirectorySettings, ServiceAccount},
    microsoft::{GroupSettings, Groups},
    settings::{Endpoints, FreshPrompt, NonceRule, OidcSettings, Pkce, SettingsFault, Speciality, TokenAuth},
    subject::{NotASubject, SubjectTemplate},
};
pub(crate) use self::{reading::make, subject::is_a_name};
use crate::{
    callback,
    egress::Egress,
    line::{Line, Object, invalid},
    oauth2::{api::bearer, client::random_text},
};

/// What is kept of one person's claims, as JSON: it lies in a row and travels with sessions.
const MOST_CLAIMS: usize = 64 * 1024;
const MOST_METHODS: usize = 20;

/// One configured issuer.
pub struct OidcProvider {
    settings: OidcSettings,
    issuers: Issuers,
    line: Line,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    documents: Documents,
    /// Google's, where groups are read from it.
    directory: Option<Directory>,
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcProvider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl OidcProvider {
    /// A provider for an issuer. Nothing is fetched until it is needed, or [`IdentityProvider::check`] is called.
    pub fn new(
        settings: OidcSettings,
        egress: Egress,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, SettingsFault> {
        let egress = settings.reached_by(egress)?;
        let line = Line { provider: settings.card.id.clone(), egress, observer };
        let issuers = Issuers::new(settings.issuer.clone(), settings.issuer_aliases.clone(), settings.issuer_template.clone());
        let source = Source {
            issuers: issuers.clone(),
            set: settings.endpoints.clone(),
            discovery: settings.discovery,
            endpoint_hosts: settings.endpoint_hosts.clone(),
            line: line.clone(),
            foreign: Mutex::default(),
        };
        let directory = match &settings.speciality {
            Speciality::Google(Some(directory)) => Some(Directory::new(directory.clone(), line.clone(), Arc::clone(&clock))),
            _ => None,
        };
        let documents = Documents::new(source, Arc::clone(&clock));
        Ok(Self { settings, issuers, line, clock, entropy, documents, directory })
    }

    /// The verified claims of the ID token. A key we don't know may be a new one: the keys are fetched again, at most once a minute.
    async fn identify(
        &self,
        phase: Phase,
        metadata: &Metadata,
        redeemed: &Redeemed,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Verified, ProviderError> {
        let expected = Expected { nonce: nonce.map(|nonce| (self.settings.nonce, nonce)), ..self.expected(metadata, now) };
        let (id_token, access_token) = (redeemed.id_token.expose_secret(), redeemed.access_token.expose_secret());
        let verify = |set: &KeySet| id_token::verify(id_token, access_token, set, &expected);
        let known = self.documents.keys(metadata).await?;
        let verified = match verify(&known) {
            Err(Refusal::UnknownKey { .. }) => verify(&*self.documents.renewed_keys().await?),
            verified => verified,
        };
        verified.map_err(|refusal| refusal.at(phase))
    }

    /// What every token has to agree with.
    fn expected<'a>(&'a self, metadata: &'a Metadata, now: Timestamp) -> Expected<'a> {
        Expected {
            issuers: &self.issuers,
            published: &metadata.issuer,
            client_id: &self.settings.client_id,
            audiences: &self.settings.audiences,
            nonce: None,
            algs: &self.settings.allowed_algs,
            subject: &self.settings.subject,
            now,
        }
    }

    /// More claims, of the same person (OpenID Connect Core 1.0 §5.3).
    async fn userinfo(&self, address: &str, access_token: &SecretString, subject: &str) -> Result<Object, ProviderError> {
        let asked = async {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer(Phase::Userinfo, access_token)?)]);
            let claims = self.line.get(Phase::Userinfo, address, headers).await?;
            if let Some(fault) = self.fault_in(Phase::Userinfo, StatusCode::OK, &claims) {
                return Err(fault);
            }
            // §5.3.4: otherwise the claims may be of whomever the access token was stolen from (attack 24).
            match id_token::subject(&claims) {
                Some(same) if same == subject => Ok(claims),
                _ => Err(invalid(Phase::Userinfo, "sub", "the claims are of another person than the ID token")),
            }
        };
        self.line.step(Phase::Userinfo, asked).await
    }

    /// Everything the issuer says of the person of a verified ID token.
    async fn claims(&self, metadata: &Metadata, id_token: Object, access_token: &SecretString) -> Result<Claims, ProviderError> {
        let more = match metadata.userinfo_endpoint.as_deref().filter(|_| self.settings.userinfo) {
            Some(address) => {
                let subject = id_token::subject(&id_token).unwrap_or_default().to_owned();
                let mut more = self.userinfo(address, access_token, &subject).await?;
                // Which house somebody is of is the signed token's to say, and nothing else's (attack 11).
                more.retain(|name, _| !matches!(name.as_str(), "hd" | "tid"));
                more
            }
            None => Object::new(),
        };
        self.completed(merged(id_token, more), access_token).await
    }

    /// The claims with what is code at some issuers, and without what is about the token rather than the person.
    async fn completed(&self, mut claims: Claims, access_token: &SecretString) -> Result<Claims, ProviderError> {
        if let Speciality::Microsoft(groups) = &self.settings.speciality {
            groups.settle(&self.line, &mut claims, access_token).await?;
        }
        if let Some(directory) = &self.directory {
            directory.add_groups(&mut claims).await?;
        }
        claims.retain(|name, _| !ABOUT_THE_TOKEN.contains(&name.as_str()));
        let length = serde_json::to_string(&claims).map_or(usize::MAX, |text| text.len());
        if length > MOST_CLAIMS {
            return Err(invalid(Phase::Userinfo, "too_large", format!("the claims about one person are longer than {MOST_CLAIMS} bytes")));
        }
        Ok(claims)
    }
}

/// New in every token, and no rule's business.
const ABOUT_THE_TOKEN: [&str; 12] = ["aud", "azp", "at_hash", "auth_time", "c_hash", "exp", "iat", "jti", "nbf", "nonce", "s_hash", "sid"];

#[async_trait]
impl IdentityProvider for OidcProvider {
    fn card(&self) -> &ProviderCard {
        &self.settings.card
    }

    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError> {
        let metadata = self.documents.metadata().await?;
        let (pkce_verifier, nonce) = (random_text(&*self.entropy), random_text(&*self.entropy));
        let kept = KeptAttempt { issuer: self.settings.issuer.clone(), pkce_verifier, nonce };
        let location = departure::address(&self.settings, &metadata, departure, &kept)?;
        Ok(Sent { location, kept })
    }

    async fn complete(&self, mut callback: Callback, kept: KeptAttempt, now: Timestamp) -> Result<Arrival, ProviderError> {
        let metadata = self.documents.metadata().await?;
        if let Some(known) = callback.iss.as_deref().and_then(|said| self.issuers.of_answer(said, &metadata.issuer)) {
            callback.iss = Some(known.to_owned());
        }
        let code = callback::code(&callback, &kept, &self.settings.issuer, metadata.says_iss)?;
        let redeemed = self.redeem(&metadata, &code, &callback.redirect_uri, &kept.pkce_verifier, now).await?;
        let verified = self.identify(Phase::Token, &metadata, &redeemed, Some(&kept.nonce), now).await?;
        let Verified { issuer, subject, auth_time, claims } = verified;
        let (acr, amr, session) = (text(&claims, "acr"), methods(&claims), text(&claims, "sid"));
        let mut claims = self.claims(&metadata, claims, &redeemed.access_token).await?;
        if matches!(self.settings.speciality, Speciality::Apple) {
            apple::add_name(&mut claims, callback.user.as_deref());
        }
        Ok(Arrival { issuer, subject, claims, auth_time, acr, amr, session, tokens: redeemed.tokens })
    }

    fn terms(&self) -> &ProviderTerms {
        &self.settings.terms
    }

    async fn check(&self) -> Result<Checked, ProviderError> {
        let (metadata, keys) = self.documents.look().await?;
        departure::pkce_fits(&self.settings, &metadata)?;
        Ok(checking::checked(&self.settings, &metadata, &keys))
    }

    fn refresh(&self) -> Option<&dyn RefreshUpstream> {
        Some(self)
    }

    fn revocation(&self) -> Option<&dyn RevokeUpstream> {
        Some(self)
    }

    fn logout(&self) -> Option<&dyn UpstreamLogout> {
        Some(self)
    }

    fn sign_out(&self) -> Option<&dyn SignOutUpstream> {
        self.settings.sign_out.then_some(self as _)
    }
}

#[async_trait]
impl SignOutUpstream for OidcProvider {
    /// Without an `id_token_hint` (§2 recommends one): ID tokens of people are not kept. Most providers ask the person once more.
    async fn leave(&self, back: &str, state: &str) -> Result<Option<String>, ProviderError> {
        let metadata = self.documents.metadata().await?;
        let Some(mut url) = metadata.end_session_endpoint.as_deref().and_then(|text| Url::parse(text).ok()) else { return Ok(None) };
        let parameters = [("client_id", self.settings.client_id.as_str()), ("post_logout_redirect_uri", back), ("state", state)];
        url.query_pairs_mut().extend_pairs(parameters);
        Ok(Some(url.into()))
    }
}

#[async_trait]
impl UpstreamLogout for OidcProvider {
    async fn read(&self, logout_token: &str, now: Timestamp) -> Result<LogoutNotice, ProviderError> {
        let metadata = self.documents.metadata().await?;
        let expected = self.expected(&metadata, now);
        let known = self.documents.keys(&metadata).await?;
        let read = match logout_token::verify(logout_token, &known, &expected) {
            Err(Refusal::UnknownKey { .. }) => logout_token::verify(logout_token, &*self.documents.renewed_keys().await?, &expected),
            read => read,
        };
        read.map_err(|refusal| refusal.at(Phase::Logout))
    }
}

/// A short text, if the claim is one.
fn text(claims: &Object, name: &str) -> Option<String> {
    claims.get(name)?.as_str().filter(|text| is_printable(text)).map(str::to_owned)
}

/// RFC 8176: all of it, or nothing.
fn methods(claims: &Object) -> Vec<String> {
    let Some(Value::Array(values)) = claims.get("amr") else { return Vec::new() };
    let texts: Option<Vec<_>> = values.iter().map(|value| value.as_str().filter(|text| is_printable(text)).map(str::to_owned)).collect();
    texts.filter(|texts| texts.len() <= MOST_METHODS).unwrap_or_default()
}
