//! How far each sink of audit events has come.

use sea_orm::entity::prelude::*;
use vestibule_domain::{audit::sink::SinkCursor, store::StoreError};

use super::Row;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_sinks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) seq: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<SinkCursor, StoreError> {
        let cursor: SinkCursor = Row { table: "audit_sinks", id: self.id }.json("body", &self.body)?;
        Ok(SinkCursor { version: self.version, seq: self.seq, ..cursor })
    }
}
