//! What is asked for a page at a time.

use crate::{
    audit::EventName,
    ids::{AccountId, ClientId, EventId, GrantId, LoginId, ProviderId, SessionId},
    session::Session,
    time::Timestamp,
};

/// Which sessions are wanted: of those that were not ended, newest first.
#[derive(Clone, Debug, Default)]
pub struct SessionQuery {
    /// Only of this account.
    pub account: Option<AccountId>,
    /// Only those in which this client was given something that lives.
    pub client: Option<ClientId>,
    /// Only those that began at this provider.
    pub provider: Option<ProviderId>,
    /// Only those that come after this one in their order: that are older.
    pub after: Option<SessionId>,
    /// Used after this: where the idle limit lies.
    pub seen_since: Timestamp,
    /// Begun after this: where the absolute limit lies.
    pub created_since: Timestamp,
    /// At most so many.
    pub limit: u64,
    /// Of a client's, at most so many are looked at, whether they live or not: how many of those in which it was given something have ended is not known
    /// before.
    pub look: u64,
}

/// A page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundSessions {
    /// Those that were found, newest first.
    pub sessions: Vec<Session>,
    /// The last one that was looked at, living or not, if there may be more behind it: where the next page goes on.
    pub rest: Option<SessionId>,
}

/// Which grants are wanted: those from which tokens are good now or can be got, newest first.
#[derive(Clone, Debug, Default)]
pub struct GrantQuery {
    /// Only of this account.
    pub account: Option<AccountId>,
    /// Only of this client.
    pub client: Option<ClientId>,
    /// Only those that come after this one in their order: that are older.
    pub after: Option<GrantId>,
    /// Good then.
    pub now: Timestamp,
    /// At most so many.
    pub limit: u64,
}

/// Which audit events to read. Oldest first after a cursor, so that a tail can follow.
#[derive(Clone, Debug, Default)]
pub struct EventQuery {
    /// Only after this event.
    pub after: Option<EventId>,
    /// Only since.
    pub since: Option<Timestamp>,
    /// Only until, exclusive.
    pub until: Option<Timestamp>,
    /// Only of this kind.
    pub name: Option<EventName>,
    /// Only of this account.
    pub account: Option<AccountId>,
    /// Only of this client.
    pub client: Option<ClientId>,
    /// Only of the login of this id.
    pub login: Option<LoginId>,
    /// At most so many.
    pub limit: u64,
}
