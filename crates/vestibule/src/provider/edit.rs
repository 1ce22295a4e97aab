//! `vestibule provider show`, `create`, `update` and `delete`: providers of a running gateway that no file of its configuration has.

use std::{fmt::Write, path::Path};

use serde_json::{Map, Value, json};

use crate::{
    cli::{Delete, DeleteKept, Named, ProviderCreate, ProviderSettings, ProviderUpdate},
    config::meant,
    document,
    failure::Failure,
    print,
    remote::{Answer, Ask, Remote, assigned, confirm, details, raced},
};

pub(super) const PATH: &str = "providers";

/// Shows one as it is.
pub(crate) async fn show(named: &Named) -> Result<(), Failure> {
    let mut found = read(&Remote::new(&named.at)?, &named.id).await?.body;
    if named.at.json {
        return print::json(&found);
    }
    let settings = found.as_object_mut().and_then(|members| members.remove("settings")).unwrap_or_default();
    let mut text = details(&found);
    if settings.is_object() {
        let _ = write!(text, "\nSettings\n{}", details(&settings));
    }
    print::text(&text)
}

/// Makes one.
pub(crate) async fn create(options: &ProviderCreate) -> Result<(), Failure> {
    let ProviderCreate { id, settings, act } = options;
    let body = body(id, written(settings, &[])?)?;
    let made = Remote::new(&act.at)?.act(Ask::put(&[PATH, id], &body).if_new(), act).await.map_err(|failure| match failure {
        Failure::Problem(problem) if problem.is("precondition_failed") => Failure::Plain(format!("there is a provider {id} already")),
        failure => failure,
    })?;
    let Some(made) = made else { return Ok(()) };
    if act.at.json {
        return print::json(&made.body);
    }
    let callback = made.body["callback"].as_str().unwrap_or_default();
    print::text(&format!("{id} is made; register this callback there:\n  {}\n", crate::table::printable(callback)))
}

/// Changes one; what is not named stays, secrets too.
pub(crate) async fn update(options: &ProviderUpdate) -> Result<(), Failure> {
    let ProviderUpdate { id, settings, unset, past, act } = options;
    let change = body(id, written(settings, unset)?)?;
    let remote = Remote::new(&act.at)?;
    let present = read(&remote, id).await?;
    are_there(id, unset, &present.body)?;
    let ask = Ask::patch(&[PATH, id], &change).query("force", past.forced()).if_match(present.etag.as_deref());
    let Some(changed) = remote.act(ask, act).await.map_err(raced)? else { return Ok(()) };
    if act.at.json { print::json(&changed.body) } else { print::text(&format!("{id} is changed\n")) }
}

/// To take away what is not there is a slip.
fn are_there(id: &str, unset: &[String], present: &Value) -> Result<(), Failure> {
    let secrets = present["secrets"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let known: Vec<_> = present["settings"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).chain(secrets).collect();
    match unset.iter().find(|name| !known.contains(&name.split('.').next().unwrap_or_default())) {
        None => Ok(()),
        Some(name) => {
            let near = meant(name, &known).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            Err(Failure::Plain(crate::table::printable(&format!("{id} has no setting {name}{near}"))))
        }
    }
}

/// Deletes one.
pub(crate) async fn delete(options: &DeleteKept) -> Result<(), Failure> {
    let DeleteKept { one: Delete { id, sure, act }, past } = options;
    let remote = Remote::new(&act.at)?;
    let present = read(&remote, id).await?;
    confirm(&format!("Delete the provider {id}? Nobody comes in by it any more; their accounts stay."), sure.yes || act.dry_run)?;
    let ask = Ask::delete(&[PATH, id]).query("force", past.forced()).if_match(present.etag.as_deref());
    let Some(_) = remote.act(ask, act).await.map_err(raced)? else { return Ok(()) };
    if act.at.json { print::json(&json!({ "deleted": id })) } else { print::text(&format!("{id} is deleted\n")) }
}

async fn read(remote: &Remote, id: &str) -> Result<Answer, Failure> {
    match remote.call(Ask::get(&[PATH, id])).await {
        Err(failure) => Err(remote.meant(failure, "provider", id, Ask::get(&[PATH]), "id").await),
        found => found,
    }
}

/// Settings as somebody wrote them, and secrets out of their files.
fn written(settings: &ProviderSettings, unset: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut fields = assigned(settings.fields.file.as_deref(), &settings.fields.set, unset)?;
    for (name, path) in &settings.secret {
        fields.insert(name.clone(), secret(path)?.into());
    }
    // As the configuration has them: `client_secret_file` names a file with what `client_secret` is.
    let named: Vec<_> =
        fields.iter().filter_map(|(name, value)| Some((name.strip_suffix("_file")?.to_owned(), value.as_str()?.to_owned()))).collect();
    for (name, path) in named {
        fields.remove(&format!("{name}_file"));
        fields.insert(name, secret(Path::new(&path))?.into());
    }
    Ok(fields)
}

fn secret(path: &Path) -> Result<String, Failure> {
    Ok(document::read(path)?.trim().to_owned())
}

/// What the admin API takes: whether it is disabled stands beside the settings.
fn body(id: &str, mut settings: Map<String, Value>) -> Result<Value, Failure> {
    if settings.remove("id").is_some_and(|named| named != id) {
        return Err(Failure::Plain(format!("the id in the file is not {id}")));
    }
    let disabled = settings.remove("disabled");
    let mut body = Map::new();
    if !settings.is_empty() {
        body.insert("settings".to_owned(), Value::Object(settings));
    }
    if let Some(disabled) = disabled {
        body.insert("disabled".to_owned(), disabled);
    }
    if body.is_empty() {
        return Err(Failure::Plain("nothing is to be set; say what with --set, --secret or --file".into()));
    }
    Ok(Value::Object(body))
}
