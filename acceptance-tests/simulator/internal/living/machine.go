//go:build linux

package living

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// Event is something that happened to a guest.
type Event struct {
	Name string `json:"name"`
	// AfterMS is the time since the machine was powered on.
	AfterMS int64 `json:"after_ms"`
}

// machine is a virtual machine whose guest is a living one. A goroutine of its own brings the guest to where the
// machine's power is; the disk stays from one power-on to the next.
type machine struct {
	all *Guests
	ref types.ManagedObjectReference
	dir string
	// woken has room for one reminder that something changed.
	woken chan struct{}

	mu sync.Mutex
	// wanted is the number of the power-on whose guest shall run, 0 for none.
	wanted int
	boots  int
	gone   bool
	guest  *guest
	since  time.Time
	events []Event
	failed error
}

func newMachine(all *Guests, ref types.ManagedObjectReference) *machine {
	m := &machine{all: all, ref: ref, dir: filepath.Join(all.cloud.dir, ref.Value), woken: make(chan struct{}, 1)}
	go m.run()
	return m
}

// powerOn asks for a new guest.
func (m *machine) powerOn() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boots++
	m.wanted = m.boots
	m.since, m.events, m.failed = time.Now(), nil, nil
	m.wake()
}

// powerOff takes the power from the guest; it is not asked.
func (m *machine) powerOff() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wanted = 0
	if m.guest != nil {
		m.guest.kill()
	}
	m.wake()
}

// remove takes the disk away too.
func (m *machine) remove() {
	m.powerOff()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = true
	m.wake()
}

// signal sends a signal to the guest's first process; false when there is none.
func (m *machine) signal(signal os.Signal) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.guest != nil && m.guest.signal(signal)
}

func (m *machine) wake() {
	select {
	case m.woken <- struct{}{}:
	default:
	}
}

// isWanted says whether the guest of a power-on shall run.
func (m *machine) isWanted(boot int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wanted == boot && boot != 0
}

// happened notes an event of a power-on, once.
func (m *machine) happened(boot int, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if boot != m.boots {
		return
	}
	for _, event := range m.events {
		if event.Name == name {
			return
		}
	}
	m.events = append(m.events, Event{name, time.Since(m.since).Milliseconds()})
}

// run is the machine's goroutine.
func (m *machine) run() {
	for range m.woken {
		for {
			m.mu.Lock()
			wanted, gone := m.wanted, m.gone
			m.mu.Unlock()
			if wanted == 0 {
				if gone {
					_ = os.RemoveAll(m.dir)
					return
				}
				break
			}
			if err := m.live(wanted); err != nil {
				m.fail(wanted, err)
				break
			}
		}
	}
}

// live is one guest's life, from a power-on until its end, for whatever reason.
func (m *machine) live(boot int) error {
	g, err := start(m, boot)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.guest = g
	if m.wanted != boot {
		g.kill()
	}
	m.mu.Unlock()
	restarts := g.wait()
	m.mu.Lock()
	m.guest = nil
	m.mu.Unlock()
	g.clean()
	if !restarts && m.isWanted(boot) {
		m.switchedOff()
	}
	return nil
}

// switchedOff powers the machine off whose guest has shut down.
func (m *machine) switchedOff() {
	m.mu.Lock()
	m.wanted = 0
	m.mu.Unlock()
	reg := m.all.reg
	vm, ok := reg.Get(m.ref).(*simulator.VirtualMachine)
	if !ok {
		return
	}
	ctx := vc.NewContext(reg)
	reg.WithLock(ctx, vm, func() {
		if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
			return
		}
		res := vm.PowerOffVMTask(ctx, &types.PowerOffVM_Task{This: vm.Self})
		_, _ = vc.Wait(reg, res.(*methods.PowerOffVM_TaskBody).Res.Returnval)
	})
}

// fail notes that a guest did not boot: as on a real machine, the power stays on and nobody answers.
func (m *machine) fail(boot int, err error) {
	log.Printf("the guest of %s did not boot: %s", vc.Name(m.all.reg, m.ref), err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wanted == boot {
		m.wanted = 0
	}
	if m.boots == boot {
		m.failed = err
	}
}

func (m *machine) describe(memory bool) Guest {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := Guest{Name: vc.Name(m.all.reg, m.ref), Events: append([]Event{}, m.events...)}
	if m.failed != nil {
		out.Error = fmt.Sprint(m.failed)
	}
	if m.guest != nil {
		out.PID = m.guest.pid
		if memory {
			out.MemoryMiB = m.guest.memoryMiB()
		}
	}
	return out
}
