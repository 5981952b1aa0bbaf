//! How each action is carried out. Every one can be done again: what is there already is taken as it is.

mod foundation;
mod guest;
mod node;
mod registration;
mod rules;

pub(crate) use guest::watched_paths;

use std::sync::{Mutex, PoisonError};

use deploy::desired::{Desired, DesiredNode};
use deploy::inventory::{Cluster, Datacenter};
use deploy::name::NodeName;
use deploy::plan::Action;
use deploy::record::Record;
use deploy::settings::Settings;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vim::{Client, FaultKind, MoRef};

use crate::deployment::{Deployment, Refs};
use crate::error::Error;
use crate::lease::Lost;
use crate::read::View;

/// What the steps of one plan share.
pub(crate) struct Context<'a> {
    pub(crate) client: &'a Client,
    pub(crate) view: &'a View,
    pub(crate) desired: Option<&'a Desired>,
    pub(crate) deployment: &'a Deployment,
    pub(crate) refs: Mutex<Refs>,
    pub(crate) clones: &'a Semaphore,
    pub(crate) rules: &'a tokio::sync::Mutex<()>,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) lost: Option<Lost>,
    pub(crate) deadline: Deadline,
}

/// When an operation must be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) timeout_s: u64,
}

impl Deadline {
    /// Gives up what is not done in time; `what` names it, as a verb phrase with `to`.
    pub(crate) async fn bound<T>(
        self,
        what: impl Into<String>,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let late = |_| {
            let (what, timeout_s) = (what.into(), self.timeout_s);
            Err(Error::Timeout { what, timeout_s, last: String::new() })
        };
        tokio::time::timeout_at(self.at, work).await.unwrap_or_else(late)
    }
}

impl Context<'_> {
    /// Carries one action out.
    pub(crate) async fn perform(&self, action: &Action) -> Result<(), Error> {
        let work = self.dispatch(action);
        match tokio::time::timeout_at(self.deadline.at, work).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout {
                what: format!("to {action}"),
                timeout_s: self.deadline.timeout_s,
                last: self.last_seen(action).await,
            }),
        }
    }

    async fn dispatch(&self, action: &Action) -> Result<(), Error> {
        match action {
            Action::CreateFolder => self.create_folder().await,
            Action::CreatePool => self.create_pool().await,
            Action::CreateImage => self.create_image().await,
            Action::AddImage(number) => self.add_image(*number).await,
            Action::MoveImage(number) => self.move_image(*number).await,
            Action::SnapshotImage(number) => self.snapshot_image(*number).await,
            Action::Clone(node) => self.clone_node(node).await,
            Action::SetRule { rule, members } => self.set_rule(rule, members).await,
            Action::RemoveRule(rule) => self.remove_rule(rule).await,
            Action::PowerOn(node) => self.power_on(node).await,
            Action::Configure(node) => self.configure(node).await,
            Action::RepairFiles(node) => self.repair_files(node).await,
            Action::Drain { balancer, node } => self.drain(balancer, node).await,
            Action::Rename(node) => self.rename(node).await,
            Action::MoveToFolder(node) => self.move_to_folder(node).await,
            Action::MoveToPool(node) => self.move_to_pool(node).await,
            Action::Connect(node) => self.connect(node).await,
            Action::Resize(node) => self.resize(node).await,
            Action::Stop(node) => self.stop_node(node).await,
            Action::WaitReady(node) => self.wait_ready(node).await,
            Action::Register(node) => self.register(node).await,
            Action::Deregister { node: _, id } => self.deregister(id, action).await,
            Action::Destroy(node) => self.destroy_node(node).await,
            Action::RemoveImage(number) => self.remove_image(*number).await,
            Action::DestroyImage => self.destroy_image().await,
            Action::DestroyPool => self.destroy_pool().await,
            Action::DestroyFolder => self.destroy_folder().await,
        }
    }

    /// Why no further step may begin: the user wants to stop, or another run has taken the deployment over.
    pub(crate) fn refuse_to_go_on(&self) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            return Err(Error::Interrupted);
        }
        match self.lost.as_ref().and_then(|lost| lost.get()) {
            Some(by) => Err(Error::LeaseLost { deployment: self.deployment.name.clone(), by: by.clone() }),
            None => Ok(()),
        }
    }

    /// Waits for a task that a step has started.
    async fn finish(&self, task: MoRef, action: &Action) -> Result<Option<MoRef>, Error> {
        self.client.wait_task(&task).await.map_err(Error::step(action))
    }

    fn refs<T>(&self, use_refs: impl FnOnce(&mut Refs) -> T) -> T {
        use_refs(&mut self.refs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wanted(&self, node: &NodeName) -> Result<&DesiredNode, Error> {
        let found = self.desired.and_then(|desired| desired.nodes.get(node));
        found.ok_or_else(|| bug(format!("`{node}` is not wanted")))
    }

    fn vm(&self, node: &NodeName) -> Result<MoRef, Error> {
        self.refs(|refs| refs.nodes.get(node).cloned()).ok_or_else(|| bug(format!("`{node}` has no VM")))
    }

    fn record(&self) -> Result<&Record, Error> {
        self.deployment.record().ok_or_else(|| Error::NoDeployment(self.deployment.name.clone()))
    }

    fn settings(&self) -> Result<&Settings, Error> {
        Ok(&self.record()?.settings)
    }

    fn place(&self, settings: &Settings) -> Result<(&Datacenter, &Cluster), Error> {
        let inventory = &self.deployment.inventory;
        let datacenter = inventory.datacenter(&settings.datacenter)?;
        Ok((datacenter, inventory.cluster(datacenter, &settings.cluster)?))
    }
}

/// True when it is this object that does not exist any more, and not the task that was to change it.
fn is_gone(error: &vim::Error, entity: &MoRef) -> bool {
    match error.fault() {
        Some(FaultKind::ManagedObjectNotFound { object }) => {
            object.as_ref().is_none_or(|object| object == entity)
        }
        _ => false,
    }
}

/// A step that the planner should not have made.
fn bug(why: String) -> Error {
    Error::Plan(deploy::Error::UnsafePlan(why))
}
