//! The inventory without its VMs, in one call: as many objects as vCenter has hosts and folders, not as it has VMs.

use std::collections::BTreeMap;

use deploy::inventory::{Cluster, Datacenter, Datastore, Entity, Host, Inventory, Network, Pool, PortGroup};
use vim::{Client, MoRef, ObjectContent, ObjectSpec, PropSpec, PropertyValue, Selection, TraversalSpec};

use crate::error::Error;

pub(crate) async fn read(client: &Client) -> Result<Inventory, Error> {
    let what = "the inventory of vCenter";
    let root = client.service_content().await.map_err(Error::read(what))?.root_folder;
    let objects = client.retrieve(&[from_root(root)], &properties()).await.map_err(Error::read(what))?;
    Ok(Index::new(&objects).inventory())
}

fn from_root(root: MoRef) -> ObjectSpec {
    let named = |name: &str| Selection::Named(name.to_owned());
    let traverse = |name: &str, kind: &str, path: &str, select: Vec<Selection>| {
        Selection::Traverse(TraversalSpec {
            name: Some(name.to_owned()),
            kind: kind.to_owned(),
            path: path.to_owned(),
            skip: false,
            select,
        })
    };
    let below_folder =
        ["folder", "vms", "hosts", "stores", "nets", "cluster", "root-pool"].map(named).to_vec();
    let select = vec![
        traverse("folder", "Folder", "childEntity", below_folder),
        traverse("vms", "Datacenter", "vmFolder", vec![named("folder")]),
        traverse("hosts", "Datacenter", "hostFolder", vec![named("folder")]),
        traverse("stores", "Datacenter", "datastoreFolder", vec![named("folder")]),
        traverse("nets", "Datacenter", "networkFolder", vec![named("folder")]),
        traverse("cluster", "ClusterComputeResource", "host", vec![]),
        traverse("root-pool", "ClusterComputeResource", "resourcePool", vec![named("pool")]),
        traverse("pool", "ResourcePool", "resourcePool", vec![]),
    ];
    ObjectSpec { obj: root, skip: false, select }
}

fn properties() -> Vec<PropSpec> {
    vec![
        PropSpec::new("Datacenter", &["name", "parent", "vmFolder"]),
        PropSpec::new("Folder", &["name", "parent"]),
        PropSpec::new(
            "ClusterComputeResource",
            &["name", "parent", "resourcePool", "host", "datastore", "network"],
        ),
        PropSpec::new(
            "HostSystem",
            &[
                "name",
                "runtime.connectionState",
                "runtime.inMaintenanceMode",
                "summary.hardware.memorySize",
                "summary.hardware.numCpuCores",
            ],
        ),
        PropSpec::new("Datastore", &["name", "parent", "summary.freeSpace"]),
        PropSpec::new("Network", &["name", "parent"]),
        PropSpec::new("DistributedVirtualPortgroup", &["key", "config.distributedVirtualSwitch"]),
        PropSpec::new("DistributedVirtualSwitch", &["uuid"]),
        PropSpec::new("ResourcePool", &["name", "parent"]),
    ]
}

/// The objects by id.
struct Index<'a>(BTreeMap<&'a str, &'a ObjectContent>);

impl<'a> Index<'a> {
    fn new(objects: &'a [ObjectContent]) -> Self {
        Self(objects.iter().map(|object| (object.obj.value.as_str(), object)).collect())
    }

    fn inventory(&self) -> Inventory {
        let all = |kind: &'static str| self.0.values().copied().filter(move |object| object.obj.kind == kind);
        let networks = self.0.values().copied();
        let networks =
            networks.filter(|o| matches!(o.obj.kind.as_str(), "Network" | "DistributedVirtualPortgroup"));
        Inventory {
            datacenters: all("Datacenter").map(|object| self.datacenter(object)).collect(),
            clusters: all("ClusterComputeResource").map(|object| self.cluster(object)).collect(),
            datastores: all("Datastore").map(|object| self.datastore(object)).collect(),
            networks: networks.map(|object| self.network(object)).collect(),
            vm_folders: all("Folder").map(|object| self.entity(object)).collect(),
            pools: all("ResourcePool").map(pool).collect(),
        }
    }

