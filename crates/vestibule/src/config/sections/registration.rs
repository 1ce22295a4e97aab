//! The section about apps that register themselves.

use std::collections::BTreeSet;

use vestibule_domain::{
    client::GrantType,
    scope::Scopes,
    self_registration::{RegistrationMode, SelfRegistration},
};

use super::{
    super::{
        check::{Checker, shown},
        raw::RawRegistration,
    },
    DAY,
};

pub(crate) fn registration(raw: &RawRegistration, check: &mut Checker<'_>) -> SelfRegistration {
    let modes: Vec<_> = RegistrationMode::ALL.iter().map(|mode| (mode.as_str(), *mode)).collect();
    let mode = check.one_of("registration.mode", &raw.mode, &modes).unwrap_or(RegistrationMode::Off);
    let scopes = Scopes::parse(&raw.scopes.join(" ")).unwrap_or_else(|error| {
        check.fault("registration.scopes", error.to_string(), &[]);
        Scopes::default()
    });
    let grants: Vec<_> = GRANTS.iter().map(|grant| (grant.as_str(), *grant)).collect();
    let grant_types: BTreeSet<_> =
        raw.grant_types.iter().filter_map(|name| check.one_of("registration.grant_types", name, &grants)).collect();
    for audience in &raw.audiences {
        let fine = url::Url::parse(audience).is_ok_and(|url| url.fragment().is_none());
        if !fine || audience.len() > 255 {
            check.fault("registration.audiences", "must be absolute addresses without a fragment (RFC 8707 section 2)", &[]);
        }
    }
    if raw.most_clients == 0 {
        check.fault("registration.most_clients", "must be at least 1; mode = \"off\" lets nobody register", &[]);
    }
    SelfRegistration {
        mode,
        scopes,
        grant_types,
        audiences: raw.audiences.clone(),
        most_clients: raw.most_clients,
        metadata_documents: raw.metadata_documents,
        document_hosts: raw.document_hosts.iter().filter_map(|name| host(name, check)).collect(),
        unused: check.span("registration.unused", &raw.unused, DAY..=DAY * 730),
    }
}

/// As addresses are written when they are compared.
fn host(name: &str, check: &mut Checker<'_>) -> Option<String> {
    let host = url::Host::parse(name).ok().map(|host| host.to_string());
    if host.is_none() {
        check.fault("registration.document_hosts", format!("{} is not the name of a host, as apps.example.com", shown(name)), &[]);
    }
    host
}

/// An upstream's tokens are given to nobody that no operator looked at, so token exchange is not among them.
const GRANTS: [GrantType; 3] = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];
