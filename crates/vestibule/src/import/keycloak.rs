//! Keycloak: the clients of a realm export, or one client as the admin console exports it.

use serde_json::{Map, Value};
use url::Url;

use super::found::{Contents, Found, Reader, objects};

pub(super) fn read(value: &Value) -> Result<Contents, String> {
    let top = value.as_object().ok_or("is no export of Keycloak")?;
    let (clients, beside) = match top.get("clients") {
        Some(Value::Array(clients)) => (objects(clients, "clients")?, beside(top)),
        Some(_) => return Err("clients must be a list".into()),
        None if top.contains_key("clientId") => (vec![top], Vec::new()),
        None => return Err("has neither clients nor a clientId; export the realm with its clients, or one client".into()),
    };
    Ok(Contents { clients: clients.into_iter().map(client).collect(), beside })
}

/// What a realm has besides, and where that goes here.
fn beside(realm: &Map<String, Value>) -> Vec<String> {
    const BESIDE: [(&str, &str); 6] = [
        ("identityProviders", "places to sign in; they are [[providers]] of the configuration here"),
        ("identityProviderMappers", "claim maps; they are `claims` of a provider here"),
        ("users", "people; here they are whoever comes from a provider"),
        ("groups", "groups; here they come from a provider"),
        ("roles", "roles; groups from a provider take their place"),
        ("clientScopes", "what scopes mean; here they are those of OpenID Connect, `groups`, and names of APIs"),
    ];
    let has = |name: &str| match realm.get(name) {
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        _ => false,
    };
    BESIDE.iter().filter(|(name, _)| has(name)).map(|(name, what)| format!("{name}: {what}")).collect()
}

/// Keycloak's own, in every realm.
const ITS_OWN: [&str; 7] =
    ["account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console", "master-realm"];
/// Scopes that say how Keycloak fills its tokens; no app asks for them, or misses them.
const ITS_SCOPES: [&str; 8] = ["acr", "basic", "microprofile-jwt", "organization", "role_list", "roles", "service_account", "web-origins"];

fn client(object: &Map<String, Value>) -> Found {
    let mut found = Found::default();
    let mut from = found.reader(object);
    match from.text("clientId") {
        Some(id) => id.clone_into(&mut from.found.id),
        None => from.found.wrong.push("clientId is missing".into()),
    }
    if ITS_OWN.contains(&from.found.id.as_str()) || from.found.id.ends_with("-realm") {
        from.found.passed_over = Some("it is one of Keycloak's own".into());
        return found;
    }
    match from.text("protocol") {
        None | Some("openid-connect") => {}
        Some(other) => {
            from.found.passed_over = Some(format!("it speaks {other}, and not OpenID Connect"));
            return found;
        }
    }
    if from.flag("bearerOnly") == Some(true) {
        from.found.passed_over =
            Some("it only takes tokens: nobody signs in to it, and whoever serves an API registers introspection_audiences".into());
        return found;
    }
    from.same_text("name", "client_name");
    let root = from.text("rootUrl").map(str::to_owned);
    addresses(&mut from, root.as_deref());
    let attributes = from.object("attributes").cloned().unwrap_or_default();
    let public = from.flag("publicClient").unwrap_or_default();
    grants(&mut from, &attributes, public);
    from.found.needs_redirect_uris("redirectUris");
    authentication(&mut from, &attributes, public);
    scopes(&mut from);
    logout(&mut from, &attributes, root.as_deref());
    rules(&mut from, &attributes, public);
    if from.flag("enabled") == Some(false) {
        from.carry("enabled", "disabled", true);
    }
    if from.flag("consentRequired") == Some(true) {
        from.carry("consentRequired", "consent", "remembered");
    }
    if let Some(mappers) = from.take("protocolMappers").and_then(Value::as_array).filter(|mappers| !mappers.is_empty()) {
        let names: Vec<_> = mappers.iter().filter_map(|mapper| mapper["name"].as_str()).collect();
        let why = format!(
            "{}: what is in tokens comes from the claims of providers here; release says what of it goes out, and under which names",
            names.join(", ")
        );
        from.found.left_out("protocolMappers", why);
    }
    from.drop("description", "clients carry no text of their own here");
    from.drop("webOrigins", "there is no CORS but for discovery and keys: an app in a browser asks from its own server");
    from.drop("authenticationFlowBindingOverrides", "how people sign in is the providers' to say");
    from.drop("authorizationSettings", "there is no policy engine here: entry says who may enter, and the app decides the rest");
    from.drop("adminUrl", "no messages of Keycloak's own are sent here");
    for name in UNMISSED {
        let _ = from.take(name);
    }
    from.rest("this import does not know it");
    found
}

