//! What `vestibule dev` says when all of it runs.

use secrecy::ExposeSecret;

use super::{Keys, folder::Folder};
use crate::config::Config;

/// Links to click, where things lie, and what to try next.
pub(super) fn banner(config: &Config, demo: &str, folder: &Folder, keys: &Keys) -> String {
    let data = folder.path().display();
    let issuer = &config.settings.issuer;
    let admin_key = if keys.admin.is_new {
        format!("{}  (shown once, kept in {data}/admin.key)", keys.admin.secret.expose_secret())
    } else {
        format!("in {data}/admin.key")
    };
    let rows = [
        ("Demo app", format!("{demo}  (sign in as anybody)")),
        ("Discovery", config.settings.url("/.well-known/openid-configuration")),
        ("Admin API", config.settings.url("/api/v1/explorer")),
        ("Admin key", admin_key),
        ("Metrics", format!("http://{}/metrics", config.ops)),
        ("Data", data.to_string()),
        ("Audit log", format!("vestibule audit tail --follow --data {data}")),
    ];
    let rows: Vec<_> = rows.iter().map(|(name, value)| format!("  {name:<10} {value}")).collect();
    let rows = rows.join("\n");
    format!(
        "
Vestibule {version} runs on this machine, for trying out only.

{rows}

To sign in through a real issuer, register {issuer}/callback/acme there,
put this into acme.toml and start `vestibule dev --config acme.toml`:

  [[providers]]
  kind = \"oidc\"
  id = \"acme\"
  label = \"Acme\"
  issuer = \"https://login.acme.example\"
  client_id = \"...\"
  client_secret = \"...\"

Ctrl-C ends it.
",
        version = env!("CARGO_PKG_VERSION"),
    )
}
