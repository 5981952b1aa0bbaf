//! Waiting for tasks and VMs.

use super::Client;
use crate::error::Error;
use crate::mo_ref::MoRef;
use crate::proto;
use crate::watch::{self, VmWatch};

impl Client {
    /// Waits until a task has ended and returns its result, if that is a reference (a clone's VM, a snapshot).
    ///
    /// Waits as long as the task takes: bound it with a timeout of your own. May be dropped at any time; the task goes on.
    /// All tasks and VMs waited for share one long poll.
    ///
    /// # Errors
    /// [`Error::Fault`] with the task's fault; its `operation` is the task's own description id, e.g.
    /// `VirtualMachine.clone`. The error of the connection when the server cannot be reached for longer than the API
    /// timeout: then the task's fate is unknown.
    pub async fn wait_task(&self, task: &MoRef) -> Result<Option<MoRef>, Error> {
        watch::wait_task(&self.inner, task).await
    }

    /// Watches the configured properties of a VM until the [`VmWatch`] is dropped. Logs in if need be; the VM is read
    /// in the background, and one that does not exist ends the watch at its first [`VmWatch::changed`].
    ///
    /// # Errors
    /// Those of the login: [`Error`].
    pub async fn watch_vm(&self, vm: &MoRef) -> Result<VmWatch, Error> {
        self.inner.session().await?;
        Ok(watch::watch_vm(&self.inner, vm))
    }

    /// Asks for the cancellation of a task, which then ends when and as it will: wait for it all the same.
    ///
    /// # Errors
    /// `NotSupported` for tasks that cannot be cancelled, and those of every call: [`Error`].
    pub async fn cancel_task(&self, task: &MoRef) -> Result<(), Error> {
        self.inner.call(&proto::cancel_task(task)).await.map(|_| ())
    }
}
