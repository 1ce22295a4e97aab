//! What a draft would have done, for people and programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde::{Serialize, Serializer};
use vestibule_domain::{
    ids::{AccountId, ClientId, ProviderId},
    time::Timestamp,
};

use crate::table::table;

/// All of it.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    since: String,
    pub(super) logins: u64,
    #[serde(serialize_with = "count")]
    pub(super) people: BTreeSet<AccountId>,
    pub(super) changed: Vec<Changed>,
    /// Logins that nothing can be said of, by why.
    pub(super) unjudged: BTreeMap<Unjudged, u64>,
    judged_by: &'static str,
}

/// Logins of one person to one app through one provider that would have gone otherwise.
#[derive(Debug, Serialize)]
pub(super) struct Changed {
    #[serde(flatten)]
    pub(super) change: Change,
    pub(super) account: AccountId,
    pub(super) provider: ProviderId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<ClientId>,
    pub(super) logins: u64,
    pub(super) last: String,
}

/// How.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Change {
    /// They would be turned away.
    Denied {
        /// By which rule of the draft.
        rule: String,
    },
    /// The rules there are now turn them away, and the draft would not.
    LetIn {
        /// By which rule there is now.
        rule: String,
    },
    /// Other claims would have been made.
    Mapped {
        /// Which.
        claims: Vec<String>,
    },
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unjudged {
    /// The link was undone.
    LinkGone,
    /// There is no such provider now, or it can't be made.
    ProviderGone,
    /// There is no such client now.
    ClientGone,
    /// The provider said more than is kept.
    ClaimsNotKept,
}

impl Unjudged {
    fn why(self) -> &'static str {
        match self {
            Self::LinkGone => "the person has no such way in any more",
            Self::ProviderGone => "the provider is gone or can't be used",
            Self::ClientGone => "the client is gone",
            Self::ClaimsNotKept => "the provider said more than is kept",
        }
    }
}

const JUDGED_BY: &str = "what the provider said of each person last, at a sign-in or a refresh; what it said at earlier logins is not kept";

fn count<S: Serializer>(people: &BTreeSet<AccountId>, serializer: S) -> Result<S::Ok, S::Error> {
    people.len().serialize(serializer)
}

impl Report {
    pub(super) fn new(since: Timestamp) -> Self {
        Self {
            since: since.to_string(),
            logins: 0,
            people: BTreeSet::new(),
            changed: Vec::new(),
            unjudged: BTreeMap::new(),
            judged_by: JUDGED_BY,
        }
    }

    /// As people read it.
    pub(super) fn text(&self) -> String {
        let row = |each: &Changed| {
            let (what, why) = match &each.change {
                Change::Denied { rule } => ("denied", format!("by {rule}")),
                Change::LetIn { rule } => ("let in", format!("now denied by {rule}")),
                Change::Mapped { claims } => ("mapped", claims.join(", ")),
            };
            let client = each.client.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
            vec![what.into(), each.provider.to_string(), client, each.account.to_string(), each.logins.to_string(), each.last.clone(), why]
        };
        let rows: Vec<_> = self.changed.iter().map(row).collect();
        let mut text = String::new();
        if !rows.is_empty() {
            text.push_str(&table(&["CHANGE", "PROVIDER", "CLIENT", "ACCOUNT", "LOGINS", "LAST", "WHY"], &rows));
            text.push('\n');
        }
        let logins = |fits: fn(&Change) -> bool| self.changed.iter().filter(|each| fits(&each.change)).map(|each| each.logins).sum::<u64>();
        let _ = writeln!(
            text,
            "{} logins of {} people since {}: {} would be denied, {} that are denied now would be let in, {} mapped differently",
            self.logins,
            self.people.len(),
            self.since,
            logins(|change| matches!(change, Change::Denied { .. })),
            logins(|change| matches!(change, Change::LetIn { .. })),
            logins(|change| matches!(change, Change::Mapped { .. })),
        );
        for (why, logins) in &self.unjudged {
            let _ = writeln!(text, "{logins} can't be judged: {}", why.why());
        }
        let _ = writeln!(text, "Judged by {JUDGED_BY}.");
        text
    }
}
