//! A second opinion on every plan, by other means than the planner's. It runs before execution and in every test of
//! the planner.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Graph, StepId};
use crate::desired::Desired;
use crate::error::Error;
use crate::name::NodeName;
use crate::observed::Observed;

/// Judges a plan: steps wait only for earlier ones, no live address is given twice, a cluster with a quorum never
/// loses it by this plan, nothing is configured or started before it exists.
///
/// # Errors
/// [`Error::UnsafePlan`] with the first rule that is broken.
pub fn check(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    order(graph)?;
    addresses(desired)?;
    existence(graph, observed)?;
    quorum(graph, desired, observed)
}

fn unsafe_plan<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::UnsafePlan(why.into()))
}

fn order(graph: &Graph) -> Result<(), Error> {
    for (id, step) in graph.steps().iter().enumerate() {
        if step.needs.iter().any(|need| *need >= id) {
            return unsafe_plan(format!("the step to {} waits for a later one", step.action));
        }
    }
    Ok(())
}

fn addresses(desired: &Desired) -> Result<(), Error> {
    let mut seen = BTreeMap::new();
    let nodes = desired.nodes.values();
    let all = nodes.flat_map(|node| {
        std::iter::once(node.addresses.management)
            .chain(node.addresses.external)
            .map(|a| (a, node.name.as_str()))
    });
    for (address, owner) in
        all.chain([(desired.internal_vip, "the internal VIP"), (desired.public_vip, "the public VIP")])
    {
        if let Some(other) = seen.insert(address, owner) {
            return unsafe_plan(format!("`{address}` is given to both {other} and {owner}"));
        }
    }
    Ok(())
}

fn existence(graph: &Graph, observed: &Observed) -> Result<(), Error> {
    let mut there: BTreeSet<&NodeName> = observed.nodes.keys().collect();
    for step in graph.steps() {
        match &step.action {
            Action::Clone(node) if !there.insert(node) => {
                return unsafe_plan(format!("`{node}` would be made twice"));
            }
            Action::Destroy(node) if !there.remove(node) => {
                return unsafe_plan(format!("`{node}` would be removed though it is not there"));
            }
            Action::Configure(node)
            | Action::PowerOn(node)
            | Action::Resize(node)
            | Action::Stop(node)
            | Action::WaitReady(node)
                if !there.contains(node) =>
            {
                return unsafe_plan(format!("it would {} before the node exists", step.action));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Two members of one quorum must never be disturbed at the same time: of any two, one waits for the other.
fn quorum(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    let before: Vec<BTreeSet<StepId>> = ancestors(graph);
    let disturbing: Vec<(StepId, &NodeName)> = graph
        .steps()
        .iter()
        .enumerate()
        .filter(|(_, step)| {
            matches!(step.action, Action::Stop(_) | Action::Configure(_) | Action::Destroy(_))
        })
        .filter_map(|(id, step)| step.action.node().map(|node| (id, node)))
        .collect();
    for (position, (id, node)) in disturbing.iter().enumerate() {
        for (earlier, other) in disturbing.iter().take(position) {
            let ordered = before.get(*id).is_some_and(|steps| steps.contains(earlier));
            if node != other && !ordered && shares_quorum(desired, observed, node, other) {
                return unsafe_plan(format!("`{other}` and `{node}` would be disturbed at the same time"));
            }
        }
    }
    Ok(())
}

fn ancestors(graph: &Graph) -> Vec<BTreeSet<StepId>> {
    let mut all: Vec<BTreeSet<StepId>> = Vec::new();
    for step in graph.steps() {
        let mut own: BTreeSet<StepId> = step.needs.iter().copied().collect();
        for need in &step.needs {
            own.extend(all.get(*need).into_iter().flatten().copied());
        }
        all.push(own);
    }
    all
}

/// Members of a component that goes as a whole have no quorum to keep.
fn shares_quorum(desired: &Desired, observed: &Observed, one: &NodeName, other: &NodeName) -> bool {
    let component = |name| observed.nodes.get(name).map(|node| &node.component);
    match (component(one), component(other)) {
        (Some(a), Some(b)) => a == b && desired.is_quorum(a.kind) && desired.nodes_of(a).next().is_some(),
        _ => false,
    }
}
