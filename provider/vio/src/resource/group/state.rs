//! A component as the state shows it: what the record wants and what vCenter has.

use std::collections::{BTreeMap, BTreeSet};

use deploy::name::{ComponentId, NodeName};
use deploy::observed::{Node, NodeState};
use deploy::{plan, registration};
use engine::Deployment;
use tf_core::Value;

use super::{Flavour, size};
use crate::resource::values::{set, text};
use crate::schema::provider_schema;

/// An object of the resource with nothing in it.
pub(super) fn null(type_name: &str) -> Value {
    let schema = provider_schema().resources.get(type_name);
    let names = schema.into_iter().flat_map(|schema| schema.attributes.keys());
    Value::Map(names.map(|name| (name.clone(), Value::Null)).collect())
}

/// The state of a component; null when neither the record nor any node knows of it. `before` has what vCenter does
/// not know, such as timeouts.
pub(super) fn from_deployment<F: Flavour>(
    flavour: &F,
    deployment: &Deployment,
    id: &ComponentId,
    before: &Value,
) -> Value {
    let membership = deployment.record().and_then(|record| record.components.get(id));
    let has_nodes = deployment.observed.nodes.values().any(|node| node.component == *id);
    let nodes = nodes(deployment, id);
    let Some(membership) = membership else {
        // A removal that was interrupted: what is left must still be removed, so it must still be seen.
        return if has_nodes || has_addresses(deployment, id, before) {
            with_nodes(before.clone(), nodes)
        } else {
            Value::Null
        };
    };
    let component = &membership.component;
    let mut state = null(F::TYPE_NAME);
    set(&mut state, "id", id.link(&deployment.name));
    set(&mut state, "management_cluster_id", deployment.name.as_str());
    // A compute cluster has one node and no such attribute.
    if state.as_map().is_some_and(|members| members.contains_key("node_count")) {
        set(&mut state, "node_count", i64::from(component.node_count));
    }
    set(&mut state, "node_size", size::encode(component.size));
    set(&mut state, "options", kept_empty(component.options.clone().into(), before.get("options")));
    let overrides = component.overrides.clone();
    set(&mut state, "config_overrides", kept_empty(overrides.into(), before.get("config_overrides")));
    set(&mut state, "timeouts", before.get("timeouts").clone());
    for link in F::LINKS {
        set(&mut state, link, component.links.get(*link).cloned());
    }
    flavour.show(component, id, &mut state, before);
    with_nodes(state, nodes)
}

/// True when nodes that the state knows are gone, but not their addresses: only another removal gives those back.
fn has_addresses(deployment: &Deployment, id: &ComponentId, before: &Value) -> bool {
    let kept = unreleased(deployment, id);
    let known = before.get("nodes").as_sequence().unwrap_or_default();
    known
        .iter()
        .filter_map(|node| text(node.get("name")))
        .any(|name| kept.iter().any(|kept| kept.as_str() == name))
}

/// The managed object ids of all nodes that a state knows.
pub(super) fn moids(state: &Value) -> Vec<String> {
    moids_of(state, |_| true)
}

/// The managed object ids of the nodes that a state knows and that are not seen any more. Of one whose name another VM in
/// the folder has, that VM tells more.
pub(super) fn lost(deployment: &Deployment, seen: &Value, state: &Value) -> Vec<String> {
    let nodes = || seen.get("nodes").as_sequence().unwrap_or_default().iter();
    let present: BTreeSet<String> = nodes()
        .filter(|node| node.get("state").as_str() != Some(NodeState::Missing.as_str()))
        .filter_map(|node| text(node.get("moid")))
        .collect();
    let foreign = &deployment.observed.foreign;
    moids_of(state, |node| {
        let seen = text(node.get("moid")).is_some_and(|moid| present.contains(&moid));
        !seen && text(node.get("name")).is_none_or(|name| !foreign.contains(&name))
    })
}

