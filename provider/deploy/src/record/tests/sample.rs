//! Records to test with: small ones made by hand, and random ones.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::select;

use crate::name::ComponentId;
use crate::record::Record;
use crate::release::{KindId, KindSpec, Profile, Release, Size};
use crate::secret::{RootSecret, Secret};
use crate::settings::{Backend, Component, Compute, Network, Settings, Vcenter};

/// 2026-01-01T00:00:00Z.
pub(crate) const CREATED_S: u64 = 1_767_225_600;

/// The kinds that a deployment has once.
pub(crate) const SINGLE: [KindId; 7] = [
    KindId::LoadBalancer,
    KindId::Database,
    KindId::MessageQueue,
    KindId::Memcache,
    KindId::Controller,
    KindId::Dhcp,
    KindId::ObjectStorage,
];

pub(crate) fn settings(name: &str) -> Settings {
    Settings {
        name: name.to_owned(),
        release: "zed".to_owned(),
        profile: Profile::Ha,
        datacenter: "dc1".to_owned(),
        cluster: "mgmt".to_owned(),
        datastore: "ds1".to_owned(),
        template: "debian-12".to_owned(),
        linked_clones: true,
        anti_affinity: true,
        management: network("198.18.0", &["198.18.0.10-198.18.0.200"]),
        external: network("198.19.0", &["198.19.0.10-198.19.0.20"]),
        data_network: Some("trunk".to_owned()),
        backend: Backend::Dvs,
        public_hostname: Some("cloud.example.org".to_owned()),
        admin_password: None,
        certificate: None,
        syslog: None,
    }
}

fn network(prefix: &str, ranges: &[&str]) -> Network {
    Network {
        network: format!("net-{prefix}"),
        cidr: format!("{prefix}.0/24"),
        gateway: format!("{prefix}.1").parse().unwrap(),
        dns_servers: vec![format!("{prefix}.2")],
        ntp_servers: vec![],
        ip_ranges: ranges.iter().map(|range| (*range).to_owned()).collect(),
        vip: None,
    }
}

pub(crate) fn root_secret(byte: u8) -> RootSecret {
    RootSecret::from_random([byte; 32])
}

/// A deployment without components.
pub(crate) fn bare() -> Record {
    Record::new(settings("prod"), root_secret(7), CREATED_S).unwrap()
}

pub(crate) fn release(record: &Record) -> &'static Release {
    Release::find(&record.settings.release).unwrap()
}

fn spec(record: &Record, kind: KindId) -> &'static KindSpec {
    &release(record).kinds[&kind]
}

/// The record with a component of so many nodes of the default size.
pub(crate) fn with(record: &Record, kind: KindId, count: u32) -> Record {
    let component = component(spec(record, kind).default_size(record.settings.profile), count);
    record.with_component(release(record), &ComponentId::of(kind), component).unwrap()
}

pub(crate) fn component(size: Size, node_count: u32) -> Component {
    Component {
        node_count,
        size,
        options: BTreeMap::new(),
        overrides: BTreeMap::new(),
        compute: None,
        links: BTreeMap::new(),
        ldap: None,
    }
}

/// The record with the compute driver of a vSphere cluster.
pub(crate) fn with_compute(record: &Record, cluster: &str) -> Record {
    let size = spec(record, KindId::ComputeDriver).default_size(record.settings.profile);
    let compute = Compute {
        datacenter: "dc1".to_owned(),
        cluster: cluster.to_owned(),
        cluster_moid: format!("domain-{cluster}"),
        datastores: BTreeSet::from(["ds2".to_owned()]),
        availability_zone: "nova".to_owned(),
        vcenter: Vcenter {
            server: "vcenter.example.org".to_owned(),
            user: "nova@vsphere.local".to_owned(),
            password: Secret::new("vcenter password"),
            ca_certificate_pem: None,
        },
        elsewhere: false,
        force_delete: None,
    };
    let component = Component { compute: Some(compute), ..component(size, 1) };
    record.with_component(release(record), &ComponentId::compute("dc1", cluster), component).unwrap()
}

/// A change of a deployment as users make them.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Scale(KindId, u32),
    Resize(KindId, u32),
    Remove(KindId),
    AddCluster(String),
    RemoveCluster(String),
    AntiAffinity(bool),
    LinkedClones(bool),
    Template(String),
    NameServer(u8),
    Ranges(Vec<String>),
    Zone(Option<String>),
}

