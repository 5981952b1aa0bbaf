package guest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// guest is the guest of one machine, from power-on to power-off.
type guest struct {
	all *Guests
	// name is the machine's when it was powered on.
	name string
	ref  types.ManagedObjectReference
	ctx  context.Context
	stop context.CancelFunc
	// woken has room for one reminder that something changed.
	woken chan struct{}
	// forced says that the change concerns even a document that is applied already.
	forced atomic.Bool
	// seen is the revision that the agent has dealt with, doc its document once that is applied.
	seen string
	doc  *Document
	// unwell says that a flapping guest is so at present.
	unwell bool
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
		case <-g.flap():
			g.unwell = !g.unwell
		case <-g.ctx.Done():
			return
		}
	}
}

// flap tells when a flapping guest turns; others never do.
func (g *guest) flap() <-chan time.Time {
	if g.rule().Behaviour != behaveFlapping {
		return nil
	}
	return time.After(flapTime)
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
	if revision == "" {
		return
	}
	if revision == g.seen && !forced {
		g.supervise(extraConfig)
		return
	}
	g.seen, g.doc = revision, nil
	g.all.history.add(Event{Node: g.name, Event: eventApplying, Revision: revision})
	rule := g.rule()
	status := newStatus(g.applied(), phaseApplying)
	status.Target = revision
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
	if err != nil {
		g.complain(extraConfig, err)
		return
	}
	doc, err := parseDocument(raw)
	if err != nil {
		g.refuse(err, false)
		return
	}
	if rule.Behaviour == behaveFailed {
		status := readyStatus(g.seen, doc, filesDigest(doc.Files))
		status.Revision = g.applied()
		g.setStatus(rule.report(status))
		return
	}
	g.doc = &doc
	g.all.withDisk(g.ref, func(d *disk) { d.apply(g.seen, doc.Files) })
	// Before the report: whoever acts on it comes later.
	g.all.history.add(Event{Node: g.name, Event: eventApplied, Revision: g.seen, packed: packedDocument(extraConfig)})
	g.report(rule)
	g.supervise(extraConfig)
}

// complain reports a document that is not what its revision stands for: first it may be in the making, later it is
// wrong. It is read again whenever something changes.
func (g *guest) complain(extraConfig map[string]string, reason error) {
	g.seen = ""
	status := newStatus(g.applied(), phaseWaiting)
	status.Target, status.Unreadable = extraConfig[keyRevision], true
	status.WaitingFor = fmt.Sprintf("the whole configuration of revision %.12s", status.Target)
	g.setStatus(encode(status))
	if !g.sleep(applyTime) {
		return
	}
	if _, err := readDocument(g.extraConfig()); err != nil {
		g.refuse(reason, true)
		return
	}
	g.wake(false)
}

// refuse reports that a document cannot be applied.
func (g *guest) refuse(reason error, unreadable bool) {
	status := newStatus(g.applied(), phaseFailed)
	status.Target, status.Unreadable, status.Error = g.extraConfig()[keyRevision], unreadable, reason.Error()
	g.setStatus(encode(status))
}

// supervise looks at the files of the applied document, and repairs them if that is asked for.
func (g *guest) supervise(extraConfig map[string]string) {
	if g.doc == nil {
		return
	}
	rule := g.rule()
	if extraConfig[keyRepair] == "" {
		g.report(rule)
		return
	}
	if digest := g.digest(); digest != filesDigest(g.doc.Files) {
		status := newStatus(g.applied(), phaseApplying)
		status.Target, status.FilesDigest = g.seen, digest
		g.setStatus(encode(status))
		if !g.sleep(delay(rule.ApplyDelayMS, applyTime)) {
			return
		}
		g.all.withDisk(g.ref, func(d *disk) { d.repair() })
	}
	g.update(func(vm *mo.VirtualMachine) []types.PropertyChange {
		return vc.SetExtraConfig(vm, keyRepair, "")
	})
	g.report(rule)
}

// report tells how the applied document and its files are.
func (g *guest) report(rule Rule) {
	if rule.Behaviour == behaveFlapping && g.unwell {
		rule.Behaviour = behaveUnhealthy
	}
	g.setStatus(rule.report(readyStatus(g.seen, *g.doc, g.digest())))
}

func (g *guest) applied() (revision string) {
	g.all.withDisk(g.ref, func(d *disk) { revision = d.applied })
	return revision
}

func (g *guest) digest() (digest string) {
	g.all.withDisk(g.ref, func(d *disk) { digest = d.digest() })
	return digest
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
