//! `listen.client_certificates`: who is asked for one, who passes them on, and who vouches for them.

use http::HeaderName;
use url::Host;
use vestibule_domain::settings::CertificateSettings;
use vestibule_http::{Authorities, ClientCertificates, door::Asks};

use crate::config::{
    check::{Checker, shown},
    raw::{RawClientCertificates, RawListen},
};

/// What decisions need to know of it.
pub(super) fn settings(raw: &RawClientCertificates) -> CertificateSettings {
    CertificateSettings {
        reach_us: raw.ask || raw.header.is_some(),
        vouched_for: raw.authorities_file.is_some(),
        host: raw.host.as_ref().map(|host| host.to_ascii_lowercase()),
    }
}

/// What the door and the house need.
pub(super) fn certificates(listen: &RawListen, check: &mut Checker<'_>) -> (Asks, ClientCertificates) {
    let raw = &listen.client_certificates;
    let has_tls = listen.tls.certificate.is_some();
    if raw.ask && !has_tls {
        let lines = ["[listen.client_certificates]", "header = \"Client-Cert\""];
        check.fault(
            "listen.client_certificates.ask",
            "needs listen.tls; a proxy that ends TLS asks itself, and passes them on in a header",
            &lines,
        );
    }
    if raw.host.is_some() && !raw.ask {
        let lines = ["[listen.client_certificates]", "ask = true"];
        check.fault("listen.client_certificates.host", "is where certificates are asked for, and ask is off", &lines);
    }
    let header = raw.header.as_deref().and_then(|name| header(name, listen, check));
    let authorities = raw.authorities_file.as_ref().and_then(|path| authorities(path, check));
    if raw.authorities_file.is_some() && !raw.ask && raw.header.is_none() {
        let lines = ["[listen.client_certificates]", "ask = true", "    or", "header = \"Client-Cert\""];
        check.fault("listen.client_certificates.authorities_file", "vouches for certificates, and none reaches us", &lines);
    }
    let asks = match &raw.host {
        _ if !raw.ask => Asks::Nobody,
        None => Asks::Everybody,
        Some(host) => {
            if let Ok(Host::Domain(host)) = Host::parse(host) {
                Asks::At(host)
            } else {
                let message = format!("{} is not a host name, as mtls.login.example.com", shown(host));
                check.fault("listen.client_certificates.host", message, &[]);
                Asks::Nobody
            }
        }
    };
    (asks, ClientCertificates { header, authorities })
}

fn header(name: &str, listen: &RawListen, check: &mut Checker<'_>) -> Option<HeaderName> {
    if listen.trusted_proxies.is_empty() {
        let lines = ["[listen]", "trusted_proxies = [\"10.0.0.0/8\"]"];
        check.fault("listen.client_certificates.header", "is only believed of a proxy, and listen.trusted_proxies names none", &lines);
    }
    check.parsed("listen.client_certificates.header", name, "is not the name of a header, as Client-Cert")
}

fn authorities(path: &str, check: &mut Checker<'_>) -> Option<Authorities> {
    let pem = check.read_file("listen.client_certificates.authorities_file", path)?;
    if !check.reads_files() {
        return None;
    }
    let read = Authorities::from_pem(&pem);
    if let Err(error) = &read {
        check.fault("listen.client_certificates.authorities_file", format!("names {path}, which can't be used: {error}"), &[]);
    }
    read.ok()
}
