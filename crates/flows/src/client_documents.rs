//! Clients that are known by the address of their document: fetched when somebody comes for one, kept for a while, and written down when somebody
//! signs in.
//!
//! Who names an address makes us ask there, so all of it is bounded: by the address that asks, by the host that is asked, and in all (attacks 42 and
//! 84). Whoever asks for a document that is on its way waits for that one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use vestibule_domain::{
    ages::Ages,
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    change::{self, difference},
    client::{Client, KeySource, Origin},
    client_document::{DocumentFault, KnownDocument},
    ids::ClientId,
    ports::ClientDocuments,
    registration::facts,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{Gateway, throttle::Throttle};

/// How many fetches a minute one address causes, one host answers, and the house makes.
const MOST_FOR_ONE: u32 = 20;
const MOST_AT_ONE: u32 = 10;
const MOST_IN_ALL: u32 = 200;

/// How often somebody else may be faster: an operator who changes the app, or whoever brings the same news.
const TRIES: u32 = 5;

/// Where documents are kept.
pub(crate) struct Shelf {
    source: Arc<dyn ClientDocuments>,
    known: Arc<Mutex<Ages<ClientId, KnownDocument>>>,
    under_way: Mutex<HashMap<ClientId, Arc<tokio::sync::Mutex<()>>>>,
    fetched: Arc<Fetched>,
}

/// How often somebody was asked, or made us ask.
struct Fetched {
    by_address: Throttle,
    by_host: Throttle,
    in_all: Throttle,
}

impl Shelf {
    pub(crate) fn new(source: Arc<dyn ClientDocuments>) -> Self {
        let fetched =
            Fetched { by_address: Throttle::of(MOST_FOR_ONE), by_host: Throttle::of(MOST_AT_ONE), in_all: Throttle::of(MOST_IN_ALL) };
        Self { source, known: Arc::default(), under_way: Mutex::default(), fetched: Arc::new(fetched) }
    }

    /// The shelf of another configuration: with what is known, unless it was read by other rules than those that hold now, and with what was counted.
    pub(crate) fn renewed(&self, source: Option<Arc<dyn ClientDocuments>>, same_rules: bool) -> Self {
        Self {
            known: if same_rules && source.is_none() { self.known.clone() } else { Arc::default() },
            source: source.unwrap_or_else(|| self.source.clone()),
            under_way: Mutex::default(),
            fetched: self.fetched.clone(),
        }
    }

    fn known(&self, id: &ClientId) -> Option<KnownDocument> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn fresh(&self, id: &ClientId, now: Timestamp) -> Option<KnownDocument> {
        self.known(id).filter(|known| now < known.fresh_until)
    }

    fn keep(&self, id: &ClientId, known: KnownDocument) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).put(id.clone(), known);
    }

    /// A place in the queue of those who want the same document: one fetches, the others wait.
    fn queue_up(&self, id: &ClientId) -> Place<'_> {
        let turn = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).entry(id.clone()).or_default().clone();
        Place { shelf: self, id: id.clone(), turn }
    }

    fn may_fetch(&self, id: &ClientId, witness: &Witness) -> bool {
        let host = id.document_host().unwrap_or_default();
        let Fetched { by_address, by_host, in_all } = &*self.fetched;
        let measures = [(by_address, witness.source.ip, ""), (by_host, None, host.as_str()), (in_all, None, "")];
        let fine = measures.iter().all(|(measure, ip, name)| measure.wait(*ip, name, witness.now).is_none());
        if fine {
            for (measure, ip, name) in measures {
                measure.count(ip, name, witness.now);
            }
        }
        fine
    }
}

/// Left by whoever goes away too, so that a queue nobody stands in takes no room.
struct Place<'a> {
    shelf: &'a Shelf,
    id: ClientId,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut under_way = self.shelf.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours and the queue's own.
        if Arc::strong_count(&self.turn) <= 2 {
            under_way.remove(&self.id);
        }
    }
}

impl Gateway {
    /// The client that an authorization request names: one that is registered, or the one that its document describes now.
    pub(crate) async fn client_asking(
        &self,
        witness: &Witness,
        id: &ClientId,
    ) -> Result<Result<Option<Arc<Client>>, DocumentFault>, StoreError> {
        if id.document().is_none() {
            return self.store.client(id).await.map(Ok);
        }
        if !self.settings.registration.metadata_documents {
            return Ok(Ok(None));
        }
        match self.document(witness, id).await? {
            Ok(known) => self.as_operated(known).await.map(|client| Ok(Some(client))),
            // Whoever uses up what may be fetched shuts nobody out whose app is known.
            Err(DocumentFault::Busy) if self.documents.known(id).is_some() => self.client_under_way(witness, id).await.map(Ok),
            Err(fault) => {
                let event = self.event(witness, EventName::ClientRegistrationRefused, Outcome::Failure, Actor::Anonymous);
                let reason = if fault == DocumentFault::Busy { Reason::ClientRate } else { Reason::BadMetadata };
                self.record_failure(witness, AuditEvent { reason: Some(reason), detail: Some(fault.to_string()), ..event }, Vec::new())
                    .await;
                Ok(Err(fault))
            }
        }
    }

