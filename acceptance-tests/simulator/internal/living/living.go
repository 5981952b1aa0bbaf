//go:build linux

package living

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// Guests are the living guests of one simulator.
type Guests struct {
	reg     *simulator.Registry
	options Options
	cloud   cloud
	network *network

	mu       sync.Mutex
	machines map[types.ManagedObjectReference]*machine
	closed   bool
}

// Install begins to boot guests. The process must have been through Enclose.
func Install(reg *simulator.Registry, options Options) (*Guests, error) {
	cloud, err := enclosed()
	if err != nil {
		return nil, err
	}
	network, err := newNetwork(options.Networks)
	if err != nil {
		return nil, err
	}
	g := &Guests{reg: reg, options: options, cloud: cloud, network: network,
		machines: map[types.ManagedObjectReference]*machine{}}
	if err := g.furnishClient(); err != nil {
		return nil, err
	}
	reg.AddHandler(g)
	return g, nil
}

// Close switches every guest off, without ceremony.
func (g *Guests) Close() {
	g.mu.Lock()
	g.closed = true
	machines := g.machines
	g.machines = map[types.ManagedObjectReference]*machine{}
	g.mu.Unlock()
	for _, one := range machines {
		one.powerOff()
	}
}

// Reference identifies the handler in the registry.
func (g *Guests) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "SimulatorHandler", Value: "living-guests"}
}

// PutObject has nothing to do: a new machine is off.
func (g *Guests) PutObject(*simulator.Context, mo.Reference) {}

// RemoveObject takes a machine's disk away with the machine.
func (g *Guests) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	g.mu.Lock()
	one := g.machines[ref]
	delete(g.machines, ref)
	g.mu.Unlock()
	if one != nil {
		one.remove()
	}
}

// UpdateObject follows the power of a machine. The caller holds the machine's lock.
func (g *Guests) UpdateObject(ctx *simulator.Context, obj mo.Reference, changes []types.PropertyChange) {
	vm, ok := obj.(*mo.VirtualMachine)
	if !ok {
		return
	}
	for _, change := range changes {
		if change.Name != "runtime.powerState" {
			continue
		}
		if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
			g.powerOn(vm)
		} else if one := g.machine(vm.Self); one != nil {
			one.powerOff()
			ctx.Update(vm, vc.ToolsStopped(vm))
		}
		return
	}
}

func (g *Guests) powerOn(vm *mo.VirtualMachine) {
	if !Has(vm) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	one := g.machines[vm.Self]
	if one == nil {
		one = newMachine(g, vm.Self)
		g.machines[vm.Self] = one
	}
	one.powerOn()
}

func (g *Guests) machine(ref types.ManagedObjectReference) *machine {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.machines[ref]
}

// Shutdown asks a machine's guest to shut down in order; false when the machine has no guest of its own that runs.
func (g *Guests) Shutdown(ref types.ManagedObjectReference) bool { return g.ask(ref, signalPowerOff) }

// Restart asks a machine's guest to restart in order; false when the machine has no guest of its own that runs.
func (g *Guests) Restart(ref types.ManagedObjectReference) bool { return g.ask(ref, signalReboot) }

func (g *Guests) ask(ref types.ManagedObjectReference, signal os.Signal) bool {
	one := g.machine(ref)
	return one != nil && one.signal(signal)
}

// World tells how to enter the guests' world from outside, with nsenter.
type World struct {
	// PID is the simulator's process in whose process and mount namespaces everything is.
	PID int `json:"pid"`
	// ClientNetwork is a file that stands for the client's network namespace.
	ClientNetwork string `json:"client_network"`
	// ClientRoot is the client's root file system, as that process sees it.
	ClientRoot string `json:"client_root"`
	// Directory holds the machines' disks and consoles.
	Directory string `json:"directory"`
	// Guests are the machines that have or had a guest, by name.
	Guests []Guest `json:"guests"`
}

// Guest is one machine's guest.
type Guest struct {
	Name string `json:"name"`
	// PID is the guest's first process in the process namespace of World.PID; 0 when the guest is off.
	PID int `json:"pid"`
	// Events is what happened since the machine was powered on.
	Events []Event `json:"events"`
	// MemoryMiB is the proportional share of memory of all of its processes.
	MemoryMiB int `json:"memory_mib,omitempty"`
	// Error says why the guest did not boot.
	Error string `json:"error,omitempty"`
}

// World describes the guests; measuring their memory takes a while.
func (g *Guests) World(memory bool) any {
	g.mu.Lock()
	machines := make([]*machine, 0, len(g.machines))
	for _, one := range g.machines {
		machines = append(machines, one)
	}
	g.mu.Unlock()
	world := World{PID: g.cloud.hostPID, Directory: g.cloud.dir, ClientRoot: g.clientRoot(), Guests: []Guest{},
		ClientNetwork: fmt.Sprintf("/proc/%d/root%s", g.cloud.hostPID, namespacePath(clientNamespace))}
	for _, one := range machines {
		world.Guests = append(world.Guests, one.describe(memory))
	}
	sort.Slice(world.Guests, func(i, j int) bool { return world.Guests[i].Name < world.Guests[j].Name })
	return world
}

// look reads a machine under its lock; false when it is gone.
func (g *Guests) look(ref types.ManagedObjectReference, read func(*simulator.VirtualMachine)) bool {
	vm, ok := g.reg.Get(ref).(*simulator.VirtualMachine)
	if ok {
		g.reg.WithLock(vc.NewContext(g.reg), vm, func() { read(vm) })
	}
	return ok
}

// update changes a machine under its lock, as long as the condition holds there.
func (g *Guests) update(ref types.ManagedObjectReference, holds func() bool, changes func(*mo.VirtualMachine) []types.PropertyChange) {
	vm, ok := g.reg.Get(ref).(*simulator.VirtualMachine)
	if !ok {
		return
	}
	ctx := vc.NewContext(g.reg)
	g.reg.WithLock(ctx, vm, func() {
		if !holds() {
			return
		}
		if list := changes(&vm.VirtualMachine); len(list) > 0 {
			ctx.Update(vm, list)
		}
	})
}

// overlay mounts a file system that is the shared root below and a directory above.
func (g *Guests) overlay(dir string) (string, error) {
	for _, name := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return "", fmt.Errorf("make a directory of the overlay: %w", err)
		}
	}
	return filepath.Join(dir, "root"), mountOverlay(g.options.Root, dir)
}

// words joins what a program has said into one line.
func words(output []byte) string { return strings.Join(strings.Fields(string(output)), " ") }
