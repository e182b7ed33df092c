//! TLS of the listener: certificate files, or a certificate of our own for trials in a local network.

mod self_signed;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use protocol::link::Pin;
use protocol::origin::Origin;

use crate::config::Settings;

/// The one protocol that is spoken inside (RFC 7301).
const HTTP_1: &[u8] = b"http/1.1";

/// What the listener needs to speak TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    config: RustlsConfig,
    files: Option<(PathBuf, PathBuf)>,
    pin: Option<Pin>,
}

/// Why the listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate and key files do not make a usable pair.
    #[error(
        "could not use the certificate {} with the key {}; both must be PEM and belong together",
        certificate.display(), key.display()
    )]
    Files {
        /// Setting `tls.certificate`.
        certificate: PathBuf,
        /// Setting `tls.key`.
        key: PathBuf,
        /// What is wrong with them.
        #[source]
        source: io::Error,
    },
    /// The kept key or certificate could not be read or written.
    #[error("could not {during} {}", path.display())]
    Kept {
        /// The step, as a verb.
        during: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The kept key is not one of ours.
    #[error(
        "{} does not hold a key for the self-signed certificate; restore it, or remove it to make another one, which the \
         enrolled authenticators will not trust",
        path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rcgen::Error,
    },
    /// No certificate could be made for this host.
    #[error("could not make a certificate for {host}")]
    Certificate {
        /// The host of the public origin.
        host: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// The TLS library refused what was made.
    #[error("could not set TLS up")]
    Setup(#[source] rustls::Error),
}

/// Chooses ring for every TLS connection of this process; a second call changes nothing.
pub fn install_provider() {
    // An error means that a provider is installed already, and ring is the only one in the tree.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Loads what the settings name; `None` without TLS. `origin` is what the certificate of our own is made for.
///
/// # Errors
/// [`TlsError`], with the file that cannot be used.
pub async fn load(settings: &Settings, origin: &Origin) -> Result<Option<Tls>, TlsError> {
    let tls = &settings.tls;
    if tls.self_signed {
        let made = self_signed::make(&settings.data, origin)?;
        return Ok(Some(Tls { config: made.config, files: None, pin: Some(made.pin) }));
    }
    let (Some(certificate), Some(key)) = (tls.certificate.clone(), tls.key.clone()) else {
        return Ok(None);
    };
    let config = RustlsConfig::from_pem_file(&certificate, &key).await.map_err(|source| TlsError::Files {
        certificate: certificate.clone(),
        key: key.clone(),
        source,
    })?;
    offer_http_1(&config);
    Ok(Some(Tls { config, files: Some((certificate, key)), pin: None }))
}

/// The pin of the self-signed certificate, which is made when there is none yet.
///
/// # Errors
/// [`TlsError`], with the file that cannot be used.
pub fn pin(settings: &Settings, origin: &Origin) -> Result<Pin, TlsError> {
    install_provider();
    Ok(self_signed::make(&settings.data, origin)?.pin)
}

impl Tls {
    /// What the acceptor takes; follows [`Tls::reload`].
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// SHA-256 of the public key for enrolment links; only of a certificate of our own.
    pub fn pin(&self) -> Option<Pin> {
        self.pin
    }

    /// Reads the certificate files again; connections that are open keep what they have. Nothing to do for a certificate
    /// of our own.
    ///
    /// # Errors
    /// [`TlsError::Files`]; the old pair stays in use.
    pub async fn reload(&self) -> Result<(), TlsError> {
        let Some((certificate, key)) = &self.files else {
            return Ok(());
        };
        self.config.reload_from_pem_file(certificate, key).await.map_err(|source| TlsError::Files {
            certificate: certificate.clone(),
            key: key.clone(),
            source,
        })?;
        offer_http_1(&self.config);
        Ok(())
    }
}

/// Offers HTTP/1 alone, where the library would offer HTTP/2 as well.
fn offer_http_1(config: &RustlsConfig) {
    let mut offered = (*config.get_inner()).clone();
    offered.alpn_protocols = vec![HTTP_1.to_vec()];
    config.reload_from_config(Arc::new(offered));
}

fn rustls_config(
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: rustls::pki_types::PrivateKeyDer<'static>,
) -> Result<RustlsConfig, TlsError> {
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Setup)?;
    config.alpn_protocols = vec![HTTP_1.to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
