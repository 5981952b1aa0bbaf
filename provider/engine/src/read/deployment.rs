//! A deployment in two calls, however many nodes it has: its VMs with their marks, then its image with the record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use deploy::inventory::Inventory;
use deploy::marks;
use deploy::name::{NodeName, rule_name};
use deploy::observed::{Image, Node, Observed, Rule};
use deploy::record::Record;
use deploy::release::{KindId, Size};
use deploy::render::{GuestStatus, STATUS_KEY};
use vim::{
    AntiAffinityRule, Client, Device, MoRef, ObjectContent, ObjectSpec, PropSpec, PropertyValue, Selection,
    TraversalSpec,
};

use crate::deployment::{Deployment, ImageRefs, Refs};
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
) -> Result<Option<Deployment>, Error> {
    let Some((_, folder)) = inventory.deployment_folder(name) else {
        return Ok(None);
    };
    let what = format!("the VMs of deployment `{name}`");
    let pool = inventory.deployment_pool(name);
    let mut objects = vec![children(MoRef::new("Folder", &folder.moid))];
    if let Some((cluster, _)) = pool {
        objects.push(ObjectSpec::one(MoRef::new("ClusterComputeResource", &cluster.entity.moid)));
    }
    let found = client.retrieve(&objects, &properties()).await.map_err(Error::read(&what))?;
    let mut refs = Refs {
        folder: Some(MoRef::new("Folder", &folder.moid)),
        pool: pool.map(|(_, pool)| MoRef::new("ResourcePool", &pool.moid)),
        ..Refs::default()
    };
    let mut observed = Observed { folder: true, pool: pool.is_some(), ..Observed::default() };
    let mut image = None;
    for object in &found {
        match object.obj.kind.as_str() {
            "ClusterComputeResource" => observed.rules = rules(object, name),
            "VirtualMachine" => match role(object, name) {
                Role::Image => image = Some(object.obj.clone()),
                Role::Node => add_node(object, name, &inventory, &mut observed, &mut refs),
                Role::Foreign => {
                    observed.foreign.insert(text(object, "name"));
                }
            },
            _ => {}
        }
    }
    if let Some(vm) = image {
        let (seen, found) = read_image(client, name, vm).await?;
        (observed.image, refs.image) = (Some(seen), Some(found));
    }
    let folder_path = folder.path.clone();
    Ok(Some(Deployment { name: name.to_owned(), observed, folder_path, refs, inventory }))
}

fn children(folder: MoRef) -> ObjectSpec {
    let select = vec![Selection::Traverse(TraversalSpec {
        name: None,
        kind: "Folder".to_owned(),
        path: "childEntity".to_owned(),
        skip: false,
        select: Vec::new(),
    })];
    ObjectSpec { obj: folder, skip: true, select }
}

fn properties() -> Vec<PropSpec> {
    let keys = [
        marks::DEPLOYMENT,
        marks::ROLE,
        marks::COMPONENT,
        marks::INDEX,
        marks::REVISION,
        marks::PARTS,
        STATUS_KEY,
    ];
    let mut vm = PropSpec::new(
        "VirtualMachine",
        &[
            "name",
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
    Node,
    Foreign,
}

fn role(object: &ObjectContent, deployment: &str) -> Role {
    if text(object, &extra(marks::DEPLOYMENT)) != deployment {
        return Role::Foreign;
    }
    match text(object, &extra(marks::ROLE)).as_str() {
        marks::ROLE_IMAGE => Role::Image,
        marks::ROLE_NODE => Role::Node,
        _ => Role::Foreign,
    }
}

/// A node is known by its marks, not by its VM's name, which anybody may change.
fn add_node(
    object: &ObjectContent,
    deployment: &str,
    inventory: &Inventory,
    observed: &mut Observed,
    refs: &mut Refs,
) {
    let component = text(object, &extra(marks::COMPONENT)).parse::<deploy::name::ComponentId>();
    let index = text(object, &extra(marks::INDEX)).parse::<u32>();
    let (Ok(component), Ok(index)) = (component, index) else {
        observed.foreign.insert(text(object, "name"));
        return;
    };
    let name = NodeName::new(deployment, component.kind, index);
    let host = object.props.get("runtime.host").and_then(PropertyValue::moref);
    let node = Node {
        moid: object.obj.value.clone(),
        host: host.map(|host| inventory.host_name(&host.value).to_owned()).unwrap_or_default(),
        powered_on: text(object, "runtime.powerState") == "poweredOn",
        tools_running: text(object, "guest.toolsRunningStatus") == "guestToolsRunning",
        component,
        revision: text(object, &extra(marks::REVISION)),
        document_parts: text(object, &extra(marks::PARTS)).parse().unwrap_or_default(),
        size: Size {
            cpus: number(object, "config.hardware.numCPU"),
            memory_mib: number(object, "config.hardware.memoryMB"),
            disk_gib: 0,
        },
        status: GuestStatus::parse(&text(object, &extra(STATUS_KEY))).ok(),
    };
    refs.nodes.insert(name.clone(), object.obj.clone());
    observed.nodes.insert(name, node);
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

async fn read_image(client: &Client, deployment: &str, vm: MoRef) -> Result<(Image, ImageRefs), Error> {
    let mut paths = PropSpec::new(
        "VirtualMachine",
        &["config.changeVersion", "config.hardware.device", "snapshot.currentSnapshot"],
    );
    paths.paths.extend(Record::keys().iter().map(|key| extra(key)));
    let what = format!("the image of deployment `{deployment}`");
    let found =
        client.retrieve(&[ObjectSpec::one(vm.clone())], &[paths]).await.map_err(Error::read(&what))?;
    let object = found.into_iter().next();
    let value = |path: &str| object.as_ref().and_then(|object| object.props.get(path).cloned());
    let keys = Record::keys();
    let values: BTreeMap<String, String> =
        keys.into_iter().filter_map(|key| value(&extra(&key)).map(|v| (key, v.str().to_owned()))).collect();
    let snapshot = value("snapshot.currentSnapshot").and_then(|value| value.moref());
    let seen = Image { has_snapshot: snapshot.is_some(), record: Record::decode(deployment, &values)? };
    let change_version = value("config.changeVersion").map(|v| v.str().to_owned()).unwrap_or_default();
    let devices = value("config.hardware.device").map(|v| Device::parse_all(&v)).unwrap_or_default();
    Ok((seen, ImageRefs { vm, snapshot, change_version, devices }))
}

fn text(object: &ObjectContent, path: &str) -> String {
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
