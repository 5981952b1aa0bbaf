//! The part of vCenter's inventory that a deployment is placed in, as one read showed it.

use std::collections::BTreeSet;

/// What an object is called and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// Managed object id.
    pub moid: String,
    /// Its name.
    pub name: String,
    /// Its inventory path, for example `/dc1/host/mgmt`.
    pub path: String,
    /// The datacenter that it is in; its own id for a datacenter.
    pub datacenter: String,
}

impl Entity {
    /// True when a user who writes this name or inventory path means it.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.path.trim_start_matches('/') == name.trim_start_matches('/')
    }
}

/// Everything that was read.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Datacenters.
    pub datacenters: Vec<Datacenter>,
    /// Clusters with their hosts.
    pub clusters: Vec<Cluster>,
    /// Datastores.
    pub datastores: Vec<Datastore>,
    /// Networks and distributed port groups.
    pub networks: Vec<Network>,
    /// Folders of VMs.
    pub vm_folders: Vec<Entity>,
    /// Resource pools, by the pool or cluster that they are in.
    pub pools: Vec<Pool>,
}

/// A datacenter.
#[derive(Debug, Clone)]
pub struct Datacenter {
    /// Name and place.
    pub entity: Entity,
    /// Its folder of VMs.
    pub vm_folder: String,
}

/// A cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name and place.
    pub entity: Entity,
    /// Its root resource pool.
    pub root_pool: String,
    /// Hosts.
    pub hosts: Vec<Host>,
    /// Datastores that its hosts see, by id.
    pub datastores: BTreeSet<String>,
    /// Networks that its hosts see, by id.
    pub networks: BTreeSet<String>,
}

/// A host.
#[derive(Debug, Clone)]
pub struct Host {
    /// Managed object id.
    pub moid: String,
    /// Its name.
    pub name: String,
    /// Connected and not in maintenance.
    pub usable: bool,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Processor cores.
    pub cores: u32,
}

/// A datastore.
#[derive(Debug, Clone)]
pub struct Datastore {
    /// Name and place.
    pub entity: Entity,
    /// Free space in bytes.
    pub free_bytes: u64,
}

/// A network or a distributed port group.
#[derive(Debug, Clone)]
pub struct Network {
    /// Name and place.
    pub entity: Entity,
    /// Key and switch of a distributed port group.
    pub port_group: Option<PortGroup>,
}

/// What an adapter needs to be connected to a distributed port group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortGroup {
    /// Key of the port group.
    pub key: String,
    /// UUID of its switch.
    pub switch_uuid: String,
}

/// A resource pool.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Managed object id.
    pub moid: String,
    /// Its name.
    pub name: String,
    /// The pool that it is in; none for a cluster's root pool.
    pub parent: Option<String>,
}

/// A template that nodes can be made from.
#[derive(Debug, Clone, Default)]
pub struct Template {
    /// VMware Tools are known to be in the guest, by version number.
    pub has_tools: bool,
    /// Capacity of its first disk in GiB, rounded up.
    pub disk_gib: u32,
}

/// Why a name leads to no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// There is none of that name.
    #[error("there is no {what} `{name}`{place}; there {are} {known}", are = if known.contains(',') { "are" } else { "is" })]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// The name given.
        name: String,
        /// Where it was looked for, with a leading space; may be empty.
        place: String,
        /// What there is.
        known: String,
    },
    /// There are several.
    #[error("there are several {what}s `{name}`: {paths}; give the inventory path")]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// The name given.
        name: String,
        /// The paths of all.
        paths: String,
    },
}

impl Inventory {
    /// A datacenter by name or path.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn datacenter(&self, name: &str) -> Result<&Datacenter, LookupError> {
        find("datacenter", name, "", self.datacenters.iter(), |d| &d.entity)
    }

    /// A cluster of a datacenter by name or path.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn cluster(&self, datacenter: &Datacenter, name: &str) -> Result<&Cluster, LookupError> {
        let inside = self.clusters.iter().filter(|c| c.entity.datacenter == datacenter.entity.moid);
        find("cluster", name, &format!(" in the datacenter `{}`", datacenter.entity.name), inside, |c| {
            &c.entity
        })
    }

    /// A datastore that a cluster sees, by name or path.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn datastore(&self, cluster: &Cluster, name: &str) -> Result<&Datastore, LookupError> {
        let seen = self.datastores.iter().filter(|d| cluster.datastores.contains(&d.entity.moid));
        find("datastore", name, &seen_by(cluster), seen, |d| &d.entity)
    }

    /// A network that a cluster sees, by name or path.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn network(&self, cluster: &Cluster, name: &str) -> Result<&Network, LookupError> {
        let seen = self.networks.iter().filter(|n| cluster.networks.contains(&n.entity.moid));
        find("network", name, &seen_by(cluster), seen, |n| &n.entity)
    }

    /// The deployment's folder: directly in a datacenter's folder of VMs.
    pub fn deployment_folder(&self, deployment: &str) -> Option<(&Datacenter, &Entity)> {
        self.datacenters.iter().find_map(|datacenter| {
            let path = format!("{}/vm/{deployment}", datacenter.entity.path);
            self.vm_folders.iter().find(|folder| folder.path == path).map(|folder| (datacenter, folder))
        })
    }

    /// The deployment's resource pool, directly in a root pool, with the cluster that it is in.
    pub fn deployment_pool(&self, deployment: &str) -> Option<(&Cluster, &Pool)> {
        self.pools.iter().filter(|pool| pool.name == deployment).find_map(|pool| {
            let cluster = self.clusters.iter().find(|c| Some(&c.root_pool) == pool.parent.as_ref())?;
            Some((cluster, pool))
        })
    }

    /// The name of a host, empty when it was not read.
    pub fn host_name(&self, moid: &str) -> &str {
        let hosts = self.clusters.iter().flat_map(|cluster| &cluster.hosts);
        hosts.filter(|host| host.moid == moid).map(|host| host.name.as_str()).next().unwrap_or_default()
    }
}

fn seen_by(cluster: &Cluster) -> String {
    format!(" that the cluster `{}` can reach", cluster.entity.name)
}

fn find<'a, T: 'a>(
    what: &'static str,
    name: &str,
    place: &str,
    all: impl Iterator<Item = &'a T> + Clone,
    entity: impl Fn(&T) -> &Entity,
) -> Result<&'a T, LookupError> {
    let found: Vec<&T> = all.clone().filter(|t| entity(t).is_called(name)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let names: BTreeSet<String> = all.map(|t| format!("`{}`", entity(t).name)).collect();
            let known = names.into_iter().take(10).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none".to_owned() } else { known };
            Err(LookupError::NotFound { what, name: name.to_owned(), place: place.to_owned(), known })
        }
        several => {
            let paths =
                several.iter().map(|t| format!("`{}`", entity(t).path)).collect::<Vec<_>>().join(", ");
            Err(LookupError::Ambiguous { what, name: name.to_owned(), paths })
        }
    }
}
