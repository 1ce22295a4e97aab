//! The words of the API about the audit log. What stands in the comments here is what the OpenAPI document says. An event has the form of its record
//! (`domain::audit::record`), name by name; a test compares them.

use poem_openapi::{Object, types::Example};
use vestibule_domain::{
    audit::{Actor, AuditEvent, Binding, EventName, Outcome, Reason, chain::Checkpoint, search::FoundEvents},
    client::{AuthMethod, GrantType},
};
use vestibule_flows::ChainShown;

use crate::admin::{
    accounts::{EXAMPLE_ID, EXAMPLE_TIME},
    dry_run::Difference,
    text::{Moment, Text},
};

const EXAMPLE_EVENT: &str = "019ab55f-7c00-7c3a-8c4d-5e6f708192a3";
const EXAMPLE_DIGEST: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";

/// What happened.
#[derive(Object)]
#[oai(rename = "AuditEvent", example, skip_serializing_if_is_none)]
pub(super) struct EventObject {
    /// Its id: those made later sort later.
    id: String,
    /// When.
    time: Text<Moment>,
    /// What.
    name: Text<EventName>,
    /// The stable number of what it was.
    code: i32,
    /// How it ended.
    outcome: Text<Outcome>,
    /// Why, when it did not end well.
    reason: Option<Text<Reason>>,
    /// By whom.
    actor: ActorObject,
    /// Whose account it was about.
    account: Option<String>,
    /// Which app.
    client: Option<String>,
    /// Which provider.
    provider: Option<String>,
    /// Which login: all events of it have the same.
    login: Option<String>,
    /// Which session.
    session: Option<String>,
    /// Which grant.
    grant: Option<String>,
    /// By which grant type.
    grant_type: Option<Text<GrantType>>,
    /// With what scopes.
    scopes: Option<Vec<String>>,
    /// How the client proved who it is.
    auth_method: Option<Text<AuthMethod>>,
    /// To what of the client's the tokens are bound.
    bound_to: Option<Text<Binding>>,
    /// In which way the person signed in, as their provider says it.
    acr: Option<String>,
    /// By what means.
    amr: Option<Vec<String>>,
    /// For whom the tokens are: ten at most.
    audience: Option<Vec<String>>,
    /// Which apps act for the person by an exchanged token: the one that does now, and then those before.
    acting: Option<Vec<String>>,
    /// How long the step took, in milliseconds.
    took_ms: Option<u64>,
    /// More, for operators.
    detail: Option<String>,
    /// What was changed, place by place. Secrets are never shown.
    change: Option<Vec<Difference>>,
    /// From where.
    source: SourceObject,
    /// What stands for the source in the chain, where the source is a person's own.
    personal: Option<PersonalObject>,
    /// The trace of the request, which is the reference on error pages.
    trace_id: Option<String>,
    /// Its place in the chain, once it is there.
    chain: Option<LinkObject>,
}

/// Who did it.
#[derive(Object)]
#[oai(rename = "AuditActor", skip_serializing_if_is_none)]
struct ActorObject {
    /// `anonymous`, `account`, `client`, `admin_key`, `operator` or `system`.
    r#type: String,
    /// Which one.
    id: Option<String>,
}

/// From where.
#[derive(Object)]
#[oai(rename = "AuditSource", skip_serializing_if_is_none)]
struct SourceObject {
    /// The address.
    ip: Option<String>,
    /// The `User-Agent`, cut to 200 characters.
    user_agent: Option<String>,
}

/// What stands for the source in the chain.
#[derive(Object)]
#[oai(rename = "AuditPersonal", skip_serializing_if_is_none)]
struct PersonalObject {
    /// What the chain has instead.
    digest: String,
    /// With it and the source the digest can be checked.
    salt: Option<String>,
    /// The source was erased, or can't be opened here.
    redacted: Option<bool>,
}

