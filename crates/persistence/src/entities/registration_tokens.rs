//! Tokens that let apps register themselves. The body is the whole token; what is looked for, contested or swept stands beside it.

use sea_orm::entity::prelude::*;
use vestibule_domain::{self_registration::RegistrationToken, store::StoreError};

use super::{Row, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registration_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Vec<u8>,
    pub(crate) digest: Vec<u8>,
    pub(crate) expires: i64,
    pub(crate) version: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<RegistrationToken, StoreError> {
        let row = Row { table: "registration_tokens", id: shown(&self.id) };
        let token: RegistrationToken = row.json("body", &self.body)?;
        if token.version == self.version { Ok(token) } else { Err(row.corrupt("version")) }
    }
}
