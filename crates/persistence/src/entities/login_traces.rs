//! What was decided about logins.

use sea_orm::entity::prelude::*;
use vestibule_domain::{ids::LoginId, login_trace::LoginTrace, store::StoreError};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_traces")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) login: Vec<u8>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) reference: String,
    pub(crate) at: i64,
    pub(crate) expires: i64,
    pub(crate) account: Option<Vec<u8>>,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn login(&self) -> Result<LoginId, StoreError> {
        Ok(LoginId(self.row().uuid("login", &self.login)?))
    }

    pub(crate) fn into_domain(self) -> Result<LoginTrace, StoreError> {
        Ok(LoginTrace {
            login: self.login()?,
            at: moment(self.at),
            expires: moment(self.expires),
            decisions: self.row().json("body", &self.body)?,
            reference: self.reference,
        })
    }

    fn row(&self) -> Row {
        Row { table: "login_traces", id: shown(&self.login) }
    }
}
