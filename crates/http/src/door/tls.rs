//! TLS with certificates that are read again while the door is open.

use std::{
    convert::Infallible,
    fs,
    future::pending,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use tracing::{error, info};
use vestibule_domain::time::Timestamp;

use super::{Asks, TlsFiles, ask::AnyCertificate};

/// HTTP/2 in ALPN (RFC 9113 §3.2).
pub(super) const H2: &[u8] = b"h2";
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The certificate in use and the files it came from.
#[derive(Debug)]
pub(super) struct Certificates {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
    /// Of the files as last read, usable or not: the same broken pair is complained about once.
    seen: Mutex<[u8; 32]>,
}

struct Pair {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Certificates {
    pub(super) fn load(files: TlsFiles) -> io::Result<Self> {
        let pair = Pair::read(&files)?;
        Ok(Self { current: RwLock::new(Arc::new(pair.parse(&files)?)), seen: Mutex::new(pair.digest()), files })
    }

    /// Reads the files and takes what they hold; when that can't be used, everything stays as it is.
    pub(super) fn reload(&self) -> io::Result<()> {
        self.look(true)
    }

    /// The content is compared, not the date: a renewal within the clock's grain, or one that swaps a link, is seen too.
    fn look(&self, always: bool) -> io::Result<()> {
        let pair = Pair::read(&self.files)?;
        let digest = pair.digest();
        let before = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), digest);
        if before == digest && !always {
            return Ok(());
        }
        let key = Arc::new(pair.parse(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = key;
        info!(certificate = %self.files.certificate.display(), "the TLS certificate was read anew");
        Ok(())
    }
}

impl Pair {
    fn read(files: &TlsFiles) -> io::Result<Self> {
        let read = |path: &Path| fs::read(path).map_err(|error| named(path, error));
        Ok(Self { chain: read(&files.certificate)?, key: read(&files.key)? })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(Sha256::digest(&self.chain));
        hash.update(Sha256::digest(&self.key));
        hash.finalize().into()
    }

    fn parse(&self, files: &TlsFiles) -> io::Result<CertifiedKey> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(&self.chain).collect::<Result<_, _>>().map_err(|error| named(&files.certificate, error))?;
        if chain.is_empty() {
            return Err(named(&files.certificate, "there is no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| named(&files.key, error))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| named(&files.key, error))
    }
}

/// When the certificate in that file expires; nothing if it can't be read.
pub(super) fn expiry(file: &Path) -> Option<Timestamp> {
    let own = CertificateDer::pem_slice_iter(&fs::read(file).ok()?).next()?.ok()?;
    vestibule_protocol::certificate::expiry(&own)
}

fn named(path: &Path, error: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// How connections are made, with and without asking for a certificate. Each has tickets of its own, so that one which was given without asking never
/// resumes where a certificate is asked for.
#[derive(Clone, Debug)]
pub(super) struct Configs {
    plain: Arc<ServerConfig>,
    asking: Option<(Arc<ServerConfig>, Asks)>,
}

impl Configs {
    pub(super) fn new(certificates: &Arc<Certificates>, asks: &Asks) -> Result<Self, rustls::Error> {
        let plain = server_config(certificates.clone(), false)?;
        let asking = match asks {
            Asks::Nobody => None,
            asks => Some((server_config(certificates.clone(), true)?, asks.clone())),
        };
        Ok(Self { plain, asking })
    }

    /// The one for whoever calls this name.
    pub(super) fn of(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        match &self.asking {
            Some((config, Asks::Everybody)) => config.clone(),
            Some((config, Asks::At(host))) if hello.server_name().is_some_and(|name| name.eq_ignore_ascii_case(host)) => config.clone(),
            _ => self.plain.clone(),
        }
    }
}

/// TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1. Early data stays off: what comes in it can be replayed.
fn server_config(certificates: Arc<Certificates>, asks: bool) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder =
        if asks { builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider()))) } else { builder.with_no_client_auth() };
    let mut config = builder.with_cert_resolver(certificates);
    config.alpn_protocols = vec![H2.into(), b"http/1.1".into()];
    // Tickets spare returning clients the dear part of the handshake, and us the memory for their sessions.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Looks at the files now and then, forever.
pub(super) async fn watch(certificates: Option<&Certificates>) -> Infallible {
    let Some(certificates) = certificates else { return pending().await };
    let mut said = None;
    loop {
        sleep(LOOK_EVERY).await;
        let trouble = certificates.look(false).err().map(|error| error.to_string());
        if let Some(trouble) = trouble.as_ref().filter(|_| said != trouble) {
            error!("the TLS certificate can't be renewed; the previous one stays in use: {trouble}");
        }
        said = trouble;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_files_is_seen_once_and_a_broken_pair_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
        let renew = || {
            let pair = rcgen::generate_simple_self_signed(["house.test".to_owned()]).unwrap();
            fs::write(&files.certificate, pair.cert.pem()).unwrap();
            fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
            pair.cert.der().clone()
        };
        let first = renew();
        let certificates = Certificates::load(files.clone()).unwrap();
        let in_use = || certificates.current.read().unwrap().cert[0].clone();
        certificates.look(false).unwrap();
        assert_eq!(in_use(), first);

        let second = renew();
        certificates.look(false).unwrap();
        assert_eq!(in_use(), second);

        fs::write(&files.key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(certificates.look(false).is_err(), "a key of another certificate");
        certificates.look(false).unwrap();
        assert_eq!(in_use(), second, "it is complained about once, and changes nothing");

        let third = renew();
        certificates.look(false).unwrap();
        assert_eq!(in_use(), third);
    }
}
