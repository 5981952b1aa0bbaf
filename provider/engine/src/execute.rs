//! Walks a plan: every step as soon as what it needs is done, and none after the first failure.

use std::collections::BTreeSet;

use deploy::plan::{Graph, StepId};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use crate::error::Error;
use crate::steps::Context;

/// Carries a plan out. Steps in flight are let finish when one fails: what they make carries our marks, and the next
/// run goes on from it.
pub(crate) async fn execute(graph: &Graph, context: &Context<'_>) -> Result<(), Error> {
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    let mut started: BTreeSet<StepId> = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    let mut failure = None;
    loop {
        if failure.is_none() && context.interrupted() {
            failure = Some(Error::Interrupted);
        }
        if failure.is_none() {
            for id in ready(graph, &started, &done) {
                started.insert(id);
                running.push(step(graph, id, context));
            }
        }
        let Some((id, result)) = running.next().await else { break };
        match result {
            Ok(()) => {
                done.insert(id);
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(()), Err)
}

fn ready(graph: &Graph, started: &BTreeSet<StepId>, done: &BTreeSet<StepId>) -> Vec<StepId> {
    let steps = graph.steps().iter().enumerate();
    steps
        .filter(|(id, step)| !started.contains(id) && step.needs.iter().all(|need| done.contains(need)))
        .map(|(id, _)| id)
        .collect()
}

async fn step(graph: &Graph, id: StepId, context: &Context<'_>) -> (StepId, Result<(), Error>) {
    let Some(step) = graph.steps().get(id) else { return (id, Ok(())) };
    tracing::info!(step = %step.action, "step begins");
    let result = context.perform(&step.action).await;
    match &result {
        Ok(()) => tracing::info!(step = %step.action, "step done"),
        Err(error) => tracing::warn!(step = %step.action, %error, "step failed"),
    }
    (id, result)
}
