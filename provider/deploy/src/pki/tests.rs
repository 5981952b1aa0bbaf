//! Certificates as a client sees them: judged by webpki, with the signatures verified by p256.

use std::time::Duration;

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, ServerName, SignatureVerificationAlgorithm,
    UnixTime, alg_id,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::*;
use crate::record::tests::sample;
use crate::settings::Certificate;

/// Extension basicConstraints (2.5.29.19), critical: a certificate authority, with no other below it.
const LAST_AUTHORITY: [u8; 17] = [6, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff, 4, 8, 0x30, 6, 1, 1, 0xff, 2, 1];
const DAY_S: u64 = 86_400;

#[derive(Debug)]
struct EcdsaP256;

impl SignatureVerificationAlgorithm for EcdsaP256 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

fn record_of(root: u8, hostname: Option<&str>) -> Record {
    let mut settings = sample::settings("prod");
    settings.public_hostname = hostname.map(str::to_owned);
    Record::new(settings, sample::root_secret(root), sample::CREATED_S).unwrap()
}

fn authority(record: &Record) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(ca_certificate_pem(record).unwrap().as_bytes()).unwrap()
}

fn leaf(record: &Record) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(public_tls(record).unwrap().certificate_pem.as_bytes()).unwrap()
}

/// Judges a chain as a client does that many seconds after the deployment's making.
fn verify(
    authority: &CertificateDer<'_>,
    leaf: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    age_s: u64,
) -> Result<(), webpki::Error> {
    let anchor = anchor_from_trusted_cert(authority).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(sample::CREATED_S + age_s));
    let anchors = [anchor];
    let leaf = EndEntityCert::try_from(leaf)?;
    leaf.verify_for_usage(&[&EcdsaP256], &anchors, between, now, KeyUsage::server_auth(), None, None)
        .map(drop)
}

#[test]
fn the_same_record_gives_the_same_bytes() {
    let one = public_tls(&record_of(7, Some("cloud.example.org"))).unwrap();
    let other = public_tls(&record_of(7, Some("cloud.example.org"))).unwrap();
    assert_eq!(one.certificate_pem, other.certificate_pem);
    assert_eq!(one.private_key_pem, other.private_key_pem);
    assert_eq!(authority(&record_of(7, None)), authority(&record_of(7, None)));
}

#[test]
fn clients_trust_every_deployments_certificate_for_ten_years() {
    for root in 0..24 {
        let record = record_of(root, Some("cloud.example.org"));
        for age_s in [0, 3649 * DAY_S] {
            assert_eq!(verify(&authority(&record), &leaf(&record), &[], age_s), Ok(()), "{root}");
        }
        assert!(verify(&authority(&record), &leaf(&record), &[], 3651 * DAY_S).is_err());
    }
}

#[test]
fn the_certificate_is_for_the_public_address_and_the_host_name_alone() {
    let record = record_of(7, Some("cloud.example.org"));
    let leaf = leaf(&record);
    let leaf = EndEntityCert::try_from(&leaf).unwrap();
    let is_for =
        |name: &str| leaf.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap()).is_ok();
    assert!(is_for("cloud.example.org") && is_for(&record.public_vip.to_string()));
    assert!(!is_for("example.org") && !is_for(&record.internal_vip.to_string()));
}

#[test]
fn without_a_host_name_the_certificate_is_for_the_address() {
    let record = record_of(7, None);
    let (authority, leaf) = (authority(&record), leaf(&record));
    verify(&authority, &leaf, &[], 0).unwrap();
    let name = ServerName::try_from(record.public_vip.to_string()).unwrap();
    EndEntityCert::try_from(&leaf).unwrap().verify_is_valid_for_subject_name(&name).unwrap();
}

#[test]
fn only_the_authority_may_sign_and_only_leaves() {
    let record = record_of(7, None);
    let is_authority =
        |der: &CertificateDer<'_>| der.windows(LAST_AUTHORITY.len()).any(|part| part == LAST_AUTHORITY);
    assert!(is_authority(&authority(&record)) && !is_authority(&leaf(&record)));
    let key = DerivedKey::new(&record.root_secret, "public address").unwrap();
    let issuer = Issuer::new(leaf_params(&record, &key).unwrap(), &key);
    let below = DerivedKey::new(&record.root_secret, "another").unwrap();
    let forged = leaf_params(&record, &below).unwrap().signed_by(&below, &issuer).unwrap();
    assert!(verify(&authority(&record), forged.der(), &[leaf(&record)], 0).is_err());
}

#[test]
fn deployments_do_not_trust_each_other() {
    let (one, other) = (record_of(7, None), record_of(8, None));
    assert_ne!(public_tls(&one).unwrap().private_key_pem, public_tls(&other).unwrap().private_key_pem);
    assert!(verify(&authority(&one), &leaf(&other), &[], 0).is_err());
}

#[test]
fn a_certificate_of_other_names_has_another_serial_number() {
    let record = record_of(7, Some("cloud.example.org"));
    let mut moved = record.clone();
    moved.public_vip = "198.19.0.200".parse().unwrap();
    let key = DerivedKey::new(&record.root_secret, "public address").unwrap();
    let serial = |record: &Record| leaf_params(record, &key).unwrap().serial_number;
    assert_eq!(serial(&record), serial(&record.clone()));
    assert_ne!(serial(&record), serial(&moved));
    assert_ne!(serial(&record), serial(&record_of(7, None)));
}

#[test]
fn the_users_own_certificate_is_taken_as_it_is() {
    let mut record = record_of(7, None);
    let (certificate_pem, private_key_pem) = ("chain".to_owned(), Secret::new("key"));
    record.settings.certificate = Some(Certificate { certificate_pem, private_key_pem });
    let tls = public_tls(&record).unwrap();
    assert_eq!((tls.certificate_pem.as_str(), tls.private_key_pem.expose()), ("chain", "key"));
}

#[test]
fn a_damaged_time_or_host_name_is_an_error() {
    for created_s in [u64::MAX, 253_402_300_799] {
        let record = Record { created_s, ..record_of(7, None) };
        assert!(matches!(public_tls(&record), Err(Error::Certificate(_))), "{created_s}");
        assert!(matches!(ca_certificate_pem(&record), Err(Error::Certificate(_))), "{created_s}");
    }
    assert!(matches!(public_tls(&record_of(7, Some("clöud"))), Err(Error::Certificate(_))));
}

#[test]
fn the_ssh_host_key_has_the_fingerprint_that_openssh_shows() {
    let key = ssh_host_key(&sample::bare()).unwrap();
    assert!(key.private_key_pem.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    // As `ssh-keygen -l` says of this very key, but for the padding.
    assert_eq!(key.thumbprint, "ZnVBtlm8x8FsqnKvOra7LZAeSiM8j3JkDJom2NLmo5U=");
    assert_ne!(
        key.thumbprint,
        ssh_host_key(&Record { root_secret: sample::root_secret(8), ..sample::bare() }).unwrap().thumbprint
    );
}