    /// The client of a login under way, as it was when the login began, or as it is where that is not known: on another node, after a start.
    pub(crate) async fn client_under_way(&self, witness: &Witness, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        if id.document().is_none() {
            return self.store.client(id).await;
        }
        if self.settings.registration.takes_documents_from(id).is_err() {
            return Ok(None);
        }
        match self.documents.known(id) {
            Some(known) => self.as_operated(known).await.map(Some),
            None => match self.document(witness, id).await? {
                Ok(known) => self.as_operated(known).await.map(Some),
                Err(_) => Ok(None),
            },
        }
    }

    /// What a document says of its client, within what an operator said of it since somebody signed in to it first.
    async fn as_operated(&self, known: KnownDocument) -> Result<Arc<Client>, StoreError> {
        let row = self.store.client(&known.client.id).await?;
        Ok(Arc::new(match row {
            Some(row) => known.client.with_operators_word(&row),
            None => known.client,
        }))
    }

    /// The client that presents itself to an endpoint: as somebody signed in to it last, or as its document says if nobody has yet, so that it can push
    /// its first request (RFC 9126).
    pub(crate) async fn client_presenting(&self, witness: &Witness, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        match self.store.client(id).await? {
            None if id.document().is_some() => self.client_under_way(witness, id).await,
            found => Ok(found),
        }
    }

    async fn document(&self, witness: &Witness, id: &ClientId) -> Result<Result<KnownDocument, DocumentFault>, StoreError> {
        if let Err(fault) = self.settings.registration.takes_documents_from(id) {
            return Ok(Err(fault));
        }
        if let Some(known) = self.documents.fresh(id, witness.now) {
            return Ok(Ok(known));
        }
        let place = self.documents.queue_up(id);
        let _turn = place.turn.lock().await;
        match self.documents.fresh(id, witness.now) {
            Some(known) => Ok(Ok(known)),
            None => self.fetch_document(witness, id).await,
        }
    }

    /// Faults are not kept (§4.4): what bounds them is how often anybody is asked at all.
    async fn fetch_document(&self, witness: &Witness, id: &ClientId) -> Result<Result<KnownDocument, DocumentFault>, StoreError> {
        if !self.documents.may_fetch(id, witness) {
            return Ok(Err(DocumentFault::Busy));
        }
        let fetched = match self.documents.source.fetch(id).await {
            Ok(fetched) => fetched,
            Err(fault) => return Ok(Err(fault)),
        };
        let offered = self.offered(witness).await?;
        let read = self.settings.registration.read_document(id, fetched, &offered, witness.now);
        let read = read.and_then(|known| match &known.client.keys {
            Some(KeySource::Registered(keys)) if self.checker.fault_of_keys(keys.as_bytes()).is_some() => {
                Err(DocumentFault::Invalid("jwks"))
            }
            Some(KeySource::Published(address)) if !self.client_keys.permits(address) => Err(DocumentFault::Invalid("jwks_uri")),
            _ => Ok(known),
        });
        if let Ok(known) = &read {
            self.documents.keep(id, known.clone());
        }
        Ok(read)
    }

    /// Commits what comes with a code for a client, and what the client's document says: every endpoint that is asked later has the client from its row.
    /// Whoever was faster there is read, and what they said stands.
    pub(crate) async fn commit_remembering(&self, changes: Changes, witness: &Witness, client: &Client) -> Result<(), StoreError> {
        if !matches!(client.origin, Origin::MetadataDocument { .. }) {
            return self.commit(changes).await;
        }
        for _ in 0..TRIES {
            match self.commit(self.remembering(changes.clone(), witness, client).await?).await {
                Err(StoreError::Conflict(Contest::Client)) => {}
                done => return done,
            }
        }
        Err(StoreError::Unavailable("an app that a document describes was changed again and again".into()))
    }

    /// The same with what is written of the document. What it says otherwise than that of the last sign-in is on record, by name alone; of several who
    /// bring the news at once, one is.
    async fn remembering(&self, changes: Changes, witness: &Witness, client: &Client) -> Result<Changes, StoreError> {
        let before = self.store.client(&client.id).await?;
        if before.as_ref().is_some_and(|before| before.version >= client.version) {
            return Ok(changes);
        }
        // As an operator wants it by now, and written over nothing else: what they say while this is under way stands.
        let client = before.iter().fold(client.clone(), |client, before| client.with_operators_word(before));
        let over = before.as_ref().map(|before| before.version);
        let changed = before.map(|before| difference(&facts(&before), &facts(&client))).unwrap_or_default();
        let id = client.id.clone();
        let changes = changes.write(Write::PutDocument { client: Box::new(client), over });
        if changed.is_empty() {
            return Ok(changes);
        }
        let event = self.event(witness, EventName::ClientDocumentChanged, Outcome::Success, Actor::Client(id.clone()));
        Ok(changes.event(AuditEvent { client: Some(id), detail: Some(change::names(&changed)), ..event }))
    }
}
