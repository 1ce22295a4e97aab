//! How far the chain of audit events has come: one row.

use sea_orm::entity::prelude::*;
use vestibule_domain::{audit::chain::ChainHead, store::StoreError};

use super::Row;

/// The name of the one row.
pub(crate) const ID: i64 = 1;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_chain")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: i64,
    pub(crate) version: i64,
    pub(crate) base: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<ChainHead, StoreError> {
        let row = Row { table: "audit_chain", id: "the only one".to_owned() };
        let head: ChainHead = row.json("body", &self.body)?;
        Ok(ChainHead { version: self.version, base: self.base, ..head })
    }
}
