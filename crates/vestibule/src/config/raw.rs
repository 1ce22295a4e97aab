//! What may stand in a configuration, as it is written: texts and numbers, nothing believed yet. The JSON Schema is made from these
//! types, and so is the list of keys that exist.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;
use vestibule_domain::claims::Claims;

/// The configuration of Vestibule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Vestibule")]
pub(crate) struct RawConfig {
    /// Our issuer name, exactly as apps will compare it; https, unless it names this machine.
    #[schemars(url)]
    pub(crate) issuer: Option<String>,
    /// A folder in which each further provider has a file of its own, ID.toml; a relative path begins where this file lies.
    #[expect(dead_code, reason = "it is read before the layers are put together, because its files are among them")]
    pub(crate) providers_dir: String,
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
    /// Apps that register themselves (RFC 7591). People are always asked before they sign in to one: no operator has looked at it.
    pub(crate) registration: RawRegistration,
    /// Tokens that are bound to a key of their app (RFC 9449). An app asks for them by sending a proof; nothing has to be turned on.
    pub(crate) dpop: RawDpop,
    /// How many requests a minute are taken; what is beyond is answered with 429 and Retry-After. 0 is no limit.
    pub(crate) limits: RawLimits,
    /// The audit log: who did what, when, and from where.
    pub(crate) audit: RawAudit,
    /// Unusual activity: what of what happens is raised as an event of its own. Nobody is refused anything for it.
    pub(crate) detections: RawDetections,
    /// The admin API.
    pub(crate) admin: RawAdmin,
    /// The operators' console, at /console.
    pub(crate) console: RawConsole,
    /// Where people can sign in; a section for each provider.
    #[serde(default)]
    #[schemars(with = "Vec<RawProvider>")]
    pub(crate) providers: Vec<Claims>,
    /// How people's tokens of providers are kept fresh, where a provider keeps them.
    pub(crate) upstream_tokens: RawUpstreamTokens,
    /// What may be reached on the way to providers.
    pub(crate) egress: RawEgress,
    /// How the pages look that people see.
    pub(crate) branding: RawBranding,
    /// What is logged, on standard error.
    pub(crate) log: RawLog,
    /// Traces, as OTLP over HTTP.
    pub(crate) tracing: RawTracing,
    /// Metrics, which the operators' listener has at /metrics.
    pub(crate) metrics: RawMetrics,
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
    /// Certificates with which apps prove who they are (RFC 8705).
    pub(crate) client_certificates: RawClientCertificates,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawClientCertificates {
    /// Whether TLS of our own asks for one. Nobody has to have one; a browser that has some lets its person choose, unless `host` is set.
    pub(crate) ask: bool,
    /// A host name of ours for apps with certificates, so that nobody else is asked; listen.tls.certificate must be good for it too.
    pub(crate) host: Option<String>,
    /// The header in which a proxy of trusted_proxies passes the certificate on, as Client-Cert (RFC 9440); the proxy must take it away from strangers.
    pub(crate) header: Option<String>,
    /// Authorities that vouch for apps (tls_client_auth), as a PEM file; without it only certificates that apps registered are known.
    pub(crate) authorities_file: Option<String>,
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
    /// Whether somebody who has one provider to choose from, or whose app names one (idp_hint, domain_hint, login_hint), is sent there straight away.
    pub(crate) straight_through: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRegistration {
    /// Who may: off, nobody; token, whoever holds a token that an operator made (admin API); open, everybody, within limits.
    pub(crate) mode: String,
    /// The most such an app may ask for.
    pub(crate) scopes: Vec<String>,
    /// What it may ask the token endpoint for: authorization_code, refresh_token, client_credentials.
    pub(crate) grant_types: Vec<String>,
    /// Resources its access tokens may be for, as absolute addresses.
    pub(crate) audiences: Vec<String>,
    /// How many such apps there may be at once.
    #[schemars(range(min = 1))]
    pub(crate) most_clients: u64,
    /// How long one is kept that nobody signs in to; from 1d to 730d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) unused: String,
    /// Whether an app may be known by the https address of a document that says what it is (Client ID Metadata Documents), without registering.
    pub(crate) metadata_documents: bool,
    /// At which hosts such documents may lie; at all that are public if there are none.
    pub(crate) document_hosts: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDpop {
    /// Whether every proof must have a nonce of ours, so that none can be made for later; false if an app knows no nonces (RFC 9449 section 8).
    pub(crate) require_nonce: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLimits {
    /// At /authorize, from one address.
    pub(crate) authorize_per_address: u32,
    /// At /token, from one address.
    pub(crate) token_per_address: u32,
    /// At /token, of one client that proved who it is.
    pub(crate) token_per_client: u32,
    /// At /par, from one address.
    pub(crate) push_per_address: u32,
    /// At /par, of one client that proved who it is.
    pub(crate) push_per_client: u32,
    /// At /device_authorization, from one address.
    pub(crate) device_per_address: u32,
    /// At /device_authorization, of one client that proved who it is.
    pub(crate) device_per_client: u32,
    /// To one account, through whatever provider and network: an app that goes round in circles, or somebody who has the person's password there.
    pub(crate) sign_ins_per_account: u32,
    /// Of the admin API, with one key; a call that asks a provider counts as twenty.
    pub(crate) admin_per_key: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAdmin {
    /// An address and port for it and the console alone, as 127.0.0.1:9465: the main listener answers for neither then. It has the TLS of listen.tls.
    pub(crate) address: Option<String>,
    /// The key that opens it, at least 32 characters; `vestibule keygen --bootstrap` makes one.
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    pub(crate) bootstrap_key: Option<SecretString>,
    /// A file that holds the key.
    pub(crate) bootstrap_key_file: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConsole {
    /// How long after their sign-in an operator may be in it; an hour at most by a one-time key; from 5m to 24h.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) session: String,
    /// How long they stay without doing anything; from 1m, at most as long as session.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) idle: String,
    /// The providers, by id, whose word counts for who is an operator; needed where there are several, for whoever runs one could vouch for anybody.
    pub(crate) providers: Vec<String>,
    /// Which people are operators; each list that has entries must be met by one of them. Without any, nobody is.
    #[serde(default)]
    #[schemars(with = "RawEntry")]
    pub(crate) operators: Claims,
}

/// What every preset has. What else there is depends on the preset, which judges all of it.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "it describes what may be written; what is written is read by the presets")]
pub(crate) struct RawProvider {
    /// What it is: apple, auth0, cognito, discord, facebook, github, gitlab, google, keycloak, linkedin, microsoft, okta, salesforce, slack, x, or oidc or oauth2 for any other.
    preset: Option<String>,
    /// Its name in addresses; its callback address is ISSUER/callback/ID.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._~-]{1,60}$"))]
    id: Option<String>,
    /// What stands on its button, after "Continue with" or "Sign in with".
    label: Option<String>,
    /// Its issuer name, exactly as its discovery document says; most presets know it.
    issuer: Option<String>,
    /// The client id it gave us.
    client_id: Option<String>,
    /// The client secret it gave us.
    #[schemars(extend("writeOnly" = true))]
    client_secret: Option<String>,
    /// A file that holds the client secret.
    client_secret_file: Option<String>,
    /// When that secret or certificate expires there, so that you are warned in time.
    secret_expires: Option<String>,
    /// A private key that proves who we are, as PEM, where the provider wants one.
    #[schemars(extend("writeOnly" = true))]
    private_key: Option<String>,
    /// A file that holds the private key.
    private_key_file: Option<String>,
    /// The key of a Google service account that may read groups, as JSON.
    #[schemars(extend("writeOnly" = true))]
    service_account_key: Option<String>,
    /// A file that holds the service account's key.
    service_account_key_file: Option<String>,
    /// What is asked for.
    scopes: Option<Vec<String>>,
    /// How we prove who we are there: client_secret_basic, client_secret_post, private_key_jwt, or none for a public client.
    token_auth: Option<String>,
    /// Whether claims are fetched from its userinfo endpoint too.
    userinfo: Option<bool>,
    /// Whether people who sign out here are sent on to sign out there too, if it has an end_session_endpoint; register ISSUER/logout/back with it.
    sign_out: Option<bool>,
    /// The algorithms its ID tokens may be signed with.
    #[schemars(inner(regex(pattern = ALGORITHM)))]
    algorithms: Option<Vec<String>>,
    /// When its addresses are believed: claim when it says that they are verified, always, or never.
    #[schemars(extend("enum" = ["claim", "always", "never"]))]
    email_trust: Option<String>,
    /// Domains whose people sign in here: who types such an address at the chooser is sent straight on.
    domains: Option<Vec<String>>,
    /// Whether a verified address of one of these domains leads to the account that has it by another provider; only for the authority of the domains.
    links_by_email: Option<bool>,
    /// Whether its tokens are kept, sealed, to be refreshed and given to apps that may have them.
    keep_tokens: Option<bool>,
    /// Whether sessions end when it honours the person's tokens no more.
    ends_sessions: Option<bool>,
    /// How old what it said of a person may be when an app refreshes; older, and it is asked again first.
    recheck: Option<String>,
    /// Parameters that are added when people are sent there.
    authorization_params: Option<Claims>,
    /// From its claims to ours: for each claim the JSON pointers it is taken from, and what is made of it.
    claims: Option<Claims>,
    /// Who may enter; each list that has entries must be met by one of them.
    entry: Option<RawEntry>,
}

#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes what may be written; what is written is read by the presets")]
pub(crate) struct RawEntry {
    /// Domains of verified addresses; `*.corp.example` is what lies below.
    email_domains: Option<Vec<String>>,
    /// Verified addresses, whole.
    emails: Option<Vec<String>>,
    /// Groups, as the claim map makes them; `*` stands for any text.
    groups: Option<Vec<String>>,
    /// Organizations at GitHub, or their teams as org:team.
    organizations: Option<Vec<String>>,
    /// Google Workspace domains.
    hosted_domains: Option<Vec<String>>,
    /// Entra tenants.
    tenants: Option<Vec<String>>,
    /// Any other claim: a JSON pointer, and the texts one of which it must be or have.
    claims: Option<Claims>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawUpstreamTokens {
    /// A token that lives shorter than this is refreshed before an app gets it; from 0s to 1h.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) margin: String,
    /// Tokens in use are refreshed by themselves when they live shorter than this; at least margin, at most 1d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) ahead: String,
    /// For how long after an app asked for a token it counts as in use; from 1m to 90d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) in_use: String,
    /// How long one node alone may take to refresh a token; longer than egress.timeout, at most 5m.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) lease: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBranding {
    /// The name above every page, at most 40 characters.
    pub(crate) name: Option<String>,
    /// The colour of buttons and marks on light ground; one that could not be read is refused with the nearest that can.
    #[schemars(regex(pattern = "^#[0-9A-Fa-f]{6}$"))]
    pub(crate) accent: Option<String>,
    /// The same on dark ground; made from accent when left out.
    #[schemars(regex(pattern = "^#[0-9A-Fa-f]{6}$"))]
    pub(crate) accent_dark: Option<String>,
    /// Where people find help: a web address, or mailto: and an address.
    #[schemars(url)]
    pub(crate) help_url: Option<String>,
    /// Where people read what becomes of their data.
    #[schemars(url)]
    pub(crate) privacy_url: Option<String>,
    /// A TOML file with your own words: a section for each language, or "*" for all of them, with a text for each key.
    pub(crate) texts_file: Option<String>,
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
pub(crate) struct RawAudit {
    /// How many events one signed checkpoint covers at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) checkpoint_every: u32,
    /// How long an event waits at most until a checkpoint covers it; from 1s to 24h.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) checkpoint_after: String,
    /// A file that every checkpoint is added to, one a line. Keep it where nobody can write who can write to the database.
    pub(crate) checkpoint_file: Option<String>,
    /// How long events are kept, from 1d to 36500d; for ever without it.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) keep_for: Option<String>,
    /// How long it is kept why each login came to what it came to, to be explained; to 3650d, and 0s keeps nothing.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) login_traces_keep: String,
    /// How much longer than keep_for those are kept that a sink has not had; from 0s to 365d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) keep_for_sinks: String,
    /// Places that events are sent on to as they come; a section for each.
    #[serde(default)]
    pub(crate) sinks: Vec<RawSink>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSink {
    /// Its name in metrics and commands; as long as it stays the same, events go on where they were.
    pub(crate) id: Option<String>,
    /// How it is reached: file, syslog, webhook or otlp.
    #[schemars(extend("enum" = ["file", "syslog", "webhook", "otlp"]))]
    pub(crate) kind: Option<String>,
    /// How events are written: json, which is our own form, ocsf or ecs.
    #[schemars(extend("enum" = ["json", "ocsf", "ecs"]))]
    pub(crate) format: Option<String>,
    /// Which events: their names, login.* for all of an object, or * for all.
    pub(crate) events: Option<Vec<String>>,
    /// With which event a new one begins: now, with the next, or beginning, with the oldest that is kept.
    #[schemars(extend("enum" = ["now", "beginning"]))]
    pub(crate) start: Option<String>,
    /// How many events are handed over at once, at most; from 1 to 1000.
    #[schemars(range(min = 1, max = 1_000))]
    pub(crate) batch: Option<u32>,
    /// How long handing them over may take; from 1s to 5m.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) timeout: Option<String>,
    /// For file: where the lines are written; the folder must be there.
    pub(crate) path: Option<String>,
    /// For file: how large it may become before a new one is begun; the old one is named after the moment, and never deleted.
    #[schemars(regex(pattern = SIZE))]
    pub(crate) rotate_size: Option<String>,
    /// For file: how old it may become, likewise; from 1m to 365d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) rotate_after: Option<String>,
    /// For file: whether events count as written only once they are on the disk, so that a power cut loses none.
    pub(crate) fsync: Option<bool>,
    /// For syslog: host and port; without a port it is 514 by udp, 601 by tcp and 6514 by tls.
    pub(crate) address: Option<String>,
    /// For syslog: udp, tcp or tls.
    #[schemars(extend("enum" = ["udp", "tcp", "tls"]))]
    pub(crate) transport: Option<String>,
    /// For webhook and otlp: where events are posted.
    #[schemars(url)]
    pub(crate) url: Option<String>,
    /// For webhook: what posts are signed with, each whsec_ and the base64 of 24 to 64 random bytes; several while they are changed.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("writeOnly" = true))]
    pub(crate) secrets: Vec<SecretString>,
    /// For webhook: files that each hold such a secret.
    pub(crate) secret_files: Option<Vec<String>>,
    /// For webhook and otlp: whether url may be http, at any port, and in a network of your own.
    pub(crate) allow_private: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDetections {
    /// Whether anything is looked for. Nothing is learned of people otherwise.
    pub(crate) enabled: bool,
    /// What is not looked for: failure_burst, refresh_reuse, new_country, new_network, impossible_travel, new_provider, admin_off_hours, dormant_return.
    pub(crate) off: Vec<String>,
    /// How long the same is not raised again for the same account, address, client or operator; from 1m to 365d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) cool_down: String,
    /// In how long failures are counted together; from 1m to 1h.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) failures_within: String,
    /// How many failures for one account are a burst; 0 is no number.
    #[schemars(range(max = 1000))]
    pub(crate) failures_per_account: u32,
    /// How many from one address, or one IPv6 /64; many people share an address.
    #[schemars(range(max = 1000))]
    pub(crate) failures_per_address: u32,
    /// How many of one app.
    #[schemars(range(max = 1000))]
    pub(crate) failures_per_client: u32,
    /// How many sign-ins each network, country or provider of somebody must have seen on average before another one is unusual.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) learn_sign_ins: u32,
    /// How long a network, country or provider of somebody is remembered after it was last seen; from 1d to 3650d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) remember_for: String,
    /// Who was not seen for so long is dormant, and their return unusual; from 1d to 3650d.
    #[schemars(regex(pattern = SPAN))]
    pub(crate) dormant_after: String,
    /// Nobody travels faster, in kilometres an hour; airliners reach 950.
    #[schemars(range(min = 100, max = 100_000))]
    pub(crate) travel_speed: u32,
    /// Where addresses are: a database of countries or cities in MaxMind's format, read again by a reload. Without it networks stand in for countries.
    pub(crate) geoip_file: Option<String>,
    /// When operators work, as "Mon-Fri 08:00-18:00, Sat 09:00-13:00"; without it any hour is fine.
    pub(crate) admin_hours: Option<String>,
    /// The time zone of admin_hours, as the IANA database names it.
    pub(crate) time_zone: String,
    /// Keys of the admin API that machines use at any hour, by their ids; "command-line" is whoever works on the gateway's machine.
    pub(crate) admin_keys_at_any_hour: Vec<String>,
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
    /// Which share of them is kept, from 0 to 1; it is drawn where a trace begins, and what is not kept costs next to nothing.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) sample_ratio: f64,
    /// Hosts that are told which trace a request to them belongs to (traceparent); nobody else, because its id is the reference people read out to you.
    pub(crate) propagate_to: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMetrics {
    /// Where they are sent as OTLP over HTTP every 30 seconds, for those who don't come and ask for them.
    #[schemars(url)]
    pub(crate) otlp_endpoint: Option<String>,
    /// Whether sign-ins and tokens are counted for each app too: the first hundred that operators registered under their client_id, the others together.
    pub(crate) by_client: bool,
}

/// As [`super::units::parse_span`] reads it.
const SPAN: &str = "^[0-9]{1,9}(ms|s|m|h|d)$";
/// As [`super::units::parse_size`] reads it.
const SIZE: &str = "^[0-9]{1,9}(B|KiB|MiB)$";
/// As [`vestibule_domain::client::SigningAlg`] names them.
const ALGORITHM: &str = "^(RS256|PS256|ES256|EdDSA)$";
