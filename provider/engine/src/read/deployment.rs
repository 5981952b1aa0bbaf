//! A deployment in two calls, however many nodes it has: its VMs with their marks, then its image with the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use deploy::inventory::Inventory;
use deploy::lease::{self, Lease};
use deploy::marks;
use deploy::name::{ComponentId, FIRST_IMAGE, NodeName, later_image_name, rule_name};
use deploy::observed::{Image, LaterImage, Node, Observed, Place, Rule};
use deploy::record::Record;
use deploy::release::{KindId, Size};
use deploy::render::{GuestStatus, REVISION_KEY, STATUS_KEY};
use vim::{
    AntiAffinityRule, Client, Device, MoRef, ObjectContent, ObjectSpec, PropSpec, PropertyValue, Selection,
    TraversalSpec,
};

use crate::deployment::{Deployment, ImageRefs, Refs, Wants};
use crate::error::Error;

/// The property path of one ExtraConfig key.
pub(crate) fn extra(key: &str) -> String {
    format!("config.extraConfig[\"{key}\"]")
}

/// The rules of a cluster.
pub(crate) const RULES: &str = "configurationEx";

pub(crate) async fn read(
    client: &Client,
    name: &str,
    inventory: Arc<Inventory>,
    wants: Arc<Wants>,
) -> Result<Option<Deployment>, Error> {
    let (folder, pool) = (inventory.deployment_folder(name), inventory.deployment_pool(name));
    if folder.is_none() && pool.is_none() {
        return Ok(None);
    }
    let folder = folder.map(|(_, folder)| MoRef::new("Folder", &folder.moid));
    let cluster = pool.map(|(cluster, _)| MoRef::new("ClusterComputeResource", &cluster.entity.moid));
    let pool = pool.map(|(_, pool)| MoRef::new("ResourcePool", &pool.moid));
    let objects: Vec<ObjectSpec> = [
        folder.clone().map(|folder| below(folder, "childEntity")),
        pool.clone().map(|pool| below(pool, "vm")),
        cluster.map(ObjectSpec::one),
    ]
    .into_iter()
    .flatten()
    .collect();
    let what = format!("the VMs of deployment `{name}`");
    let mut found = client.retrieve(&objects, &properties()).await.map_err(Error::read(&what))?;
    found.sort_by_key(|object| is_renamed(object, name));
    let mut view = Deployment {
        name: name.to_owned(),
        observed: Observed { folder: folder.is_some(), pool: pool.is_some(), ..Observed::default() },
        folder_path: folder_path(&inventory, name),
        refs: Refs { folder, pool, ..Refs::default() },
        inventory,
        record_problem: None,
        unreadable: Vec::new(),
        nsx_problem: None,
        desired: OnceLock::new(),
        wants,
    };
    let image = found.iter().fold(None, |image, object| add(object, &mut view).or(image));
    if let Some(vm) = image {
        read_image(client, vm, &mut view).await?;
    }
    // A pool with others' VMs in it is somebody else's, an empty one may be what is left of the deployment.
    let foreign_pool = found.iter().any(|object| object.obj.kind == "VirtualMachine");
    let Observed { image, later_images, nodes, .. } = &view.observed;
    let marked = image.is_some() || !later_images.is_empty() || !nodes.is_empty();
    if !view.observed.folder && !marked && foreign_pool {
        return Ok(None);
    }
    read_rules_without_pool(client, &mut view).await?;
    Ok(Some(view))
}

/// A deployment that was found like this, with its image as it is now.
pub(crate) async fn with_image_of_now(client: &Client, found: &Deployment) -> Result<Deployment, Error> {
    let mut view = found.without_record();
    if let Some(image) = &found.refs.image {
        read_image(client, image.vm.clone(), &mut view).await?;
    }
    Ok(view)
}

/// Everything that is directly in a folder or pool.
fn below(parent: MoRef, path: &str) -> ObjectSpec {
    let select = vec![Selection::Traverse(TraversalSpec {
        name: None,
        kind: parent.kind.clone(),
        path: path.to_owned(),
        skip: false,
        select: Vec::new(),
    })];
    ObjectSpec { obj: parent, skip: true, select }
}

