//! A deployment as one read found it: what the planner compares, and the references that its steps need.

use std::collections::BTreeMap;
use std::sync::Arc;

use deploy::inventory::Inventory;
use deploy::name::NodeName;
use deploy::observed::Observed;
use deploy::record::Record;
use vim::{Device, MoRef};

use crate::error::Error;

/// What exists of a deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The deployment's name.
    pub name: String,
    /// What the planner compares.
    pub observed: Observed,
    /// The inventory around it.
    pub inventory: Arc<Inventory>,
    /// Path of its folder.
    pub folder_path: String,
    pub(crate) refs: Refs,
}

/// References to a deployment's objects. They grow and shrink while a plan is carried out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refs {
    pub(crate) folder: Option<MoRef>,
    pub(crate) pool: Option<MoRef>,
    pub(crate) image: Option<ImageRefs>,
    pub(crate) nodes: BTreeMap<NodeName, MoRef>,
}

/// The image VM and what a clone of it needs to know.
#[derive(Debug, Clone)]
pub(crate) struct ImageRefs {
    pub(crate) vm: MoRef,
    pub(crate) snapshot: Option<MoRef>,
    pub(crate) change_version: String,
    pub(crate) devices: Vec<Device>,
}

impl Deployment {
    /// The record, when there is a readable one.
    pub fn record(&self) -> Option<&Record> {
        self.observed.image.as_ref().and_then(|image| image.record.as_ref())
    }

    /// A folder of the name without an image may be the beginning of an interrupted run, but not with others' VMs in it.
    ///
    /// # Errors
    /// [`Error::ForeignFolder`] with the names of those VMs.
    pub fn refuse_foreign(&self) -> Result<(), Error> {
        if self.is_ours() {
            return Ok(());
        }
        let vms: Vec<String> = self.observed.foreign.iter().map(|vm| format!("`{vm}`")).collect();
        Err(Error::ForeignFolder { folder: self.folder_path.clone(), vms: vms.join(", ") })
    }

    /// True when nothing in it is somebody else's.
    pub fn is_ours(&self) -> bool {
        self.record().is_some() || self.observed.foreign.is_empty()
    }
}
