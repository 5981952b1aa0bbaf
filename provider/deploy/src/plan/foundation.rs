//! Folder, pool and image: what every node hangs from.

use super::{Action, Graph, StepId};
use crate::desired::Desired;
use crate::name::FIRST_IMAGE;
use crate::observed::Observed;

/// Returns the steps that nodes which are to be moved must wait for.
pub(super) fn plan(desired: &Desired, observed: &Observed, graph: &mut Graph) -> Vec<StepId> {
    let mut needs = Vec::new();
    if !observed.folder {
        needs.push(graph.add(Action::CreateFolder, &[]));
    }
    if !observed.pool {
        needs.push(graph.add(Action::CreatePool, &needs.clone()));
    }
    let snapshot_missing = observed.image.as_ref().is_none_or(|image| !image.has_snapshot);
    if observed.image.is_none() {
        needs = vec![graph.add(Action::CreateImage, &needs)];
    }
    if desired.linked_clones && snapshot_missing {
        graph.add(Action::SnapshotImage(FIRST_IMAGE), &needs);
    }
    if desired.image != FIRST_IMAGE {
        later_image(desired, observed, &needs, graph);
    }
    needs
}

/// The image of the present template, when that is not the first one. Those between stay: nodes may hang from them.
fn later_image(desired: &Desired, observed: &Observed, ground: &[StepId], graph: &mut Graph) {
    let present = observed.later_images.get(&desired.image);
    let is_elsewhere = present.is_some_and(|image| image.left_folder || !observed.folder);
    let mut needs = ground.to_vec();
    if present.is_none() {
        needs = vec![graph.add(Action::AddImage(desired.image), &needs)];
    }
    if is_elsewhere {
        needs = vec![graph.add(Action::MoveImage(desired.image), &needs)];
    }
    if desired.linked_clones && present.is_none_or(|image| !image.has_snapshot) {
        graph.add(Action::SnapshotImage(desired.image), &needs);
    }
}
