//! Audit events. The body is the whole record; the other columns are what it is found by.

use sea_orm::entity::prelude::*;
use vestibule_domain::{audit::AuditEvent, store::StoreError};

use super::{Row, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) time: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Vec<u8>,
    pub(crate) name: String,
    pub(crate) account: Option<Vec<u8>>,
    pub(crate) client: Option<String>,
    pub(crate) login: Option<Vec<u8>>,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<AuditEvent, StoreError> {
        Row { table: "audit_events", id: shown(&self.id) }.json("body", &self.body)
    }
}
