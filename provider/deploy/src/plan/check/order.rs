//! Which step comes before which.

use std::collections::BTreeSet;

use super::unsafe_plan;
use crate::error::Error;
use crate::plan::{Graph, StepId};

/// Steps wait only for earlier ones: then there is no cycle.
pub(super) fn check(graph: &Graph) -> Result<(), Error> {
    for (id, step) in graph.steps().iter().enumerate() {
        if step.needs.iter().any(|need| *need >= id) {
            return unsafe_plan(format!("the step to {} waits for a later one", step.action));
        }
    }
    Ok(())
}

/// True when `later` cannot begin before `earlier` is done.
pub(super) fn precedes(graph: &Graph, earlier: StepId, later: StepId) -> bool {
    if needs(graph, later).contains(&earlier) {
        return true;
    }
    let mut seen = BTreeSet::from([later]);
    let mut left = vec![later];
    while let Some(id) = left.pop() {
        for need in needs(graph, id) {
            if *need == earlier {
                return true;
            }
            // Steps wait only for earlier ones, so that nothing below the one sought leads to it.
            if *need > earlier && seen.insert(*need) {
                left.push(*need);
            }
        }
    }
    false
}

/// For every step, whether it is done before `later` begins.
pub(super) fn all_before(graph: &Graph, later: StepId) -> Vec<bool> {
    let mut before = vec![false; graph.steps().len()];
    let mut left = vec![later];
    while let Some(id) = left.pop() {
        for need in needs(graph, id) {
            if let Some(mark) = before.get_mut(*need).filter(|mark| !**mark) {
                *mark = true;
                left.push(*need);
            }
        }
    }
    before
}

fn needs(graph: &Graph, id: StepId) -> &[StepId] {
    graph.steps().get(id).map(|step| step.needs.as_slice()).unwrap_or_default()
}
