//! The deployment's own certificate authority and the certificate of its public address.
//!
//! Both follow from the root secret alone: keys are derived and signatures are deterministic (RFC 6979), so that
//! the same record always gives the same bytes and a plan never changes by itself.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::record::Record;
use crate::secret::{RootSecret, Secret};

/// Certificates count from the deployment's making and last 10 years: it has no clock to renew them by.
const LIFETIME_DAYS: i64 = 3650;

/// A key that follows from the root secret and a purpose.
struct DerivedKey {
    key: SigningKey,
    public: Vec<u8>,
}

impl DerivedKey {
    fn new(root: &RootSecret, purpose: &str) -> Result<Self, Error> {
        // A derived value is outside the curve's order once in 2^32: the next attempt has another purpose.
        let key = (0..8)
            .find_map(|attempt| {
                SigningKey::from_slice(&root.derive_bytes(&format!("{purpose} key {attempt}"))).ok()
            })
            .ok_or_else(|| Error::Certificate("no key could be derived".to_owned()))?;
        let public = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        Ok(Self { key, public })
    }

    fn pem(&self) -> Result<Secret, Error> {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF).map_err(|e| Error::Certificate(e.to_string()))?;
        Ok(Secret::new(pem.as_str()))
    }
}

impl PublicKeyData for DerivedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for DerivedKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: Signature = self.key.sign(message);
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

/// The SSH host key of the DHCP nodes. All have one: whoever logs in to them must know it before they exist.
#[derive(Debug, Clone)]
pub struct SshHostKey {
    /// The key, PKCS#8 in PEM, which OpenSSH reads.
    pub private_key_pem: Secret,
    /// SHA-256 of the public key as OpenSSH has it, in base64.
    pub thumbprint: String,
}

/// The SSH host key of the DHCP nodes, an ECDSA key of the curve P-256.
///
/// # Errors
/// When it cannot be encoded, which the input cannot cause.
pub fn ssh_host_key(record: &Record) -> Result<SshHostKey, Error> {
    let key = DerivedKey::new(&record.root_secret, "ssh host")?;
    Ok(SshHostKey {
        thumbprint: STANDARD.encode(Sha256::digest(ssh_public_key(&key.public))),
        private_key_pem: key.pem()?,
    })
}

/// RFC 5656, 3.1: each part after its length.
fn ssh_public_key(point: &[u8]) -> Vec<u8> {
    let part = |part: &[u8]| {
        let length = u32::try_from(part.len()).unwrap_or_default();
        [&length.to_be_bytes(), part].concat()
    };
    [part(b"ecdsa-sha2-nistp256"), part(b"nistp256"), part(point)].concat()
}

/// What a load balancer needs to serve TLS.
#[derive(Debug, Clone)]
pub struct Tls {
    /// The chain, leaf first.
    pub certificate_pem: String,
    /// The leaf's key.
    pub private_key_pem: Secret,
}

/// The certificate of the deployment's own authority, PEM.
///
/// # Errors
/// When it cannot be encoded, which the input cannot cause.
pub fn ca_certificate_pem(record: &Record) -> Result<String, Error> {
    let key = DerivedKey::new(&record.root_secret, "certificate authority")?;
    let certificate = ca_params(record, &key)?.self_signed(&key).map_err(failed)?;
    Ok(certificate.pem())
}

/// The certificate and key of the public address: the user's own, or one signed by the deployment's authority.
///
/// # Errors
/// When the host name is none, or encoding fails.
pub fn public_tls(record: &Record) -> Result<Tls, Error> {
    if let Some(own) = &record.settings.certificate {
        let (certificate_pem, private_key_pem) = (own.certificate_pem.clone(), own.private_key_pem.clone());
        return Ok(Tls { certificate_pem, private_key_pem });
    }
    let ca_key = DerivedKey::new(&record.root_secret, "certificate authority")?;
    let key = DerivedKey::new(&record.root_secret, "public address")?;
    let issuer = Issuer::new(ca_params(record, &ca_key)?, &ca_key);
    let certificate = leaf_params(record, &key)?.signed_by(&key, &issuer).map_err(failed)?;
    Ok(Tls { certificate_pem: certificate.pem(), private_key_pem: key.pem()? })
}

fn ca_params(record: &Record, key: &DerivedKey) -> Result<CertificateParams, Error> {
    let mut params = base_params(record, key, &format!("VIO deployment {}", record.settings.name))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf_params(record: &Record, key: &DerivedKey) -> Result<CertificateParams, Error> {
    let vip = record.public_vip;
    let hostname = record.settings.public_hostname.as_deref();
    let name = hostname.map_or_else(|| vip.to_string(), str::to_owned);
    let mut params = base_params(record, key, &name)?;
    // A certificate of other names is another one, and an authority never gives two the same serial number.
    params.serial_number = Some(serial_number(key, &format!("{name} {vip}")));
    params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(vip))];
    if let Some(hostname) = hostname {
        let dns = hostname.try_into().map_err(failed)?;
        params.subject_alt_names.push(SanType::DnsName(dns));
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn base_params(record: &Record, key: &DerivedKey, common_name: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    params.distinguished_name = subject;
    (params.not_before, params.not_after) = validity(record.created_s)?;
    params.serial_number = Some(serial_number(key, common_name));
    let key_id = Sha256::digest(&key.public).get(..20).unwrap_or_default().to_vec();
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_id);
    Ok(params)
}

fn validity(created_s: u64) -> Result<(time::OffsetDateTime, time::OffsetDateTime), Error> {
    let created =
        i64::try_from(created_s).ok().and_then(|s| time::OffsetDateTime::from_unix_timestamp(s).ok());
    let ends = |created: time::OffsetDateTime| created.checked_add(time::Duration::days(LIFETIME_DAYS));
    created.and_then(|created| Some((created, ends(created)?))).ok_or_else(|| {
        Error::Certificate(format!(
            "the record's time of creation, {created_s} s since 1970, is out of range"
        ))
    })
}

/// A number that follows from the key and the names: 16 bytes, positive and without a leading zero byte, so that it is
/// encoded as it is.
fn serial_number(key: &DerivedKey, names: &str) -> SerialNumber {
    let digest = Sha256::digest([key.public.as_slice(), names.as_bytes()].concat());
    let mut serial = digest.get(..16).unwrap_or_default().to_vec();
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    SerialNumber::from(serial)
}

fn failed(error: rcgen::Error) -> Error {
    Error::Certificate(error.to_string())
}

#[cfg(test)]
mod tests;
