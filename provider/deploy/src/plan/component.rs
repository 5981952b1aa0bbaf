//! A component's own nodes, and the configuration of whoever depends on them.

use std::collections::{BTreeMap, BTreeSet};

use super::drain::Rotation;
use super::place::is_in_place;
use super::repair::{configure, configure_and_repair, is_stale};
use super::standing::Standing;
use super::{Action, Graph, StepId, registration, rule};
use crate::desired::{Desired, DesiredNode};
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed};
use crate::release::KindId;

/// Makes the nodes that are missing: all at once, since nothing is served by them yet.
pub(super) fn grow(desired: &Desired, observed: &Observed, id: &ComponentId, graph: &mut Graph) {
    let clones: BTreeMap<&NodeName, StepId> = desired
        .nodes_of(id)
        .filter(|node| !observed.nodes.contains_key(&node.name))
        .map(|node| {
            // What NSX made of the guest that is gone, this one has not.
            let forgotten = registration::remove(observed, &node.name, &[], graph);
            (&node.name, graph.add(Action::Clone(node.name.clone()), &forgotten))
        })
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
/// but are not ready, then the ready ones, one after another, each out of the load balancers first. Returns the last
/// steps.
pub(super) fn mend(
    desired: &Desired,
    observed: &Observed,
    id: &ComponentId,
    rotation: &mut Rotation<'_>,
    graph: &mut Graph,
) -> Vec<StepId> {
    let standing = Standing::of(desired, observed, id);
    let mut previous: Vec<StepId> = standing
        .stopped
        .iter()
        .filter(|(node, present)| !is_whole(node, present))
        .map(|(node, present)| mend_node(node, present, &[], graph))
        .collect();
    let ready = if standing.may_disturb_ready(!standing.missing) { standing.roll() } else { Vec::new() };
    let whole: BTreeSet<u32> = standing.all().map(|(node, _)| node.index).collect();
    for (node, present) in standing.unready.iter().chain(&ready) {
        if is_whole(node, present) {
            continue;
        }
        if present.serves() {
            previous = rotation.take_out(desired, node, &whole, &previous, graph);
        }
        previous = vec![mend_node(node, present, &previous, graph)];
    }
    rotation.last.clone_from(&previous);
    previous
}

/// True when nothing about a node has to be changed or mended: place, size, configuration, files, health.
pub fn is_as_wanted(node: &DesiredNode, present: &Node) -> bool {
    is_in_place(node, present) && is_whole(node, present)
}

/// True when a run that wants what the record says has nothing to do about a node. One that is too many is counted, not
/// judged. But where the record has nothing of its component, a removal was interrupted: its peers have forgotten the node
/// already, and nobody tells it anything any more.
pub fn is_settled(desired: &Desired, name: &NodeName, present: &Node) -> bool {
    match desired.nodes.get(name) {
        Some(node) => is_as_wanted(node, present),
        None => desired.nodes_of(&present.component).next().is_some(),
    }
}

/// True when a node is as wanted, wherever its VM is: that is put right before anything else is planned.
fn is_whole(node: &DesiredNode, present: &Node) -> bool {
    !is_resized(node, present) && !is_stale(node, present) && present.is_ready()
}

fn is_resized(node: &DesiredNode, present: &Node) -> bool {
    present.size.cpus != node.size.cpus || present.size.memory_mib != node.size.memory_mib
}

/// Brings one existing node to what is wanted: size, power, configuration, files, health. Returns its last step. One that
/// is powered on repairs its files by itself.
fn mend_node(node: &DesiredNode, present: &Node, needs: &[StepId], graph: &mut Graph) -> StepId {
    let name = || node.name.clone();
    let resize = is_resized(node, present);
    let mut running = present.powered_on;
    let mut last = match running && !resize {
        true => configure_and_repair(node, present, needs.to_vec(), graph),
        false => configure(node, present, needs.to_vec(), graph),
    };
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
    graph.add(Action::WaitReady(name()), &last)
}

/// Gives every node whose configuration is not the wanted one its new configuration. `mended` are the steps that must
/// come first. Components change side by side, but those behind the load balancers one after another: these know of
/// one node at a time that is out.
pub(super) fn reconfigure(
    desired: &Desired,
    observed: &Observed,
    except: Option<&ComponentId>,
    mended: &[StepId],
    rotation: &mut Rotation<'_>,
    graph: &mut Graph,
) {
    rotation.last.extend(mended);
    let (balancers, others): (Vec<&ComponentId>, Vec<&ComponentId>) = desired
        .components()
        .iter()
        .filter(|id| Some(*id) != except)
        .partition(|id| id.kind == KindId::LoadBalancer);
    for id in others {
        let standing = Standing::of(desired, observed, id);
        if desired.is_drained(id.kind) {
            let needs = rotation.last.clone();
            rotation.last = reconfigure_component(desired, &standing, mended, &needs, rotation, graph);
        } else {
            reconfigure_component(desired, &standing, mended, mended, rotation, graph);
        }
    }
    for id in balancers {
        let mut standing = Standing::of(desired, observed, id);
        if rotation.is_out() {
            // They have what is wanted of them already, and get it again when the last node comes back.
            (standing.ready, standing.unready) = (Vec::new(), Vec::new());
        }
        reconfigure_component(desired, &standing, mended, mended, rotation, graph);
    }
    if rotation.is_out() {
        rotation.finish(graph);
    }
}

/// One running node of a component at a time behind the steps of `needs`, each only when the one before is whole. Nodes
/// that are down or missing are left to the component's own change, which knows its rule and its order; until then the
/// ready members of a quorum are left alone too. Returns the last steps.
fn reconfigure_component(
    desired: &Desired,
    standing: &Standing<'_>,
    mended: &[StepId],
    needs: &[StepId],
    rotation: &mut Rotation<'_>,
    graph: &mut Graph,
) -> Vec<StepId> {
    let whole = !standing.missing && standing.stopped.is_empty();
    let ready = if standing.may_disturb_ready(whole) { standing.roll() } else { Vec::new() };
    for (node, _) in standing.stopped.iter().filter(|(node, present)| is_stale(node, present)) {
        graph.add(Action::Configure(node.name.clone()), mended);
    }
    let awaited = standing.quorum && ready.iter().any(|(node, present)| is_stale(node, present));
    let serves = |(node, present): &&(&DesiredNode, &Node)| {
        present.serves() || present.powered_on && (awaited || is_stale(node, present))
    };
    let serving: BTreeSet<u32> = standing.all().filter(serves).map(|(node, _)| node.index).collect();
    let mut previous = needs.to_vec();
    for (node, present) in standing.unready.iter().chain(&ready) {
        // Files that were changed by hand are the component's own business while the node serves.
        if !is_stale(node, present) && (present.serves() || !awaited) {
            continue;
        }
        if present.serves() {
            previous = rotation.take_out(desired, node, &serving, &previous, graph);
        }
        previous = configure_and_repair(node, present, previous, graph);
        previous = vec![graph.add(Action::WaitReady(node.name.clone()), &previous)];
    }
    previous
}
