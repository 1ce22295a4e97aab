//! The statements of the writer: one for each kind of write, for any number of rows.
//!
//! Both databases understand every statement. Rows come as `VALUES`, whose columns both call `column1` and on. A row whose first column
//! is nothing is ignored, so that a few sizes serve every number of rows, and each statement is prepared once.

mod sql;

use std::{borrow::Cow, sync::OnceLock};

use vestibule_domain::store::Contest;

use crate::pen::{Dialect, Value};

/// What a statement does.
///
/// Every transaction goes through what is contested in this order and then through the rest in this order, each statement through its
/// rows in the order of their keys, on every node, so that few wait for each other. Those that do, because what one contests another
/// ends (a rotation and the end of another grant, a session, a lease), are run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    HoldAccounts,
    HoldSessions,
    SpendAttempt,
    SpendOnce,
    AddTicket,
    ReplaceTicket,
    TakeTicket,
    AddClient,
    ReplaceClient,
    DeleteClient,
    DropUnusedClient,
    ReplaceDocument,
    KeepClient,
    AddRegistrationToken,
    ReplaceRegistrationToken,
    DropRegistrationToken,
    AddApiKey,
    ReplaceApiKey,
    DropApiKey,
    NoteUse,
    PutStats,
    NoteActive,
    ForgetActivity,
    AddSigningKey,
    RedateSigningKey,
    DropSigningKey,
    AddProvider,
    ReplaceProvider,
    DeleteProvider,
    AddLink,
    RemoveLink,
    RemoveSpareLink,
    UpdateLink,
    EmptyAccount,
    PutAccount,
    DisableAccount,
    PutSession,
    TouchSession,
    EndSession,
    EndAccountSessions,
    EndLinkSessions,
    PutConsent,
    DropConsents,
    DropAccountConsents,
    DropClientConsents,
    AddCode,
    RedeemCode,
    RenewUpstreamTokens,
    LeaseUpstreamTokens,
    PutUpstreamTokens,
    TouchUpstreamTokens,
    DropUpstreamTokens,
    RevokeToken,
    JoinSession,
    AnnounceEnds,
    TakeDelivery,
    SettleDelivery,
    BeginChain,
    MoveChain,
    BeginSink,
    MoveSink,
    AddGrant,
    FillGrant,
    RotateFamily,
    WithdrawAppCodes,
    WithdrawClientCodes,
    RevokeGrant,
    RevokeSessionGrants,
    RevokeClientGrants,
    RevokeAccountGrants,
    RevokeAppGrants,
    RevokeLinkGrants,
    PutLoginTrace,
    DropLoginTraces,
    PutSubjectKey,
    PutHabits,
    EraseSubject,
    AddCheckpoint,
    SealEvent,
    TakeWaiting,
    RecordEvent,
}

const KINDS: usize = Kind::RecordEvent as usize + 1;

/// How many rows a statement is made for. None is taken for less than two thirds of its rows.
pub(super) const SIZES: [usize; 16] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

/// Most rows of one statement.
pub(crate) const MOST_ROWS: usize = SIZES[SIZES.len() - 1];

/// More statements than one connection ever prepares.
pub(crate) const STATEMENTS: usize = KINDS * SIZES.len();

