//! Whom to trust: certificate authorities, one pinned certificate, or anybody.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use crate::error::NotSent;

/// How the server proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsPolicy {
    /// Its certificate is signed by an authority that the system trusts, or by one given here, and is for its name.
    Verify {
        /// Further authorities (or the server's own self-signed certificate) in PEM; works without any system roots.
        extra_ca_pem: Option<String>,
    },
    /// Its certificate has this SHA-256 thumbprint: hexadecimal, colons optional, case does not matter.
    Thumbprint(String),
    /// Anybody is believed. For laboratories only.
    Insecure,
}

/// The policy after parsing.
#[derive(Debug, Clone)]
enum Trust {
    Authorities(Vec<CertificateDer<'static>>),
    Pinned(Vec<u8>),
    Anybody,
}

/// Makes TLS configurations; reads the system's roots at the first use only.
pub(crate) struct Tls {
    trust: Trust,
    ready: Mutex<Option<(Arc<ClientConfig>, Arc<Verifier>)>>,
}

impl Tls {
    pub(crate) fn new(policy: &TlsPolicy) -> Result<Self, NotSent> {
        let trust = match policy {
            TlsPolicy::Verify { extra_ca_pem } => Trust::Authorities(parse_pem(extra_ca_pem.as_deref())?),
            TlsPolicy::Thumbprint(text) => Trust::Pinned(parse_thumbprint(text)?),
            TlsPolicy::Insecure => Trust::Anybody,
        };
        Ok(Self { trust, ready: Mutex::new(None) })
    }

    /// The configuration, and the verifier that remembers the certificate it refused.
    pub(crate) fn config(&self) -> Result<(Arc<ClientConfig>, Arc<Verifier>), NotSent> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*ready {
            return Ok(made.clone());
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(Verifier::new(&self.trust, provider.clone())?);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| NotSent::Config(format!("TLS: {e}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(ready.insert((Arc::new(config), verifier)).clone())
    }
}

fn parse_pem(pem: Option<&str>) -> Result<Vec<CertificateDer<'static>>, NotSent> {
    let Some(pem) = pem else { return Ok(Vec::new()) };
    let wrong = |why: String| NotSent::Config(format!("`ca_certificate_pem` {why}"));
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|e| wrong(format!("is no PEM: {e}")))?;
    if certificates.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(certificates)
}

fn parse_thumbprint(text: &str) -> Result<Vec<u8>, NotSent> {
    let digits: Vec<char> = text.chars().filter(|c| *c != ':' && !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    bytes.filter(|bytes| bytes.len() == 32 && digits.len() == 64).ok_or_else(|| {
        NotSent::Config(
            "`server_thumbprint` must be a SHA-256 thumbprint: 64 hexadecimal digits, colons optional"
                .to_owned(),
        )
    })
}

/// The SHA-256 thumbprint of a certificate as people write it: upper case, with colons.
fn thumbprint(certificate: &[u8]) -> String {
    let mut text = String::with_capacity(95);
    for (i, byte) in Sha256::digest(certificate).iter().enumerate() {
        let colon = if i == 0 { "" } else { ":" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{colon}{byte:02X}");
    }
    text
}

/// A certificate that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    pub(crate) thumbprint: String,
}

/// Verifies server certificates by one policy.
#[derive(Debug)]
pub(crate) struct Verifier {
    trust: Trust,
    /// Verifies against authorities; absent if there is none at all.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    refused: Mutex<Option<Refused>>,
}

impl Verifier {
    fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Self, NotSent> {
        let chain = match trust {
            Trust::Authorities(extra) => chain_verifier(extra, provider.clone())?,
            Trust::Pinned(_) | Trust::Anybody => None,
        };
        Ok(Self { trust: trust.clone(), chain, provider, refused: Mutex::new(None) })
    }

    /// The certificate refused last, and forgets it.
    pub(crate) fn take_refused(&self) -> Option<Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<(), (rustls::Error, String)> {
        match &self.trust {
            Trust::Anybody => Ok(()),
            Trust::Pinned(pin) if Sha256::digest(leaf).as_slice() == pin.as_slice() => Ok(()),
            Trust::Pinned(_) => Err((
                CertificateError::ApplicationVerificationFailure.into(),
                "it is not the one pinned by `server_thumbprint`".to_owned(),
            )),
            // A self-signed server certificate given as an authority: no chain to build, only the name to compare.
            Trust::Authorities(extra) if extra.iter().any(|ca| ca == leaf) => {
                ParsedCertificate::try_from(leaf)
                    .and_then(|parsed| verify_server_name(&parsed, name))
                    .map_err(|e| (e.clone(), reason(&e, name)))
            }
            Trust::Authorities(_) => match &self.chain {
                Some(chain) => chain
                    .verify_server_cert(leaf, intermediates, name, ocsp, now)
                    .map(|_| ())
                    .map_err(|e| (e.clone(), reason(&e, name))),
                None => Err((
                    CertificateError::UnknownIssuer.into(),
                    "this system has no certificate authorities and none were given".to_owned(),
                )),
            },
        }
    }
}

/// What people can act upon; the TLS library's own words for the rest.
fn reason(error: &rustls::Error, name: &ServerName<'_>) -> String {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => "no trusted authority has signed it".to_owned(),
        // Happens after a vCenter was installed anew: its authority has the old name and a new key.
        rustls::Error::InvalidCertificate(BadSignature) => {
            "a trusted authority has the name of the one that signed it, but not its key".to_owned()
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            format!("it is not for the name `{}`", name.to_str())
        }
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. }) => "it has expired".to_owned(),
        rustls::Error::InvalidCertificate(NotValidYet | NotValidYetContext { .. }) => {
            "it is not valid yet: compare the clocks".to_owned()
        }
        // What is left of a self-signed certificate that is its own authority, among rarer things.
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            format!("it is not a server's certificate signed by a trusted authority ({other})")
        }
        other => other.to_string(),
    }
}

