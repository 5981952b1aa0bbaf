//! The deployment as a whole: made, changed, removed.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use deploy::desired::Desired;
use deploy::observed::{Image, Observed};
use deploy::plan::{Scope, plan, plan_nothing};
use deploy::record::Record;
use deploy::secret::RootSecret;
use deploy::settings::Settings;

use super::{Engine, deadline};
use crate::deployment::{Deployment, Refs};
use crate::error::Error;

impl Engine {
    /// Makes a deployment: folder, pool, image with its record. What an interrupted run left is taken over.
    ///
    /// # Errors
    /// When the folder is somebody else's, a name leads to nothing, or vCenter refuses a step.
    pub async fn create_deployment(
        &self,
        settings: Settings,
        timeout: Duration,
    ) -> Result<Arc<Deployment>, Error> {
        let turn = self.turn(&settings.name).await;
        let _mine = turn.lock().await;
        let name = settings.name.clone();
        let found = self.view.fresh(&self.client, &name).await?;
        if let Some(deployment) = &found {
            deployment.refuse_foreign()?;
            if deployment.record().is_some() {
                return self.take_over(settings, deployment, timeout).await;
            }
        }
        let record = Record::new(settings, random_secret(), now_s())?;
        let deployment = self.planned(found.as_deref(), record).await?;
        self.build(&deployment, timeout).await
    }

    /// An image with a record is there: its secrets and addresses stay, its settings become the wanted ones.
    async fn take_over(
        &self,
        settings: Settings,
        deployment: &Deployment,
        timeout: Duration,
    ) -> Result<Arc<Deployment>, Error> {
        self.build(deployment, timeout).await?;
        self.settle(settings, timeout).await
    }

    async fn build(&self, deployment: &Deployment, timeout: Duration) -> Result<Arc<Deployment>, Error> {
        let record = deployment.record().ok_or_else(|| Error::NoDeployment(deployment.name.clone()))?;
        let desired = Desired::from_record(record)?;
        // The record that is to be written stands for the image that is not there yet.
        let mut observed = deployment.observed.clone();
        if deployment.refs.image.is_none() {
            observed.image = None;
        }
        let graph = plan(&desired, &observed, &Scope::Foundation);
        self.carry_out(&graph, Some(&desired), deployment, deadline(timeout)).await?;
        self.fresh(&deployment.name).await
    }

    /// Changes a deployment's settings, and the configuration of every node that they matter to.
    ///
    /// # Errors
    /// When there is no such deployment, or a step fails.
    pub async fn update_deployment(
        &self,
        settings: Settings,
        timeout: Duration,
    ) -> Result<Arc<Deployment>, Error> {
        let turn = self.turn(&settings.name).await;
        let _mine = turn.lock().await;
        self.settle(settings, timeout).await
    }

    async fn settle(&self, settings: Settings, timeout: Duration) -> Result<Arc<Deployment>, Error> {
        let name = settings.name.clone();
        let change = |_: &Deployment, record: &Record| Ok(record.with_settings(settings.clone())?);
        let deployment = self.change_record(&name, change).await?;
        let record = deployment.record().ok_or_else(|| Error::NoDeployment(name.clone()))?;
        let desired = Desired::from_record(record)?;
        let graph = plan(&desired, &deployment.observed, &Scope::Configuration);
        self.carry_out(&graph, Some(&desired), &deployment, deadline(timeout)).await?;
        self.fresh(&name).await
    }

    /// Removes a deployment that has no nodes any more, but for those that an interrupted run left.
    ///
    /// # Errors
    /// When nodes remain, or a step fails.
    pub async fn delete_deployment(&self, name: &str, timeout: Duration) -> Result<(), Error> {
        let turn = self.turn(name).await;
        let _mine = turn.lock().await;
        let Some(deployment) = self.view.fresh(&self.client, name).await? else { return Ok(()) };
        deployment.refuse_foreign()?;
        let nodes = nodes_in_use(&deployment);
        if !nodes.is_empty() {
            let (count, nodes) = (nodes.len(), nodes.join(", "));
            return Err(Error::NodesRemain { deployment: name.to_owned(), count, nodes });
        }
        let graph = plan_nothing(&deployment.observed);
        self.carry_out(&graph, None, &deployment, deadline(timeout)).await
    }

    /// The deployment as it will be when its record is written: what the first steps need before there is an image.
    async fn planned(&self, found: Option<&Deployment>, record: Record) -> Result<Deployment, Error> {
        let inventory = self.inventory().await?;
        let name = record.settings.name.clone();
        let image = Some(Image { has_snapshot: false, record: Some(record) });
        let (observed, refs, folder_path) = match found {
            Some(found) => (found.observed.clone(), found.refs.clone(), found.folder_path.clone()),
            None => (Observed::default(), Refs::default(), String::new()),
        };
        Ok(Deployment { name, observed: Observed { image, ..observed }, folder_path, refs, inventory })
    }
}

/// Nodes of components that were whole once. Those of a run that was interrupted before go with the deployment: no
/// state knows of them. Without a record nobody can tell, so all count.
fn nodes_in_use(deployment: &Deployment) -> Vec<&str> {
    let nodes = deployment.observed.nodes.iter();
    let in_use = nodes.filter(|(_, node)| match deployment.record() {
        Some(record) => record.components.get(&node.component).is_some_and(|membership| membership.complete),
        None => true,
    });
    in_use.map(|(name, _)| name.as_str()).collect()
}

fn random_secret() -> RootSecret {
    let mut bytes = [0; 32];
    // Drawing fails only where the system has no source of randomness, and then no TLS connection came this far.
    let drawn = rand::fill(&mut bytes);
    debug_assert!(drawn.is_ok());
    RootSecret::from_random(bytes)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
