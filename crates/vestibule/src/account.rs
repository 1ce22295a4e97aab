//! `vestibule account`, `session`, `grant` and `consent`: the people of a running gateway, and what is theirs.

use serde_json::{Value, json};

use crate::{
    cli::{AccountCommand, Act, ConsentCommand, Delete, Enable, Forget, GrantCommand, Named, OfAccount, OfAnybody, SessionCommand, Unlink},
    failure::Failure,
    print,
    remote::{Ask, Remote, confirm, details, listed},
};

const PATH: &str = "accounts";
const COLUMNS: [(&str, &str); 5] =
    [("ID", "/id"), ("NAME", "/profile/name"), ("EMAIL", "/profile/email"), ("DISABLED", "/disabled"), ("SIGNED IN", "/signed_in_at")];
const LINKS: [(&str, &str); 4] = [("LINK", "/id"), ("PROVIDER", "/provider"), ("SUBJECT", "/subject"), ("SIGNED IN", "/seen_at")];
const SESSIONS: [(&str, &str); 6] = [
    ("ID", "/id"),
    ("ACCOUNT", "/account"),
    ("PROVIDER", "/provider"),
    ("BEGAN", "/created_at"),
    ("LAST SEEN", "/seen_at"),
    ("ENDS", "/expires_at"),
];
const GRANTS: [(&str, &str); 6] = [
    ("ID", "/id"),
    ("ACCOUNT", "/account"),
    ("CLIENT", "/client_id"),
    ("SCOPE", "/scope"),
    ("GIVEN", "/created_at"),
    ("LAST USED", "/used_at"),
];
const CONSENTS: [(&str, &str); 4] = [("CLIENT", "/client_id"), ("HOST", "/host"), ("SCOPE", "/scope"), ("GIVEN", "/given_at")];

/// Runs one of `account`.
pub(crate) async fn run(command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::List(at) => {
            let accounts = Remote::new(at)?.all(Ask::get(&[PATH])).await?;
            if at.json { print::json(&accounts) } else { print::text(&listed(&COLUMNS, &accounts)) }
        }
        AccountCommand::Show(named) => show(named).await,
        AccountCommand::Disable(options) => disable(options).await,
        AccountCommand::Enable(Enable { id, act }) => set_disabled(id, false, act).await,
        AccountCommand::Unlink(options) => unlink(options).await,
        AccountCommand::Erase(options) => erase(options).await,
    }
}

async fn read(remote: &Remote, id: &str) -> Result<Value, Failure> {
    match remote.call(Ask::get(&[PATH, id])).await {
        Ok(found) => Ok(found.body),
        Err(failure) => Err(remote.meant(failure, "account", id, Ask::get(&[PATH]), "id").await),
    }
}

async fn show(named: &Named) -> Result<(), Failure> {
    let remote = Remote::new(&named.at)?;
    let mut account = read(&remote, &named.id).await?;
    let links = remote.whole(Ask::get(&[PATH, &named.id, "links"])).await?;
    if named.at.json {
        account["links"] = Value::Array(links);
        return print::json(&account);
    }
    let profile = account.as_object_mut().and_then(|members| members.remove("profile")).unwrap_or_default();
    print::text(&format!("{}\nProfile\n{}\nWays in\n{}", details(&account), details(&profile), listed(&LINKS, &links)))
}

async fn disable(options: &Delete) -> Result<(), Failure> {
    let Delete { id, sure, act } = options;
    let who = who(&read(&Remote::new(&act.at)?, id).await?);
    confirm(&format!("Turn {id}{who} away? Their sessions end, and everything they were given in them."), sure.yes || act.dry_run)?;
    set_disabled(id, true, act).await
}

/// What they are called, for questions.
fn who(account: &Value) -> String {
    account["profile"]["name"].as_str().map(|name| format!(" ({})", crate::table::printable(name))).unwrap_or_default()
}

async fn erase(options: &Delete) -> Result<(), Failure> {
    let Delete { id, sure, act } = options;
    let remote = Remote::new(&act.at)?;
    let who = who(&read(&remote, id).await?);
    confirm(&format!("Erase {id}{who}? There is no way back; --dry-run says what goes."), sure.yes || act.dry_run)?;
    let erasure = format!("{id}:erase");
    let Some(_) = remote.act(Ask::act(&[PATH, &erasure]), act).await? else { return Ok(()) };
    if act.at.json { print::json(&json!({ "erased": id })) } else { print::text(&crate::audit::erased(id)) }
}

async fn set_disabled(id: &str, disabled: bool, act: &Act) -> Result<(), Failure> {
    let remote = Remote::new(&act.at)?;
    // The id that was meant is worth a question.
    read(&remote, id).await?;
    let change = json!({ "disabled": disabled });
    let Some(done) = remote.act(Ask::patch(&[PATH, id], &change), act).await? else { return Ok(()) };
    let state = if disabled { "turned away" } else { "let in again" };
    if act.at.json { print::json(&done.body) } else { print::text(&format!("{id} is {state}\n")) }
}

