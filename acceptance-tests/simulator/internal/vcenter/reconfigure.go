package vcenter

import (
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// ReconfigVMTask reconfigures a machine, if it still has the version that the caller saw.
func (m *machine) ReconfigVMTask(ctx *simulator.Context, req *types.ReconfigVM_Task) soap.HasFault {
	bg := background(ctx)
	task := simulator.CreateTask(m.VirtualMachine, "reconfigVm", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		return m.vcenter.reconfigure(bg, m.VirtualMachine, req.Spec)
	})
	return &methods.ReconfigVM_TaskBody{Res: &types.ReconfigVM_TaskResponse{Returnval: vc.RunDetached(bg, task)}}
}

// reconfigure compares the version and changes the machine under one lock, so that of two racing writers one loses.
func (v *VCenter) reconfigure(ctx *simulator.Context, vm *simulator.VirtualMachine, spec types.VirtualMachineConfigSpec) (result types.AnyType, fault types.BaseMethodFault) {
	ctx.Map.WithLock(ctx, vm, func() {
		if fault = checkReconfigure(vm, spec); fault != nil {
			return
		}
		if spec.Name != "" && spec.Name != vm.Name && vm.Parent != nil {
			var release func()
			if release, fault = v.names.reserve(ctx, *vm.Parent, spec.Name); fault != nil {
				return
			}
			defer release()
		}
		keepUnset(vm.Config.Hardware.Device, spec.DeviceChange)
		v.assignMACs(vc.Path(v.reg, vm.Self), spec.DeviceChange)
		// The simulator edits the list in place while answers that hold it may still be written.
		vm.Config.ExtraConfig = slices.Clone(vm.Config.ExtraConfig)
		before := silentProperties(vm)
		result, fault = run(ctx, func() (types.ManagedObjectReference, types.BaseMethodFault) {
			res := vm.ReconfigVMTask(ctx, &types.ReconfigVM_Task{This: vm.Self, Spec: spec})
			return res.(*methods.ReconfigVM_TaskBody).Res.Returnval, nil
		})
		announce(ctx, vm, before)
	})
	return result, fault
}

// checkReconfigure refuses what vCenter refuses and the simulator does not.
func checkReconfigure(vm *simulator.VirtualMachine, spec types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if spec.ChangeVersion != "" && spec.ChangeVersion != vm.Config.ChangeVersion {
		return &types.ConcurrentAccess{}
	}
	if spec.NumCPUs < 0 || spec.MemoryMB < 0 || spec.MemoryMB%4 != 0 {
		return &types.InvalidArgument{InvalidProperty: "configSpec"}
	}
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		if fault := checkHotPlug(vm.Config, spec); fault != nil {
			return fault
		}
	}
	for i, change := range spec.DeviceChange {
		if fault := checkDisk(vm.Config.Hardware.Device, change.GetVirtualDeviceConfigSpec(), i); fault != nil {
			return fault
		}
	}
	return nil
}

// checkHotPlug faults changes of CPU and memory of a running machine that its configuration does not allow.
func checkHotPlug(config *types.VirtualMachineConfigInfo, spec types.VirtualMachineConfigSpec) types.BaseMethodFault {
	cpus, memory := config.Hardware.NumCPU, int64(config.Hardware.MemoryMB)
	if spec.NumCPUs != 0 && (spec.NumCPUs < cpus || spec.NumCPUs > cpus && !isTrue(config.CpuHotAddEnabled)) {
		return &types.CpuHotPlugNotSupported{}
	}
	if spec.MemoryMB != 0 && (spec.MemoryMB < memory || spec.MemoryMB > memory && !isTrue(config.MemoryHotAddEnabled)) {
		return &types.MemoryHotPlugNotSupported{}
	}
	return nil
}