/// The state with the last known managed object ids of nodes that are missing, so that a later refresh can still ask what
/// became of them.
pub(super) fn remembering(mut state: Value, before: &Value) -> Value {
    let Some(nodes) = state.get("nodes").as_sequence() else { return state };
    let known = before.get("nodes").as_sequence().unwrap_or_default();
    let remembered = nodes.iter().map(|node| {
        let same = |other: &&Value| other.get("name") == node.get("name");
        let moid = known.iter().find(same).map(|other| other.get("moid").clone());
        let mut node = node.clone();
        if let Some(moid) = moid.filter(|_| node.get("moid").as_str() == Some("")) {
            set(&mut node, "moid", moid);
        }
        node
    });
    let remembered = Value::Sequence(remembered.collect());
    set(&mut state, "nodes", remembered);
    state
}

fn moids_of(state: &Value, is: impl Fn(&Value) -> bool) -> Vec<String> {
    let nodes = state.get("nodes").as_sequence().unwrap_or_default().iter();
    let moids = nodes.filter(|node| is(node)).filter_map(|node| text(node.get("moid")));
    moids.filter(|moid| !moid.is_empty()).collect()
}

fn with_nodes(mut state: Value, nodes: Value) -> Value {
    set(&mut state, "nodes", nodes);
    state
}

/// An empty map and none mean the same; the user's choice stays.
fn kept_empty(now: Value, before: &Value) -> Value {
    match now.as_map() {
        Some(members) if members.is_empty() && before.as_map().is_none_or(|before| !before.is_empty()) => {
            Value::Null
        }
        _ => now,
    }
}

fn nodes(deployment: &Deployment, id: &ComponentId) -> Value {
    let mut names: Vec<NodeName> = deployment.record().map(|record| record.nodes_of(id)).unwrap_or_default();
    let observed = deployment.observed.nodes.iter().filter(|(_, node)| node.component == *id);
    for (name, _) in observed {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    // One that is gone, but not its address: the next change gives it back.
    names.extend(unreleased(deployment, id));
    Value::Sequence(names.iter().map(|name| node(deployment, name)).collect())
}

/// Nodes of the component's kind that are gone, but not their addresses.
fn unreleased(deployment: &Deployment, id: &ComponentId) -> Vec<NodeName> {
    let is_present = |name: &NodeName| deployment.observed.nodes.contains_key(name);
    deployment.record().map(|record| record.unreleased(id.kind, is_present)).unwrap_or_default()
}

fn node(deployment: &Deployment, name: &NodeName) -> Value {
    let observed = deployment.observed.nodes.get(name);
    let address = deployment.record().and_then(|record| record.addresses.get(name));
    let state = observed.map_or(NodeState::Missing, |node| state_of(deployment, name, node));
    let members: BTreeMap<String, Value> = [
        ("name", name.as_str().into()),
        ("ip_address", address.map(|address| address.management.to_string()).into()),
        ("host", observed.map(|node| node.host.clone()).unwrap_or_default().into()),
        ("moid", observed.map(|node| node.moid.clone()).unwrap_or_default().into()),
        ("state", state.as_str().into()),
    ]
    .into_iter()
    .map(|(name, value): (&str, Value)| (name.to_owned(), value))
    .collect();
    Value::Map(members)
}

/// A node may be unknown to NSX, or known to it by what somebody wrote there.
fn is_registered(deployment: &Deployment, name: &NodeName) -> bool {
    deployment.record().is_none_or(|record| registration::is_as_wanted(record, &deployment.observed, name))
}

/// A node that runs well with another size or configuration than the wanted one, or is not registered as wanted, is not
/// as it should be: a run that was to change or remove it was interrupted, or somebody else changed it.
fn state_of(deployment: &Deployment, name: &NodeName, node: &Node) -> NodeState {
    let is_settled = || deployment.desired().is_none_or(|desired| plan::is_settled(desired, name, node));
    match node.state() {
        NodeState::Ready if !is_settled() || !is_registered(deployment, name) => NodeState::Degraded,
        state => state,
    }
}
