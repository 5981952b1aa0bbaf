//! What the user decided about a deployment and its components, whole and known.
//!
//! These types are also what the record stores: adding a member needs a default, renaming one needs a new version
//! of the record.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::release::{Overrides, Profile, Size};
use crate::secret::Secret;

/// The deployment as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The deployment's name.
    pub name: String,
    /// Release id.
    pub release: String,
    /// Default counts and sizes.
    pub profile: Profile,
    /// Datacenter of the management cluster, name or inventory path.
    pub datacenter: String,
    /// The management cluster.
    pub cluster: String,
    /// Datastore of the nodes' disks.
    pub datastore: String,
    /// The VM or template that the image of new nodes is cloned from.
    pub template: String,
    /// Nodes share the image's disk.
    pub linked_clones: bool,
    /// Peers of a component stay on different hosts.
    pub anti_affinity: bool,
    /// Where the nodes talk to each other.
    pub management: Network,
    /// Where the cloud's users reach it.
    pub external: Network,
    /// Port group of the DHCP nodes' trunk.
    #[serde(default)]
    pub data_network: Option<String>,
    /// What Neutron drives.
    #[serde(default)]
    pub backend: Backend,
    /// Public host name; the public address when there is none.
    #[serde(default)]
    pub public_hostname: Option<String>,
    /// The cloud administrator's password; derived when not given.
    #[serde(default)]
    pub admin_password: Option<Secret>,
    /// Certificate of the public address; the deployment's own CA signs one when not given.
    #[serde(default)]
    pub certificate: Option<Certificate>,
    /// Where nodes send their logs.
    #[serde(default)]
    pub syslog: Option<Syslog>,
}

/// One of the deployment's networks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Port group or network, name or inventory path.
    pub network: String,
    /// The subnet in CIDR notation.
    pub cidr: String,
    /// Default gateway.
    pub gateway: Ipv4Addr,
    /// Name servers.
    #[serde(default)]
    pub dns_servers: Vec<String>,
    /// Time servers.
    #[serde(default)]
    pub ntp_servers: Vec<String>,
    /// Ranges of addresses for nodes, `a-b`.
    pub ip_ranges: Vec<String>,
    /// The virtual address; the first address of the ranges when not given.
    #[serde(default)]
    pub vip: Option<Ipv4Addr>,
}

/// What Neutron drives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Backend {
    /// The distributed switch.
    #[default]
    Dvs,
    /// NSX.
    Nsx {
        /// Host or host:port of the NSX Manager.
        manager: String,
        /// User name there.
        user: String,
        /// Password there.
        password: Secret,
        /// CA to trust.
        #[serde(default)]
        ca_certificate_pem: Option<String>,
        /// Name of the transport zone.
        transport_zone: String,
    },
}

/// A certificate with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The chain, leaf first.
    pub certificate_pem: String,
    /// The leaf's key.
    pub private_key_pem: Secret,
}

/// A syslog target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Syslog {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `udp`, `tcp` or `tls`.
    pub protocol: String,
}

/// A component: what its nodes are like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// How many nodes.
    pub node_count: u32,
    /// Processors, memory and disk of each.
    pub size: Size,
    /// Options that the release declares.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Laid over the rendered files.
    #[serde(default)]
    pub overrides: Overrides,
    /// The vSphere cluster that a compute driver serves.
    #[serde(default)]
    pub compute: Option<Compute>,
    /// The components that its resource names, by attribute: what an import must say again.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// Users and groups from a directory, for controllers.
    #[serde(default)]
    pub ldap: Option<Ldap>,
}

/// The vSphere cluster that a compute driver serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compute {
    /// Datacenter as the user named it.
    pub datacenter: String,
    /// Cluster as the user named it.
    pub cluster: String,
    /// The cluster's managed object id.
    pub cluster_moid: String,
    /// Where tenant VMs live.
    pub datastores: BTreeSet<String>,
    /// Nova availability zone.
    pub availability_zone: String,
    /// The vCenter that has the cluster.
    pub vcenter: Vcenter,
    /// The user named that vCenter; else it is the one that the deployment lives in.
    #[serde(default)]
    pub elsewhere: bool,
    /// Whether it may go while tenants run VMs there, as the user wrote it: vCenter knows nothing of it, and an import
    /// must say it again.
    #[serde(default)]
    pub force_delete: Option<bool>,
}

/// A vCenter as a compute driver reaches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vcenter {
    /// Host or host:port.
    pub server: String,
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
    /// CA to trust.
    #[serde(default)]
    pub ca_certificate_pem: Option<String>,
}

/// A directory of users.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ldap {
    /// Password of the bind user.
    #[serde(default)]
    pub bind_password: Option<Secret>,
    /// The other settings, by the names that the resource gives them.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}