    /// A path is made of the names up to the root folder, which has no parent and no place in it.
    fn entity(&self, object: &ObjectContent) -> Entity {
        let mut names = Vec::new();
        let mut datacenter = String::new();
        let mut next = Some(object);
        while let Some(current) = next {
            if current.obj.kind == "Datacenter" {
                datacenter.clone_from(&current.obj.value);
            }
            let parent = current.props.get("parent").and_then(PropertyValue::moref);
            if parent.is_some() {
                names.push(text(current, "name"));
            }
            next = parent.and_then(|parent| self.0.get(parent.value.as_str()).copied());
        }
        names.reverse();
        let path = format!("/{}", names.join("/"));
        Entity { moid: object.obj.value.clone(), name: text(object, "name"), path, datacenter }
    }

    fn datacenter(&self, object: &ObjectContent) -> Datacenter {
        Datacenter { entity: self.entity(object), vm_folder: reference(object, "vmFolder") }
    }

    fn cluster(&self, object: &ObjectContent) -> Cluster {
        let ids = |path: &str| references(object, path).into_iter().map(|r| r.value);
        Cluster {
            entity: self.entity(object),
            root_pool: reference(object, "resourcePool"),
            hosts: ids("host")
                .filter_map(|id| self.0.get(id.as_str()).map(|host| self::host(host)))
                .collect(),
            datastores: ids("datastore").collect(),
            networks: ids("network").collect(),
        }
    }

    fn datastore(&self, object: &ObjectContent) -> Datastore {
        Datastore { entity: self.entity(object), free_bytes: number(object, "summary.freeSpace") }
    }

    fn network(&self, object: &ObjectContent) -> Network {
        let switch = object.props.get("config.distributedVirtualSwitch").and_then(PropertyValue::moref);
        let switch = switch.and_then(|switch| self.0.get(switch.value.as_str()).copied());
        let port_group =
            switch.map(|switch| PortGroup { key: text(object, "key"), switch_uuid: text(switch, "uuid") });
        Network { entity: self.entity(object), port_group }
    }
}

fn host(object: &ObjectContent) -> Host {
    let maintenance =
        object.props.get("runtime.inMaintenanceMode").and_then(PropertyValue::bool).unwrap_or(false);
    Host {
        moid: object.obj.value.clone(),
        name: text(object, "name"),
        usable: text(object, "runtime.connectionState") == "connected" && !maintenance,
        memory_mib: number(object, "summary.hardware.memorySize") / (1024 * 1024),
        cores: u32::try_from(number(object, "summary.hardware.numCpuCores")).unwrap_or(u32::MAX),
    }
}

fn pool(object: &ObjectContent) -> Pool {
    let parent = object.props.get("parent").and_then(PropertyValue::moref).map(|parent| parent.value);
    Pool { moid: object.obj.value.clone(), name: text(object, "name"), parent }
}

/// vCenter escapes `/`, `\` and `%` in names.
fn text(object: &ObjectContent, path: &str) -> String {
    let escaped = object.props.get(path).map(|value| value.str().to_owned()).unwrap_or_default();
    escaped.replace("%2f", "/").replace("%5c", "\\").replace("%25", "%")
}

fn number(object: &ObjectContent, path: &str) -> u64 {
    let value = object.props.get(path).and_then(PropertyValue::i64).unwrap_or_default();
    u64::try_from(value).unwrap_or_default()
}

fn reference(object: &ObjectContent, path: &str) -> String {
    object.props.get(path).and_then(PropertyValue::moref).map(|r| r.value).unwrap_or_default()
}

fn references(object: &ObjectContent, path: &str) -> Vec<MoRef> {
    object.props.get(path).map(PropertyValue::morefs).unwrap_or_default()
}
