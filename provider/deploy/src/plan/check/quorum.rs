//! Members that vote: one is disturbed at a time, each only when the one before is whole, and a ready one only when
//! every other is.

use super::disturbance::{Readiness, disturbances, one_at_a_time};
use super::unsafe_plan;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::NodeName;
use crate::observed::Observed;
use crate::plan::Graph;

pub(super) fn check(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    let ready = Readiness::new(graph, observed);
    for (component, disturbances) in disturbances(graph, desired, observed, |id| desired.is_quorum(id.kind)) {
        one_at_a_time(graph, &disturbances)?;
        let members = desired.members(component).iter();
        let unready: Vec<&NodeName> = members.filter(|name| !ready.at_first(name)).collect();
        for disturbance in disturbances.iter().filter(|d| ready.at_first(d.node)) {
            let missed = |name: &&&NodeName| **name != disturbance.node && !ready.by(name, disturbance.first);
            if let Some(other) = unready.iter().find(missed) {
                let node = disturbance.node;
                return unsafe_plan(format!("`{node}` would be disturbed while `{other}` is not ready"));
            }
        }
    }
    Ok(())
}