/// NSX with a transport zone, or the distributed switch.
pub(crate) fn backend(zone: Option<&str>) -> Backend {
    zone.map_or(Backend::Dvs, |zone| Backend::Nsx {
        manager: "nsx.example.org".to_owned(),
        user: "admin".to_owned(),
        password: Secret::new("nsx password"),
        ca_certificate_pem: None,
        transport_zone: zone.to_owned(),
    })
}

/// Ranges that hold enough for every node, in parts of the network that overlap from case to case.
fn any_ranges() -> impl Strategy<Value = Vec<String>> {
    (2..40_u8, 120..150_u8, 200..250_u8).prop_map(|(first, last, one)| {
        vec![format!("198.18.0.{one}-198.18.0.{one}"), format!("198.18.0.{first}-198.18.0.{last}")]
    })
}

pub(crate) fn any_change() -> impl Strategy<Value = Change> {
    let scale = select(SINGLE.to_vec()).prop_flat_map(|kind| {
        let spec = &Release::find("zed").unwrap().kinds[&kind];
        let counts: Vec<u32> =
            (spec.count.min..=spec.count.max).filter(|count| spec.check_count(*count).is_ok()).collect();
        (Just(kind), select(counts))
    });
    let cluster = || select(vec!["c1", "c2", "c3"]).prop_map(str::to_owned);
    prop_oneof![
        8 => scale.prop_map(|(kind, count)| Change::Scale(kind, count)),
        2 => (select(SINGLE.to_vec()), 1..9_u32).prop_map(|(kind, cpus)| Change::Resize(kind, cpus)),
        2 => select(SINGLE.to_vec()).prop_map(Change::Remove),
        3 => cluster().prop_map(Change::AddCluster),
        3 => cluster().prop_map(Change::RemoveCluster),
        1 => any::<bool>().prop_map(Change::AntiAffinity),
        1 => any::<bool>().prop_map(Change::LinkedClones),
        1 => select(vec!["debian-12", "debian-13"]).prop_map(|name| Change::Template(name.to_owned())),
        1 => any::<u8>().prop_map(Change::NameServer),
        1 => any_ranges().prop_map(Change::Ranges),
        2 => select(vec![None, Some("overlay"), Some("other")]).prop_map(|zone| Change::Zone(zone.map(str::to_owned))),
    ]
}

/// The record after a change; as it was, when the change is refused because a node has an address that it asks for.
pub(crate) fn changed(record: &Record, change: &Change) -> Record {
    let settings = |edit: &dyn Fn(&mut Settings)| {
        let mut settings = record.settings.clone();
        edit(&mut settings);
        record.with_settings(settings).unwrap_or_else(|_| record.clone())
    };
    match change {
        Change::Scale(kind, count) => with(record, *kind, *count),
        Change::Resize(kind, cpus) => match record.components.get(&ComponentId::of(*kind)) {
            None => record.clone(),
            Some(membership) => {
                let mut component = membership.component.clone();
                component.size.cpus = *cpus;
                record.with_component(release(record), &ComponentId::of(*kind), component).unwrap()
            }
        },
        Change::Remove(kind) => record.without_component(&ComponentId::of(*kind)),
        Change::AddCluster(cluster) => with_compute(record, cluster),
        Change::RemoveCluster(cluster) => record.without_component(&ComponentId::compute("dc1", cluster)),
        Change::AntiAffinity(on) => settings(&|settings| settings.anti_affinity = *on),
        Change::LinkedClones(on) => settings(&|settings| settings.linked_clones = *on),
        Change::Template(template) if *template == record.settings.template => record.clone(),
        Change::Template(template) => {
            let image = record.image + 1;
            settings(&|settings| settings.template.clone_from(template)).with_image(image)
        }
        Change::NameServer(byte) => {
            settings(&|settings| settings.management.dns_servers = vec![format!("198.18.0.{byte}")])
        }
        Change::Ranges(ranges) => settings(&|settings| settings.management.ip_ranges = ranges.clone()),
        Change::Zone(zone) => settings(&|settings| settings.backend = backend(zone.as_deref())),
    }
}

/// A deployment with a random history.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    proptest::collection::vec(any_change(), 0..8)
        .prop_map(|changes| changes.iter().fold(bare(), |record, change| changed(&record, change)))
}
