//! Folder, pool and image: what every node hangs from.

use super::{Action, Graph};
use crate::observed::Observed;

pub(super) fn plan(linked_clones: bool, observed: &Observed, graph: &mut Graph) {
    let mut needs = Vec::new();
    if !observed.folder {
        needs.push(graph.add(Action::CreateFolder, &[]));
    }
    if !observed.pool {
        needs.push(graph.add(Action::CreatePool, &needs.clone()));
    }
    let snapshot_missing = linked_clones && observed.image.as_ref().is_none_or(|image| !image.has_snapshot);
    if observed.image.is_none() {
        needs = vec![graph.add(Action::CreateImage, &needs)];
    }
    if snapshot_missing {
        graph.add(Action::SnapshotImage, &needs);
    }
}
