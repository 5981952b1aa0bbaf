//! A component as the state shows it: what the record wants and what vCenter has.

use std::collections::BTreeMap;

use deploy::name::{ComponentId, NodeName};
use deploy::observed::{Node, NodeState};
use deploy::release::Size;
use engine::Deployment;
use tf_core::Value;

use super::{Flavour, size};
use crate::resource::values::set;
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
        return if has_nodes { with_nodes(before.clone(), nodes) } else { Value::Null };
    };
    let component = &membership.component;
    let mut state = null(F::TYPE_NAME);
    set(&mut state, "id", flavour.id(&deployment.name, id));
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
    Value::Sequence(names.iter().map(|name| node(deployment, name)).collect())
}

fn node(deployment: &Deployment, name: &NodeName) -> Value {
    let observed = deployment.observed.nodes.get(name);
    let address = deployment.record().and_then(|record| record.addresses.get(name));
    let state = observed.map_or(NodeState::Missing, |node| state_of(deployment, node));
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

/// A node that runs well with another size than the wanted one is not as it should be.
fn state_of(deployment: &Deployment, node: &Node) -> NodeState {
    let component = deployment.record().and_then(|record| record.components.get(&node.component));
    let wanted = component.map(|membership| membership.component.size);
    let as_wanted = |size: Size| size.cpus == node.size.cpus && size.memory_mib == node.size.memory_mib;
    match node.state() {
        NodeState::Ready if !wanted.is_none_or(as_wanted) => NodeState::Degraded,
        state => state,
    }
}
