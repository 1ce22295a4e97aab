//! Where a person is sent (OpenID Connect Core 1.0 §3.1.2.1).

use std::{collections::BTreeSet, time::Duration};

use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use url::Url;
use vestibule_domain::{
    attempt::Kept,
    provider::{Departure, Phase, ProviderError},
};

use super::{
    metadata::Metadata,
    settings::{NonceRule, OidcSettings, Pkce},
};
use crate::line::{invalid, misconfigured};

/// The scope by which OpenID Connect asks for a refresh token (Core 1.0 §11).
const OFFLINE_ACCESS: &str = "offline_access";

/// The authorization endpoint with all parameters.
pub(super) fn address(settings: &OidcSettings, metadata: &Metadata, departure: &Departure, kept: &Kept) -> Result<String, ProviderError> {
    pkce_fits(settings, metadata)?;
    let mut location =
        Url::parse(&metadata.authorization_endpoint).map_err(|_| invalid(Phase::Discovery, "endpoint", "an address that is no URL"))?;
    let mut parameters = Parameters::default();
    parameters.protocol(settings, departure, kept);
    parameters.wishes(settings, departure);
    for (name, value) in &settings.authorization_params {
        parameters.set(name, value.clone());
    }
    if is_offline(settings) {
        for (name, value) in settings.offline_params.iter().filter(|(name, _)| *name != "prompt") {
            parameters.set(name, value.clone());
        }
    }
    parameters.0.retain(|(name, _)| !settings.unsupported_params.iter().any(|unsupported| unsupported == name));
    location.query_pairs_mut().extend_pairs(&parameters.0);
    Ok(location.into())
}

/// Whether there is the PKCE that was asked for. Without it nobody is sent there.
pub(super) fn pkce_fits(settings: &OidcSettings, metadata: &Metadata) -> Result<(), ProviderError> {
    if settings.pkce != Pkce::Required || metadata.takes_s256 == Some(true) {
        return Ok(());
    }
    Err(misconfigured(Phase::Discovery, "it does not announce PKCE with S256, which `pkce = \"required\"` asks for"))
}

/// Parameters in the order they were set, each once: what comes twice is read by one server as the first and by another as the last.
#[derive(Default)]
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((name.to_owned(), value.into())),
        }
    }

    fn protocol(&mut self, settings: &OidcSettings, departure: &Departure, kept: &Kept) {
        self.set("response_type", "code");
        self.set("client_id", &settings.client_id);
        self.set("redirect_uri", &departure.redirect_uri);
        self.set("scope", scopes(settings).join(" "));
        self.set("state", departure.attempt.to_string());
        if settings.form_post {
            self.set("response_mode", "form_post");
        }
        if settings.nonce != NonceRule::Unsupported {
            self.set("nonce", &kept.nonce);
        }
        if settings.pkce != Pkce::Never {
            let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(kept.pkce_verifier.clone()));
            self.set("code_challenge", challenge.as_str());
            self.set("code_challenge_method", "S256");
        }
    }

    /// What the core, the app or an operator would like.
    fn wishes(&mut self, settings: &OidcSettings, departure: &Departure) {
        let prompt = prompt(settings, departure);
        if !prompt.is_empty() {
            self.set("prompt", prompt.join(" "));
        }
        // Being asked for a maximum age obliges the issuer to say in `auth_time` when the sign-in was (OpenID Connect Core 1.0 §2); a prompt alone
        // leaves us to take its word that there was a new one.
        if let Some(age) = departure.max_age.or(departure.fresh.then_some(Duration::ZERO)) {
            self.set("max_age", age.as_secs().to_string());
        }
        let wishes = [
            ("login_hint", departure.login_hint.as_ref()),
            ("acr_values", departure.acr_values.as_ref().or(settings.acr_values.as_ref())),
            ("ui_locales", departure.ui_locales.as_ref()),
        ];
        for (name, value) in wishes {
            if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
                self.set(name, value);
            }
        }
        if let (Some(parameter), Some(domain)) = (&settings.domain_hint_param, domain_hint(settings, departure)) {
            self.set(parameter, domain);
        }
    }
}

/// A hint and no more: that somebody is of the domain is seen in the token (attack 11).
fn domain_hint<'a>(settings: &'a OidcSettings, departure: &'a Departure) -> Option<&'a str> {
    let only = match settings.terms.entry.hosted_domains.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    };
    departure.domain_hint.as_deref().or(only)
}

/// Whether a refresh token is wanted.
fn is_offline(settings: &OidcSettings) -> bool {
    settings.terms.keeps_tokens || settings.scopes.iter().any(|scope| scope == OFFLINE_ACCESS)
}

/// `openid` first. Where a refresh token is asked for with parameters, the scope for it is one the issuer refuses.
pub(super) fn scopes(settings: &OidcSettings) -> Vec<&str> {
    let offline = settings.offline_scopes.iter().filter(|_| is_offline(settings));
    let refused = !settings.offline_params.is_empty();
    let wanted = settings.scopes.iter().chain(offline).map(String::as_str).filter(|scope| !(refused && *scope == OFFLINE_ACCESS));
    let mut seen = BTreeSet::new();
    std::iter::once("openid").chain(wanted).filter(|scope| seen.insert(*scope)).collect()
}

/// The words of `prompt`. `none` beside others is an error (OpenID Connect Core 1.0 §3.1.2.1), and a wish to see the person goes before it.
fn prompt<'a>(settings: &'a OidcSettings, departure: &Departure) -> Vec<&'a str> {
    let offline = settings.offline_params.get("prompt").filter(|_| is_offline(settings));
    let always = settings.prompt.iter().map(String::as_str).chain(offline.into_iter().flat_map(|words| words.split(' ')));
    let fresh = departure.fresh.then(|| settings.fresh_prompt.word());
    let wished = fresh.into_iter().chain(departure.select_account.then_some("select_account"));
    let mut words: Vec<&str> = Vec::new();
    for word in wished.chain(always) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.len() > 1 {
        words.retain(|word| *word != "none");
    }
    words
}
