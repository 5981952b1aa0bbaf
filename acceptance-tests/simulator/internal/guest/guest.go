package guest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// guest is the guest of one machine, from power-on to power-off.
type guest struct {
	all  *Guests
	ref  types.ManagedObjectReference
	ctx  context.Context
	stop context.CancelFunc
	// woken has room for one reminder that something changed.
	woken chan struct{}
	// forced says that the change concerns even a document that is applied already.
	forced atomic.Bool
	// seen is the revision that the agent has dealt with, applied the one that it reports as applied.
	seen, applied string
}

// wake makes the guest look at its machine again.
func (g *guest) wake(force bool) {
	if force {
		g.forced.Store(true)
	}
	select {
	case g.woken <- struct{}{}:
	default:
	}
}

// run is the guest's life.
func (g *guest) run() {
	if !g.boot() {
		return
	}
	for {
		g.apply()
		select {
		case <-g.woken:
		case <-g.ctx.Done():
			return
		}
	}
}

// boot waits until VMware Tools are to run and starts them. It returns false when the machine went off before.
func (g *guest) boot() bool {
	for {
		rule := g.rule()
		if rule.Behaviour != behaveNeverBoots {
			if !g.sleep(delay(rule.BootDelayMS, g.all.bootTime)) {
				return false
			}
			if g.rule().Behaviour != behaveNeverBoots {
				g.update(toolsRunning)
				return true
			}
		}
		select {
		case <-g.woken:
		case <-g.ctx.Done():
			return false
		}
	}
}

// sleep waits, and returns false when the machine went off meanwhile.
func (g *guest) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-g.ctx.Done():
		return false
	}
}

// apply is the agent's work: it reads the desired document and reports what came of it.
func (g *guest) apply() {
	forced := g.forced.Swap(false)
	extraConfig := g.extraConfig()
	revision := extraConfig[keyRevision]
	if revision == "" || revision == g.seen && !forced {
		return
	}
	g.seen = revision
	rule := g.rule()
	status := newStatus(g.applied, phaseApplying)
	if rule.Behaviour == behaveNeverReady {
		status.WaitingFor = rule.WaitingFor
		if status.WaitingFor == "" {
			status.WaitingFor = "other nodes"
		}
		g.setStatus(encode(status))
		return
	}
	g.setStatus(encode(status))
	if g.sleep(delay(rule.ApplyDelayMS, applyTime)) {
		g.finish(rule)
	}
}

// finish applies the document that is there now, which may be newer than the one that woke the agent.
func (g *guest) finish(rule Rule) {
	extraConfig := g.extraConfig()
	g.seen = extraConfig[keyRevision]
	raw, err := readDocument(extraConfig)
	var doc Document
	if err == nil {
		doc, err = parseDocument(raw)
	}
	if err != nil {
		status := newStatus(g.applied, phaseFailed)
		status.Error = err.Error()
		g.setStatus(encode(status))
		return
	}
	status := readyStatus(g.seen, doc)
	if rule.Behaviour != behaveFailed {
		g.applied = g.seen
	} else {
		status.Revision = g.applied
	}
	g.setStatus(rule.report(status))
}

// rule is the rule for the machine's present name.
func (g *guest) rule() Rule {
	name := ""
	g.look(func(vm *mo.VirtualMachine) { name = vm.Name })
	return g.all.rules.of(name)
}

func (g *guest) extraConfig() map[string]string {
	var values map[string]string
	g.look(func(vm *mo.VirtualMachine) { values = vc.ExtraConfigMap(vm.Config.ExtraConfig) })
	return values
}

// look reads the machine under its lock.
func (g *guest) look(read func(*mo.VirtualMachine)) {
	if vm, ok := g.all.reg.Get(g.ref).(*simulator.VirtualMachine); ok {
		g.all.reg.WithLock(vc.NewContext(g.all.reg), vm, func() { read(&vm.VirtualMachine) })
	}
}

// update changes the machine under its lock, unless the guest has ended: what is written after power-off is lost.
func (g *guest) update(changes func(*mo.VirtualMachine) []types.PropertyChange) {
	vm, ok := g.all.reg.Get(g.ref).(*simulator.VirtualMachine)
	if !ok {
		return
	}
	ctx := vc.NewContext(g.all.reg)
	g.all.reg.WithLock(ctx, vm, func() {
		if g.ctx.Err() == nil {
			if list := changes(&vm.VirtualMachine); len(list) > 0 {
				ctx.Update(vm, list)
			}
		}
	})
}

// setStatus writes the agent's report.
func (g *guest) setStatus(text string) {
	g.update(func(vm *mo.VirtualMachine) []types.PropertyChange {
		return vc.SetExtraConfig(vm, keyStatus, text)
	})
}
