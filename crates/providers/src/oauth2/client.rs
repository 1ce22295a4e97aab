//! Our registration at an authorization server, and the steps that are taken with it.

use std::{collections::BTreeMap, sync::Arc};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, Method, header};
use openidconnect::{HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::{Url, form_urlencoded};
use vestibule_domain::{
    attempt::Kept,
    ports::Entropy,
    provider::{Callback, Departure, Known, Phase, ProviderError, ReceivedTokens, Sent},
    time::Timestamp,
};

use super::{
    answer,
    api::request,
    fault::{self, FindFault},
    settings::{Endpoints, Separator, TokenAuth, Ways},
};
use crate::{
    callback,
    line::{Line, Object, misconfigured, object},
};

/// One client at one server.
pub(crate) struct AuthClient {
    pub(crate) id: String,
    pub(crate) secret: Option<SecretString>,
    pub(crate) endpoints: Endpoints,
    pub(crate) ways: Ways,
    pub(crate) find_fault: FindFault,
    pub(crate) line: Line,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl AuthClient {
    /// Where to send the person (RFC 6749 §4.1.1, RFC 7636 §4.3).
    pub(crate) fn begin(&self, departure: &Departure) -> Sent {
        // Nothing carries the nonce; it is kept because every attempt has one.
        let (pkce_verifier, nonce) = (random_text(&*self.entropy), random_text(&*self.entropy));
        let kept = Kept { issuer: self.ways.issuer.clone(), pkce_verifier, nonce };
        let mut location = self.endpoints.authorization.clone();
        let mut query = location.query_pairs_mut();
        query.append_pair("response_type", "code").append_pair("client_id", &self.id);
        query.append_pair("redirect_uri", &departure.redirect_uri).append_pair("state", &departure.attempt.to_string());
        if !self.ways.scopes.is_empty() {
            query.append_pair("scope", &self.joined_scopes());
        }
        if self.ways.pkce {
            let verifier = PkceCodeVerifier::new(kept.pkce_verifier.clone());
            let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
            query.append_pair("code_challenge", challenge.as_str()).append_pair("code_challenge_method", "S256");
        }
        for (name, value) in self.wishes(departure) {
            query.append_pair(name, value);
        }
        drop(query);
        Sent { location: location.into(), kept }
    }

    /// The parameters that stand for what the core wishes. Each name once: to prove who one is goes before choosing, and choosing before what
    /// is always sent.
    fn wishes<'a>(&'a self, departure: &'a Departure) -> Vec<(&'a str, &'a str)> {
        let mut wishes = BTreeMap::new();
        let mut wish = |map: &'a BTreeMap<String, String>| {
            wishes.extend(map.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        };
        wish(&self.ways.params.always);
        if departure.select_account {
            wish(&self.ways.params.select_account);
        }
        if departure.fresh {
            wish(&self.ways.params.fresh);
        }
        for (name, value) in [(&self.ways.params.login_hint, &departure.login_hint), (&self.ways.params.ui_locales, &departure.ui_locales)]
        {
            if let (Some(name), Some(value)) = (name, value) {
                wishes.insert(name, value);
            }
        }
        wishes.into_iter().collect()
    }

    /// The code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5), once the answer is known to be this server's.
    pub(crate) async fn redeem(&self, callback: Callback, kept: Kept, now: Timestamp) -> Result<ReceivedTokens, ProviderError> {
        let code = callback::code(&callback, &kept, &self.ways.issuer, self.ways.says_iss)?;
        let mut form = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &callback.redirect_uri)];
        if self.ways.pkce {
            form.push(("code_verifier", &kept.pkce_verifier));
        }
        let body = self.line.step(Phase::Token, self.ask(Phase::Token, &form)).await?;
        let tokens = answer::tokens(Phase::Token, &body, self.ways.separator, now)?;
        Ok(answer::granted(tokens, &body, &self.ways.scopes.join(" ")))
    }

    /// New tokens for old ones (RFC 6749 §6).
    pub(crate) async fn renew(&self, tokens: &ReceivedTokens, known: &Known<'_>, now: Timestamp) -> Result<ReceivedTokens, ProviderError> {
        self.is_issuer_of(known)?;
        let Some(token) = &tokens.refresh_token else {
            return Err(ProviderError::Denied { phase: Phase::Refresh, detail: "it gave no refresh token".to_owned() });
        };
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())];
        let body = self.line.step(Phase::Refresh, self.ask(Phase::Refresh, &form)).await?;
        answer::tokens(Phase::Refresh, &body, self.ways.separator, now)
    }

    /// Tokens of another server are not shown to this one: the configuration may have been changed since it gave them.
    pub(crate) fn is_issuer_of(&self, known: &Known<'_>) -> Result<(), ProviderError> {
        if known.issuer == self.ways.issuer {
            return Ok(());
        }
        Err(ProviderError::Denied { phase: Phase::Refresh, detail: "the tokens are of another issuer than is configured now".to_owned() })
    }

    /// Asks the token endpoint for something with a form, and reads what is no error.
    pub(crate) async fn ask(&self, phase: Phase, form: &[(&str, &str)]) -> Result<Object, ProviderError> {
        let answer = self.post(phase, &self.endpoints.token, form).await?;
        self.read(phase, &answer)
    }

    /// The JSON object that an answer of the server's holds, unless it is an error.
    fn read(&self, phase: Phase, answer: &HttpResponse) -> Result<Object, ProviderError> {
        self.own_word(phase, answer).map_or_else(|| fault::read(phase, answer, self.find_fault), Err)
    }

    /// The fault, when the server says with a word of its own what RFC 6749 has another for.
    fn own_word(&self, phase: Phase, answer: &HttpResponse) -> Option<ProviderError> {
        let body = object(phase, answer).ok()?;
        let meaning = fault::meaning(phase, body.get("error").and_then(Value::as_str)?, &self.ways.error_codes)?;
        Some(fault::of_code(phase, meaning))
    }

    /// Gives tokens back (RFC 7009), the refresh token first: with it most servers forget the others.
    pub(crate) async fn revoke(&self, endpoint: &Url, tokens: &ReceivedTokens) -> Result<(), ProviderError> {
        for (token, hint) in [(&tokens.refresh_token, "refresh_token"), (&tokens.access_token, "access_token")] {
            if let Some(token) = token {
                self.line.step(Phase::Revocation, self.give_back(endpoint, token, hint)).await?;
            }
        }
        Ok(())
    }

    async fn give_back(&self, endpoint: &Url, token: &SecretString, hint: &str) -> Result<(), ProviderError> {
        let answer = self.post(Phase::Revocation, endpoint, &[("token", token.expose_secret()), ("token_type_hint", hint)]).await?;
        match self.read(Phase::Revocation, &answer) {
            // RFC 7009 §2.2: what it does not know is given back already.
            Ok(_) | Err(ProviderError::Invalid { rule: "token", .. }) => Ok(()),
            // And the answer has no content.
            Err(ProviderError::Invalid { rule: "content_type" | "json", .. }) if answer.status().is_success() => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// POSTs a form as this client.
    pub(crate) async fn post(&self, phase: Phase, endpoint: &Url, form: &[(&str, &str)]) -> Result<HttpResponse, ProviderError> {
        self.line.send(phase, self.form(phase, endpoint, form)?).await
    }

    fn form(&self, phase: Phase, endpoint: &Url, form: &[(&str, &str)]) -> Result<HttpRequest, ProviderError> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let mut headers = HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ]);
        match (&self.secret, self.ways.auth) {
            (Some(secret), TokenAuth::Basic) => {
                headers.insert(header::AUTHORIZATION, basic(&self.id, secret)?);
            }
            (Some(secret), TokenAuth::Post) => {
                body.append_pair("client_id", &self.id).append_pair("client_secret", secret.expose_secret());
            }
            (None, _) | (_, TokenAuth::None) => {
                body.append_pair("client_id", &self.id);
            }
        }
        request(phase, Method::POST, endpoint, headers, body.finish().into_bytes())
    }

    fn joined_scopes(&self) -> String {
        self.ways.scopes.join(match self.ways.separator {
            Separator::Space => " ",
            Separator::Comma => ",",
        })
    }
}

/// A text that nobody can guess: 256 bits.
pub(crate) fn random_text(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// RFC 6749 §2.3.1: both halves are encoded as in a form first.
pub(crate) fn basic(id: &str, secret: &SecretString) -> Result<HeaderValue, ProviderError> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret.expose_secret())));
    let mut header = HeaderValue::try_from(format!("Basic {pair}"))
        .map_err(|_| misconfigured(Phase::Token, "client id and secret can't be sent in a header"))?;
    header.set_sensitive(true);
    Ok(header)
}
