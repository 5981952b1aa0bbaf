//! What can be asked of the engine: one method for each thing that a user does.

mod component;
mod foundation;
mod lease;
mod nsx;
mod record;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use deploy::desired::Desired;
use deploy::inventory::{Inventory, Template};
use deploy::name::ComponentId;
use deploy::plan::{Graph, check};
use deploy::settings::Component;
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vim::Client;

use crate::deployment::Deployment;
use crate::error::Error;
use crate::execute::execute;
use crate::lease::Leases;
use crate::managers::{Managers, NsxOptions};
use crate::read::{Moment, View, template};
use crate::steps::{Context, Deadline};

pub use component::Outcome;
pub(crate) use component::{foreign_vm, given};
pub use lease::End;
pub(crate) use nsx::zone;

/// Bounds on what the engine does at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Clones in flight.
    pub max_concurrent_clones: usize,
}

/// Works on the deployments of one vCenter. All calls of a process share one engine, so that they share its session,
/// its view and its locks.
pub struct Engine {
    client: Client,
    view: View,
    clones: Semaphore,
    rules: Mutex<()>,
    /// Per deployment: whoever changes nodes that exist, or the record.
    turns: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
    leases: Leases,
    /// Components that are about to be applied: whoever has the turn writes all of them into the record at once.
    joining: std::sync::Mutex<Joining>,
    stop: CancellationToken,
}

/// What components shall be like, by deployment.
type Joining = BTreeMap<String, BTreeMap<ComponentId, Component>>;

impl Engine {
    /// The properties of VMs that the client given to [`Engine::new`] must watch.
    pub fn watched_paths() -> Vec<String> {
        crate::steps::watched_paths()
    }

    /// An engine over a client.
    pub fn new(client: Client, limits: Limits, nsx: NsxOptions) -> Self {
        Self {
            client,
            view: View::new(Managers::new(nsx)),
            clones: Semaphore::new(limits.max_concurrent_clones.max(1)),
            rules: Mutex::new(()),
            turns: Mutex::default(),
            leases: Leases::new(),
            joining: std::sync::Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Stops waiting and starts no further step; what runs in vCenter is let finish.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// The inventory, without VMs.
    ///
    /// # Errors
    /// When vCenter cannot be read.
    pub async fn inventory(&self) -> Result<Arc<Inventory>, Error> {
        self.view.inventory(&self.client).await
    }

    /// What a plan must know of a template.
    ///
    /// # Errors
    /// When the datacenter or the template does not exist, or vCenter cannot be read.
    pub async fn template(&self, datacenter: &str, template: &str) -> Result<Template, Error> {
        let inventory = self.inventory().await?;
        let found = template::find(&self.client, inventory.datacenter(datacenter)?, template).await?;
        Ok(found.template)
    }

    /// What there is of a deployment, as this process last saw it: a folder of its name at least. Without a record it
    /// is the beginning or the end of one, or somebody else's folder.
    ///
    /// # Errors
    /// When vCenter cannot be read, or the record cannot or is lost.
    pub async fn deployment(&self, name: &str) -> Result<Option<Arc<Deployment>>, Error> {
        let found = self.view.deployment(&self.client, name).await?;
        if let Some(deployment) = &found {
            deployment.refuse_lost_record()?;
        }
        Ok(found)
    }

    async fn fresh(&self, name: &str) -> Result<Arc<Deployment>, Error> {
        self.since(name, self.view.now(name)).await
    }

    /// A deployment as it was after that moment, when nothing of ours has changed it since: those who waited for their turn
    /// share a look.
    async fn since(&self, name: &str, moment: Moment) -> Result<Arc<Deployment>, Error> {
        let found = self.view.since(&self.client, name, moment).await?;
        if let Some(deployment) = &found {
            deployment.refuse_lost_record()?;
        }
        let found = found.filter(|deployment| deployment.record().is_some());
        found.ok_or_else(|| Error::NoDeployment(name.to_owned()))
    }

    /// Waits until nobody else in this process changes the deployment.
    async fn turn(&self, deployment: &str, deadline: Deadline) -> Result<OwnedMutexGuard<()>, Error> {
        let turn = Arc::clone(self.turns.lock().await.entry(deployment.to_owned()).or_default());
        let what = format!("to wait for other changes of deployment `{deployment}`");
        deadline.bound(what, async { Ok(turn.lock_owned().await) }).await
    }

    /// Checks a plan and carries it out.
    async fn carry_out(
        &self,
        graph: &Graph,
        desired: Option<&Desired>,
        deployment: &Deployment,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if graph.is_empty() {
            return Ok(());
        }
        let result = self.perform(graph, desired, deployment, deadline).await;
        self.view.forget(&deployment.name).await;
        result
    }

    async fn perform(
        &self,
        graph: &Graph,
        desired: Option<&Desired>,
        deployment: &Deployment,
        deadline: Deadline,
    ) -> Result<(), Error> {
        if let Some(desired) = desired {
            check(graph, desired, &deployment.observed)?;
        }
        self.refuse_not_held(deployment)?;
        let context = Context {
            client: &self.client,
            view: &self.view,
            desired,
            deployment,
            refs: std::sync::Mutex::new(deployment.refs.clone()),
            clones: &self.clones,
            rules: &self.rules,
            stop: &self.stop,
            lost: self.leases.lost(&deployment.name),
            deadline,
        };
        execute(graph, &context).await
    }
}

fn deadline(timeout: Duration) -> Deadline {
    Deadline { at: Instant::now() + timeout, timeout_s: timeout.as_secs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_never_ends_is_given_up_with_its_name_when_the_time_is_up() {
        let deadline = deadline(Duration::from_secs(90));
        let never = std::future::pending::<Result<(), Error>>();
        let error = deadline.bound("to write the record", never).await.unwrap_err().to_string();
        assert!(error.starts_with("to write the record took longer than the time allowed (90 s)"), "{error}");
        assert!(
            deadline.bound("to look", async { Ok(()) }).await.is_ok(),
            "what is done at once is done in time"
        );
    }
}
