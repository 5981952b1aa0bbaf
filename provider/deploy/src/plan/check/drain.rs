//! Nodes behind the load balancers: a ready one changes only when every load balancer that runs sends it nothing new,
//! as long as another serves in its place; it comes back when it is whole, and in the end none is out.

use std::collections::BTreeMap;

use super::disturbance::{Disturbance, Readiness, disturbances, one_at_a_time};
use super::order::precedes;
use super::unsafe_plan;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;
use crate::plan::{Action, Graph, StepId};
use crate::release::KindId;

/// A load balancer is told something.
struct Told<'a> {
    step: StepId,
    /// The node that it sends nothing new from then on.
    out: Option<&'a NodeName>,
    /// When it has said that it does.
    applied: Option<StepId>,
}

struct Judge<'a> {
    graph: &'a Graph,
    desired: &'a Desired,
    ready: Readiness<'a>,
    balancers: BTreeMap<&'a NodeName, Balancer<'a>>,
}

/// A load balancer that exists.
struct Balancer<'a> {
    /// It was seen running.
    running: bool,
    /// It was seen with the configuration that is wanted.
    current: bool,
    told: Vec<Told<'a>>,
}

pub(super) fn check(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    let ready = Readiness::new(graph, observed);
    let judge = Judge { graph, desired, ready, balancers: balancers(graph, desired, observed) };
    judge.drains()?;
    judge.ends()?;
    for (component, all) in disturbances(graph, desired, observed, |id| desired.is_drained(id.kind)) {
        one_at_a_time(graph, all.iter().filter(|d| desired.nodes.contains_key(d.node)))?;
        for disturbance in all.iter().filter(|d| judge.ready.at_first(d.node)) {
            judge.disturbance(component, disturbance)?;
        }
    }
    Ok(())
}

fn balancers<'a>(
    graph: &'a Graph,
    desired: &'a Desired,
    observed: &Observed,
) -> BTreeMap<&'a NodeName, Balancer<'a>> {
    let known = desired.members(&ComponentId::of(KindId::LoadBalancer)).iter().filter_map(|name| {
        let (wanted, present) = (desired.nodes.get(name)?, observed.nodes.get(name)?);
        let current = wanted.document.revision == present.revision;
        Some((name, Balancer { running: present.powered_on, current, told: Vec::new() }))
    });
    let mut all: BTreeMap<&NodeName, Balancer<'_>> = known.collect();
    for (step, action) in graph.steps().iter().map(|step| &step.action).enumerate() {
        let Some(balancer) = action.node().and_then(|name| all.get_mut(name)) else { continue };
        match action {
            Action::Drain { balancer: _, node } => {
                balancer.told.push(Told { step, out: Some(node), applied: None });
            }
            Action::Configure(_) => balancer.told.push(Told { step, out: None, applied: None }),
            Action::WaitReady(_) => {
                if let Some(told) = balancer.told.last_mut() {
                    told.applied = told.applied.or(Some(step));
                }
            }
            _ => {}
        }
    }
    all
}

impl Judge<'_> {
    /// Only what stands behind the load balancers is drained, and never the last that serves.
    fn drains(&self) -> Result<(), Error> {
        for (id, step) in self.graph.steps().iter().enumerate() {
            let Action::Drain { balancer, node } = &step.action else { continue };
            let wanted = self.desired.nodes.get(node);
            let wanted = wanted.filter(|wanted| self.desired.is_drained(wanted.component.kind));
            if !self.balancers.contains_key(balancer) || wanted.is_none() {
                return unsafe_plan(format!("it would {} though that is not behind it", step.action));
            }
            if !wanted.is_some_and(|wanted| self.has_peer(&wanted.component, node, id)) {
                return unsafe_plan(format!("it would {} though no other serves in its place", step.action));
            }
        }
        Ok(())
    }

    /// Every load balancer that was told to drain a node has the wanted configuration in the end.
    fn ends(&self) -> Result<(), Error> {
        for (name, balancer) in &self.balancers {
            let drains = balancer.told.iter().any(|told| told.out.is_some());
            let healed =
                balancer.told.last().is_some_and(|told| told.out.is_none() && told.applied.is_some());
            if drains && !healed {
                return unsafe_plan(format!("`{name}` would be left with a node drained"));
            }
        }
        Ok(())
    }

    fn disturbance(&self, component: &ComponentId, disturbance: &Disturbance<'_>) -> Result<(), Error> {
        let Disturbance { node, first, whole: _ } = disturbance;
        let wanted = self.desired.nodes.contains_key(*node);
        if wanted && !self.has_peer(component, node, *first) {
            return Ok(());
        }
        for (name, balancer) in &self.balancers {
            if !balancer.running && !self.ready.by(name, *first) {
                continue;
            }
            let Some(out) = self.in_force(name, balancer, disturbance) else {
                return unsafe_plan(format!(
                    "`{node}` would be disturbed while `{name}` may send it something"
                ));
            };
            if wanted && out != Some(*node) && !self.stands_by(component, disturbance, out) {
                return unsafe_plan(format!("`{node}` would be disturbed before it is drained at `{name}`"));
            }
        }
        Ok(())
    }

    /// The node that is out at a load balancer from a disturbance's begin to its end; none when that is not certain.
    fn in_force<'a>(
        &self,
        name: &NodeName,
        balancer: &Balancer<'a>,
        disturbance: &Disturbance<'_>,
    ) -> Option<Option<&'a NodeName>> {
        let (before, after) =
            balancer.told.split_at(balancer.told.partition_point(|told| told.step < disturbance.first));
        let out = match before.last() {
            Some(told) => {
                told.applied.filter(|id| precedes(self.graph, *id, disturbance.first)).map(|_| told.out)
            }
            None => (balancer.current && self.ready.by(name, disturbance.first)).then_some(None),
        };
        let ended = |told: &Told<'_>| disturbance.whole.is_some_and(|id| precedes(self.graph, id, told.step));
        out.filter(|_| after.first().is_none_or(ended))
    }

    /// The load balancers prefer another one, which serves.
    fn stands_by(
        &self,
        component: &ComponentId,
        disturbance: &Disturbance<'_>,
        out: Option<&NodeName>,
    ) -> bool {
        let preferred = self.desired.members(component).iter().take_while(|name| *name != disturbance.node);
        self.desired.is_single_writer(component.kind)
            && preferred.clone().any(|name| out != Some(name) && self.ready.by(name, disturbance.first))
    }

    fn has_peer(&self, component: &ComponentId, node: &NodeName, step: StepId) -> bool {
        let mut members = self.desired.members(component).iter();
        members.any(|name| name != node && self.ready.by(name, step))
    }
}
