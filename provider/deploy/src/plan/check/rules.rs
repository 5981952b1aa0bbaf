//! Anti-affinity rules stand before the nodes that they part are started.

use std::collections::{BTreeMap, BTreeSet};

use super::order::{all_before, precedes};
use super::unsafe_plan;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::NodeName;
use crate::observed::Observed;
use crate::plan::{Action, Graph, StepId};

pub(super) fn check(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    let clones: BTreeMap<&NodeName, StepId> = steps(graph)
        .filter_map(|(id, action)| match action {
            Action::Clone(node) => Some((node, id)),
            _ => None,
        })
        .collect();
    let exists = |node: &NodeName| observed.nodes.contains_key(node) || clones.contains_key(node);
    let set = rules_set(graph, &clones, observed)?;
    if let Some(rule) = set.keys().find(|rule| !desired.rules.contains_key(**rule)) {
        return unsafe_plan(format!("the rule `{rule}` would be set though none is wanted"));
    }
    for (rule, members) in &desired.rules {
        let set = set.get(rule.as_str());
        if let Some((id, named)) = set
            && *named != members.iter().filter(|node| exists(node)).collect()
        {
            return unsafe_plan(format!(
                "step {id} would set the rule `{rule}` over other nodes than wanted"
            ));
        }
        let parted = members.iter().filter(|node| exists(node)).count() > 1;
        for (id, node) in started(graph).filter(|(_, node)| parted && members.contains(*node)) {
            let named = set.is_some_and(|(set, _)| precedes(graph, *set, id));
            if !named && (set.is_some() || clones.contains_key(node)) {
                return unsafe_plan(format!("`{node}` may be powered on before the rule `{rule}` names it"));
            }
        }
    }
    Ok(())
}

/// The rules that a plan sets, each once and over nodes that exist by then.
fn rules_set<'a>(
    graph: &'a Graph,
    clones: &BTreeMap<&NodeName, StepId>,
    observed: &Observed,
) -> Result<BTreeMap<&'a str, (StepId, BTreeSet<&'a NodeName>)>, Error> {
    let mut set = BTreeMap::new();
    for (id, action) in steps(graph) {
        let Action::SetRule { rule, members } = action else { continue };
        let before = all_before(graph, id);
        for node in members {
            let made = clones.get(node).is_some_and(|clone| before.get(*clone).is_some_and(|before| *before));
            if !made && !observed.nodes.contains_key(node) {
                return unsafe_plan(format!("the rule `{rule}` would name `{node}` before it exists"));
            }
        }
        if members.len() < 2 {
            return unsafe_plan(format!("the rule `{rule}` would have fewer than two members"));
        }
        if set.insert(rule.as_str(), (id, members.iter().collect())).is_some() {
            return unsafe_plan(format!("the rule `{rule}` would be set twice"));
        }
    }
    Ok(set)
}

fn steps(graph: &Graph) -> impl Iterator<Item = (StepId, &Action)> {
    graph.steps().iter().enumerate().map(|(id, step)| (id, &step.action))
}

fn started(graph: &Graph) -> impl Iterator<Item = (StepId, &NodeName)> {
    steps(graph).filter_map(|(id, action)| match action {
        Action::PowerOn(node) => Some((id, node)),
        _ => None,
    })
}
