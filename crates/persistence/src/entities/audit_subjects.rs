//! Keys of what audit events say of people.

use sea_orm::entity::prelude::*;
use vestibule_domain::{
    audit::personal::Subject,
    ids::AccountId,
    secret::{Sealed, SubjectKey},
    store::StoreError,
};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_subjects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) account: Vec<u8>,
    pub(crate) subject_key: Option<Vec<u8>>,
    pub(crate) erased: Option<i64>,
    pub(crate) habits: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<Subject, StoreError> {
        let row = Row { table: "audit_subjects", id: shown(&self.account) };
        let key = self.subject_key.map(|key| row.digest("subject_key", &key)).transpose()?;
        Ok(Subject {
            account: AccountId(row.uuid("account", &self.account)?),
            key: key.map(|key| SubjectKey(key.0)),
            erased: self.erased.map(moment),
            habits: self.habits.map(Sealed),
        })
    }
}
