//! Laws of records and of what follows from them, over random histories, through the public interface alone.

#![expect(clippy::unwrap_used, reason = "every function here is part of a test")]

// The samples are the crate's own, and say `crate`.
use deploy::{name, record, release, secret, settings};

#[allow(dead_code, reason = "the crate's own tests use the rest")]
#[path = "../src/record/tests/sample.rs"]
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use deploy::address::{NodeAddresses, Range};
use deploy::desired::{Desired, DesiredNode, draining};
use deploy::render::Document;
use name::NodeName;
use proptest::prelude::*;
use record::Record;
use release::{KindId, Release};
use sample::Change;

/// A deployment over time: its record, and the nodes that exist.
struct History {
    record: Record,
    present: BTreeSet<NodeName>,
}

impl History {
    /// The record changes, nodes are made and removed as an apply that may be interrupted does it, and what nobody has
    /// is released.
    fn step(&mut self, change: &Change, removed: u8) {
        let before = self.record.addresses.clone();
        self.record = sample::changed(&self.record, change);
        self.present.extend(self.record.node_names());
        self.assert_sound();
        for (name, new) in self.record.addresses.iter().filter(|(name, _)| !before.contains_key(*name)) {
            let mut ranges = self.record.settings.management.ip_ranges.iter();
            assert!(ranges.any(|range| Range::parse(range).unwrap().contains(new.management)), "{name}");
        }
        let wanted: BTreeSet<NodeName> = self.record.node_names().collect();
        let mut goes = 0_u8;
        self.present.retain(|name| {
            goes = goes.wrapping_add(97);
            wanted.contains(name) || goes % 4 >= removed
        });
        self.record = self.record.released(&self.present);
        self.assert_sound();
        let kept = |(name, _): &(&NodeName, &NodeAddresses)| self.present.contains(name);
        for (name, addresses) in before.iter().filter(kept) {
            assert_eq!(self.record.addresses.get(name), Some(addresses), "{name} moved");
        }
    }

    fn assert_sound(&self) {
        let Record { settings, addresses, internal_vip, public_vip, .. } = &self.record;
        let reserved = [*internal_vip, *public_vip, settings.management.gateway, settings.external.gateway];
        let mut all: Vec<Ipv4Addr> = reserved.to_vec();
        all.extend(addresses.values().flat_map(|node| std::iter::once(node.management).chain(node.external)));
        let unique: BTreeSet<Ipv4Addr> = all.iter().copied().collect();
        assert_eq!(unique.len(), all.len(), "an address is given twice: {all:?}");
        let names: Vec<NodeName> = self.record.node_names().collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a name is given twice");
        for name in names.iter().chain(&self.present) {
            assert!(addresses.contains_key(name), "{name} has no address");
        }
        let external = addresses.iter().filter(|(_, node)| node.external.is_some());
        assert!(external.clone().all(|(name, _)| name.as_str().contains("load-balancer")));
    }
}

fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if let Some(byte) = bytes.get_mut(at % text.len().max(1)) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn addresses_are_unique_and_stay_while_their_node_exists(
        changes in proptest::collection::vec((sample::any_change(), 0..5_u8), 1..12),
    ) {
        let mut history = History { record: sample::bare(), present: BTreeSet::new() };
        for (change, removed) in &changes {
            history.step(change, *removed);
        }
    }

    #[test]
    fn a_change_made_twice_is_made_once(record in sample::any_record(), change in sample::any_change()) {
        let once = sample::changed(&record, &change);
        prop_assert_eq!(sample::changed(&once, &change), once);
    }

    #[test]
    fn a_record_reads_back_as_it_was_written(record in sample::any_record()) {
        let values = record.encode().unwrap();
        prop_assert_eq!(Record::decode("prod", &values).unwrap(), Some(record));
    }

    #[test]
    fn a_damaged_record_is_never_taken_for_another(record in sample::any_record(), part in 0..2_usize, at: usize) {
        let mut values = record.encode().unwrap();
        let key = if part == 0 { "vio.record" } else { "vio.record.1" };
        let damaged = flipped(&values[key], at);
        values.insert(key.to_owned(), damaged);
        if let Ok(read) = Record::decode("prod", &values) {
            prop_assert_eq!(read, Some(record));
        }
    }

    #[test]
    fn no_values_make_the_reader_panic(values: BTreeMap<String, String>, first: String, count in 0..12_u32) {
        let mut values = values;
        values.insert("vio.record".to_owned(), count.to_string());
        values.insert("vio.record.1".to_owned(), first);
        prop_assert!(Record::decode("prod", &values).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn what_is_desired_is_a_function_of_the_record(record in sample::any_record()) {
        let (one, other) = (Desired::from_record(&record).unwrap(), Desired::from_record(&record).unwrap());
        prop_assert_eq!(format!("{:?}", one), format!("{:?}", other));
        let names: Vec<NodeName> = one.components().iter().flat_map(|id| record.nodes_of(id)).collect();
        prop_assert_eq!(names.len(), one.nodes.len());
        let macs: Vec<&String> =
            one.nodes.values().flat_map(|node| node.nics.iter().map(|(nic, _)| &nic.mac)).collect();
        prop_assert_eq!(macs.iter().collect::<BTreeSet<_>>().len(), macs.len());
    }
}

fn whole_cloud() -> Record {
    let cloud =
        sample::SINGLE.into_iter().fold(sample::bare(), |record, kind| sample::with(&record, kind, 1));
    sample::with_compute(&cloud, "tenants")
}

fn revisions(record: &Record) -> BTreeMap<KindId, String> {
    let desired = Desired::from_record(record).unwrap();
    desired.nodes.values().map(|node| (node.component.kind, node.document.revision.clone())).collect()
}

/// True when nodes of a kind may know another: they need it, by themselves or through what they need, they balance its
/// load, or they work with the vCenter of its vSphere cluster.
fn uses(release: &Release, user: KindId, used: KindId) -> bool {
    let spec = &release.kinds[&user];
    let in_front = release.front_ends.iter().any(|(_, front_end)| front_end.kind == used);
    spec.hosts.contains(&used)
        || (user == KindId::LoadBalancer && in_front)
        || (used == KindId::ComputeDriver && spec.secrets.iter().any(|secret| secret == "vcenter"))
        || spec.requires.iter().any(|kind| *kind == used || uses(release, *kind, used))
}

#[test]
fn a_component_changes_only_nodes_that_use_it() {
    let whole = whole_cloud();
    let release = Release::find(&whole.settings.release).unwrap();
    let with = revisions(&whole);
    for id in whole.components.keys() {
        let without = revisions(&whole.without_component(id));
        for (kind, revision) in &without {
            if *revision != with[kind] {
                assert!(uses(release, *kind, id.kind), "{id} changes the nodes of {kind}");
            }
        }
    }
}

#[test]
fn a_load_balancer_that_drains_a_node_differs_from_the_wanted_one_in_nothing_else() {
    let record = sample::with(&sample::with(&whole_cloud(), KindId::LoadBalancer, 2), KindId::Controller, 2);
    let desired = Desired::from_record(&record).unwrap();
    let lines = |node: &DesiredNode| -> Vec<String> {
        let files = Document::decode(&node.document.extra_config).unwrap().files;
        files.iter().flat_map(|file| file.content.lines().map(str::to_owned)).collect()
    };
    for balancer in desired.nodes_of(&name::ComponentId::of(KindId::LoadBalancer)) {
        for (out, node) in &desired.nodes {
            let (wanted, drained) =
                (lines(balancer), lines(&draining(&record, &balancer.name, out).unwrap()));
            assert_eq!(wanted.len(), drained.len());
            let mut changed = 0;
            for (before, after) in wanted.iter().zip(&drained).filter(|(before, after)| before != after) {
                assert_eq!(*after, format!("{before} disabled"));
                assert!(before.contains(out.as_str()), "{before}");
                changed += 1;
            }
            assert_eq!(changed > 0, desired.is_drained(node.component.kind), "{out}");
        }
    }
}
