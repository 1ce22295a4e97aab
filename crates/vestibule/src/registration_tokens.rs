//! `vestibule registration-tokens`: the tokens that let apps register themselves.

use serde_json::json;

use crate::{
    cli::{Delete, RegistrationTokenCommand, TokenCreate},
    failure::Failure,
    print,
    remote::{Ask, Destination, Remote, confirm, listed},
};

const PATH: &str = "registration-tokens";
const COLUMNS: [(&str, &str); 5] =
    [("ID", "/id"), ("NAME", "/name"), ("APPS LEFT", "/uses_left"), ("MADE", "/created_at"), ("EXPIRES", "/expires_at")];

/// Runs one of them.
pub(crate) async fn run(command: &RegistrationTokenCommand) -> Result<(), Failure> {
    match command {
        RegistrationTokenCommand::List(at) => {
            let tokens = Remote::new(at)?.all(Ask::get(&[PATH])).await?;
            if at.json { print::json(&tokens) } else { print::text(&listed(&COLUMNS, &tokens)) }
        }
        RegistrationTokenCommand::Create(options) => create(options).await,
        RegistrationTokenCommand::Delete(options) => delete(options).await,
    }
}

async fn create(options: &TokenCreate) -> Result<(), Failure> {
    let TokenCreate { name, expires_in, uses, secret, act } = options;
    let mut asked = json!({ "name": name });
    if let Some(span) = expires_in {
        asked["expires_in"] = json!(span.as_secs());
    }
    if let Some(uses) = uses {
        asked["uses"] = json!(uses);
    }
    let (remote, destination) = (Remote::new(&act.at)?, Destination::of(secret, act)?);
    let Some(made) = remote.act(Ask::post(&[PATH], &asked), act).await? else { return Ok(()) };
    let done = format!("the token {} is made", made.body["id"].as_str().unwrap_or_default());
    destination.say(made.body, "token", "the token", &done, act.at.json)
}

async fn delete(options: &Delete) -> Result<(), Failure> {
    let Delete { id, sure, act } = options;
    let remote = Remote::new(&act.at)?;
    confirm(&format!("Take the registration token {id} back? Nobody registers with it any more."), sure.yes || act.dry_run)?;
    match remote.act(Ask::delete(&[PATH, id]), act).await {
        Err(failure) => Err(remote.meant(failure, "registration token", id, Ask::get(&[PATH]), "id").await),
        Ok(None) => Ok(()),
        Ok(Some(_)) if act.at.json => print::json(&json!({ "deleted": id })),
        Ok(Some(_)) => print::text(&format!("{id} is taken back\n")),
    }
}
