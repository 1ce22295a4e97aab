//! GitHub, GitHub Enterprise Cloud with a host of its own (`ghe.com`), and GitHub Enterprise Server.
//!
//! What is GitHub's alone: nobody is known by their login, which can be given up and taken by another (attack 10), but by their number; the
//! address in the profile is whatever somebody chose to show, so addresses come from a list that says which are verified; organizations and
//! teams are lists of their own; and tokens are given back by an interface of its own.

mod emails;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use openidconnect::HttpResponse;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use vestibule_domain::{
    attempt::Kept,
    health::Checked,
    ports::{IdentityProvider, RefreshUpstream, RevokeUpstream},
    provider::{Arrival, Callback, Departure, Known, Phase, ProviderCard, ProviderError, ProviderTerms, ReceivedTokens, Renewed, Sent},
    time::Timestamp,
};

use crate::{
    factory::{Common, Tools},
    line::{Line, misconfigured},
    oauth2::{
        self,
        api::{Api, request},
        client::{AuthClient, basic},
        fault,
        person::{List, Person, Resource, in_time, renewed_claims},
        settings::{self, SubjectKind, TokenAuth},
    },
    sheet::Sheet,
};

const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");
/// Which version an answer was made by.
const SELECTED: HeaderName = HeaderName::from_static("x-github-api-version-selected");
/// RFC 8594, and its companion for what is only announced.
const ENDINGS: [&str; 2] = ["sunset", "deprecation"];

/// GitHub, or a server of its make.
struct GithubProvider {
    common: Common,
    client: AuthClient,
    /// Where the interface begins, without a slash at the end.
    api: String,
    resource: Resource,
    /// Addresses are asked for.
    emails: Option<Url>,
}

impl fmt::Debug for GithubProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubProvider").field("card", &self.common.card).field("api", &self.api).finish_non_exhaustive()
    }
}

/// Makes a provider of settings; what is wrong with them is noted on the sheet.
pub(crate) fn make(sheet: &mut Sheet<'_>, common: Common, tools: &Tools) -> Option<Arc<dyn IdentityProvider>> {
    let (egress, endpoints) = settings::endpoints(sheet, &tools.egress);
    let ways = settings::ways(sheet, &common, endpoints.as_ref().map(|endpoints| &endpoints.token));
    if ways.auth == TokenAuth::None {
        sheet.fault("token_auth", "can't be none: GitHub gives no tokens without a client secret");
    }
    let reads_organizations = ways.scopes.iter().any(|scope| matches!(scope.as_str(), "read:org" | "write:org" | "admin:org"));
    if !common.terms.entry.organizations.is_empty() && !reads_organizations {
        sheet.fault("entry/organizations", "needs the scope read:org, without which GitHub tells none and nobody could enter");
    }
    let version = sheet.text("api_version").and_then(|text| version(sheet, &text));
    let api_url = sheet.address("api_url");
    let endpoints = endpoints?;
    let api = api_url.unwrap_or_else(|| api_of(&endpoints.token)).trim_end_matches('/').to_owned();
    let base = Url::parse(&api).ok().filter(|url| egress.permits(url));
    if base.is_none() {
        sheet.fault("api_url", "is not a public https address; for a server on the premises, put its host:port on the egress allow-list");
    }
    base?;
    let at = |path: &str| Url::parse(&format!("{api}{path}")).ok();
    // A GitHub App has permissions instead of scopes.
    let has = |scope: &str| ways.scopes.iter().any(|asked| asked == scope);
    let reads_emails = ways.scopes.is_empty() || has("user") || has("user:email");
    let lists = if reads_organizations { organizations(at) } else { Some(Vec::new()) };
    let resource = Resource {
        userinfo: at("/user")?,
        root: None,
        subject: "/id".to_owned(),
        subject_is: SubjectKind::Number,
        lists: lists?,
        made: Vec::new(),
        headers: HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/vnd.github+json")), (VERSION, version?)]),
        find_fault: fault::standard,
    };
    let emails = reads_emails.then(|| at("/user/emails?per_page=100")).flatten();
    let client = oauth2::client(&common, tools, egress, endpoints, ways, fault::standard);
    Some(Arc::new(GithubProvider { common, client, api, resource, emails }))
}

