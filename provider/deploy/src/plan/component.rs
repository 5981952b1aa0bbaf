//! A component's own nodes, and the configuration of whoever depends on them.

use std::collections::BTreeMap;

use super::standing::Standing;
use super::{Action, Graph, StepId, rule};
use crate::desired::{Desired, DesiredNode};
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed};

/// Makes the nodes that are missing: all at once, since nothing is served by them yet.
pub(super) fn grow(desired: &Desired, observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    let clones: BTreeMap<&NodeName, StepId> = desired
        .nodes_of(id)
        .filter(|node| !observed.nodes.contains_key(&node.name))
        .map(|node| (&node.name, graph.add(Action::Clone(node.name.clone()), &[])))
        .collect();
    let ruled = rule::settle(desired, observed, id.kind, &clones, graph);
    for (name, clone) in &clones {
        let needs: Vec<StepId> = ruled.into_iter().chain([*clone]).collect();
        let on = graph.add(Action::PowerOn((*name).clone()), &needs);
        graph.add(Action::WaitReady((*name).clone()), &[on]);
    }
}

/// Brings a component's nodes that exist to what is wanted. Those that are down come first and together: starting them
/// takes nothing away, and members of a cluster that was down as a whole may wait for each other. Then those that run
/// but are not ready, then the ready ones, one after another. Returns the last steps.
pub(super) fn mend(
    desired: &Desired,
    observed: &Observed,
    id: &ComponentId,
    graph: &mut Graph,
) -> Vec<StepId> {
    let standing = Standing::of(desired, observed, id);
    let mut previous: Vec<StepId> =
        standing.stopped.iter().filter_map(|(node, present)| mend_node(node, present, &[], graph)).collect();
    let ready = if standing.may_disturb_ready(!standing.missing) { standing.ready.as_slice() } else { &[] };
    for (node, present) in standing.unready.iter().chain(ready) {
        if let Some(last) = mend_node(node, present, &previous, graph) {
            previous = vec![last];
        }
    }
    previous
}

/// Brings one existing node to what is wanted: size, power, configuration, health. Returns its last step.
fn mend_node(node: &DesiredNode, present: &Node, needs: &[StepId], graph: &mut Graph) -> Option<StepId> {
    let name = || node.name.clone();
    let resize = present.size.cpus != node.size.cpus || present.size.memory_mib != node.size.memory_mib;
    let configure = is_stale(node, present);
    if !resize && !configure && present.is_ready() {
        return None;
    }
    let mut last = needs.to_vec();
    let mut running = present.powered_on;
    if configure {
        last = vec![graph.add(Action::Configure(name()), &last)];
    }
    if resize {
        if running {
            last = vec![graph.add(Action::Stop(name()), &last)];
            running = false;
        }
        last = vec![graph.add(Action::Resize(name()), &last)];
    }
    if !running {
        last = vec![graph.add(Action::PowerOn(name()), &last)];
    }
    Some(graph.add(Action::WaitReady(name()), &last))
}

fn is_stale(node: &DesiredNode, present: &Node) -> bool {
    present.revision != node.document.revision
}

/// Gives every node whose configuration is not the wanted one its new configuration. `mended` are the steps that must
/// come first.
pub(super) fn reconfigure(
    desired: &Desired,
    observed: &Observed,
    except: Option<&ComponentId>,
    mended: &[StepId],
    graph: &mut Graph,
) {
    for id in desired.components().iter().filter(|id| Some(*id) != except) {
        reconfigure_component(&Standing::of(desired, observed, id), mended, graph);
    }
}

/// One running node of a component at a time, each only when the one before is whole. Nodes that are down or missing
/// are left to the component's own change, which knows its rule and its order; until then the ready members of a
/// quorum are left alone too.
fn reconfigure_component(standing: &Standing<'_>, mended: &[StepId], graph: &mut Graph) {
    let stale = |nodes: &[(&DesiredNode, &Node)]| nodes.iter().any(|(node, present)| is_stale(node, present));
    let whole = !standing.missing && standing.stopped.is_empty();
    let ready = if standing.may_disturb_ready(whole) { standing.ready.as_slice() } else { &[] };
    for (node, _) in standing.stopped.iter().filter(|(node, present)| is_stale(node, present)) {
        graph.add(Action::Configure(node.name.clone()), mended);
    }
    let awaited = standing.quorum && stale(ready);
    let mut previous = mended.to_vec();
    for (node, present) in standing.unready.iter().chain(ready) {
        if is_stale(node, present) {
            previous = vec![graph.add(Action::Configure(node.name.clone()), &previous)];
        } else if present.is_ready() || !awaited {
            continue;
        }
        previous = vec![graph.add(Action::WaitReady(node.name.clone()), &previous)];
    }
}