/// Where the folder is, or would be.
fn folder_path(inventory: &Inventory, name: &str) -> String {
    if let Some((_, folder)) = inventory.deployment_folder(name) {
        return folder.path.clone();
    }
    let cluster = inventory.deployment_pool(name).map(|(cluster, _)| &cluster.entity.datacenter);
    let mut datacenters = inventory.datacenters.iter();
    let home = datacenters.find(|datacenter| Some(&datacenter.entity.moid) == cluster);
    format!("{}/vm/{name}", home.map(|home| home.entity.path.as_str()).unwrap_or_default())
}

/// Adds what was read of one object; returns the image.
fn add(object: &ObjectContent, view: &mut Deployment) -> Option<MoRef> {
    if object.obj.kind == "ClusterComputeResource" {
        view.observed.rules = rules(object, &view.name);
    }
    if object.obj.kind != "VirtualMachine" {
        return None;
    }
    match role(object, &view.name) {
        Role::Image => return Some(object.obj.clone()),
        Role::LaterImage(number) => add_later_image(object, number, view),
        Role::Node(component, index) => add_node(object, component, index, view),
        Role::Unreadable => view.unreadable.push(format!("`{}`", text(object, "name"))),
        // In the pool alone it is nobody's business.
        Role::Foreign if is_in(object, "parent", view.refs.folder.as_ref()) => {
            view.observed.foreign.insert(text(object, "name"));
        }
        Role::Foreign => {}
    }
    None
}

/// The pool leads to the cluster whose rules part the nodes; without it the record does.
async fn read_rules_without_pool(client: &Client, view: &mut Deployment) -> Result<(), Error> {
    let Some(record) = view.record().filter(|_| !view.observed.pool) else { return Ok(()) };
    let (inventory, settings) = (&view.inventory, &record.settings);
    let Ok(datacenter) = inventory.datacenter(&settings.datacenter) else { return Ok(()) };
    let Ok(cluster) = inventory.cluster(datacenter, &settings.cluster) else { return Ok(()) };
    let cluster = ObjectSpec::one(MoRef::new("ClusterComputeResource", &cluster.entity.moid));
    let what = format!("the rules of deployment `{}`", view.name);
    let found = client.retrieve(&[cluster], &properties()).await.map_err(Error::read(what))?;
    view.observed.rules = found.first().map(|object| rules(object, &view.name)).unwrap_or_default();
    Ok(())
}

/// True when the object is in that folder or pool.
fn is_in(object: &ObjectContent, path: &str, parent: Option<&MoRef>) -> bool {
    let found = object.props.get(path).and_then(PropertyValue::moref);
    parent.is_some() && found.as_ref() == parent
}

fn properties() -> Vec<PropSpec> {
    let keys = [
        marks::DEPLOYMENT,
        marks::ROLE,
        marks::COMPONENT,
        marks::INDEX,
        marks::TEMPLATE,
        marks::REVISION,
        marks::FILES_DIGEST,
        marks::PARTS,
        REVISION_KEY,
        STATUS_KEY,
    ];
    let mut vm = PropSpec::new(
        "VirtualMachine",
        &[
            "name",
            "parent",
            "resourcePool",
            "network",
            "summary.config.numEthernetCards",
            "runtime.powerState",
            "runtime.host",
            "guest.toolsRunningStatus",
            "config.hardware.numCPU",
            "config.hardware.memoryMB",
        ],
    );
    vm.paths.extend(keys.into_iter().map(extra));
    vec![vm, PropSpec::new("ClusterComputeResource", &[RULES])]
}

enum Role {
    Image,
    LaterImage(u32),
    Node(ComponentId, u32),
    /// vCenter does not know its configuration, or does not show it to the user.
    Unreadable,
    Foreign,
}

