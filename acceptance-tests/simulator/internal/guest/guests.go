package guest

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// applyTime is how long an agent takes to apply a document unless a rule says otherwise.
const applyTime = 100 * time.Millisecond

// Guests are the guests of all machines that are powered on.
type Guests struct {
	reg *simulator.Registry
	// others says which machines have a guest of another kind; nil: none has.
	others   func(*mo.VirtualMachine) bool
	bootTime time.Duration
	rules    ruleBook
	history  history
	mu       sync.Mutex
	running  map[types.ManagedObjectReference]*guest
	disks    map[types.ManagedObjectReference]*disk
	closed   bool
}

// Install begins to run guests, those of machines that are on already included, except for those that have another
// kind of guest.
func Install(reg *simulator.Registry, bootTime time.Duration, others func(*mo.VirtualMachine) bool) *Guests {
	g := &Guests{reg: reg, others: others, bootTime: bootTime, running: map[types.ManagedObjectReference]*guest{},
		disks: map[types.ManagedObjectReference]*disk{}, history: history{start: time.Now()}}
	reg.AddHandler(g)
	for _, vm := range vc.VMs(reg) {
		reg.WithLock(vc.NewContext(reg), vm, func() { g.start(&vm.VirtualMachine) })
	}
	return g
}

// Close stops all guests.
func (g *Guests) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for ref, one := range g.running {
		one.stop()
		delete(g.running, ref)
	}
}

// SetRules replaces the behaviour rules; every running guest acts on them at once.
func (g *Guests) SetRules(raw json.RawMessage) error {
	rules, err := parseRules(raw)
	if err != nil {
		return err
	}
	g.rules.set(rules)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.running {
		one.wake(true)
	}
	return nil
}

// Facts is what a machine's ExtraConfig says of its guest.
type Facts struct {
	Revision string          `json:"revision"`
	Document json.RawMessage `json:"document,omitempty"`
	Status   json.RawMessage `json:"status,omitempty"`
	Error    string          `json:"error,omitempty"`
	// Applications and Repairs count what a paper guest has done with its documents and files.
	Applications int `json:"applications"`
	Repairs      int `json:"repairs"`
}

// Describe decodes the desired document and the status in a machine's ExtraConfig, and counts what its guest did.
func (g *Guests) Describe(vm *simulator.VirtualMachine, extraConfig map[string]string) any {
	facts := Facts{Revision: extraConfig[keyRevision]}
	g.withDisk(vm.Self, func(d *disk) { facts.Applications, facts.Repairs = d.applications, d.repairs })
	if facts.Revision != "" {
		raw, err := readDocument(extraConfig)
		if err != nil {
			facts.Error = err.Error()
		} else if json.Valid(raw) {
			facts.Document = raw
		}
	}
	if status := extraConfig[keyStatus]; json.Valid([]byte(status)) {
		facts.Status = json.RawMessage(status)
	}
	return facts
}

// Reference identifies the handler in the registry.
func (g *Guests) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "SimulatorHandler", Value: "guests"}
}

// PutObject has nothing to do: a new machine is off.
func (g *Guests) PutObject(*simulator.Context, mo.Reference) {}

// RemoveObject ends the guest of a machine that is gone.
func (g *Guests) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	g.end(ref)
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.disks, ref)
}

// UpdateObject follows the power of a machine and its desired document. The caller holds the machine's lock.
func (g *Guests) UpdateObject(ctx *simulator.Context, obj mo.Reference, changes []types.PropertyChange) {
	vm, ok := obj.(*mo.VirtualMachine)
	if !ok {
		return
	}
	for _, change := range changes {
		switch {
		case change.Name == "runtime.powerState":
			if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
				g.start(vm)
			} else if g.end(vm.Self) {
				ctx.Update(vm, vc.ToolsStopped(vm))
			}
			return
		case strings.HasPrefix(change.Name, `config.extraConfig["`+keyDesired):
			g.desiredChanged(vm)
			return
		}
	}
}

// start runs the guest of a machine that is on, if it has one: VMware Tools or an agent.
func (g *Guests) start(vm *mo.VirtualMachine) {
	if vm.Config == nil || vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		return
	}
	if g.others != nil && g.others(vm) {
		return
	}
	_, agent := vc.ExtraConfig(vm.Config.ExtraConfig, keyRevision)
	if !agent && vm.Guest.ToolsStatus == types.VirtualMachineToolsStatusToolsNotInstalled {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.running[vm.Self]; ok || g.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	one := &guest{all: g, name: vm.Name, ref: vm.Self, ctx: ctx, stop: cancel, woken: make(chan struct{}, 1)}
	g.running[vm.Self] = one
	go one.run()
}

// end stops the guest of a machine and says whether there was one.
func (g *Guests) end(ref types.ManagedObjectReference) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one, ok := g.running[ref]
	if ok {
		one.stop()
		delete(g.running, ref)
		g.history.add(Event{Node: one.name, Event: eventOff})
	}
	return ok
}

// desiredChanged wakes the agent of a machine, or starts the guest of one that got its first document while on.
func (g *Guests) desiredChanged(vm *mo.VirtualMachine) {
	g.mu.Lock()
	one, ok := g.running[vm.Self]
	g.mu.Unlock()
	if ok {
		one.wake(false)
		return
	}
	g.start(vm)
}
