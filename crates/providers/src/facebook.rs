//! Facebook Login, by its code flow and the Graph interface.
//!
//! What is Facebook's alone: errors are objects with numbers; every request to Graph carries a proof that who asks has the app's secret, so that
//! a token that leaked is of no use elsewhere; there are no refresh tokens, but a token can be exchanged for one that lives longer; and Graph
//! answers with an older version than it was asked for once that is gone, which is noticed and said. It never says that an address is verified.

mod graph;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use http::HeaderName;
use openidconnect::HttpResponse;
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use vestibule_domain::{
    attempt::Kept,
    health::Checked,
    ports::{IdentityProvider, RefreshUpstream, RevokeUpstream},
    provider::{
        Arrival, Callback, Departure, EmailTrust, Known, Phase, ProviderCard, ProviderError, ProviderTerms, ReceivedTokens, Renewed, Sent,
    },
    time::Timestamp,
};

use crate::{
    factory::{Common, Tools},
    line::Line,
    oauth2::{
        self, answer,
        api::Api,
        client::AuthClient,
        fault,
        person::{Person, Resource, renewed_claims},
        settings::{self, TokenAuth},
    },
    sheet::Sheet,
};

/// Which version of Graph answered.
const VERSION: HeaderName = HeaderName::from_static("facebook-api-version");

/// Facebook.
struct FacebookProvider {
    common: Common,
    client: AuthClient,
    resource: Resource,
    secret: SecretString,
    /// What is asked of a person.
    fields: Vec<String>,
    /// The version of Graph that its addresses name.
    version: Option<String>,
    /// It was said that Graph answers with another version.
    warned: AtomicBool,
}

impl fmt::Debug for FacebookProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FacebookProvider").field("card", &self.common.card).field("version", &self.version).finish_non_exhaustive()
    }
}

/// Makes a provider of settings; what is wrong with them is noted on the sheet.
pub(crate) fn make(sheet: &mut Sheet<'_>, common: Common, tools: &Tools) -> Option<Arc<dyn IdentityProvider>> {
    let (egress, endpoints) = settings::endpoints(sheet, &tools.egress);
    let ways = settings::ways(sheet, &common, endpoints.as_ref().map(|endpoints| &endpoints.token));
    let resource = settings::resource(sheet, &egress, graph::find_fault);
    let fields = sheet.texts("fields");
    for (at, _) in fields.iter().enumerate().filter(|(_, field)| field.contains(',')) {
        sheet.fault(&format!("fields/{at}"), "must be one field, as picture.type(large)");
    }
    if ways.auth == TokenAuth::None {
        sheet.fault("token_auth", "can't be none: Graph wants a proof that we have the client secret");
    }
    if common.terms.email_trust == EmailTrust::Always {
        sheet.fault("email_trust", "can't be always: Facebook vouches for no address");
    }
    let secret = common.client_secret.clone();
    let resource = resource?;
    let version = graph::version_of(&resource.userinfo);
    let client = oauth2::client(&common, tools, egress, endpoints?, ways, graph::find_fault);
    Some(Arc::new(FacebookProvider { common, client, resource, secret: secret?, fields, version, warned: AtomicBool::new(false) }))
}

impl FacebookProvider {
    fn line(&self) -> &Line {
        &self.client.line
    }

    /// An address of Graph's, with the proof that belongs to the token.
    fn proven(&self, mut url: Url, tokens: &ReceivedTokens) -> Url {
        let token = tokens.access_token.as_ref().map_or("", |token| token.expose_secret());
        url.query_pairs_mut().append_pair("appsecret_proof", &graph::proof(&self.secret, token));
        url
    }

    /// Who holds the token, and what they let us see.
    async fn person(&self, tokens: &ReceivedTokens) -> Result<(Person, Option<String>), ProviderError> {
        let api = self.resource.api(Phase::Userinfo, self.line(), tokens)?;
        let mut url = self.proven(self.resource.userinfo.clone(), tokens);
        let permissions = self.common.terms.keeps_tokens.then_some("permissions");
        let fields: Vec<_> = self.fields.iter().map(String::as_str).chain(permissions).collect();
        url.query_pairs_mut().append_pair("fields", &fields.join(","));
        let mut person = self.line().step(Phase::Userinfo, self.userinfo(&api, &url)).await?;
        let granted = person.claims.remove("permissions").map(|permissions| graph::granted(&permissions));
        // Facebook has none, and nobody else may say so in its name.
        person.claims.remove("email_verified");
        Ok((person, granted))
    }

    async fn userinfo(&self, api: &Api<'_>, url: &Url) -> Result<Person, ProviderError> {
        let answer = api.get(Phase::Userinfo, url).await?;
        self.notice(&answer);
        self.resource.read(fault::read(Phase::Userinfo, &answer, graph::find_fault)?)
    }

    /// A token that lives for some sixty days instead of an hour or two.
    async fn long_lived(&self, phase: Phase, token: &SecretString, now: Timestamp) -> Result<ReceivedTokens, ProviderError> {
        let form = [("grant_type", "fb_exchange_token"), ("fb_exchange_token", token.expose_secret())];
        let body = self.line().step(phase, self.client.ask(phase, &form)).await?;
        let tokens = answer::tokens(phase, &body, self.client.ways.separator, now)?;
        // It is what the next exchange is made with.
        Ok(ReceivedTokens { refresh_token: tokens.access_token.clone(), ..tokens })
    }

