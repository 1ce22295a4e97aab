//! What is asked of a running gateway, by its admin API: from the gateway's own machine or from another.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use serde_json::Value;
use url::Url;
use vestibule_domain::{
    ids::{ClientId, ProviderId},
    stats::Range,
};

use crate::{audit::Moment, config::units};

/// Which gateway, and with which key.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The gateway's address: the URL of its issuer
    #[arg(long, value_name = "URL", env = "VESTIBULE_URL")]
    pub(crate) url: Url,
    /// A file with an admin key; no option takes the key itself, because everybody on a machine can read command lines
    #[arg(long, value_name = "FILE", env = "VESTIBULE_API_KEY_FILE")]
    pub(crate) key_file: PathBuf,
    /// Certificate authorities to trust besides those of this machine, a PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A gateway where something is done, or only tried.
#[derive(Debug, Args)]
pub(crate) struct Act {
    #[command(flatten)]
    pub(crate) at: At,
    /// Let the gateway check it and say what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Whether a person is asked first.
#[derive(Debug, Args)]
pub(crate) struct Sure {
    /// Don't ask first
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// What is to be written.
#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// A file with fields, in TOML, JSON or YAML by its ending
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A field and its value, in JSON or as plain text, as consent=always or disabled=true; a dot leads into an object; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, Value)>,
}

/// Where a secret goes that is shown this once.
#[derive(Debug, Args)]
pub(crate) struct SecretTo {
    /// Write the secret into this file, for its owner alone, instead of showing it
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// List the apps that are registered
    List(At),
    /// Show how one is registered
    Show(Named),
    /// Register an app; a confidential one is given its secret, which is shown this once
    Create(ClientCreate),
    /// Change how one is registered; what is not named stays
    Update(Update),
    /// Delete one; whatever it was given stops working
    Delete(DeleteKept),
    /// Take back everything one was given, by everybody; it stays registered
    RevokeGrants(Delete),
    /// Add or revoke secrets of one
    Secret {
        #[command(subcommand)]
        command: SecretCommand,
    },
}

/// Something by its id.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Which
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) at: At,
}

#[derive(Debug, Args)]
pub(crate) struct ClientCreate {
    /// Its id, in letters, digits, `-`, `.`, `_` and `~`; left out, it is given one
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// What people see when they sign in: client_name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where codes may be sent: one of redirect_uris; may be repeated
    #[arg(long, value_name = "URI")]
    pub(crate) redirect_uri: Vec<String>,
    /// Without a secret: an app in a browser or on people's machines
    #[arg(long)]
    pub(crate) public: bool,
    #[command(flatten)]
    pub(crate) fields: Fields,
    #[command(flatten)]
    pub(crate) secret: SecretTo,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// Which
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) fields: Fields,
    /// A field that takes its default again; may be repeated
    #[arg(long, value_name = "FIELD")]
    pub(crate) unset: Vec<String>,
    #[command(flatten)]
    pub(crate) past: Past,
    #[command(flatten)]
    pub(crate) secret: SecretTo,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Which
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) sure: Sure,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteKept {
    #[command(flatten)]
    pub(crate) one: Delete,
    #[command(flatten)]
    pub(crate) past: Past,
}

/// Whether files are gone past.
#[derive(Debug, Args)]
pub(crate) struct Past {
    /// Even if a set of files keeps it; `vestibule apply` will undo this when it is run again
    #[arg(long)]
    pub(crate) force: bool,
}

impl Past {
    /// As the admin API wants it.
    pub(crate) fn forced(&self) -> Option<&'static str> {
        self.force.then_some("true")
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Add a secret beside the one in use, which is shown this once; two at most work at a time
    Add(SecretAdd),
    /// Revoke one at once, unless it is the last that works
    Revoke(SecretRevoke),
}

#[derive(Debug, Args)]
pub(crate) struct SecretAdd {
    /// Which client's
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// After what time it stops working, as 90d; left out, never
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) expires_in: Option<Duration>,
    /// After what time the others stop working, as 1h: the time the app has to take the new one
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) others_expire_in: Option<Duration>,
    #[command(flatten)]
    pub(crate) secret: SecretTo,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Args)]
pub(crate) struct SecretRevoke {
    /// Which client's
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which secret, as `client show` names it
    #[arg(value_name = "SECRET_ID")]
    pub(crate) secret_id: String,
    #[command(flatten)]
    pub(crate) sure: Sure,
    #[command(flatten)]
    pub(crate) act: Act,
}

/// What a provider is.
#[derive(Debug, Args)]
pub(crate) struct ProviderSettings {
    #[command(flatten)]
    pub(crate) fields: Fields,
    /// A secret and the file it stands in, as client_secret=/run/secrets/acme; may be repeated
    #[arg(long, value_name = "SETTING=FILE", value_parser = secret_file)]
    pub(crate) secret: Vec<(String, PathBuf)>,
}

