//! What the admin API says of one login: what happened, and why.

mod objects;

use std::sync::Arc;

use poem_openapi::{ApiResponse, OpenApi, param::Path, payload::Json};

use self::objects::ExplanationObject;
use super::{answers::refusals, key::Key, operations::Group, problem::Problem, refused::Refused};
use crate::house::House;

pub(super) struct Logins {
    pub(super) house: Arc<House>,
}

#[OpenApi]
impl Logins {
    /// Explain a login
    ///
    /// What was asked, which provider was taken and why, what it answered, which claims came, rule by rule what followed, and what was given. It says which
    /// claims there were and never what they said. It is kept as long as `[audit] login_traces_keep` says; after that, the login's id still leads to its
    /// audit events.
    #[oai(path = "/logins/:reference", method = "get", operation_id = "explain_login", tag = "Group::Logins")]
    async fn explain(
        &self,
        _key: Key,
        /// The reference on the page that somebody saw, or the id of a login.
        reference: Path<String>,
    ) -> Result<Explained, Refused<Explaining>> {
        let told = self.house.gateway.explain_login(&reference).await.map_err(Problem::from)?;
        Ok(Explained::Told(Json(told.into())))
    }
}

#[derive(ApiResponse)]
enum Explained {
    /// What happened.
    #[oai(status = 200)]
    Told(Json<ExplanationObject>),
}

refusals! {
    Explaining: [
        404 => "`not_found`: nothing is known of a login of this reference or id, or not any more.",
    ];
}
