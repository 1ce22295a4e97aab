//! Clients' certificates (RFC 8705): what one says, and which client it is for.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::secret::Digest;

/// The certificate of a client whose private key was shown to be there in the TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of its DER: `x5t#S256` (RFC 8705 §3.1).
    pub thumbprint: Digest,
    /// Whether an authority that the operator named vouches for it. A certificate that nobody vouches for says whatever its maker likes.
    pub trusted: bool,
    /// Its subject.
    pub subject: DistinguishedName,
    /// `dNSName`s of its subject alternative name.
    pub dns: Vec<String>,
    /// `uniformResourceIdentifier`s.
    pub uris: Vec<String>,
    /// `iPAddress`es.
    pub ips: Vec<IpAddr>,
    /// `rfc822Name`s.
    pub emails: Vec<String>,
}

/// By what a client's certificate is known (RFC 8705 §2.1.2): one name, and no other counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificateSubject {
    /// The whole subject.
    #[serde(rename = "tls_client_auth_subject_dn")]
    Dn(DistinguishedName),
    /// A `dNSName`.
    #[serde(rename = "tls_client_auth_san_dns")]
    Dns(String),
    /// A `uniformResourceIdentifier`.
    #[serde(rename = "tls_client_auth_san_uri")]
    Uri(String),
    /// An `iPAddress`.
    #[serde(rename = "tls_client_auth_san_ip")]
    Ip(IpAddr),
    /// An `rfc822Name`.
    #[serde(rename = "tls_client_auth_san_email")]
    Email(String),
}

impl CertificateSubject {
    /// Whether a certificate is the one that is meant. Names are compared as they are written, but for the case of host names.
    pub fn is_of(&self, certificate: &ClientCertificate) -> bool {
        match self {
            Self::Dn(name) => certificate.subject == *name,
            Self::Dns(name) => certificate.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => certificate.uris.contains(uri),
            Self::Ip(ip) => certificate.ips.contains(ip),
            Self::Email(email) => certificate.emails.contains(email),
        }
    }
}

/// A distinguished name: as RFC 4514 writes it, the most particular part first. Types of attributes are object identifiers, so that `CN` and
/// `2.5.4.3` are one; values are compared letter by letter, which is stricter than X.520 and never mistakes one name for another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName(Vec<BTreeSet<(String, String)>>);

/// Names of attribute types: those of RFC 4514 §3, and those that certificates of companies and of open banking have besides.
const TYPES: [(&str, &str); 20] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("SN", "2.5.4.4"),
    ("SERIALNUMBER", "2.5.4.5"),
    ("TITLE", "2.5.4.12"),
    ("POSTALCODE", "2.5.4.17"),
    ("BUSINESSCATEGORY", "2.5.4.15"),
    ("GIVENNAME", "2.5.4.42"),
    ("ORGANIZATIONIDENTIFIER", "2.5.4.97"),
    ("EMAILADDRESS", "1.2.840.113549.1.9.1"),
    ("JURISDICTIONC", "1.3.6.1.4.1.311.60.2.1.3"),
    ("JURISDICTIONST", "1.3.6.1.4.1.311.60.2.1.2"),
    ("JURISDICTIONL", "1.3.6.1.4.1.311.60.2.1.1"),
];

/// A text is no distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a distinguished name of RFC 4514, as CN=app,OU=payments,O=Example,C=GB")]
pub struct NotAName;

impl DistinguishedName {
    /// From the parts of a certificate's subject, each a list of object identifiers and values, in the order in which the certificate has them:
    /// the least particular first.
    pub fn from_certificate(parts: impl DoubleEndedIterator<Item = Vec<(String, String)>>) -> Self {
        Self(parts.rev().map(|part| part.into_iter().collect()).collect())
    }

