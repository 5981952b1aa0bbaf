//! One door for all that vCenter says: the inventory around deployments, and deployments.

pub(crate) mod deployment;
pub(crate) mod inventory;
mod looks;
pub(crate) mod template;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use deploy::inventory::Inventory;
use tokio::sync::Mutex;
use vim::Client;

use crate::deployment::{Deployment, Wants};
use crate::error::Error;
use crate::managers::Managers;
use looks::Looks;
pub(crate) use looks::Moment;

/// A deployment, when there is one.
type Found = Option<Arc<Deployment>>;

/// What was read in this process, shared by all who ask: whoever comes first reads, the others wait for his answer.
pub(crate) struct View {
    pub(crate) managers: Managers,
    inventory: Mutex<Option<Arc<Inventory>>>,
    deployments: std::sync::Mutex<BTreeMap<String, Arc<Looks<Found>>>>,
    wants: std::sync::Mutex<BTreeMap<String, Arc<Wants>>>,
}

impl View {
    pub(crate) fn new(managers: Managers) -> Self {
        let (inventory, deployments, wants) = Default::default();
        Self { managers, inventory, deployments, wants }
    }

    fn looks(&self, name: &str) -> Arc<Looks<Found>> {
        let mut all = self.deployments.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }

    /// What the last record of a deployment asks for.
    pub(crate) fn wants(&self, name: &str) -> Arc<Wants> {
        let mut all = self.wants.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }

    /// The inventory, read once until something in it was changed by us.
    pub(crate) async fn inventory(&self, client: &Client) -> Result<Arc<Inventory>, Error> {
        let mut cached = self.inventory.lock().await;
        if let Some(inventory) = cached.as_ref() {
            return Ok(Arc::clone(inventory));
        }
        let inventory = Arc::new(inventory::read(client).await?);
        *cached = Some(Arc::clone(&inventory));
        Ok(inventory)
    }

    /// A deployment as it was last read, or read now.
    pub(crate) async fn deployment(&self, client: &Client, name: &str) -> Result<Found, Error> {
        self.looks(name).last(Box::pin(self.read(client, name))).await
    }

    /// A deployment as it is now.
    pub(crate) async fn fresh(&self, client: &Client, name: &str) -> Result<Found, Error> {
        self.looks(name).fresh(Box::pin(self.read(client, name))).await
    }

    /// Now, among the looks at a deployment.
    pub(crate) fn now(&self, name: &str) -> Moment {
        self.looks(name).now()
    }

    /// A deployment as it was at some time after that moment, when nothing of ours has changed it since.
    pub(crate) async fn since(&self, client: &Client, name: &str, moment: Moment) -> Result<Found, Error> {
        self.looks(name).since(moment, Box::pin(self.read(client, name))).await
    }

    /// What a deployment is that was found like this, and of which only the image has been changed or read since.
    pub(crate) async fn know(&self, found: &Arc<Deployment>, deployment: &Arc<Deployment>) {
        let is_found = |last: &Found| last.as_ref().is_some_and(|last| Arc::ptr_eq(last, found));
        self.looks(&deployment.name).know(Some(Arc::clone(deployment)), is_found).await;
    }

    /// The same deployment with its image, the record and the lease as they are now: a call that knows nothing of nodes.
    pub(crate) async fn with_image_of_now(
        &self,
        client: &Client,
        found: &Arc<Deployment>,
    ) -> Result<Arc<Deployment>, Error> {
        let reread = Arc::new(deployment::with_image_of_now(client, found).await?);
        self.know(found, &reread).await;
        Ok(reread)
    }

    /// Notes that nodes were added to a deployment.
    pub(crate) async fn outdate(&self, name: &str) {
        self.looks(name).outdate().await;
    }

    /// A deployment as it was last read, if it was.
    pub(crate) async fn known(&self, name: &str) -> Option<Arc<Deployment>> {
        self.looks(name).known().await.flatten()
    }

    /// Forgets a deployment that was changed.
    pub(crate) async fn forget(&self, name: &str) {
        self.looks(name).forget().await;
    }

    /// Forgets the inventory, of which a folder or pool was made or removed.
    pub(crate) async fn forget_inventory(&self) {
        *self.inventory.lock().await = None;
    }

    async fn read(&self, client: &Client, name: &str) -> Result<Found, Error> {
        let mut found = self.read_vcenter(client, name).await?;
        if let Some(deployment) = &mut found {
            self.managers.look(deployment).await;
        }
        Ok(found.map(Arc::new))
    }

    async fn read_vcenter(&self, client: &Client, name: &str) -> Result<Option<Deployment>, Error> {
        let inventory = self.inventory(client).await?;
        match deployment::read(client, name, inventory, self.wants(name)).await {
            // A folder that is gone since the inventory was read: look again, once.
            Err(error) if error.vim().is_some_and(vim::Error::is_not_found) => {
                self.forget_inventory().await;
                let inventory = self.inventory(client).await?;
                deployment::read(client, name, inventory, self.wants(name)).await
            }
            other => other,
        }
    }
}
