//! A deployment as one read found it: what the planner compares, and the references that its steps need.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use deploy::desired::Desired;
use deploy::inventory::Inventory;
use deploy::lease::Lease;
use deploy::name::{FIRST_IMAGE, NodeName};
use deploy::observed::{LaterImage, Observed};
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
    /// Why its record could not be read, when its image is there.
    pub(crate) record_problem: Option<String>,
    /// VMs in its folder that vCenter itself cannot read now: they may be nodes.
    pub(crate) unreadable: Vec<String>,
    /// Why its transport nodes in NSX could not be read, when it has NSX.
    pub(crate) nsx_problem: Option<nsx::Error>,
    /// What its record asks for, made when somebody first asks.
    pub(crate) desired: OnceLock<Option<Arc<Desired>>>,
    pub(crate) wants: Arc<Wants>,
}

/// What the last record of a deployment asks for: all its nodes' configuration, which is long in the making and is the same
/// for every look at the same record.
#[derive(Debug, Default)]
pub(crate) struct Wants(Mutex<Option<(Record, Arc<Desired>)>>);

impl Wants {
    fn of(&self, record: &Record) -> Option<Arc<Desired>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, desired)) = last.as_ref()
            && known.asks_for_the_same(record)
        {
            return Some(Arc::clone(desired));
        }
        let desired = Arc::new(Desired::from_record(record).ok()?);
        *last = Some((record.clone(), Arc::clone(&desired)));
        Some(desired)
    }
}

/// References to a deployment's objects. They grow and shrink while a plan is carried out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refs {
    pub(crate) folder: Option<MoRef>,
    pub(crate) pool: Option<MoRef>,
    /// The first image.
    pub(crate) image: Option<ImageRefs>,
    /// The later ones by their numbers; their versions are not read.
    pub(crate) later_images: BTreeMap<u32, ImageRefs>,
    pub(crate) nodes: BTreeMap<NodeName, MoRef>,
    /// The most keys that carried a configuration which this run gave a node.
    pub(crate) parts: BTreeMap<NodeName, usize>,
}

/// The image VM and what a clone of it needs to know.
#[derive(Debug, Clone)]
pub(crate) struct ImageRefs {
    pub(crate) vm: MoRef,
    pub(crate) snapshot: Option<MoRef>,
    pub(crate) change_version: String,
    pub(crate) devices: Vec<Device>,
}

impl Refs {
    /// The image of that number.
    pub(crate) fn image(&self, number: u32) -> Option<&ImageRefs> {
        if number == FIRST_IMAGE { self.image.as_ref() } else { self.later_images.get(&number) }
    }
}

impl Deployment {
    /// The record, when there is a readable one.
    pub fn record(&self) -> Option<&Record> {
        self.observed.image.as_ref().and_then(|image| image.record.as_ref())
    }

    /// What the record asks for; nothing without a readable record, or when the nodes' configuration cannot be made of
    /// it. Whoever asks first makes it for all.
    pub fn desired(&self) -> Option<&Desired> {
        let make = || self.record().and_then(|record| self.wants.of(record));
        self.desired.get_or_init(make).as_deref()
    }

    /// What the record asks for, to be carried out.
    pub(crate) fn wanted(&self) -> Result<&Desired, Error> {
        if let Some(desired) = self.desired() {
            return Ok(desired);
        }
        let record = self.record().ok_or_else(|| Error::NoDeployment(self.name.clone()))?;
        // It could not be made: once more, for the reason.
        Desired::from_record(record)?;
        Err(Error::NoDeployment(self.name.clone()))
    }

    /// The same deployment with another record and lease, as it is once they are written. Which version of the image has
    /// them is not known.
    pub(crate) fn with_record(&self, record: Record, lease: Lease) -> Self {
        let mut with = self.without_record();
        if let Some(image) = &mut with.refs.image {
            image.change_version.clear();
        }
        if let Some(image) = &mut with.observed.image {
            image.record = Some(record);
            image.restored = false;
            image.lease = lease;
        }
        with
    }

