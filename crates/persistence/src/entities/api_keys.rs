//! Keys of the admin API. The body is the whole key; what is contested or swept stands beside it.

use sea_orm::entity::prelude::*;
use vestibule_domain::{api_key::ApiKey, store::StoreError};

use super::{Row, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Vec<u8>,
    pub(crate) expires: Option<i64>,
    pub(crate) version: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<ApiKey, StoreError> {
        let row = Row { table: "api_keys", id: shown(&self.id) };
        let key: ApiKey = row.json("body", &self.body)?;
        if key.version == self.version { Ok(key) } else { Err(row.corrupt("version")) }
    }
}
