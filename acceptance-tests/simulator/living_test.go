package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// guestTime is how long a guest may take to boot on a busy machine.
const guestTime = 5 * time.Minute

// livingRoot returns the guests' root file system, or ends the test: as failed where living guests are demanded, else
// as not run, with the reason.
func livingRoot(t *testing.T) string {
	t.Helper()
	demanded := os.Getenv("VIO_REQUIRE_LIVING") == "1"
	question := "built"
	if demanded {
		question = "root"
	}
	var reason strings.Builder
	command := exec.Command("../guests/living", question)
	command.Stderr = &reason
	output, err := command.Output()
	switch {
	case err == nil:
		return strings.TrimSpace(string(output))
	case demanded:
		t.Fatalf("VIO_REQUIRE_LIVING=1, but %s", reason.String())
	default:
		t.Skipf("not run: %s", strings.TrimSpace(reason.String()))
	}
	return ""
}

// vcenter is a simulator with living guests that runs as a program.
type vcenter struct {
	t       *testing.T
	process *exec.Cmd
	stdin   io.Closer
	ready   struct {
		Server, User, Password, Control string
		CAPEM                           string `json:"ca_pem"`
	}
	client *govmomi.Client
	finder *find.Finder
}

func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "simulator")
	if output, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return path
}

func startLiving(t *testing.T, program, root string, more ...string) *vcenter {
	t.Helper()
	v := &vcenter{t: t, process: exec.Command(program, append([]string{"--guests", "living", "--guest-root", root, "--exit-with-stdin"}, more...)...)}
	v.process.Stderr = os.Stderr
	v.stdin, _ = v.process.StdinPipe()
	output, err := v.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.stop)
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the simulator did not start: %v", err)
	}
	if err := json.Unmarshal([]byte(line), &v.ready); err != nil {
		t.Fatal(err)
	}
	address := &url.URL{Scheme: "https", Host: v.ready.Server, Path: "/sdk", User: url.UserPassword(v.ready.User, v.ready.Password)}
	if v.client, err = govmomi.NewClient(context.Background(), address, true); err != nil {
		t.Fatal(err)
	}
	v.finder = find.NewFinder(v.client.Client, false)
	dc, err := v.finder.Datacenter(context.Background(), "dc1")
	if err != nil {
		t.Fatal(err)
	}
	v.finder.SetDatacenter(dc)
	return v
}

func (v *vcenter) stop() {
	_ = v.stdin.Close()
	_ = v.process.Wait()
}

// world is what the control endpoint says of the guests.
type world struct {
	PID           int
	ClientNetwork string `json:"client_network"`
	ClientRoot    string `json:"client_root"`
	Directory     string
	Guests        []struct {
		Name   string
		PID    int
		Error  string
		Events []struct {
			Name    string
			AfterMS int64 `json:"after_ms"`
		}
	}
}

func (v *vcenter) world() world {
	v.t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Get(v.ready.Control + "/guests")
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var out world
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		v.t.Fatal(err)
	}
	return out
}

func (v *vcenter) pid(name string) int {
	for _, guest := range v.world().Guests {
		if guest.Name == name {
			return guest.PID
		}
	}
	return 0
}

func (v *vcenter) wait(task *object.Task, err error) {
	v.t.Helper()
	if err == nil {
		err = task.Wait(context.Background())
	}
	if err != nil {
		v.t.Fatal(err)
	}
}

// boot clones a machine from the template whose guest has this address, and powers it on.
func (v *vcenter) boot(name, address, userData string) *object.VirtualMachine {
	v.t.Helper()
	ctx := context.Background()
	template, err := v.finder.VirtualMachine(ctx, "/dc1/vm/templates/vio-node-template")
	if err != nil {
		v.t.Fatal(err)
	}
	folder, err := v.finder.Folder(ctx, "/dc1/vm")
	if err != nil {
		v.t.Fatal(err)
	}
	pool, err := v.finder.ResourcePool(ctx, "/dc1/host/mgmt/Resources")
	if err != nil {
		v.t.Fatal(err)
	}
	ref := pool.Reference()
	v.wait(template.Clone(ctx, folder, name, types.VirtualMachineCloneSpec{Location: types.VirtualMachineRelocateSpec{Pool: &ref}}))
	vm, err := v.finder.VirtualMachine(ctx, "/dc1/vm/"+name)
	if err != nil {
		v.t.Fatal(err)
	}
	devices, err := vm.Device(ctx)
	if err != nil {
		v.t.Fatal(err)
	}
	mac := devices.SelectByType((*types.VirtualEthernetCard)(nil))[0].(types.BaseVirtualEthernetCard).GetVirtualEthernetCard().MacAddress
	metadata := fmt.Sprintf(`{"instance-id":%q,"local-hostname":%q,"network":{"version":2,"ethernets":{"eth0":{"match":{"macaddress":%q},"set-name":"eth0","addresses":["%s/24"]}}}}`,
		name, name, strings.ToLower(mac), address)
	v.wait(vm.Reconfigure(ctx, types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{
		&types.OptionValue{Key: "guestinfo.metadata", Value: metadata},
		&types.OptionValue{Key: "guestinfo.userdata", Value: "#cloud-config\n" + userData},
		&types.OptionValue{Key: "guestinfo.question", Value: "six by nine"}}}))
	v.wait(vm.PowerOn(ctx))
	return vm
}