fn version(sheet: &mut Sheet<'_>, text: &str) -> Option<HeaderValue> {
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !is_date {
        sheet.fault("api_version", "is not a version of GitHub's REST interface, as 2022-11-28");
    }
    HeaderValue::from_str(text).ok().filter(|_| is_date)
}

/// Where the interface is: beside github.com, before a host of `ghe.com`, and below any other.
fn api_of(token_endpoint: &Url) -> String {
    match token_endpoint.host_str() {
        Some("github.com") => "https://api.github.com".to_owned(),
        Some(host) if host.ends_with(".ghe.com") => format!("https://api.{host}"),
        _ => format!("{}/api/v3", token_endpoint.origin().ascii_serialization()),
    }
}

/// Organizations by name, teams as `org:team`. A team's entry is long (its organization is in it), so there are fewer on a page.
fn organizations(at: impl Fn(&str) -> Option<Url>) -> Option<Vec<List>> {
    let list = |path: &str, item: &str| Some(List { endpoint: at(path)?, claim: "organizations".to_owned(), item: item.parse().ok()? });
    Some(vec![list("/user/orgs?per_page=100", "{/login}")?, list("/user/teams?per_page=30", "{/organization/login}:{/slug}")?])
}

impl GithubProvider {
    fn line(&self) -> &Line {
        &self.client.line
    }

    async fn person(&self, tokens: &ReceivedTokens) -> Result<Person, ProviderError> {
        let api = self.resource.api(Phase::Userinfo, self.line(), tokens)?;
        let mut person = self.resource.userinfo(self.line(), &api).await?;
        // What a profile shows is verified by nobody who says so here.
        person.claims.remove("email_verified");
        let lists = Box::pin(self.resource.add_lists(self.line(), &api, &mut person.claims));
        match &self.emails {
            None => lists.await?,
            Some(url) => {
                let email = Box::pin(self.line().step(Phase::Api, in_time(email(&api, url))));
                let ((), vouched) = tokio::try_join!(lists, email)?;
                emails::put(&mut person.claims, vouched);
            }
        }
        Ok(person)
    }

    /// Asks something as our client, without any person.
    async fn as_client(&self, phase: Phase, method: Method, path: &str, body: Vec<u8>) -> Result<HttpResponse, ProviderError> {
        let url = Url::parse(&format!("{}{path}", self.api)).map_err(|_| misconfigured(phase, "api_url is no address"))?;
        let none = SecretString::default();
        let mut headers = self.resource.headers.clone();
        headers.insert(header::AUTHORIZATION, basic(&self.common.client_id, self.client.secret.as_ref().unwrap_or(&none))?);
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        self.line().send(phase, request(phase, method, &url, headers, body)?).await
    }

    /// What an answer tells of the version it was asked for.
    fn version_warnings(&self, answer: &HttpResponse) -> Vec<String> {
        let asked = self.resource.headers.get(&VERSION);
        let mut warnings = Vec::new();
        if answer.headers().get(&SELECTED).is_some_and(|selected| Some(selected) != asked) {
            warnings.push("it answers with another version of its interface than api_version asks for".to_owned());
        }
        if ENDINGS.iter().any(|name| answer.headers().contains_key(*name)) {
            warnings.push("it announces the end of the version of its interface that api_version asks for; set a newer one".to_owned());
        }
        warnings
    }
}

/// The address that it vouches for.
async fn email(api: &Api<'_>, url: &Url) -> Result<Option<String>, ProviderError> {
    let listed = api.list(url).await.map_err(|error| match error {
        // That is how it says that a token may not read this.
        ProviderError::Invalid { rule: "status", .. } | ProviderError::Misconfigured { .. } => misconfigured(
            Phase::Api,
            "it does not show e-mail addresses: ask for the scope user:email, or give the GitHub App the permission to read them",
        ),
        other => other,
    })?;
    Ok(emails::vouched(&listed.items))
}

