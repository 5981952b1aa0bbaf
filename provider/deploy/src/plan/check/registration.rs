//! Transport nodes: registered while their node is up and wanted, and gone before the node or the record is.

use std::collections::BTreeSet;

use super::order::{all_before, precedes};
use super::unsafe_plan;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::NodeName;
use crate::observed::{Node, Observed};
use crate::plan::{Action, Graph, StepId};

/// NSX logs in to a node that is registered, so that its guest must have said that it is ready.
pub(super) fn check(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    for (id, action) in steps(graph) {
        let Action::Register(node) = action else { continue };
        if !desired.registrations.contains_key(node) {
            return unsafe_plan(format!("it would {action} though it shall not be there"));
        }
        let before = steps(graph).take(id).filter(|(_, earlier)| earlier.node() == Some(node)).last();
        let up = match before {
            Some((_, earlier)) => matches!(earlier, Action::WaitReady(_)),
            None => observed.nodes.get(node).is_some_and(Node::is_ready),
        };
        if !up {
            return unsafe_plan(format!("it would {action} before the node is ready"));
        }
    }
    Ok(())
}

/// The record says how NSX is reached: without it, nobody can remove a transport node any more.
pub(super) fn check_removal(graph: &Graph, observed: &Observed) -> Result<(), Error> {
    let mut removed: BTreeSet<&str> = BTreeSet::new();
    for (_, action) in steps(graph) {
        let Action::Deregister { node, id } = action else { continue };
        let found = observed.transport_nodes.iter().flatten().find(|(other, _)| *other == id);
        if found.is_none_or(|(_, found)| found.node != *node) || !removed.insert(id) {
            return unsafe_plan(format!("it would {action} though there is none, or twice"));
        }
    }
    for (id, action) in steps(graph) {
        let last = match action {
            Action::Destroy(node) => {
                left(graph, observed, Some(node), &|step| precedes(graph, step, first(graph, id, node)))
            }
            Action::Clone(node) => left(graph, observed, Some(node), &|step| precedes(graph, step, id)),
            Action::DestroyImage => {
                let before = all_before(graph, id);
                left(graph, observed, None, &|step| before.get(step).is_some_and(|before| *before))
            }
            _ => None,
        };
        if let Some(left) = last {
            return unsafe_plan(format!("it may {action} while the transport node `{left}` is in NSX"));
        }
    }
    Ok(())
}

/// The step that begins to take a node down: it is stopped before it is destroyed.
fn first(graph: &Graph, destroyed: StepId, node: &NodeName) -> StepId {
    let stopped = steps(graph)
        .take(destroyed)
        .filter(|(_, action)| matches!(action, Action::Stop(name) if name == node));
    stopped.last().map_or(destroyed, |(id, _)| id)
}

/// A transport node, of one node or any, that no step removes in time.
fn left<'a>(
    graph: &Graph,
    observed: &'a Observed,
    node: Option<&NodeName>,
    in_time: &dyn Fn(StepId) -> bool,
) -> Option<&'a str> {
    let found = observed.transport_nodes.iter().flatten();
    let concerned = found.filter(|(_, found)| node.is_none_or(|node| found.node == *node));
    let is_left = |id: &String| {
        let removes = |action: &Action| matches!(action, Action::Deregister { id: gone, .. } if gone == id);
        !steps(graph).any(|(step, action)| removes(action) && in_time(step))
    };
    concerned.map(|(id, _)| id).find(|id| is_left(id)).map(String::as_str)
}

fn steps(graph: &Graph) -> impl Iterator<Item = (StepId, &Action)> {
    graph.steps().iter().enumerate().map(|(id, step)| (id, &step.action))
}
