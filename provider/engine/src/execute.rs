//! Walks a plan: every step as soon as what it needs is done, and none after the first failure.

use deploy::plan::{Graph, StepId};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::error::Error;
use crate::steps::Context;

/// Carries a plan out. Steps in flight are let finish when one fails: what they make carries our marks, and the next
/// run goes on from it.
pub(crate) async fn execute(graph: &Graph, context: &Context<'_>) -> Result<(), Error> {
    let mut front = Front::of(graph);
    let mut running = FuturesUnordered::new();
    let mut failure = None;
    loop {
        if failure.is_none() {
            failure = context.refuse_to_go_on().err();
        }
        if failure.is_none() {
            running.extend(front.ready.drain(..).map(|id| step(graph, id, context)));
        }
        let Some((id, result)) = running.next().await else { break };
        match result {
            Ok(()) => front.done(id),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(()), Err)
}

/// What may begin. Each end of a step costs no more than what waits for it.
struct Front {
    /// Steps that may begin and have not.
    ready: Vec<StepId>,
    /// How many steps each waits for.
    missing: Vec<usize>,
    /// The steps that wait for each.
    unblocks: Vec<Vec<StepId>>,
}

impl Front {
    fn of(graph: &Graph) -> Self {
        let steps = graph.steps();
        let mut unblocks = vec![Vec::new(); steps.len()];
        for (id, step) in steps.iter().enumerate() {
            for need in &step.needs {
                unblocks[*need].push(id);
            }
        }
        let missing: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
        let ready = (0..steps.len()).filter(|id| missing[*id] == 0).collect();
        Self { ready, missing, unblocks }
    }

    fn done(&mut self, id: StepId) {
        for next in std::mem::take(&mut self.unblocks[id]) {
            self.missing[next] -= 1;
            if self.missing[next] == 0 {
                self.ready.push(next);
            }
        }
    }
}

async fn step(graph: &Graph, id: StepId, context: &Context<'_>) -> (StepId, Result<(), Error>) {
    let Some(step) = graph.steps().get(id) else { return (id, Ok(())) };
    tracing::info!(step = %step.action, "step begins");
    let result = Box::pin(context.perform(&step.action)).await;
    match &result {
        Ok(()) => tracing::info!(step = %step.action, "step done"),
        Err(error) => tracing::warn!(step = %step.action, %error, "step failed"),
    }
    (id, result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy::plan::Action;

    #[test]
    fn a_step_may_begin_when_the_last_of_its_needs_is_done() {
        let mut graph = Graph::default();
        let one = graph.add(Action::CreateFolder, &[]);
        let other = graph.add(Action::CreatePool, &[]);
        let both = graph.add(Action::CreateImage, &[other, one, one]);
        let mut front = Front::of(&graph);
        assert_eq!(std::mem::take(&mut front.ready), [one, other]);
        front.done(other);
        assert!(front.ready.is_empty());
        front.done(one);
        assert_eq!(front.ready, [both]);
    }
}