    /// Whether it has no part at all, as the subject of a certificate may, whose names stand elsewhere.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for DistinguishedName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let (mut parts, mut part, mut rest) = (Vec::new(), BTreeSet::new(), text);
        loop {
            let (name, after) = rest.split_once('=').ok_or(NotAName)?;
            let (value, end) = value(after)?;
            part.insert((attribute_type(name.trim()).ok_or(NotAName)?, value));
            let mut left = end.chars();
            match left.next() {
                Some('+') => {}
                Some(',') => parts.push(std::mem::take(&mut part)),
                None => {
                    parts.push(part);
                    return Ok(Self(parts));
                }
                Some(_) => return Err(NotAName),
            }
            rest = left.as_str();
        }
    }
}

fn attribute_type(name: &str) -> Option<String> {
    let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let is_oid = || name.split('.').count() > 1 && name.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()));
    known.map(|(_, oid)| (*oid).to_owned()).or_else(|| is_oid().then(|| name.to_owned()))
}

/// One value, unescaped (RFC 4514 §2.4, §3), and what comes after it. White space that is not escaped does not belong to it.
fn value(text: &str) -> Result<(String, &str), NotAName> {
    let mut bytes = Vec::new();
    // How much of it must stay, because it was escaped.
    let mut kept = 0;
    let text = text.trim_start_matches(' ');
    // A value in hexadecimal BER says nothing that could be compared.
    if text.starts_with('#') {
        return Err(NotAName);
    }
    let mut chars = text.char_indices();
    let end = loop {
        match chars.next() {
            None => break text.len(),
            Some((at, ',' | '+')) => break at,
            Some((_, '"' | ';' | '<' | '>' | '\0')) => return Err(NotAName),
            Some((_, '\\')) => {
                let escaped = chars.next().ok_or(NotAName)?.1;
                if let Some(high) = escaped.to_digit(16) {
                    let low = chars.next().and_then(|(_, low)| low.to_digit(16)).ok_or(NotAName)?;
                    bytes.push(u8::try_from(high * 16 + low).map_err(|_| NotAName)?);
                } else if matches!(escaped, ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') {
                    bytes.extend(escaped.to_string().bytes());
                } else {
                    return Err(NotAName);
                }
                kept = bytes.len();
            }
            Some((_, plain)) => bytes.extend(plain.to_string().bytes()),
        }
    };
    while bytes.len() > kept && bytes.last() == Some(&b' ') {
        bytes.pop();
    }
    let value = String::from_utf8(bytes).ok().filter(|value| !value.is_empty()).ok_or(NotAName)?;
    Ok((value, text.get(end..).unwrap_or_default()))
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            for (place, (oid, value)) in part.iter().enumerate() {
                let before = if place > 0 {
                    "+"
                } else if at > 0 {
                    ","
                } else {
                    ""
                };
                let name = TYPES.iter().find(|(_, known)| known == oid).map_or(oid.as_str(), |(name, _)| name);
                write!(f, "{before}{name}={}", escaped(value))?;
            }
        }
        Ok(())
    }
}

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.chars().enumerate() {
        let special =
            matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') || (at == 0 && matches!(c, ' ' | '#')) || (at == last && c == ' ');
        match c {
            '\0' => text.push_str("\\00"),
            c if special => text.extend(['\\', c]),
            c => text.push(c),
        }
    }
    text
}

impl Serialize for DistinguishedName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DistinguishedName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> DistinguishedName {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    fn of(parts: &[&[(&str, &str)]]) -> DistinguishedName {
        let owned = |part: &&[(&str, &str)]| part.iter().map(|(oid, value)| ((*oid).to_owned(), (*value).to_owned())).collect();
        DistinguishedName::from_certificate(parts.iter().map(owned).collect::<Vec<_>>().into_iter())
    }