/// What Keycloak writes of every client and what says nothing of the app.
const UNMISSED: [&str; 16] = [
    "id",
    "surrogateAuthRequired",
    "alwaysDisplayInConsole",
    "notBefore",
    "nodeReRegistrationTimeout",
    "registeredNodes",
    "fullScopeAllowed",
    "access",
    "defaultRoles",
    "origin",
    "clientTemplate",
    "authorizationServicesEnabled",
    "frontchannelLogout",
    "baseUrl",
    "type",
    "registrationAccessToken",
];

fn addresses(from: &mut Reader<'_>, root: Option<&str>) {
    let mut kept = Vec::new();
    for uri in from.texts("redirectUris") {
        match absolute(&uri, root) {
            _ if uri.contains('*') => {
                let why = format!(
                    "{uri} is a pattern, and addresses are compared whole here; add the address that the app really sends to redirect_uris"
                );
                from.found.left_to_do("redirectUris", why);
            }
            Some(whole) => kept.push(whole),
            None => from.found.left_to_do("redirectUris", format!("{uri} has no host, and the client no rootUrl that would give it one")),
        }
    }
    if !kept.is_empty() {
        from.carry("redirectUris", "redirect_uris", kept);
    }
    let home = from.take("baseUrl").and_then(Value::as_str).filter(|uri| !uri.is_empty()).or(root).and_then(|uri| absolute(uri, root));
    // A home page is for people.
    if let Some(home) = home.filter(|home| home.starts_with("https://")) {
        from.carry(if root.is_some() { "rootUrl" } else { "baseUrl" }, "client_uri", home);
    }
}

fn absolute(uri: &str, root: Option<&str>) -> Option<String> {
    if uri.starts_with('/') {
        // Joined as text, as Keycloak does.
        return root.map(|root| format!("{}{uri}", root.trim_end_matches('/'))).filter(|whole| Url::parse(whole).is_ok());
    }
    Url::parse(uri).is_ok().then(|| uri.to_owned())
}

fn grants(from: &mut Reader<'_>, attributes: &Map<String, Value>, public: bool) {
    let mut grants = Vec::new();
    if from.flag("standardFlowEnabled").unwrap_or(true) {
        grants.push("authorization_code");
        if attribute(attributes, "use.refresh.tokens") != Some("false") {
            grants.push("refresh_token");
        }
    }
    if from.flag("serviceAccountsEnabled").unwrap_or_default() && !public {
        grants.push("client_credentials");
    }
    if attribute(attributes, "oauth2.device.authorization.grant.enabled") == Some("true") {
        grants.push("urn:ietf:params:oauth:grant-type:device_code");
        if !grants.contains(&"refresh_token") {
            grants.push("refresh_token");
        }
    }
    from.found.set("grant_types", grants);
    from.is_carried("standardFlowEnabled");
    from.is_carried("serviceAccountsEnabled");
    if from.flag("implicitFlowEnabled") == Some(true) {
        from.found.left_out("implicitFlowEnabled", "tokens in addresses are not sent here (RFC 9700); the app has to use the code flow");
    }
    if from.flag("directAccessGrantsEnabled") == Some(true) {
        from.found.left_out("directAccessGrantsEnabled", "passwords are not taken here (RFC 9700); the app has to send people to sign in");
    }
    if attribute(attributes, "oidc.ciba.grant.enabled") == Some("true") {
        from.found.left_out("oidc.ciba.grant.enabled", "there is no CIBA here");
    }
}

fn authentication(from: &mut Reader<'_>, attributes: &Map<String, Value>, public: bool) {
    let _ = from.take("secret");
    let kind = from.text("clientAuthenticatorType");
    if public {
        from.found.set("token_endpoint_auth_method", "none");
        from.found.carried.push("publicClient".into());
        return;
    }
    match kind.unwrap_or("client-secret") {
        "client-secret" => {
            from.found.set("token_endpoint_auth_method", "client_secret_basic");
            from.found.left_to_do(
                "clientAuthenticatorType",
                "is client_secret_basic; Keycloak took the secret in a form too: set client_secret_post if the app sends it there",
            );
            from.found.new_secret("secret");
        }
        "client-secret-jwt" => {
            from.found.set("token_endpoint_auth_method", "client_secret_jwt");
            from.found.new_secret("secret");
        }
        "client-jwt" => {
            from.found.set("token_endpoint_auth_method", "private_key_jwt");
            match attribute(attributes, "jwks.url") {
                Some(address) if attribute(attributes, "use.jwks.url") == Some("true") => from.carry("jwks.url", "jwks_uri", address),
                _ => {
                    from.found.left_to_do("jwks", "give the app's public keys in jwks or jwks_uri; Keycloak exports a certificate at most");
                }
            }
        }
        "client-x509" => {
            from.found.set("token_endpoint_auth_method", "tls_client_auth");
            match attribute(attributes, "x509.subjectdn") {
                Some(subject) => from.carry("x509.subjectdn", "tls_client_auth_subject_dn", subject),
                None => from.found.left_to_do("x509.subjectdn", "give the subject of its certificate in tls_client_auth_subject_dn"),
            }
        }
        other => from.found.left_to_do("clientAuthenticatorType", format!("{other} is not known; choose a token_endpoint_auth_method")),
    }
    if let Some(alg) = attribute(attributes, "token.endpoint.auth.signing.alg") {
        from.carry("token.endpoint.auth.signing.alg", "token_endpoint_auth_signing_alg", alg);
    }
}

