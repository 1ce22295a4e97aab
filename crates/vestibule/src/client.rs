//! `vestibule client`: the apps that are registered at a running gateway.

mod secret;

use serde_json::{Map, Value, json};

pub(crate) use self::secret::secret;
use crate::{
    cli::{ClientCommand, ClientCreate, Delete, DeleteKept, Named, Update},
    failure::Failure,
    print,
    remote::{Answer, Ask, Destination, Remote, assigned, confirm, details, listed, raced, strangers},
};

const PATH: &str = "clients";
const COLUMNS: [(&str, &str); 7] = [
    ("ID", "/client_id"),
    ("NAME", "/client_name"),
    ("AUTHENTICATES BY", "/token_endpoint_auth_method"),
    ("REGISTERED BY", "/registered_by"),
    ("KEPT BY", "/managed_by"),
    ("DISABLED", "/disabled"),
    ("CHANGED", "/updated_at"),
];

/// Runs one of them.
pub(crate) async fn run(command: &ClientCommand) -> Result<(), Failure> {
    match command {
        ClientCommand::List(at) => {
            let clients = Remote::new(at)?.all(Ask::get(&[PATH])).await?;
            if at.json { print::json(&clients) } else { print::text(&listed(&COLUMNS, &clients)) }
        }
        ClientCommand::Show(named) => show(named).await,
        ClientCommand::Create(options) => create(options).await,
        ClientCommand::Update(options) => update(options).await,
        ClientCommand::Delete(options) => delete(options).await,
        ClientCommand::RevokeGrants(options) => revoke_grants(options).await,
        ClientCommand::Secret { command } => secret(command).await,
    }
}

/// One client as it is, or the id that may have been meant.
async fn read(remote: &Remote, id: &str) -> Result<Answer, Failure> {
    match remote.call(Ask::get(&[PATH, id])).await {
        Err(failure) => Err(meant(remote, failure, id).await),
        found => found,
    }
}

async fn meant(remote: &Remote, failure: Failure, id: &str) -> Failure {
    remote.meant(failure, "client", id, Ask::get(&[PATH]), "client_id").await
}

async fn show(named: &Named) -> Result<(), Failure> {
    let found = read(&Remote::new(&named.at)?, &named.id).await?.body;
    if named.at.json { print::json(&found) } else { print::text(&details(&found)) }
}

async fn create(options: &ClientCreate) -> Result<(), Failure> {
    let ClientCreate { id, name, redirect_uri, public, fields, secret, act } = options;
    let mut asked = assigned(fields.file.as_deref(), &fields.set, &[])?;
    let mut add = |name: &str, value: Value| drop(asked.insert(name.to_owned(), value));
    if let Some(id) = id {
        add("client_id", json!(id));
    }
    if let Some(name) = name {
        add("client_name", json!(name));
    }
    if !redirect_uri.is_empty() {
        add("redirect_uris", json!(redirect_uri));
    }
    if *public {
        add("token_endpoint_auth_method", json!("none"));
    }
    // People are shown something; an id that an operator chose says what it is.
    if let (Some(id), false) = (id, asked.contains_key("client_name")) {
        asked.insert("client_name".to_owned(), json!(id));
    }
    let remote = Remote::new(&act.at)?;
    are_fields(&remote, &asked).await?;
    let destination = Destination::of(secret, act)?;
    let asked = Value::Object(asked);
    let Some(Answer { body: made, .. }) = remote.act(Ask::post(&[PATH], &asked), act).await? else { return Ok(()) };
    let id = made["client_id"].as_str().unwrap_or_default().to_owned();
    destination.say(made, "client_secret", &format!("the secret of {id}"), &format!("{id} is registered"), act.at.json)
}

/// What is not named as a field is would be passed over where it is only taken away, and refused with a long list where it is not.
async fn are_fields(remote: &Remote, written: &Map<String, Value>) -> Result<(), Failure> {
    let strangers = strangers(&remote.fields("Registration").await?, written.keys());
    if strangers.is_empty() { Ok(()) } else { Err(Failure::Plain(crate::table::printable(&strangers.join("; ")))) }
}

async fn update(options: &Update) -> Result<(), Failure> {
    let Update { id, fields, unset, past, secret, act } = options;
    let change = assigned(fields.file.as_deref(), &fields.set, unset)?;
    if change.is_empty() {
        return Err(Failure::Plain("nothing is to be changed; say what with --set, --unset or --file".into()));
    }
    let remote = Remote::new(&act.at)?;
    let present = read(&remote, id).await?;
    are_fields(&remote, &change).await?;
    let destination = Destination::of(secret, act)?;
    let change = Value::Object(change);
    let ask = Ask::patch(&[PATH, id], &change).query("force", past.forced()).if_match(present.etag.as_deref());
    let Some(Answer { body: changed, .. }) = remote.act(ask, act).await.map_err(raced)? else { return Ok(()) };
    if without_secret(&changed) == without_secret(&present.body) && !act.at.json {
        eprintln!("{id} was so already");
    }
    destination.say(changed, "client_secret", &format!("the new secret of {id}"), &format!("{id} is changed"), act.at.json)
}

/// What a client is, apart from when it changed.
fn without_secret(client: &Value) -> Map<String, Value> {
    let mut members = client.as_object().cloned().unwrap_or_default();
    members.retain(|name, _| !matches!(name.as_str(), "client_secret" | "updated_at"));
    members
}

async fn delete(options: &DeleteKept) -> Result<(), Failure> {
    let DeleteKept { one: Delete { id, sure, act }, past } = options;
    let remote = Remote::new(&act.at)?;
    let present = read(&remote, id).await?;
    confirm(&format!("Delete the client {id}? Whatever it was given stops working."), sure.yes || act.dry_run)?;
    let ask = Ask::delete(&[PATH, id]).query("force", past.forced()).if_match(present.etag.as_deref());
    let Some(_) = remote.act(ask, act).await.map_err(raced)? else { return Ok(()) };
    if act.at.json { print::json(&json!({ "deleted": id })) } else { print::text(&format!("{id} is deleted\n")) }
}

/// Takes back everything it was given. Who may do that need not be allowed to look at apps.
async fn revoke_grants(options: &Delete) -> Result<(), Failure> {
    let Delete { id, sure, act } = options;
    let remote = Remote::new(&act.at)?;
    let question = format!("Take back everything the client {id} was given, by everybody? People sign in to it again.");
    confirm(&question, sure.yes || act.dry_run)?;
    match remote.act(Ask::delete(&[PATH, id, "grants"]), act).await {
        Err(failure) => Err(meant(&remote, failure, id).await),
        Ok(None) => Ok(()),
        Ok(Some(_)) if act.at.json => print::json(&json!({ "revoked": id })),
        Ok(Some(_)) => print::text(&format!("what {id} was given is revoked\n")),
    }
}
