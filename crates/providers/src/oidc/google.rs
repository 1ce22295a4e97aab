//! Google's groups. They are in no token: a service account reads them from the Admin Directory API, in the name of an administrator of the
//! person's Workspace domain.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};
use vestibule_domain::{
    claims::MOST_GROUPS,
    ports::Clock,
    provider::{Phase, ProviderError},
    time::Timestamp,
};

use crate::{
    line::{Line, Object, invalid, misconfigured, object},
    oauth2::{
        api::{bearer, request},
        fault,
        person::in_time,
    },
    signing::AssertionKey,
};

/// What the service account may do there.
const SCOPE: &str = "https://www.googleapis.com/auth/admin.directory.group.readonly";
/// How long an assertion is good; Google takes no more than an hour.
const ASSERTION: Duration = Duration::from_mins(5);
/// A token is not used in its last minute.
const MARGIN: Duration = Duration::from_mins(1);
/// Pages of groups, over all groups that are followed, for one person.
const MOST_REQUESTS: usize = 50;

/// How groups are read.
#[derive(Clone, Debug)]
pub struct DirectorySettings {
    /// The service account.
    pub account: ServiceAccount,
    /// An administrator's address for each Workspace domain.
    pub admins: BTreeMap<String, String>,
    /// Whether groups of groups count.
    pub transitive: bool,
    /// Where the API is.
    pub endpoint: Url,
}

/// A key file of Google's.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Who it is.
    pub client_email: String,
    /// Its key.
    pub key: AssertionKey,
    /// Where its assertions become tokens.
    pub token_uri: Url,
}

/// What stands in a key file, as far as it is used.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: SecretString,
    private_key_id: Option<String>,
    token_uri: Url,
}

impl ServiceAccount {
    /// Reads the JSON that Google's console gives.
    pub fn from_json(text: &SecretString) -> Option<Self> {
        let file: KeyFile = serde_json::from_str(text.expose_secret()).ok()?;
        let key = AssertionKey::from_pem(&file.private_key, file.private_key_id).ok()?;
        Some(Self { client_email: file.client_email, key, token_uri: file.token_uri })
    }
}

/// The Directory, with the tokens for it.
pub(super) struct Directory {
    settings: DirectorySettings,
    line: Line,
    clock: Arc<dyn Clock>,
    /// By administrator, each behind a lock of its own: one domain that does not answer keeps no other waiting.
    tokens: HashMap<String, Mutex<Option<(SecretString, Timestamp)>>>,
}

impl Directory {
    pub(super) fn new(settings: DirectorySettings, line: Line, clock: Arc<dyn Clock>) -> Self {
        let tokens = settings.admins.values().map(|admin| (admin.clone(), Mutex::default())).collect();
        Self { settings, line, clock, tokens }
    }

    /// Puts the person's groups among the claims, if their Workspace is one of those that were configured. Which it is, the signed token says:
    /// without `hd` somebody is of no Workspace, whatever their address (attack 11).
    pub(super) async fn add_groups(&self, claims: &mut Object) -> Result<(), ProviderError> {
        claims.remove("groups");
        let hosted = claims.get("hd").and_then(Value::as_str).map(str::to_ascii_lowercase);
        let (Some(admin), Some(person)) =
            (hosted.and_then(|domain| self.settings.admins.get(&domain)), claims.get("sub").and_then(Value::as_str))
        else {
            return Ok(());
        };
        let id = self.line.provider.as_str();
        if let Some(groups) = self.line.step(Phase::Api, in_time(self.groups(admin, person))).await? {
            claims.insert("groups".to_owned(), groups.into_iter().collect());
        } else {
            tracing::warn!(provider.id = id, "somebody is in more groups than can be read, and none is taken as said");
        }
        Ok(())
    }

