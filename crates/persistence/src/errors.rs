//! Whose fault a database error is, in words that have no values in them.

use sea_orm::{ConnAcquireErr, DbErr, EntityName, EntityTrait, IdenStatic, Iterable, RuntimeErr};
use vestibule_domain::store::StoreError;

/// What to do about a failed statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The database chose this transaction as the victim of a deadlock, or could not put it in an order: do it again.
    Again,
    /// The connection broke; another one may work.
    Lost,
    /// The database can't be reached or is busy. The next statement would fare no better.
    Gone(&'static str),
    /// The statement waited too long, most likely for a row that somebody holds.
    Slow,
    /// The database is there and refused this statement.
    Refused(&'static str),
}

impl Fault {
    pub(crate) fn of(error: &DbErr) -> Self {
        let fault = classify(error);
        tracing::debug!(fault = ?fault, code = code(error).as_deref(), "a statement failed");
        fault
    }

    /// Whether it would meet every other caller too.
    pub(crate) fn is_the_databases(self) -> bool {
        matches!(self, Self::Lost | Self::Gone(_))
    }

    pub(crate) fn to_error(self) -> StoreError {
        StoreError::Unavailable(
            match self {
                Self::Again => "the transaction was chosen as the victim of a deadlock again and again",
                Self::Lost => "the connection was lost",
                Self::Slow => "the database took too long",
                Self::Gone(why) | Self::Refused(why) => why,
            }
            .to_owned(),
        )
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let fault = classify_sqlx(&error);
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        tracing::debug!(fault = ?fault, code = code.as_deref(), "a statement failed");
        fault
    }
}

fn classify(error: &DbErr) -> Fault {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => Fault::Gone("no connection became free in time"),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => Fault::Gone("the store is closed"),
        DbErr::Conn(_) => Fault::Gone("no connection can be made"),
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => classify_sqlx(error),
        DbErr::Migration(_) => Fault::Refused("a migration failed"),
        _ => Fault::Refused("the statement failed"),
    }
}

pub(crate) fn classify_sqlx(error: &sqlx::Error) -> Fault {
    match error {
        sqlx::Error::Database(error) => classify_code(error.code().as_deref().unwrap_or_default()),
        sqlx::Error::PoolTimedOut => Fault::Gone("no connection became free in time"),
        sqlx::Error::PoolClosed => Fault::Gone("the store is closed"),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => Fault::Lost,
        sqlx::Error::Configuration(_) => Fault::Gone("its address is not understood"),
        _ => Fault::Refused("the statement failed"),
    }
}

/// SQLite's result codes are numbers, extended ones with the plain one in the low byte; PostgreSQL's SQLSTATE has five characters.
fn classify_code(code: &str) -> Fault {
    const CONSTRAINT: &str = "a row that had to be new was there, or a value was not allowed";
    match code {
        "40001" | "40P01" => return Fault::Again,
        "28P01" | "28000" => return Fault::Gone("the database refused the name or the password"),
        "3D000" => return Fault::Gone("there is no database of that name"),
        "53300" => return Fault::Gone("the database has no connection left"),
        "55P03" | "57014" => return Fault::Slow,
        "25006" => return Fault::Gone("the database only allows reading"),
        _ if code.len() == 5 && (code.starts_with("08") || code.starts_with("57P")) => return Fault::Lost,
        _ if code.len() == 5 && code.starts_with("53") => return Fault::Gone("the database is out of room"),
        _ if code.len() == 5 && code.starts_with("23") => return Fault::Refused(CONSTRAINT),
        _ if code.len() == 5 => return Fault::Refused("the statement failed"),
        _ => {}
    }
    match code.parse::<u32>().unwrap_or_default() & 0xff {
        5 | 6 => Fault::Gone("another process holds the database file"),
        8 => Fault::Gone("the database file only allows reading"),
        10 => Fault::Gone("the database file can't be read or written"),
        11 | 26 => Fault::Gone("the database file is damaged or is none"),
        13 => Fault::Gone("the disk is full"),
        14 => Fault::Gone("the database file can't be opened"),
        19 => Fault::Refused(CONSTRAINT),
        _ => Fault::Refused("the statement failed"),
    }
}

fn code(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned))
}

/// What a failed read of rows of `E` means: a value of the wrong type is a corrupt row, anything else an unavailable database.
pub(crate) fn reading<E: EntityTrait + EntityName + Default>(error: &DbErr, id: &str) -> StoreError {
    let named = match error {
        DbErr::Query(RuntimeErr::SqlxError(error)) => match &**error {
            sqlx::Error::ColumnDecode { index, .. } => Some(index.trim_matches('"').to_owned()),
            _ => None,
        },
        // "A null value was encountered while decoding {column}"
        DbErr::Type(text) => text.split_whitespace().next_back().map(|word| word.trim_matches('"').to_owned()),
        _ => None,
    };
    let Some(named) = named else {
        return Fault::of(error).to_error();
    };
    let column = E::Column::iter().map(|column| column.as_str()).find(|column| *column == named).unwrap_or("*");
    StoreError::Corrupt { table: table_of::<E>(), column, id: id.to_owned() }
}

/// The name of the table, which entities know only by an instance.
pub(crate) fn table_of<E: EntityTrait + EntityName + Default>() -> &'static str {
    E::default().table_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_of_sqlite_are_known_by_their_low_byte() {
        assert_eq!(classify_code("5"), Fault::Gone("another process holds the database file"));
        assert_eq!(classify_code("517"), Fault::Gone("another process holds the database file"), "SQLITE_BUSY_SNAPSHOT");
        assert!(matches!(classify_code("2067"), Fault::Refused(_)), "SQLITE_CONSTRAINT_UNIQUE");
        assert!(matches!(classify_code("1555"), Fault::Refused(_)), "SQLITE_CONSTRAINT_PRIMARYKEY");
    }

    #[test]
    fn a_deadlock_on_postgres_is_tried_again() {
        assert_eq!(classify_code("40P01"), Fault::Again);
        assert_eq!(classify_code("40001"), Fault::Again);
        assert_eq!(classify_code("57P01"), Fault::Lost);
        // One caller's row that somebody holds must not fail the others of its group.
        assert_eq!([classify_code("55P03"), classify_code("57014")], [Fault::Slow; 2]);
        assert!(!Fault::Slow.is_the_databases());
        assert!(matches!(classify_code("23505"), Fault::Refused(_)));
    }
}