/// A place in the chain.
#[derive(Object)]
#[oai(rename = "AuditLink")]
struct LinkObject {
    /// Its number: 1 for the first.
    seq: i64,
    /// The link before it.
    prev: String,
    /// Its own.
    hash: String,
}

impl From<&AuditEvent> for EventObject {
    fn from(event: &AuditEvent) -> Self {
        fn text<T: ToString>(value: Option<&T>) -> Option<String> {
            value.map(ToString::to_string)
        }
        fn some<T: ToString>(values: &[T]) -> Option<Vec<String>> {
            (!values.is_empty()).then(|| values.iter().map(ToString::to_string).collect())
        }
        let change: Vec<_> = event.change.iter().cloned().map(Difference::from).collect();
        Self {
            id: event.id.to_string(),
            time: event.time.into(),
            name: event.name.into(),
            code: event.name.code(),
            outcome: event.outcome.into(),
            reason: event.reason.map(Into::into),
            actor: (&event.actor).into(),
            account: text(event.account.as_ref()),
            client: text(event.client.as_ref()),
            provider: text(event.provider.as_ref()),
            login: text(event.login.as_ref()),
            session: text(event.session.as_ref()),
            grant: text(event.grant.as_ref()),
            grant_type: event.grant_type.map(Into::into),
            scopes: event.scopes.as_ref().map(|scopes| scopes.iter().map(ToString::to_string).collect()),
            auth_method: event.auth_method.map(Into::into),
            bound_to: event.bound_to.map(Into::into),
            acr: event.acr.clone(),
            amr: some(&event.amr),
            audience: some(&event.audience),
            acting: some(&event.acting),
            took_ms: event.took_ms,
            detail: event.detail.clone(),
            change: Some(change).filter(|change| !change.is_empty()),
            source: SourceObject { ip: text(event.source.ip.as_ref()), user_agent: event.source.user_agent.clone() },
            personal: event.personal.as_ref().map(|personal| PersonalObject {
                digest: personal.digest.to_hex(),
                salt: personal.salt.map(|salt| salt.to_hex()),
                redacted: personal.redacted.then_some(true),
            }),
            trace_id: event.trace_id.clone(),
            chain: event.link.map(|link| LinkObject { seq: link.seq, prev: link.prev.to_hex(), hash: link.hash.to_hex() }),
        }
    }
}

