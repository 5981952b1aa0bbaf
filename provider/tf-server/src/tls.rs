//! Mutual TLS with exactly one client: the one whose certificate was handed over at start.
//!
//! The client's certificate is self-signed and marked as an authority, so no chain can be built from it; it is
//! compared byte by byte instead, and the client proves by its signature that it holds the key.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};

use crate::error::Error;

/// The name that the client asks for and that the certificate must carry.
const SERVER_NAME: &str = "localhost";

/// What the server needs to accept the client.
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// Our certificate, which the client is told in the handshake line.
    pub(crate) certificate: CertificateDer<'static>,
}

/// Makes a certificate for this process and a configuration that admits the holder of `client_pem` alone.
pub(crate) fn for_client(client_pem: &str) -> Result<Tls, Error> {
    let client = CertificateDer::from_pem_slice(client_pem.as_bytes()).map_err(|_| Error::Environment {
        variable: "PLUGIN_CLIENT_CERT",
        reason: "it is no certificate in PEM form".to_owned(),
    })?;
    // Named here, not taken from the process: another crate may have installed one that lacks P-521, the curve of
    // the client's key.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = rcgen::KeyPair::generate().map_err(tls_error)?;
    let certificate = rcgen::CertificateParams::new([SERVER_NAME.to_owned()])
        .and_then(|params| params.self_signed(&key))
        .map_err(tls_error)?;
    let certificate: CertificateDer<'static> = certificate.der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(tls_error)?;
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(tls_error)?
        .with_client_cert_verifier(Arc::new(OneClient::new(client, &provider)))
        .with_single_cert(vec![certificate.clone()], key)
        .map_err(tls_error)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Tls { config: Arc::new(config), certificate })
}

fn tls_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Tls(error.into())
}

#[derive(Debug)]
struct OneClient {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl OneClient {
    fn new(certificate: CertificateDer<'static>, provider: &CryptoProvider) -> Self {
        Self { certificate, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for OneClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if *end_entity == self.certificate {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> (String, CertificateDer<'static>) {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let certificate =
            rcgen::CertificateParams::new([SERVER_NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), certificate.der().clone())
    }

    #[test]
    fn only_the_certificate_that_was_handed_over_is_admitted() {
        let ((_, ours), (_, other)) = (certificate(), certificate());
        let verifier = OneClient::new(ours.clone(), &aws_lc_rs::default_provider());
        let verify = |shown: &CertificateDer<'_>| verifier.verify_client_cert(shown, &[], UnixTime::now());
        assert!(verify(&ours).is_ok());
        assert!(verify(&other).is_err());
        assert!(verify(&CertificateDer::from(&ours[..ours.len() - 1])).is_err());
        assert!(verifier.client_auth_mandatory());
    }

    #[test]
    fn the_clients_curve_is_offered() {
        let verifier = OneClient::new(certificate().1, &aws_lc_rs::default_provider());
        assert!(verifier.supported_verify_schemes().contains(&SignatureScheme::ECDSA_NISTP521_SHA512));
    }

    #[test]
    fn http2_is_the_only_protocol_offered() {
        let tls = for_client(&certificate().0).unwrap();
        assert_eq!(tls.config.alpn_protocols, [b"h2".to_vec()]);
    }

    #[test]
    fn a_certificate_that_is_none_is_an_error() {
        assert!(matches!(for_client("hello"), Err(Error::Environment { .. })));
    }
}
