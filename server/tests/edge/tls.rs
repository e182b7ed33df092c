use std::fs;
use std::sync::Arc;

use protocol::link::{Payload, Pin};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use tempfile::tempdir;

use crate::program::{Running, run};

/// Trusts exactly one key, as an authenticator with a pin does.
#[derive(Debug)]
struct Pinned(Pin);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if Pin::of_spki(&ParsedCertificate::try_from(end_entity)?.subject_public_key_info()) == self.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn client_with(pin: Pin) -> reqwest::Client {
    countersign_server::tls::install_provider();
    let config = rustls::ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(pin)))
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(config).build().unwrap()
}

#[tokio::test]
async fn the_pin_in_the_link_is_the_key_that_answers_also_after_a_restart() {
    let data = tempdir().unwrap();
    // Made before the server runs, from the same settings.
    let early = run(data.path(), &["users", "add", "ada", "--json", "--set", "tls.self_signed=true"]).json();
    for _ in 0..2 {
        let server = Running::start(data.path(), &["--self-signed"]);
        let link = run(data.path(), &["users", "enrol", "ada", "--json"]).json();
        let Payload::Enrol(enrol) = Payload::parse(link["link"].as_str().unwrap()) else { panic!("{link}") };
        assert_eq!(enrol.origin.as_str(), server.url);
        assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
        let pin = enrol.pin.expect("a certificate of our own is pinned");
        assert!(early["link"].as_str().unwrap().ends_with(&pin.to_string()), "{early}");

        let answer = client_with(pin).get(format!("{}/health/live", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000");
        let other = client_with(Pin::of_spki(b"another key")).get(format!("{}/", server.url)).send().await;
        assert!(other.is_err(), "another key is not trusted");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_certificate_file_is_read_again_on_hangup() {
    let data = tempdir().unwrap();
    let (certificate, key) = (data.path().join("site.crt"), data.path().join("site.key"));
    let install = || {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Pin::of_spki(&rcgen::PublicKeyData::subject_public_key_info(&made.signing_key))
    };
    let first = install();
    let files = ["--certificate", certificate.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let mut server = Running::start(data.path(), &files);
    let live = format!("{}/health/live", server.url);
    assert!(client_with(first).get(&live).send().await.is_ok());

    let second = install();
    server.signal("HUP");
    server.logged("Read the certificate again");
    assert!(client_with(second).get(&live).send().await.is_ok());
    assert!(client_with(first).get(&live).send().await.is_err());

    fs::write(&certificate, "nonsense").unwrap();
    server.signal("HUP");
    server.logged("the certificate in use stays");
    assert!(client_with(second).get(&live).send().await.is_ok());
}

#[test]
fn certificate_files_that_cannot_be_used_are_named() {
    let data = tempdir().unwrap();
    let files = ["--set", "tls.certificate=/no.crt", "--set", "tls.key=/no.key"];
    for command in [["serve", "--listen", "127.0.0.1:0"].as_slice(), &["config", "check"]] {
        let refused = run(data.path(), &[command, &files].concat());
        assert_eq!(refused.code, 1, "{command:?}");
        assert!(refused.err.contains("/no.crt") && refused.err.contains("/no.key"), "{}", refused.err);
    }
}
