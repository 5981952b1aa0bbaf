//! The record: what is written is read back, what is damaged is refused, addresses and indexes stay.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::codec::VERSION;
use super::*;
use crate::desired::Desired;
use crate::release::KindId;

mod addresses;
pub(crate) mod sample;

/// A record as the first provider wrote it: the file is never edited, and always readable.
const V1: &str = include_str!("../../fixtures/record/v1.json");

/// Any JSON in place of a record, as vCenter keeps it.
fn packed(json: &str) -> BTreeMap<String, String> {
    use base64::Engine as _;
    use std::io::Write as _;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(json.as_bytes()).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap());
    BTreeMap::from([(RECORD_KEY.to_owned(), "1".to_owned()), (format!("{RECORD_KEY}.1"), text)])
}

fn refusal(values: &BTreeMap<String, String>) -> String {
    match Record::decode("prod", values) {
        Err(Error::Record { deployment, why }) => {
            assert_eq!(deployment, "prod");
            why
        }
        other => panic!("{other:?}"),
    }
}

fn cloud() -> Record {
    let kinds = [(KindId::LoadBalancer, 2), (KindId::Database, 3), (KindId::Controller, 2)];
    let cloud = kinds.into_iter().fold(sample::bare(), |record, (kind, n)| sample::with(&record, kind, n));
    sample::with_compute(&cloud, "tenants")
}

/// Text that does not compress, since a record of any size must be cut into parts.
fn noise(length: usize) -> String {
    let root = sample::root_secret(9);
    let blocks = (0..).map(|n| root.derive_password(&format!("{n}")).expose().to_owned());
    let text: String = blocks.take(length / 43 + 1).collect();
    text.chars().take(length).collect()
}

fn large(length: usize) -> Record {
    let mut record = cloud();
    record.settings.datastore = noise(length);
    record
}

#[test]
fn the_first_version_is_read_for_ever() {
    let record = Record::decode("prod", &packed(V1)).unwrap().unwrap();
    assert_eq!(record.version, VERSION);
    assert_eq!(record.root_secret, sample::root_secret(7));
    assert_eq!(record.nodes_of(&ComponentId::of(KindId::Database)).len(), 3);
    let compute = &record.components[&ComponentId::compute("dc1", "tenants")].component.compute;
    assert_eq!(compute.as_ref().unwrap().vcenter.password.expose(), "vcenter password");
    assert_eq!(record.addresses.len(), record.node_names().count());
    Desired::from_record(&record).unwrap();
}

#[test]
fn members_that_the_first_version_lacks_have_defaults() {
    let least = r#"{"version": 1, "created_s": 1, "root_secret": "s", "components": {"memcache": {"node_count": 1,
        "size": {"cpus": 1, "memory_mib": 1, "disk_gib": 1}, "indexes": [1]}}, "internal_vip": "192.0.2.2",
        "public_vip": "198.51.100.2", "addresses": {"d-memcache-01": {"management": "192.0.2.3"}}, "settings":
        {"name": "d", "release": "zed", "profile": "ha", "datacenter": "dc", "cluster": "c", "datastore": "ds",
        "template": "t", "linked_clones": true, "anti_affinity": true, "management": {"network": "m",
        "cidr": "192.0.2.0/24", "gateway": "192.0.2.1", "ip_ranges": []}, "external": {"network": "e",
        "cidr": "198.51.100.0/24", "gateway": "198.51.100.1", "ip_ranges": []}}}"#;
    let record = Record::decode("d", &packed(least)).unwrap().unwrap();
    assert_eq!(record.node_names().count(), 1);
    assert_eq!(record.image, FIRST_IMAGE);
    assert_eq!(record.with_settings(record.settings.clone()).unwrap(), record);
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    for record in [sample::bare(), cloud(), large(200_000)] {
        let values = record.encode().unwrap();
        assert_eq!(Record::decode("prod", &values).unwrap(), Some(record));
    }
}

#[test]
fn a_large_record_lies_in_parts_that_a_value_can_hold() {
    let values = large(200_000).encode().unwrap();
    let parts: usize = values[RECORD_KEY].parse().unwrap();
    assert!(parts > 2, "{parts}");
    assert!(values.values().all(|value| value.len() <= 64 * 1024));
    assert_eq!(values.keys().cloned().collect::<BTreeSet<_>>(), Record::all_keys().into_iter().collect());
}

#[test]
fn a_record_that_shrinks_empties_the_parts_that_it_leaves() {
    let mut values = large(200_000).encode().unwrap();
    values.extend(cloud().encode().unwrap());
    assert_eq!(Record::decode("prod", &values).unwrap(), Some(cloud()));
    // Number of parts and one part, and the same for the copy.
    assert_eq!(values.values().filter(|value| !value.is_empty()).count(), 4);
}

