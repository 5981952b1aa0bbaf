// Package vcenter makes govmomi's simulator behave like a real vCenter where the difference would hide bugs: it checks
// requests before they run and replaces the methods that are too lax.
package vcenter

import (
	"context"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/updates"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// shutdownTime is how long a guest takes to shut itself down.
const shutdownTime = 100 * time.Millisecond

// GuestPower is how guests with an operating system of their own are asked for what only that can do.
type GuestPower interface {
	// Shutdown asks a machine's guest to shut down; the machine goes off when it has. False: it has no such guest.
	Shutdown(types.ManagedObjectReference) bool
	// Restart asks a machine's guest to restart. False: it has no such guest.
	Restart(types.ManagedObjectReference) bool
}

// VCenter holds what the stricter methods share.
type VCenter struct {
	// Guests are asked first; nil when no guest has an operating system.
	Guests GuestPower

	reg       *simulator.Registry
	names     *names
	placement *placement
	capacity  *capacity
	macs      *macs
	updates   *updates.Hub
}

// Install puts the stricter behaviour in front of every call.
func Install(reg *simulator.Registry) *VCenter {
	room := &capacity{memoryMiB: map[types.ManagedObjectReference]int64{}, freeGiB: map[string]int64{}}
	v := &VCenter{reg: reg, names: newNames(), placement: newPlacement(reg, room), capacity: room, macs: newMACs(reg),
		updates: updates.Install(reg)}
	reg.AddHandler(v.placement)
	reg.AddHandler(&ruleCleaner{reg: reg})
	reg.Handler = v.handle
	return v
}

// handle sees every call after decoding and before it runs. It returns the object that is to run it, or a fault.
func (v *VCenter) handle(ctx *simulator.Context, method *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if ctx.Session == nil {
		if updates.Traverses(updates.Specs(method.Body)) { // the simulator would answer them all
			return nil, &types.NotAuthenticated{NoPermission: types.NoPermission{Object: &method.This, PrivilegeId: "System.View"}}
		}
		return nil, nil // the simulator answers NotAuthenticated
	}
	if fault := v.guard(ctx, method); fault != nil {
		return nil, fault
	}
	override := v.override(method)
	if override == nil {
		override = v.updates.Override(ctx, method)
	}
	if override == nil {
		return nil, nil
	}
	// The simulator prefers what it finds under the method's reference, so the reference must lead nowhere.
	method.This = types.ManagedObjectReference{Type: method.This.Type, Value: "(override)"}
	return override, nil
}

// override returns the object with our own version of the method, or nil.
func (v *VCenter) override(method *simulator.Method) mo.Reference {
	switch obj := v.reg.Get(method.This).(type) {
	case *simulator.VirtualMachine:
		switch method.Name {
		case "CloneVM_Task", "ReconfigVM_Task", "PowerOnVM_Task", "ShutdownGuest", "RebootGuest", "Rename_Task", "MarkAsTemplate",
			"MarkAsVirtualMachine", "RelocateVM_Task":
			return &machine{obj, v}
		}
	case *simulator.Folder:
		if method.Name == "CreateVM_Task" {
			return &folder{obj, v}
		}
	case *simulator.ResourcePool:
		if method.Name == "MoveIntoResourcePool" {
			return &pool{obj, v}
		}
	case *simulator.HostDatastoreBrowser:
		if method.Name == "SearchDatastore_Task" || method.Name == "SearchDatastoreSubFolders_Task" {
			return &browser{obj}
		}
	case *simulator.ClusterComputeResource:
		if method.Name == "ReconfigureComputeResource_Task" {
			return &cluster{obj, v}
		}
	}
	return nil
}

// machine is a virtual machine with our own versions of some methods.
type machine struct {
	*simulator.VirtualMachine
	vcenter *VCenter
}

// folder is a folder with our own versions of some methods.
type folder struct {
	*simulator.Folder
	vcenter *VCenter
}

// pool is a resource pool with a method that the simulator lacks.
type pool struct {
	*simulator.ResourcePool
	vcenter *VCenter
}

// cluster is a cluster with our own versions of some methods.
type cluster struct {
	*simulator.ClusterComputeResource
	vcenter *VCenter
}

// background returns a context for a task: it acts for the same user, but its locks are its own.
func background(ctx *simulator.Context) *simulator.Context {
	return &simulator.Context{Context: context.Background(), Map: ctx.Map, Session: ctx.Session}
}

// run executes one of the simulator's own task methods inside of a task of ours and waits for it.
func run(ctx *simulator.Context, start func() (types.ManagedObjectReference, types.BaseMethodFault)) (types.AnyType, types.BaseMethodFault) {
	ref, fault := start()
	if fault != nil {
		return nil, fault
	}
	return vc.Wait(ctx.Map, ref)
}

func isTrue(b *bool) bool { return b != nil && *b }
