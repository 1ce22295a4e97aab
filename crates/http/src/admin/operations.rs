//! What the admin API does with clients. Each operation asks one use case and says what it answered; the comments are the OpenAPI document's.

use std::sync::Arc;

use poem_openapi::{
    OpenApi, Tags,
    param::{Header, Path, Query},
    payload::Json,
    types::ToJSON,
};
use vestibule_domain::{ids::ManagerName, managed::Editor, operator::Operator, registration::FieldFault};
use vestibule_flows::{AdminFault, Edit, Gateway};

use super::{
    answers::{
        Adding, Created, Creating, Deleting, Finding, Found, Gone, Listed, Listing, Patched, Patching, Put, Putting, Revoking, SecretAdded,
    },
    body::{Body, Patch},
    key::{Caller, Key},
    objects::{ClientObject, ClientPage, NewSecretObject, RegisteredClient, Registration, SecretRequest},
    precondition::{self, Hold, is_known, tag, there_already},
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(crate) struct Operations {
    pub(crate) house: Arc<House>,
    /// The path that everything here lies under.
    pub(crate) base: String,
}

#[derive(Tags)]
pub(crate) enum Group {
    /// The apps that people sign in to.
    Clients,
    /// How confidential apps prove who they are. At most two secrets of an app work at once, and never none.
    Secrets,
    /// Where people sign in. Those of the configuration are shown and tested here, and changed there.
    Providers,
    /// Tokens that let apps register themselves.
    Registration,
    /// The people who signed in, the ways they come in by, and where they are signed in.
    Accounts,
    /// What tokens are signed with.
    Keys,
    /// Keys of this API: what their holders may do, by scopes, and for how long.
    ApiKeys,
    /// What is open now: the sessions people are signed in with, and what apps were given.
    Access,
    /// What happened: committed with the facts, and bound into a chain that can be verified.
    Audit,
    /// What the configuration says, and reading it again.
    Configuration,
    /// What happened to single logins, and why.
    Logins,
    /// How often things happen.
    Statistics,
}

pub(crate) fn usual_page() -> u64 {
    crate::listing::USUAL
}

/// A page of what was asked for with one more than `limit`, and the link to the next one, if there is one.
pub(crate) fn page<T>(items: Vec<T>, limit: u64, address: &str, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
    let (items, last) = crate::listing::page(items, limit, id);
    (items, last.map(|last| next(address, limit, &last)))
}

/// The link to the page behind what has this id.
pub(crate) fn next(address: &str, limit: u64, after: &str) -> String {
    let more = if address.contains('?') { '&' } else { '?' };
    let after: String = url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
    format!("<{address}{more}limit={limit}&after={after}>; rel=\"next\"")
}

#[OpenApi]
impl Operations {
    /// List clients
    ///
    /// Clients in the order of their ids, a page at a time.
    #[oai(path = "/clients", method = "get", operation_id = "list_clients", tag = "Group::Clients")]
    async fn list(
        &self,
        _key: Key,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only clients after this id: the last one of the page before.
        after: Query<Option<String>>,
    ) -> Result<Listed, Refused<Listing>> {
        let found = self.gateway().clients(after.as_deref(), limit.0 + 1).await.map_err(named_in_query)?;
        let (clients, next) = page(found, limit.0, &format!("{}/clients", self.base), |client| client.id.to_string());
        let uses = self.gateway().secrets_used(&clients).await.map_err(Problem::from)?;
        Ok(Listed::Page(Json(ClientPage::new(&clients, &uses)), next))
    }

    /// Register a client
    ///
    /// A confidential client is given its first secret, which is shown in this answer only.
    #[oai(path = "/clients", method = "post", operation_id = "create_client", tag = "Group::Clients")]
    async fn create(&self, key: Key, body: Body<Registration>) -> Result<Created, Refused<Creating>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let (id, draft) = body.0.split();
        let (client, secret) = gateway.create_client(witness, actor, id.as_deref(), &draft).await.map_err(Problem::from)?;
        let (address, tag) = (self.address(client.id.as_str()), tag(client.version));
        Ok(Created::Created(Json(RegisteredClient::new(&client, secret.as_ref())), address, tag))
    }

    /// Read a client
    #[oai(path = "/clients/:client_id", method = "get", operation_id = "read_client", tag = "Group::Clients")]
    async fn read(
        &self,
        _key: Key,
        /// The client's id.
        client_id: Path<String>,
        /// Versions that the caller has: the answer is 304 if the client is still one of them.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
    ) -> Result<Found, Refused<Finding>> {
        let client = self.gateway().client(&client_id).await.map_err(Problem::from)?;
        let tag = tag(client.version);
        if is_known(if_none_match.as_deref(), client.version) {
            return Ok(Found::Unchanged(tag));
        }
        let uses = self.gateway().secrets_used(std::slice::from_ref(&client)).await.map_err(Problem::from)?;
        Ok(Found::Client(Json(Box::new(ClientObject::from(&client).used(&uses))), tag))
    }

    /// Replace or register a client
    ///
    /// Replaces the whole registration of the client, or registers it under this id. What is left out of the body takes its default.
    /// Secrets stay, unless the client becomes public.
    #[oai(path = "/clients/:client_id", method = "put", operation_id = "put_client", tag = "Group::Clients")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter that the document describes by itself")]
    async fn put(
        &self,
        key: Key,
        /// The client's id.
        client_id: Path<String>,
        /// The version that is to be replaced: the `ETag` of the client as it was read. Needed if the client is there.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        /// `*`: register the client, but never replace one.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
        /// The set of files in whose name this is written, as `vestibule apply` does: it keeps the client from then on.
        managed_by: Query<Option<String>>,
        /// Whether to go past the set of files that keeps the client.
        #[oai(default)]
        force: Query<bool>,
        body: Body<Registration>,
    ) -> Result<Put, Refused<Putting>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let editor = editor(managed_by.0, force.0)?;
        let hold = Hold::read(if_match.as_deref(), if_none_match.as_deref())?;
        let (named, draft) = body.0.split();
        if named.is_some_and(|named| named != *client_id) {
            return Err(Problem::invalid(vec![other_id()]).into());
        }
        let done = match hold {
            Hold::New => gateway.create_client_for(witness, actor, Some(&client_id), &draft, editor.manager).await,
            Hold::Free => gateway.replace_client(witness, actor, &client_id, &draft, Edit { expected: None, editor }).await,
            Hold::Version(version) => {
                gateway.replace_client(witness, actor, &client_id, &draft, Edit { expected: Some(version), editor }).await
            }
        };
        let (client, secret) = match done {
            Ok(done) => done,
            Err(fault) => return Err(self.as_it_is_now(&client_id, fault).await.into()),
        };
        let registered = Json(RegisteredClient::new(&client, secret.as_ref()));
        let tag = tag(client.version);
        // What went well without naming a version found no client to replace.
        let replaced = matches!(hold, Hold::Version(_));
        Ok(if replaced { Put::Replaced(registered, tag) } else { Put::Created(registered, self.address(&client_id), tag) })
    }

    /// Change a client
    ///
    /// A JSON Merge Patch (RFC 7396): what it names is replaced, what it says `null` to takes its default, the rest stays. Lists are
    /// replaced whole. `{"disabled": true}` alone shuts an app out whatever else is wrong with its registration by now, and whoever keeps it.
    #[oai(path = "/clients/:client_id", method = "patch", operation_id = "patch_client", tag = "Group::Clients")]
    async fn patch(
        &self,
        key: Key,
        /// The client's id.
        client_id: Path<String>,
        /// The version that is to be changed: the `ETag` of the client as it was read. Needed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        /// Whether to go past the set of files that keeps the client.
        #[oai(default)]
        force: Query<bool>,
        body: Patch<Registration>,
    ) -> Result<Patched, Refused<Patching>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let editor = editor(None, force.0)?;
        let expected = precondition::version(if_match.as_deref())?;
        let present = gateway.client(&client_id).await.map_err(Problem::from)?;
        let expected = precondition::held(expected, present.version)?;
        if let Some(disabled) = body.only_flag("disabled") {
            return match gateway.disable_client(witness, actor, &client_id, disabled, Edit { expected: Some(expected), editor }).await {
                Ok(client) => Ok(Patched::Changed(Json(RegisteredClient::new(&client, None)), tag(client.version))),
                Err(fault) => Err(self.as_it_is_now(&client_id, fault).await.into()),
            };
        }
        let (named, draft) = body.of(Registration::from(&present).to_json().unwrap_or_default())?.split();
        if named.is_some_and(|named| named != *client_id) {
            return Err(Problem::invalid(vec![other_id()]).into());
        }
        match gateway.replace_client(witness, actor, &client_id, &draft, Edit { expected: Some(expected), editor }).await {
            Ok((client, secret)) => Ok(Patched::Changed(Json(RegisteredClient::new(&client, secret.as_ref())), tag(client.version))),
            Err(fault) => Err(self.as_it_is_now(&client_id, fault).await.into()),
        }
    }

    /// Delete a client
    ///
    /// Everything that it was given stops working. To shut an app out for a while, set `disabled` instead.
    #[oai(path = "/clients/:client_id", method = "delete", operation_id = "delete_client", tag = "Group::Clients")]
    async fn delete(
        &self,
        key: Key,
        /// The client's id.
        client_id: Path<String>,
        /// The version that is to be deleted: the `ETag` of the client as it was read. Needed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        /// The set of files in whose name it is deleted.
        managed_by: Query<Option<String>>,
        /// Whether to go past the set of files that keeps the client.
        #[oai(default)]
        force: Query<bool>,
    ) -> Result<Gone, Refused<Deleting>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let edit = Edit { expected: precondition::version(if_match.as_deref())?, editor: editor(managed_by.0, force.0)? };
        match gateway.delete_client(witness, actor, &client_id, edit).await {
            Ok(()) => Ok(Gone::Gone),
            Err(fault) => Err(self.as_it_is_now(&client_id, fault).await.into()),
        }
    }

    /// Add a secret
    ///
    /// To change a secret without an outage, add the new one with `others_expire_in` as the time the app has to take it.
    #[oai(path = "/clients/:client_id/secrets", method = "post", operation_id = "add_secret", tag = "Group::Secrets")]
    async fn add_secret(
        &self,
        key: Key,
        /// The client's id.
        client_id: Path<String>,
        body: Body<SecretRequest>,
    ) -> Result<SecretAdded, Refused<Adding>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let asked = body.0;
        let added = gateway.add_secret(witness, actor, &client_id, asked.lives(), asked.others_live()).await;
        let (_, secret) = added.map_err(raced)?;
        let address = format!("{}/secrets/{}", self.address(&client_id), secret.id);
        Ok(SecretAdded::Added(Json(NewSecretObject::new(&secret, witness.now)), address))
    }

    /// Revoke a secret
    ///
    /// It stops working at once. The last one that works stays.
    #[oai(path = "/clients/:client_id/secrets/:secret_id", method = "delete", operation_id = "revoke_secret", tag = "Group::Secrets")]
    async fn revoke_secret(
        &self,
        key: Key,
        /// The client's id.
        client_id: Path<String>,
        /// The secret's id.
        secret_id: Path<String>,
    ) -> Result<Gone, Refused<Revoking>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.revoke_secret(witness, actor, &client_id, &secret_id).await.map_err(raced)?;
        Ok(Gone::Gone)
    }
}