fn scopes(from: &mut Reader<'_>) {
    let mut names = vec!["openid".to_owned()];
    let all = from.texts("defaultClientScopes").into_iter().chain(from.texts("optionalClientScopes"));
    let (dropped, kept): (Vec<_>, Vec<_>) = all.partition(|name| ITS_SCOPES.contains(&name.as_str()));
    if kept.is_empty() && dropped.is_empty() {
        return;
    }
    for name in kept {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    from.carry("defaultClientScopes", "scope", names.join(" "));
    from.is_carried("optionalClientScopes");
    if !dropped.is_empty() {
        from.found.left_out(
            "defaultClientScopes",
            format!("{}: they fill Keycloak's tokens, and no app asks for them by name", dropped.join(", ")),
        );
    }
}

fn logout(from: &mut Reader<'_>, attributes: &Map<String, Value>, root: Option<&str>) {
    match attribute(attributes, "post.logout.redirect.uris") {
        None | Some("-") => {}
        Some("+") => {
            if let Some(uris) = from.found.fields.get("redirect_uris").cloned() {
                from.carry("post.logout.redirect.uris", "post_logout_redirect_uris", uris);
            }
        }
        Some(uris) => {
            let (patterns, whole): (Vec<_>, Vec<_>) =
                uris.split("##").filter(|uri| !uri.is_empty()).partition(|uri| uri.contains('*') || *uri == "+");
            let whole: Vec<_> = whole.into_iter().filter_map(|uri| absolute(uri, root)).collect();
            if !whole.is_empty() {
                from.carry("post.logout.redirect.uris", "post_logout_redirect_uris", whole);
            }
            if !patterns.is_empty() {
                from.found.left_to_do(
                    "post.logout.redirect.uris",
                    format!("{}: patterns are not taken; add whole addresses to post_logout_redirect_uris", patterns.join(", ")),
                );
            }
        }
    }
    if let Some(address) = attribute(attributes, "backchannel.logout.url") {
        from.carry("backchannel.logout.url", "backchannel_logout_uri", address);
        if attribute(attributes, "backchannel.logout.session.required") == Some("true") {
            from.carry("backchannel.logout.session.required", "backchannel_logout_session_required", true);
        }
    }
    if let Some(address) = attribute(attributes, "frontchannel.logout.url") {
        from.carry("frontchannel.logout.url", "frontchannel_logout_uri", address);
    }
}

fn rules(from: &mut Reader<'_>, attributes: &Map<String, Value>, public: bool) {
    match attribute(attributes, "pkce.code.challenge.method") {
        Some("S256") => from.carry("pkce.code.challenge.method", "require_pkce", true),
        _ if public => {
            let why = "is true, as it is for every public client: without a secret it is all that protects a code";
            from.found.changes("require_pkce", why);
        }
        _ => from.found.without_pkce("Keycloak"),
    }
    for (theirs, ours) in [
        ("tls.client.certificate.bound.access.tokens", "tls_client_certificate_bound_access_tokens"),
        ("dpop.bound.access.tokens", "dpop_bound_access_tokens"),
        ("require.pushed.authorization.requests", "require_pushed_authorization_requests"),
    ] {
        if attribute(attributes, theirs) == Some("true") {
            from.carry(theirs, ours, true);
        }
    }
    for (theirs, ours) in [
        ("id.token.signed.response.alg", "id_token_signed_response_alg"),
        ("access.token.signed.response.alg", "access_token_signed_response_alg"),
        ("user.info.response.signature.alg", "userinfo_signed_response_alg"),
        ("request.object.signature.alg", "request_object_signing_alg"),
    ] {
        match attribute(attributes, theirs) {
            None | Some("any" | "none" | "unsigned") => {}
            Some(alg @ ("RS256" | "PS256" | "ES256" | "EdDSA")) => from.carry(theirs, ours, alg),
            Some(other) => from.found.changes(theirs, format!("{other} is not signed with here; it is RS256")),
        }
    }
    let lifetimes: Vec<_> = attributes
        .keys()
        .filter(|name| name.ends_with(".lifespan") || name.contains("session.idle") || name.contains("session.max"))
        .collect();
    for name in lifetimes {
        if attribute(attributes, name).is_some() {
            from.found.left_out(name, "lifetimes are [lifetimes] of the configuration here, the same for all");
        }
    }
}

fn attribute<'a>(attributes: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    attributes.get(name)?.as_str().filter(|text| !text.is_empty())
}
