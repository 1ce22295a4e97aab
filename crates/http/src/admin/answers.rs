//! How each operation answers when it did what was asked, and how it may refuse; all of it stands in the OpenAPI document.

use poem_openapi::{ApiResponse, payload::Json};

use super::objects::{ClientObject, ClientPage, NewSecretObject, RegisteredClient};

#[derive(ApiResponse)]
pub(crate) enum Listed {
    /// The clients.
    #[oai(status = 200)]
    Page(
        Json<ClientPage>,
        /// `<…>; rel="next"`: where the next ones are. Absent on the last page.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum Created {
    /// The client is registered. A confidential one has its secret in this answer, and in no other.
    #[oai(status = 201)]
    Created(
        Json<RegisteredClient>,
        /// The client's address.
        #[oai(header = "Location")]
        String,
        /// The client's version.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum Found {
    /// The client.
    #[oai(status = 200)]
    Client(
        Json<Box<ClientObject>>,
        /// The client's version, for `If-Match` and `If-None-Match`.
        #[oai(header = "ETag")]
        String,
    ),
    /// The caller has this version already.
    #[oai(status = 304)]
    Unchanged(
        /// The client's version.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum Put {
    /// The client is replaced. If it had no secret and now needs one, it is in this answer, and in no other.
    #[oai(status = 200)]
    Replaced(
        Json<RegisteredClient>,
        /// The client's new version.
        #[oai(header = "ETag")]
        String,
    ),
    /// The client is registered. A confidential one has its secret in this answer, and in no other.
    #[oai(status = 201)]
    Created(
        Json<RegisteredClient>,
        /// The client's address.
        #[oai(header = "Location")]
        String,
        /// The client's version.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum Patched {
    /// The client is changed. If it had no secret and now needs one, it is in this answer, and in no other.
    #[oai(status = 200)]
    Changed(
        Json<RegisteredClient>,
        /// The client's new version.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(crate) enum Gone {
    /// It is gone.
    #[oai(status = 204)]
    Gone,
}

#[derive(ApiResponse)]
pub(crate) enum SecretAdded {
    /// The secret is made. It is in this answer, and in no other.
    #[oai(status = 201)]
    Added(
        Json<NewSecretObject>,
        /// The secret's address, where it is revoked.
        #[oai(header = "Location")]
        String,
    ),
}

macro_rules! refusals {
    ($($operation:ident: [$($status:literal => $description:literal),* $(,)?];)+) => {
        $(pub(crate) struct $operation;
        impl $crate::admin::refused::Refusals for $operation {
            const STATUSES: &'static [(u16, &'static str)] = &[$(($status, $description)),*];
        })+
    };
}
pub(crate) use refusals;

refusals! {
    Listing: [
        400 => "`invalid_parameter`: `limit` or `after` can't be used.",
    ];
    Creating: [
        400 => "`invalid_json`: the body is not an object in JSON; `detail` says where it goes wrong.",
        409 => "`client_exists`: a client is registered under this id.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: the registration breaks rules; `errors` names every one.",
    ];
    Finding: [
        404 => "`not_found`: there is no such client.",
    ];
    Putting: [
        400 => "`invalid_json`: the body is not an object in JSON. `invalid_parameter`: a precondition names no version.",
        409 => "`managed_elsewhere`: a set of files keeps the client, and `force` was not sent.",
        412 => "`precondition_failed`: the client is not as the precondition says. `ETag` is its present version, if it is there.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: the registration breaks rules; `errors` names every one.",
        428 => "`precondition_required`: the client is there and `If-Match` is missing.",
    ];
    Patching: [
        400 => "`invalid_json`: the body is not an object in JSON. `invalid_parameter`: `If-Match` names no version.",
        404 => "`not_found`: there is no such client.",
        409 => "`managed_elsewhere`: a set of files keeps the client, and `force` was not sent.",
        412 => "`precondition_failed`: the client is not as `If-Match` says. `ETag` is its present version, if it is there.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/merge-patch+json` or `application/json`.",
        422 => "`invalid_fields`: what the registration would become breaks rules; `errors` names every one.",
        428 => "`precondition_required`: `If-Match` is missing.",
    ];
    Deleting: [
        400 => "`invalid_parameter`: `If-Match` names no version.",
        404 => "`not_found`: there is no such client.",
        409 => "`managed_elsewhere`: a set of files keeps the client, and `force` was not sent.",
        412 => "`precondition_failed`: the client is not as `If-Match` says. `ETag` is its present version, if it is there.",
        428 => "`precondition_required`: `If-Match` is missing.",
    ];
    Adding: [
        400 => "`invalid_json`: the body is not an object in JSON.",
        404 => "`not_found`: there is no such client.",
        409 => "`too_many_secrets`: two work already. `public_client`: it has none. `changed_meanwhile`: try again.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: a time is out of range, or a field is not known.",
    ];
    Revoking: [
        404 => "`not_found`: there is no such client, or no such secret of it.",
        409 => "`last_secret`: no other secret works. `changed_meanwhile`: try again.",
    ];
}
