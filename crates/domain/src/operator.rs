//! Who runs the house: what an operator may do, by scopes.
//!
//! An operator is whoever holds an admin key, or a person whom the console let in. Both act through the same use cases, and the admin API's table
//! of routes says which scope each asks for.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{audit::Actor, client::closed_enum, time::Timestamp};

closed_enum! {
    /// What operators look after, as scopes name it.
    AdminArea {
        /// Apps and their secrets.
        Clients = "clients",
        /// Where people sign in.
        Providers = "providers",
        /// People, the ways they come in by, and what they allowed.
        Accounts = "accounts",
        /// Where people are signed in.
        Sessions = "sessions",
        /// What apps were given.
        Grants = "grants",
        /// What tokens are signed with.
        Keys = "keys",
        /// Keys of the admin API.
        ApiKeys = "api-keys",
        /// What happened.
        Audit = "audit",
        /// How often it happened.
        Stats = "stats",
        /// How the house is set up.
        Config = "config",
        /// Tokens that let apps register themselves.
        RegistrationTokens = "registration-tokens",
    }
}

closed_enum! {
    /// What is done there.
    AdminAct {
        /// Looking.
        Read = "read",
        /// Changing. It does not mean looking: who may write is not shown what is there.
        Write = "write",
    }
}

impl AdminArea {
    /// Whether there is anything to change. What happened is only read.
    pub const fn is_written(self) -> bool {
        !matches!(self, Self::Audit | Self::Stats)
    }
}

/// One scope: `clients:read`, `clients:*` for whatever may be done there, or `*` for everything, in areas that are yet to come too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AdminScope {
    /// Everything.
    Everything,
    /// Whatever may be done in one area.
    All(AdminArea),
    /// One thing in one area.
    Of(AdminArea, AdminAct),
}

impl AdminScope {
    /// To look at an area.
    pub const fn read(area: AdminArea) -> Self {
        Self::Of(area, AdminAct::Read)
    }

    /// To change something in an area.
    pub const fn write(area: AdminArea) -> Self {
        Self::Of(area, AdminAct::Write)
    }

    /// The scope that shows what this one changes; nothing for one that is not about one change.
    pub const fn to_look(self) -> Option<Self> {
        match self {
            Self::Of(area, AdminAct::Write) => Some(Self::read(area)),
            _ => None,
        }
    }

    /// Every scope there is, the widest first.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_area = |area: AdminArea| {
            let written = area.is_written().then_some(Self::write(area));
            [Self::All(area), Self::read(area)].into_iter().chain(written)
        };
        std::iter::once(Self::Everything).chain(AdminArea::ALL.iter().copied().flat_map(of_area))
    }

    /// What it consists of within an area; nothing for everything, which has no end.
    fn parts(self) -> Option<Vec<(AdminArea, AdminAct)>> {
        match self {
            Self::Everything => None,
            Self::All(area) => {
                Some(AdminAct::ALL.iter().filter(|act| **act == AdminAct::Read || area.is_written()).map(|act| (area, *act)).collect())
            }
            Self::Of(area, act) => Some(vec![(area, act)]),
        }
    }
}

impl fmt::Display for AdminScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("*"),
            Self::All(area) => write!(f, "{area}:*"),
            Self::Of(area, act) => write!(f, "{area}:{act}"),
        }
    }
}

/// A text that is no scope; it says what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeFault {
    /// Not `area:act`.
    #[error("must be *, or an area and read, write or *, as clients:read")]
    Form,
    /// No such area.
    #[error(
        "must name one of clients, providers, accounts, sessions, grants, keys, api-keys, audit, stats, config and registration-tokens"
    )]
    Area,
    /// No such act.
    #[error("must end in read, write or *")]
    Act,
    /// Nothing is changed there.
    #[error("can't be had: nothing is changed there; write {0}:read")]
    OnlyRead(AdminArea),
}

impl FromStr for AdminScope {
    type Err = ScopeFault;

    fn from_str(text: &str) -> Result<Self, ScopeFault> {
        if text == "*" {
            return Ok(Self::Everything);
        }
        let (area, act) = text.split_once(':').ok_or(ScopeFault::Form)?;
        let area: AdminArea = area.parse().map_err(|()| ScopeFault::Area)?;
        match (act, act.parse::<AdminAct>()) {
            ("*", _) => Ok(Self::All(area)),
            (_, Ok(AdminAct::Write)) if !area.is_written() => Err(ScopeFault::OnlyRead(area)),
            (_, Ok(act)) => Ok(Self::Of(area, act)),
            (_, Err(())) => Err(ScopeFault::Act),
        }
    }
}

impl TryFrom<String> for AdminScope {
    type Error = ScopeFault;
    fn try_from(text: String) -> Result<Self, ScopeFault> {
        text.parse()
    }
}

