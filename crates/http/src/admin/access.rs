//! What the admin API does with what is open now: the sessions people are signed in with, and what apps were given, whosever they are.

mod answers;
mod objects;

use std::sync::Arc;

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};
use vestibule_domain::operator::Operator;
use vestibule_flows::{AccessFilter, AccessPage, Gateway};

use self::answers::{Ending, EndingAll, FoundGrant, FoundSession, Gone, Listing};
pub(super) use self::{
    answers::{Grants, Sessions},
    objects::{GrantList, GrantObject, SessionList, SessionObject},
};
use super::{
    key::{Caller, Key},
    operations::{Group, named_in_query, next, page, usual_page},
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(super) struct Access {
    pub(super) house: Arc<House>,
    /// The path that everything of the admin API lies under.
    pub(super) base: String,
}

#[OpenApi]
impl Access {
    /// List sessions
    ///
    /// The browsers that are signed in, newest first, a page at a time: everybody's, or those of an account, of a provider, or in which an app was given
    /// something that is good still. At most 10,000 of an app's are looked at for a page, whether anybody is signed in there still or not: it may hold
    /// fewer than `limit`, or none, and where there is a next page, that goes on behind them.
    #[oai(path = "/sessions", method = "get", operation_id = "list_all_sessions", tag = "Group::Access")]
    async fn sessions(
        &self,
        key: Key,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only sessions after this id: as the link of the page before says it.
        after: Query<Option<String>>,
        /// Only of the account of this id.
        account: Query<Option<String>>,
        /// Only those in which the client of this id was given something.
        client: Query<Option<String>>,
        /// Only those that began at the provider of this id.
        provider: Query<Option<String>>,
    ) -> Result<Sessions, Refused<Listing>> {
        let filter = AccessFilter { account: account.0.as_deref(), client: client.0.as_deref(), provider: provider.0.as_deref() };
        let asked = AccessPage { after: after.0.as_deref(), limit: limit.0 };
        let found = self.gateway().sessions(&key.0.witness, filter, asked).await.map_err(named_in_query)?;
        let address = filtered(&format!("{}/sessions", self.base), filter);
        let next = found.rest.map(|rest| next(&address, limit.0, &rest.to_string()));
        Ok(Sessions::Page(Json(SessionList::new(&found.sessions, &self.gateway().settings().lifetimes)), next))
    }

    /// Read a session
    #[oai(path = "/sessions/:session_id", method = "get", operation_id = "read_session", tag = "Group::Access")]
    async fn session(
        &self,
        key: Key,
        /// The session's id: the `sid` of the tokens that were given in it.
        session_id: Path<String>,
    ) -> Result<FoundSession, Refused<Ending>> {
        let session = self.gateway().session_of_id(&key.0.witness, &session_id).await.map_err(Problem::from)?;
        Ok(FoundSession::Session(Json(SessionObject::new(&session, &self.gateway().settings().lifetimes))))
    }

    /// End a session, whosever it is
    ///
    /// Signs a browser out. What was given in it without `offline_access` stops working, and its apps are told. One that nobody used for so long that it
    /// is listed no more is ended too, as long as it is kept.
    #[oai(path = "/sessions/:session_id", method = "delete", operation_id = "end_any_session", tag = "Group::Access")]
    async fn end_session(
        &self,
        key: Key,
        /// The session's id: the `sid` of the tokens that were given in it.
        session_id: Path<String>,
    ) -> Result<Gone, Refused<Ending>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.end_session_of_id(witness, actor, None, &session_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }

    /// List grants
    ///
    /// What apps were given, from which tokens are good now or can be got, newest first, a page at a time: everybody's, or those of an account, of a
    /// client, or of both.
    #[oai(path = "/grants", method = "get", operation_id = "list_all_grants", tag = "Group::Access")]
    async fn grants(
        &self,
        key: Key,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only grants after this id: the last one of the page before.
        after: Query<Option<String>>,
        /// Only of the account of this id.
        account: Query<Option<String>>,
        /// Only of the client of this id.
        client: Query<Option<String>>,
    ) -> Result<Grants, Refused<Listing>> {
        let filter = AccessFilter { account: account.0.as_deref(), client: client.0.as_deref(), provider: None };
        let asked = AccessPage { after: after.0.as_deref(), limit: limit.0 + 1 };
        let found = self.gateway().grants(&key.0.witness, filter, asked).await.map_err(named_in_query)?;
        let address = filtered(&format!("{}/grants", self.base), filter);
        let (grants, next) = page(found, limit.0, &address, |grant| grant.id.to_string());
        Ok(Grants::Page(Json(GrantList::new(&grants)), next))
    }

    /// Read a grant
    #[oai(path = "/grants/:grant_id", method = "get", operation_id = "read_grant", tag = "Group::Access")]
    async fn grant(
        &self,
        key: Key,
        /// The grant's id.
        grant_id: Path<String>,
    ) -> Result<FoundGrant, Refused<Ending>> {
        let grant = self.gateway().grant_of_id(&key.0.witness, &grant_id).await.map_err(Problem::from)?;
        Ok(FoundGrant::Grant(Json(GrantObject::from(&*grant))))
    }

    /// Take back a grant, whosever it is
    ///
    /// Every token of the grant stops working. The session it began in goes on.
    #[oai(path = "/grants/:grant_id", method = "delete", operation_id = "revoke_any_grant", tag = "Group::Access")]
    async fn revoke_grant(
        &self,
        key: Key,
        /// The grant's id.
        grant_id: Path<String>,
    ) -> Result<Gone, Refused<Ending>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.revoke_grant_of_id(witness, actor, None, &grant_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }

    /// Take back everything an app was given
    ///
    /// By everybody: the tokens that came of it stop working, and so do codes and devices' approvals it has not fetched yet. The app stays registered, and
    /// people can sign in to it again. Tokens that it got for itself (`client_credentials`), or in exchange for those of another app, work until they
    /// expire; to stop those too, and to shut it out, disable or delete it.
    #[oai(path = "/clients/:client_id/grants", method = "delete", operation_id = "revoke_client_grants", tag = "Group::Access")]
    async fn revoke_grants_of_client(
        &self,
        key: Key,
        /// The client's id.
        client_id: Path<String>,
    ) -> Result<Gone, Refused<EndingAll>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.revoke_grants_of_client(witness, actor, &client_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }
}

impl Access {
    fn gateway(&self) -> &Gateway {
        &self.house.gateway
    }
}

/// The address of a list with what it was asked for, so that the next page is of the same.
fn filtered(address: &str, filter: AccessFilter<'_>) -> String {
    let asked = [("account", filter.account), ("client", filter.client), ("provider", filter.provider)];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
    let query = query.finish();
    if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") }
}
