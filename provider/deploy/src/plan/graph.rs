//! Steps and what each must wait for.

use super::Action;

/// A step's place in its plan.
pub type StepId = usize;

/// The steps of a plan. A step only waits for steps before it, so that a plan cannot have a cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// The steps that must be done before.
    pub needs: Vec<StepId>,
}

impl Graph {
    /// Adds a step behind others.
    pub fn add(&mut self, action: Action, needs: &[StepId]) -> StepId {
        let mut needs = needs.to_vec();
        needs.sort_unstable();
        needs.dedup();
        self.steps.push(Step { action, needs });
        self.steps.len() - 1
    }

    /// The steps in an order in which they may be done one by one.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// True when there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
