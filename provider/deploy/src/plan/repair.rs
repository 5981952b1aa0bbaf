//! A node's configuration and files, where they are not what they should be.

use super::{Action, Graph, StepId};
use crate::desired::DesiredNode;
use crate::observed::Node;

/// True when the node must be given its configuration: it has another one, or somebody else wrote in its place.
pub(super) fn is_stale(node: &DesiredNode, present: &Node) -> bool {
    let wanted = &node.document;
    let given = (&present.revision, &present.files_digest, &present.told);
    given != (&wanted.revision, &wanted.files_digest, &wanted.revision) || present.is_unreadable()
}

/// Gives a node its configuration, unless it has it; returns the steps that come last.
pub(super) fn configure(
    node: &DesiredNode,
    present: &Node,
    needs: Vec<StepId>,
    graph: &mut Graph,
) -> Vec<StepId> {
    match is_stale(node, present) {
        true => vec![graph.add(Action::Configure(node.name.clone()), &needs)],
        false => needs,
    }
}

/// Gives a running node its configuration and its files back; returns the steps that come last. Another configuration
/// brings its files with it.
pub(super) fn configure_and_repair(
    node: &DesiredNode,
    present: &Node,
    needs: Vec<StepId>,
    graph: &mut Graph,
) -> Vec<StepId> {
    let mut last = configure(node, present, needs, graph);
    if present.revision == node.document.revision && present.has_drifted(&node.document.files_digest) {
        last = vec![graph.add(Action::RepairFiles(node.name.clone()), &last)];
    }
    last
}
