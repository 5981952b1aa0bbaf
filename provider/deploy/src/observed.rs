//! What is there, as one read of vCenter showed it. Plans compare it with what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::Entity;
use crate::lease::Lease;
use crate::name::{ComponentId, FIRST_IMAGE, NodeName, later_image_name};
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
    /// The VM that keeps its record: the first image.
    pub image: Option<Image>,
    /// The images that were made when the template changed, by their numbers from 2.
    pub later_images: BTreeMap<u32, LaterImage>,
    /// Its nodes, by their marks.
    pub nodes: BTreeMap<NodeName, Node>,
    /// VMs in the folder that carry no mark of the deployment: never touched.
    pub foreign: BTreeSet<String>,
    /// Anti-affinity rules that bear the deployment's names.
    pub rules: BTreeMap<String, Rule>,
    /// Transport nodes of NSX that carry the deployment's marks, by their ids there; none when the deployment has no NSX or
    /// it could not be read.
    pub transport_nodes: Option<BTreeMap<String, TransportNode>>,
}

/// A transport node of NSX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportNode {
    /// The node that its marks name.
    pub node: NodeName,
    /// The component that its marks name.
    pub component: ComponentId,
    /// Its name.
    pub name: String,
    /// The addresses of its host.
    pub addresses: Vec<String>,
    /// Its transport zone as the user named it when it was registered.
    pub zone: String,
    /// It is in the zone that it was registered in, and in no other.
    pub zone_as_made: bool,
    /// NSX reports it configured.
    pub realized: bool,
}

/// The VM that keeps the record, and that nodes are cloned from until the template changes.
#[derive(Debug, Clone)]
pub struct Image {
    /// It has the snapshot that linked clones hang from.
    pub has_snapshot: bool,
    /// The deployment's record, when it can be read.
    pub record: Option<Record>,
    /// The record was damaged and had to be read from its copy, which the next write puts in its place.
    pub restored: bool,
    /// Who changes the deployment.
    pub lease: Lease,
}

/// A VM that nodes are cloned from since the template has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaterImage {
    /// The template that it was cloned from, as the user named it then.
    pub template: String,
    /// It has the snapshot that linked clones hang from.
    pub has_snapshot: bool,
    /// The VM is not in the deployment's folder, though there is one.
    pub left_folder: bool,
}

impl Observed {
    /// True when there is an image of that number to clone nodes from.
    pub fn has_image(&self, number: u32) -> bool {
        self.image.is_some() && (number == FIRST_IMAGE || self.later_images.contains_key(&number))
    }

    /// The number of the image for nodes that are made from a template: the present one, or another as soon as the template
    /// is another. One that a run has made of that very template and died before its record said so is taken. No image is
    /// ever remade from another template: nodes may hang from it.
    pub fn image_for(&self, record: &Record, template: &str) -> u32 {
        if record.settings.template == template {
            return record.image;
        }
        let is_free = |number: &u32| match self.later_images.get(number) {
            Some(image) => image.template == template,
            None => !self.foreign.contains(&later_image_name(&record.settings.name, *number)),
        };
        (record.image.saturating_add(1)..=u32::MAX).find(is_free).unwrap_or(u32::MAX)
    }
}

/// Where a node's VM is in the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The VM has another name than the node.
    pub renamed: bool,
    /// The VM is not in the deployment's folder, though there is one.
    pub left_folder: bool,
    /// The VM is not in the deployment's resource pool, though there is one.
    pub left_pool: bool,
    /// The networks that the VM is connected to.
    pub networks: Vec<Entity>,
    /// How many network adapters the VM has.
    pub adapters: u32,
}

/// A node VM.
#[derive(Debug, Clone)]
pub struct Node {
    /// Managed object id.
    pub moid: String,
    /// Host that it runs on, empty when vCenter does not say.
    pub host: String,
    /// Name, folder, pool and networks of its VM.
    pub place: Place,
    /// Powered on.
    pub powered_on: bool,
    /// VMware Tools run in the guest, so that it can be asked to shut down.
    pub tools_running: bool,
    /// The component that its marks name.
    pub component: ComponentId,
    /// Revision of the configuration that it was last given.
    pub revision: String,
    /// Digest of the files of that configuration; empty when nobody noted it.
    pub files_digest: String,
    /// Revision that its guest is told now: another one when somebody else wrote there.
    pub told: String,
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
    /// It runs, but its guest does not report that, or was told something else, or its files were changed by hand.
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
        match self.serves() && self.told == self.revision && !self.has_drifted(&self.files_digest) {
            true => NodeState::Ready,
            false => NodeState::Degraded,
        }
    }

    /// True when nothing about it has to be mended.
    pub fn is_ready(&self) -> bool {
        self.state() == NodeState::Ready
    }

    /// True when it runs and its guest reports the configuration it was given, healthy: it does its work, although a
    /// file may have been changed by hand.
    pub fn serves(&self) -> bool {
        self.powered_on && self.status.as_ref().is_some_and(|status| status.is_ready(&self.revision))
    }

    /// True when it runs and its files are not those of this digest, though it has applied what it was given.
    pub fn has_drifted(&self, files_digest: &str) -> bool {
        let status = self.status.as_ref().filter(|_| self.powered_on);
        status.is_some_and(|status| status.has_drifted(&self.revision, files_digest))
    }

    /// True when its guest finds no whole document.
    pub fn is_unreadable(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.unreadable)
    }
}