impl From<AdminScope> for String {
    fn from(scope: AdminScope) -> Self {
        scope.to_string()
    }
}

/// What somebody may do: no scopes, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdminScopes(BTreeSet<AdminScope>);

impl AdminScopes {
    /// Everything there is, and what is yet to come.
    pub fn everything() -> Self {
        Self(BTreeSet::from([AdminScope::Everything]))
    }

    /// Whether they cover a scope: it, its area or everything is among them, or all that it consists of.
    pub fn cover(&self, scope: AdminScope) -> bool {
        let has = |scope| self.0.contains(&scope);
        let part = |(area, act)| has(AdminScope::All(area)) || has(AdminScope::Of(area, act));
        has(AdminScope::Everything) || scope.parts().is_some_and(|parts| parts.into_iter().all(part))
    }

    /// The first of these that others do not cover: nobody gives more than they have.
    pub fn beyond(&self, others: &Self) -> Option<AdminScope> {
        self.0.iter().copied().find(|scope| !others.cover(*scope))
    }

    /// Each of them, the widest first.
    pub fn iter(&self) -> impl Iterator<Item = AdminScope> {
        self.0.iter().copied()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<AdminScope> for AdminScopes {
    fn from_iter<I: IntoIterator<Item = AdminScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

/// Separated by spaces, as records show them.
impl fmt::Display for AdminScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(" "))
    }
}

/// Whoever runs the house now, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Whom records name.
    pub actor: Actor,
    /// What they may do.
    pub scopes: AdminScopes,
    /// Until when, if that is set: what they make lives no longer.
    pub until: Option<Timestamp>,
}

impl Operator {
    /// Somebody who may do everything: the holder of the configuration's key, or a person whom its rules call an operator.
    pub fn unlimited(actor: Actor) -> Self {
        Self { actor, scopes: AdminScopes::everything(), until: None }
    }

    /// Whether they may look at an area.
    pub fn sees(&self, area: AdminArea) -> bool {
        self.scopes.cover(AdminScope::read(area))
    }

    /// Whether they may, or the scope they lack.
    pub fn must(&self, scope: AdminScope) -> Result<(), AdminScope> {
        if self.scopes.cover(scope) { Ok(()) } else { Err(scope) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> AdminScopes {
        text.split_whitespace().map(|scope| scope.parse().unwrap()).collect()
    }

    #[test]
    fn every_scope_is_read_as_it_is_written() {
        for scope in AdminScope::all() {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        let texts: Vec<_> = AdminScope::all().map(|scope| scope.to_string()).collect();
        assert!(texts.contains(&"audit:read".to_owned()) && !texts.contains(&"audit:write".to_owned()));
    }

    #[test]
    fn what_is_no_scope_says_what_to_write() {
        for (text, said) in [
            ("clients", "must be *, or an area and read, write or *, as clients:read"),
            ("client:read", "must name one of"),
            ("clients:delete", "must end in read, write or *"),
            ("clients:", "must end in read, write or *"),
            ("audit:write", "can't be had: nothing is changed there; write audit:read"),
            ("CLIENTS:read", "must name one of"),
        ] {
            let fault = text.parse::<AdminScope>().unwrap_err().to_string();
            assert!(fault.starts_with(said), "{text}: {fault}");
        }
        // The message names every area there is.
        let fault = ScopeFault::Area.to_string();
        assert!(AdminArea::ALL.iter().all(|area| fault.contains(area.as_str())));
    }

    #[test]
    fn scopes_cover_what_they_consist_of_and_nothing_else() {
        let write = AdminScope::write(AdminArea::Clients);
        let read = AdminScope::read(AdminArea::Clients);
        assert!(scopes("clients:write").cover(write) && !scopes("clients:write").cover(read));
        assert!(scopes("clients:*").cover(write) && scopes("*").cover(write));
        assert!(scopes("clients:read clients:write").cover(AdminScope::All(AdminArea::Clients)));
        assert!(scopes("audit:read").cover(AdminScope::All(AdminArea::Audit)));
        assert!(!scopes("").cover(read) && !scopes("providers:* accounts:*").cover(read));
    }

    #[test]
    fn attack_86_nobody_gives_more_than_they_have() {
        assert_eq!(scopes("clients:read").beyond(&scopes("clients:*")), None);
        assert_eq!(scopes("clients:*").beyond(&scopes("clients:read")), Some(AdminScope::All(AdminArea::Clients)));
        assert_eq!(scopes("*").beyond(&scopes("clients:* providers:*")), Some(AdminScope::Everything));
        // Everything in each area of today is not everything of tomorrow.
        let today: AdminScopes = AdminArea::ALL.iter().map(|area| AdminScope::All(*area)).collect();
        assert_eq!(scopes("*").beyond(&today), Some(AdminScope::Everything));
        assert_eq!(scopes("*").beyond(&scopes("*")), None);
    }
}
