package vcenter

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// PowerOnVMTask powers a machine on, on a host that the cluster's rules allow.
func (m *machine) PowerOnVMTask(ctx *simulator.Context, req *types.PowerOnVM_Task) soap.HasFault {
	if m.Config.Template {
		return m.VirtualMachine.PowerOnVMTask(ctx, req) // refuses
	}
	bg := background(ctx)
	task := simulator.CreateTask(m.VirtualMachine, "powerOn", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		return nil, m.vcenter.powerOnAt(bg, m.VirtualMachine, req.Host)
	})
	return &methods.PowerOnVM_TaskBody{Res: &types.PowerOnVM_TaskResponse{Returnval: vc.RunDetached(bg, task)}}
}

// powerOn powers a machine on where DRS wants it.
func (v *VCenter) powerOn(ctx *simulator.Context, vm *simulator.VirtualMachine) types.BaseMethodFault {
	return v.powerOnAt(ctx, vm, nil)
}

// powerOnAt powers a machine on, on the given host if there is one.
func (v *VCenter) powerOnAt(ctx *simulator.Context, vm *simulator.VirtualMachine, host *types.ManagedObjectReference) (fault types.BaseMethodFault) {
	ctx.Map.WithLock(ctx, vm, func() {
		if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff {
			var settled func()
			if settled, fault = v.settle(ctx, vm, host); fault != nil {
				return
			}
			defer settled()
		}
		_, fault = run(ctx, func() (types.ManagedObjectReference, types.BaseMethodFault) {
			res := vm.PowerOnVMTask(ctx, &types.PowerOnVM_Task{This: vm.Self})
			return res.(*methods.PowerOnVM_TaskBody).Res.Returnval, nil
		})
	})
	return fault
}

// settle moves a machine that is about to be powered on to the host of DRS's choice and keeps its place until the
// returned function is called. The caller holds the machine's lock.
func (v *VCenter) settle(ctx *simulator.Context, vm *simulator.VirtualMachine, host *types.ManagedObjectReference) (func(), types.BaseMethodFault) {
	if vm.ResourcePool == nil {
		return func() {}, nil
	}
	c := clusterOf(v.reg, *vm.ResourcePool)
	name, _ := datastoreName(vm.Config.Files.VmPathName)
	ds := findDatastore(v.reg, name)
	if c == nil || ds == nil {
		return func() {}, nil
	}
	if host != nil {
		if fault := checkHost(ctx, c, *host, ds.Self); fault != nil {
			return nil, fault
		}
		v.moveTo(ctx, vm, *host)
		return func() {}, nil
	}
	target, settled, fault := v.placement.choose(ctx, request{vm: vm.Self, cluster: c, datastore: ds.Self,
		current: vm.Runtime.Host, powerOn: true})
	if fault != nil {
		return nil, fault
	}
	v.moveTo(ctx, vm, target)
	return settled, nil
}

// moveTo puts a machine on a host. The caller holds the machine's lock.
func (v *VCenter) moveTo(ctx *simulator.Context, vm *simulator.VirtualMachine, target types.ManagedObjectReference) {
	old := *vm.Runtime.Host
	if old == target {
		return
	}
	if host, ok := v.reg.Get(old).(*simulator.HostSystem); ok {
		v.reg.RemoveReference(ctx, host, &host.Vm, vm.Self)
	}
	if host, ok := v.reg.Get(target).(*simulator.HostSystem); ok {
		v.reg.AddReference(ctx, host, &host.Vm, vm.Self)
	}
	ctx.Update(vm, []types.PropertyChange{
		{Name: "runtime.host", Val: target},
		{Name: "summary.runtime.host", Val: target},
	})
}

// RelocateVMTask moves a machine and keeps the hosts' lists of machines true.
func (m *machine) RelocateVMTask(ctx *simulator.Context, req *types.RelocateVM_Task) soap.HasFault {
	bg := background(ctx)
	task := simulator.CreateTask(m.VirtualMachine, "relocate", func(*simulator.Task) (result types.AnyType, fault types.BaseMethodFault) {
		bg.Map.WithLock(bg, m.VirtualMachine, func() {
			if req.Spec.Host != nil {
				m.vcenter.moveTo(bg, m.VirtualMachine, *req.Spec.Host)
			}
			result, fault = run(bg, func() (types.ManagedObjectReference, types.BaseMethodFault) {
				res := m.VirtualMachine.RelocateVMTask(bg, req)
				return res.(*methods.RelocateVM_TaskBody).Res.Returnval, nil
			})
		})
		return result, fault
	})
	return &methods.RelocateVM_TaskBody{Res: &types.RelocateVM_TaskResponse{Returnval: vc.RunDetached(bg, task)}}
}

// ShutdownGuest asks the guest to shut down, which takes VMware Tools to hear and a moment to do.
func (m *machine) ShutdownGuest(ctx *simulator.Context, req *types.ShutdownGuest) soap.HasFault {
	if m.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		return m.VirtualMachine.ShutdownGuest(ctx, req) // refuses
	}
	if m.Guest.ToolsRunningStatus != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning) {
		return &methods.ShutdownGuestBody{Fault_: simulator.Fault("VMware Tools is not running.", &types.ToolsUnavailable{})}
	}
	if guests := m.vcenter.Guests; guests != nil && guests.Shutdown(m.Self) {
		return &methods.ShutdownGuestBody{Res: &types.ShutdownGuestResponse{}}
	}
	bg := background(ctx)
	go func() {
		time.Sleep(shutdownTime)
		bg.Map.WithLock(bg, m.VirtualMachine, func() {
			if m.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
				return
			}
			_, _ = run(bg, func() (types.ManagedObjectReference, types.BaseMethodFault) {
				res := m.PowerOffVMTask(bg, &types.PowerOffVM_Task{This: m.Self})
				return res.(*methods.PowerOffVM_TaskBody).Res.Returnval, nil
			})
		})
	}()
	return &methods.ShutdownGuestBody{Res: &types.ShutdownGuestResponse{}}
}

// RebootGuest asks the guest to restart, which takes VMware Tools to hear.
func (m *machine) RebootGuest(ctx *simulator.Context, req *types.RebootGuest) soap.HasFault {
	running := m.Guest.ToolsRunningStatus == string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
	if guests := m.vcenter.Guests; running && guests != nil && guests.Restart(m.Self) {
		return &methods.RebootGuestBody{Res: &types.RebootGuestResponse{}}
	}
	return m.VirtualMachine.RebootGuest(ctx, req)
}
