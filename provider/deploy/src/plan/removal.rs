//! Ways down: fewer nodes of a component, or nothing of a deployment. One way for any half-built state.

use super::standing::Standing;
use super::{Action, Graph, StepId, drain, registration, rule};
use crate::desired::{Desired, DesiredNode};
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed};

/// Removes nodes of the component that are not wanted any more. Members of a quorum go one by one, and only from a
/// cluster whose other members are all there: those that go may be the last that hold its data.
pub(super) fn shrink(desired: &Desired, observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    let surplus: Vec<&NodeName> = observed
        .nodes
        .iter()
        .filter(|(name, node)| node.component == *id && !desired.nodes.contains_key(*name))
        .map(|(name, _)| name)
        .collect();
    let kept = Standing::of(desired, observed, id);
    let one_by_one = kept.quorum && desired.nodes_of(id).next().is_some();
    if one_by_one && (kept.missing || !kept.stopped.is_empty()) {
        return;
    }
    let mut previous = Vec::new();
    if !surplus.is_empty() {
        previous = drain::tell(desired, observed, id.kind, graph);
    }
    if one_by_one && !surplus.is_empty() {
        let wait = |(node, _): &(&DesiredNode, &Node)| graph.add(Action::WaitReady(node.name.clone()), &[]);
        previous.extend(kept.unready.iter().map(wait));
    }
    let mut gone = Vec::new();
    for name in surplus {
        let last = remove(observed, name, &previous, graph);
        gone.push(last);
        if one_by_one {
            previous = vec![last];
        }
    }
    rule::remove_unwanted(desired, observed, id.kind, &gone, graph);
}

fn remove(observed: &Observed, name: &NodeName, needs: &[StepId], graph: &mut Graph) -> StepId {
    let mut needs = registration::remove(observed, name, needs, graph);
    if observed.nodes.get(name).is_some_and(|node| node.powered_on) {
        needs = vec![graph.add(Action::Stop(name.clone()), &needs)];
    }
    graph.add(Action::Destroy(name.clone()), &needs)
}

/// Removes whatever carries the deployment's marks.
pub(super) fn everything(observed: &Observed, graph: &mut Graph) {
    let mut gone: Vec<StepId> =
        observed.nodes.keys().map(|name| remove(observed, name, &[], graph)).collect();
    gone.extend(registration::remove_all(observed, None, graph));
    for rule in observed.rules.keys() {
        let removed = graph.add(Action::RemoveRule(rule.clone()), &gone);
        gone.push(removed);
    }
    // Of the images, the one with the record goes last.
    let removed = |number: &u32| graph.add(Action::RemoveImage(*number), &gone);
    let images: Vec<StepId> = observed.later_images.keys().map(removed).collect();
    if !images.is_empty() {
        gone = images;
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

/// Removes whatever carries the marks of one component.
pub(super) fn component(observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    for (name, _) in observed.nodes.iter().filter(|(_, node)| node.component == *id) {
        remove(observed, name, &[], graph);
    }
    registration::remove_all(observed, Some(id), graph);
}