    #[test]
    fn rfc_4514_section_4_its_examples_are_read() {
        let uid = "0.9.2342.19200300.100.1.1";
        let dc = "0.9.2342.19200300.100.1.25";
        assert_eq!(name("UID=jsmith,DC=example,DC=net"), of(&[&[(dc, "net")], &[(dc, "example")], &[(uid, "jsmith")]]));
        assert_eq!(
            name("OU=Sales+CN=J.  Smith,DC=example,DC=net"),
            of(&[&[(dc, "net")], &[(dc, "example")], &[("2.5.4.11", "Sales"), ("2.5.4.3", "J.  Smith")]])
        );
        assert_eq!(name(r#"CN=James \"Jim\" Smith\, III,DC=net"#), of(&[&[(dc, "net")], &[("2.5.4.3", r#"James "Jim" Smith, III"#)]]));
        assert_eq!(name(r"CN=Before\0dAfter,DC=net"), of(&[&[(dc, "net")], &[("2.5.4.3", "Before\rAfter")]]));
        assert_eq!(name(r"CN=Lu\C4\8Di\C4\87"), of(&[&[("2.5.4.3", "Lučić")]]));
        assert!("1.3.6.1.4.1.1466.0=#04024869".parse::<DistinguishedName>().is_err(), "a value that nobody can compare");
    }

    #[test]
    fn one_name_has_many_spellings_and_no_two_names_are_one() {
        let plain = name("CN=app,O=Example Ltd,C=GB");
        for same in ["cn=app, o=Example Ltd , c=GB", "2.5.4.3=app,2.5.4.10=Example Ltd,2.5.4.6=GB", r"CN=\61pp,O=Example Ltd,C=GB"] {
            assert_eq!(name(same), plain, "{same}");
        }
        for other in
            ["CN=App,O=Example Ltd,C=GB", "CN=app,C=GB,O=Example Ltd", "CN=app+O=Example Ltd,C=GB", r"CN=app\,O=Example Ltd,C=GB", "CN=app"]
        {
            assert_ne!(name(other), plain, "{other}");
        }
        assert_eq!(plain.to_string(), "CN=app,O=Example Ltd,C=GB");
        for bad in ["", "app", "CN=", "CN=a,", "CN=a,,O=b", "X=a", "CN=a\\", "CN=a\\zz", "CN=\\ff", "CN=a;b", "CN=\"a\"", "=a", "1.=a"] {
            assert!(bad.parse::<DistinguishedName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rfc_8705_section_2_1_2_one_registered_name_decides_and_no_other() {
        let certificate = ClientCertificate {
            thumbprint: Digest([1; 32]),
            trusted: true,
            subject: name("CN=app"),
            dns: vec!["app.example.com".into()],
            uris: vec!["spiffe://example/app".into()],
            ips: vec!["192.0.2.7".parse().unwrap()],
            emails: vec!["app@example.com".into()],
        };
        let fitting = [
            CertificateSubject::Dn(name("cn=app")),
            CertificateSubject::Dns("APP.example.com".into()),
            CertificateSubject::Uri("spiffe://example/app".into()),
            CertificateSubject::Ip("192.0.2.7".parse().unwrap()),
            CertificateSubject::Email("app@example.com".into()),
        ];
        assert!(fitting.iter().all(|subject| subject.is_of(&certificate)));
        let others = [
            CertificateSubject::Dn(name("CN=app,O=Example")),
            CertificateSubject::Dns("example.com".into()),
            CertificateSubject::Uri("spiffe://example/App".into()),
            CertificateSubject::Ip("192.0.2.8".parse().unwrap()),
            CertificateSubject::Email("App@example.com".into()),
        ];
        assert!(!others.iter().any(|subject| subject.is_of(&certificate)));
    }

    proptest! {
        #[test]
        fn any_text_is_a_name_or_refused_and_a_name_is_read_again(text in "[A-Z=,+ \\\\\"#0-9a-fé.]{0,40}") {
            if let Ok(read) = text.parse::<DistinguishedName>() {
                prop_assert_eq!(name(&read.to_string()), read);
            }
        }

        #[test]
        fn any_value_survives_being_written(value in "\\PC{1,20}") {
            let made = of(&[&[("2.5.4.10", "Example")], &[("2.5.4.3", &value)]]);
            prop_assert_eq!(name(&made.to_string()), made);
        }
    }
}
