//! How each operation about providers answers, and how it may refuse.

use poem_openapi::{ApiResponse, payload::Json};

use super::objects::{ProviderObject, ProviderPage, TestObject, TrialObject};
pub(super) use crate::admin::answers::Gone;
use crate::admin::answers::refusals;

#[derive(ApiResponse)]
pub(super) enum Listed {
    /// The providers.
    #[oai(status = 200)]
    All(Json<ProviderPage>),
}

#[derive(ApiResponse)]
pub(super) enum Found {
    /// The provider.
    #[oai(status = 200)]
    Provider(
        Json<ProviderObject>,
        /// The version of its definition, for `If-Match`; its health is no part of it. Absent if it can't be changed here.
        #[oai(header = "ETag")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(super) enum Put {
    /// The provider is replaced.
    #[oai(status = 200)]
    Replaced(
        Json<ProviderObject>,
        /// The provider's new version.
        #[oai(header = "ETag")]
        String,
    ),
    /// The provider is made.
    #[oai(status = 201)]
    Created(
        Json<ProviderObject>,
        /// The provider's address.
        #[oai(header = "Location")]
        String,
        /// The provider's version.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(super) enum Patched {
    /// The provider is changed.
    #[oai(status = 200)]
    Changed(
        Json<ProviderObject>,
        /// The provider's new version.
        #[oai(header = "ETag")]
        String,
    ),
}

#[derive(ApiResponse)]
pub(super) enum Tested {
    /// The provider was looked at; `ok` says whether it can be used.
    #[oai(status = 200)]
    Done(Json<TestObject>),
}

#[derive(ApiResponse)]
pub(super) enum Trials {
    /// What came of it, or that nobody came back yet.
    #[oai(status = 200)]
    Trial(Json<TrialObject>),
}

refusals! {
    Trying: [
        404 => "`not_found`: there is no such trial of this provider, or it is over.",
    ];
    Listing: [];
    Finding: [
        404 => "`not_found`: there is no such provider.",
    ];
    Putting: [
        400 => "`invalid_json`: the body is not an object in JSON. `invalid_parameter`: a precondition names no version.",
        409 => "`managed_elsewhere`: the provider stands in a file, which `hint` names.",
        412 => "`precondition_failed`: the provider is not as the precondition says. `ETag` is its present version, if it is there.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: no provider can be made of these settings; `errors` names everything that is wrong.",
        428 => "`precondition_required`: the provider is there and `If-Match` is missing.",
    ];
    Changing: [
        400 => "`invalid_json`: the body is not an object in JSON. `invalid_parameter`: `If-Match` names no version.",
        404 => "`not_found`: there is no such provider.",
        409 => "`managed_elsewhere`: the provider stands in a file, which `hint` names.",
        412 => "`precondition_failed`: the provider is not as `If-Match` says. `ETag` is its present version, if it is there.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/merge-patch+json` or `application/json`.",
        422 => "`invalid_fields`: no provider can be made of what the settings would become; `errors` names everything that is wrong.",
        428 => "`precondition_required`: `If-Match` is missing.",
    ];
    Deleting: [
        400 => "`invalid_parameter`: `If-Match` names no version.",
        404 => "`not_found`: there is no such provider.",
        409 => "`managed_elsewhere`: the provider stands in a file, which `hint` names.",
        412 => "`precondition_failed`: the provider is not as `If-Match` says. `ETag` is its present version, if it is there.",
        428 => "`precondition_required`: `If-Match` is missing.",
    ];
    Testing: [
        400 => "`invalid_json`: the body is not an object in JSON.",
        404 => "`not_found`: there is no such provider, and the body has no settings.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: no provider can be made of these settings; `errors` names everything that is wrong.",
    ];
}
