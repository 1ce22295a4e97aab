//! Records with everything in them that a record can have, for whoever holds their forms against what is published of them.

use vestibule_domain::{
    audit::{Actor, AuditEvent, Binding, EventName, Outcome, Reason, Source, chain::Link, form::Form, personal::Personal},
    change::{Change, SECRET},
    client::{AuthMethod, GrantType},
};

use crate::sample::Sample;

/// Every kind of event, by every sort of actor, with every field filled, as an export in the form of this name has them. Whatever is one of a few values has
/// each of them somewhere.
///
/// # Panics
/// When there is no such form.
pub fn every_event(form: &str) -> String {
    let form: Form = form.parse().expect("a form of exports");
    let sample = Sample::default();
    let kinds = EventName::ALL.iter().flat_map(|name| actors(&sample).into_iter().map(move |actor| (*name, actor)));
    kinds.enumerate().map(|(at, (name, actor))| form.line(&full(&sample, name, actor, at))).collect()
}

fn actors(sample: &Sample) -> [Actor; 6] {
    let account = sample.account().id;
    let client = sample.client("app").id;
    [
        Actor::Anonymous,
        Actor::Account(account),
        Actor::Client(client),
        Actor::AdminKey("bootstrap".into()),
        Actor::System,
        Actor::Operator(account),
    ]
}

/// The one of a few values whose turn it is.
fn turn<T: Copy>(all: &[T], at: usize) -> T {
    all[at % all.len()]
}

fn full(sample: &Sample, name: EventName, actor: Actor, at: usize) -> AuditEvent {
    let (account, client) = (sample.account(), sample.client("app"));
    let session = sample.session(&account);
    let event = sample.event(name, &account, &client);
    AuditEvent {
        outcome: turn(Outcome::ALL, at),
        reason: Some(turn(Reason::ALL, at)),
        actor,
        session: Some(session.id),
        grant: Some(sample.any_grant(&client).id),
        grant_type: Some(turn(GrantType::ALL, at)),
        auth_method: Some(turn(AuthMethod::ALL, at)),
        bound_to: Some(turn(Binding::ALL, at)),
        acr: session.acr,
        amr: ["pwd", "otp", "hwk", "fpt", "mfa"].map(str::to_owned).into(),
        audience: vec!["https://api.example.com".into()],
        acting: vec![client.id.clone(), sample.client("other").id],
        took_ms: Some(12),
        detail: Some("a rule: \"domains\", Zoë's".into()),
        trial: true,
        change: vec![
            Change { pointer: "/client_secret".into(), before: None, after: Some(SECRET.into()) },
            Change { pointer: "/client_name".into(), before: Some("Old".into()), after: Some("New".into()) },
        ],
        source: Source { country: Some("DK".into()), ..event.source.clone() },
        personal: Some(Personal { digest: sample.digest(), salt: Some(sample.digest()), redacted: false }),
        link: Some(Link { seq: i64::try_from(at).unwrap_or_default() + 1, prev: sample.digest(), hash: sample.digest() }),
        ..event
    }
}