/// A node is known by its marks, not by its VM's name, which anybody may change.
fn role(object: &ObjectContent, deployment: &str) -> Role {
    if text(object, &extra(marks::DEPLOYMENT)) != deployment {
        let named_like_ours = text(object, "name").starts_with(&format!("{deployment}-"));
        let configured = object.props.contains_key("config.hardware.numCPU");
        return if named_like_ours && !configured { Role::Unreadable } else { Role::Foreign };
    }
    let component = text(object, &extra(marks::COMPONENT)).parse();
    let index = text(object, &extra(marks::INDEX)).parse();
    match (text(object, &extra(marks::ROLE)).as_str(), component, index) {
        (marks::ROLE_IMAGE, _, _) => Role::Image,
        (marks::ROLE_LATER_IMAGE, _, Ok(number)) if number > FIRST_IMAGE => Role::LaterImage(number),
        (marks::ROLE_NODE, Ok(component), Ok(index)) => Role::Node(component, index),
        _ => Role::Foreign,
    }
}

/// True for a node or a later image whose VM has another name.
fn is_renamed(object: &ObjectContent, deployment: &str) -> bool {
    match role(object, deployment) {
        Role::Node(component, index) => {
            text(object, "name") != NodeName::new(deployment, component.kind, index).as_str()
        }
        Role::LaterImage(number) => text(object, "name") != later_image_name(deployment, number),
        Role::Image | Role::Unreadable | Role::Foreign => false,
    }
}

/// Of two VMs that claim to be one image, the first is it, as with nodes. Its snapshot is read with the record.
fn add_later_image(object: &ObjectContent, number: u32, view: &mut Deployment) {
    if view.observed.later_images.contains_key(&number) {
        view.observed.foreign.insert(text(object, "name"));
        return;
    }
    let folder = view.refs.folder.as_ref();
    let image = LaterImage {
        template: text(object, &extra(marks::TEMPLATE)),
        has_snapshot: false,
        left_folder: folder.is_some() && !is_in(object, "parent", folder),
    };
    let (vm, change_version) = (object.obj.clone(), String::new());
    let refs = ImageRefs { vm, snapshot: None, change_version, devices: Vec::new() };
    view.refs.later_images.insert(number, refs);
    view.observed.later_images.insert(number, image);
}

/// Of two VMs that claim to be one node, that of its name is it, and comes first: the other has another's marks.
fn add_node(object: &ObjectContent, component: ComponentId, index: u32, view: &mut Deployment) {
    let name = NodeName::new(&view.name, component.kind, index);
    let place = place(object, &name, view);
    if view.observed.nodes.contains_key(&name) && place.renamed {
        view.observed.foreign.insert(text(object, "name"));
        return;
    }
    let host = object.props.get("runtime.host").and_then(PropertyValue::moref);
    let inventory = &view.inventory;
    let node = Node {
        moid: object.obj.value.clone(),
        host: host.map(|host| inventory.host_name(&host.value).to_owned()).unwrap_or_default(),
        place,
        powered_on: text(object, "runtime.powerState") == "poweredOn",
        tools_running: text(object, "guest.toolsRunningStatus") == "guestToolsRunning",
        component,
        revision: text(object, &extra(marks::REVISION)),
        files_digest: text(object, &extra(marks::FILES_DIGEST)),
        told: text(object, &extra(REVISION_KEY)),
        document_parts: text(object, &extra(marks::PARTS)).parse().unwrap_or_default(),
        size: Size {
            cpus: number(object, "config.hardware.numCPU"),
            memory_mib: number(object, "config.hardware.memoryMB"),
            disk_gib: 0,
        },
        status: GuestStatus::parse(&text(object, &extra(STATUS_KEY))).ok(),
    };
    view.refs.nodes.insert(name.clone(), object.obj.clone());
    view.observed.nodes.insert(name, node);
}

fn place(object: &ObjectContent, name: &NodeName, view: &Deployment) -> Place {
    let connected = object.props.get("network").map(PropertyValue::morefs).unwrap_or_default();
    let known = |network: &MoRef| {
        let mut all = view.inventory.networks.iter();
        all.find(|known| known.entity.moid == network.value).map(|known| known.entity.clone())
    };
    let left = |path: &str, home: Option<&MoRef>| home.is_some() && !is_in(object, path, home);
    Place {
        renamed: text(object, "name") != name.as_str(),
        left_folder: left("parent", view.refs.folder.as_ref()),
        left_pool: left("resourcePool", view.refs.pool.as_ref()),
        networks: connected.iter().filter_map(known).collect(),
        adapters: number(object, "summary.config.numEthernetCards"),
    }
}

