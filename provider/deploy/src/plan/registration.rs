//! Transport nodes in NSX: registered when their node is up, since NSX logs in to it, and gone before it goes.

use std::collections::BTreeSet;

use super::{Action, Graph, StepId};
use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed, TransportNode};
use crate::registration::Registration;

/// Registers what the component's nodes lack, each when it is up.
pub(super) fn settle(desired: &Desired, observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    for (name, wanted) in desired.registrations.iter().filter(|(_, wanted)| wanted.component == *id) {
        if let Some(needs) = up(observed, name, graph).filter(|_| !is_met(wanted, observed, graph)) {
            graph.add(Action::Register(name.clone()), &needs);
        }
    }
}

/// The same for every component, if NSX could be read: the change of another resource does not fail for NSX.
pub(super) fn settle_known(desired: &Desired, observed: &Observed, graph: &mut Graph) {
    if observed.transport_nodes.is_some() {
        for id in desired.components() {
            settle(desired, observed, id, graph);
        }
    }
}

/// What a registration must wait for; none when the node will not be up.
fn up(observed: &Observed, name: &NodeName, graph: &Graph) -> Option<Vec<StepId>> {
    match graph.steps().iter().rposition(|step| step.action.node() == Some(name)) {
        Some(last) => {
            let waits =
                graph.steps().get(last).is_some_and(|step| matches!(step.action, Action::WaitReady(_)));
            waits.then(|| vec![last])
        }
        None => observed.nodes.get(name).is_some_and(Node::is_ready).then(Vec::new),
    }
}

fn of_node<'a>(
    observed: &'a Observed,
    name: &'a NodeName,
) -> impl Iterator<Item = (&'a String, &'a TransportNode)> {
    observed.transport_nodes.iter().flatten().filter(move |(_, found)| found.node == *name)
}

/// The one that is kept, of several that name one node, is the first; none is when the plan removes them.
fn is_met(wanted: &Registration, observed: &Observed, graph: &Graph) -> bool {
    let mut kept = of_node(observed, &wanted.node).filter(|(id, _)| !is_removed(graph, id));
    kept.next().is_some_and(|(_, found)| wanted.is_met_by(found))
}

/// Removes a node's transport nodes before the node itself is touched; returns what must be waited for.
pub(super) fn remove(
    observed: &Observed,
    name: &NodeName,
    needs: &[StepId],
    graph: &mut Graph,
) -> Vec<StepId> {
    of_node(observed, name)
        .fold(needs.to_vec(), |needs, (id, found)| vec![deregister(id, found, &needs, graph)])
}

fn deregister(id: &str, found: &TransportNode, needs: &[StepId], graph: &mut Graph) -> StepId {
    graph.add(Action::Deregister { node: found.node.clone(), id: id.to_owned() }, needs)
}

/// Removes the transport nodes of a component whose node is not wanted any more, or has another one.
pub(super) fn remove_surplus(desired: &Desired, observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    let mut kept = BTreeSet::new();
    let surplus = |found: &TransportNode| {
        let wanted = desired.registrations.contains_key(&found.node);
        found.component == *id && !(wanted && kept.insert(found.node.clone()))
    };
    remove_those(observed, surplus, graph);
}

/// Removes every transport node, of one component or of the deployment, that no step removes yet.
pub(super) fn remove_all(observed: &Observed, of: Option<&ComponentId>, graph: &mut Graph) -> Vec<StepId> {
    remove_those(observed, |found| of.is_none_or(|id| found.component == *id), graph)
}

fn remove_those(
    observed: &Observed,
    mut goes: impl FnMut(&TransportNode) -> bool,
    graph: &mut Graph,
) -> Vec<StepId> {
    let mut added = Vec::new();
    for (id, found) in observed.transport_nodes.iter().flatten() {
        if goes(found) && !is_removed(graph, id) {
            // Steps at one node follow each other.
            let last = graph.steps().iter().rposition(|step| step.action.node() == Some(&found.node));
            let needs: Vec<StepId> = last.into_iter().collect();
            added.push(deregister(id, found, &needs, graph));
        }
    }
    added
}

fn is_removed(graph: &Graph, id: &str) -> bool {
    graph.steps().iter().any(|step| matches!(&step.action, Action::Deregister { id: gone, .. } if gone == id))
}