#[test]
fn a_record_that_vcenter_could_not_keep_is_refused() {
    let error = large(1_000_000).encode().unwrap_err().to_string();
    assert!(error.contains("characters") && error.contains("prod"), "{error}");
}

#[test]
fn the_same_record_gives_the_same_values() {
    assert_eq!(cloud().encode().unwrap(), cloud().encode().unwrap());
}

#[test]
fn no_record_is_no_error() {
    assert_eq!(Record::decode("prod", &BTreeMap::new()).unwrap(), None);
    let emptied: BTreeMap<String, String> =
        Record::keys().into_iter().map(|key| (key, String::new())).collect();
    assert_eq!(Record::decode("prod", &emptied).unwrap(), None);
}

#[test]
fn a_newer_record_asks_for_a_newer_provider_even_if_its_layout_is_unknown() {
    for json in [V1.replacen("\"version\": 1", "\"version\": 2", 1), r#"{"version": 7}"#.to_owned()] {
        let why = Record::decode("prod", &packed(&json)).unwrap_err().to_string();
        assert!(why.contains("newer provider"), "{why}");
    }
    assert!(!refusal(&packed(r#"{"version": 0}"#)).contains("newer"));
}

#[test]
fn a_damaged_record_is_refused_and_says_where() {
    let whole = large(200_000).encode().unwrap();
    let second = format!("{RECORD_KEY}.2");
    let with = |key: &str, value: &str| {
        let mut values = whole.clone();
        values.insert(key.to_owned(), value.to_owned());
        values
    };
    let mut without = whole.clone();
    without.remove(&second);
    assert!(refusal(&without).contains(&second));
    assert!(refusal(&with(RECORD_KEY, "many")).contains(RECORD_KEY));
    for count in ["0", "9", "99999999999"] {
        assert!(refusal(&with(RECORD_KEY, count)).contains(count), "{count}");
    }
    for (key, value) in [(second.as_str(), ""), (second.as_str(), "%%%"), (RECORD_KEY, "2")] {
        refusal(&with(key, value));
    }
    for json in ["", "{}", "[]", r#"{"version": "1"}"#, r#"{"version": 1}"#, "\u{0}"] {
        refusal(&packed(json));
    }
}

#[test]
fn a_copy_is_written_with_every_record_and_needs_nothing_of_it() {
    let values = large(200_000).encode().unwrap();
    let copy: BTreeMap<String, String> =
        values.into_iter().filter(|(key, _)| Record::copy_keys().contains(key)).collect();
    assert_eq!(Record::decode("prod", &copy).unwrap(), None);
    assert_eq!(Record::decode_copy("prod", &copy).unwrap(), Some(large(200_000)));
    let without = copy.into_iter().filter(|(key, _)| *key != format!("{RECORD_COPY}.1")).collect();
    let why = Record::decode_copy("prod", &without).unwrap_err().to_string();
    assert!(why.contains("`vio.record.copy.1` is missing"), "{why}");
}

#[test]
fn a_record_without_the_address_of_a_node_is_no_plan_without_the_node() {
    let mut record = cloud();
    record.addresses.remove(&NodeName::new("prod", KindId::Database, 2));
    let error = Desired::from_record(&record).unwrap_err().to_string();
    assert!(error.contains("prod-database-02"), "{error}");
}

#[test]
fn no_formatter_shows_what_a_record_keeps_secret() {
    let shown = format!("{:?}", cloud());
    assert!(!shown.contains("vcenter password"));
}

#[test]
fn dependants_are_all_that_stand_on_a_component_by_themselves_or_through_others() {
    let id = |kind| ComponentId::of(kind);
    let compute = ComponentId::compute("dc1", "tenants");
    let mut record = cloud();
    for (on, attribute, link) in [
        (&id(KindId::Database), "load_balancer_id", "prod/load_balancer"),
        (&id(KindId::Controller), "database_id", "prod/database"),
        (&compute, "controller_pool_id", "prod/controllers"),
    ] {
        let links = &mut record.components.get_mut(on).unwrap().component.links;
        links.insert(attribute.to_owned(), link.to_owned());
    }
    let all = BTreeSet::from([id(KindId::Database), id(KindId::Controller), compute.clone()]);
    assert_eq!(record.dependants(&id(KindId::LoadBalancer)), all);
    assert_eq!(record.dependants(&id(KindId::Controller)), BTreeSet::from([compute.clone()]));
    assert_eq!(record.dependants(&compute), BTreeSet::new());
}
