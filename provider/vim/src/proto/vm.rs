//! Virtual machines: clone, reconfigure, power, snapshots.

use crate::mo_ref::MoRef;
use crate::proto::SoapRequest;
use crate::proto::vm_spec::{clone_spec, config_spec};
use crate::spec::{CloneSpec, VmConfigSpec};

/// `CloneVM_Task`; the task's result is the new VM.
pub fn clone_vm(source: &MoRef, folder: &MoRef, name: &str, spec: &CloneSpec) -> SoapRequest {
    SoapRequest::mutating("CloneVM_Task", source, |w| {
        w.moref("folder", folder);
        w.field("name", name);
        w.nest("spec", |w| clone_spec(w, spec));
    })
}

/// `ReconfigVM_Task`.
pub fn reconfigure_vm(vm: &MoRef, spec: &VmConfigSpec) -> SoapRequest {
    SoapRequest::mutating("ReconfigVM_Task", vm, |w| w.nest("spec", |w| config_spec(w, spec)))
}

/// `PowerOnVM_Task` of one VM, where it is.
pub fn power_on(vm: &MoRef) -> SoapRequest {
    SoapRequest::mutating("PowerOnVM_Task", vm, |_| {})
}

/// `PowerOnMultiVM_Task`: DRS places all of them together.
pub fn power_on_multi(datacenter: &MoRef, vms: &[MoRef]) -> SoapRequest {
    SoapRequest::mutating("PowerOnMultiVM_Task", datacenter, |w| w.morefs("vm", vms))
}

/// `PowerOffVM_Task`: the plug is pulled.
pub fn power_off(vm: &MoRef) -> SoapRequest {
    SoapRequest::mutating("PowerOffVM_Task", vm, |_| {})
}

/// `ShutdownGuest`: asks the guest to shut down. No task: watch `runtime.powerState`.
pub fn shutdown_guest(vm: &MoRef) -> SoapRequest {
    SoapRequest::mutating("ShutdownGuest", vm, |_| {})
}

/// `ResetVM_Task`.
pub fn reset(vm: &MoRef) -> SoapRequest {
    SoapRequest::mutating("ResetVM_Task", vm, |_| {})
}

/// `TerminateVM`: kills the process of a VM that does not answer to power off. No task.
pub fn terminate(vm: &MoRef) -> SoapRequest {
    SoapRequest::mutating("TerminateVM", vm, |_| {})
}

/// `CreateSnapshot_Task` without memory and without quiescing; the task's result is the snapshot.
pub fn create_snapshot(vm: &MoRef, name: &str, description: &str) -> SoapRequest {
    SoapRequest::mutating("CreateSnapshot_Task", vm, |w| {
        w.field("name", name);
        w.field("description", description);
        w.field("memory", false);
        w.field("quiesce", false);
    })
}

/// `RemoveSnapshot_Task`.
pub fn remove_snapshot(snapshot: &MoRef, with_children: bool) -> SoapRequest {
    SoapRequest::mutating("RemoveSnapshot_Task", snapshot, |w| w.field("removeChildren", with_children))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_takes_neither_memory_nor_quiesces() {
        let request = create_snapshot(&MoRef::new("VirtualMachine", "vm-1"), "base", "");
        assert!(request.body.ends_with(
            "<name>base</name><description></description><memory>false</memory><quiesce>false</quiesce></CreateSnapshot_Task>"
        ));
    }

    #[test]
    fn all_vms_of_a_power_on_go_in_one_request() {
        let vms = [MoRef::new("VirtualMachine", "vm-1"), MoRef::new("VirtualMachine", "vm-2")];
        let request = power_on_multi(&MoRef::new("Datacenter", "datacenter-2"), &vms);
        assert_eq!(request.body.matches("<vm type=\"VirtualMachine\">").count(), 2);
    }
}
