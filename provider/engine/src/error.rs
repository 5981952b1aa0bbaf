//! The one error type of this room: what was done to what, why it failed, and what to do.

use deploy::inventory::LookupError;

/// Why an operation on a deployment failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// vCenter refused a step or could not be reached.
    #[error("cannot {step}")]
    Step {
        /// The step, as a verb phrase.
        step: String,
        /// What vCenter said.
        #[source]
        source: Box<vim::Error>,
    },
    /// vCenter could not be read.
    #[error("cannot read {what}")]
    Read {
        /// What was to be read.
        what: String,
        /// What vCenter said.
        #[source]
        source: Box<vim::Error>,
    },
    /// The NSX Manager refused or could not be reached.
    #[error("cannot {step}")]
    Nsx {
        /// The step, as a verb phrase.
        step: String,
        /// What the NSX Manager said.
        #[source]
        source: Box<nsx::Error>,
    },
    /// The transport zone's name leads to nothing.
    #[error("cannot {step}")]
    TransportZone {
        /// The step, as a verb phrase.
        step: String,
        /// What is wrong with the name.
        #[source]
        source: deploy::preflight::ZoneError,
    },
    /// NSX gave up on a transport node.
    #[error(
        "NSX could not configure the transport node `{node}`: {reason}; mend the cause, then run again: NSX is asked once more"
    )]
    NotRealized {
        /// The node.
        node: String,
        /// What NSX said.
        reason: String,
    },
    /// A name leads to nothing.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// What was asked for cannot be planned.
    #[error(transparent)]
    Plan(#[from] deploy::Error),
    /// There is no template of that name.
    #[error(
        "there is no VM or template `{0}`; give its path below the datacenter's VM folder, for example \
         `templates/ubuntu`, or its whole inventory path"
    )]
    NoTemplate(String),
    /// There is no such deployment.
    #[error(
        "there is no deployment `{0}` in this vCenter: no folder of that name holds its image; check `vsphere_server` \
         and the name"
    )]
    NoDeployment(String),
    /// The record is lost, and nodes without it are there.
    #[error(
        "the record of deployment `{deployment}` is lost: {problem}. What is missing is its root secret, from which all \
         passwords and keys of the {nodes} nodes derive: they run on, but none can be made or changed. To mend it, \
         {remedy}. To give the deployment up, run `destroy -refresh=false`: it removes all that carries its marks"
    )]
    RecordLost {
        /// The deployment.
        deployment: String,
        /// What exactly is not there.
        problem: String,
        /// What brings it back.
        remedy: String,
        /// How many nodes carry the deployment's marks.
        nodes: usize,
    },
    /// vCenter lists VMs whose configuration it cannot read.
    #[error(
        "vCenter cannot read the configuration of {vms} in the folder `{folder}`, which may be nodes: their host or their \
         datastore is not reachable. Bring that back, or remove those VMs, then run again"
    )]
    Unreadable {
        /// Path of the folder.
        folder: String,
        /// Names of the VMs.
        vms: String,
    },
    /// A node is not found, but its VM is.
    #[error(
        "the VM `{vm}` ({moid}) was a node of `{component}` and exists, but neither in the deployment's folder nor in its \
         resource pool, or without its marks; so the node is not taken for gone. Move the VM back into the folder, or remove \
         it, then run again"
    )]
    NotGone {
        /// The component.
        component: String,
        /// Present name of the VM.
        vm: String,
        /// Its managed object id.
        moid: String,
    },
    /// The folder of the deployment's name is somebody else's.
    #[error(
        "the folder `{folder}` already exists and holds VMs that are not of the deployment: {vms}; choose another \
         `name`, or move them elsewhere"
    )]
    ForeignFolder {
        /// Path of the folder.
        folder: String,
        /// Names of the VMs.
        vms: String,
    },
    /// A VM that is not ours has the name of a node or of an image.
    #[error(
        "the VM `{vm}` in the folder `{folder}` has the name of {what} but carries no mark of the deployment; it was \
         not touched. Rename it or move it elsewhere, or, if it is {what}, give it its ExtraConfig back: {marks}. Then \
         run again"
    )]
    ForeignVm {
        /// Name of the VM.
        vm: String,
        /// Path of the folder.
        folder: String,
        /// What it may be, with an article.
        what: &'static str,
        /// The marks of what it may be.
        marks: String,
    },
    /// The deployment still has nodes.
    #[error("the deployment `{deployment}` still has {count} nodes: {nodes}; destroy their resources first")]
    NodesRemain {
        /// The deployment.
        deployment: String,
        /// How many.
        count: usize,
        /// Their names.
        nodes: String,
    },
    /// A component that others stand on cannot go.
    #[error("`{component}` cannot be removed while {dependants} stand on it; remove those first")]
    Depended {
        /// The component.
        component: String,
        /// Who needs it.
        dependants: String,
    },
    /// Tenants still run VMs.
    #[error(
        "the cluster `{cluster}` still runs {count} VMs of tenants; move or delete them, or set `force_delete = true`"
    )]
    TenantsRemain {
        /// The cluster.
        cluster: String,
        /// How many.
        count: usize,
    },
    /// The guest says that it failed.
    #[error(
        "`{node}` reports that its configuration failed: {reason}; mend the cause, then run again: it goes on from here"
    )]
    GuestFailed {
        /// The node.
        node: String,
        /// What its guest said.
        reason: String,
    },
    /// Time ran out.
    #[error(
        "{what} took longer than the time allowed ({timeout_s} s){last}; raise `timeouts` or mend the cause, then run again: it goes on from here"
    )]
    Timeout {
        /// The step, as a verb phrase.
        what: String,
        /// The time allowed.
        timeout_s: u64,
        /// What was last seen, with a leading separator; may be empty.
        last: String,
    },
    /// The user interrupted.
    #[error("interrupted; run again to go on from here")]
    Interrupted,
    /// Another run changes the deployment.
    #[error(
        "the deployment `{deployment}` is being changed by another run, which is at work: {holder}; wait for that run to \
         end, or end it, then run again"
    )]
    Held {
        /// The deployment.
        deployment: String,
        /// Who changes it, and since when.
        holder: String,
    },
    /// Another run took this one for dead.
    #[error(
        "this run did not answer when it was asked whether it still changes the deployment `{deployment}`, and the \
         lease is now in the hands of {by}; it has stopped: wait for the other run to end, then run again"
    )]
    LeaseLost {
        /// The deployment.
        deployment: String,
        /// Who has the lease now.
        by: String,
    },
    /// Another run keeps changing the record.
    #[error(
        "the record of deployment `{0}` was changed by another run again and again; wait for that run to end, then run again"
    )]
    Contended(String),
}

impl Error {
    /// Wraps what vCenter said about a step.
    pub(crate) fn step(step: impl ToString) -> impl FnOnce(vim::Error) -> Self {
        move |source| Self::Step { step: step.to_string(), source: Box::new(source) }
    }

    /// Wraps what vCenter said about a read.
    pub(crate) fn read(what: impl ToString) -> impl FnOnce(vim::Error) -> Self {
        move |source| Self::Read { what: what.to_string(), source: Box::new(source) }
    }

    /// Wraps what the NSX Manager said about a step.
    pub(crate) fn nsx(step: impl ToString) -> impl FnOnce(nsx::Error) -> Self {
        move |source| Self::Nsx { step: step.to_string(), source: Box::new(source) }
    }

    /// The error of the vSphere client in it, if one is.
    pub fn vim(&self) -> Option<&vim::Error> {
        match self {
            Self::Step { source, .. } | Self::Read { source, .. } => Some(source),
            _ => None,
        }
    }
}
