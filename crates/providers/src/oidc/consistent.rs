//! What fits together in an issuer's settings, and what would weaken it, never work, or do nothing.

use serde_json::Value;
use vestibule_domain::provider::EmailTrust;

use super::{
    issuers::is_guid,
    microsoft::{GroupSettings, Groups},
    settings::{OidcSettings, Pkce, Speciality, TokenAuth},
};
use crate::sheet::Sheet;

/// What fits together or not, whatever each setting is for itself.
pub(super) fn look(sheet: &mut Sheet<'_>, settings: &OidcSettings) {
    let has_secret = settings.client_secret.is_some();
    match settings.token_auth {
        TokenAuth::Basic | TokenAuth::Post if !has_secret => {
            sheet.fault("client_secret", "is missing; for a public client write token_auth = \"none\"");
        }
        TokenAuth::None if has_secret => sheet.fault("token_auth", "is none, and there is a client_secret that would never be used"),
        TokenAuth::None if settings.pkce == Pkce::Never => {
            sheet.fault("pkce", "can't be never without a client secret: anybody who sees a code could use it");
        }
        TokenAuth::PrivateKeyJwt | TokenAuth::Apple if has_secret => {
            sheet.fault("client_secret", "is never used where the client proves itself with a private key");
        }
        _ => {}
    }
    if settings.prompt.iter().any(|word| word == "none") {
        sheet
            .fault("prompt", "can't be none: nobody could sign in there, and whoever is signed in already would come in without an action");
    }
    if settings.token_auth == TokenAuth::Apple && !matches!(settings.speciality, Speciality::Apple) {
        sheet.fault("token_auth", "is Apple's way; it needs speciality = \"apple\"");
    }
    if !settings.discovery && settings.pkce == Pkce::Required {
        sheet.fault("pkce", "can't be required where discovery = false: only metadata can announce it; auto uses it too");
    }
    many_tenants(sheet, settings);
    if settings.issuer_template.as_ref().is_some_and(|template| template.matches("{tenantid}").count() != 1) {
        sheet.fault("issuer_template", "must have {tenantid} once, as https://login.microsoftonline.com/{tenantid}/v2.0");
    }
}

/// What follows from an issuer that stands for many tenants: anybody can have one, and write into it what they like.
fn many_tenants(sheet: &mut Sheet<'_>, settings: &OidcSettings) {
    let Some(template) = &settings.issuer_template else { return };
    if !settings.issuer_aliases.is_empty() {
        sheet.fault("issuer_aliases", "are never used beside issuer_template: each tenant has one issuer");
    }
    tenants_are_ids(sheet);
    if !settings.discovery {
        sheet.fault("discovery", "can't be false beside issuer_template: the metadata says which tenants the issuer speaks for");
    }
    if !stands_for_many(&settings.issuer, template) {
        return;
    }
    if settings.terms.email_trust == EmailTrust::Always {
        sheet.fault("email_trust", "can't be always where anybody's tenant may sign in: each writes the addresses it likes");
    }
    let by_name = matches!(&settings.speciality, Speciality::Microsoft(GroupSettings { groups: Groups::Names, .. }));
    if by_name && settings.terms.entry.tenants.is_empty() {
        sheet.fault(
            "groups",
            "can't be names where anybody's tenant may sign in: each gives its groups the names it likes; set tenant or tenants",
        );
    }
}

/// Whether an issuer of a template is that of all tenants, or of all organizations. One that the template does not explain may be.
fn stands_for_many(issuer: &str, template: &str) -> bool {
    let tenant = template.split_once("{tenantid}").and_then(|(before, behind)| issuer.strip_prefix(before)?.strip_suffix(behind));
    tenant.is_none_or(|tenant| matches!(tenant, "common" | "organizations"))
}

/// A tenant that is named otherwise than tokens name it lets nobody in.
fn tenants_are_ids(sheet: &mut Sheet<'_>) {
    let listed = |value: Option<&Value>| -> Vec<String> {
        value
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|tenant| tenant.as_str().unwrap_or_default().to_ascii_lowercase())
            .collect()
    };
    let lists =
        [("tenants", listed(sheet.peek("tenants"))), ("entry/tenants", listed(sheet.peek("entry").and_then(|entry| entry.get("tenants"))))];
    for (name, tenants) in lists {
        for at in tenants.iter().enumerate().filter_map(|(at, tenant)| (!is_guid(tenant)).then_some(at)) {
            sheet.fault(&format!("{name}/{at}"), "is not the id of a tenant, as 66666666-7777-8888-9999-000000000000");
        }
    }
}
