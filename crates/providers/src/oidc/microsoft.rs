//! Microsoft Entra's groups. A token has room for 200 ids; beyond that it says where to ask (the overage claim), and Graph is asked.

use std::{collections::BTreeMap, fmt, str::FromStr};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;
use vestibule_domain::{
    claims::MOST_GROUPS,
    provider::{Phase, ProviderError},
};

use super::{issuers::is_guid, settings::words};
use crate::{
    line::{Line, Object, invalid, misconfigured, object},
    oauth2::{
        api::{bearer, request},
        fault,
    },
};

/// Graph takes no more at once.
const MOST_IDS: usize = 1000;

words! {
    /// What becomes of groups.
    pub Groups {
        /// They are left out.
        Off = "off",
        /// They are ids, as the token has them.
        Ids = "ids",
        /// They are names, which Graph knows. Two groups may have one name: where rights hang on it, ids are safer.
        Names = "names",
    }
}

/// How groups are read.
#[derive(Clone, Debug)]
pub struct GroupSettings {
    /// What becomes of them.
    pub groups: Groups,
    /// Whether only security groups are asked for when there are too many for the token.
    pub security_only: bool,
    /// Where Graph is: another place in each of Microsoft's national clouds.
    pub graph: Url,
}

impl GroupSettings {
    /// Puts the groups that the token only points at among the claims. Where it points to is not asked: that address is an old one, and ours to
    /// know (attack 42).
    pub(super) async fn settle(&self, line: &Line, claims: &mut Object, access_token: &SecretString) -> Result<(), ProviderError> {
        let overage = is_overage(claims);
        for pointer in ["_claim_names", "_claim_sources", "hasgroups"] {
            claims.remove(pointer);
        }
        let ids = match self.groups {
            Groups::Off => {
                claims.remove("groups");
                return Ok(());
            }
            _ if overage => {
                claims.remove("groups");
                line.step(Phase::Api, self.member_of(line, access_token)).await?
            }
            Groups::Ids => return Ok(()),
            Groups::Names => texts(claims.get("groups")),
        };
        // Half a list would be another list, and the whole one is more than is kept of anybody.
        if ids.len() > MOST_GROUPS {
            claims.remove("groups");
            tracing::warn!(
                provider.id = line.provider.as_str(),
                "somebody is in more than {MOST_GROUPS} groups, and none is taken as said"
            );
            return Ok(());
        }
        let groups = if self.groups == Groups::Names && !ids.is_empty() {
            line.step(Phase::Api, self.names(line, access_token, &ids)).await?
        } else {
            ids
        };
        claims.insert("groups".to_owned(), groups.into());
        Ok(())
    }

    async fn member_of(&self, line: &Line, token: &SecretString) -> Result<Vec<String>, ProviderError> {
        let answer = self.ask(line, token, "/v1.0/me/getMemberObjects", &json!({"securityEnabledOnly": self.security_only})).await?;
        let ids = answer.get("value").and_then(Value::as_array);
        let ids = ids.and_then(|ids| ids.iter().map(|id| id.as_str().map(str::to_owned)).collect());
        ids.ok_or_else(|| invalid(Phase::Api, "groups", "no list of groups"))
    }

    /// The names of these groups, by their ids; an id that is no group - a role, an administrative unit - stays as it is.
    async fn names(&self, line: &Line, token: &SecretString, ids: &[String]) -> Result<Vec<String>, ProviderError> {
        let ids: Vec<&String> = ids.iter().filter(|id| is_guid(id)).collect();
        let mut names = BTreeMap::new();
        for some in ids.chunks(MOST_IDS) {
            let answer = self.ask(line, token, "/v1.0/directoryObjects/getByIds", &json!({"ids": some, "types": ["group"]})).await?;
            let groups = answer.get("value").and_then(Value::as_array).ok_or_else(|| invalid(Phase::Api, "groups", "no list of groups"))?;
            for group in groups {
                if let (Some(id), Some(name)) = (text(group, "id"), text(group, "displayName")) {
                    names.insert(id.to_owned(), name.to_owned());
                }
            }
        }
        Ok(ids.into_iter().map(|id| names.remove(id).unwrap_or_else(|| id.clone())).collect())
    }

    async fn ask(&self, line: &Line, token: &SecretString, path: &str, question: &Value) -> Result<Object, ProviderError> {
        let mut url = self.graph.clone();
        url.set_path(path);
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, bearer(Phase::Api, token)?),
            (header::ACCEPT, json.clone()),
            (header::CONTENT_TYPE, json),
        ]);
        let answer = line.send(Phase::Api, request(Phase::Api, Method::POST, &url, headers, question.to_string().into_bytes())?).await?;
        match answer.status() {
            StatusCode::OK => object(Phase::Api, &answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(misconfigured(
                Phase::Api,
                "Graph does not tell the groups of somebody who is in many: give the registration there the delegated permission \
                 GroupMember.Read.All and ask for that scope, or write groups = \"off\"",
            )),
            status => Err(fault::of_status(Phase::Api, status, answer.headers())),
        }
    }
}

/// Whether the groups did not fit into the token.
fn is_overage(claims: &Object) -> bool {
    let pointed_at = claims.get("_claim_names").and_then(|names| names.get("groups")).is_some();
    pointed_at || matches!(claims.get("hasgroups"), Some(Value::Bool(true))) || claims.get("hasgroups").is_some_and(|said| said == "true")
}

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}