fn rules(object: &ObjectContent, deployment: &str) -> BTreeMap<String, Rule> {
    let names: BTreeSet<String> = KindId::ALL.iter().map(|kind| rule_name(deployment, *kind)).collect();
    all_rules(object)
        .into_iter()
        .filter(|rule| names.contains(&rule.name))
        .map(|rule| {
            let members = rule.vms.iter().map(|vm| vm.value.clone()).collect();
            (rule.name, Rule { members, enabled: rule.enabled })
        })
        .collect()
}

/// Every anti-affinity rule of a cluster that was read with [`RULES`].
pub(crate) fn all_rules(object: &ObjectContent) -> Vec<AntiAffinityRule> {
    object.props.get(RULES).map(AntiAffinityRule::parse_all).unwrap_or_default()
}

/// What a clone of an image must know.
fn image_refs(vm: MoRef, object: Option<&ObjectContent>) -> ImageRefs {
    let value = |path: &str| object.and_then(|object| object.props.get(path));
    ImageRefs {
        vm,
        snapshot: value("snapshot.currentSnapshot").and_then(PropertyValue::moref),
        change_version: value("config.changeVersion").map(|v| v.str().to_owned()).unwrap_or_default(),
        devices: value("config.hardware.device").map(Device::parse_all).unwrap_or_default(),
    }
}

/// The first image with the record, and in the same call what clones of the later ones must know.
async fn read_image(client: &Client, vm: MoRef, view: &mut Deployment) -> Result<(), Error> {
    let mut paths = PropSpec::new(
        "VirtualMachine",
        &["config.changeVersion", "config.hardware.device", "snapshot.currentSnapshot"],
    );
    let keys = Record::keys().into_iter().chain([lease::KEY.to_owned()]);
    paths.paths.extend(keys.map(|key| extra(&key)));
    let what = format!("the image of deployment `{}`", view.name);
    let later = view.refs.later_images.values().map(|image| image.vm.clone());
    let objects: Vec<ObjectSpec> = std::iter::once(vm.clone()).chain(later).map(ObjectSpec::one).collect();
    let found = client.retrieve(&objects, &[paths]).await.map_err(Error::read(&what))?;
    let of = |vm: &MoRef| found.iter().find(|object| object.obj == *vm);
    for (number, image) in &mut view.refs.later_images {
        *image = image_refs(image.vm.clone(), of(&image.vm));
        let seen = view.observed.later_images.get_mut(number);
        seen.into_iter().for_each(|seen| seen.has_snapshot = image.snapshot.is_some());
    }
    let (object, refs) = (of(&vm), image_refs(vm.clone(), of(&vm)));
    let lease = object.map(|object| text(object, &extra(lease::KEY))).unwrap_or_default();
    let lease = Lease::decode(&view.name, &lease)?;
    let read = Record::decode(&view.name, &values(object, Record::keys()));
    let (record, restored) = match read {
        Ok(Some(record)) => (Some(record), false),
        Err(newer @ deploy::Error::NewerRecord { .. }) => return Err(newer.into()),
        Ok(None) => (read_copy(client, &vm, "`vio.record` is missing", view).await?, true),
        Err(damage) => (read_copy(client, &vm, &damage.to_string(), view).await?, true),
    };
    view.observed.image = Some(Image { has_snapshot: refs.snapshot.is_some(), record, restored, lease });
    view.refs.image = Some(refs);
    Ok(())
}