impl Operations {
    fn gateway(&self) -> &Gateway {
        &self.house.gateway
    }

    /// Ids have only characters that stand in a path as they are.
    fn address(&self, client_id: &str) -> String {
        format!("{}/clients/{client_id}", self.base)
    }

    /// A precondition that failed, with the version that is there now.
    async fn as_it_is_now(&self, client_id: &str, fault: AdminFault) -> Problem {
        if !matches!(fault, AdminFault::Exists | AdminFault::PreconditionFailed(None)) {
            return fault.into();
        }
        match (self.gateway().client(client_id).await, fault) {
            (Ok(client), AdminFault::Exists) => there_already(client.version),
            (Ok(client), _) => AdminFault::PreconditionFailed(Some(client.version)).into(),
            (Err(_), _) => AdminFault::PreconditionFailed(None).into(),
        }
    }
}

/// In whose name a change is made.
pub(crate) fn editor(managed_by: Option<String>, force: bool) -> Result<Editor, Problem> {
    let manager = managed_by.map(|name| ManagerName::parse(&name).map_err(|error| Problem::parameter("managed_by", error.to_string())));
    Ok(Editor { manager: manager.transpose()?, force })
}

fn other_id() -> FieldFault {
    FieldFault { pointer: "/client_id".to_owned(), message: "is not the id in the address; leave it out".to_owned() }
}

/// The values of queries that use cases read.
const IN_QUERIES: [&str; 13] =
    ["after", "account", "client", "provider", "event", "outcome", "reason", "address", "reference", "login", "session", "from", "to"];

/// What a use case says of a value, as it stands in the query.
pub(crate) fn named_in_query(fault: AdminFault) -> Problem {
    match fault {
        AdminFault::Invalid(faults) => {
            let named = faults.into_iter().map(|fault| {
                let name = IN_QUERIES.into_iter().find(|name| fault.pointer.strip_prefix('/') == Some(name));
                (name.unwrap_or("after"), fault.message)
            });
            Problem::parameters(named.collect())
        }
        fault => fault.into(),
    }
}

/// Secrets are changed without a precondition: who lost a race need only try again.
fn raced(fault: AdminFault) -> Problem {
    match fault {
        AdminFault::PreconditionFailed(_) => Problem::changed_meanwhile(),
        fault => fault.into(),
    }
}
