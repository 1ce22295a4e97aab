//! The same of a running gateway, by its admin API: providers as it has them now, and one tried from where it is.

use std::fmt::Write;

use serde_json::{Value, json};

use super::edit::PATH;
use crate::{
    cli::At,
    failure::Failure,
    print,
    remote::{Ask, Remote, listed},
    table::{printable, table},
};

const COLUMNS: [(&str, &str); 6] = [
    ("ID", "/id"),
    ("LABEL", "/label"),
    ("DISABLED", "/disabled"),
    ("HEALTH", "/health"),
    ("CALLBACK", "/callback"),
    ("KEPT IN", "/managed_by/kind"),
];

/// Lists all of them.
pub(super) async fn list(at: &At) -> Result<(), Failure> {
    let found = Remote::new(at)?.all(Ask::get(&[PATH])).await?;
    if at.json { print::json(&found) } else { print::text(&listed(&COLUMNS, &found)) }
}

/// Lets the gateway try one. The sign-in that is left goes by the gateway's own callback address, and its last page says what would come of it.
pub(super) async fn test(at: &At, id: &str, no_login: bool) -> Result<(), Failure> {
    let remote = Remote::new(at)?;
    let trial = format!("{id}:test");
    let mut tested = match remote.call(Ask::post(&[PATH, &trial], &json!({}))).await {
        Ok(tested) => tested.body,
        Err(failure) => return Err(remote.meant(failure, "provider", id, Ask::get(&[PATH]), "id").await),
    };
    if let Some(members) = tested.as_object_mut().filter(|_| no_login) {
        members.remove("sign_in");
    }
    if at.json {
        print::json(&tested)?;
    } else {
        print::text(&text(&tested))?;
    }
    if tested["ok"] == true {
        return Ok(());
    }
    let why = tested["failure"]["detail"].as_str().unwrap_or("it can't be used");
    Err(Failure::Plain(printable(&format!("{id}: {why}"))))
}

fn text(tested: &Value) -> String {
    let said = |value: &Value| printable(value.as_str().unwrap_or_default());
    let facts = tested["facts"].as_array().into_iter().flatten();
    let rows: Vec<_> = facts.map(|fact| vec![said(&fact["name"]), said(&fact["value"])]).collect();
    let mut text = format!("Documents\n{}", table(&[], &rows));
    if let Some(expires) = tested["secret_expires_at"].as_str() {
        let _ = writeln!(text, "  our secret there expires {}", printable(expires));
    }
    for warning in tested["warnings"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "  warning: {}", said(warning));
    }
    if let Some(url) = tested["sign_in"]["url"].as_str() {
        let _ = write!(
            text,
            "\nSign-in\n  Open this in your browser and sign in; its last page says what would come of it:\n    {}\n",
            printable(url)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_told_as_it_is_beside_the_gateway() {
        let tested = json!({
            "ok": true, "facts": [{ "name": "issuer", "value": "https://acme.example\u{1b}" }], "warnings": ["its clock is late"],
            "sign_in": { "url": "https://sso.example.com/login/acme?trial=x", "trial": "x" },
        });
        let told = text(&tested);
        assert!(told.starts_with("Documents\n  issuer  https://acme.example\u{fffd}\n  warning: its clock is late\n\nSign-in\n"), "{told}");
        assert!(told.ends_with("    https://sso.example.com/login/acme?trial=x\n"), "{told}");
        assert!(!text(&json!({ "ok": false })).contains("Sign-in"));
    }
}