    /// All of the person's groups; nothing when there are too many, because half a list is another list.
    async fn groups(&self, admin: &str, person: &str) -> Result<Option<BTreeSet<String>>, ProviderError> {
        let token = self.token(admin).await?;
        let mut found = BTreeSet::new();
        let mut left = VecDeque::from([person.to_owned()]);
        let mut requests = 0;
        while let Some(member) = left.pop_front() {
            let mut page = None;
            loop {
                requests += 1;
                if requests > MOST_REQUESTS || found.len() > MOST_GROUPS {
                    return Ok(None);
                }
                let answer = self.page(&token, &member, page.as_deref()).await?;
                for group in emails(&answer)? {
                    if found.insert(group.clone()) && self.settings.transitive {
                        left.push_back(group);
                    }
                }
                page = answer.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty()).map(str::to_owned);
                if page.is_none() {
                    break;
                }
            }
        }
        Ok(Some(found).filter(|found| found.len() <= MOST_GROUPS))
    }

    async fn page(&self, token: &SecretString, member: &str, page: Option<&str>) -> Result<Object, ProviderError> {
        let mut url = self.settings.endpoint.clone();
        url.set_path("/admin/directory/v1/groups");
        url.query_pairs_mut().append_pair("userKey", member).append_pair("maxResults", "200");
        if let Some(page) = page {
            url.query_pairs_mut().append_pair("pageToken", page);
        }
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, bearer(Phase::Api, token)?),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let answer = self.line.send(Phase::Api, request(Phase::Api, Method::GET, &url, headers, Vec::new())?).await?;
        match answer.status() {
            StatusCode::OK => object(Phase::Api, &answer),
            // Somebody the directory does not know is in none of its groups.
            StatusCode::NOT_FOUND => Ok(Object::new()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(misconfigured(
                Phase::Api,
                "the Directory API refuses the service account: look at domain-wide delegation and the administrator",
            )),
            status => Err(fault::of_status(Phase::Api, status, answer.headers())),
        }
    }

    /// A token in the administrator's name (RFC 7523 §2.1), kept while it is good.
    async fn token(&self, admin: &str) -> Result<SecretString, ProviderError> {
        let now = self.clock.now();
        let kept = self.tokens.get(admin).ok_or_else(|| misconfigured(Phase::Api, "there is no such administrator"))?;
        let mut kept = kept.lock().await;
        if let Some((token, expires)) = kept.as_ref()
            && now + MARGIN < *expires
        {
            return Ok(token.clone());
        }
        let (token, expires) = self.fresh_token(admin, now).await?;
        *kept = Some((token.clone(), expires));
        Ok(token)
    }

    async fn fresh_token(&self, admin: &str, now: Timestamp) -> Result<(SecretString, Timestamp), ProviderError> {
        let account = &self.settings.account;
        let assertion = account.key.sign(&json!({
            "iss": account.client_email,
            "sub": admin,
            "scope": SCOPE,
            "aud": account.token_uri.as_str(),
            "iat": now.as_secs(),
            "exp": (now + ASSERTION).as_secs(),
        }));
        let assertion = assertion.map_err(|error| misconfigured(Phase::Api, error.to_string()))?;
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        let form =
            form_urlencoded::Serializer::new(String::new()).append_pair("grant_type", grant).append_pair("assertion", &assertion).finish();
        let headers = HeaderMap::from_iter([
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ]);
        let answer = self.line.send(Phase::Api, request(Phase::Api, Method::POST, &account.token_uri, headers, form.into_bytes())?).await?;
        if answer.status() != StatusCode::OK {
            return Err(misconfigured(
                Phase::Api,
                "Google gives the service account no token: look at its key, at domain-wide delegation and at the administrator's address",
            ));
        }
        let body = object(Phase::Api, &answer)?;
        let token = body.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| invalid(Phase::Api, "access_token", "no access token for the service account"))?;
        let lives = body.get("expires_in").and_then(Value::as_u64).unwrap_or_default().min(3600);
        Ok((token.to_owned().into(), now + Duration::from_secs(lives)))
    }
}

fn emails(answer: &Object) -> Result<Vec<String>, ProviderError> {
    let Some(groups) = answer.get("groups") else { return Ok(Vec::new()) };
    let emails = groups.as_array().and_then(|groups| groups.iter().map(|group| group.get("email")?.as_str().map(str::to_owned)).collect());
    emails.ok_or_else(|| invalid(Phase::Api, "groups", "the groups have no addresses"))
}
