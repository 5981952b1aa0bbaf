//! Members that vote: one is disturbed at a time, each only when the one before is whole, and a ready one only when
//! every other is.

use std::collections::BTreeMap;

use super::order::precedes;
use super::unsafe_plan;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed};
use crate::plan::{Action, Graph, StepId};

/// A running member is taken out of service and comes back, or goes for good.
struct Disturbance<'a> {
    node: &'a NodeName,
    first: StepId,
    whole: Option<StepId>,
}

pub(super) fn check(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    let waits = waits(graph);
    for (component, disturbances) in disturbances(graph, desired, observed) {
        for pair in disturbances.windows(2) {
            let [one, other] = pair else { continue };
            let whole = one.whole.is_some_and(|whole| precedes(graph, whole, other.first));
            if one.node != other.node && !whole {
                let (one, other) = (one.node, other.node);
                return unsafe_plan(format!("`{one}` and `{other}` would be disturbed at the same time"));
            }
        }
        let unready: Vec<&NodeName> = desired
            .nodes_of(component)
            .map(|node| &node.name)
            .filter(|name| !is_ready(observed, name))
            .collect();
        for disturbance in disturbances.iter().filter(|d| is_ready(observed, d.node)) {
            let awaited = |name: &NodeName| {
                let waits = waits.get(name).map(Vec::as_slice).unwrap_or_default();
                waits.iter().any(|wait| precedes(graph, *wait, disturbance.first))
            };
            if let Some(other) = unready.iter().find(|name| **name != disturbance.node && !awaited(name)) {
                let node = disturbance.node;
                return unsafe_plan(format!("`{node}` would be disturbed while `{other}` is not ready"));
            }
        }
    }
    Ok(())
}

/// The disturbances of every component that has a quorum to keep, in the order of their steps: one that goes as a whole
/// has none.
fn disturbances<'a>(
    graph: &'a Graph,
    desired: &Desired,
    observed: &'a Observed,
) -> BTreeMap<&'a ComponentId, Vec<Disturbance<'a>>> {
    let mut all: BTreeMap<&ComponentId, Vec<Disturbance<'_>>> = BTreeMap::new();
    for (first, step) in graph.steps().iter().enumerate() {
        let Some(node) = step.action.node() else { continue };
        let Some(present) = observed.nodes.get(node).filter(|present| present.powered_on) else { continue };
        let component = &present.component;
        if !desired.is_quorum(component.kind) || desired.nodes_of(component).next().is_none() {
            continue;
        }
        let (begins, ends) = match step.action {
            Action::Stop(_) | Action::Configure(_) => (true, false),
            Action::Destroy(_) => (true, true),
            Action::WaitReady(_) => (false, true),
            _ => continue,
        };
        let known = all.entry(component).or_default();
        match known.iter_mut().rfind(|d| d.node == node && d.whole.is_none()) {
            Some(open) => open.whole = ends.then_some(first),
            None if begins => known.push(Disturbance { node, first, whole: ends.then_some(first) }),
            None => {}
        }
    }
    all
}

fn waits(graph: &Graph) -> BTreeMap<&NodeName, Vec<StepId>> {
    let mut waits: BTreeMap<&NodeName, Vec<StepId>> = BTreeMap::new();
    for (id, step) in graph.steps().iter().enumerate() {
        if let Action::WaitReady(node) = &step.action {
            waits.entry(node).or_default().push(id);
        }
    }
    waits
}

fn is_ready(observed: &Observed, name: &NodeName) -> bool {
    observed.nodes.get(name).is_some_and(Node::is_ready)
}
