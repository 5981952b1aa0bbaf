//! What comes back from vCenter and may have been written by anybody: guests' reports, and the record.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deploy::desired::Desired;
use deploy::record::{RECORD_KEY, Record};
use deploy::render::{GuestStatus, Phase};
use flate2::Compression;
use flate2::write::GzEncoder;

#[test]
fn status() {
    check("status", 6000, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(status) = GuestStatus::parse(text) else { return };
        assert_eq!(status.version, 1);
        assert_eq!(status.is_ready(&status.revision), status.phase == Phase::Ready);
        assert!(!status.has_drifted(&status.revision, "") && !status.is_ready("another"));
    });
}

#[test]
fn record() {
    check("record", 1500, |json| law(&values(&STANDARD.encode(pack(json)))));
}

#[test]
fn record_parts() {
    check("record-parts", 1500, |text| law(&values(&String::from_utf8_lossy(text))));
}

/// A document that unpacks to more than any record has is refused before it is unpacked whole.
#[test]
fn a_record_that_unpacks_without_end_is_refused() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let copied = std::io::copy(&mut std::io::repeat(b' ').take(64 << 20), &mut gzip);
    assert_eq!(copied.ok(), Some(64 << 20));
    let packed = gzip.finish().unwrap_or_default();
    assert!(Record::decode("prod", &values(&STANDARD.encode(packed))).is_err());
}

fn check(target: &str, cases: u32, law: impl Fn(&[u8])) {
    fuzzing::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target), cases, law);
}

/// A record that can be read is written and read as the same, and what it asks for can be told or refused.
fn law(values: &BTreeMap<String, String>) {
    let Ok(Some(record)) = Record::decode("prod", values) else { return };
    if let Ok(written) = record.encode() {
        assert_eq!(Record::decode("prod", &written).ok().flatten().as_ref(), Some(&record));
    }
    if let Ok(desired) = Desired::from_record(&record) {
        let names: BTreeSet<_> = record.node_names().collect();
        assert!(desired.nodes.keys().eq(&names));
    }
}

/// The record's keys with this text in one part.
fn values(text: &str) -> BTreeMap<String, String> {
    let keys = [(RECORD_KEY.to_owned(), "1".to_owned()), (format!("{RECORD_KEY}.1"), text.to_owned())];
    keys.into()
}

fn pack(json: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = gzip.write_all(json).and_then(|()| gzip.finish());
    packed.unwrap_or_default()
}
