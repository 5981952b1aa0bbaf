//! From what is wanted and what is there to the steps between them. Pure: execution chooses nothing.

mod check;
mod component;
mod drain;
mod foundation;
mod graph;
mod place;
mod registration;
mod removal;
mod repair;
mod rule;
mod standing;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;
use crate::release::KindId;

use drain::Rotation;

pub use check::check;
pub use component::{is_as_wanted, is_settled};
pub use graph::{Graph, Step, StepId};
pub use rule::all_stand as rules_stand;

/// One thing to do in vCenter. Every action can be done again without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make the deployment's folder: this claims the name.
    CreateFolder,
    /// Make the resource pool.
    CreatePool,
    /// Clone the image from the user's template, with the record in it.
    CreateImage,
    /// Clone another image, of this number, from the user's template: it has changed.
    AddImage(u32),
    /// Move a later image back into the deployment's folder.
    MoveImage(u32),
    /// Take the snapshot of an image that linked clones hang from.
    SnapshotImage(u32),
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
    /// Let a running node put back what was changed by hand of the files of its configuration.
    RepairFiles(NodeName),
    /// Give a load balancer a configuration by which it sends a node nothing new. The next that it is given ends that.
    Drain {
        /// The load balancer.
        balancer: NodeName,
        /// The node that is about to change.
        node: NodeName,
    },
    /// Give a node's VM its name again.
    Rename(NodeName),
    /// Move a node's VM back into the deployment's folder.
    MoveToFolder(NodeName),
    /// Move a node's VM back into the deployment's resource pool.
    MoveToPool(NodeName),
    /// Connect a node's adapters to their networks again, and add those that are gone.
    Connect(NodeName),
    /// Change processors and memory of a powered-off node.
    Resize(NodeName),
    /// Shut the guest down, or power it off when it cannot be asked.
    Stop(NodeName),
    /// Wait until the guest reports its configuration applied and healthy.
    WaitReady(NodeName),
    /// Register a node in NSX as a transport node, or let its transport node be as it shall, and wait until NSX says that
    /// it is.
    Register(NodeName),
    /// Remove a transport node from NSX.
    Deregister {
        /// The node that it stands for, which may not exist.
        node: NodeName,
        /// Its id in NSX.
        id: String,
    },
    /// Remove a node.
    Destroy(NodeName),
    /// Remove a later image.
    RemoveImage(u32),
    /// Remove the first image, and the record with it.
    DestroyImage,
    /// Remove the resource pool.
    DestroyPool,
    /// Remove the folder.
    DestroyFolder,
}

impl Action {
    /// The node that it is done to.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Self::Clone(node)
            | Self::PowerOn(node)
            | Self::Configure(node)
            | Self::RepairFiles(node)
            | Self::Drain { balancer: node, node: _ }
            | Self::Rename(node)
            | Self::MoveToFolder(node)
            | Self::MoveToPool(node)
            | Self::Connect(node)
            | Self::Resize(node)
            | Self::Stop(node)
            | Self::WaitReady(node)
            | Self::Register(node)
            | Self::Deregister { node, .. }
            | Self::Destroy(node) => Some(node),
            Self::CreateFolder
            | Self::CreatePool
            | Self::CreateImage
            | Self::AddImage(_)
            | Self::MoveImage(_)
            | Self::SnapshotImage(_)
            | Self::SetRule { .. }
            | Self::RemoveRule(_)
            | Self::RemoveImage(_)
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
            Self::AddImage(number) => write!(f, "clone image {number} from the template"),
            Self::MoveImage(number) => write!(f, "move image {number} back into the deployment's folder"),
            Self::SnapshotImage(number) => write!(f, "take the snapshot of image {number}"),
            Self::Clone(node) => write!(f, "clone `{node}` from the image"),
            Self::SetRule { rule, .. } => write!(f, "set the anti-affinity rule `{rule}`"),
            Self::RemoveRule(rule) => write!(f, "remove the anti-affinity rule `{rule}`"),
            Self::PowerOn(node) => write!(f, "power on `{node}`"),
            Self::Configure(node) => write!(f, "configure `{node}`"),
            Self::RepairFiles(node) => write!(f, "repair the files of `{node}`"),
            Self::Drain { balancer, node } => write!(f, "drain `{node}` at `{balancer}`"),
            Self::Rename(node) => write!(f, "rename the VM of `{node}`"),
            Self::MoveToFolder(node) => write!(f, "move `{node}` back into the deployment's folder"),
            Self::MoveToPool(node) => write!(f, "move `{node}` back into the resource pool"),
            Self::Connect(node) => write!(f, "connect the adapters of `{node}`"),
            Self::Resize(node) => write!(f, "resize `{node}`"),
            Self::Stop(node) => write!(f, "shut down `{node}`"),
            Self::WaitReady(node) => write!(f, "wait for `{node}` to be ready"),
            Self::Register(node) => write!(f, "register `{node}` in NSX"),
            Self::Deregister { node, id } => {
                write!(f, "remove the transport node `{id}` of `{node}` from NSX")
            }
            Self::Destroy(node) => write!(f, "destroy `{node}`"),
            Self::RemoveImage(number) => write!(f, "remove image {number}"),
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
    /// Folder, pool and image: what new nodes are made from.
    Image,
    /// The same, and the place of every node that exists among them.
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
        Scope::Image => drop(foundation::plan(desired, observed, &mut graph)),
        Scope::Foundation => {
            let made = foundation::plan(desired, observed, &mut graph);
            place::settle(desired, observed, &made, &mut graph);
        }
        Scope::Grow(id) => {
            component::grow(desired, observed, id, &mut graph);
            registration::settle(desired, observed, id, &mut graph);
        }
        Scope::Mend(id) => {
            let mut rotation = Rotation::new(desired, observed, id.kind == KindId::LoadBalancer);
            let mended = component::mend(desired, observed, id, &mut rotation, &mut graph);
            registration::settle(desired, observed, id, &mut graph);
            component::reconfigure(desired, observed, Some(id), &mended, &mut rotation, &mut graph);
        }
        Scope::Configuration => {
            rule::settle_all(desired, observed, &mut graph);
            let mut rotation = Rotation::new(desired, observed, false);
            component::reconfigure(desired, observed, None, &[], &mut rotation, &mut graph);
            registration::settle_known(desired, observed, &mut graph);
        }
        Scope::Shrink(id) => {
            removal::shrink(desired, observed, id, &mut graph);
            registration::remove_surplus(desired, observed, id, &mut graph);
        }
    }
    graph
}

/// The steps that leave nothing of a deployment: plan for wanting nothing.
pub fn plan_nothing(observed: &Observed) -> Graph {
    let mut graph = Graph::default();
    removal::everything(observed, &mut graph);
    graph
}

/// The steps that leave nothing of a deployment in NSX.
pub fn plan_unregistered(observed: &Observed) -> Graph {
    let mut graph = Graph::default();
    registration::remove_all(observed, None, &mut graph);
    graph
}

/// The steps that leave nothing of one component, whatever the record says of it.
pub fn plan_without(observed: &Observed, id: &ComponentId) -> Graph {
    let mut graph = Graph::default();
    removal::component(observed, id, &mut graph);
    graph
}