/// The copy of a record that is damaged; what is wrong with both when it is damaged too.
async fn read_copy(
    client: &Client,
    vm: &MoRef,
    damage: &str,
    view: &mut Deployment,
) -> Result<Option<Record>, Error> {
    tracing::warn!(deployment = view.name, damage, "the record is damaged; its copy is read");
    let paths: Vec<String> = Record::copy_keys().iter().map(|key| extra(key)).collect();
    let mut wanted = PropSpec::new("VirtualMachine", &[]);
    wanted.paths = paths;
    let what = format!("the copy of the record of deployment `{}`", view.name);
    let found =
        client.retrieve(&[ObjectSpec::one(vm.clone())], &[wanted]).await.map_err(Error::read(what))?;
    let copy = Record::decode_copy(&view.name, &values(found.first(), Record::copy_keys()));
    let why = match copy {
        Ok(Some(record)) => return Ok(Some(record)),
        Err(newer @ deploy::Error::NewerRecord { .. }) => return Err(newer.into()),
        Ok(None) => "`vio.record.copy` is missing".to_owned(),
        Err(damage) => damage.to_string(),
    };
    view.record_problem = Some(format!("{damage}; {why}"));
    Ok(None)
}

/// The values of ExtraConfig keys that were read.
fn values(object: Option<&ObjectContent>, keys: Vec<String>) -> BTreeMap<String, String> {
    let value = |key: &str| object.and_then(|object| object.props.get(&extra(key)));
    keys.into_iter()
        .filter_map(|key| Some((value(&key)?.str().to_owned(), key)))
        .map(|(v, k)| (k, v))
        .collect()
}

pub(crate) fn text(object: &ObjectContent, path: &str) -> String {
    object.props.get(path).map(|value| value.str().to_owned()).unwrap_or_default()
}

fn number(object: &ObjectContent, path: &str) -> u32 {
    object
        .props
        .get(path)
        .and_then(PropertyValue::i64)
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm(props: &[(&str, &str)]) -> ObjectContent {
        let value = |(path, text): &(&str, &str)| ((*path).to_owned(), PropertyValue::from_text(*text));
        ObjectContent {
            obj: MoRef::new("VirtualMachine", "vm-1"),
            props: props.iter().map(value).collect(),
            missing: BTreeMap::new(),
        }
    }

    #[test]
    fn a_vm_whose_configuration_vcenter_does_not_know_is_not_taken_for_a_stranger() {
        let unknown = vm(&[("name", "prod-database-01")]);
        assert!(matches!(role(&unknown, "prod"), Role::Unreadable));
        let stranger = vm(&[("name", "prod-database-01"), ("config.hardware.numCPU", "2")]);
        assert!(matches!(role(&stranger, "prod"), Role::Foreign));
        assert!(matches!(role(&vm(&[("name", "somebody-elses")]), "prod"), Role::Foreign));
    }

    #[test]
    fn a_node_is_known_by_its_marks_whatever_its_name() {
        let (deployment, role_key) = (extra(marks::DEPLOYMENT), extra(marks::ROLE));
        let (component, index) = (extra(marks::COMPONENT), extra(marks::INDEX));
        let marks = |index_text| {
            [
                ("name", "renamed"),
                (deployment.as_str(), "prod"),
                (role_key.as_str(), marks::ROLE_NODE),
                (component.as_str(), "database"),
                (index.as_str(), index_text),
            ]
        };
        let node = vm(&marks("2"));
        assert!(matches!(role(&node, "prod"), Role::Node(_, 2)));
        assert!(is_renamed(&node, "prod"));
        assert!(matches!(role(&vm(&marks("second")), "prod"), Role::Foreign));
    }

    #[test]
    fn a_later_image_is_not_taken_for_the_one_with_the_record() {
        let marked = |role_text: &str, number: &str| {
            let (deployment, role_key) = (extra(marks::DEPLOYMENT), extra(marks::ROLE));
            let index = extra(marks::INDEX);
            let marks = [(deployment.as_str(), "prod"), (&role_key, role_text), (&index, number)];
            role(&vm(&marks), "prod")
        };
        assert!(matches!(marked(marks::ROLE_IMAGE, ""), Role::Image));
        assert!(matches!(marked(marks::ROLE_LATER_IMAGE, "2"), Role::LaterImage(2)));
        for number in ["", "0", "1", "two"] {
            assert!(matches!(marked(marks::ROLE_LATER_IMAGE, number), Role::Foreign), "{number}");
        }
    }
}
