//! Audit events. The body is the whole record; the other columns are what it is found by, and its place in the chain. Before an event has one it lies in
//! `audit_waiting`, which has no columns for that.

use sea_orm::entity::prelude::*;
use vestibule_domain::{
    audit::{
        AuditEvent, Reason,
        chain::{Kept, Link},
    },
    ids::{ClientId, ProviderId},
    secret::Sealed,
    store::StoreError,
};

use super::{Row, shown};

/// The tables, by their names.
pub(crate) const SEALED: &str = "audit_events";
pub(crate) const WAITING: &str = "audit_waiting";

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
    pub(crate) seq: Option<i64>,
    pub(crate) prev: Option<Vec<u8>>,
    pub(crate) hash: Option<Vec<u8>>,
    pub(crate) personal: Option<Vec<u8>>,
    pub(crate) provider: Option<String>,
    pub(crate) session: Option<Vec<u8>>,
    pub(crate) trace: Option<String>,
    /// Empty if the release before wrote the row; then so are the four beside it.
    pub(crate) outcome: Option<String>,
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The event as it lies: what was set apart of it is still apart.
    pub(crate) fn into_domain(self) -> Result<(AuditEvent, Option<Sealed>), StoreError> {
        let mut event: AuditEvent = self.row().json("body", &self.body)?;
        event.link = self.link()?;
        Ok((event, self.personal.map(Sealed)))
    }

    /// The link as it lies, to be checked.
    pub(crate) fn into_kept(self) -> Result<Option<Kept>, StoreError> {
        let link = self.link()?;
        let found_as_said = serde_json::from_str(&self.body).is_ok_and(|event| self.is_found_as(&event));
        Ok(link.map(|link| Kept { link, record: self.body, found_as_said }))
    }

    fn row(&self) -> Row {
        Row { table: if self.seq.is_some() { SEALED } else { WAITING }, id: shown(&self.id) }
    }

    fn link(&self) -> Result<Option<Link>, StoreError> {
        let row = self.row();
        let Some(seq) = self.seq else { return Ok(None) };
        let digest = |column, value: &Option<Vec<u8>>| row.digest(column, row.there(column, value.as_deref())?);
        Ok(Some(Link { seq, prev: digest("prev", &self.prev)?, hash: digest("hash", &self.hash)? }))
    }

    fn is_found_as(&self, event: &AuditEvent) -> bool {
        let bytes = |id: uuid::Uuid| id.into_bytes().to_vec();
        (self.time, &self.id, &*self.name) == (event.time.as_millis(), &bytes(event.id.0), event.name.as_str())
            && self.account == event.account.map(|id| bytes(id.0))
            && self.client.as_deref() == event.client.as_ref().map(ClientId::as_str)
            && self.login == event.login.map(|id| bytes(id.0))
            && (self.outcome.is_none() || self.is_searched_as(event))
    }

    fn is_searched_as(&self, event: &AuditEvent) -> bool {
        self.outcome.as_deref() == Some(event.outcome.as_str())
            && self.reason.as_deref() == event.reason.map(Reason::as_str)
            && self.provider.as_deref() == event.provider.as_ref().map(ProviderId::as_str)
            && self.session == event.session.map(|id| id.0.into_bytes().to_vec())
            && self.trace == event.trace_id
    }
}