    /// The same deployment, ready for another record.
    pub(crate) fn without_record(&self) -> Self {
        Self { record_problem: None, desired: OnceLock::new(), ..self.clone() }
    }

    /// True when its record may be changed as it stands here.
    pub(crate) fn knows_version(&self) -> bool {
        self.refs.image.as_ref().is_some_and(|image| !image.change_version.is_empty())
    }

    /// Why nobody knows whether its nodes are registered in NSX; nothing when it is known, or there is no NSX.
    pub fn unread_nsx(&self) -> Option<String> {
        self.nsx_problem.as_ref().map(nsx::Error::to_string)
    }

    /// Without the record nothing can be made or changed, and nothing is gone: nodes without it are a loss that the user
    /// must know of. A folder and a pool alone are the beginning of a deployment, or its end.
    pub(crate) fn refuse_lost_record(&self) -> Result<(), Error> {
        let nodes = self.observed.nodes.len();
        if self.record().is_some() || nodes == 0 && self.observed.image.is_none() {
            return Ok(());
        }
        let (deployment, image) = (self.name.clone(), deploy::name::image_name(&self.name));
        let folder = &self.folder_path;
        let (problem, remedy) = match &self.record_problem {
            Some(why) => (
                format!(
                    "the VM `{image}`, which holds it, has neither a whole record nor a whole copy of it: {why}"
                ),
                format!("restore the keys `vio.record*` of the ExtraConfig of `{image}` from a backup"),
            ),
            None if self.observed.foreign.contains(&image) => (
                format!(
                    "the VM `{image}` in `{folder}`, which holds it, does not carry the marks of the image"
                ),
                format!(
                    "give `{image}` the ExtraConfig `vio.deployment` = `{deployment}` and `vio.role` = `image`"
                ),
            ),
            None => (
                format!("the VM `{image}`, which holds it, is not in `{folder}`"),
                format!("bring the VM `{image}` back into `{folder}`, from a backup if need be"),
            ),
        };
        Err(Error::RecordLost { deployment, problem, remedy, nodes })
    }

    /// A VM that vCenter cannot read must not be taken for a node that is gone.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with the names of such VMs.
    pub fn refuse_unreadable(&self) -> Result<(), Error> {
        match self.unreadable.as_slice() {
            [] => Ok(()),
            vms => Err(Error::Unreadable { folder: self.folder_path.clone(), vms: vms.join(", ") }),
        }
    }

    /// What must not be done without knowing what is registered in NSX.
    pub(crate) fn refuse_unread_nsx(&self) -> Result<(), Error> {
        match &self.nsx_problem {
            None => Ok(()),
            Some(why) => {
                let step = format!("read the transport nodes of deployment `{}` in NSX", self.name);
                Err(Error::nsx(step)(why.clone()))
            }
        }
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

    /// True when the first image has a record of its own, and both it and that of the present template the snapshot that
    /// linked clones hang from.
    pub fn has_whole_image(&self) -> bool {
        let Some(image) = &self.observed.image else { return false };
        let Some(record) = image.record.as_ref().filter(|_| !image.restored) else { return false };
        let linked = record.settings.linked_clones;
        let later = self.observed.later_images.get(&record.image);
        let is_whole = |image: &LaterImage| !image.left_folder && (image.has_snapshot || !linked);
        (image.has_snapshot || !linked) && (record.image == FIRST_IMAGE || later.is_some_and(is_whole))
    }

    /// True when the image that nodes are cloned from is there, or there is no record yet that says which.
    pub fn has_source(&self) -> bool {
        self.record().is_none_or(|record| self.observed.has_image(record.image))
    }

    /// True when something in it carries the deployment's marks, or nothing is somebody else's.
    pub fn is_ours(&self) -> bool {
        let observed = &self.observed;
        let ours =
            observed.image.is_some() || !observed.later_images.is_empty() || !observed.nodes.is_empty();
        ours || observed.foreign.is_empty()
    }
}
