//go:build linux

package living

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// addressTime is how often VMware Tools look at a guest's addresses.
const addressTime = 2 * time.Second

// keyStatus is where the node agent reports.
const keyStatus = "guestinfo.vio.status"

// toolsSpoke notes that something in the guest speaks to its machine: VMware Tools run.
func (g *guest) toolsSpoke() {
	select {
	case g.told <- struct{}{}:
	default:
	}
}

// reported notes what the node agent says.
func (g *guest) reported(key, value string) {
	if key != keyStatus {
		return
	}
	var status struct {
		Phase string `json:"phase"`
	}
	if json.Unmarshal([]byte(value), &status) == nil && status.Phase != "" {
		g.machine.happened(g.boot, status.Phase)
	}
}

// watchAddresses reports that VMware Tools run, from the first word of the guest on, and the addresses of its cards.
func (g *guest) watchAddresses() {
	select {
	case <-g.told:
	case <-g.ended:
		return
	}
	g.machine.happened(g.boot, "tools")
	var last map[string][]string
	for {
		if found := addressesIn(g.namespace); last == nil || !reflect.DeepEqual(found, last) {
			g.reportTools(found)
			last = found
			if len(found) > 0 {
				g.machine.happened(g.boot, "address")
			}
		}
		select {
		case <-time.After(addressTime):
		case <-g.ended:
			return
		}
	}
}

func (g *guest) reportTools(addresses map[string][]string) {
	nics, first := []types.GuestNicInfo{}, ""
	for _, nic := range g.nics {
		list := addresses[strings.ToLower(nic.MAC)]
		if first == "" && len(list) > 0 {
			first = list[0]
		}
		nics = append(nics, types.GuestNicInfo{Network: nic.Network, MacAddress: nic.MAC, IpAddress: list, Connected: true})
	}
	name, _ := os.ReadFile(filepath.Join(g.machine.dir, "root/etc/hostname"))
	g.machine.all.update(g.machine.ref, g.isOn, func(*mo.VirtualMachine) []types.PropertyChange {
		return vc.ToolsRunning(strings.TrimSpace(string(name)), first, nics)
	})
}

// memoryMiB sums the proportional share of memory of all processes of the guest.
func (g *guest) memoryMiB() int {
	kib := 0
	_ = filepath.WalkDir(g.groups[0], func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != "cgroup.procs" {
			return nil
		}
		list, _ := os.ReadFile(path)
		for _, pid := range strings.Fields(string(list)) {
			kib += shareKiB(pid)
		}
		return nil
	})
	return kib / 1024
}

func shareKiB(pid string) int {
	rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%s/smaps_rollup", pid))
	for line := range strings.Lines(string(rollup)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Pss:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib
		}
	}
	return 0
}
