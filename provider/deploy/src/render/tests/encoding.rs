use super::*;

fn with_payload(length: usize) -> Document {
    let mut document = render(&cloud(), KindId::Memcache, 1);
    // A sequence that gzip cannot shrink: the digits of a linear congruential generator.
    let mut state = 1_u64;
    let mut step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:016x}", state)
    };
    document.files[0].content = std::iter::repeat_with(&mut step).take(length / 16).collect();
    document
}

#[test]
fn a_document_survives_the_way_through_extra_config() {
    for length in [0, 100_000, 400_000] {
        let document = with_payload(length);
        let encoded = document.encode().unwrap();
        assert_eq!(Document::decode(&encoded.extra_config).unwrap(), document);
        assert!(encoded.extra_config.values().all(|value| value.len() <= MAX_VALUE_BYTES));
    }
}

#[test]
fn a_small_document_is_one_value_and_a_large_one_is_parts() {
    let small = with_payload(0).encode().unwrap();
    assert_eq!(small.extra_config.len(), 2);
    let large = with_payload(400_000).encode().unwrap();
    assert_eq!(large.extra_config[DOCUMENT_KEY], format!("parts:{}", large.extra_config.len() - 2));
    assert!(large.extra_config.contains_key("guestinfo.vio.desired.1"));
}

#[test]
fn parts_that_are_no_longer_used_are_cleared() {
    let large = with_payload(400_000).encode().unwrap();
    let small = with_payload(0).encode().unwrap();
    let cleared = small.keys_to_clear(large.extra_config.keys().map(String::as_str));
    assert_eq!(cleared.len(), large.extra_config.len() - 2);
    assert!(cleared.values().all(String::is_empty));
    assert!(large.keys_to_clear(large.extra_config.keys().map(String::as_str)).is_empty());
    assert!(small.keys_to_clear(["guestinfo.vio.desired.revision", "guestinfo.vio.status"]).is_empty());
}

#[test]
fn a_document_that_is_too_large_is_refused() {
    let error = with_payload(4_000_000).encode().unwrap_err();
    assert!(matches!(error, RenderError::TooLarge { limit: MAX_TOTAL_BYTES, .. }), "{error}");
}

#[test]
fn a_document_half_written_is_refused() {
    let encoded = with_payload(400_000).encode().unwrap();
    let mut missing = encoded.extra_config.clone();
    missing.remove("guestinfo.vio.desired.2");
    assert!(Document::decode(&missing).unwrap_err().to_string().contains("desired.2"));
    let mut torn = encoded.extra_config;
    torn.insert(REVISION_KEY.to_owned(), "0".repeat(64));
    assert!(Document::decode(&torn).unwrap_err().to_string().contains("revision"));
    assert!(Document::decode(&BTreeMap::new()).is_err());
}

#[test]
fn the_files_digest_depends_on_paths_and_contents_only() {
    let document = with_payload(0);
    let mut reordered = document.clone();
    reordered.files.reverse();
    reordered.files[0].mode = "0600".to_owned();
    assert_eq!(reordered.files_digest(), document.files_digest());
    reordered.files[0].content.push('x');
    assert_ne!(reordered.files_digest(), document.files_digest());
}

#[test]
fn the_files_digest_follows_its_rule() {
    let mut document = with_payload(0);
    let file = |path: &str, content: &str| File {
        path: path.to_owned(),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "0644".to_owned(),
        content: content.to_owned(),
    };
    document.files = vec![file("/b", "2"), file("/a", "1")];
    // printf '/a\0001\000/b\0002\000' | sha256sum
    insta::assert_snapshot!(document.files_digest(), @"06a17401a1bee9ddbc686bdbe0f49246abb8a468d196a3aa602c295be13158cd");
}
