//! Who is calling.

use std::sync::Arc;

use http::header;
use poem::Request;
use poem_openapi::{SecurityScheme, auth::Bearer};
use vestibule_domain::audit::{Actor, Witness};

use super::problem::Problem;
use crate::house::House;

// Attack 86: a query is logged on the way, and any page makes a browser send a cookie.
/// An admin key in the `Authorization` header. It is not looked for anywhere else.
#[derive(SecurityScheme)]
#[oai(rename = "AdminKey", ty = "bearer", checker = "caller")]
pub(crate) struct Key(pub(crate) Caller);

/// Whoever holds an admin key that works, and the circumstances of the request.
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) witness: Witness,
}

async fn caller(request: &Request, key: Bearer) -> poem::Result<Caller> {
    let (Some(house), Some(witness)) = (request.data::<Arc<House>>(), request.data::<Witness>()) else {
        return Err(Problem::internal().into());
    };
    // A proxy may look at one of two keys and we at the other.
    if request.headers().get_all(header::AUTHORIZATION).iter().count() != 1 {
        return Err(Problem::unauthorized().into());
    }
    let actor = house.gateway.admin(witness, Some(&key.token)).await.map_err(Problem::from)?;
    Ok(Caller { actor, witness: witness.clone() })
}
