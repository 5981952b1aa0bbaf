//! What exists when each step begins: nodes, and what they hang from.

use std::collections::BTreeMap;

use super::order::{all_before, precedes};
use super::unsafe_plan;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::{FIRST_IMAGE, NodeName};
use crate::observed::Observed;
use crate::plan::{Action, Graph, Step, StepId};

/// Where a node is between two of its steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Absent,
    Off,
    On,
}

/// The steps on one node follow each other, and each finds the node as it needs it.
pub(super) fn check(graph: &Graph, observed: &Observed) -> Result<(), Error> {
    let mut nodes: BTreeMap<&NodeName, (Stage, Option<StepId>)> = BTreeMap::new();
    for (id, step) in graph.steps().iter().enumerate() {
        let Some(name) = step.action.node() else { continue };
        let (stage, last) = nodes.entry(name).or_insert_with(|| (first_stage(observed, name), None));
        if last.is_some_and(|last| !precedes(graph, last, id)) {
            return unsafe_plan(format!("it may {} while another step is at the same node", step.action));
        }
        let Some(next) = next_stage(&step.action, *stage) else {
            let found = match *stage {
                Stage::Absent => "it does not exist",
                Stage::Off => "it exists and is powered off",
                Stage::On => "it exists and is powered on",
            };
            return unsafe_plan(format!("it would {} when {found}", step.action));
        };
        (*stage, *last) = (next, Some(id));
    }
    Ok(())
}

fn first_stage(observed: &Observed, name: &NodeName) -> Stage {
    match observed.nodes.get(name) {
        None => Stage::Absent,
        Some(node) if node.powered_on => Stage::On,
        Some(_) => Stage::Off,
    }
}

/// The stage after an action, none where the action finds the node as it must not be.
fn next_stage(action: &Action, stage: Stage) -> Option<Stage> {
    match (action, stage) {
        (Action::Clone(_), Stage::Absent) => Some(Stage::Off),
        (Action::PowerOn(_), Stage::Off) => Some(Stage::On),
        (Action::Stop(_), Stage::On) => Some(Stage::Off),
        (Action::Destroy(_), Stage::Off) => Some(Stage::Absent),
        (Action::Resize(_), Stage::Off) => Some(stage),
        (
            Action::Rename(_) | Action::MoveToFolder(_) | Action::MoveToPool(_) | Action::Connect(_),
            Stage::Off | Stage::On,
        ) => Some(stage),
        (Action::RepairFiles(_) | Action::WaitReady(_) | Action::Drain { .. }, Stage::On) => Some(stage),
        (Action::Configure(_), Stage::Off | Stage::On) | (Action::Register(_), Stage::On) => Some(stage),
        (Action::Deregister { .. }, _) => Some(stage),
        _ => None,
    }
}

/// Folder, pool and image come before what hangs from them, and go after it; each once.
pub(super) fn check_foundation(graph: &Graph, observed: &Observed) -> Result<(), Error> {
    let steps = || graph.steps().iter().enumerate().filter(|(_, step)| step.action.node().is_none());
    let made: Vec<(StepId, &Action)> =
        steps().map(|(id, step)| (id, &step.action)).filter(|(_, action)| is_ground(action)).collect();
    for (id, step) in graph.steps().iter().enumerate() {
        let clones = matches!(step.action, Action::Clone(_));
        let stands_on = |ground: &Action| match step.action {
            Action::MoveToFolder(_) => *ground == Action::CreateFolder,
            Action::MoveToPool(_) => *ground == Action::CreatePool,
            _ => clones,
        };
        let has_image = observed.image.is_some() || made.iter().any(|(_, a)| **a == Action::CreateImage);
        if clones && !has_image {
            return unsafe_plan(format!("it would {} without an image", step.action));
        }
        let mut ground = made.iter().filter(|(_, action)| stands_on(action));
        if let Some((_, ground)) = ground.find(|(ground, _)| !precedes(graph, *ground, id)) {
            return unsafe_plan(format!("it may {} before it has to {ground}", step.action));
        }
    }
    for (id, step) in steps().filter(|(_, step)| !matches!(step.action, Action::SetRule { .. })) {
        let before = all_before(graph, id);
        for (other, earlier) in graph.steps().iter().enumerate() {
            let unordered = !before.get(other).is_some_and(|before| *before);
            if unordered && must_follow(&step.action, &earlier.action) {
                return unsafe_plan(format!("it may {} before it has to {}", step.action, earlier.action));
            }
            if other != id && step.action == earlier.action {
                return unsafe_plan(format!("it would {} twice", step.action));
            }
        }
    }
    Ok(())
}

/// Nodes are cloned from the wanted image, which is there or made before.
pub(super) fn check_image(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    let made = |step: &Step| step.action == Action::AddImage(desired.image);
    let present = desired.image == FIRST_IMAGE || observed.later_images.contains_key(&desired.image);
    if present || graph.steps().iter().any(made) {
        return Ok(());
    }
    match graph.steps().iter().find(|step| matches!(step.action, Action::Clone(_))) {
        Some(step) => unsafe_plan(format!("it would {} without image {}", step.action, desired.image)),
        None => Ok(()),
    }
}

/// What every clone stands on.
fn is_ground(action: &Action) -> bool {
    matches!(
        action,
        Action::CreateFolder
            | Action::CreatePool
            | Action::CreateImage
            | Action::AddImage(_)
            | Action::SnapshotImage(_)
    )
}

fn must_follow(later: &Action, earlier: &Action) -> bool {
    match later {
        Action::CreatePool => matches!(earlier, Action::CreateFolder),
        Action::CreateImage => matches!(earlier, Action::CreateFolder | Action::CreatePool),
        Action::AddImage(_) => {
            matches!(earlier, Action::CreateFolder | Action::CreatePool | Action::CreateImage)
        }
        Action::MoveImage(_) => matches!(earlier, Action::CreateFolder),
        Action::SnapshotImage(FIRST_IMAGE) => matches!(earlier, Action::CreateImage),
        Action::SnapshotImage(number) => {
            [Action::AddImage(*number), Action::MoveImage(*number)].contains(earlier)
        }
        Action::RemoveImage(_) => matches!(earlier, Action::Destroy(_)),
        Action::DestroyImage => matches!(earlier, Action::Destroy(_) | Action::RemoveImage(_)),
        Action::DestroyPool => {
            matches!(earlier, Action::Destroy(_) | Action::RemoveImage(_) | Action::DestroyImage)
        }
        Action::DestroyFolder => matches!(
            earlier,
            Action::Destroy(_) | Action::RemoveImage(_) | Action::DestroyImage | Action::DestroyPool
        ),
        _ => false,
    }
}
