//! Virtual machines.

use super::Client;
use crate::error::Error;
use crate::mo_ref::MoRef;
use crate::proto;
use crate::spec::{CloneSpec, VmConfigSpec};

impl Client {
    /// Starts a task that clones a VM or template into a folder; the task's result is the new VM.
    ///
    /// # Errors
    /// Those of every call: [`Error`]. Most refusals, such as `DuplicateName`, come from the task.
    pub async fn clone_vm(
        &self,
        source: &MoRef,
        folder: &MoRef,
        name: &str,
        spec: &CloneSpec,
    ) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::clone_vm(source, folder, name, spec)).await
    }

    /// Starts a task that changes a VM's configuration.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn reconfigure_vm(&self, vm: &MoRef, spec: &VmConfigSpec) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::reconfigure_vm(vm, spec)).await
    }

    /// Starts a task that powers on one VM where it is.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn power_on(&self, vm: &MoRef) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::power_on(vm)).await
    }

    /// Starts a task that powers on VMs of a datacenter, placed together by DRS. The task succeeds when the attempt was
    /// made; its result does not tell each VM's fate, so read or watch `runtime.powerState`.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn power_on_multi(&self, datacenter: &MoRef, vms: &[MoRef]) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::power_on_multi(datacenter, vms)).await
    }

    /// Starts a task that powers a VM off at once.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn power_off(&self, vm: &MoRef) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::power_off(vm)).await
    }

    /// Asks the guest to shut down. There is no task: watch `runtime.powerState`.
    ///
    /// # Errors
    /// `ToolsUnavailable` when VMware Tools do not run, and those of every call: [`Error`].
    pub async fn shutdown_guest(&self, vm: &MoRef) -> Result<(), Error> {
        self.inner.call(&proto::shutdown_guest(vm)).await.map(|_| ())
    }

    /// Starts a task that resets a VM.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn reset(&self, vm: &MoRef) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::reset(vm)).await
    }

    /// Kills the process of a VM that does not answer to power off. There is no task.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn terminate(&self, vm: &MoRef) -> Result<(), Error> {
        self.inner.call(&proto::terminate(vm)).await.map(|_| ())
    }

    /// Starts a task that takes a snapshot without memory; the task's result is the snapshot.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn create_snapshot(&self, vm: &MoRef, name: &str, description: &str) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::create_snapshot(vm, name, description)).await
    }

    /// Starts a task that removes a snapshot, with those below it if so asked.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn remove_snapshot(&self, snapshot: &MoRef, with_children: bool) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::remove_snapshot(snapshot, with_children)).await
    }
}
