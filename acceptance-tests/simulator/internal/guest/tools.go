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
	return toolsChanges(vm, types.VirtualMachineToolsStatusToolsOk, types.VirtualMachineToolsRunningStatusGuestToolsRunning,
		types.ManagedEntityStatusGreen, types.VirtualMachineGuestStateRunning,
		addressOf(vm.Name, extraConfig), hostNameOf(vm.Name, extraConfig))
}

// toolsStopped are the changes when a machine goes off.
func toolsStopped(vm *mo.VirtualMachine) []types.PropertyChange {
	return toolsChanges(vm, types.VirtualMachineToolsStatusToolsNotRunning, types.VirtualMachineToolsRunningStatusGuestToolsNotRunning,
		types.ManagedEntityStatusGray, types.VirtualMachineGuestStateNotRunning, "", "")
}

func toolsChanges(vm *mo.VirtualMachine, status types.VirtualMachineToolsStatus, running types.VirtualMachineToolsRunningStatus,
	heartbeat types.ManagedEntityStatus, state types.VirtualMachineGuestState, address, hostName string) []types.PropertyChange {
	nics := slices.Clone(vm.Guest.Net)
	for i := range nics {
		nics[i].IpAddress = nil
		if i == 0 && address != "" {
			nics[i].IpAddress = []string{address}
		}
	}
	return []types.PropertyChange{
		{Name: "guest.toolsStatus", Val: status},
		{Name: "guest.toolsRunningStatus", Val: string(running)},
		{Name: "guest.guestState", Val: string(state)},
		{Name: "guest.ipAddress", Val: address},
		{Name: "guest.hostName", Val: hostName},
		{Name: "guest.net", Val: nics},
		{Name: "guestHeartbeatStatus", Val: heartbeat},
		{Name: "summary.guest.toolsStatus", Val: status},
		{Name: "summary.guest.toolsRunningStatus", Val: string(running)},
		{Name: "summary.guest.ipAddress", Val: address},
		{Name: "summary.guest.hostName", Val: hostName},
		{Name: "summary.quickStats.guestHeartbeatStatus", Val: heartbeat},
	}
}
