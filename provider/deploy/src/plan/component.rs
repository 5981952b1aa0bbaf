//! A component's own nodes, and the configuration of whoever depends on them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Graph, StepId};
use crate::desired::{Desired, DesiredNode};
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, NodeState, Observed};

/// Makes the nodes that are missing: all at once, since nothing is served by them yet.
pub(super) fn grow(desired: &Desired, observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    let clones: BTreeMap<&NodeName, StepId> = desired
        .nodes_of(id)
        .filter(|node| !observed.nodes.contains_key(&node.name))
        .map(|node| (&node.name, graph.add(Action::Clone(node.name.clone()), &[])))
        .collect();
    let ruled = rule(desired, observed, id, &clones, graph);
    for (name, clone) in &clones {
        let needs: Vec<StepId> = ruled.into_iter().chain([*clone]).collect();
        let on = graph.add(Action::PowerOn((*name).clone()), &needs);
        graph.add(Action::WaitReady((*name).clone()), &[on]);
    }
}

/// Brings a component's nodes that exist to what is wanted, one after another. Returns the last step.
pub(super) fn mend(
    desired: &Desired,
    observed: &Observed,
    id: &ComponentId,
    graph: &mut Graph,
) -> Vec<StepId> {
    let mut previous = Vec::new();
    for node in desired.nodes_of(id) {
        if let Some(present) = observed.nodes.get(&node.name)
            && let Some(last) = mend_node(node, present, &previous, graph)
        {
            previous = vec![last];
        }
    }
    previous
}

/// The rule must stand before a second member is powered on, else the scheduler puts it where it likes.
fn rule(
    desired: &Desired,
    observed: &Observed,
    id: &ComponentId,
    clones: &BTreeMap<&NodeName, StepId>,
    graph: &mut Graph,
) -> Option<StepId> {
    let name = desired.rule_of(id.kind);
    let Some(wanted) = desired.rules.get(&name) else {
        return observed.rules.contains_key(&name).then(|| graph.add(Action::RemoveRule(name), &[]));
    };
    let there: Option<BTreeSet<&String>> =
        wanted.iter().map(|n| observed.nodes.get(n).map(|n| &n.moid)).collect();
    let as_wanted = observed.rules.get(&name).is_some_and(|rule| {
        rule.enabled && there.as_ref().is_some_and(|moids| rule.members.iter().eq(moids.iter().copied()))
    });
    if as_wanted {
        return None;
    }
    let needs: Vec<StepId> = clones.values().copied().collect();
    let members = wanted.iter().cloned().collect();
    Some(graph.add(Action::SetRule { rule: name, members }, &needs))
}

/// Brings one existing node to what is wanted: size, power, configuration. Returns its last step.
fn mend_node(node: &DesiredNode, present: &Node, needs: &[StepId], graph: &mut Graph) -> Option<StepId> {
    let name = || node.name.clone();
    let resize = present.size.cpus != node.size.cpus || present.size.memory_mib != node.size.memory_mib;
    let configure = present.revision != node.document.revision;
    if !resize && !configure && present.state() == NodeState::Ready {
        return None;
    }
    let mut last = needs.to_vec();
    let mut running = present.powered_on;
    if configure {
        last = vec![graph.add(Action::Configure(name()), &last)];
    }
    if resize {
        if running {
            last = vec![graph.add(Action::Stop(name()), &last)];
            running = false;
        }
        last = vec![graph.add(Action::Resize(name()), &last)];
    }
    if !running {
        last = vec![graph.add(Action::PowerOn(name()), &last)];
    }
    Some(graph.add(Action::WaitReady(name()), &last))
}

/// Gives every node whose configuration is not the wanted one its new configuration: one node of a component at a
/// time, each only when the one before is whole. `mended` are the steps that must come first.
pub(super) fn reconfigure(
    desired: &Desired,
    observed: &Observed,
    except: Option<&ComponentId>,
    mended: &[StepId],
    graph: &mut Graph,
) {
    for id in desired.components() {
        if Some(id) == except {
            continue;
        }
        let mut previous = mended.to_vec();
        for node in desired.nodes_of(id) {
            let Some(present) = observed.nodes.get(&node.name) else { continue };
            if present.revision == node.document.revision {
                continue;
            }
            let mut last = graph.add(Action::Configure(node.name.clone()), &previous);
            if present.powered_on {
                last = graph.add(Action::WaitReady(node.name.clone()), &[last]);
            }
            previous = vec![last];
        }
    }
}
