//! What is there, as one read of vCenter showed it. Plans compare it with what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::{ComponentId, NodeName};
use crate::record::Record;
use crate::release::Size;
use crate::render::GuestStatus;

/// Everything of one deployment that exists.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The deployment's folder exists.
    pub folder: bool,
    /// Its resource pool exists.
    pub pool: bool,
    /// Its image VM.
    pub image: Option<Image>,
    /// Its nodes, by their marks.
    pub nodes: BTreeMap<NodeName, Node>,
    /// VMs in the folder that carry no mark of the deployment: never touched.
    pub foreign: BTreeSet<String>,
    /// Anti-affinity rules that bear the deployment's names.
    pub rules: BTreeMap<String, Rule>,
}

/// The image VM.
#[derive(Debug, Clone)]
pub struct Image {
    /// It has the snapshot that linked clones hang from.
    pub has_snapshot: bool,
    /// The deployment's record, when it can be read.
    pub record: Option<Record>,
}

/// A node VM.
#[derive(Debug, Clone)]
pub struct Node {
    /// Managed object id.
    pub moid: String,
    /// Host that it runs on, empty when vCenter does not say.
    pub host: String,
    /// Powered on.
    pub powered_on: bool,
    /// VMware Tools run in the guest, so that it can be asked to shut down.
    pub tools_running: bool,
    /// The component that its marks name.
    pub component: ComponentId,
    /// Revision of the configuration that it was last given.
    pub revision: String,
    /// Keys that carried that configuration, so that those not used any more can be cleared.
    pub document_parts: usize,
    /// Processors and memory in use; the disk as its capacity.
    pub size: Size,
    /// What its guest last reported; `None` when it has not, or not intelligibly.
    pub status: Option<GuestStatus>,
}

/// An anti-affinity rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Managed object ids of its VMs.
    pub members: BTreeSet<String>,
    /// Whether it is in force.
    pub enabled: bool,
}

/// What a user is told of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeState {
    /// It runs, and its guest reports the configuration it was given, healthy.
    Ready,
    /// It runs, but its guest does not report that.
    Degraded,
    /// It is powered off.
    Stopped,
    /// It does not exist.
    Missing,
}

impl NodeState {
    /// The word that users read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Stopped => "stopped",
            Self::Missing => "missing",
        }
    }
}

impl Node {
    /// The node's state, judged by what vCenter and its guest say.
    pub fn state(&self) -> NodeState {
        if !self.powered_on {
            return NodeState::Stopped;
        }
        match &self.status {
            Some(status) if status.is_ready(&self.revision) => NodeState::Ready,
            Some(_) | None => NodeState::Degraded,
        }
    }

    /// True when it runs and its guest reports the configuration it was given, healthy.
    pub fn is_ready(&self) -> bool {
        self.state() == NodeState::Ready
    }
}
