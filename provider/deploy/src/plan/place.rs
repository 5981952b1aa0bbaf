//! Nodes whose VMs somebody renamed, moved or connected elsewhere: put back where they are, running or not. Their guests
//! do not notice.

use super::{Action, Graph, StepId};
use crate::desired::{Desired, DesiredNode};
use crate::observed::{Node, Observed};

/// Puts every node that exists back in its place, when folder and pool are there (`ground`).
pub(super) fn settle(desired: &Desired, observed: &Observed, ground: &[StepId], graph: &mut Graph) {
    for (name, node) in &desired.nodes {
        let Some(present) = observed.nodes.get(name) else { continue };
        let place = &present.place;
        let steps = [
            (place.left_folder || !observed.folder, Action::MoveToFolder(name.clone())),
            (place.renamed, Action::Rename(name.clone())),
            (place.left_pool || !observed.pool, Action::MoveToPool(name.clone())),
            (!is_connected(node, present), Action::Connect(name.clone())),
        ];
        let mut needs = ground.to_vec();
        for (_, action) in steps.into_iter().filter(|(needed, _)| *needed) {
            needs = vec![graph.add(action, &needs)];
        }
    }
}

/// True when the node's VM has its name and its networks, and is where the others are.
pub(super) fn is_in_place(node: &DesiredNode, present: &Node) -> bool {
    let place = &present.place;
    !place.renamed && !place.left_folder && !place.left_pool && is_connected(node, present)
}

/// vCenter tells the networks of a VM in one property, and not which adapter is connected to which.
fn is_connected(node: &DesiredNode, present: &Node) -> bool {
    let place = &present.place;
    let connected = |name: &str| place.networks.iter().any(|network| network.is_called(name));
    place.adapters as usize >= node.nics.len() && node.nics.iter().all(|(_, name)| connected(name))
}
