//! The lease in vCenter: read with the version of the configuration that it stands in, written only over that version.

use std::collections::BTreeMap;
use std::time::Duration;

use deploy::lease::{KEY, Lease};
use vim::{Client, FaultKind, MoRef, ObjectSpec, PropSpec, VmConfigSpec};

use crate::error::Error;
use crate::read::deployment::{extra, text};

const VERSION: &str = "config.changeVersion";

/// The lease of a deployment, and the version of its image's configuration.
pub(crate) async fn read(client: &Client, deployment: &str, image: &MoRef) -> Result<(Lease, String), Error> {
    let mut paths = PropSpec::new("VirtualMachine", &[VERSION]);
    paths.paths.push(extra(KEY));
    let what = format!("the lease of deployment `{deployment}`");
    let found = client.retrieve(&[ObjectSpec::one(image.clone())], &[paths]).await;
    let found = found.map_err(Error::read(what))?;
    let value = |path: &str| found.first().map(|object| text(object, path)).unwrap_or_default();
    Ok((Lease::decode(deployment, &value(&extra(KEY)))?, value(VERSION)))
}

/// Writes a lease over the version that was read.
pub(crate) async fn write(
    client: &Client,
    deployment: &str,
    image: &MoRef,
    version: &str,
    lease: &Lease,
) -> Result<(), Error> {
    let step = format!("write the lease of deployment `{deployment}`");
    let fail = |why| deploy::Error::Lease { deployment: deployment.to_owned(), why };
    let spec = VmConfigSpec {
        change_version: Some(version.to_owned()),
        extra_config: BTreeMap::from([(KEY.to_owned(), lease.encode().map_err(fail)?)]),
        ..VmConfigSpec::default()
    };
    let task = client.reconfigure_vm(image, &spec).await.map_err(Error::step(&step))?;
    client.wait_task(&task).await.map_err(Error::step(&step))?;
    Ok(())
}

/// How long vCenter is left alone when it is busy with an image.
pub(crate) const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// True when somebody else has written since the version that was read.
pub(crate) fn lost_race(error: &Error) -> bool {
    matches!(error.vim().and_then(vim::Error::fault), Some(FaultKind::ConcurrentAccess))
}

/// True when vCenter does something else with the image and has not taken a change meanwhile.
pub(crate) fn is_busy(error: &Error) -> bool {
    matches!(error.vim().and_then(vim::Error::fault), Some(FaultKind::TaskInProgress))
}