#[async_trait]
impl IdentityProvider for GithubProvider {
    fn card(&self) -> &ProviderCard {
        &self.common.card
    }

    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError> {
        Ok(self.client.begin(departure))
    }

    async fn complete(&self, callback: Callback, kept: Kept, now: Timestamp) -> Result<Arrival, ProviderError> {
        let tokens = self.client.redeem(callback, kept, now).await?;
        let person = self.person(&tokens).await?;
        Ok(person.arrived(&self.client.ways.issuer, tokens))
    }

    fn terms(&self) -> &ProviderTerms {
        &self.common.terms
    }

    /// Asks how often we may ask, which costs nothing and shows whether it takes our secret.
    async fn check(&self) -> Result<Checked, ProviderError> {
        let asked = async {
            let answer = self.as_client(Phase::Api, Method::GET, "/rate_limit", Vec::new()).await?;
            match answer.status() {
                // A server of its own may have no limits, and says so with 404.
                StatusCode::OK | StatusCode::NOT_FOUND => Ok(answer),
                StatusCode::UNAUTHORIZED => Err(misconfigured(Phase::Api, "status 401: check client id and secret")),
                StatusCode::BAD_REQUEST | StatusCode::GONE => {
                    Err(misconfigured(Phase::Api, "it has no such version of its interface; look at api_version"))
                }
                status => Err(fault::of_status(Phase::Api, status, answer.headers())),
            }
        };
        let answer = self.line().step(Phase::Api, asked).await?;
        let facts = vec![("interface", self.api.clone()), ("client", "is accepted with its secret".to_owned())];
        Ok(Checked { facts, warnings: self.version_warnings(&answer), ..self.common.checked() })
    }

    /// Tokens of a GitHub App expire and can be refreshed, where the App is set so; those of an OAuth app do neither.
    fn refresh(&self) -> Option<&dyn RefreshUpstream> {
        Some(self)
    }

    fn revocation(&self) -> Option<&dyn RevokeUpstream> {
        Some(self)
    }
}

#[async_trait]
impl RefreshUpstream for GithubProvider {
    async fn refresh(&self, tokens: &ReceivedTokens, known: Known<'_>, now: Timestamp) -> Result<Renewed, ProviderError> {
        let tokens = self.client.renew(tokens, &known, now).await?;
        let claims = renewed_claims(self.line(), self.person(&tokens).await, &known)?;
        Ok(Renewed { tokens, claims })
    }
}

#[async_trait]
impl RevokeUpstream for GithubProvider {
    /// A refresh token goes with its access token.
    async fn revoke(&self, tokens: &ReceivedTokens) -> Result<(), ProviderError> {
        let Some(token) = &tokens.access_token else { return Ok(()) };
        let body = json!({"access_token": token.expose_secret()}).to_string().into_bytes();
        let path = format!("/applications/{}/token", self.common.client_id);
        let given_back = async {
            let answer = self.as_client(Phase::Revocation, Method::DELETE, &path, body).await?;
            match answer.status() {
                // What it does not know, or knows no more, is given back already.
                StatusCode::NO_CONTENT | StatusCode::OK | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => Ok(()),
                status => Err(fault::of_status(Phase::Revocation, status, answer.headers())),
            }
        };
        self.line().step(Phase::Revocation, given_back).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_of_a_server_is_beside_before_or_below_it() {
        let api = |token: &str| api_of(&token.parse().unwrap());
        assert_eq!(api("https://github.com/login/oauth/access_token"), "https://api.github.com");
        assert_eq!(api("https://corp.ghe.com/login/oauth/access_token"), "https://api.corp.ghe.com");
        assert_eq!(api("https://github.corp.example:8443/login/oauth/access_token"), "https://github.corp.example:8443/api/v3");
        for (lookalike, below) in [
            ("https://evilghe.com/", "https://evilghe.com/api/v3"),
            ("https://github.com.evil.example/", "https://github.com.evil.example/api/v3"),
        ] {
            assert_eq!(api(lookalike), below);
        }
    }
}
