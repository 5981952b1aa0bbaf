//! What people read is snapshot; what must hold is asserted.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::release::{KindId, Network, Overrides, Profile, Release};

mod declarations;
mod directory;
mod documents;
mod encoding;
mod first_boot;
mod inventory;
mod keys;
mod overriding;
mod reports;
mod services;

/// Secrets that a test can recognise.
struct Named;

impl SecretSource for Named {
    fn secret(&self, purpose: &str) -> Option<String> {
        Some(format!("<{purpose}>"))
    }

    fn tls_private_key_pem(&self) -> Option<String> {
        Some("-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n".to_owned())
    }
}

/// The compute cluster of the tests.
const CLUSTER: &str = "dc/tenants";

fn network(name: &str, third: u8) -> NetworkView {
    NetworkView {
        network: name.to_owned(),
        cidr: format!("198.18.{third}.0/24"),
        prefix_len: 24,
        gateway: Some(format!("198.18.{third}.1")),
        dns_servers: vec!["198.18.10.2".to_owned(), "192.0.2.53".to_owned()],
        ntp_servers: vec!["ntp.example.org".to_owned()],
    }
}

fn release() -> &'static Release {
    Release::find("zed").unwrap()
}

/// A cloud of `zed` without nodes.
fn empty_cloud() -> CloudView {
    let component = |(kind, spec): (&KindId, &crate::release::KindSpec)| {
        let options = spec.resolve_options(Profile::Ha, &BTreeMap::new());
        let key = match kind {
            KindId::ComputeDriver => format!("compute/{CLUSTER}"),
            other => other.to_string(),
        };
        (key, ComponentView { options })
    };
    CloudView {
        deployment: "prod".to_owned(),
        release: "zed".to_owned(),
        profile: Profile::Ha,
        region: "nova".to_owned(),
        internal_vip: "198.18.10.10".to_owned(),
        public_vip: "198.18.20.10".to_owned(),
        public_hostname: Some("cloud.example.org".to_owned()),
        management: network("management", 10),
        external: network("external", 20),
        data_network: None,
        networking: NetworkingView { backend: "dvs".to_owned(), nsx: None },
        ldap: None,
        syslog: None,
        nodes: BTreeMap::new(),
        draining: BTreeSet::new(),
        components: release().kinds.iter().map(component).collect(),
        compute_clusters: BTreeMap::new(),
        tls: TlsView {
            certificate_pem: "-----BEGIN CERTIFICATE-----\nleaf\n-----END CERTIFICATE-----\n".to_owned(),
            ca_pem: "-----BEGIN CERTIFICATE-----\nca\n-----END CERTIFICATE-----\n".to_owned(),
        },
    }
}

/// The same cloud in another release.
fn of(release: &Release, mut cloud: CloudView) -> CloudView {
    cloud.release = release.id.to_string();
    for (kind, spec) in &release.kinds {
        let component = match kind {
            KindId::ComputeDriver => format!("compute/{CLUSTER}"),
            other => other.to_string(),
        };
        let options = spec.resolve_options(Profile::Ha, &BTreeMap::new());
        cloud.components.insert(component, ComponentView { options });
    }
    cloud
}

fn add(cloud: &mut CloudView, kind: KindId, count: u32, first: u32) {
    let node = |index: u32| NodeView {
        name: format!("prod-{}-{index:02}", kind.as_str().replace('_', "-")),
        kind,
        index,
        management_address: format!("198.18.10.{}", first + index),
        external_address: (kind == KindId::LoadBalancer).then(|| format!("198.18.20.{}", first + index)),
        group: (kind == KindId::ComputeDriver).then(|| CLUSTER.to_owned()),
    };
    cloud.nodes.insert(kind, (1..=count).map(node).collect());
    if kind == KindId::ComputeDriver {
        cloud.compute_clusters.insert(CLUSTER.to_owned(), compute_cluster());
    }
}

fn compute_cluster() -> ComputeClusterView {
    ComputeClusterView {
        datacenter: "/folder/dc".to_owned(),
        cluster: "/folder/dc/host/tenants".to_owned(),
        cluster_moid: "domain-c8".to_owned(),
        datastores: vec!["nfs-1".to_owned(), "vsan (1)".to_owned()],
        availability_zone: "zone-a".to_owned(),
        vcenter: VcenterView {
            server: "vcenter.example.org".to_owned(),
            user: "svc$vio@vsphere.local".to_owned(),
            ca_certificate_pem: Some(
                "-----BEGIN CERTIFICATE-----\nvc\n-----END CERTIFICATE-----\n".to_owned(),
            ),
        },
    }
}

/// Load balancers 2, database 3, queue 2, memcache 2, controllers 2.
fn cloud() -> CloudView {
    let mut cloud = empty_cloud();
    let counts = [
        (KindId::LoadBalancer, 2, 10),
        (KindId::Database, 3, 20),
        (KindId::MessageQueue, 2, 30),
        (KindId::Memcache, 2, 40),
        (KindId::Controller, 2, 50),
    ];
    for (kind, count, first) in counts {
        add(&mut cloud, kind, count, first);
    }
    cloud
}

/// The same with every other kind.
fn whole_cloud() -> CloudView {
    let mut cloud = cloud();
    add(&mut cloud, KindId::ComputeDriver, 1, 60);
    add(&mut cloud, KindId::Dhcp, 2, 70);
    add(&mut cloud, KindId::ObjectStorage, 2, 80);
    cloud.data_network = Some("trunk".to_owned());
    cloud
}

/// The same over NSX.
fn nsx_cloud() -> CloudView {
    let mut cloud = whole_cloud();
    cloud.networking = NetworkingView {
        backend: "nsx".to_owned(),
        nsx: Some(NsxView {
            manager: "nsx.example.org".to_owned(),
            user: "admin".to_owned(),
            ca_certificate_pem: Some(
                "-----BEGIN CERTIFICATE-----\nnsx\n-----END CERTIFICATE-----\n".to_owned(),
            ),
            transport_zone: "overlay".to_owned(),
        }),
    };
    cloud
}

/// The same with a directory of users.
fn ldap_cloud() -> CloudView {
    let mut cloud = whole_cloud();
    cloud.ldap = Some(LdapView {
        url: "ldaps://ldap.example.com".to_owned(),
        bind_user: Some("cn=keystone,dc=example,dc=com".to_owned()),
        user_tree_dn: "ou=people,dc=example,dc=com".to_owned(),
        ..LdapView::default()
    });
    cloud
}

fn node(cloud: &CloudView, kind: KindId, index: usize) -> NodeView {
    cloud.nodes[&kind][index - 1].clone()
}

fn render_with(
    cloud: &CloudView,
    kind: KindId,
    index: usize,
    overrides: &Overrides,
) -> Result<Document, RenderError> {
    render_node(release(), cloud, &node(cloud, kind, index), overrides, &Named)
}

fn render(cloud: &CloudView, kind: KindId, index: usize) -> Document {
    render_with(cloud, kind, index, &Overrides::new()).unwrap()
}

fn content<'a>(document: &'a Document, path: &str) -> &'a str {
    &document.files.iter().find(|file| file.path == path).unwrap().content
}

fn one_override(file: &str, section: &str, key: &str, value: &str) -> Overrides {
    let setting = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    Overrides::from([(file.to_owned(), BTreeMap::from([(section.to_owned(), setting)]))])
}
