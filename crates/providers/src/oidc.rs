//! Any OpenID Connect issuer as a place to sign in (OpenID Connect Core 1.0, authorization code flow).
//!
//! `openidconnect` builds the requests and checks signatures; what it leaves to its caller is done here: strict reading, exact comparison of
//! issuers, RFC 9207, the age of tokens, and which keys are fit at all. The order of a return is that of [`OidcProvider::complete`], and no step
//! is taken before the one above it has held.

mod callback;
mod documents;
mod id_token;
mod kept;
mod keys;
mod line;
mod metadata;
mod profile;
mod settings;

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};
use openidconnect::{
    AuthType, AuthUrl, AuthenticationContextClass, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl,
    LanguageTag, LoginHint, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, TokenUrl,
    core::{CoreAuthPrompt, CoreClient, CoreErrorResponseType, CoreJsonWebKeySet, CoreResponseType, CoreTokenResponse, CoreTokenType},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use vestibule_domain::{
    attempt::Kept as KeptAttempt,
    ports::{Clock, Entropy, IdentityProvider, Observer},
    provider::{Arrival, Callback, Departure, Phase, ProviderCard, ProviderError, ReceivedTokens, Sent},
    time::Timestamp,
};

pub use self::settings::{OidcSettings, SettingsFault, TokenAuth};
use self::{
    documents::Documents,
    id_token::{Expected, Refusal, Verified},
    keys::KeySet,
    line::{Line, Object, TokenLine, invalid, misconfigured, unreachable},
    metadata::Metadata,
};
use crate::egress::Egress;

/// One configured issuer.
pub struct OidcProvider {
    card: ProviderCard,
    settings: OidcSettings,
    issuer: IssuerUrl,
    line: Line,
    entropy: Arc<dyn Entropy>,
    documents: Documents,
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcProvider").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What the token endpoint gave.
struct Redeemed {
    tokens: ReceivedTokens,
    id_token: String,
    access_token: String,
}

impl OidcProvider {
    /// A provider for an issuer. Nothing is fetched until it is needed, or [`OidcProvider::check`] is called.
    pub fn new(
        settings: OidcSettings,
        egress: Egress,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, SettingsFault> {
        let egress = settings.reached_by(egress)?;
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| SettingsFault::Issuer)?;
        let line = Line { provider: settings.id.clone(), egress, observer };
        Ok(Self {
            card: ProviderCard { id: settings.id.clone(), label: settings.label.clone() },
            documents: Documents::new(settings.issuer.clone(), line.clone(), clock),
            issuer,
            line,
            settings,
            entropy,
        })
    }

    /// Whether the issuer's metadata and keys can be had and are good, for the health of the provider; and they are there afterwards.
    pub async fn check(&self) -> Result<(), ProviderError> {
        let metadata = self.documents.metadata().await?;
        self.documents.keys(&metadata).await.map(drop)
    }

    /// The code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).
    async fn redeem(
        &self,
        metadata: &Metadata,
        code: String,
        redirect_uri: String,
        verifier: String,
        now: Timestamp,
    ) -> Result<Redeemed, ProviderError> {
        let broken = |_| invalid(Phase::Token, "endpoint", "an address that is no URL");
        let mut client = CoreClient::new(ClientId::new(self.settings.client_id.clone()), self.issuer.clone(), CoreJsonWebKeySet::default())
            .set_token_uri(TokenUrl::new(metadata.token_endpoint.clone()).map_err(broken)?)
            .set_auth_type(match self.settings.token_auth {
                TokenAuth::Basic => AuthType::BasicAuth,
                TokenAuth::Post => AuthType::RequestBody,
            });
        if let Some(secret) = &self.settings.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        let redirect_uri = RedirectUrl::new(redirect_uri).map_err(broken)?;
        let wire = TokenLine::new(&self.line);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .set_redirect_uri(Cow::Owned(redirect_uri));
        let exchanged = async { request.request_async(&wire).await.map_err(token_fault) };
        let answer = self.line.step(Phase::Token, exchanged).await?;
        redeemed(&answer, &wire.into_read(), now)
    }

    /// The verified claims of the ID token. A key we don't know may be a new one: the keys are fetched again, at most once a minute.
    async fn identify(&self, metadata: &Metadata, redeemed: &Redeemed, nonce: &str, now: Timestamp) -> Result<Verified, ProviderError> {
        let expected =
            Expected { issuer: &self.issuer, client_id: &self.settings.client_id, nonce, algs: &self.settings.allowed_algs, now };
        let verify = |set: &KeySet| id_token::verify(&redeemed.id_token, &redeemed.access_token, &set.keys, &expected);
        let known = self.documents.keys(metadata).await?;
        match verify(&known) {
            Err(Refusal::UnknownKey { .. }) => Ok(verify(&*self.documents.renewed_keys().await?)?),
            verified => Ok(verified?),
        }
    }

    /// More claims, of the same person (OpenID Connect Core 1.0 §5.3).
    async fn userinfo(&self, address: &str, access_token: &str, subject: &str) -> Result<Object, ProviderError> {
        let asked = async {
            let mut bearer = HeaderValue::try_from(format!("Bearer {access_token}"))
                .map_err(|_| invalid(Phase::Userinfo, "access_token", "the access token can't be sent in a header"))?;
            bearer.set_sensitive(true);
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
            let claims = self.line.get(Phase::Userinfo, address, headers).await?;
            // §5.3.4: otherwise the claims may be of whomever the access token was stolen from (attack 24).
            match id_token::subject(&claims) {
                Some(same) if same == subject => Ok(claims),
                _ => Err(invalid(Phase::Userinfo, "sub", "the claims are of another person than the ID token")),
            }
        };
        self.line.step(Phase::Userinfo, asked).await
    }

    fn random_text(&self) -> String {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    fn card(&self) -> &ProviderCard {
        &self.card
    }

    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError> {
        let metadata = self.documents.metadata().await?;
        let kept = KeptAttempt { issuer: self.settings.issuer.clone(), pkce_verifier: self.random_text(), nonce: self.random_text() };
        let broken = |_| invalid(Phase::Discovery, "endpoint", "an address that is no URL");
        let client = CoreClient::new(ClientId::new(self.settings.client_id.clone()), self.issuer.clone(), CoreJsonWebKeySet::default())
            .set_auth_uri(AuthUrl::new(metadata.authorization_endpoint.clone()).map_err(broken)?);
        let redirect_uri = RedirectUrl::new(departure.redirect_uri.clone())
            .map_err(|_| misconfigured(Phase::Callback, "our callback is no URL; look at the configured issuer"))?;
        let (state, nonce) = (CsrfToken::new(departure.attempt.to_string()), Nonce::new(kept.nonce.clone()));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(kept.pkce_verifier.clone()));

        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client
            .authorize_url(flow, move || state, move || nonce)
            .set_redirect_uri(Cow::Owned(redirect_uri))
            .set_pkce_challenge(challenge)
            .add_scopes(self.settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new));
        if departure.fresh {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        if departure.select_account {
            request = request.add_prompt(CoreAuthPrompt::SelectAccount);
        }
        // Being asked for a maximum age obliges the issuer to say in `auth_time` when the sign-in was (OpenID Connect Core 1.0 §2); a prompt alone
        // leaves us to take its word that there was a new one.
        if let Some(age) = departure.max_age.or(departure.fresh.then_some(Duration::ZERO)) {
            request = request.set_max_age(age);
        }
        if let Some(hint) = &departure.login_hint {
            request = request.set_login_hint(LoginHint::new(hint.clone()));
        }
        for value in departure.acr_values.iter().flat_map(|values| values.split_ascii_whitespace()) {
            request = request.add_auth_context_value(AuthenticationContextClass::new(value.to_owned()));
        }
        for locale in departure.ui_locales.iter().flat_map(|locales| locales.split_ascii_whitespace()) {
            request = request.add_ui_locale(LanguageTag::new(locale.to_owned()));
        }
        let (location, _, _) = request.url();
        Ok(Sent { location: location.into(), kept })
    }

    async fn complete(&self, callback: Callback, kept: KeptAttempt, now: Timestamp) -> Result<Arrival, ProviderError> {
        let metadata = self.documents.metadata().await?;
        let code = callback::code(&callback, &kept, &self.settings.issuer, metadata.says_iss)?;
        let redeemed = self.redeem(&metadata, code, callback.redirect_uri, kept.pkce_verifier, now).await?;
        let Verified { subject, auth_time, claims } = self.identify(&metadata, &redeemed, &kept.nonce, now).await?;
        let more = match metadata.userinfo_endpoint.as_deref().filter(|_| self.settings.userinfo) {
            Some(address) => self.userinfo(address, &redeemed.access_token, &subject).await?,
            None => Object::new(),
        };
        Ok(Arrival {
            issuer: self.settings.issuer.clone(),
            subject,
            auth_time,
            acr: profile::text(&claims, "acr"),
            amr: profile::methods(&claims),
            profile: profile::profile(&profile::merged(claims, more)),
            tokens: redeemed.tokens,
        })
    }
}

/// Takes the tokens from what was read strictly.
fn redeemed(answer: &CoreTokenResponse, read: &Object, now: Timestamp) -> Result<Redeemed, ProviderError> {
    if *answer.token_type() != CoreTokenType::Bearer {
        return Err(invalid(Phase::Token, "token_type", "the access token is not a bearer token"));
    }
    let text = |name| read.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let id_token = text("id_token").ok_or_else(|| invalid(Phase::Token, "id_token", "no ID token; is the scope openid allowed there?"))?;
    let access_token = text("access_token").ok_or_else(|| invalid(Phase::Token, "access_token", "no access token"))?;
    // Beyond a century it is no expiry.
    let expires = answer.expires_in().filter(|span| *span < Duration::from_hours(24 * 36525)).map(|span| now + span);
    let secret = |text: String| SecretString::from(text);
    let tokens = ReceivedTokens {
        access_token: Some(secret(access_token.clone())),
        refresh_token: text("refresh_token").map(secret),
        id_token: Some(secret(id_token.clone())),
        expires,
        scope: profile::text(read, "scope"),
    };
    Ok(Redeemed { tokens, id_token, access_token })
}

type TokenError = RequestTokenError<ProviderError, StandardErrorResponse<CoreErrorResponseType>>;

/// RFC 6749 §5.2, whose codes are known by our own texts; the issuer's are not repeated (attack 25).
fn token_fault(error: TokenError) -> ProviderError {
    let wrong = |detail: &str| misconfigured(Phase::Token, detail);
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(answer) => match answer.error().as_ref() {
            "invalid_grant" => invalid(Phase::Token, "code", "invalid_grant: the code is spent, too old or another's"),
            "invalid_client" => wrong("invalid_client: check client id, secret and how they are sent"),
            "unauthorized_client" => wrong("unauthorized_client: the client there may not use the code flow"),
            "unsupported_grant_type" => wrong("unsupported_grant_type: the client there may not use the code flow"),
            "invalid_scope" => wrong("invalid_scope: the client there may not ask for all configured scopes"),
            "invalid_request" => wrong("invalid_request: compare the registration there with the configuration"),
            "server_error" | "temporarily_unavailable" => unreachable(Phase::Token, None, "it answered with an error of its own"),
            _ => invalid(Phase::Token, "error", "an error code that is not registered"),
        },
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            invalid(Phase::Token, "answer", "no token response as RFC 6749 §5.1 has it")
        }
    }
}
