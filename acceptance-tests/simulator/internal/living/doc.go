// Package living brings guests to life that are real: behind every virtual machine that is powered on and has
// cloud-init's data in its guestinfo, a system boots with systemd as its first process, in namespaces of its own, from
// one root file system that all share and an overlay that is the machine's disk.
//
// The simulator's process is then the first of a process namespace and has a mount namespace of its own (Enclose): when
// it ends, however it ends, the kernel ends all guests and takes their mounts, bridges and addresses away. What is left
// on disk and in the tree of control groups is removed by a small process that waits for that moment (sweep), or, if
// that one was killed too, by the next simulator.
package living

import (
	"github.com/vmware/govmomi/vim25/mo"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// Options says what guests boot from and where they are.
type Options struct {
	// Root is the root file system that all guests share, as `guests/living root` prints it.
	Root string
	// Networks are the client's addresses in port groups, by the port group's name: "198.18.10.2/24".
	Networks map[string][]string
}

// Has says whether a machine's guest is a living one: whoever gives it first-boot data means it to boot.
func Has(vm *mo.VirtualMachine) bool {
	if vm.Config == nil || vm.Config.Template {
		return false
	}
	for _, key := range []string{"guestinfo.metadata", "guestinfo.userdata"} {
		if text, _ := vc.ExtraConfig(vm.Config.ExtraConfig, key); text != "" {
			return true
		}
	}
	return false
}
