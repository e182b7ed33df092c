//! A certificate of our own. Its key is kept in the data folder, because the pin in enrolment links is a hash of it; the
//! certificate is kept too, so that a browser's exception for it stays good, and made again when the host changes.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use axum_server::tls_rustls::RustlsConfig;
use protocol::link::Pin;
use protocol::origin::Origin;
use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::TlsError;
use crate::config::{Data, private_file};

const KEY_FILE: &str = "tls.key";
const CERTIFICATE_FILE: &str = "tls.crt";

/// A certificate of our own, ready for the acceptor.
pub(super) struct SelfSigned {
    pub(super) config: RustlsConfig,
    pub(super) pin: Pin,
}

/// Takes key and certificate from the data folder, or makes and keeps them; data in memory gets fresh ones.
pub(super) fn make(data: &Data, origin: &Origin) -> Result<SelfSigned, TlsError> {
    let host = origin.host().trim_start_matches('[').trim_end_matches(']');
    let refused = |source| TlsError::Certificate { host: host.to_owned(), source };
    let (key, certificate) = match data {
        Data::Memory => {
            let key = KeyPair::generate().map_err(refused)?;
            let certificate = sign(host, &key).map_err(refused)?.der().clone();
            (key, certificate)
        }
        Data::Dir(dir) => {
            let key = kept_key(&dir.join(KEY_FILE), host)?;
            let certificate = kept_certificate(&dir.join(CERTIFICATE_FILE), host, &key)?;
            (key, certificate)
        }
    };
    let pin = Pin::of_spki(&key.subject_public_key_info());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(SelfSigned { config: super::rustls_config(vec![certificate], private)?, pin })
}

fn kept_key(path: &Path, host: &str) -> Result<KeyPair, TlsError> {
    let failed = |during| move |source| TlsError::Kept { during, path: path.to_owned(), source };
    match fs::read_to_string(path) {
        Ok(pem) => KeyPair::from_pem(&Zeroizing::new(pem))
            .map_err(|source| TlsError::Key { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate()
                .map_err(|source| TlsError::Certificate { host: host.to_owned(), source })?;
            let pem = Zeroizing::new(key.serialize_pem());
            let mut file = private_file(path).map_err(failed("create"))?;
            file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write"))?;
            Ok(key)
        }
        Err(error) => Err(failed("read")(error)),
    }
}

/// The kept certificate when its first line says that it is for this host and this key, else another one.
fn kept_certificate(path: &Path, host: &str, key: &KeyPair) -> Result<CertificateDer<'static>, TlsError> {
    let head = format!("For {host}, key {}", Pin::of_spki(&key.subject_public_key_info()));
    if let Ok(text) = fs::read_to_string(path)
        && text.lines().next() == Some(&head)
        && let Ok(certificate) = CertificateDer::from_pem_slice(text.as_bytes())
    {
        return Ok(certificate);
    }
    let certificate =
        sign(host, key).map_err(|source| TlsError::Certificate { host: host.to_owned(), source })?;
    fs::write(path, format!("{head}\n{}", certificate.pem())).map_err(|source| TlsError::Kept {
        during: "write",
        path: path.to_owned(),
        source,
    })?;
    Ok(certificate.der().clone())
}

fn sign(host: &str, key: &KeyPair) -> Result<rcgen::Certificate, rcgen::Error> {
    let mut params = CertificateParams::new(vec![host.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, "Countersign, self-signed");
    params.self_signed(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    #[test]
    fn the_pin_stays_while_the_folder_stays() {
        crate::tls::install_provider();
        let dir = tempfile::tempdir().unwrap();
        let data = Data::Dir(dir.path().to_owned());
        let first = make(&data, &origin("https://192.168.1.20:8443")).unwrap().pin;
        let again = make(&data, &origin("https://192.168.1.20:8443")).unwrap().pin;
        let moved = make(&data, &origin("https://box.example:8443")).unwrap().pin;
        assert_eq!((first, first), (again, moved));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(
            first,
            make(&Data::Dir(other.path().to_owned()), &origin("https://192.168.1.20")).unwrap().pin
        );
    }

    #[test]
    fn the_certificate_is_kept_until_the_host_changes() {
        crate::tls::install_provider();
        let dir = tempfile::tempdir().unwrap();
        let data = Data::Dir(dir.path().to_owned());
        let kept = || fs::read_to_string(dir.path().join(CERTIFICATE_FILE)).unwrap();
        make(&data, &origin("https://[fd00::1]:8443")).unwrap();
        let first = kept();
        make(&data, &origin("https://[fd00::1]:8443")).unwrap();
        assert_eq!(kept(), first);
        make(&data, &origin("https://box.example")).unwrap();
        assert_ne!(kept(), first);
    }

    #[test]
    fn a_damaged_key_is_named_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(KEY_FILE), "nonsense").unwrap();
        let error = make(&Data::Dir(dir.path().to_owned()), &origin("https://box.example")).err().unwrap();
        assert!(error.to_string().contains("tls.key"), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join(KEY_FILE)).unwrap(), "nonsense");
    }
}
