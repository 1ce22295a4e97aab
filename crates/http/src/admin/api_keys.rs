//! What the admin API does with its own keys.

pub(crate) mod objects;

use std::{sync::Arc, time::Duration};

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};
use vestibule_flows::{AdminFault, ApiKeyDraft, ShownApiKey};

use self::objects::{ApiKeyChange, ApiKeyObject, ApiKeyPage, ApiKeyRequest, NewApiKey};
use super::{
    answers::{Gone, refusals},
    body::{Body, Patch},
    key::{Caller, Key},
    operations::{Group, named_in_query, page, usual_page},
    precondition::{self, tag},
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(super) struct ApiKeys {
    pub(super) house: Arc<House>,
    /// The path that everything of the admin API lies under.
    pub(super) base: String,
}

#[OpenApi]
impl ApiKeys {
    /// List API keys
    ///
    /// In the order of their making, a page at a time. What they are is shown to nobody; the key of the configuration is none of them.
    #[oai(path = "/api-keys", method = "get", operation_id = "list_api_keys", tag = "Group::ApiKeys")]
    async fn list(
        &self,
        _key: Key,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only keys after this id: the last one of the page before.
        after: Query<Option<String>>,
    ) -> Result<Listed, Refused<Listing>> {
        let found = self.house.gateway.api_keys(after.as_deref(), limit.0 + 1).await.map_err(named_in_query)?;
        let (keys, next) = page(found, limit.0, &format!("{}/api-keys", self.base), |shown| shown.key.id.to_string());
        Ok(Listed::Page(Json(ApiKeyPage::new(keys)), next))
    }

    /// Make an API key
    ///
    /// It may do no more than the key that makes it, and lives no longer.
    #[oai(path = "/api-keys", method = "post", operation_id = "create_api_key", tag = "Group::ApiKeys")]
    async fn create(&self, key: Key, body: Body<ApiKeyRequest>) -> Result<Made, Refused<Making>> {
        let Caller { gateway, operator, witness } = &key.0;
        let ApiKeyRequest { name, scopes, expires_in } = body.0;
        let draft =
            ApiKeyDraft { name, scopes: scopes.into_iter().map(|scope| scope.0).collect(), lives: expires_in.map(Duration::from_secs) };
        let (made, text) = gateway.create_api_key(witness, operator, &draft).await.map_err(Problem::from)?;
        let (address, tag) = (format!("{}/api-keys/{}", self.base, made.id), tag(made.version));
        Ok(Made::Made(Json(NewApiKey::new(ShownApiKey { key: made, used: None }, &text)), address, tag))
    }

    /// Read an API key
    #[oai(path = "/api-keys/:key_id", method = "get", operation_id = "read_api_key", tag = "Group::ApiKeys")]
    async fn read(
        &self,
        _key: Key,
        /// The key's id.
        key_id: Path<String>,
    ) -> Result<Found, Refused<Finding>> {
        let shown = self.house.gateway.api_key(&key_id).await.map_err(Problem::from)?;
        let tag = tag(shown.key.version);
        Ok(Found::Key(Json(shown.into()), tag))
    }

    /// Change an API key
    ///
    /// A JSON Merge Patch (RFC 7396) of its name and its scopes. Nobody gives scopes that they do not have, or changes a key that may do more than theirs.
    #[oai(path = "/api-keys/:key_id", method = "patch", operation_id = "patch_api_key", tag = "Group::ApiKeys")]
    async fn patch(
        &self,
        key: Key,
        /// The key's id.
        key_id: Path<String>,
        /// The version that is to be changed: the `ETag` of the key as it was read. Needed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Patch<ApiKeyChange>,
    ) -> Result<Found, Refused<Changing>> {
        let Caller { gateway, operator, witness } = &key.0;
        let expected = precondition::version(if_match.as_deref())?;
        let present = gateway.api_key(&key_id).await.map_err(Problem::from)?;
        let expected = precondition::held(expected, present.key.version)?;
        let ApiKeyChange { name, scopes } = body.of(ApiKeyChange::base_of(&present.key))?;
        let scopes: Vec<_> = scopes.into_iter().map(|scope| scope.0).collect();
        let changed = gateway.change_api_key(witness, operator, &key_id, &name, &scopes, Some(expected)).await;
        let shown = changed.map_err(Problem::from)?;
        let tag = tag(shown.key.version);
        Ok(Found::Key(Json(shown.into()), tag))
    }

    /// Delete an API key
    ///
    /// It stops working at once, on every node. Keys that were made with it stay.
    #[oai(path = "/api-keys/:key_id", method = "delete", operation_id = "delete_api_key", tag = "Group::ApiKeys")]
    async fn delete(
        &self,
        key: Key,
        /// The key's id.
        key_id: Path<String>,
    ) -> Result<Gone, Refused<Deleting>> {
        let Caller { gateway, operator, witness } = &key.0;
        gateway.delete_api_key(witness, operator, &key_id).await.map_err(raced)?;
        Ok(Gone::Gone)
    }
}

/// A key is deleted whatever it is: who lost a race need only try again.
fn raced(fault: AdminFault) -> Problem {
    match fault {
        AdminFault::PreconditionFailed(_) => Problem::changed_meanwhile(),
        fault => fault.into(),
    }
}

#[derive(ApiResponse)]
enum Listed {
    /// The keys.
    #[oai(status = 200)]
    Page(
        Json<ApiKeyPage>,
        /// `<…>; rel="next"`: where the next ones are. Absent on the last page.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
enum Made {
    /// The key is made. It is in this answer, and in no other.
    #[oai(status = 201)]
    Made(
        Json<NewApiKey>,
        /// The key's address.
        #[oai(header = "Location")]
        String,
        /// The key's version.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
enum Found {
    /// The key.
    #[oai(status = 200)]
    Key(
        Json<ApiKeyObject>,
        /// The key's version, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

refusals! {
    Listing: [
        400 => "`invalid_parameter`: `limit` or `after` can't be used.",
    ];
    Making: [
        400 => "`invalid_json`: the body is not an object in JSON.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: a field is missing, out of range or not known, or asks for more than the key that makes it has.",
    ];
    Finding: [
        404 => "`not_found`: there is no such key.",
    ];
    Changing: [
        400 => "`invalid_json`: the body is not an object in JSON. `invalid_parameter`: `If-Match` names no version.",
        404 => "`not_found`: there is no such key.",
        412 => "`precondition_failed`: the key is not as `If-Match` says. `ETag` is its present version, if it is there.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/merge-patch+json` or `application/json`.",
        422 => "`invalid_fields`: a field is out of range or not known, or asks for more than the key that changes it has.",
        428 => "`precondition_required`: `If-Match` is missing.",
    ];
    Deleting: [
        404 => "`not_found`: there is no such key.",
        409 => "`changed_meanwhile`: try again.",
    ];
}