#[derive(Debug, Args)]
pub(crate) struct ProviderCreate {
    /// Its name, which is part of its callback address
    #[arg(value_name = "NAME")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) settings: ProviderSettings,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Args)]
pub(crate) struct ProviderUpdate {
    /// Which
    #[arg(value_name = "NAME")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) settings: ProviderSettings,
    /// A setting that is taken away; may be repeated
    #[arg(long, value_name = "SETTING")]
    pub(crate) unset: Vec<String>,
    #[command(flatten)]
    pub(crate) past: Past,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// List the people who signed in
    List(At),
    /// Show one, and the ways they come in by
    Show(Named),
    /// Turn one away: its sessions end, and everything that was given in them
    Disable(Delete),
    /// Let one in again
    Enable(Enable),
    /// Undo a way into one; sessions that came by it end
    Unlink(Unlink),
    /// Erase one, at their request: profile, ways in, and from where they did what; the log stays provable
    Erase(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// Which
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Args)]
pub(crate) struct Unlink {
    /// Which account
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which link, as `account show` names it
    #[arg(value_name = "LINK_ID")]
    pub(crate) link: String,
    #[command(flatten)]
    pub(crate) sure: Sure,
    #[command(flatten)]
    pub(crate) act: Act,
}

/// Of which account.
#[derive(Debug, Args)]
pub(crate) struct OfAccount {
    /// Which account's
    #[arg(long, value_name = "ID")]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Of one account or of all.
#[derive(Debug, Args)]
pub(crate) struct OfAnybody {
    /// Only this account's
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// What an account allowed one app.
#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// Which app, by its client id
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which account's
    #[arg(long, value_name = "ID")]
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) sure: Sure,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List the browsers that are signed in
    List(OfAnybody),
    /// Show one
    Show(Named),
    /// Sign a browser out; its apps are told
    End(Delete),
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// List what apps were given, as long as tokens of it are good
    List(OfAnybody),
    /// Show one
    Show(Named),
    /// Take back what an app was given
    Revoke(Delete),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// List what a person allowed apps
    List(OfAccount),
    /// Forget what they allowed an app: they are asked again
    Forget(Forget),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegistrationTokenCommand {
    /// List the tokens that let apps register themselves
    List(At),
    /// Make one; it is shown this once
    Create(TokenCreate),
    /// Take one back; apps that registered with it stay
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    /// For whom or what it is
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// After what time it stops working: a week unless said otherwise
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) expires_in: Option<Duration>,
    /// How many apps it is good for: one unless said otherwise
    #[arg(long, value_name = "COUNT")]
    pub(crate) uses: Option<u32>,
    #[command(flatten)]
    pub(crate) secret: SecretTo,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// List the keys of the admin API, and when each was used last
    List(At),
    /// Show one
    Show(Named),
    /// Make one; it is shown this once
    Create(ApiKeyCreate),
    /// Give one another name, or let it do something else
    Update(ApiKeyUpdate),
    /// Delete one; whoever uses it is refused from then on
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct ApiKeyCreate {
    /// For whom or what it is
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What its holder may do, as clients:read, clients:* or *; no more than the key that makes it; may be repeated
    #[arg(long, value_name = "SCOPE", required = true)]
    pub(crate) scope: Vec<String>,
    /// After what time it stops working, as 90d; left out, when the key that makes it does, if ever
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) expires_in: Option<Duration>,
    #[command(flatten)]
    pub(crate) secret: SecretTo,
    #[command(flatten)]
    pub(crate) act: Act,
}

#[derive(Debug, Args)]
pub(crate) struct ApiKeyUpdate {
    /// Which
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// For whom or what it is from now on
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What its holder may do from now on, all of it; no more than the key that says so; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    #[command(flatten)]
    pub(crate) act: Act,
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct AuditList {
    /// Only of this kind, as login.failed, or of all about one thing, as login.*; may be repeated: any of them
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Vec<String>,
    /// Only about this account
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// Only about this client
    #[arg(long, value_name = "ID")]
    pub(crate) client: Option<String>,
    /// Only about this provider
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Only those that ended so: success, failure or denied
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) outcome: Option<String>,
    /// Only for this reason, as entry_rule
    #[arg(long, value_name = "REASON")]
    pub(crate) reason: Option<String>,
    /// Only from exactly this IP address
    #[arg(long, value_name = "IP")]
    pub(crate) address: Option<String>,
    /// Only of the request with this reference, as its error page shows it
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) reference: Option<String>,
    /// Only of the login of this id
    #[arg(long, value_name = "ID")]
    pub(crate) login: Option<String>,
    /// Only of the session of this id
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Only from then on: 2026-11-24, 2026-11-24T10:00:00Z, or how long ago, as 2h
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Only until then, exclusive
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// How many events at most
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 50)]
    pub(crate) limit: u64,
    #[command(flatten)]
    pub(crate) at: At,
}

/// `name=value`, the value in JSON if it is that, and text otherwise.
fn assignment(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write FIELD=VALUE, as consent=always")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

fn secret_file(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write SETTING=FILE, as client_secret=/run/secrets/acme")?;
    Ok((name.to_owned(), path.into()))
}

pub(crate) fn span(text: &str) -> Result<Duration, String> {
    units::parse_span(text).ok_or_else(|| format!("it {}", units::SPAN_FORM))
}

#[derive(Debug, Args)]
pub(crate) struct StatsOptions {
    /// How far back: 1h, 6h, 24h, 7d, 30d or 13mo
    #[arg(long, default_value_t = Range::Day, value_parser = range)]
    pub(crate) range: Range,
    /// Only of the provider of this id
    #[arg(long, value_name = "ID", conflicts_with = "client")]
    pub(crate) provider: Option<ProviderId>,
    /// Only of the app of this id
    #[arg(long, value_name = "ID")]
    pub(crate) client: Option<ClientId>,
    #[command(flatten)]
    pub(crate) at: At,
}

fn range(text: &str) -> Result<Range, &'static str> {
    text.parse().map_err(|()| "must be 1h, 6h, 24h, 7d, 30d or 13mo")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_json_where_it_can_be() {
        let read = |text: &str| assignment(text).map(|(_, value)| value);
        assert_eq!(read("a=true"), Ok(json!(true)));
        assert_eq!(read("a=[\"x\"]"), Ok(json!(["x"])));
        assert_eq!(read("a=https://x.example/?b=c"), Ok(json!("https://x.example/?b=c")));
        assert_eq!(read("a="), Ok(json!("")));
        assert!(read("=x").is_err() && read("a").is_err());
    }
}