// checkDisk faults a change of the size of a linked clone's disk: it always has its parent's.
func checkDisk(devices object.VirtualDeviceList, spec *types.VirtualDeviceConfigSpec, index int) types.BaseMethodFault {
	disk, ok := spec.Device.(*types.VirtualDisk)
	if !ok || spec.Operation != types.VirtualDeviceConfigSpecOperationEdit {
		return nil
	}
	old, ok := devices.FindByKey(disk.Key).(*types.VirtualDisk)
	if !ok {
		return nil
	}
	backing, ok := old.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok || backing.Parent == nil {
		return nil
	}
	capacity := max(disk.CapacityInKB, disk.CapacityInBytes>>10)
	if capacity != 0 && capacity != old.CapacityInKB {
		return &types.InvalidDeviceOperation{InvalidDeviceSpec: types.InvalidDeviceSpec{DeviceIndex: int32(index)},
			BadOp: types.VirtualDeviceConfigSpecOperationEdit}
	}
	return nil
}

// silentProperties are the properties that the simulator changes without telling watchers.
func silentProperties(vm *simulator.VirtualMachine) []types.PropertyChange {
	return []types.PropertyChange{
		{Name: "name", Val: vm.Name},
		{Name: "config.name", Val: vm.Config.Name},
		{Name: "config.annotation", Val: vm.Config.Annotation},
		{Name: "config.hardware.numCPU", Val: vm.Config.Hardware.NumCPU},
		{Name: "config.hardware.memoryMB", Val: vm.Config.Hardware.MemoryMB},
		{Name: "summary.config.name", Val: vm.Summary.Config.Name},
		{Name: "summary.config.numCpu", Val: vm.Summary.Config.NumCpu},
		{Name: "summary.config.memorySizeMB", Val: vm.Summary.Config.MemorySizeMB},
		{Name: "config.template", Val: vm.Config.Template},
		{Name: "summary.config.template", Val: vm.Summary.Config.Template},
	}
}

// announce tells watchers of those that changed.
func announce(ctx *simulator.Context, vm *simulator.VirtualMachine, before []types.PropertyChange) {
	var changes []types.PropertyChange
	for i, now := range silentProperties(vm) {
		if now.Val != before[i].Val {
			changes = append(changes, now)
		}
	}
	if len(changes) > 0 {
		ctx.Update(vm, changes)
	}
}

// RenameTask renames a machine, unless the name is taken in its folder.
func (m *machine) RenameTask(ctx *simulator.Context, req *types.Rename_Task) soap.HasFault {
	bg := background(ctx)
	task := simulator.CreateTask(m.VirtualMachine, "rename", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		if req.NewName == "" {
			return nil, &types.InvalidName{Entity: &m.Self}
		}
		return m.vcenter.reconfigure(bg, m.VirtualMachine, types.VirtualMachineConfigSpec{Name: req.NewName})
	})
	return &methods.Rename_TaskBody{Res: &types.Rename_TaskResponse{Returnval: vc.RunDetached(bg, task)}}
}

// MarkAsTemplate makes a template and tells watchers.
func (m *machine) MarkAsTemplate(ctx *simulator.Context, _ *types.MarkAsTemplate) soap.HasFault {
	return m.vcenter.markTemplate(ctx, m.VirtualMachine)
}

// markTemplate makes a template of a machine whose lock the caller holds.
func (v *VCenter) markTemplate(ctx *simulator.Context, vm *simulator.VirtualMachine) soap.HasFault {
	before := silentProperties(vm)
	res := vm.MarkAsTemplate(&types.MarkAsTemplate{This: vm.Self})
	announce(ctx, vm, before)
	return res
}

// MarkAsVirtualMachine makes a machine of a template and tells watchers.
func (m *machine) MarkAsVirtualMachine(ctx *simulator.Context, req *types.MarkAsVirtualMachine) soap.HasFault {
	before := silentProperties(m.VirtualMachine)
	res := m.VirtualMachine.MarkAsVirtualMachine(req)
	announce(ctx, m.VirtualMachine, before)
	return res
}
