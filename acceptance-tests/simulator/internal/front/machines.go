package front

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/inventory"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// The endpoints of this file do what an administrator might do behind Terraform's back. They take the same way into
// the simulator as API calls, but the log does not count them.

// machineOf finds the virtual machine that the query names.
func (s *Server) machineOf(r *http.Request) (*simulator.VirtualMachine, error) {
	name := r.URL.Query().Get("name")
	vm := vc.FindVM(s.reg, name)
	if vm == nil {
		return nil, badRequest{fmt.Errorf("there is no virtual machine %q", name)}
	}
	return vm, nil
}

// onMachine runs a task on the virtual machine that the query names and waits for it.
func (s *Server) onMachine(r *http.Request, start func(context.Context, *object.VirtualMachine) (*object.Task, error)) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	return s.finish(start(r.Context(), object.NewVirtualMachine(s.client, vm.Self)))
}

// finish waits for a task and turns its fault into an error.
func (s *Server) finish(task *object.Task, err error) (any, error) {
	if err != nil {
		return nil, badRequest{err}
	}
	if _, fault := vc.Wait(s.reg, task.Reference()); fault != nil {
		return nil, badRequest{fmt.Errorf("the task failed: %s", reflect.TypeOf(fault).Elem().Name())}
	}
	return done, nil
}

func (s *Server) controlVM(r *http.Request) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	facts := inventory.Describe(s.reg, vm)
	if s.guests == nil {
		return map[string]any{"vm": facts}, nil
	}
	return map[string]any{"vm": facts, "guest": s.guests.Describe(vm, facts.ExtraConfig)}, nil
}

func (s *Server) vmPowerOn(r *http.Request) (any, error) {
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) { return vm.PowerOn(ctx) })
}

func (s *Server) vmPowerOff(r *http.Request) (any, error) {
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) { return vm.PowerOff(ctx) })
}

// vmDestroy removes a machine, powered on or not.
func (s *Server) vmDestroy(r *http.Request) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		if _, err := s.vmPowerOff(r); err != nil {
			return nil, err
		}
	}
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) { return vm.Destroy(ctx) })
}

func (s *Server) vmRename(r *http.Request) (any, error) {
	name := r.URL.Query().Get("to")
	if name == "" {
		return nil, badRequest{fmt.Errorf("the new name is missing: ?name=OLD&to=NEW")}
	}
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) {
		return vm.Rename(ctx, name)
	})
}

func (s *Server) vmResize(r *http.Request) (any, error) {
	var spec types.VirtualMachineConfigSpec
	cpus, memory := r.URL.Query().Get("cpus"), r.URL.Query().Get("memory_mib")
	if cpus != "" {
		n, err := strconv.ParseInt(cpus, 10, 32)
		if err != nil {
			return nil, badRequest{fmt.Errorf("cpus: %w", err)}
		}
		spec.NumCPUs = int32(n)
	}
	if memory != "" {
		n, err := strconv.ParseInt(memory, 10, 64)
		if err != nil {
			return nil, badRequest{fmt.Errorf("memory_mib: %w", err)}
		}
		spec.MemoryMB = n
	}
	return s.whileOff(r, func() (any, error) { return s.reconfigure(r, spec) })
}

// whileOff changes a machine with its power off, as changes of CPU and memory need, and restores its power.
func (s *Server) whileOff(r *http.Request, change func() (any, error)) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		return change()
	}
	if _, err := s.vmPowerOff(r); err != nil {
		return nil, err
	}
	if _, err := change(); err != nil {
		return nil, err
	}
	return s.vmPowerOn(r)
}

func (s *Server) reconfigure(r *http.Request, spec types.VirtualMachineConfigSpec) (any, error) {
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) {
		return vm.Reconfigure(ctx, spec)
	})
}

