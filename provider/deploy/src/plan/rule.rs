//! Anti-affinity rules: peers on different hosts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Graph, StepId};
use crate::desired::Desired;
use crate::name::NodeName;
use crate::observed::Observed;
use crate::release::KindId;

/// Brings the rule of a kind to what is wanted, over the nodes that exist and those that `clones` make. Returns the
/// step that sets it: a rule must stand before a second member is powered on, else the scheduler puts it where it
/// likes.
pub(super) fn settle(
    desired: &Desired,
    observed: &Observed,
    kind: KindId,
    clones: &BTreeMap<&NodeName, StepId>,
    graph: &mut Graph,
) -> Option<StepId> {
    let name = desired.rule_of(kind);
    let Some(wanted) = desired.rules.get(&name) else {
        remove_unwanted(desired, observed, kind, &[], graph);
        return None;
    };
    let exists = |node: &&NodeName| observed.nodes.contains_key(*node) || clones.contains_key(*node);
    let members: Vec<NodeName> = wanted.iter().filter(exists).cloned().collect();
    // A rule of one member is refused by vCenter, and means nothing.
    if members.len() < 2 || stands(observed, &name, &members) {
        return None;
    }
    let needs: Vec<StepId> = clones.values().copied().collect();
    Some(graph.add(Action::SetRule { rule: name, members }, &needs))
}

/// Brings every rule to what is wanted, but for those whose members are still being made: whoever makes them knows
/// them all, and a rule set from an earlier look would drop the latest.
pub(super) fn settle_all(desired: &Desired, observed: &Observed, graph: &mut Graph) {
    for kind in KindId::ALL {
        let wanted = desired.rules.get(&desired.rule_of(kind));
        if wanted.is_none_or(|members| members.iter().all(|node| observed.nodes.contains_key(node))) {
            settle(desired, observed, kind, &BTreeMap::new(), graph);
        }
    }
}

/// True when every rule is as wanted, but for those whose members do not all exist: the next growth sets these.
pub fn all_stand(desired: &Desired, observed: &Observed) -> bool {
    let mut graph = Graph::default();
    settle_all(desired, observed, &mut graph);
    graph.is_empty()
}

/// Removes the rule of a kind when none is wanted.
pub(super) fn remove_unwanted(
    desired: &Desired,
    observed: &Observed,
    kind: KindId,
    needs: &[StepId],
    graph: &mut Graph,
) {
    let name = desired.rule_of(kind);
    if !desired.rules.contains_key(&name) && observed.rules.contains_key(&name) {
        graph.add(Action::RemoveRule(name), needs);
    }
}

fn stands(observed: &Observed, rule: &str, members: &[NodeName]) -> bool {
    let moids: Option<BTreeSet<&String>> =
        members.iter().map(|node| observed.nodes.get(node).map(|node| &node.moid)).collect();
    observed.rules.get(rule).is_some_and(|rule| {
        rule.enabled && moids.is_some_and(|moids| rule.members.iter().eq(moids.iter().copied()))
    })
}
