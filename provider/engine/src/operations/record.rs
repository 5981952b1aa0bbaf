//! Changes of the record: computed from what is there, written only if nobody wrote in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use deploy::lease::{self, Lease};
use deploy::record::Record;
use tokio::time::sleep;
use vim::{Pauses, VmConfigSpec};

use super::Engine;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::lease::{BUSY_PAUSE, is_busy, lost_race};
use crate::steps::Deadline;

/// How often a change is computed anew when another run was faster: with the pauses, for some five seconds.
const ATTEMPTS: u32 = 10;
/// Runs that meet part.
const PAUSES: Pauses = Pauses { first: Duration::from_millis(20), longest: Duration::from_secs(1) };

impl Engine {
    /// Changes the record of a deployment that was just read; returns the deployment with the record as it now is. Its
    /// nodes are those of the look that the change was computed from.
    pub(super) async fn change_record(
        &self,
        found: Arc<Deployment>,
        deadline: Deadline,
        change: impl Fn(&Deployment, &Record) -> Result<Record, Error>,
    ) -> Result<Arc<Deployment>, Error> {
        self.change_record_and_lease(found, deadline, change, |lease, _| lease.clone()).await
    }

    /// The same, and what the lease remembers of components, in one write. The lease is given the record as it was.
    pub(super) async fn change_record_and_lease(
        &self,
        found: Arc<Deployment>,
        deadline: Deadline,
        change: impl Fn(&Deployment, &Record) -> Result<Record, Error>,
        change_lease: impl Fn(&Lease, &Record) -> Lease,
    ) -> Result<Arc<Deployment>, Error> {
        let what = format!("to change the record of deployment `{}`", found.name);
        deadline.bound(what, Box::pin(self.change_both(found, change, change_lease))).await
    }

    async fn change_both(
        &self,
        found: Arc<Deployment>,
        change: impl Fn(&Deployment, &Record) -> Result<Record, Error>,
        change_lease: impl Fn(&Lease, &Record) -> Lease,
    ) -> Result<Arc<Deployment>, Error> {
        let mut deployment = self.versioned(found).await?;
        for next_attempt in 2..2 + ATTEMPTS {
            self.refuse_not_held(&deployment)?;
            let name = &deployment.name;
            let image = deployment.observed.image.as_ref();
            let kept = image.and_then(|image| image.record.as_ref().map(|record| (record, image)));
            let Some((record, image)) = kept else { return Err(Error::NoDeployment(name.clone())) };
            let next = change(&deployment, record)?;
            let next_lease = change_lease(&image.lease, record);
            if next == *record && next_lease == image.lease && !image.restored {
                return Ok(deployment);
            }
            match self.write_when_free(&deployment, &next, &next_lease).await {
                Ok(()) => {
                    let changed = Arc::new(deployment.with_record(next, next_lease));
                    self.view.know(&deployment, &changed).await;
                    return Ok(changed);
                }
                Err(error) if lost_race(&error) => sleep(PAUSES.before(next_attempt)).await,
                Err(error) => {
                    self.view.forget(name).await;
                    return Err(error);
                }
            }
            deployment = self.fresh(name).await?;
        }
        Err(Error::Contended(deployment.name.clone()))
    }

    /// A deployment whose record may be changed: after a change of ours the version of its image has to be read.
    async fn versioned(&self, found: Arc<Deployment>) -> Result<Arc<Deployment>, Error> {
        if found.knows_version() {
            return Ok(found);
        }
        match self.view.with_image_of_now(&self.client, &found).await {
            Ok(reread) => {
                reread.refuse_lost_record()?;
                Ok(reread)
            }
            // The image is gone, and what else is there has to be seen.
            Err(error) if error.vim().is_some_and(vim::Error::is_not_found) => self.fresh(&found.name).await,
            Err(error) => Err(error),
        }
    }

    /// Waits while vCenter is busy with the image: nodes may be cloned from it. The caller's deadline ends the wait.
    async fn write_when_free(
        &self,
        deployment: &Deployment,
        record: &Record,
        lease: &Lease,
    ) -> Result<(), Error> {
        loop {
            match self.write_record(deployment, record, lease).await {
                Err(error) if is_busy(&error) => tracing::debug!(%error, "the record waits"),
                written => return written,
            }
            tokio::select! {
                () = sleep(BUSY_PAUSE) => {}
                () = self.stop.cancelled() => return Err(Error::Interrupted),
            }
        }
    }

    async fn write_record(
        &self,
        deployment: &Deployment,
        record: &Record,
        lease: &Lease,
    ) -> Result<(), Error> {
        let Some(image) = &deployment.refs.image else {
            return Err(Error::NoDeployment(deployment.name.clone()));
        };
        let fail = |why| deploy::Error::Lease { deployment: deployment.name.clone(), why };
        let mut extra_config: BTreeMap<String, String> = record.encode()?;
        extra_config.insert(lease::KEY.to_owned(), lease.encode().map_err(fail)?);
        let spec = VmConfigSpec {
            change_version: Some(image.change_version.clone()),
            extra_config,
            ..VmConfigSpec::default()
        };
        let step = format!("write the record of deployment `{}`", deployment.name);
        let task = self.client.reconfigure_vm(&image.vm, &spec).await.map_err(Error::step(&step))?;
        self.client.wait_task(&task).await.map_err(Error::step(&step))?;
        Ok(())
    }
}
