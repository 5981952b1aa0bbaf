//! The record as the templates of node files see it.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Cidr;
use crate::error::Error;
use crate::name::{ComponentId, NodeName};
use crate::pki;
use crate::record::{Membership, Record};
use crate::release::{KindId, Release};
use crate::render::{
    CloudView, ComponentView, ComputeClusterView, LdapView, NetworkView, NetworkingView, NodeView, NsxView,
    SecretSource, SyslogView, TlsView, VcenterView,
};
use crate::secret::Secret;
use crate::settings::{Backend, Compute, Ldap, Network};

/// OpenStack's default region in VIO.
const REGION: &str = "nova";

/// Where templates get secrets from: given by the user, or derived.
pub(super) struct Secrets<'a> {
    record: &'a Record,
    tls: pki::Tls,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(record: &'a Record) -> Result<Self, Error> {
        Ok(Self { record, tls: pki::public_tls(record)? })
    }

    fn given(&self, purpose: &str) -> Option<&Secret> {
        match (purpose, &self.record.settings.backend) {
            ("admin", _) => self.record.settings.admin_password.as_ref(),
            ("nsx", Backend::Nsx { password, .. }) => Some(password),
            ("ldap", _) => ldap(self.record)?.bind_password.as_ref(),
            _ => {
                let cluster = purpose.strip_prefix("vcenter:")?;
                self.compute(cluster).map(|compute| &compute.vcenter.password)
            }
        }
    }

    fn compute(&self, cluster: &str) -> Option<&Compute> {
        let found = self.record.components.iter().find(|(id, _)| id.group.as_deref() == Some(cluster));
        found.and_then(|(_, membership)| membership.component.compute.as_ref())
    }
}

impl SecretSource for Secrets<'_> {
    fn secret(&self, purpose: &str) -> Option<String> {
        if let Some(given) = self.given(purpose) {
            return Some(given.expose().to_owned());
        }
        if purpose == "ssh_host_key" {
            return Some(pki::ssh_host_key(self.record).ok()?.private_key_pem.expose().to_owned());
        }
        // Passwords of other systems cannot be derived.
        if ["ldap", "nsx"].contains(&purpose) || purpose.starts_with("vcenter:") {
            return None;
        }
        Some(self.record.root_secret.derive_password(purpose).expose().to_owned())
    }

    fn tls_private_key_pem(&self) -> Option<String> {
        Some(self.tls.private_key_pem.expose().to_owned())
    }
}

/// The whole cloud.
pub(super) fn cloud(record: &Record, release: &Release, secrets: &Secrets<'_>) -> Result<CloudView, Error> {
    let settings = &record.settings;
    Ok(CloudView {
        deployment: settings.name.clone(),
        release: settings.release.clone(),
        profile: settings.profile,
        region: REGION.to_owned(),
        internal_vip: record.internal_vip.to_string(),
        public_vip: record.public_vip.to_string(),
        public_hostname: settings.public_hostname.clone(),
        management: network(&settings.management)?,
        external: network(&settings.external)?,
        data_network: settings.data_network.clone(),
        networking: networking(&settings.backend),
        ldap: ldap(record).map(ldap_view),
        syslog: settings.syslog.as_ref().map(|syslog| SyslogView {
            host: syslog.host.clone(),
            port: syslog.port,
            protocol: syslog.protocol.clone(),
        }),
        nodes: nodes(record),
        draining: BTreeSet::new(),
        components: components(record, release),
        compute_clusters: compute_clusters(record),
        tls: TlsView {
            certificate_pem: secrets.tls.certificate_pem.clone(),
            ca_pem: pki::ca_certificate_pem(record)?,
        },
    })
}

fn network(network: &Network) -> Result<NetworkView, Error> {
    Ok(NetworkView {
        network: network.network.clone(),
        cidr: network.cidr.clone(),
        prefix_len: Cidr::parse(&network.cidr)?.prefix_len(),
        gateway: Some(network.gateway.to_string()),
        dns_servers: network.dns_servers.clone(),
        ntp_servers: network.ntp_servers.clone(),
    })
}

