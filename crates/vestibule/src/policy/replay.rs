//! Logins of the past under present rules and under those of a draft.
//!
//! What a provider said at each login is not kept; what it said last is. So that is what is judged, and the report says so.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, IsTerminal},
    sync::Arc,
};

use vestibule_domain::{
    account::Link,
    audit::{AuditEvent, EventName},
    client::Client,
    entry::{Denial, EntryRules},
    ids::{AccountId, ClientId, ProviderId},
    policy,
    ports::Store,
    provider::ProviderTerms,
    rehearsal::said,
    store::EventQuery,
    time::Timestamp,
};

use super::{
    draft::Draft,
    report::{Change, Changed, Report, Unjudged},
};
use crate::{audit::PAGE, failure::Failure, onlooker::Opened};

/// How often somebody who watches is told how far it is, in logins.
const PROGRESS_EVERY: u64 = 1_000;

/// Who signed in, where, and through whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    account: AccountId,
    provider: ProviderId,
    client: Option<ClientId>,
}

/// How often, and when last.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    logins: u64,
    last: Timestamp,
}

/// Holds every login since then against the rules there are and those of the draft.
pub(super) async fn replay(opened: &Opened, draft: Draft, since: Timestamp) -> Result<Report, Failure> {
    let ways = ways(opened.store.as_ref(), since).await?;
    let mut report = Report::new(since);
    let mut court = Court::new(opened, draft).await?;
    for (way, times) in ways {
        report.logins += times.logins;
        report.people.insert(way.account);
        match court.judge(&way).await? {
            Ok(None) => {}
            Ok(Some(change)) => report.changed.push(Changed {
                account: way.account,
                provider: way.provider,
                client: way.client,
                logins: times.logins,
                last: times.last.to_string(),
                change,
            }),
            Err(why) => *report.unjudged.entry(why).or_default() += times.logins,
        }
    }
    Ok(report)
}

/// Every way that somebody signed in since, in one pass over the events.
async fn ways(store: &dyn Store, since: Timestamp) -> Result<BTreeMap<Way, Times>, Failure> {
    let watched = io::stderr().is_terminal();
    let mut ways: BTreeMap<Way, Times> = BTreeMap::new();
    let mut read = 0_u64;
    for name in [EventName::LoginSucceeded, EventName::LoginSilent] {
        let mut query = EventQuery { since: Some(since), name: Some(name), limit: PAGE, ..EventQuery::default() };
        loop {
            let page = store.events(&query).await?;
            for event in &page {
                if let Some(way) = way(event) {
                    let times = ways.entry(way).or_default();
                    *times = Times { logins: times.logins + 1, last: times.last.max(event.time) };
                }
                read += 1;
                if watched && read.is_multiple_of(PROGRESS_EVERY) {
                    eprint!("\r{read} logins");
                }
            }
            match page.last() {
                Some(last) if page.len() as u64 == query.limit => query.after = Some(last.id),
                _ => break,
            }
        }
    }
    if watched && read >= PROGRESS_EVERY {
        eprintln!("\r{read} logins");
    }
    Ok(ways)
}

fn way(event: &AuditEvent) -> Option<Way> {
    Some(Way { account: event.account?, provider: event.provider.clone()?, client: event.client.clone() })
}

/// Rules, present and drafted, and what is known of people and clients.
struct Court<'a> {
    opened: &'a Opened,
    draft: Draft,
    present: BTreeMap<ProviderId, ProviderTerms>,
    clients: HashMap<ClientId, Option<Arc<Client>>>,
    links: HashMap<(AccountId, ProviderId), Option<Link>>,
}

impl<'a> Court<'a> {
    async fn new(opened: &'a Opened, draft: Draft) -> Result<Self, Failure> {
        let all = opened.all().await?;
        let present = all.iter().filter_map(|found| Some((found.id.clone(), found.made.as_ref().ok()?.terms().clone()))).collect();
        Ok(Self { opened, draft, present, clients: HashMap::new(), links: HashMap::new() })
    }

    async fn judge(&mut self, way: &Way) -> Result<Result<Option<Change>, Unjudged>, Failure> {
        let Some(present) = self.present.get(&way.provider).cloned() else { return Ok(Err(Unjudged::ProviderGone)) };
        let client = match &way.client {
            None => None,
            Some(id) => match self.client(id).await? {
                Some(client) => Some(client),
                None => return Ok(Err(Unjudged::ClientGone)),
            },
        };
        let Some(link) = self.link(way).await? else { return Ok(Err(Unjudged::LinkGone)) };
        if link.claims.is_empty() {
            return Ok(Err(Unjudged::ClaimsNotKept));
        }
        let present_entry = client.as_ref().map(|client| &client.entry);
        let drafted = self.draft.providers.get(&way.provider).unwrap_or(&present);
        let drafted_entry = client.as_ref().map(|client| self.draft.clients.get(&client.id).unwrap_or(&client.entry));
        let before = Outcome::of(&link, &present, present_entry);
        let after = Outcome::of(&link, drafted, drafted_entry);
        Ok(Ok(before.changed_to(&after)))
    }

    async fn client(&mut self, id: &ClientId) -> Result<Option<Arc<Client>>, Failure> {
        if let Some(known) = self.clients.get(id) {
            return Ok(known.clone());
        }
        let client = self.opened.store.client(id).await?;
        self.clients.insert(id.clone(), client.clone());
        Ok(client)
    }

    /// Of several ways in by one provider the one used last.
    async fn link(&mut self, way: &Way) -> Result<Option<Link>, Failure> {
        let key = (way.account, way.provider.clone());
        if let Some(known) = self.links.get(&key) {
            return Ok(known.clone());
        }
        let links = self.opened.store.links_of(&way.account).await?;
        let link = links.into_iter().filter(|link| link.key.provider == way.provider).max_by_key(|link| link.seen);
        self.links.insert(key, link.clone());
        Ok(link)
    }
}

/// What rules make of somebody.
struct Outcome {
    said: vestibule_domain::claims::Claims,
    judged: Result<(), Denial>,
}

impl Outcome {
    fn of(link: &Link, terms: &ProviderTerms, client: Option<&EntryRules>) -> Self {
        let link = Link { profile: terms.profile_of(&link.claims).profile, ..link.clone() };
        Self { said: said(&link.profile), judged: policy::may_enter(&link, terms, client) }
    }

    fn changed_to(&self, after: &Self) -> Option<Change> {
        match (&self.judged, &after.judged) {
            (Ok(()), Err(denial)) => Some(Change::Denied { rule: denial.to_string() }),
            (Err(denial), Ok(())) => Some(Change::LetIn { rule: denial.to_string() }),
            (Err(_), Err(_)) => None,
            (Ok(()), Ok(())) => {
                let names = self.said.keys().chain(after.said.keys()).filter(|name| self.said.get(*name) != after.said.get(*name));
                let mut claims: Vec<_> = names.cloned().collect();
                claims.sort_unstable();
                claims.dedup();
                (!claims.is_empty()).then_some(Change::Mapped { claims })
            }
        }
    }
}
