//! Ways down: fewer nodes of a component, or nothing of a deployment. One way for any half-built state.

use super::{Action, Graph, StepId};
use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;

/// Removes nodes of the component that are not wanted any more.
pub(super) fn shrink(desired: &Desired, observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    let surplus: Vec<&NodeName> = observed
        .nodes
        .iter()
        .filter(|(name, node)| node.component == *id && !desired.nodes.contains_key(*name))
        .map(|(name, _)| name)
        .collect();
    let one_by_one = desired.is_quorum(id.kind) && desired.nodes_of(id).next().is_some();
    let mut previous = Vec::new();
    let mut gone = Vec::new();
    for name in surplus {
        let last = remove(observed, name, &previous, graph);
        gone.push(last);
        if one_by_one {
            previous = vec![last];
        }
    }
    let rule = desired.rule_of(id.kind);
    if desired.nodes_of_kind(id.kind).next().is_none() && observed.rules.contains_key(&rule) {
        graph.add(Action::RemoveRule(rule), &gone);
    }
}

fn remove(observed: &Observed, name: &NodeName, needs: &[StepId], graph: &mut Graph) -> StepId {
    let mut needs = needs.to_vec();
    if observed.nodes.get(name).is_some_and(|node| node.powered_on) {
        needs = vec![graph.add(Action::Stop(name.clone()), &needs)];
    }
    graph.add(Action::Destroy(name.clone()), &needs)
}

/// Removes whatever carries the deployment's marks.
pub(super) fn everything(observed: &Observed, graph: &mut Graph) {
    let mut gone: Vec<StepId> =
        observed.nodes.keys().map(|name| remove(observed, name, &[], graph)).collect();
    for rule in observed.rules.keys() {
        let removed = graph.add(Action::RemoveRule(rule.clone()), &gone);
        gone.push(removed);
    }
    if observed.image.is_some() {
        gone = vec![graph.add(Action::DestroyImage, &gone)];
    }
    if observed.pool {
        gone = vec![graph.add(Action::DestroyPool, &gone)];
    }
    // Somebody else's VM in the folder keeps the folder: it is theirs too now.
    if observed.folder && observed.foreign.is_empty() {
        graph.add(Action::DestroyFolder, &gone);
    }
}
