//! oauth2-proxy: its configuration file, which is one app.

use serde_json::Value;

use super::found::{Contents, Found};

/// What the proxy goes on doing itself.
const ITS_OWN: [&str; 12] = [
    "email_domains",
    "authenticated_emails_file",
    "allowed_groups",
    "whitelist_domains",
    "upstreams",
    "skip_auth_routes",
    "skip_auth_regex",
    "http_address",
    "https_address",
    "reverse_proxy",
    "trusted_ips",
    "custom_templates_dir",
];

pub(super) fn read(value: &Value) -> Result<Contents, String> {
    let top = value.as_object().ok_or("is no configuration of oauth2-proxy")?;
    if !top.contains_key("client_id") {
        return Err("has no client_id; a configuration of oauth2-proxy has one, unless it comes from the environment".into());
    }
    let mut found = Found::default();
    let mut from = found.reader(top);
    if let Some(id) = from.text("client_id") {
        id.clone_into(&mut from.found.id);
        from.found.carried.push("client_id".into());
    }
    from.found.set("client_name", "oauth2-proxy");
    if let Some(address) = from.text("redirect_url") {
        from.carry("redirect_url", "redirect_uris", vec![address.to_owned()]);
    } else {
        from.found
            .left_to_do("redirect_url", "is not set, so the proxy sends its own host with /oauth2/callback; that is the address to give");
    }
    if let Some(scope) = from.text("scope") {
        let mut names: Vec<_> = scope.split_whitespace().collect();
        // The proxy refreshes its cookie with one, if it is given one.
        if !names.contains(&"offline_access") {
            names.push("offline_access");
        }
        from.found.set("scope", names.join(" "));
        from.found.carried.push("scope".into());
    }
    from.found.needs_redirect_uris("redirect_url");
    if from.text("code_challenge_method") == Some("S256") {
        from.carry("code_challenge_method", "require_pkce", true);
    } else {
        from.found.set("require_pkce", false);
        from.found.left_to_do("code_challenge_method", "is not S256, so require_pkce is false; set both, the proxy can do it");
    }
    let secret = ["client_secret", "client_secret_file"].map(|name| from.text(name).is_some());
    let field = if secret[1] && !secret[0] { "client_secret_file" } else { "client_secret" };
    from.found.new_secret(field);
    let _ = (from.take("provider"), from.take("oidc_issuer_url"));
    from.found.left_to_do("provider", "set provider = \"oidc\" and oidc_issuer_url to the address of this gateway");
    for name in ["login_url", "redeem_url", "profile_url", "validate_url", "oidc_jwks_url"] {
        if from.text(name).is_some() {
            from.found.left_to_do(name, "take it out: the proxy finds it by oidc_issuer_url");
        }
    }
    from.drop("backend_logout_url", "it may stay as it is: end_session_endpoint of the discovery document is where people are signed out");
    for name in ITS_OWN {
        let _ = from.take(name);
    }
    let cookies: Vec<_> = top.keys().filter(|name| is_the_proxys(name)).collect();
    for name in cookies {
        let _ = from.take(name);
    }
    from.rest("stays in the proxy's settings; look whether it names the old issuer");
    let beside = vec![
        "email_domains, allowed_groups and the like: the proxy goes on asking that itself; entry of the client may ask it here instead"
            .into(),
    ];
    Ok(Contents { clients: vec![found], beside })
}

fn is_the_proxys(name: &str) -> bool {
    [
        "cookie_",
        "pass_",
        "set_",
        "session_",
        "redis_",
        "tls_",
        "request_",
        "auth_logging",
        "standard_logging",
        "logging_",
        "skip_",
        "metrics_",
        "proxy_",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}