fn chain_verifier(
    extra: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<WebPkiServerVerifier>>, NotSent> {
    let mut roots = RootCertStore::empty();
    // Whatever cannot be read of the system's roots is missed when a certificate is judged, which is told there.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in extra {
        roots.add(certificate.clone()).map_err(|e| {
            NotSent::Config(format!("`ca_certificate_pem` holds an unusable certificate: {e}"))
        })?;
    }
    if roots.is_empty() {
        return Ok(None);
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|e| NotSent::Config(format!("TLS: {e}")))?;
    Ok(Some(verifier))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(leaf, intermediates, name, ocsp, now).map(|()| ServerCertVerified::assertion()).map_err(
            |(error, reason)| {
                let refused = Refused { reason, thumbprint: thumbprint(leaf) };
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
                error
            },
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    struct Authority {
        issuer: CertifiedIssuer<'static, KeyPair>,
    }

    impl Authority {
        fn new() -> Self {
            Self::named("authority")
        }

        fn named(name: &str) -> Self {
            let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
        }

        fn leaf(&self, name: &str) -> CertificateDer<'static> {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.signed_by(&key, &self.issuer).unwrap().der().clone()
        }
    }

    fn verdict(policy: &TlsPolicy, leaf: &CertificateDer<'_>, name: &str) -> Result<(), Refused> {
        let (_, verifier) = Tls::new(policy).unwrap().config().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        match verifier.verify_server_cert(leaf, &[], &name, &[], UnixTime::now()) {
            Ok(_) => Ok(()),
            Err(_) => Err(verifier.take_refused().unwrap()),
        }
    }

    fn with_ca(pem: String) -> TlsPolicy {
        TlsPolicy::Verify { extra_ca_pem: Some(pem) }
    }

    #[test]
    fn a_certificate_of_the_given_authority_is_trusted_for_its_name_only() {
        let authority = Authority::new();
        let policy = with_ca(authority.issuer.pem());
        let leaf = authority.leaf("vc.example.com");
        assert_eq!(verdict(&policy, &leaf, "vc.example.com"), Ok(()));
        let refused = verdict(&policy, &leaf, "other.example.com").unwrap_err();
        assert_eq!(refused.reason, "it is not for the name `other.example.com`");
    }

    #[test]
    fn a_stranger_is_refused_with_the_thumbprint_that_would_pin_it() {
        let leaf = Authority::named("stranger").leaf("vc.example.com");
        let refused = verdict(&with_ca(Authority::new().issuer.pem()), &leaf, "vc.example.com").unwrap_err();
        assert_eq!(refused.reason, "no trusted authority has signed it");
        assert_eq!(refused.thumbprint.len(), 95);
        for pin in [refused.thumbprint.clone(), refused.thumbprint.replace(':', "").to_lowercase()] {
            assert_eq!(verdict(&TlsPolicy::Thumbprint(pin), &leaf, "any.name"), Ok(()));
        }
    }

    #[test]
    fn an_authority_of_the_same_name_with_another_key_is_told_apart() {
        let leaf = Authority::new().leaf("vc.example.com");
        let refused = verdict(&with_ca(Authority::new().issuer.pem()), &leaf, "vc.example.com").unwrap_err();
        assert!(refused.reason.contains("but not its key"), "{}", refused.reason);
    }

    #[test]
    fn a_pin_refuses_every_other_certificate() {
        let authority = Authority::new();
        let pin = thumbprint(&authority.leaf("vc"));
        let refused = verdict(&TlsPolicy::Thumbprint(pin), &authority.leaf("vc"), "vc").unwrap_err();
        assert!(refused.reason.contains("server_thumbprint"));
    }

    #[test]
    fn a_self_signed_server_certificate_may_be_given_itself() {
        let mut params = CertificateParams::new(vec!["vc.example.com".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(verdict(&with_ca(own.pem()), own.der(), "vc.example.com"), Ok(()));
        assert!(verdict(&with_ca(own.pem()), own.der(), "other.example.com").is_err());
    }

    #[test]
    fn wrong_pem_and_wrong_thumbprints_are_told_before_anything_is_sent() {
        let short = TlsPolicy::Thumbprint("AB:CD".into());
        let sha1 = TlsPolicy::Thumbprint("ab".repeat(20));
        let odd = TlsPolicy::Thumbprint("a".repeat(63));
        for policy in [with_ca("nonsense".into()), short, sha1, odd] {
            assert!(matches!(Tls::new(&policy), Err(NotSent::Config(_))), "{policy:?}");
        }
    }
}
