//! Certificates of clients (RFC 5280), as far as it takes to know whose they are (RFC 8705). No signature is checked here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::{Engine, engine::general_purpose::STANDARD};
use vestibule_domain::{
    certificate::{ClientCertificate, DistinguishedName},
    secret::Digest,
    time::Timestamp,
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, x509::X509Name};

/// The longest certificate that is read, in bytes of DER.
pub const LONGEST: usize = 16 * 1024;
/// More than any chain has.
const MOST_IN_CHAIN: usize = 10;

/// What a certificate in DER says, nothing if it can't be read to its end. `thumbprint` is SHA-256 of these bytes, `trusted` whether an authority
/// vouches for it.
pub fn read(der: &[u8], thumbprint: Digest, trusted: bool) -> Option<ClientCertificate> {
    if der.len() > LONGEST {
        return None;
    }
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let mut read = ClientCertificate {
        thumbprint,
        trusted,
        subject: subject(certificate.subject()),
        dns: Vec::new(),
        uris: Vec::new(),
        ips: Vec::new(),
        emails: Vec::new(),
    };
    // One that has the extension twice, or one that can't be read, is no certificate (RFC 5280 §4.2).
    if let Some(names) = certificate.subject_alternative_name().ok()? {
        for name in &names.value.general_names {
            match name {
                GeneralName::DNSName(name) => read.dns.push((*name).to_owned()),
                GeneralName::URI(uri) => read.uris.push((*uri).to_owned()),
                GeneralName::RFC822Name(email) => read.emails.push((*email).to_owned()),
                GeneralName::IPAddress(bytes) => read.ips.extend(address(bytes)),
                _ => {}
            }
        }
    }
    Some(read)
}

/// When a certificate in DER expires (RFC 5280 §4.1.2.5), whoever's it is; nothing if it can't be read.
pub fn expiry(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(Timestamp::from_secs(certificate.validity().not_after.timestamp()))
}

/// The subject; empty, and so nobody's, when a part of it is no text.
fn subject(name: &X509Name<'_>) -> DistinguishedName {
    let parts = name.iter_rdn().map(|part| {
        let text = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
            Some((attribute.attr_type().to_id_string(), attribute.as_str().ok()?.to_owned()))
        };
        part.iter().map(text).collect::<Option<Vec<_>>>()
    });
    let parts: Option<Vec<_>> = parts.collect();
    DistinguishedName::from_certificate(parts.unwrap_or_default().into_iter())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))).ok()
}

/// A certificate as a proxy passes it on: a byte sequence of structured fields, `:MIIB...:` (RFC 9440 §2.1, RFC 8941 §3.3.5), or, as nginx writes it
/// (`$ssl_client_escaped_cert`), PEM with percent-encoding.
pub fn from_header(value: &str) -> Option<Vec<u8>> {
    let value = value.trim();
    if value.len() > LONGEST * 3 {
        return None;
    }
    match value.strip_prefix(':') {
        Some(rest) => STANDARD.decode(rest.strip_suffix(':')?).ok(),
        None => from_pem(&percent_decoded(value)?),
    }
}

/// The rest of the chain: a list of such byte sequences (RFC 9440 §2.3).
pub fn chain_from_header(value: &str) -> Option<Vec<Vec<u8>>> {
    let chain: Option<Vec<_>> = value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(from_header).collect();
    chain.filter(|chain| chain.len() <= MOST_IN_CHAIN)
}

/// One certificate in PEM (RFC 7468 §5).
fn from_pem(text: &str) -> Option<Vec<u8>> {
    let body = text.trim().strip_prefix("-----BEGIN CERTIFICATE-----")?.strip_suffix("-----END CERTIFICATE-----")?;
    STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(rest.next()?)? * 16 + digit(rest.next()?)?).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// Made with `openssl req -x509 -newkey ed25519 -subj '/C=GB/O=Example Ltd/OU=a\, b/CN=app'` and one name of each kind.
    const DER: &[u8] = include_bytes!("certificate/app.der");

    fn app() -> ClientCertificate {
        read(DER, Digest([7; 32]), false).unwrap()
    }

    #[test]
    fn rfc_8705_section_2_1_2_every_name_of_a_certificate_is_read() {
        let read = app();
        assert_eq!(read.subject, r"CN=app,OU=a\, b,O=Example Ltd,C=GB".parse().unwrap());
        assert_eq!(
            (read.dns, read.uris, read.emails),
            (vec!["app.example.com".into()], vec!["spiffe://example.com/app".into()], vec!["app@example.com".into()])
        );
        assert_eq!(read.ips, ["192.0.2.7".parse::<IpAddr>().unwrap(), "2001:db8::7".parse().unwrap()]);
        assert!(!read.trusted && read.thumbprint == Digest([7; 32]));
    }

    #[test]
    fn a_certificate_says_until_when_it_is_good() {
        assert_eq!(expiry(DER), Some(Timestamp::from_secs(2_110_999_520)));
        assert_eq!(expiry(&DER[..DER.len() - 1]), None);
    }

    #[test]
    fn what_is_no_certificate_or_more_than_one_is_refused() {
        let (twice, followed, long) = ([DER, DER].concat(), [DER, &[0]].concat(), vec![0x30; LONGEST + 1]);
        for bad in [&b""[..], b"certificate", &DER[..DER.len() - 1], &followed, &twice, &long] {
            assert_eq!(read(bad, Digest([0; 32]), true), None);
        }
    }

    #[test]
    fn rfc_9440_section_2_a_proxy_passes_certificates_on() {
        let field = format!(":{}:", STANDARD.encode(DER));
        assert_eq!(from_header(&field).as_deref(), Some(DER));
        assert_eq!(chain_from_header(&format!("{field}, {field}")), Some(vec![DER.to_vec(), DER.to_vec()]));
        assert_eq!(chain_from_header(""), Some(Vec::new()));
        assert_eq!(chain_from_header(&[field.as_str(); 11].join(",")), None);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(DER));
        let escaped: String = pem
            .bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect();
        assert_eq!(from_header(&escaped).as_deref(), Some(DER));
        for bad in ["", ":", "::x", ":MIIB", "MIIB:", ":M:", "%", "%zz", "-----BEGIN CERTIFICATE-----", ":a b:"] {
            assert!(from_header(bad).is_none_or(|bytes| bytes.is_empty()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300), at in 0..DER.len(), bit in 0..8u8, text in "[:%A-Za-z0-9+/=, -]{0,60}") {
            let _ = read(&bytes, Digest([0; 32]), false);
            let mut spoilt = DER.to_vec();
            spoilt[at] ^= 1 << bit;
            let _ = read(&spoilt, Digest([0; 32]), false);
            let _ = (from_header(&text), chain_from_header(&text));
        }
    }
}
