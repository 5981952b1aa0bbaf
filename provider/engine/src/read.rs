//! One door for all that vCenter says: the inventory around deployments, and deployments.

pub(crate) mod deployment;
pub(crate) mod inventory;
pub(crate) mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use deploy::inventory::Inventory;
use tokio::sync::Mutex;
use vim::Client;

use crate::deployment::Deployment;
use crate::error::Error;

/// What was read in this process, shared by all who ask: whoever comes first reads, the others wait for his answer.
#[derive(Default)]
pub(crate) struct View {
    inventory: Mutex<Option<Arc<Inventory>>>,
    deployments: Mutex<BTreeMap<String, Option<Arc<Deployment>>>>,
}

impl View {
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
    pub(crate) async fn deployment(
        &self,
        client: &Client,
        name: &str,
    ) -> Result<Option<Arc<Deployment>>, Error> {
        let mut cached = self.deployments.lock().await;
        if let Some(deployment) = cached.get(name) {
            return Ok(deployment.clone());
        }
        let deployment = self.read(client, name).await?;
        cached.insert(name.to_owned(), deployment.clone());
        Ok(deployment)
    }

    /// A deployment as it is now.
    pub(crate) async fn fresh(&self, client: &Client, name: &str) -> Result<Option<Arc<Deployment>>, Error> {
        let deployment = self.read(client, name).await?;
        self.deployments.lock().await.insert(name.to_owned(), deployment.clone());
        Ok(deployment)
    }

    /// Forgets a deployment that was changed.
    pub(crate) async fn forget(&self, name: &str) {
        self.deployments.lock().await.remove(name);
    }

    /// Forgets the inventory, of which a folder or pool was made or removed.
    pub(crate) async fn forget_inventory(&self) {
        *self.inventory.lock().await = None;
    }

    async fn read(&self, client: &Client, name: &str) -> Result<Option<Arc<Deployment>>, Error> {
        let inventory = self.inventory(client).await?;
        match deployment::read(client, name, inventory).await {
            // A folder that is gone since the inventory was read: look again, once.
            Err(error) if error.vim().is_some_and(vim::Error::is_not_found) => {
                self.forget_inventory().await;
                let inventory = self.inventory(client).await?;
                Ok(deployment::read(client, name, inventory).await?.map(Arc::new))
            }
            other => Ok(other?.map(Arc::new)),
        }
    }
}
