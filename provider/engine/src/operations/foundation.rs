//! The deployment as a whole: made, changed, removed.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use deploy::desired::Desired;
use deploy::lease::Lease;
use deploy::name::ComponentId;
use deploy::observed::{Image, Observed};
use deploy::plan::{Scope, plan, plan_nothing};
use deploy::record::Record;
use deploy::secret::RootSecret;
use deploy::settings::Settings;
use tokio::time::Instant;
use vim::FaultKind;

use super::component::is_in_use;
use super::{Engine, deadline};
use crate::deployment::{Deployment, Refs};
use crate::error::Error;
use crate::steps::Deadline;

/// How long another run may take from the folder that it has just made to the image with its lease.
const MAKER_WITHIN: Duration = Duration::from_secs(15);

/// How often that image is looked for: a VM that does not exist yet cannot be watched.
const LOOK_FOR_MAKER_EVERY: Duration = Duration::from_secs(1);

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
        let name = settings.name.clone();
        let deadline = deadline(timeout);
        let _mine = self.turn(&name, deadline).await?;
        self.hold(&name, deadline).await?;
        let found = self.view.fresh(&self.client, &name).await?;
        if let Some(deployment) = &found {
            deployment.refuse_foreign()?;
            deployment.refuse_lost_record()?;
            if deployment.record().is_some() {
                return self.take_over(settings, deployment, deadline).await;
            }
        }
        let record = Record::new(settings.clone(), random_secret(), now_s())?;
        let deployment = self.planned(found.as_deref(), record).await?;
        match self.build(&deployment, deadline).await {
            Ok(built) => self.hold(&name, deadline).await.map(|()| built),
            Err(error) if is_taken(&error) => {
                let found = self.made_meanwhile(&name, error, deadline).await?;
                self.take_over(settings, &found, deadline).await
            }
            Err(error) => {
                // What was made may have an image and with it the lease, which must be given back.
                let _ = self.hold(&name, deadline).await;
                Err(error)
            }
        }
    }

    /// Another run has made the folder, the pool or the image while this one was about to: its lease decides.
    async fn made_meanwhile(
        &self,
        name: &str,
        taken: Error,
        deadline: Deadline,
    ) -> Result<Arc<Deployment>, Error> {
        let until = deadline.at.min(Instant::now() + MAKER_WITHIN);
        loop {
            self.view.forget_inventory().await;
            let found = self.view.fresh(&self.client, name).await?;
            if found.is_some_and(|found| found.record().is_some()) {
                self.hold(name, deadline).await?;
                return self.fresh(name).await;
            }
            if Instant::now() >= until {
                return Err(taken);
            }
            tokio::time::sleep(LOOK_FOR_MAKER_EVERY).await;
        }
    }

    /// An image with a record is there: its secrets and addresses stay, its settings become the wanted ones.
    async fn take_over(
        &self,
        settings: Settings,
        deployment: &Deployment,
        deadline: Deadline,
    ) -> Result<Arc<Deployment>, Error> {
        self.build(deployment, deadline).await?;
        self.settle(settings, deadline).await
    }

    async fn build(&self, deployment: &Deployment, deadline: Deadline) -> Result<Arc<Deployment>, Error> {
        let record = deployment.record().ok_or_else(|| Error::NoDeployment(deployment.name.clone()))?;
        let desired = Desired::from_record(record)?;
        // The record that is to be written stands for the image that is not there yet.
        let mut observed = deployment.observed.clone();
        if deployment.refs.image.is_none() {
            observed.image = None;
        }
        let graph = plan(&desired, &observed, &Scope::Foundation);
        self.carry_out(&graph, Some(&desired), deployment, deadline).await?;
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
        let deadline = deadline(timeout);
        let _mine = self.turn(&settings.name, deadline).await?;
        self.hold(&settings.name, deadline).await?;
        self.settle(settings, deadline).await
    }

    async fn settle(&self, settings: Settings, deadline: Deadline) -> Result<Arc<Deployment>, Error> {
        let name = settings.name.clone();
        let found = self.fresh(&name).await?;
        let found = match self.leave_manager(&found, &settings, deadline).await? {
            true => self.fresh(&name).await?,
            false => found,
        };
        let found = self.prepare_image(found, &settings, deadline).await?;
        let change = |found: &Deployment, record: &Record| with_settings(found, record, &settings);
        self.change_record(found, deadline, change).await?;
        // The new settings may name another NSX Manager, which has transport nodes of its own.
        let deployment = self.fresh(&name).await?;
        let desired = deployment.wanted()?;
        deployment.refuse_unread_nsx()?;
        let ground = plan(desired, &deployment.observed, &Scope::Foundation);
        self.carry_out(&ground, Some(desired), &deployment, deadline).await?;
        let deployment = match ground.is_empty() {
            true => deployment,
            false => self.fresh(&name).await?,
        };
        let desired = deployment.wanted()?;
        let graph = plan(desired, &deployment.observed, &Scope::Configuration);
        self.carry_out(&graph, Some(desired), &deployment, deadline).await?;
        self.fresh(&name).await
    }

    /// Makes the image of another template before the record names it: whoever dies in between leaves a record by which
    /// nodes can be made, and what it has made is found again by its marks.
    async fn prepare_image(
        &self,
        found: Arc<Deployment>,
        settings: &Settings,
        deadline: Deadline,
    ) -> Result<Arc<Deployment>, Error> {
        let image = found.observed.image.as_ref();
        let kept = image.and_then(|image| image.record.as_ref().map(|record| (record, image)));
        let Some((record, image)) = kept else { return Err(Error::NoDeployment(found.name.clone())) };
        let next = with_settings(&found, record, settings)?;
        if next.image == record.image {
            return Ok(found);
        }
        let next = found.with_record(next, image.lease.clone());
        let desired = next.wanted()?;
        let graph = plan(desired, &next.observed, &Scope::Image);
        if graph.is_empty() {
            return Ok(found);
        }
        self.carry_out(&graph, Some(desired), &next, deadline).await?;
        self.fresh(&found.name).await
    }

    /// Removes a deployment that has no nodes any more, but for those that interrupted runs left. Returns the components
    /// that went although they were whole.
    ///
    /// # Errors
    /// When nodes remain, another run changes the deployment, or a step fails.
    pub async fn delete_deployment(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Result<BTreeSet<ComponentId>, Error> {
        let deadline = deadline(timeout);
        let _mine = self.turn(name, deadline).await?;
        self.hold(name, deadline).await?;
        let Some(deployment) = self.view.fresh(&self.client, name).await? else { return Ok(BTreeSet::new()) };
        deployment.refuse_foreign()?;
        let unheard = self.unheard(&deployment);
        let nodes = nodes_in_use(&deployment, &unheard);
        if !nodes.is_empty() {
            let (count, nodes) = (nodes.len(), nodes.join(", "));
            return Err(Error::NodesRemain { deployment: name.to_owned(), count, nodes });
        }
        deployment.refuse_unread_nsx()?;
        let graph = plan_nothing(&deployment.observed);
        self.carry_out(&graph, None, &deployment, deadline).await?;
        self.leases.forget(name);
        Ok(unheard)
    }

    /// The deployment as it will be when its record is written: what the first steps need before there is an image.
    async fn planned(&self, found: Option<&Deployment>, record: Record) -> Result<Deployment, Error> {
        let inventory = self.inventory().await?;
        let name = record.settings.name.clone();
        let lease = Lease::default().taken_by(self.leases.holder(&self.client).await?);
        let image = Some(Image { has_snapshot: false, record: Some(record), restored: false, lease });
        let (observed, refs, folder_path) = match found {
            Some(found) => (found.observed.clone(), found.refs.clone(), found.folder_path.clone()),
            None => (Observed::default(), Refs::default(), String::new()),
        };
        let observed = Observed { image, ..observed };
        let (record_problem, nsx_problem, desired) = (None, None, OnceLock::new());
        let (unreadable, wants) = (Vec::new(), self.view.wants(&name));
        Ok(Deployment {
            name,
            observed,
            folder_path,
            refs,
            inventory,
            record_problem,
            unreadable,
            nsx_problem,
            desired,
            wants,
        })
    }
}

/// The record with other settings, and with another image when they name another template.
fn with_settings(found: &Deployment, record: &Record, settings: &Settings) -> Result<Record, Error> {
    let image = found.observed.image_for(record, &settings.template);
    Ok(record.with_settings(settings.clone())?.with_image(image))
}

/// Nodes of components that are somebody's. Those of runs that were interrupted go with the deployment: no state knows of
/// them. Without a record nobody can tell, so all count.
fn nodes_in_use<'a>(deployment: &'a Deployment, unheard: &BTreeSet<ComponentId>) -> Vec<&'a str> {
    let nodes = deployment.observed.nodes.iter();
    let in_use = nodes.filter(|(_, node)| match deployment.record() {
        Some(record) => is_in_use(record, unheard, &node.component),
        None => true,
    });
    in_use.map(|(name, _)| name.as_str()).collect()
}

/// True when a name that was to be given is there already.
fn is_taken(error: &Error) -> bool {
    matches!(error.vim().and_then(vim::Error::fault), Some(FaultKind::DuplicateName { .. }))
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
