//! The discovery document under all its names, and the keys.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_protocol::resource_metadata::{ResourceMetadata, admin_metadata, userinfo_metadata};

use crate::{house::House, oauth, visit::Visit};

pub(crate) async fn metadata(house: Arc<House>, visit: Visit) -> Response {
    house.published.metadata(&house.gateway, visit.witness.now).respond(visit.headers())
}

pub(crate) async fn keys(house: Arc<House>, visit: Visit) -> Response {
    house.published.keys(&house.gateway, visit.witness.now).respond(visit.headers())
}

/// RFC 9728 §3.
pub(crate) async fn userinfo_resource(house: Arc<House>, _: Visit) -> Response {
    resource(&userinfo_metadata(&house.gateway.settings().issuer))
}

pub(crate) async fn admin_resource(house: Arc<House>, _: Visit) -> Response {
    resource(&admin_metadata(&house.gateway.settings().issuer))
}

fn resource(metadata: &ResourceMetadata) -> Response {
    let mut response = oauth::json(StatusCode::OK, metadata);
    // Public, without credentials: a browser app may read it from anywhere, as it does discovery.
    response.headers_mut().insert(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, http::HeaderValue::from_static("*"));
    response
}
