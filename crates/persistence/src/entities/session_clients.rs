//! Which clients got tokens in a session, and which of them are to be told of its end.

use sea_orm::{DbBackend, Statement, entity::prelude::*};
use vestibule_domain::{
    ids::{AccountId, ClientId, SessionId},
    logout::DueLogout,
    store::StoreError,
    time::Timestamp,
};

use super::{Row, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session_clients")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) session: Vec<u8>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) client: String,
    pub(crate) account: Vec<u8>,
    pub(crate) attempts: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn client(&self) -> Result<ClientId, StoreError> {
        self.row().word("client", &self.client)
    }

    pub(crate) fn into_domain(self) -> Result<DueLogout, StoreError> {
        let row = self.row();
        Ok(DueLogout {
            session: SessionId(row.uuid("session", &self.session)?),
            client: self.client()?,
            account: AccountId(row.uuid("account", &self.account)?),
            attempts: u32::try_from(self.attempts).map_err(|_| row.corrupt("attempts"))?,
        })
    }

    fn row(&self) -> Row {
        Row { table: "session_clients", id: shown(&self.session) }
    }
}

/// Who is due, a few of each client: one that does not answer is not to stand in front of the others.
pub(crate) fn due(backend: DbBackend, now: Timestamp, each: u64, limit: u64) -> Statement {
    const DUE: &str = "SELECT session, client, account, attempts FROM (SELECT session, client, account, attempts, due, \
        ROW_NUMBER() OVER (PARTITION BY client ORDER BY due) AS place FROM session_clients WHERE due <= $1) AS d \
        WHERE place <= $2 ORDER BY due LIMIT $3";
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Statement::from_sql_and_values(backend, DUE, [now.as_millis().into(), number(each).into(), number(limit).into()])
}
