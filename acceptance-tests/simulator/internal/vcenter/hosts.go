package vcenter

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// FailHost takes a host away, as a loss of power does: its machines are off at once. With restart vSphere HA then starts
// them on other hosts, as the rules allow.
func (v *VCenter) FailHost(name string, restart bool) error {
	host, err := v.setConnection(name, types.HostSystemConnectionStateNotResponding)
	if err != nil {
		return err
	}
	ctx := vc.NewContext(v.reg)
	for _, vm := range v.runningOn(host) {
		if fault := v.powerOff(ctx, vm); fault != nil {
			return failed("power off", vm, fault)
		}
		if !restart {
			continue
		}
		if fault := v.powerOn(ctx, vm); fault != nil {
			return failed("restart", vm, fault)
		}
	}
	return nil
}

// RecoverHost brings a host back. Machines that were restarted elsewhere stay there.
func (v *VCenter) RecoverHost(name string) error {
	_, err := v.setConnection(name, types.HostSystemConnectionStateConnected)
	return err
}

// EvacuateHost moves the running machines of a host that is in maintenance mode to others, as DRS does.
func (v *VCenter) EvacuateHost(name string) error {
	host, err := v.hostNamed(name)
	if err != nil {
		return err
	}
	ctx := vc.NewContext(v.reg)
	for _, vm := range v.runningOn(host) {
		if fault := v.moveAway(ctx, vm); fault != nil {
			return failed("move", vm, fault)
		}
	}
	return nil
}

func failed(what string, vm *simulator.VirtualMachine, fault types.BaseMethodFault) error {
	return fmt.Errorf("%s %s: %s", what, vm.Name, reflect.TypeOf(fault).Elem().Name())
}

func (v *VCenter) hostNamed(name string) (*simulator.HostSystem, error) {
	for _, entity := range v.reg.All("HostSystem") {
		if host, ok := entity.(*simulator.HostSystem); ok && host.Name == name {
			return host, nil
		}
	}
	return nil, fmt.Errorf("there is no host %q", name)
}

func (v *VCenter) setConnection(name string, state types.HostSystemConnectionState) (*simulator.HostSystem, error) {
	host, err := v.hostNamed(name)
	if err != nil {
		return nil, err
	}
	ctx := vc.NewContext(v.reg)
	v.reg.WithLock(ctx, host, func() {
		ctx.Update(host, []types.PropertyChange{{Name: "runtime.connectionState", Val: state},
			{Name: "summary.runtime.connectionState", Val: state}})
	})
	return host, nil
}

// runningOn returns the running machines of a host, by their names.
func (v *VCenter) runningOn(host *simulator.HostSystem) []*simulator.VirtualMachine {
	var running []*simulator.VirtualMachine
	ctx := vc.NewContext(v.reg)
	for _, vm := range vc.VMs(v.reg) {
		v.reg.WithLock(ctx, vm, func() {
			if vm.Runtime.Host != nil && *vm.Runtime.Host == host.Self && vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
				running = append(running, vm)
			}
		})
	}
	slices.SortFunc(running, func(a, b *simulator.VirtualMachine) int { return strings.Compare(a.Name, b.Name) })
	return running
}

func (v *VCenter) powerOff(ctx *simulator.Context, vm *simulator.VirtualMachine) (fault types.BaseMethodFault) {
	v.reg.WithLock(ctx, vm, func() {
		_, fault = run(ctx, func() (types.ManagedObjectReference, types.BaseMethodFault) {
			res := vm.PowerOffVMTask(ctx, &types.PowerOffVM_Task{This: vm.Self})
			return res.(*methods.PowerOffVM_TaskBody).Res.Returnval, nil
		})
	})
	return fault
}

func (v *VCenter) moveAway(ctx *simulator.Context, vm *simulator.VirtualMachine) (fault types.BaseMethodFault) {
	v.reg.WithLock(ctx, vm, func() {
		var settled func()
		if settled, fault = v.settle(ctx, vm, nil); fault == nil {
			settled()
		}
	})
	return fault
}
