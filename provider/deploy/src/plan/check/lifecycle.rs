//! What exists when each step begins: nodes, and what they hang from.

use std::collections::BTreeMap;

use super::order::{all_before, precedes};
use super::unsafe_plan;
use crate::error::Error;
use crate::name::NodeName;
use crate::observed::Observed;
use crate::plan::{Action, Graph, StepId};

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
        (Action::Resize(_), Stage::Off) | (Action::WaitReady(_), Stage::On) => Some(stage),
        (Action::Configure(_), Stage::Off | Stage::On) => Some(stage),
        _ => None,
    }
}

/// Folder, pool and image come before what hangs from them, and go after it; each once.
pub(super) fn check_foundation(graph: &Graph, observed: &Observed) -> Result<(), Error> {
    let steps = || graph.steps().iter().enumerate().filter(|(_, step)| step.action.node().is_none());
    let made: Vec<(StepId, &Action)> =
        steps().map(|(id, step)| (id, &step.action)).filter(|(_, action)| is_ground(action)).collect();
    for (id, step) in graph.steps().iter().enumerate() {
        if !matches!(step.action, Action::Clone(_)) {
            continue;
        }
        if observed.image.is_none() && !made.iter().any(|(_, action)| **action == Action::CreateImage) {
            return unsafe_plan(format!("it would {} without an image", step.action));
        }
        if let Some((_, ground)) = made.iter().find(|(ground, _)| !precedes(graph, *ground, id)) {
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

/// What every clone stands on.
fn is_ground(action: &Action) -> bool {
    matches!(action, Action::CreateFolder | Action::CreatePool | Action::CreateImage | Action::SnapshotImage)
}

fn must_follow(later: &Action, earlier: &Action) -> bool {
    match later {
        Action::CreatePool => matches!(earlier, Action::CreateFolder),
        Action::CreateImage => matches!(earlier, Action::CreateFolder | Action::CreatePool),
        Action::SnapshotImage => matches!(earlier, Action::CreateImage),
        Action::DestroyImage => matches!(earlier, Action::Destroy(_)),
        Action::DestroyPool => matches!(earlier, Action::Destroy(_) | Action::DestroyImage),
        Action::DestroyFolder => {
            matches!(earlier, Action::Destroy(_) | Action::DestroyImage | Action::DestroyPool)
        }
        _ => false,
    }
}
