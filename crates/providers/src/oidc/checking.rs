//! What a look at an issuer tells its operator.

use vestibule_domain::health::Checked;

use super::{
    keys::KeySet,
    metadata::Metadata,
    settings::{NonceRule, OidcSettings, Pkce, TokenAuth},
};

/// What was found. Of what the issuer wrote, only names that we know and hosts as the URL parser writes them are shown.
pub(super) fn checked(settings: &OidcSettings, metadata: &Metadata, keys: &KeySet) -> Checked {
    let mut facts = vec![("issuer", settings.issuer.clone())];
    facts.extend(metadata.hosts());
    facts.push(("keys", keys.len().to_string()));
    facts.push(("algorithms", settings.allowed_algs.iter().map(|alg| alg.as_str()).collect::<Vec<_>>().join(" ")));
    Checked { facts, warnings: warnings(settings, metadata), secret_expires: settings.secret_expires }
}

fn warnings(settings: &OidcSettings, metadata: &Metadata) -> Vec<String> {
    let mut warnings = Vec::new();
    for (endpoint, host) in metadata.foreign(&settings.issuer, &settings.endpoint_hosts) {
        warnings.push(format!("{endpoint} is on {host}, another host than the issuer's; if that is right, add it to endpoint_hosts"));
    }
    if let Some(algs) = &metadata.algs
        && !algs.iter().any(|alg| settings.allowed_algs.contains(alg))
    {
        warnings.push("it announces none of the allowed algorithms for ID tokens; compare `algorithms`".to_owned());
    }
    // A public client needs no way to prove itself, and Apple's is `client_secret_post` in its own words.
    let way = match settings.token_auth {
        TokenAuth::None => None,
        TokenAuth::Apple => Some(TokenAuth::Post),
        way => Some(way),
    };
    if let (Some(announced), Some(way)) = (&metadata.token_auths, way)
        && !announced.contains(&way)
    {
        warnings.push(format!("it does not announce {way} at its token endpoint; compare `token_auth`"));
    }
    if settings.pkce == Pkce::Never && settings.nonce == NonceRule::Optional {
        warnings.push(
            "without PKCE, an answer whose token has no nonce is tied to its sign-in by state alone; write nonce = \"required\"".to_owned(),
        );
    }
    if settings.pkce == Pkce::Never && settings.nonce == NonceRule::Unsupported {
        warnings.push("neither PKCE nor a nonce ties its answers to a sign-in, only state does: it supports no more".to_owned());
    }
    if metadata.takes_s256 == Some(false) && settings.pkce == Pkce::Auto {
        warnings.push("it announces PKCE without S256, which is used all the same; if it refuses, write pkce = \"never\"".to_owned());
    }
    warnings
}