    /// The tokens that are worth keeping. Without a longer life the short one is still good for this sign-in.
    async fn worth_keeping(&self, tokens: ReceivedTokens, now: Timestamp) -> ReceivedTokens {
        let Some(token) = tokens.access_token.as_ref().filter(|_| self.common.terms.keeps_tokens) else { return tokens };
        match self.long_lived(Phase::Token, token, now).await {
            Ok(tokens) => tokens,
            Err(error) => {
                tracing::warn!(provider.id = self.line().provider.as_str(), %error, "there is no long-lived token; the short-lived one is kept");
                ReceivedTokens { refresh_token: tokens.access_token.clone(), ..tokens }
            }
        }
    }

    /// The warning, when Graph answered with another version than it was asked for.
    fn version_warning(&self, answer: &HttpResponse) -> Option<String> {
        let asked = self.version.as_deref()?;
        let answered = answer.headers().get(&VERSION)?.to_str().ok().filter(|version| graph::is_version(version))?;
        (answered != asked).then(|| format!("Graph answers with {answered} instead of {asked}; set api_version to one that still exists"))
    }

    fn notice(&self, answer: &HttpResponse) {
        let Some(warning) = self.version_warning(answer) else { return };
        // Once is enough, and a sign-in is not the place to say it each time; the health check goes on saying it.
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(provider.id = self.line().provider.as_str(), "{warning}");
        }
    }
}

#[async_trait]
impl IdentityProvider for FacebookProvider {
    fn card(&self) -> &ProviderCard {
        &self.common.card
    }

    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError> {
        Ok(self.client.begin(departure))
    }

    async fn complete(&self, callback: Callback, kept: Kept, now: Timestamp) -> Result<Arrival, ProviderError> {
        let short = self.client.redeem(callback, kept, now).await?;
        let tokens = self.worth_keeping(short, now).await;
        let (person, granted) = self.person(&tokens).await?;
        // People grant each permission for itself, so what they were asked for says nothing of what they granted.
        Ok(person.arrived(&self.client.ways.issuer, ReceivedTokens { scope: granted, ..tokens }))
    }

    fn terms(&self) -> &ProviderTerms {
        &self.common.terms
    }

    /// Asks for a token of the app's own, which shows whether Facebook takes our secret, and by which version of Graph it answers.
    async fn check(&self) -> Result<Checked, ProviderError> {
        let asked = async {
            let answer = self.client.post(Phase::Api, &self.client.endpoints.token, &[("grant_type", "client_credentials")]).await?;
            fault::read(Phase::Api, &answer, graph::find_fault)?;
            Ok(answer)
        };
        let answer = self.line().step(Phase::Api, asked).await?;
        self.notice(&answer);
        let version = self.version.clone().unwrap_or_else(|| "the oldest that still exists".to_owned());
        let facts = vec![("graph", version), ("client", "is accepted with its secret".to_owned())];
        Ok(Checked { facts, warnings: self.version_warning(&answer).into_iter().collect(), ..self.common.checked() })
    }

    fn refresh(&self) -> Option<&dyn RefreshUpstream> {
        self.common.terms.keeps_tokens.then_some(self as &dyn RefreshUpstream)
    }

    fn revocation(&self) -> Option<&dyn RevokeUpstream> {
        Some(self)
    }
}

#[async_trait]
impl RefreshUpstream for FacebookProvider {
    async fn refresh(&self, tokens: &ReceivedTokens, known: Known<'_>, now: Timestamp) -> Result<Renewed, ProviderError> {
        self.client.is_issuer_of(&known)?;
        let Some(token) = tokens.refresh_token.as_ref().or(tokens.access_token.as_ref()) else {
            return Err(ProviderError::Denied { phase: Phase::Refresh, detail: "there is no token to exchange".to_owned() });
        };
        let tokens = self.long_lived(Phase::Refresh, token, now).await?;
        let asked = self.person(&tokens).await;
        let granted = asked.as_ref().ok().and_then(|(_, granted)| granted.clone());
        let claims = renewed_claims(self.line(), asked.map(|(person, _)| person), &known)?;
        Ok(Renewed { tokens: ReceivedTokens { scope: granted.or(tokens.scope), ..tokens }, claims })
    }
}

#[async_trait]
impl RevokeUpstream for FacebookProvider {
    /// Takes back everything that the person let the app see, which is the only way to make its tokens worthless.
    async fn revoke(&self, tokens: &ReceivedTokens) -> Result<(), ProviderError> {
        if tokens.access_token.is_none() {
            return Ok(());
        }
        let mut url = self.proven(self.resource.userinfo.clone(), tokens);
        url.set_path(&format!("{}/permissions", self.resource.userinfo.path()));
        let given_back = async {
            let answer = self.resource.api(Phase::Revocation, self.line(), tokens)?.delete(Phase::Revocation, &url).await?;
            match fault::read(Phase::Revocation, &answer, graph::find_fault) {
                // Expired or taken back already.
                Ok(_) | Err(ProviderError::Invalid { rule: "token", .. }) => Ok(()),
                Err(fault) => Err(fault),
            }
        };
        self.line().step(Phase::Revocation, given_back).await
    }
}
