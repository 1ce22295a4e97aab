//! What may stand in a configuration, as it is written: texts and numbers, nothing believed yet. The JSON Schema is made from these
//! types, and so is the list of keys that exist.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

/// The configuration of Vestibule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Vestibule")]
pub(crate) struct RawConfig {
    /// Our issuer name, exactly as apps will compare it; https, unless it names this machine.
    #[schemars(url)]
    pub(crate) issuer: Option<String>,
    /// Where people and apps come in.
    pub(crate) listen: RawListen,
    /// Where operators and their machines ask: /livez, /readyz and /metrics, without authentication.
    pub(crate) ops: RawOps,
    /// Where everything is kept.
    pub(crate) store: RawStore,
    /// The key under which secrets are sealed before they reach the database.
    pub(crate) sealing: RawSealing,
    /// The keys that sign tokens. They are made, published, used and retired by themselves.
    pub(crate) keys: RawKeys,
    /// How long things live.
    pub(crate) lifetimes: RawLifetimes,
    /// How people sign in.
    pub(crate) login: RawLogin,
    /// The admin API.
    pub(crate) admin: RawAdmin,
    /// Where people can sign in; a section for each provider.
    #[serde(default)]
    pub(crate) providers: Vec<RawProvider>,
    /// What may be reached on the way to providers.
    pub(crate) egress: RawEgress,
    /// What is logged, on standard error.
    pub(crate) log: RawLog,
    /// Traces, as OTLP over HTTP.
    pub(crate) tracing: RawTracing,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawListen {
    /// Address and port.
    pub(crate) address: String,
    /// Peers that may say on whose behalf they speak (X-Forwarded-For, X-Forwarded-Proto), as networks; nobody by default.
    pub(crate) trusted_proxies: Vec<String>,
    /// Open connections at most; beyond, the one that has been idle longest is closed.
    #[schemars(range(min = 1))]
    pub(crate) max_connections: usize,
    /// How long a stop waits for requests under way.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) drain_timeout: String,
    /// TLS of our own; leave it out when a proxy in front ends it.
    pub(crate) tls: RawTls,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTls {
    /// The certificate chain, our own certificate first, as a PEM file; it is read again when it changes.
    pub(crate) certificate: Option<String>,
    /// The certificate's private key, as a PEM file.
    pub(crate) key: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOps {
    /// Address and port; reachable from this machine alone unless changed.
    pub(crate) address: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStore {
    /// A file (sqlite:///var/lib/vestibule/vestibule.db) or a server (postgres://user:password@host/database).
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) url: Option<SecretString>,
    /// A file that holds the address, when there is a password in it.
    pub(crate) url_file: Option<String>,
    /// Connections that read at once, at most.
    #[schemars(range(min = 1, max = 256))]
    pub(crate) readers: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSealing {
    /// 256 random bits as 64 hexadecimal digits or as base64; `vestibule keygen` makes one.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) key: Option<SecretString>,
    /// A file that holds the key.
    pub(crate) key_file: Option<String>,
    /// Keys that were in use before, so that what they sealed can still be opened.
    #[schemars(with = "Vec<String>", extend("writeOnly" = true))]
    pub(crate) previous: Vec<SecretString>,
    /// Files that each hold such a key.
    pub(crate) previous_files: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawKeys {
    /// For which algorithms there are keys: RS256, PS256, ES256, EdDSA; every app understands RS256.
    #[schemars(inner(regex(pattern = ALGORITHM)))]
    pub(crate) algorithms: Vec<String>,
    /// How long a key signs; from 1h to 730d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) rotate_every: String,
    /// How long a key is published before it signs, so that apps which keep our keys for a while have seen it.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) publish_ahead: String,
    /// How long a key stays published after it signed last; at least as long as the tokens live.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) retire_after: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLifetimes {
    /// A login, from the app's request until the person is back from the provider; from 1m to 1h.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) attempt: String,
    /// A session that is not used; from 1m to 90d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) session_idle: String,
    /// A session in all; at least as long as session_idle, at most 90d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) session_absolute: String,
    /// An authorization code; from 5s to 60s, because whoever gets hold of one may be an attacker.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) code: String,
    /// An access token; from 1m to 24h.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) access_token: String,
    /// An ID token; from 1m to 24h.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) id_token: String,
    /// Refresh tokens that are not used; from 10m to 730d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) refresh_idle: String,
    /// Refresh tokens in all, from the sign-in on; at least as long as refresh_idle, at most 730d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) refresh_absolute: String,
    /// How long the refresh token before the latest is answered with the same successor, for apps whose answer got lost; at most 60s.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) refresh_grace: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLogin {
    /// Whether somebody who has one provider to choose from is sent there straight away.
    pub(crate) straight_through: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAdmin {
    /// The key that opens it, at least 32 characters; `vestibule keygen --bootstrap` makes one.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) bootstrap_key: Option<SecretString>,
    /// A file that holds the key.
    pub(crate) bootstrap_key_file: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawProvider {
    /// How it is spoken to: oidc.
    #[schemars(extend("enum" = ["oidc"]))]
    pub(crate) kind: Option<String>,
    /// Its name in addresses; its callback address is ISSUER/callback/ID.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._~-]{1,60}$"))]
    pub(crate) id: Option<String>,
    /// What stands on its button, after "Continue with".
    pub(crate) label: Option<String>,
    /// Its issuer name, exactly as its discovery document says.
    #[schemars(url)]
    pub(crate) issuer: Option<String>,
    /// The client id it gave us.
    pub(crate) client_id: Option<String>,
    /// The client secret it gave us; none for a public client.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) client_secret: Option<SecretString>,
    /// A file that holds the client secret.
    pub(crate) client_secret_file: Option<String>,
    /// What is asked for besides openid.
    pub(crate) scopes: Option<Vec<String>>,
    /// How the secret is sent: client_secret_basic or client_secret_post.
    #[schemars(extend("enum" = ["client_secret_basic", "client_secret_post"]))]
    pub(crate) token_auth: Option<String>,
    /// Whether claims are fetched from its userinfo endpoint too.
    pub(crate) userinfo: Option<bool>,
    /// The algorithms its ID tokens may be signed with.
    #[schemars(inner(regex(pattern = ALGORITHM)))]
    pub(crate) algorithms: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawEgress {
    /// Exceptions to the rule that only public addresses are reached, by https, at port 443 or the issuer's: networks (10.1.0.0/16), or host and port (issuer.internal:8443).
    pub(crate) allow: Vec<String>,
    /// Certificate authorities besides those of this machine, as a PEM file.
    pub(crate) extra_roots_file: Option<String>,
    /// How long a connection may take.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) connect_timeout: String,
    /// How long a request may take in all.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) timeout: String,
    /// How much of an answer is read.
    #[schemars(regex(pattern = SIZE))]
    pub(crate) max_response: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLog {
    /// pretty for people, json for machines.
    #[schemars(extend("enum" = ["pretty", "json"]))]
    pub(crate) format: String,
    /// Which lines: a level, and others for parts, as info,vestibule_flows=debug.
    pub(crate) filter: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTracing {
    /// Where they are sent; without it none are made.
    #[schemars(url)]
    pub(crate) otlp_endpoint: Option<String>,
    /// Which share of them is kept, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) sample_ratio: f64,
}

/// As [`super::units::parse_span`] reads it.
const SPAN: &str = "^[0-9]{1,9}(ms|s|m|h|d)$";
/// As [`super::units::parse_size`] reads it.
const SIZE: &str = "^[0-9]{1,9}(B|KiB|MiB)$";
/// As [`vestibule_domain::client::SigningAlg`] names them.
const ALGORITHM: &str = "^(RS256|PS256|ES256|EdDSA)$";
