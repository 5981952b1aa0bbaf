//! The cloud as a node's templates see it. Everything here is decided by the plan; nothing is secret.
//!
//! A node's document is rendered from the whole view, and changes only when what its own templates use changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::release::{KindId, OptionValue, Profile};

/// A deployment, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloudView {
    /// Name of the deployment.
    pub deployment: String,
    /// Id of the release.
    pub release: String,
    /// Profile of the deployment.
    pub profile: Profile,
    /// OpenStack region.
    pub region: String,
    /// Address of the internal VIP.
    pub internal_vip: String,
    /// Address of the public VIP.
    pub public_vip: String,
    /// Name that users know the public VIP by.
    pub public_hostname: Option<String>,
    /// The management network.
    pub management: NetworkView,
    /// The external network.
    pub external: NetworkView,
    /// Name of the trunk to the tenants' networks.
    pub data_network: Option<String>,
    /// Neutron's backend.
    pub networking: NetworkingView,
    /// Where Keystone reads users and groups from, besides its database.
    pub ldap: Option<LdapView>,
    /// Where nodes send their logs.
    pub syslog: Option<SyslogView>,
    /// The nodes of each kind, by ascending index. A kind without nodes may be left out.
    pub nodes: BTreeMap<KindId, Vec<NodeView>>,
    /// Nodes that are being taken out of service: load balancers send them nothing new.
    pub draining: BTreeSet<String>,
    /// The components, by [`NodeView::component`].
    pub components: BTreeMap<String, ComponentView>,
    /// The vSphere clusters for tenants, by id `<datacenter>/<cluster>`.
    pub compute_clusters: BTreeMap<String, ComputeClusterView>,
    /// The public side of the deployment's TLS.
    pub tls: TlsView,
}

/// A network of the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkView {
    /// Name of the port group.
    pub network: String,
    /// Address range in CIDR notation.
    pub cidr: String,
    /// Length of the prefix, in bits.
    pub prefix_len: u8,
    /// Default gateway.
    pub gateway: Option<String>,
    /// Name servers.
    pub dns_servers: Vec<String>,
    /// Time servers.
    pub ntp_servers: Vec<String>,
}

/// Neutron's backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkingView {
    /// `dvs` or `nsx`.
    pub backend: String,
    /// The NSX manager, with `nsx`.
    pub nsx: Option<NsxView>,
}

/// An NSX manager; its password is the secret `nsx`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NsxView {
    /// Host, or host and port.
    pub manager: String,
    /// User name.
    pub user: String,
    /// Certificate authority to trust, PEM.
    pub ca_certificate_pem: Option<String>,
    /// Transport zone of the tenants' networks.
    pub transport_zone: String,
}

/// A directory of users; the password of its bind user is the secret `ldap`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LdapView {
    /// Its addresses, separated by commas.
    pub url: String,
    /// Distinguished name to bind with; without one Keystone reads anonymously.
    pub bind_user: Option<String>,
    /// Where users are searched.
    pub user_tree_dn: String,
    /// Where groups are searched.
    pub group_tree_dn: Option<String>,
    /// Filter that users must match.
    pub user_filter: Option<String>,
    /// Filter that groups must match.
    pub group_filter: Option<String>,
    /// Object class of users.
    pub user_objectclass: Option<String>,
    /// Attribute with a user's id.
    pub user_id_attribute: Option<String>,
    /// Attribute with the name that a user logs in with.
    pub user_name_attribute: Option<String>,
    /// Attribute with a user's mail address.
    pub user_mail_attribute: Option<String>,
    /// Whether connections switch to TLS (StartTLS).
    pub use_tls: bool,
    /// Certificate authorities to trust, PEM.
    pub ca_certificate_pem: Option<String>,
}

/// A log collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyslogView {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `udp`, `tcp` or `tls`.
    pub protocol: String,
}

/// A node of the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeView {
    /// Name of the VM and of the host.
    pub name: String,
    /// Its kind.
    pub kind: KindId,
    /// Its index in the component, from 1.
    pub index: u32,
    /// Address on the management network.
    pub management_address: String,
    /// Address on the external network, of kinds that have it.
    pub external_address: Option<String>,
    /// The compute cluster that a compute driver serves: its id in [`CloudView::compute_clusters`].
    pub group: Option<String>,
}

impl NodeView {
    /// The key of the node's component in [`CloudView::components`]: its kind, of a compute driver `compute/<group>`.
    #[must_use]
    pub fn component(&self) -> String {
        match &self.group {
            Some(group) => format!("compute/{group}"),
            None => self.kind.to_string(),
        }
    }
}

/// A component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComponentView {
    /// Every option of the kind with its value, as [`crate::release::KindSpec::resolve_options`] gives it.
    pub options: BTreeMap<String, OptionValue>,
}

/// A vSphere cluster for tenants; the password is the secret `vcenter:<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ComputeClusterView {
    /// Name or inventory path of the datacenter.
    pub datacenter: String,
    /// Name of the cluster.
    pub cluster: String,
    /// Managed object id of the cluster.
    pub cluster_moid: String,
    /// Names of the datastores of tenants' VMs, sorted.
    pub datastores: Vec<String>,
    /// Availability zone.
    pub availability_zone: String,
    /// The vCenter that has the cluster.
    pub vcenter: VcenterView,
}

/// A vCenter as a node reaches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VcenterView {
    /// Host, or host and port.
    pub server: String,
    /// User name.
    pub user: String,
    /// Certificate authority to trust, PEM.
    pub ca_certificate_pem: Option<String>,
}

/// The public side of TLS on the public VIP; the private key is [`super::SecretSource::tls_private_key_pem`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsView {
    /// Certificate of the public VIP, with its chain, PEM.
    pub certificate_pem: String,
    /// Authority that clients trust, PEM.
    pub ca_pem: String,
}
