//! `vestibule client secret`: a secret more, or one less.

use serde_json::{Map, Value, json};

use super::{PATH, meant, read};
use crate::{
    cli::{SecretAdd, SecretCommand, SecretRevoke},
    failure::Failure,
    print,
    remote::{Ask, Destination, Remote, confirm},
};

/// Runs one of them.
pub(crate) async fn secret(command: &SecretCommand) -> Result<(), Failure> {
    match command {
        SecretCommand::Add(options) => add(options).await,
        SecretCommand::Revoke(options) => revoke(options).await,
    }
}

async fn add(options: &SecretAdd) -> Result<(), Failure> {
    let SecretAdd { id, expires_in, others_expire_in, secret, act } = options;
    let mut asked = Map::new();
    for (name, span) in [("expires_in", expires_in), ("others_expire_in", others_expire_in)] {
        if let Some(span) = span {
            asked.insert(name.to_owned(), json!(span.as_secs()));
        }
    }
    let (remote, destination) = (Remote::new(&act.at)?, Destination::of(secret, act)?);
    let asked = Value::Object(asked);
    let made = match remote.act(Ask::post(&[PATH, id, "secrets"], &asked), act).await {
        Ok(Some(made)) => made.body,
        Ok(None) => return Ok(()),
        Err(failure) => return Err(meant(&remote, failure, id).await),
    };
    let done = format!("{id} has the secret {}", made["id"].as_str().unwrap_or_default());
    destination.say(made, "client_secret", &format!("the new secret of {id}"), &done, act.at.json)
}

async fn revoke(options: &SecretRevoke) -> Result<(), Failure> {
    let SecretRevoke { id, secret_id, sure, act } = options;
    let remote = Remote::new(&act.at)?;
    let present = read(&remote, id).await?.body;
    let known: Vec<_> = present["secrets"].as_array().into_iter().flatten().filter_map(|secret| secret["id"].as_str()).collect();
    if !known.contains(&secret_id.as_str()) {
        let all = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(" and ")) };
        return Err(Failure::Plain(format!("{id} has no secret {secret_id}; {all}")));
    }
    confirm(&format!("Revoke the secret {secret_id} of {id}? It stops working at once."), sure.yes || act.dry_run)?;
    let Some(_) = remote.act(Ask::delete(&[PATH, id, "secrets", secret_id]), act).await? else { return Ok(()) };
    if act.at.json { print::json(&json!({ "revoked": secret_id })) } else { print::text(&format!("{secret_id} of {id} is revoked\n")) }
}