impl Kind {
    /// What is lost when a row of this kind changes nothing.
    pub(crate) const fn contest(self) -> Option<Contest> {
        match self {
            Self::SpendAttempt => Some(Contest::Attempt),
            Self::SpendOnce => Some(Contest::Once),
            Self::AddTicket | Self::ReplaceTicket | Self::TakeTicket => Some(Contest::Ticket),
            Self::AddClient | Self::ReplaceClient | Self::DeleteClient | Self::DropUnusedClient | Self::ReplaceDocument => {
                Some(Contest::Client)
            }
            Self::AddRegistrationToken | Self::ReplaceRegistrationToken => Some(Contest::RegistrationToken),
            Self::AddApiKey | Self::ReplaceApiKey | Self::DropApiKey => Some(Contest::ApiKey),
            Self::AddSigningKey | Self::RedateSigningKey => Some(Contest::SigningKey),
            Self::AddLink | Self::RemoveLink | Self::RemoveSpareLink | Self::UpdateLink | Self::EmptyAccount => Some(Contest::Link),
            Self::AddProvider | Self::ReplaceProvider | Self::DeleteProvider => Some(Contest::Provider),
            Self::RenewUpstreamTokens | Self::LeaseUpstreamTokens => Some(Contest::UpstreamTokens),
            Self::PutSession => Some(Contest::Session),
            Self::RedeemCode => Some(Contest::Code),
            Self::RotateFamily => Some(Contest::Family),
            Self::TakeDelivery => Some(Contest::Delivery),
            Self::BeginChain | Self::MoveChain => Some(Contest::Chain),
            Self::BeginSink | Self::MoveSink => Some(Contest::Sink),
            _ => None,
        }
    }

    /// Whether of several rows with one key only the last matters.
    pub(crate) const fn last_wins(self) -> bool {
        matches!(
            self,
            Self::PutAccount
                | Self::PutUpstreamTokens
                | Self::PutConsent
                | Self::NoteUse
                | Self::PutStats
                | Self::PutLoginTrace
                | Self::PutHabits
        )
    }

    /// The first of the kinds that meet in one row: their order within one caller may matter.
    pub(crate) const fn meets(self) -> Self {
        match self {
            Self::DisableAccount => Self::PutAccount,
            Self::ForgetActivity => Self::NoteActive,
            Self::EndSession | Self::EndAccountSessions | Self::EndLinkSessions => Self::TouchSession,
            Self::DropConsents | Self::DropAccountConsents | Self::DropClientConsents => Self::PutConsent,
            Self::TouchUpstreamTokens | Self::DropUpstreamTokens => Self::PutUpstreamTokens,
            Self::AnnounceEnds | Self::SettleDelivery => Self::JoinSession,
            Self::PutHabits | Self::EraseSubject => Self::PutSubjectKey,
            Self::DropLoginTraces => Self::PutLoginTrace,
            Self::RevokeGrant
            | Self::RevokeSessionGrants
            | Self::RevokeClientGrants
            | Self::RevokeAccountGrants
            | Self::RevokeAppGrants
            | Self::RevokeLinkGrants
            | Self::WithdrawAppCodes
            | Self::WithdrawClientCodes => Self::AddGrant,
            kind => kind,
        }
    }

    /// The statement for `rows`, at least one and at most [`MOST_ROWS`], and its values row by row.
    pub(crate) fn statement<'v>(self, dialect: Dialect, rows: &[&'v [Value]]) -> (&'static str, Vec<&'v Value>) {
        let at = SIZES.iter().position(|size| *size >= rows.len()).unwrap_or(SIZES.len() - 1);
        let first = rows[0];
        let mut values: Vec<&'v Value> = Vec::with_capacity(SIZES[at] * first.len());
        values.extend(rows.iter().copied().flatten());
        for _ in rows.len()..SIZES[at] {
            values.extend(first.iter().map(|value| -> &'v Value { value.nothing() }));
        }
        (self.sized(dialect, at, first.len()), values)
    }

    fn sized(self, dialect: Dialect, at: usize, columns: usize) -> &'static str {
        static MADE: [[[OnceLock<String>; SIZES.len()]; KINDS]; 2] =
            [const { [const { [const { OnceLock::new() }; SIZES.len()] }; KINDS] }; 2];
        MADE[dialect as usize][self as usize][at]
            .get_or_init(|| in_dialect(self.sql(), dialect).replace("{rows}", &places(dialect, SIZES[at], columns)))
    }

    /// Whether PostgreSQL makes a plan for each time. Most of the time next to nothing waits; a plan that was made then reads all that waits when much does.
    pub(super) const fn is_planned_each_time(self) -> bool {
        matches!(self, Self::SealEvent | Self::TakeWaiting)
    }

    /// The statement for so many rows on SQLite, to look at.
    #[cfg(test)]
    pub(crate) fn example(self, rows: usize) -> &'static str {
        let (sql, inserts) = (self.sql(), self.sql().split(['(', ')']).nth(1).unwrap_or_default());
        let inserted = if sql.starts_with("INSERT") { inserts.split(',').count() } else { 0 };
        let named = (1..=20).rev().find(|column| sql.contains(&format!("column{column}"))).unwrap_or_default();
        let columns = if sql.contains("SELECT *") { inserted } else { named };
        self.sized(Dialect::Sqlite, SIZES.iter().position(|size| *size == rows).unwrap_or_default(), columns)
    }
}

