package vc

import (
	"slices"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// ToolsRunning are the changes of a machine when its guest's VMware Tools report: they run, the guest has a name and an
// address, and so have its cards.
func ToolsRunning(hostName, address string, nics []types.GuestNicInfo) []types.PropertyChange {
	return toolsChanges(types.VirtualMachineToolsStatusToolsOk, types.VirtualMachineToolsRunningStatusGuestToolsRunning,
		types.ManagedEntityStatusGreen, types.VirtualMachineGuestStateRunning, address, hostName, nics)
}

// ToolsStopped are the changes when a machine goes off.
func ToolsStopped(vm *mo.VirtualMachine) []types.PropertyChange {
	nics := slices.Clone(vm.Guest.Net)
	for i := range nics {
		nics[i].IpAddress = nil
	}
	return toolsChanges(types.VirtualMachineToolsStatusToolsNotRunning, types.VirtualMachineToolsRunningStatusGuestToolsNotRunning,
		types.ManagedEntityStatusGray, types.VirtualMachineGuestStateNotRunning, "", "", nics)
}

func toolsChanges(status types.VirtualMachineToolsStatus, running types.VirtualMachineToolsRunningStatus,
	heartbeat types.ManagedEntityStatus, state types.VirtualMachineGuestState, address, hostName string,
	nics []types.GuestNicInfo) []types.PropertyChange {
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

// SetExtraConfig returns the changes by which a guest sets a key, or none when it has that value. As in vCenter this
// is announced to watchers, but is not a reconfiguration: config.changeVersion stays.
func SetExtraConfig(vm *mo.VirtualMachine, key, text string) []types.PropertyChange {
	old, ok := ExtraConfig(vm.Config.ExtraConfig, key)
	if ok && old == text {
		return nil
	}
	option := &types.OptionValue{Key: key, Value: text}
	list := slices.Clone(vm.Config.ExtraConfig)
	op := types.PropertyChangeOpAdd
	for i, one := range list {
		if one.GetOptionValue().Key == key {
			list[i], op = option, types.PropertyChangeOpAssign
		}
	}
	if op == types.PropertyChangeOpAdd {
		list = append(list, option)
	}
	field := mo.Field{Path: "config.extraConfig", Key: key}
	return []types.PropertyChange{{Name: field.String(), Val: option, Op: op}, {Name: field.Path, Val: list}}
}
