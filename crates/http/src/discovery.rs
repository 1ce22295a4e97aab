//! The discovery document under all its names, and the keys.

use std::sync::Arc;

use poem::Response;

use crate::{house::House, visit::Visit};

pub(crate) async fn metadata(house: Arc<House>, visit: Visit) -> Response {
    house.published.metadata(&house.gateway, visit.witness.now).respond(visit.headers())
}

pub(crate) async fn keys(house: Arc<House>, visit: Visit) -> Response {
    house.published.keys(&house.gateway, visit.witness.now).respond(visit.headers())
}