func (s *Server) vmSetExtraConfig(r *http.Request) (any, error) {
	query := r.URL.Query()
	if query.Get("key") == "" {
		return nil, badRequest{fmt.Errorf("the key is missing: ?name=VM&key=KEY&value=VALUE")}
	}
	return s.reconfigure(r, types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{
		&types.OptionValue{Key: query.Get("key"), Value: query.Get("value")}}})
}

// vmEditFile changes a file inside a paper guest, as somebody who is logged in there might.
func (s *Server) vmEditFile(r *http.Request) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	if s.guests == nil {
		return nil, badRequest{errNoGuests}
	}
	query := r.URL.Query()
	if err := s.guests.EditFile(vm, query.Get("path"), query.Get("content")); err != nil {
		return nil, badRequest{err}
	}
	return done, nil
}

// vmRemoveNIC removes the network card of a number, from 0.
func (s *Server) vmRemoveNIC(r *http.Request) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	index, _ := strconv.Atoi(r.URL.Query().Get("index"))
	cards := object.VirtualDeviceList(vm.Config.Hardware.Device).SelectByType((*types.VirtualEthernetCard)(nil))
	if index < 0 || index >= len(cards) {
		return nil, badRequest{fmt.Errorf("%s has %d network cards, there is no number %d", vm.Name, len(cards), index)}
	}
	return s.reconfigure(r, types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: cards[index]}}})
}

func (s *Server) vmSnapshot(r *http.Request) (any, error) {
	name := r.URL.Query().Get("snapshot")
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) {
		return vm.CreateSnapshot(ctx, name, "", false, false)
	})
}

// vmMove moves a machine to another host, as vMotion by hand would.
func (s *Server) vmMove(r *http.Request) (any, error) {
	host, err := s.hostOf(r.URL.Query().Get("host"))
	if err != nil {
		return nil, err
	}
	ref := host.Self
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) {
		return vm.Relocate(ctx, types.VirtualMachineRelocateSpec{Host: &ref}, types.VirtualMachineMovePriorityDefaultPriority)
	})
}

func (s *Server) hostOf(name string) (*simulator.HostSystem, error) {
	for _, entity := range s.reg.All("HostSystem") {
		if host, ok := entity.(*simulator.HostSystem); ok && host.Name == name {
			return host, nil
		}
	}
	return nil, badRequest{fmt.Errorf("there is no host %q", name)}
}

// hostMaintenance sets or ends maintenance mode: ?name=HOST&on=true.
func (s *Server) hostMaintenance(r *http.Request) (any, error) {
	host, err := s.hostOf(r.URL.Query().Get("name"))
	if err != nil {
		return nil, err
	}
	ref := object.NewHostSystem(s.client, host.Self)
	if r.URL.Query().Get("on") == "false" {
		return s.finish(ref.ExitMaintenanceMode(r.Context(), 0))
	}
	return s.finish(ref.EnterMaintenanceMode(r.Context(), 0, false, nil))
}

// vmCreate makes a powered-off machine that belongs to nobody: ?name=VM&folder=PATH[&cluster=NAME].
func (s *Server) vmCreate(r *http.Request) (any, error) {
	query, ctx := r.URL.Query(), r.Context()
	cluster := query.Get("cluster")
	if cluster == "" {
		cluster = inventory.MgmtCluster
	}
	folderPath := query.Get("folder")
	if folderPath == "" {
		folderPath = "/" + inventory.Datacenter + "/vm"
	}
	finder := find.NewFinder(s.client, false)
	folder, err := finder.Folder(ctx, folderPath)
	if err != nil {
		return nil, badRequest{err}
	}
	pool, err := finder.ResourcePool(ctx, "/"+inventory.Datacenter+"/host/"+cluster+"/Resources")
	if err != nil {
		return nil, badRequest{err}
	}
	spec := types.VirtualMachineConfigSpec{Name: query.Get("name"), NumCPUs: 1, MemoryMB: 1024,
		GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest),
		Files:   &types.VirtualMachineFileInfo{VmPathName: "[" + inventory.SharedDatastore + "]"}}
	return s.finish(folder.CreateVM(ctx, spec, pool, nil))
}
