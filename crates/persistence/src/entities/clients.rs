//! Clients. The body is the whole client; its version stands beside it, because it is contested.

use sea_orm::entity::prelude::*;
use vestibule_domain::{client::Client, store::StoreError};

use super::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "clients")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<Client, StoreError> {
        let row = Row { table: "clients", id: self.id };
        let client: Client = row.json("body", &self.body)?;
        if client.version == self.version { Ok(client) } else { Err(row.corrupt("version")) }
    }
}
