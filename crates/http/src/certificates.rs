//! Clients' certificates (RFC 8705): where they come from, and who vouches for them.

use std::{io, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName};
use poem::Request;
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};
use sha2::{Digest as _, Sha256};
use vestibule_domain::{certificate::ClientCertificate, secret::Digest, time::Timestamp};
use vestibule_protocol::certificate;

/// The certificates that the other end of a TLS connection of ours showed, its own first. It has shown that it holds the private key.
#[derive(Clone, Debug)]
pub(crate) struct PeerCertificates(pub(crate) Arc<[CertificateDer<'static>]>);

/// Which certificates are looked at, and whose word makes one trusted. By default none reaches us.
#[derive(Clone, Debug, Default)]
pub struct ClientCertificates {
    /// The header in which a trusted proxy passes the client's certificate on (RFC 9440); from anybody else it is not looked at.
    pub header: Option<HeaderName>,
    /// Who vouches for certificates; without them none is trusted.
    pub authorities: Option<Authorities>,
}

/// Certificate authorities that vouch for clients.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<dyn ClientCertVerifier>);

impl Authorities {
    /// Reads PEM with one certificate or more.
    ///
    /// # Errors
    /// When there is none in it, or one that is no authority's.
    pub fn from_pem(pem: &[u8]) -> io::Result<Self> {
        let invalid = |error: &dyn std::fmt::Display| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(|error| invalid(&error))?).map_err(|error| invalid(&error))?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Self(verifier.map_err(|_| invalid(&"there is no certificate in it"))?))
    }

    fn vouch_for(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> bool {
        let Some((own, others)) = chain.split_first() else { return false };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_secs()).unwrap_or_default()));
        self.0.verify_client_cert(own, others, now).is_ok()
    }
}

impl ClientCertificates {
    /// The certificate of a request, if it came with one that can be read: from the connection, or from a header that a trusted proxy wrote. What a
    /// proxy passes on is its own client's; the certificate of the proxy itself is nobody's.
    pub(crate) fn of(&self, request: &Request, from_trusted_proxy: bool, now: Timestamp) -> Option<ClientCertificate> {
        self.read(request.extensions().get(), request.headers(), from_trusted_proxy, now)
    }

    fn read(&self, shown: Option<&PeerCertificates>, headers: &HeaderMap, from_proxy: bool, now: Timestamp) -> Option<ClientCertificate> {
        if from_proxy {
            return self.judge(&passed_on(headers, self.header.as_ref()?)?, now);
        }
        self.judge(&shown?.0, now)
    }

    fn judge(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Option<ClientCertificate> {
        let own = chain.first()?;
        let thumbprint = Digest(Sha256::digest(own).into());
        let trusted = self.authorities.as_ref().is_some_and(|authorities| authorities.vouch_for(chain, now));
        certificate::read(own, thumbprint, trusted)
    }
}

/// The certificate of a header, and those of `NAME-Chain` (RFC 9440 §2.3). A header that is there twice was written by two, and one of them is a
/// stranger: then there is none.
fn passed_on(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<CertificateDer<'static>>> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let own = certificate::from_header(value.to_str().ok()?)?;
    let mut chain = vec![CertificateDer::from(own)];
    if let Ok(name) = HeaderName::try_from(format!("{name}-chain")) {
        for value in headers.get_all(name) {
            chain.extend(certificate::chain_from_header(value.to_str().ok()?)?.into_iter().map(CertificateDer::from));
        }
    }
    Some(chain)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use http::HeaderValue;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_514_400);

    struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        fn new() -> Self {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
        }

        fn issues(&self, name: &str) -> Vec<u8> {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            params.signed_by(&KeyPair::generate().unwrap(), &self.0).unwrap().der().to_vec()
        }

        fn trusted(&self) -> ClientCertificates {
            let authorities = Some(Authorities::from_pem(self.0.pem().as_bytes()).unwrap());
            ClientCertificates { authorities, header: Some(HeaderName::from_static("client-cert")) }
        }
    }

    fn passed(values: &[String]) -> HeaderMap {
        values.iter().map(|value| (HeaderName::from_static("client-cert"), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn field(der: &[u8]) -> String {
        format!(":{}:", STANDARD.encode(der))
    }

    #[test]
    fn rfc_8705_section_2_1_only_a_named_authority_makes_a_certificate_trusted() {
        let (ours, theirs) = (Authority::new(), Authority::new());
        let certificates = ours.trusted();
        let shown = |der: Vec<u8>| PeerCertificates(Arc::from([CertificateDer::from(der)]));
        let trusted = |peer: &PeerCertificates, at| certificates.read(Some(peer), &HeaderMap::new(), false, at).unwrap().trusted;
        assert!(trusted(&shown(ours.issues("app.test")), NOW));
        assert!(!trusted(&shown(theirs.issues("app.test")), NOW));
        let own = rcgen::generate_simple_self_signed(["app.test".to_owned()]).unwrap();
        assert!(!trusted(&shown(own.cert.der().to_vec()), NOW), "nobody vouches for oneself");
        assert!(!trusted(&shown(ours.issues("app.test")), Timestamp::from_secs(100_000_000_000)), "expired");
        assert!(
            ClientCertificates::default()
                .read(Some(&shown(ours.issues("a.test"))), &HeaderMap::new(), false, NOW)
                .is_some_and(|read| !read.trusted)
        );
        assert!(
            Authorities::from_pem(b"").is_err()
                && Authorities::from_pem(b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----").is_err()
        );
    }

    #[test]
    fn rfc_9440_section_3_a_header_counts_only_when_a_trusted_proxy_wrote_it_once() {
        let authority = Authority::new();
        let certificates = authority.trusted();
        let der = authority.issues("app.test");
        let read = |headers: &HeaderMap, trusted| certificates.read(None, headers, trusted, NOW);
        let once = passed(&[field(&der)]);
        assert_eq!(read(&once, true).unwrap().dns, ["app.test"]);
        assert_eq!(read(&once, false), None, "a stranger's word counts for nothing");
        assert_eq!(read(&passed(&[field(&der), field(&der)]), true), None, "one of the two was a stranger's");
        assert_eq!(read(&HeaderMap::new(), true), None);
        let proxy = PeerCertificates(Arc::from([CertificateDer::from(authority.issues("proxy.test"))]));
        assert_eq!(certificates.read(Some(&proxy), &HeaderMap::new(), true, NOW), None, "a proxy's own certificate is not its client's");
        let without_header = ClientCertificates { header: None, ..authority.trusted() };
        assert_eq!(without_header.read(None, &once, true, NOW), None);
        assert_eq!(without_header.read(Some(&proxy), &HeaderMap::new(), true, NOW), None, "nor where no header is named");
    }
}