func (v *vcenter) props(vm *object.VirtualMachine) mo.VirtualMachine {
	v.t.Helper()
	var out mo.VirtualMachine
	if err := property.DefaultCollector(v.client.Client).RetrieveOne(context.Background(), vm.Reference(), nil, &out); err != nil {
		v.t.Fatal(err)
	}
	return out
}

// said is what a guest has set under a key.
func (v *vcenter) said(vm *object.VirtualMachine, key string) string {
	for _, option := range v.props(vm).Config.ExtraConfig {
		if value := option.GetOptionValue(); value.Key == key {
			text, _ := value.Value.(string)
			return text
		}
	}
	return ""
}

// asClient runs a program of the client's root file system in the client's network.
func (v *vcenter) asClient(args ...string) (string, error) {
	world := v.world()
	enter := []string{"--target", strconv.Itoa(world.PID), "--mount", "--net=" + world.ClientNetwork, "chroot", world.ClientRoot}
	output, err := exec.Command("nsenter", append(enter, args...)...).CombinedOutput()
	return string(output), err
}

// inside runs a program in a guest.
func (v *vcenter) inside(name string, args ...string) (string, error) {
	enter := []string{"--target", strconv.Itoa(v.world().PID), "--mount", "--pid", "nsenter", "--target", strconv.Itoa(v.pid(name)), "--all"}
	output, err := exec.Command("nsenter", append(enter, args...)...).CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

const answers = `runcmd:
- echo once >> /root/runs
- 'vmware-rpctool "info-set guestinfo.answer $(vmware-rpctool "info-get guestinfo.question"), $(hostname)"'
`

func TestAGuestIsWhatItsMachineIs(t *testing.T) {
	root := livingRoot(t)
	v := startLiving(t, program(t), root)
	vm := v.boot("node-1", "198.18.10.21", answers)

	eventually(t, guestTime, "user data ran and answered", func() bool { return v.said(vm, "guestinfo.answer") == "six by nine, node-1" })
	eventually(t, guestTime, "VMware Tools tell the address", func() bool { return v.props(vm).Guest.IpAddress == "198.18.10.21" })
	if guest := v.props(vm).Guest; guest.HostName != "node-1" || guest.ToolsRunningStatus != "guestToolsRunning" {
		t.Errorf("the guest is %s, Tools %s", guest.HostName, guest.ToolsRunningStatus)
	}
	if output, err := v.asClient("ping", "-c1", "-W2", "198.18.10.21"); err != nil {
		t.Errorf("the client does not reach the guest: %s", output)
	}
	if output, err := v.inside("node-1", "cloud-init", "status", "--wait"); err != nil || !strings.Contains(output, "done") {
		t.Errorf("cloud-init says %s", output)
	}
	if output, err := v.inside("node-1", "curl", "-sko", "/dev/null", "-w", "%{http_code}", "https://198.18.10.2/sdk/vimServiceVersions.xml"); err != nil || output != "200" {
		t.Errorf("the guest does not reach vCenter: %s", output)
	}
	if output, err := v.inside("node-1", "ping", "-c1", "-W1", "192.0.2.1"); err == nil {
		t.Errorf("the guest reaches the world: %s", output)
	}
	t.Logf("%+v", v.world().Guests)

	t.Run("power off ends it at once and power on finds its disk", func(t *testing.T) {
		v.wait(vm.PowerOff(context.Background()))
		eventually(t, 5*time.Second, "the guest is gone", func() bool { return v.pid("node-1") == 0 })
		if guest := v.props(vm).Guest; guest.IpAddress != "" || guest.ToolsRunningStatus != "guestToolsNotRunning" {
			t.Errorf("address %q, Tools %s", guest.IpAddress, guest.ToolsRunningStatus)
		}
		v.wait(vm.PowerOn(context.Background()))
		eventually(t, guestTime, "the guest is back", func() bool { return v.props(vm).Guest.IpAddress == "198.18.10.21" })
		if output, err := v.inside("node-1", "cat", "/root/runs"); err != nil || output != "once" {
			t.Errorf("the disk has %q", output)
		}
	})
	t.Run("restart in order is another boot of the same disk", func(t *testing.T) {
		before := v.pid("node-1")
		if err := vm.RebootGuest(context.Background()); err != nil {
			t.Fatal(err)
		}
		eventually(t, guestTime, "another first process", func() bool { pid := v.pid("node-1"); return pid != 0 && pid != before })
		if power := v.props(vm).Runtime.PowerState; power != types.VirtualMachinePowerStatePoweredOn {
			t.Errorf("the machine is %s", power)
		}
	})
	t.Run("reset is another boot without being asked", func(t *testing.T) {
		before := v.pid("node-1")
		v.wait(vm.Reset(context.Background()))
		eventually(t, guestTime, "another first process", func() bool { pid := v.pid("node-1"); return pid != 0 && pid != before })
	})
	t.Run("shutdown in order powers the machine off", func(t *testing.T) {
		eventually(t, guestTime, "VMware Tools run", func() bool { return v.props(vm).Guest.ToolsRunningStatus == "guestToolsRunning" })
		if err := vm.ShutdownGuest(context.Background()); err != nil {
			t.Fatal(err)
		}
		eventually(t, guestTime, "the machine is off", func() bool {
			return v.props(vm).Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff
		})
	})
	t.Run("destroy takes the disk away", func(t *testing.T) {
		disk := filepath.Join(v.world().Directory, vm.Reference().Value)
		if _, err := os.Stat(disk); err != nil {
			t.Fatal(err)
		}
		v.wait(vm.Destroy(context.Background()))
		eventually(t, 10*time.Second, "the disk is gone", func() bool { _, err := os.Stat(disk); return os.IsNotExist(err) })
	})
}

func TestTwoCloudsWithTheSameAddressesLiveSideBySide(t *testing.T) {
	root := livingRoot(t)
	binary := program(t)
	one, two := startLiving(t, binary, root), startLiving(t, binary, root)
	first, second := one.boot("node", "198.18.10.21", answers), two.boot("node", "198.18.10.21", "bootcmd: [echo other > /root/runs]\n")
	eventually(t, guestTime, "both are up", func() bool {
		return one.props(first).Guest.IpAddress == "198.18.10.21" && two.props(second).Guest.IpAddress == "198.18.10.21"
	})
	eventually(t, guestTime, "the first one's disk is its own", func() bool { output, _ := one.inside("node", "cat", "/root/runs"); return output == "once" })
	eventually(t, guestTime, "the second one's disk is its own", func() bool { output, _ := two.inside("node", "cat", "/root/runs"); return output == "other" })
}

// traces are what a cloud has outside of its namespaces.
func traces(directory string) []string {
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(directory))
	top, _ := filepath.Glob("/sys/fs/cgroup/" + filepath.Base(directory))
	disk, _ := filepath.Glob(directory)
	found := append(append(groups, top...), disk...)
	mounts, _ := os.ReadFile("/proc/self/mounts")
	if strings.Contains(string(mounts), directory) {
		found = append(found, "mounts")
	}
	return found
}

