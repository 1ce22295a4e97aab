//! `vestibule api-keys`: keys of the admin API, made by whoever has one already.

use serde_json::json;

use crate::{
    cli::{ApiKeyCommand, ApiKeyCreate, Delete, Named},
    failure::Failure,
    print,
    remote::{Ask, Destination, Remote, confirm, details, listed},
};

const PATH: &str = "api-keys";
const COLUMNS: [(&str, &str); 6] = [
    ("ID", "/id"),
    ("NAME", "/name"),
    ("SCOPES", "/scopes"),
    ("MADE", "/created_at"),
    ("EXPIRES", "/expires_at"),
    ("LAST USED", "/last_used_at"),
];

/// Runs one of them.
pub(crate) async fn run(command: &ApiKeyCommand) -> Result<(), Failure> {
    match command {
        ApiKeyCommand::List(at) => {
            let keys = Remote::new(at)?.all(Ask::get(&[PATH])).await?;
            if at.json { print::json(&keys) } else { print::text(&listed(&COLUMNS, &keys)) }
        }
        ApiKeyCommand::Show(Named { id, at }) => {
            let remote = Remote::new(at)?;
            let found = match remote.call(Ask::get(&[PATH, id])).await {
                Ok(found) => found.body,
                Err(failure) => return Err(meant(&remote, failure, id).await),
            };
            if at.json { print::json(&found) } else { print::text(&details(&found)) }
        }
        ApiKeyCommand::Create(options) => create(options).await,
        ApiKeyCommand::Delete(options) => delete(options).await,
    }
}

async fn create(options: &ApiKeyCreate) -> Result<(), Failure> {
    let ApiKeyCreate { name, scope, expires_in, secret, act } = options;
    let mut asked = json!({ "name": name, "scopes": scope });
    if let Some(span) = expires_in {
        asked["expires_in"] = json!(span.as_secs());
    }
    let (remote, destination) = (Remote::new(&act.at)?, Destination::of(secret, act)?);
    let Some(made) = remote.act(Ask::post(&[PATH], &asked), act).await? else { return Ok(()) };
    let done = format!("the key {} is made", made.body["id"].as_str().unwrap_or_default());
    destination.say(made.body, "key", "the key", &done, act.at.json)
}

async fn delete(options: &Delete) -> Result<(), Failure> {
    let Delete { id, sure, act } = options;
    let remote = Remote::new(&act.at)?;
    confirm(&format!("Delete the key {id}? Whoever uses it is refused from then on."), sure.yes || act.dry_run)?;
    match remote.act(Ask::delete(&[PATH, id]), act).await {
        Err(failure) => Err(meant(&remote, failure, id).await),
        Ok(None) => Ok(()),
        Ok(Some(_)) if act.at.json => print::json(&json!({ "deleted": id })),
        Ok(Some(_)) => print::text(&format!("{id} is deleted\n")),
    }
}

async fn meant(remote: &Remote, failure: Failure, id: &str) -> Failure {
    remote.meant(failure, "key", id, Ask::get(&[PATH]), "id").await
}
