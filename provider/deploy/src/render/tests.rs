//! What people read is snapshot; what must hold is asserted.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::release::{KindId, Network, Overrides, Profile, Release};

mod documents;
mod encoding;
mod first_boot;
mod overriding;
mod reports;

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
        (kind.to_string(), ComponentView { options })
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

fn add(cloud: &mut CloudView, kind: KindId, count: u32, first: u32) {
    let node = |index: u32| NodeView {
        name: format!("prod-{}-{index:02}", kind.as_str().replace('_', "-")),
        kind,
        index,
        management_address: format!("198.18.10.{}", first + index),
        external_address: (kind == KindId::LoadBalancer).then(|| format!("198.18.20.{}", first + index)),
        group: None,
    };
    cloud.nodes.insert(kind, (1..=count).map(node).collect());
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
