//! Running nodes that a plan takes out of service for a while, or for good.

use std::collections::BTreeMap;

use super::order::precedes;
use super::unsafe_plan;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed};
use crate::plan::{Action, Graph, StepId};

/// A running node is taken out of service and comes back, or goes for good.
pub(super) struct Disturbance<'a> {
    pub(super) node: &'a NodeName,
    pub(super) first: StepId,
    pub(super) whole: Option<StepId>,
}

/// The disturbances of every component that `concerns` admits nodes of, in the order of their steps: a component that
/// goes as a whole has none.
pub(super) fn disturbances<'a>(
    graph: &'a Graph,
    desired: &Desired,
    observed: &'a Observed,
    concerns: impl Fn(&ComponentId) -> bool,
) -> BTreeMap<&'a ComponentId, Vec<Disturbance<'a>>> {
    let mut all: BTreeMap<&ComponentId, Vec<Disturbance<'_>>> = BTreeMap::new();
    for (first, step) in graph.steps().iter().enumerate() {
        let Some(node) = step.action.node() else { continue };
        let Some(present) = observed.nodes.get(node).filter(|present| present.powered_on) else { continue };
        let component = &present.component;
        if !concerns(component) || desired.nodes_of(component).next().is_none() {
            continue;
        }
        let (begins, ends) = match step.action {
            Action::Stop(_) | Action::Configure(_) | Action::RepairFiles(_) => (true, false),
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

/// No two nodes at the same time, each only when the one before is whole.
pub(super) fn one_at_a_time<'a>(
    graph: &Graph,
    disturbances: impl IntoIterator<Item = &'a Disturbance<'a>>,
) -> Result<(), Error> {
    let mut before: Option<&Disturbance<'_>> = None;
    for other in disturbances {
        let whole =
            |one: &Disturbance<'_>| one.whole.is_some_and(|whole| precedes(graph, whole, other.first));
        if let Some(one) = before.filter(|one| one.node != other.node && !whole(one)) {
            let (one, other) = (one.node, other.node);
            return unsafe_plan(format!("`{one}` and `{other}` would be disturbed at the same time"));
        }
        before = Some(other);
    }
    Ok(())
}

/// Which nodes serve when a step begins, but for those that are disturbed then.
pub(super) struct Readiness<'a> {
    graph: &'a Graph,
    observed: &'a Observed,
    waits: BTreeMap<&'a NodeName, Vec<StepId>>,
}

impl<'a> Readiness<'a> {
    pub(super) fn new(graph: &'a Graph, observed: &'a Observed) -> Self {
        let mut waits: BTreeMap<&NodeName, Vec<StepId>> = BTreeMap::new();
        for (id, step) in graph.steps().iter().enumerate() {
            if let Action::WaitReady(node) = &step.action {
                waits.entry(node).or_default().push(id);
            }
        }
        Self { graph, observed, waits }
    }

    /// It was seen serving.
    pub(super) fn at_first(&self, name: &NodeName) -> bool {
        self.observed.nodes.get(name).is_some_and(Node::serves)
    }

    /// It was seen serving, or is awaited before the step begins.
    pub(super) fn by(&self, name: &NodeName, step: StepId) -> bool {
        let waits = || self.waits.get(name).into_iter().flatten();
        self.at_first(name) || waits().any(|wait| precedes(self.graph, *wait, step))
    }
}