// processesOf are the processes that have entered this process namespace.
func processesOf(namespace string) (pids []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/ns/pid_for_children")
	for _, link := range links {
		if target, _ := os.Readlink(link); target == namespace {
			pids = append(pids, link)
		}
	}
	return pids
}

func TestAKilledSimulatorLeavesNothingBehind(t *testing.T) {
	root := livingRoot(t)
	binary := program(t)
	for _, victim := range []string{"the program", "the process inside", "every process of it"} {
		t.Run(victim, func(t *testing.T) {
			v := startLiving(t, binary, root)
			vm := v.boot("node", "198.18.10.21", answers)
			eventually(t, guestTime, "the guest speaks", func() bool { return v.props(vm).Guest.IpAddress != "" })
			world := v.world()
			namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid_for_children", world.PID))
			if err != nil || len(traces(world.Directory)) == 0 {
				t.Fatalf("nothing to see: %v", err)
			}
			switch victim {
			case "the process inside":
				_ = syscall.Kill(world.PID, syscall.SIGKILL)
			case "every process of it":
				for _, pid := range holders(filepath.Join(world.Directory, "lock")) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			default:
				_ = v.process.Process.Kill()
			}
			_ = v.process.Wait()
			eventually(t, 20*time.Second, "its processes are gone", func() bool { return len(processesOf(namespace)) == 0 })
			if victim == "every process of it" {
				startLiving(t, binary, root) // the next one cleans up
			}
			eventually(t, 20*time.Second, "its traces are gone", func() bool { return len(traces(world.Directory)) == 0 })
		})
	}
}

// holders are the processes that have a file open.
func holders(path string) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if target, _ := os.Readlink(link); target == path {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}
