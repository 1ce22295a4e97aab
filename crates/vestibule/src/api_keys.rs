//! `vestibule api-keys`: keys of the admin API, made by whoever has one already.

use serde_json::{Map, Value, json};

use crate::{
    cli::{ApiKeyCommand, ApiKeyCreate, ApiKeyUpdate, Delete, Named},
    failure::Failure,
    print,
    remote::{Answer, Ask, Destination, Remote, confirm, details, listed, raced},
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
            let found = read(&Remote::new(at)?, id).await?.body;
            if at.json { print::json(&found) } else { print::text(&details(&found)) }
        }
        ApiKeyCommand::Create(options) => create(options).await,
        ApiKeyCommand::Update(options) => update(options).await,
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

async fn read(remote: &Remote, id: &str) -> Result<Answer, Failure> {
    match remote.call(Ask::get(&[PATH, id])).await {
        Err(failure) => Err(meant(remote, failure, id).await),
        found => found,
    }
}

/// Gives a key another name, other scopes or both; what is not named stays.
async fn update(options: &ApiKeyUpdate) -> Result<(), Failure> {
    let ApiKeyUpdate { id, name, scope, act } = options;
    let mut change = Map::new();
    change.extend(name.as_ref().map(|name| ("name".to_owned(), json!(name))));
    if !scope.is_empty() {
        change.insert("scopes".to_owned(), json!(scope));
    }
    if change.is_empty() {
        return Err(Failure::Plain("nothing is to be changed; say what with --name or --scope".into()));
    }
    let remote = Remote::new(&act.at)?;
    let present = read(&remote, id).await?;
    let change = Value::Object(change);
    let ask = Ask::patch(&[PATH, id], &change).if_match(present.etag.as_deref());
    let Some(changed) = remote.act(ask, act).await.map_err(raced)? else { return Ok(()) };
    if act.at.json { print::json(&changed.body) } else { print::text(&format!("{id} is changed\n")) }
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
