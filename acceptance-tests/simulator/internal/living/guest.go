//go:build linux

package living

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vmware/govmomi/simulator"
	"golang.org/x/sys/unix"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/inventory"
)

// What systemd does on these signals: it shuts the system down, or restarts it.
const (
	signalPowerOff = syscall.Signal(34 + 4)
	signalReboot   = syscall.Signal(34 + 5)
)

const (
	// rebootStatus is systemd-nspawn's exit status when the system inside asks for a restart.
	rebootStatus = 133
	// bootTime is how long the system's first process may take to be there.
	bootTime = 20 * time.Second
	// endTime is how long systemd-nspawn may take to end after its guest.
	endTime = 10 * time.Second
)

// cardNames are what the kernel calls the cards of a VMware machine, in their order.
var cardNames = []string{"ens192", "ens224", "ens256", "ens161", "ens193", "ens225", "ens257", "ens162", "ens194", "ens226"}

// guest is the system of a machine from power-on to power-off.
type guest struct {
	machine   *machine
	boot      int
	namespace string
	groups    []string
	nics      []inventory.NIC
	rpc       *rpc
	nspawn    *exec.Cmd
	ended     chan struct{}
	// pid is the first process of the guest, init the same by a handle that never means another process.
	pid  int
	init *os.Process
	told chan struct{}
}

// start boots the guest of a machine.
func start(m *machine, boot int) (*guest, error) {
	g := &guest{machine: m, boot: boot, namespace: fmt.Sprintf("%s.%d", m.ref.Value, boot), ended: make(chan struct{}),
		told: make(chan struct{}, 1)}
	for _, group := range groupsOf(m.all.cloud.id) {
		g.groups = append(g.groups, filepath.Join(group, g.namespace))
	}
	if vm, ok := m.all.reg.Get(m.ref).(*simulator.VirtualMachine); ok {
		g.nics = inventory.Describe(m.all.reg, vm).NICs
	}
	if err := g.assemble(); err != nil {
		g.clean()
		return nil, err
	}
	m.happened(boot, "init")
	go g.watchAddresses()
	return g, nil
}

// assemble makes what the guest needs and starts its first process.
func (g *guest) assemble() error {
	root, err := g.machine.all.overlay(g.machine.dir)
	if err != nil {
		return err
	}
	if err := g.connect(); err != nil {
		return err
	}
	for _, group := range g.groups {
		if err := os.MkdirAll(group, 0o755); err != nil {
			return fmt.Errorf("make the guest's control group: %w", err)
		}
		if err := shareOut(group); err != nil {
			return err
		}
	}
	line := filepath.Join(g.machine.dir, "rpc")
	if g.rpc, err = newRPC(g, line); err != nil {
		return err
	}
	return g.spawn(root, line)
}

// connect puts the guest's cards into their port groups.
func (g *guest) connect() error {
	if err := addNamespace(g.namespace); err != nil {
		return err
	}
	if len(g.nics) > len(cardNames) {
		return fmt.Errorf("a machine has up to %d cards, this one has %d", len(cardNames), len(g.nics))
	}
	for i, nic := range g.nics {
		if err := g.machine.all.network.connect(g.namespace, cardNames[i], nic.Network, nic.MAC); err != nil {
			return err
		}
	}
	return nil
}

// spawn starts the system and finds its first process.
func (g *guest) spawn(root, line string) error {
	console, err := os.OpenFile(filepath.Join(g.machine.dir, "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the guest's console: %w", err)
	}
	defer func() { _ = console.Close() }()
	// Guests would share one control group and disturb each other's services; the shell enters the guest's own first.
	script := `for group; do [ "$group" = -- ] && break; shift; echo $$ > "$group/cgroup.procs" || exit; done; shift; exec "$@"`
	args := append([]string{"-c", script, "guest"}, g.groups...)
	args = append(args, "--", "systemd-nspawn", "--quiet", "--boot", "--directory="+root, "--machine="+g.machine.ref.Value,
		"--register=no", "--keep-unit", "--network-namespace-path="+namespacePath(g.namespace), "--resolv-conf=off",
		"--timezone=off", "--link-journal=no", "--capability=CAP_NET_ADMIN,CAP_NET_RAW", "--bind-ro="+line+":/run/vmware",
		"--console=pipe")
	g.nspawn = exec.Command("/bin/sh", args...)
	g.nspawn.Stdout, g.nspawn.Stderr = console, console
	// Load balancers set a kernel parameter of their network.
	g.nspawn.Env = append(os.Environ(), "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	if err := g.nspawn.Start(); err != nil {
		return fmt.Errorf("start systemd-nspawn: %w", err)
	}
	go func() {
		_ = g.nspawn.Wait()
		close(g.ended)
	}()
	return g.findInit()
}

// findInit waits for the guest's first process. systemd-nspawn has short-lived children before.
func (g *guest) findInit() error {
	for deadline := time.Now().Add(bootTime); time.Now().Before(deadline); {
		for _, pid := range childrenOf(g.nspawn.Process.Pid) {
			handle, err := os.FindProcess(pid)
			// It is looked at after the handle is there: from then on the number means this process.
			if err == nil && isInit(pid) {
				g.pid, g.init = pid, handle
				return nil
			}
		}
		select {
		case <-g.ended:
			return fmt.Errorf("systemd-nspawn ended (%s); see the guest's console: %s", g.nspawn.ProcessState, g.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
	_ = g.nspawn.Process.Kill()
	return errors.New("the guest's first process did not appear")
}

func (g *guest) lastWords() string {
	text, _ := os.ReadFile(filepath.Join(g.machine.dir, "console.log"))
	return words(text[max(0, len(text)-500):])
}

// isInit says whether a process is systemd, and the first of a process namespace below ours.
func isInit(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	name, first := false, false
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "Name:":
			name = fields[1] == "systemd"
		case len(fields) > 2 && fields[0] == "NSpid:":
			first = fields[len(fields)-1] == "1"
		}
	}
	return name && first
}

// childrenOf lists the children of a process.
func childrenOf(parent int) []int {
	var children []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// The name of a process may hold anything; what follows its last parenthesis are state and parent.
		_, rest, _ := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')'):]), " ")
		fields := strings.Fields(rest)
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			children = append(children, pid)
		}
	}
	return children
}

// signal sends a signal to the guest's first process.
func (g *guest) signal(signal os.Signal) bool { return g.init.Signal(signal) == nil }

// kill ends the guest at once, as a power failure does.
func (g *guest) kill() { g.signal(syscall.SIGKILL) }

// isOn says whether the guest's power is on.
func (g *guest) isOn() bool { return g.machine.isWanted(g.boot) }

// wait waits for the guest's end and says whether it wants to run again.
func (g *guest) wait() bool {
	<-g.ended
	return g.nspawn.ProcessState.ExitCode() == rebootStatus
}

// clean takes away what the guest had, except for its disk.
func (g *guest) clean() {
	if g.nspawn != nil && g.nspawn.Process != nil {
		select {
		case <-g.ended:
		case <-time.After(endTime):
			_ = g.nspawn.Process.Kill()
			<-g.ended
		}
	}
	if g.rpc != nil {
		_ = g.rpc.listener.Close()
	}
	_ = unix.Unmount(filepath.Join(g.machine.dir, "root"), unix.MNT_DETACH)
	_ = removeNamespace(g.namespace)
	for _, group := range g.groups {
		_ = removeGroup(group)
	}
}
