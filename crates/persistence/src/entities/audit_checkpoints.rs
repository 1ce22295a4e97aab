//! Checkpoints of the chain of audit events.

use sea_orm::entity::prelude::*;
use vestibule_domain::{audit::chain::Checkpoint, store::StoreError};

use super::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_checkpoints")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<Checkpoint, StoreError> {
        Row { table: "audit_checkpoints", id: self.seq.to_string() }.json("body", &self.body)
    }
}