fn networking(backend: &Backend) -> NetworkingView {
    match backend {
        Backend::Dvs => NetworkingView { backend: "dvs".to_owned(), nsx: None },
        Backend::Nsx { manager, user, password: _, ca_certificate_pem, transport_zone } => NetworkingView {
            backend: "nsx".to_owned(),
            nsx: Some(NsxView {
                manager: manager.clone(),
                user: user.clone(),
                ca_certificate_pem: ca_certificate_pem.clone(),
                transport_zone: transport_zone.clone(),
            }),
        },
    }
}

fn ldap(record: &Record) -> Option<&Ldap> {
    record.components.values().find_map(|membership| membership.component.ldap.as_ref())
}

fn ldap_view(ldap: &Ldap) -> LdapView {
    let given = |name: &str| ldap.settings.get(name).cloned();
    LdapView {
        url: given("url").unwrap_or_default(),
        bind_user: given("bind_user"),
        user_tree_dn: given("user_tree_dn").unwrap_or_default(),
        group_tree_dn: given("group_tree_dn"),
        user_filter: given("user_filter"),
        group_filter: given("group_filter"),
        user_objectclass: given("user_objectclass"),
        user_id_attribute: given("user_id_attribute"),
        user_name_attribute: given("user_name_attribute"),
        user_mail_attribute: given("user_mail_attribute"),
        use_tls: given("use_tls").as_deref() == Some("true"),
        ca_certificate_pem: given("ca_certificate_pem"),
    }
}

fn nodes(record: &Record) -> BTreeMap<KindId, Vec<NodeView>> {
    // A kind without nodes is an empty list to templates: controllers may outlive their message queue for a while.
    let mut nodes: BTreeMap<KindId, Vec<NodeView>> = KindId::ALL.map(|kind| (kind, Vec::new())).into();
    for (id, Membership { component: _, indexes, complete: _ }) in &record.components {
        for index in indexes {
            let name = NodeName::new(&record.settings.name, id.kind, *index);
            let Some(addresses) = record.addresses.get(&name) else { continue };
            nodes.entry(id.kind).or_default().push(NodeView {
                name: name.to_string(),
                kind: id.kind,
                index: *index,
                management_address: addresses.management.to_string(),
                external_address: addresses.external.map(|address| address.to_string()),
                group: id.group.clone(),
            });
        }
    }
    for peers in nodes.values_mut() {
        peers.sort_by_key(|node| node.index);
    }
    nodes
}

fn components(record: &Record, release: &Release) -> BTreeMap<String, ComponentView> {
    let view = |(id, membership): (&ComponentId, &Membership)| {
        let kind = release.kinds.get(&id.kind)?;
        let options = kind.resolve_options(record.settings.profile, &membership.component.options);
        let key = id.group.as_ref().map_or_else(|| id.kind.to_string(), |group| format!("compute/{group}"));
        Some((key, ComponentView { options }))
    };
    record.components.iter().filter_map(view).collect()
}

fn compute_clusters(record: &Record) -> BTreeMap<String, ComputeClusterView> {
    let view = |(id, membership): (&ComponentId, &Membership)| {
        let compute = membership.component.compute.as_ref()?;
        let vcenter = &compute.vcenter;
        let cluster = ComputeClusterView {
            datacenter: compute.datacenter.clone(),
            cluster: compute.cluster.clone(),
            cluster_moid: compute.cluster_moid.clone(),
            datastores: compute.datastores.iter().cloned().collect(),
            availability_zone: compute.availability_zone.clone(),
            vcenter: VcenterView {
                server: vcenter.server.clone(),
                user: vcenter.user.clone(),
                ca_certificate_pem: vcenter.ca_certificate_pem.clone(),
            },
        };
        Some((id.group.clone()?, cluster))
    };
    record.components.iter().filter_map(view).collect()
}