impl From<&Actor> for ActorObject {
    fn from(actor: &Actor) -> Self {
        let (kind, id) = match actor {
            Actor::Anonymous => ("anonymous", None),
            Actor::Account(id) => ("account", Some(id.to_string())),
            Actor::Client(id) => ("client", Some(id.to_string())),
            Actor::AdminKey(key) => ("admin_key", Some(key.clone())),
            Actor::System => ("system", None),
            Actor::Operator(id) => ("operator", Some(id.to_string())),
        };
        Self { r#type: kind.to_owned(), id }
    }
}

impl Example for EventObject {
    fn example() -> Self {
        Self {
            id: EXAMPLE_EVENT.into(),
            time: EXAMPLE_TIME.into(),
            name: EventName::LoginDeniedByPolicy.into(),
            code: EventName::LoginDeniedByPolicy.code(),
            outcome: Outcome::Denied.into(),
            reason: Some(Reason::EntryRule.into()),
            actor: ActorObject { r#type: "anonymous".into(), id: None },
            account: Some(EXAMPLE_ID.into()),
            client: Some("grafana".into()),
            provider: Some("google".into()),
            login: Some("019ab55f-7c00-7b21-8c4d-5e6f708192a3".into()),
            session: None,
            grant: None,
            grant_type: None,
            scopes: None,
            auth_method: None,
            bound_to: None,
            acr: None,
            amr: None,
            audience: None,
            acting: None,
            took_ms: Some(4_210),
            detail: Some("provider.email".into()),
            change: None,
            source: SourceObject { ip: Some("192.0.2.7".into()), user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".into()) },
            personal: None,
            trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
            chain: Some(LinkObject { seq: 4_711, prev: EXAMPLE_DIGEST.into(), hash: EXAMPLE_DIGEST.into() }),
        }
    }
}

/// What happened, newest first.
#[derive(Object)]
#[oai(rename = "AuditEventPage", example, skip_serializing_if_is_none)]
pub(super) struct EventPage {
    items: Vec<EventObject>,
    /// Where the page ended before it was full, because enough was looked at. What is older was not looked at yet.
    looked_back_until: Option<Text<Moment>>,
}

impl EventPage {
    pub(super) fn new(found: &FoundEvents, limit: u64) -> Self {
        let ends_early = (found.events.len() as u64) < limit;
        Self {
            items: found.events.iter().map(Into::into).collect(),
            looked_back_until: found.rest.filter(|_| ends_early).map(|rest| rest.made().into()),
        }
    }
}

impl Example for EventPage {
    fn example() -> Self {
        Self { items: vec![EventObject::example()], looked_back_until: None }
    }
}

/// How far the chain of events has come.
#[derive(Object)]
#[oai(rename = "AuditChain", example, skip_serializing_if_is_none)]
pub(super) struct ChainObject {
    /// Its name.
    chain: String,
    /// The public key (Ed25519) that checkpoints are checked with, in hexadecimal: what `vestibule audit verify --key` takes.
    key: String,
    /// The number of the last event that is in it; 0 before the first.
    seq: i64,
    /// And its link.
    hash: String,
    /// The last checkpoint: absent before the first.
    checkpoint: Option<CheckpointObject>,
    /// Up to this number events are kept no more; 0 if all are.
    kept_after: i64,
    /// How many events are not in it yet.
    unsealed: u64,
    /// When the oldest of those happened.
    unsealed_since: Option<Text<Moment>>,
}

/// The house's word that the chain had come so far; a line of `checkpoint_file`, and of an export.
#[derive(Object)]
#[oai(rename = "AuditCheckpoint")]
struct CheckpointObject {
    /// Of which chain.
    chain: String,
    /// The last event it covers.
    seq: i64,
    /// And its link.
    hash: String,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    at: i64,
    /// The key it is signed with.
    key: String,
    /// The signature.
    signature: String,
}

impl From<&Checkpoint> for CheckpointObject {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            chain: checkpoint.chain.to_string(),
            seq: checkpoint.seq,
            hash: checkpoint.hash.to_hex(),
            at: checkpoint.at.as_millis(),
            key: checkpoint.key.to_string(),
            signature: checkpoint.signature.to_string(),
        }
    }
}

impl From<&ChainShown> for ChainObject {
    fn from(shown: &ChainShown) -> Self {
        let head = &shown.head;
        Self {
            chain: head.chain.to_string(),
            key: head.key.to_string(),
            seq: head.seq,
            hash: head.hash.to_hex(),
            checkpoint: shown.checkpoint.as_ref().map(Into::into),
            kept_after: head.base,
            unsealed: shown.unsealed.events,
            unsealed_since: shown.unsealed.oldest.map(Into::into),
        }
    }
}

impl Example for ChainObject {
    fn example() -> Self {
        let (chain, key) = ("0b1f7c0e-9a55-4f4e-8a7e-0c3f6f1f2a3b".to_owned(), EXAMPLE_DIGEST.to_owned());
        let checkpoint = CheckpointObject {
            chain: chain.clone(),
            seq: 4_700,
            hash: EXAMPLE_DIGEST.into(),
            at: EXAMPLE_TIME.as_millis(),
            key: key.clone(),
            signature: EXAMPLE_DIGEST.repeat(2),
        };
        Self {
            chain,
            key,
            seq: 4_711,
            hash: EXAMPLE_DIGEST.into(),
            checkpoint: Some(checkpoint),
            kept_after: 0,
            unsealed: 2,
            unsealed_since: Some(EXAMPLE_TIME.into()),
        }
    }
}
