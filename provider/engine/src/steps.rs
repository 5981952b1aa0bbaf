//! How each action is carried out. Every one can be done again: what is there already is taken as it is.

mod foundation;
mod guest;
mod node;
mod rules;

pub(crate) use guest::watched_paths;

use std::sync::{Mutex, PoisonError};

use deploy::desired::{Desired, DesiredNode};
use deploy::inventory::{Cluster, Datacenter};
use deploy::name::NodeName;
use deploy::plan::Action;
use deploy::settings::Settings;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vim::{Client, MoRef};

use crate::deployment::{Deployment, Refs};
use crate::error::Error;
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
    pub(crate) deadline: Deadline,
}

/// When an operation must be done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) timeout_s: u64,
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
            Action::SnapshotImage => self.snapshot_image().await,
            Action::Clone(node) => self.clone_node(node).await,
            Action::SetRule { rule, members } => self.set_rule(rule, members).await,
            Action::RemoveRule(rule) => self.remove_rule(rule).await,
            Action::PowerOn(node) => self.power_on(node).await,
            Action::Configure(node) => self.configure(node).await,
            Action::Resize(node) => self.resize(node).await,
            Action::Stop(node) => self.stop_node(node).await,
            Action::WaitReady(node) => self.wait_ready(node).await,
            Action::Destroy(node) => self.destroy_node(node).await,
            Action::DestroyImage => self.destroy_image().await,
            Action::DestroyPool => self.destroy_pool().await,
            Action::DestroyFolder => self.destroy_folder().await,
        }
    }

    /// True when the user wants to stop.
    pub(crate) fn interrupted(&self) -> bool {
        self.stop.is_cancelled()
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

    fn settings(&self) -> Result<&Settings, Error> {
        let record =
            self.deployment.record().ok_or_else(|| Error::NoDeployment(self.deployment.name.clone()))?;
        Ok(&record.settings)
    }

    fn place(&self, settings: &Settings) -> Result<(&Datacenter, &Cluster), Error> {
        let inventory = &self.deployment.inventory;
        let datacenter = inventory.datacenter(&settings.datacenter)?;
        Ok((datacenter, inventory.cluster(datacenter, &settings.cluster)?))
    }
}

/// A step that the planner should not have made.
fn bug(why: String) -> Error {
    Error::Plan(deploy::Error::UnsafePlan(why))
}
