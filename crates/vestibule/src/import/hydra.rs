//! Ory Hydra: its OAuth 2.0 clients, one or a list, as its API and `hydra list oauth2-clients --format json` have them.

use serde_json::{Map, Value};

use super::found::{Contents, Found, Reader, objects};

pub(super) fn read(value: &Value) -> Result<Contents, String> {
    let clients = match value {
        Value::Array(clients) => objects(clients, "")?,
        Value::Object(page) => match page.get("items").or_else(|| page.get("clients")) {
            Some(Value::Array(clients)) => objects(clients, "items")?,
            _ if page.contains_key("client_id") => vec![page],
            _ => return Err("has no client_id; it should be one client of Hydra, or a list of them".into()),
        },
        _ => return Err("is no client of Hydra, and no list of them".into()),
    };
    Ok(Contents { clients: clients.into_iter().map(client).collect(), beside: Vec::new() })
}

const GRANTS: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

fn client(object: &Map<String, Value>) -> Found {
    let mut found = Found::default();
    let mut from = found.reader(object);
    match from.text("client_id") {
        Some(id) => id.clone_into(&mut from.found.id),
        None => from.found.wrong.push("client_id is missing".into()),
    }
    for name in
        ["client_name", "client_uri", "policy_uri", "tos_uri", "jwks_uri", "token_endpoint_auth_signing_alg", "backchannel_logout_uri"]
    {
        from.same_text(name, name);
    }
    from.same_text("frontchannel_logout_uri", "frontchannel_logout_uri");
    for name in ["redirect_uris", "post_logout_redirect_uris", "contacts"] {
        from.same_texts(name, name);
    }
    from.same_texts("audience", "audiences");
    for name in ["backchannel_logout_session_required", "frontchannel_logout_session_required"] {
        from.same_flag(name, name);
    }
    if let Some(keys) = from.object("jwks").filter(|keys| !keys.is_empty()) {
        from.carry("jwks", "jwks", Value::Object(keys.clone()));
    }
    scope(&mut from);
    let grants = from.texts("grant_types");
    // Hydra's own default.
    let grants = if grants.is_empty() { vec!["authorization_code".to_owned()] } else { grants };
    let (known, dropped): (Vec<_>, Vec<_>) = grants.into_iter().partition(|grant| GRANTS.contains(&grant.as_str()));
    from.found.set("grant_types", known);
    if dropped.is_empty() {
        from.is_carried("grant_types");
    } else {
        from.found.changes("grant_types", format!("{} is not among the grants here", dropped.join(", ")));
    }
    let types = from.texts("response_types");
    let others: Vec<_> = types.into_iter().filter(|kind| kind != "code").collect();
    if !others.is_empty() {
        from.found
            .left_out("response_types", format!("{}: tokens in addresses are not sent here; the app has to use code", others.join(", ")));
    }
    let method = from.text("token_endpoint_auth_method").unwrap_or("client_secret_basic");
    from.found.set("token_endpoint_auth_method", method);
    from.is_carried("token_endpoint_auth_method");
    if method == "none" {
        from.found.changes("require_pkce", "is true, as it is for every public client: without a secret it is all that protects a code");
    } else {
        from.found.without_pkce("Hydra");
    }
    from.found.needs_redirect_uris("redirect_uris");
    if matches!(method, "client_secret_basic" | "client_secret_post") {
        let _ = from.take("client_secret");
        from.found.new_secret("client_secret");
    }
    consent(&mut from);
    signatures(&mut from);
    from.drop("owner", "clients have no owner here; contacts may say whom to ask");
    from.drop("logo_uri", "apps have no logo here");
    from.drop("allowed_cors_origins", "there is no CORS but for discovery and keys: an app in a browser asks from its own server");
    from.drop("metadata", "clients carry no data of others here");
    from.drop("sector_identifier_uri", "pairwise names are derived from the host of redirect_uris here");
    from.drop("request_uris", "requests are pushed here, and not fetched from an address");
    from.drop("access_token_strategy", "access tokens are JWTs here");
    for name in ["created_at", "updated_at", "registration_client_uri", "registration_access_token", "client_secret_expires_at"] {
        let _ = from.take(name);
    }
    let lifetimes: Vec<_> =
        object.iter().filter(|(name, value)| name.ends_with("_lifespan") && !value.is_null()).map(|(name, _)| name).collect();
    for name in lifetimes {
        from.drop(name, "lifetimes are [lifetimes] of the configuration here, the same for all");
    }
    from.rest("this import does not know it");
    found
}

fn scope(from: &mut Reader<'_>) {
    let Some(scope) = from.text("scope") else { return };
    // Hydra has two names for one thing.
    let ours: Vec<_> = scope.split_whitespace().filter(|name| *name != "offline").collect();
    let mut ours: Vec<_> = ours.into_iter().map(str::to_owned).collect();
    if scope.split_whitespace().any(|name| name == "offline") {
        if !ours.iter().any(|name| name == "offline_access") {
            ours.push("offline_access".into());
        }
        from.found.changes("scope", "offline is called offline_access here");
        from.found.set("scope", ours.join(" "));
    } else {
        from.carry("scope", "scope", scope);
    }
}

fn consent(from: &mut Reader<'_>) {
    let skips = from.flag("skip_consent") == Some(true);
    if skips {
        from.is_carried("skip_consent");
    }
    if !skips && from.found.signs_in() {
        from.found.set("consent", "remembered");
        from.found.changes("consent", "is remembered: people are asked once; Hydra's own consent app decided that");
    }
    from.drop("skip_logout_consent", "whether people are asked before they are signed out is decided by the request here");
}

fn signatures(from: &mut Reader<'_>) {
    match from.text("subject_type") {
        Some("pairwise") => {
            from.found.set("subject_type", "pairwise");
            from.found
                .changes("subject_type", "stays pairwise, but the names of people are other ones here: the app will not know them again");
        }
        Some("public") => {
            from.carry("subject_type", "subject_type", "public");
        }
        _ => {}
    }
    for name in ["userinfo_signed_response_alg", "request_object_signing_alg"] {
        if let Some(alg) = from.text(name).filter(|alg| *alg != "none") {
            from.carry(name, name, alg);
        }
    }
    from.drop("id_token_signed_response_alg", "set it by hand if it is not RS256");
}
