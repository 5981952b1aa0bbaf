//! Changes of the record: computed from what is there, written only if nobody wrote in between.

use std::collections::BTreeMap;
use std::sync::Arc;

use deploy::record::Record;
use vim::{FaultKind, VmConfigSpec};

use super::Engine;
use crate::deployment::Deployment;
use crate::error::Error;

/// How often a change is computed anew when another run was faster.
const ATTEMPTS: usize = 10;

impl Engine {
    /// Changes the record of a deployment; returns the deployment with the record as it now is.
    pub(super) async fn change_record(
        &self,
        name: &str,
        change: impl Fn(&Deployment, &Record) -> Result<Record, Error>,
    ) -> Result<Arc<Deployment>, Error> {
        for _ in 0..ATTEMPTS {
            let deployment = self.fresh(name).await?;
            let Some(record) = deployment.record() else { return Err(Error::NoDeployment(name.to_owned())) };
            let next = change(&deployment, record)?;
            if next == *record {
                return Ok(deployment);
            }
            match self.write_record(&deployment, &next).await {
                Ok(()) => return self.fresh(name).await,
                Err(error) if lost_race(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended(name.to_owned()))
    }

    async fn write_record(&self, deployment: &Deployment, record: &Record) -> Result<(), Error> {
        let Some(image) = &deployment.refs.image else {
            return Err(Error::NoDeployment(deployment.name.clone()));
        };
        let extra_config: BTreeMap<String, String> = record.encode()?;
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

fn lost_race(error: &Error) -> bool {
    matches!(error.vim().and_then(vim::Error::fault), Some(FaultKind::ConcurrentAccess))
}
