//! From what is wanted and what is there to the steps between them. Pure: execution chooses nothing.

mod check;
mod component;
mod foundation;
mod graph;
mod removal;
mod rule;
mod standing;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;

pub use check::check;
pub use graph::{Graph, Step, StepId};

/// One thing to do in vCenter. Every action can be done again without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make the deployment's folder: this claims the name.
    CreateFolder,
    /// Make the resource pool.
    CreatePool,
    /// Clone the image from the user's template, with the record in it.
    CreateImage,
    /// Take the snapshot that linked clones hang from.
    SnapshotImage,
    /// Clone a node from the image, powered off, with its marks and configuration.
    Clone(NodeName),
    /// Let the rule of a component have exactly these members.
    SetRule {
        /// The rule's name.
        rule: String,
        /// Its members.
        members: Vec<NodeName>,
    },
    /// Remove a rule.
    RemoveRule(String),
    /// Power a node on.
    PowerOn(NodeName),
    /// Give a node another configuration.
    Configure(NodeName),
    /// Change processors and memory of a powered-off node.
    Resize(NodeName),
    /// Shut the guest down, or power it off when it cannot be asked.
    Stop(NodeName),
    /// Wait until the guest reports its configuration applied and healthy.
    WaitReady(NodeName),
    /// Remove a node.
    Destroy(NodeName),
    /// Remove the image, and the record with it.
    DestroyImage,
    /// Remove the resource pool.
    DestroyPool,
    /// Remove the folder.
    DestroyFolder,
}

impl Action {
    /// The node that it is about.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Self::Clone(node)
            | Self::PowerOn(node)
            | Self::Configure(node)
            | Self::Resize(node)
            | Self::Stop(node)
            | Self::WaitReady(node)
            | Self::Destroy(node) => Some(node),
            Self::CreateFolder
            | Self::CreatePool
            | Self::CreateImage
            | Self::SnapshotImage
            | Self::SetRule { .. }
            | Self::RemoveRule(_)
            | Self::DestroyImage
            | Self::DestroyPool
            | Self::DestroyFolder => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateFolder => write!(f, "create the deployment's folder"),
            Self::CreatePool => write!(f, "create the resource pool"),
            Self::CreateImage => write!(f, "clone the image from the template"),
            Self::SnapshotImage => write!(f, "take the image's snapshot"),
            Self::Clone(node) => write!(f, "clone `{node}` from the image"),
            Self::SetRule { rule, .. } => write!(f, "set the anti-affinity rule `{rule}`"),
            Self::RemoveRule(rule) => write!(f, "remove the anti-affinity rule `{rule}`"),
            Self::PowerOn(node) => write!(f, "power on `{node}`"),
            Self::Configure(node) => write!(f, "configure `{node}`"),
            Self::Resize(node) => write!(f, "resize `{node}`"),
            Self::Stop(node) => write!(f, "shut down `{node}`"),
            Self::WaitReady(node) => write!(f, "wait for `{node}` to be ready"),
            Self::Destroy(node) => write!(f, "destroy `{node}`"),
            Self::DestroyImage => write!(f, "destroy the image"),
            Self::DestroyPool => write!(f, "destroy the resource pool"),
            Self::DestroyFolder => write!(f, "destroy the folder"),
        }
    }
}

/// What a plan is about. A component's change is carried out as three plans, each from a fresh look: it grows, then
/// whoever depends on it learns of it, then it shrinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Folder, pool and image.
    Foundation,
    /// The nodes of a component that are missing.
    Grow(ComponentId),
    /// The nodes of a component that are not as they should be, then every node whose configuration is not the
    /// wanted one.
    Mend(ComponentId),
    /// The configuration of every node, and the rules over them.
    Configuration,
    /// The nodes of a component that are too many.
    Shrink(ComponentId),
}

/// The steps from what is there to what is wanted, within a scope.
pub fn plan(desired: &Desired, observed: &Observed, scope: &Scope) -> Graph {
    let mut graph = Graph::default();
    match scope {
        Scope::Foundation => foundation::plan(desired.linked_clones, observed, &mut graph),
        Scope::Grow(id) => component::grow(desired, observed, id, &mut graph),
        Scope::Mend(id) => {
            let mended = component::mend(desired, observed, id, &mut graph);
            component::reconfigure(desired, observed, Some(id), &mended, &mut graph);
        }
        Scope::Configuration => {
            rule::settle_all(desired, observed, &mut graph);
            component::reconfigure(desired, observed, None, &[], &mut graph);
        }
        Scope::Shrink(id) => removal::shrink(desired, observed, id, &mut graph),
    }
    graph
}

/// The steps that leave nothing of a deployment: plan for wanting nothing.
pub fn plan_nothing(observed: &Observed) -> Graph {
    let mut graph = Graph::default();
    removal::everything(observed, &mut graph);
    graph
}

/// The steps that leave nothing of one component, whatever the record says of it.
pub fn plan_without(observed: &Observed, id: &ComponentId) -> Graph {
    let mut graph = Graph::default();
    removal::component(observed, id, &mut graph);
    graph
}
