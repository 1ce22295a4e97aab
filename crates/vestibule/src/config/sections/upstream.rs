//! The sections about providers, and how they are reached.

use std::time::Duration;

use vestibule_domain::ids::ProviderId;
use vestibule_providers::{
    egress::{AllowedAddress, EgressOptions},
    oidc::{OidcSettings, TokenAuth},
};

use super::{
    super::{
        check::{Checker, shown},
        raw::{RawEgress, RawProvider},
        units,
    },
    MINUTE, algorithms, list,
};

pub(crate) fn providers(raw: &[RawProvider], check: &mut Checker<'_>) -> Vec<OidcSettings> {
    if raw.is_empty() {
        check.fault(
            "providers",
            "has nobody in it: there is nowhere to sign in. For an OpenID Connect issuer:",
            &[
                "[[providers]]",
                "kind = \"oidc\"",
                "id = \"acme\"",
                "label = \"Acme\"",
                "issuer = \"https://login.acme.example\"",
                "client_id = \"vestibule\"",
                "client_secret_file = \"/etc/vestibule/acme.secret\"",
            ],
        );
    }
    let mut found: Vec<OidcSettings> = Vec::new();
    for (number, raw) in raw.iter().enumerate() {
        if let Some(settings) = provider(&format!("providers[{number}]"), raw, check) {
            if found.iter().any(|other| other.id == settings.id) {
                check.fault(&format!("providers[{number}].id"), format!("{} is another provider's too", settings.id), &[]);
            }
            found.push(settings);
        }
    }
    found
}

fn provider(at: &str, raw: &RawProvider, check: &mut Checker<'_>) -> Option<OidcSettings> {
    let kind =
        required(at, "kind", raw.kind.as_ref(), "oidc", check).and_then(|kind| check.one_of(&format!("{at}.kind"), kind, &[("oidc", ())]));
    let id = required(at, "id", raw.id.as_ref(), "acme", check).and_then(|text| {
        let id = ProviderId::parse(text);
        id.inspect_err(|error| check.fault(&format!("{at}.id"), error.to_string(), &[])).ok()
    });
    let label = required(at, "label", raw.label.as_ref(), "Acme", check);
    let issuer = required(at, "issuer", raw.issuer.as_ref(), "https://login.acme.example", check);
    let client_id = required(at, "client_id", raw.client_id.as_ref(), "vestibule", check);
    let secret_key = format!("{at}.client_secret");
    let client_secret = check.secret(&secret_key, raw.client_secret.as_ref(), raw.client_secret_file.as_ref());
    let ways = [("client_secret_basic", TokenAuth::Basic), ("client_secret_post", TokenAuth::Post)];
    let token_auth = raw.token_auth.as_deref().map(|text| check.one_of(&format!("{at}.token_auth"), text, &ways));
    let allowed_algs = raw.algorithms.as_deref().map(|names| algorithms(&format!("{at}.algorithms"), names, check));
    let (Some(()), Some(id), Some(label), Some(issuer), Some(client_id)) = (kind, id, label, issuer, client_id) else { return None };
    let mut settings = OidcSettings::new(id, label, issuer, client_id);
    settings.client_secret = client_secret;
    settings.scopes = raw.scopes.clone().unwrap_or(settings.scopes);
    settings.token_auth = token_auth.flatten().unwrap_or(settings.token_auth);
    settings.userinfo = raw.userinfo.unwrap_or(settings.userinfo);
    settings.allowed_algs = allowed_algs.unwrap_or(settings.allowed_algs);
    Some(settings)
}

fn required<'a>(at: &str, name: &str, text: Option<&'a String>, example: &str, check: &mut Checker<'_>) -> Option<&'a str> {
    let text = text.map(|text| text.trim()).filter(|text| !text.is_empty());
    if text.is_none() {
        let key = format!("{at}.{name}");
        check.fault(&key, "is missing", &["[[providers]]", &format!("{name} = \"{example}\"")]);
    }
    text
}

pub(crate) fn egress(raw: &RawEgress, check: &mut Checker<'_>) -> EgressOptions {
    let defaults = EgressOptions::default();
    let form = "is neither host and port, as issuer.internal:8443, nor a network, as 10.1.0.0/16";
    let allow = list::<AllowedAddress>("egress.allow", &raw.allow, form, check);
    let extra_roots = raw.extra_roots_file.as_ref().and_then(|path| check.read_file("egress.extra_roots_file", path));
    let connect_timeout = check.span("egress.connect_timeout", &raw.connect_timeout, Duration::from_millis(100)..=MINUTE);
    let timeout = check.span("egress.timeout", &raw.timeout, Duration::from_millis(100)..=MINUTE);
    let size = units::parse_size(&raw.max_response);
    match size {
        None => check.fault("egress.max_response", format!("{} {}", shown(&raw.max_response), units::SIZE_FORM), &[]),
        Some(size) if !(1 << 10..=16 << 20).contains(&size) => check.fault("egress.max_response", "must be from 1KiB to 16MiB", &[]),
        Some(_) => {}
    }
    EgressOptions {
        connect_timeout,
        timeout,
        most_bytes: size.unwrap_or(defaults.most_bytes),
        allow,
        extra_roots: extra_roots.into_iter().filter(|pem| !pem.is_empty() || check.reads_files()).collect(),
        ..defaults
    }
}
