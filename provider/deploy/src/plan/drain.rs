//! Nodes behind the load balancers leave them before they change, and come back when they are whole.

use std::collections::BTreeSet;

use super::{Action, Graph, StepId};
use crate::desired::{Desired, DesiredNode};
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;
use crate::release::KindId;

/// The load balancers during one plan. One node at a time is out, of whatever kind: whoever is next leaves by the same
/// configuration that brings the one before back, so that a roll of n nodes costs n + 1 configurations.
pub(super) struct Rotation<'a> {
    /// Those that run when the first node changes. One that runs and is not ready may serve all the same, or soon.
    balancers: Vec<&'a NodeName>,
    /// What they were last told is what is wanted, but for the node that is out.
    known: bool,
    /// A node is out.
    out: bool,
    /// The last steps of the roll so far.
    pub(super) last: Vec<StepId>,
}

impl<'a> Rotation<'a> {
    /// `mended` says that the plan first mends the load balancers, so that all of them run then and know.
    pub(super) fn new(desired: &'a Desired, observed: &Observed, mended: bool) -> Self {
        let id = ComponentId::of(KindId::LoadBalancer);
        let present = desired.members(&id).iter().filter_map(|name| Some((name, observed.nodes.get(name)?)));
        let running = present.filter(|(_, node)| mended || node.powered_on);
        let balancers: Vec<&NodeName> = running.map(|(name, _)| name).collect();
        let known = mended || balancers.iter().all(|name| knows(desired, observed, name));
        Self { balancers, known, out: false, last: Vec::new() }
    }

    /// Takes a ready node that is about to change out of the load balancers, unless no other serves in its place.
    /// `whole` are the nodes of its component that serve by then, itself among them. Returns what its change needs.
    pub(super) fn take_out(
        &mut self,
        desired: &Desired,
        node: &DesiredNode,
        whole: &BTreeSet<u32>,
        needs: &[StepId],
        graph: &mut Graph,
    ) -> Vec<StepId> {
        let kind = node.component.kind;
        let standby = desired.is_single_writer(kind) && whole.first() != Some(&node.index) && self.known;
        if !desired.is_drained(kind) || whole.len() < 2 || standby || self.balancers.is_empty() {
            return needs.to_vec();
        }
        (self.known, self.out) = (true, true);
        let drain =
            |balancer: &NodeName| Action::Drain { balancer: balancer.clone(), node: node.name.clone() };
        one_by_one(&self.balancers, drain, needs, graph)
    }

    /// True when a node is out, so that [`Self::finish`] has something to do.
    pub(super) fn is_out(&self) -> bool {
        self.out
    }

    /// Brings the last node back: every load balancer gets the configuration that is wanted.
    pub(super) fn finish(&mut self, graph: &mut Graph) {
        self.last = one_by_one(&self.balancers, |name| Action::Configure(name.clone()), &self.last, graph);
        self.out = false;
    }
}

/// Tells the load balancers what is wanted, where they do not know: nodes that are to go are not in it any more. Returns
/// what must be done before they go.
pub(super) fn tell(desired: &Desired, observed: &Observed, kind: KindId, graph: &mut Graph) -> Vec<StepId> {
    if !desired.is_drained(kind) {
        return Vec::new();
    }
    let mut running = Rotation::new(desired, observed, false).balancers;
    running.retain(|name| !knows(desired, observed, name));
    one_by_one(&running, |name| Action::Configure(name.clone()), &[], graph)
}

/// What is wanted of a load balancer is in force.
fn knows(desired: &Desired, observed: &Observed, name: &NodeName) -> bool {
    match (desired.nodes.get(name), observed.nodes.get(name)) {
        (Some(wanted), Some(present)) => present.serves() && wanted.document.revision == present.revision,
        _ => false,
    }
}

fn one_by_one(
    balancers: &[&NodeName],
    action: impl Fn(&NodeName) -> Action,
    needs: &[StepId],
    graph: &mut Graph,
) -> Vec<StepId> {
    balancers.iter().fold(needs.to_vec(), |needs, balancer| {
        let told = graph.add(action(balancer), &needs);
        vec![graph.add(Action::WaitReady((*balancer).clone()), &[told])]
    })
}