async fn unlink(options: &Unlink) -> Result<(), Failure> {
    let Unlink { id, link, sure, act } = options;
    let remote = Remote::new(&act.at)?;
    read(&remote, id).await?;
    let question = format!("Undo the link {link} of {id}? Whoever comes by it again is somebody new.");
    confirm(&question, sure.yes || act.dry_run)?;
    match remote.act(Ask::delete(&[PATH, id, "links", link]), act).await {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(()),
        Err(failure) => return Err(remote.meant(failure, "link of this account", link, Ask::get(&[PATH, id, "links"]), "id").await),
    }
    if act.at.json { print::json(&json!({ "unlinked": link })) } else { print::text(&format!("{link} is undone\n")) }
}

/// Runs one of `session`.
pub(crate) async fn sessions(command: &SessionCommand) -> Result<(), Failure> {
    match command {
        SessionCommand::List(options) => of_anybody(options, "sessions", &SESSIONS).await,
        SessionCommand::Show(named) => show_one(named, "session", "sessions").await,
        SessionCommand::End(one) => end(one, "session", "sessions", "Sign this browser out? Its apps are told.", "ended").await,
    }
}

/// Runs one of `grant`.
pub(crate) async fn grants(command: &GrantCommand) -> Result<(), Failure> {
    match command {
        GrantCommand::List(options) => of_anybody(options, "grants", &GRANTS).await,
        GrantCommand::Show(named) => show_one(named, "grant", "grants").await,
        GrantCommand::Revoke(one) => end(one, "grant", "grants", "Take this back? Every token of it stops working.", "revoked").await,
    }
}

/// Runs one of `consent`.
pub(crate) async fn consents(command: &ConsentCommand) -> Result<(), Failure> {
    match command {
        ConsentCommand::List(OfAccount { account, at }) => {
            let remote = Remote::new(at)?;
            read(&remote, account).await?;
            let found = remote.all(Ask::get(&[PATH, account, "consents"])).await?;
            if at.json { print::json(&found) } else { print::text(&listed(&CONSENTS, &found)) }
        }
        ConsentCommand::Forget(one) => forget(one).await,
    }
}

/// Of one account newest first, or of everybody in the order of their ids.
async fn of_anybody(options: &OfAnybody, kind: &str, columns: &[(&str, &str)]) -> Result<(), Failure> {
    let OfAnybody { account, at } = options;
    let remote = Remote::new(at)?;
    let found = match account {
        Some(account) => {
            read(&remote, account).await?;
            remote.all(Ask::get(&[PATH, account, kind])).await?
        }
        None => remote.all(Ask::get(&[kind])).await?,
    };
    if at.json { print::json(&found) } else { print::text(&listed(columns, &found)) }
}

/// Shows one thing of a kind, whole.
pub(crate) async fn show_one(named: &Named, what: &str, kind: &str) -> Result<(), Failure> {
    let Named { id, at } = named;
    let remote = Remote::new(at)?;
    let found = match remote.call(Ask::get(&[kind, id])).await {
        Ok(found) => found.body,
        Err(failure) => return Err(remote.meant(failure, what, id, Ask::get(&[kind]), "id").await),
    };
    if at.json { print::json(&found) } else { print::text(&details(&found)) }
}

async fn end(one: &Delete, what: &str, kind: &str, question: &str, done: &str) -> Result<(), Failure> {
    let Delete { id, sure, act } = one;
    let remote = Remote::new(&act.at)?;
    confirm(question, sure.yes || act.dry_run)?;
    match remote.act(Ask::delete(&[kind, id]), act).await {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(()),
        Err(failure) => return Err(remote.meant(failure, what, id, Ask::get(&[kind]), "id").await),
    }
    if act.at.json { print::json(&json!({ done: id })) } else { print::text(&format!("{id} is {done}\n")) }
}

async fn forget(one: &Forget) -> Result<(), Failure> {
    let Forget { id, account, sure, act } = one;
    let remote = Remote::new(&act.at)?;
    read(&remote, account).await?;
    confirm(&format!("Forget what they allowed {id}? They are asked again."), sure.yes || act.dry_run)?;
    match remote.act(Ask::delete(&[PATH, account, "consents", id]), act).await {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(()),
        Err(failure) => {
            let list = Ask::get(&[PATH, account, "consents"]);
            return Err(remote.meant(failure, "consent of this account to", id, list, "client_id").await);
        }
    }
    if act.at.json { print::json(&json!({ "forgotten": id })) } else { print::text(&format!("{id} is forgotten\n")) }
}
