//! Dex: `staticClients` of its configuration.

use serde_json::{Map, Value};

use super::found::{Contents, Found, objects};

/// What Dex's own configuration has besides, and where that goes here.
const BESIDE: [(&str, &str); 6] = [
    ("connectors", "places to sign in; they are [[providers]] of the configuration here"),
    ("staticPasswords", "people with passwords; there are none here, whoever signs in comes from a provider"),
    ("enablePasswordDB", "people with passwords; there are none here, whoever signs in comes from a provider"),
    ("oauth2", "what every client may do; here each client says so itself"),
    ("expiry", "lifetimes; they are [lifetimes] of the configuration here"),
    ("frontend", "what pages look like; that is [branding] of the configuration here"),
];

pub(super) fn read(value: &Value) -> Result<Contents, String> {
    let top = value.as_object().ok_or("has no names and values at its top; a configuration of Dex begins with `issuer:`")?;
    let clients = match top.get("staticClients") {
        Some(Value::Array(clients)) => clients.as_slice(),
        Some(_) => return Err("staticClients must be a list".into()),
        None => return Err("has no staticClients; clients that were made by Dex's API lie in its storage and not in this file".into()),
    };
    let beside = BESIDE.iter().filter(|(name, _)| top.contains_key(*name)).map(|(name, what)| format!("{name}: {what}")).collect();
    let clients = objects(clients, "staticClients")?.into_iter().map(client).collect();
    Ok(Contents { clients, beside })
}

fn client(object: &Map<String, Value>) -> Found {
    let mut found = Found::default();
    let mut from = found.reader(object);
    let id = from.text("id").map(str::to_owned);
    let id_variable = from.text("idEnv").map(str::to_owned);
    from.same_text("name", "client_name");
    from.same_texts("redirectURIs", "redirect_uris");
    let public = from.flag("public").unwrap_or_default();
    let has_secret = ["secret", "secretEnv", "secretFile"].map(|name| from.text(name).is_some());
    let peers = from.texts("trustedPeers");
    from.drop("logoURL", "apps have no logo here");
    from.drop("allowedConnectors", "name the providers in allowed_providers, by their ids here");
    from.rest("this import does not know it");
    match (id, id_variable) {
        (Some(id), _) => found.id = id,
        (None, Some(variable)) => {
            found.id.clone_from(&variable);
            found.wrong.push(format!("idEnv takes the id from the variable {variable}; write it out as id"));
        }
        (None, None) => found.wrong.push("id is missing".into()),
    }
    if public {
        found.set("token_endpoint_auth_method", "none");
        found.carried.push("public".into());
        found.changes("require_pkce", "is true, as it is for every public client: without a secret it is all that protects a code");
    } else {
        found.without_pkce("Dex");
        found.left_to_do(
            "token_endpoint_auth_method",
            "is client_secret_basic; Dex took the secret in a form too: set client_secret_post if the app sends it there",
        );
    }
    if let Some(at) = has_secret.iter().position(|has| *has).filter(|_| !public) {
        found.new_secret(["secret", "secretEnv", "secretFile"][at]);
    }
    if public && !found.fields.contains_key("redirect_uris") {
        found.left_to_do(
            "redirectURIs",
            "is empty, which let Dex send codes to any port of localhost; http://127.0.0.1/callback may have any port here",
        );
    }
    found.needs_redirect_uris("redirectURIs");
    if !peers.is_empty() {
        let peers = peers.join(", ");
        found.left_out(
            "trustedPeers",
            format!("{peers} could have tokens for it by asking; here an app exchanges tokens, for the exchange_audiences it names"),
        );
    }
    found
}
