//! What `vestibule dev` says when all of it runs.

use secrecy::{ExposeSecret, SecretString};
use vestibule_providers::preset::preset;

use super::{Keys, OPERATOR, folder::Folder};
use crate::config::Config;

/// Links to click, where things lie, and what to try next.
pub(super) fn banner(config: &Config, demo: &str, console: &SecretString, folder: &Folder, keys: &Keys) -> String {
    let data = folder.path().display();
    // As it was called this time: after `cargo run` it is on no path.
    let me = std::env::args().next().unwrap_or_else(|| "vestibule".into());
    let issuer = &config.settings.issuer;
    let admin_key = if keys.admin.is_new {
        format!("{}  (shown once, kept in {data}/admin.key)", keys.admin.secret.expose_secret())
    } else {
        format!("in {data}/admin.key")
    };
    // Whoever names operators of their own names others.
    let is_alice = config.settings.console.operators.emails.iter().any(|email| email.to_string() == OPERATOR);
    let whom = if is_alice { "  (sign in as Alice)" } else { "" };
    let rows = [
        ("Demo app", format!("{demo}  (sign in as anybody)")),
        ("Console", format!("{}{whom}", config.settings.url("/console"))),
        ("", format!("{}  (works once)", console.expose_secret())),
        ("", "its dashboards begin with a week of numbers that are made up".to_owned()),
        ("Discovery", config.settings.url("/.well-known/openid-configuration")),
        ("Admin API", config.settings.url("/api/v1/explorer")),
        ("Admin key", admin_key),
        ("Metrics", format!("http://{}/metrics", config.ops)),
        ("Data", data.to_string()),
        ("Audit log", format!("{me} audit tail --follow --data {data}")),
    ];
    let rows: Vec<_> = rows.iter().map(|(name, value)| format!("  {name:<10} {value}")).collect();
    let rows = rows.join("\n");
    let console = |name| preset(name).and_then(|preset| preset.help.console.as_deref()).unwrap_or_default();
    let (github_console, google_console) = (console("github"), console("google"));
    format!(
        "
Vestibule {version} runs on this machine, for trying out only.

{rows}

To sign in through GitHub or Google too, register there, put what you get into
providers.toml, and start `{me} dev --config providers.toml`:

  # {github_console}, callback {issuer}/callback/github
  [[providers]]
  preset = \"github\"
  id = \"github\"
  client_id = \"...\"
  client_secret = \"...\"

  # {google_console}, callback {issuer}/callback/google
  [[providers]]
  preset = \"google\"
  id = \"google\"
  client_id = \"...\"
  client_secret = \"...\"

Ctrl-C ends it.
",
        version = env!("CARGO_PKG_VERSION"),
    )
}
