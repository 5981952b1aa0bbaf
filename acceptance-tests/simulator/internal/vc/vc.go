// Package vc holds the small helpers that every part of the simulator needs to talk to govmomi's
// object registry from outside a request: contexts, task waiting, names and inventory paths.
package vc

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// systemUser is the user in whose name the simulated vCenter itself acts.
const systemUser = `VSPHERE.LOCAL\vpxd`

// pollInterval is how often Wait looks at a task. The simulator's own Wait polls every 10 ms, which
// would dominate the time of a clone.
const pollInterval = 300 * time.Microsecond

// NewContext returns a context with its own identity for object locks, acting as vCenter itself.
func NewContext(reg *simulator.Registry) *simulator.Context {
	return &simulator.Context{
		Context: context.Background(),
		Map:     reg,
		Session: &simulator.Session{
			UserSession: types.UserSession{UserName: systemUser},
			Registry:    simulator.NewRegistry(),
			Map:         reg,
		},
	}
}

// Wait blocks until the task has finished and returns its result or its fault.
func Wait(reg *simulator.Registry, ref types.ManagedObjectReference) (types.AnyType, types.BaseMethodFault) {
	task, ok := reg.Get(ref).(*simulator.Task)
	if !ok {
		return nil, &types.ManagedObjectNotFound{Obj: ref}
	}
	ctx := NewContext(reg)
	for {
		var info types.TaskInfo
		reg.WithLock(ctx, task, func() { info = task.Info })
		switch info.State {
		case types.TaskInfoStateSuccess:
			return info.Result, nil
		case types.TaskInfoStateError:
			return nil, info.Error.Fault
		}
		time.Sleep(pollInterval)
	}
}

// detached counts the tasks that RunDetached started, to give each a lock of its own.
var detached atomic.Int64

// RunDetached runs a task without holding its entity's lock while it executes. The task must take the locks that it
// needs itself.
func RunDetached(ctx *simulator.Context, task *simulator.Task) types.ManagedObjectReference {
	entity := *task.Info.Entity
	nobody := types.ManagedObjectReference{Type: "Nobody", Value: fmt.Sprintf("nobody-%d", detached.Add(1))}
	task.Info.Entity = &nobody
	task.Info.EntityName = Name(ctx.Map, entity)
	ref := task.Run(ctx)
	ctx.Map.AtomicUpdate(ctx, task, []types.PropertyChange{{Name: "info.entity", Val: entity}})
	return ref
}

// Entity returns the inventory object behind a reference, or nil.
func Entity(reg *simulator.Registry, ref types.ManagedObjectReference) mo.Entity {
	entity, _ := reg.Get(ref).(mo.Entity)
	return entity
}

// Name returns the inventory name of a reference, or "" for what has none (tasks, managers, views).
func Name(reg *simulator.Registry, ref types.ManagedObjectReference) string {
	switch obj := reg.Get(ref).(type) {
	case *mo.Network:
		return obj.Name
	case *simulator.DistributedVirtualSwitch:
		return obj.Name
	case *simulator.DistributedVirtualPortgroup:
		return obj.Name
	case mo.Entity:
		return obj.Entity().Name
	}
	return ""
}

// Path returns the inventory path of an entity, as in "/dc1/vm/templates/vio-node-template".
func Path(reg *simulator.Registry, ref types.ManagedObjectReference) string {
	entity := Entity(reg, ref)
	if entity == nil {
		return ""
	}
	parent := entity.Entity().Parent
	if parent == nil {
		return ""
	}
	return Path(reg, *parent) + "/" + Name(reg, ref)
}

// VMs returns every virtual machine and template.
func VMs(reg *simulator.Registry) []*simulator.VirtualMachine {
	var vms []*simulator.VirtualMachine
	for _, entity := range reg.All("VirtualMachine") {
		if vm, ok := entity.(*simulator.VirtualMachine); ok {
			vms = append(vms, vm)
		}
	}
	return vms
}

// FindVM returns the virtual machine of this name, or nil. A name that is not unique in the
// inventory may be given as an inventory path instead.
func FindVM(reg *simulator.Registry, nameOrPath string) *simulator.VirtualMachine {
	for _, vm := range VMs(reg) {
		if vm.Name == nameOrPath || Path(reg, vm.Self) == nameOrPath {
			return vm
		}
	}
	return nil
}

// ExtraConfig returns the value of one ExtraConfig key, and whether the key is there.
func ExtraConfig(options []types.BaseOptionValue, key string) (string, bool) {
	for _, option := range options {
		if option == nil {
			continue
		}
		if value := option.GetOptionValue(); value.Key == key {
			text, _ := value.Value.(string)
			return text, true
		}
	}
	return "", false
}

// ExtraConfigMap returns all ExtraConfig values that are strings, by key.
func ExtraConfigMap(options []types.BaseOptionValue) map[string]string {
	values := make(map[string]string, len(options))
	for _, option := range options {
		if option == nil {
			continue
		}
		value := option.GetOptionValue()
		if text, ok := value.Value.(string); ok {
			values[value.Key] = text
		}
	}
	return values
}
