package guest

import (
	"slices"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// toolsRunning are the changes when VMware Tools start: they report a state, a name and an address.
func toolsRunning(vm *mo.VirtualMachine) []types.PropertyChange {
	extraConfig := vc.ExtraConfigMap(vm.Config.ExtraConfig)
	address := addressOf(vm.Name, extraConfig)
	nics := slices.Clone(vm.Guest.Net)
	for i := range nics {
		nics[i].IpAddress = nil
		if i == 0 {
			nics[i].IpAddress = []string{address}
		}
	}
	return vc.ToolsRunning(hostNameOf(vm.Name, extraConfig), address, nics)
}