/// Whatever fails, the transaction it failed in is taken back as a whole. So SQLite need not be able to take back a single statement that was
/// broken off half way: it would keep a copy of every page that a statement for several rows changes (a statement journal).
fn in_dialect(sql: &str, dialect: Dialect) -> Cow<'_, str> {
    match dialect {
        Dialect::Postgres => sql.into(),
        Dialect::Sqlite => match sql.split_once(' ') {
            Some((verb @ ("INSERT" | "UPDATE"), rest)) => format!("{verb} OR FAIL {rest}").into(),
            _ => sql.into(),
        },
    }
}

/// SQLite looks a numbered place up among all others each time it is filled, so there they have none.
fn places(dialect: Dialect, rows: usize, columns: usize) -> String {
    let place = |number: usize| match dialect {
        Dialect::Sqlite => "?".to_owned(),
        Dialect::Postgres => format!("${number}"),
    };
    let row = |at: usize| {
        let places: Vec<String> = (1..=columns).map(|column| place(at * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
pub(super) const ALL: [Kind; KINDS] = {
    use Kind::*;
    [
        HoldAccounts,
        HoldSessions,
        SpendAttempt,
        SpendOnce,
        AddTicket,
        ReplaceTicket,
        TakeTicket,
        AddClient,
        ReplaceClient,
        DeleteClient,
        DropUnusedClient,
        ReplaceDocument,
        KeepClient,
        AddRegistrationToken,
        ReplaceRegistrationToken,
        DropRegistrationToken,
        AddApiKey,
        ReplaceApiKey,
        DropApiKey,
        NoteUse,
        PutStats,
        NoteActive,
        ForgetActivity,
        AddSigningKey,
        RedateSigningKey,
        DropSigningKey,
        AddProvider,
        ReplaceProvider,
        DeleteProvider,
        AddLink,
        RemoveLink,
        RemoveSpareLink,
        UpdateLink,
        EmptyAccount,
        PutAccount,
        DisableAccount,
        PutSession,
        TouchSession,
        EndSession,
        EndAccountSessions,
        EndLinkSessions,
        PutConsent,
        DropConsents,
        DropAccountConsents,
        DropClientConsents,
        AddCode,
        RedeemCode,
        RenewUpstreamTokens,
        LeaseUpstreamTokens,
        PutUpstreamTokens,
        TouchUpstreamTokens,
        DropUpstreamTokens,
        RevokeToken,
        JoinSession,
        AnnounceEnds,
        TakeDelivery,
        SettleDelivery,
        BeginChain,
        MoveChain,
        BeginSink,
        MoveSink,
        AddGrant,
        FillGrant,
        RotateFamily,
        WithdrawAppCodes,
        WithdrawClientCodes,
        RevokeGrant,
        RevokeSessionGrants,
        RevokeClientGrants,
        RevokeAccountGrants,
        RevokeAppGrants,
        RevokeLinkGrants,
        PutLoginTrace,
        DropLoginTraces,
        PutSubjectKey,
        PutHabits,
        EraseSubject,
        AddCheckpoint,
        SealEvent,
        TakeWaiting,
        RecordEvent,
    ]
};

#[cfg(test)]
mod tests;
