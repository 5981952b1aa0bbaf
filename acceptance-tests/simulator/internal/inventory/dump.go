package inventory

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// simulatorKey is an ExtraConfig key that govmomi sets on every machine; vCenter does not have it.
const simulatorKey = "govcsim"

// State is the inventory without anything that differs between two runs of the same story: no references, no times.
type State struct {
	Folders  []string  `json:"folders"`
	Pools    []string  `json:"pools"`
	Clusters []Cluster `json:"clusters"`
	VMs      []VM      `json:"vms"`
}

// Cluster is a cluster with its rules.
type Cluster struct {
	Name  string   `json:"name"`
	Hosts []string `json:"hosts"`
	Rules []Rule   `json:"rules"`
}

// Rule is a rule of a cluster, its machines by name.
type Rule struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Enabled   bool     `json:"enabled"`
	Mandatory bool     `json:"mandatory"`
	VMs       []string `json:"vms"`
}

// VM is a virtual machine.
type VM struct {
	Name        string            `json:"name"`
	Path        string            `json:"path"`
	Template    bool              `json:"template"`
	Power       string            `json:"power"`
	Host        string            `json:"host,omitempty"`
	Pool        string            `json:"pool,omitempty"`
	CPUs        int32             `json:"cpus"`
	MemoryMiB   int32             `json:"memory_mib"`
	Annotation  string            `json:"annotation,omitempty"`
	Tools       string            `json:"tools,omitempty"`
	Address     string            `json:"address,omitempty"`
	ExtraConfig map[string]string `json:"extra_config,omitempty"`
	NICs        []NIC             `json:"nics,omitempty"`
	Disks       []Disk            `json:"disks,omitempty"`
	Snapshots   []Snapshot        `json:"snapshots,omitempty"`
}

// NIC is a network card.
type NIC struct {
	Type    string `json:"type"`
	Network string `json:"network"`
	MAC     string `json:"mac,omitempty"`
}

// Disk is a virtual disk; Parent is the file it is a linked clone of.
type Disk struct {
	CapacityMiB int64  `json:"capacity_mib"`
	File        string `json:"file"`
	Parent      string `json:"parent,omitempty"`
}

// Snapshot is a snapshot with those made after it.
type Snapshot struct {
	Name     string     `json:"name"`
	Children []Snapshot `json:"children,omitempty"`
}

// Dump describes the whole inventory. The fields named in omit ("host", "mac", "extra_config", "tools", "address")
// are left out of the machines, for stories in which they may differ.
func Dump(reg *simulator.Registry, omit []string) State {
	state := State{Folders: paths(reg, "Folder"), Pools: paths(reg, "ResourcePool"), Clusters: clusters(reg), VMs: []VM{}}
	for _, vm := range vc.VMs(reg) {
		state.VMs = append(state.VMs, without(Describe(reg, vm), omit))
	}
	sort.Slice(state.VMs, func(i, j int) bool { return state.VMs[i].Path < state.VMs[j].Path })
	return state
}

func without(vm VM, omit []string) VM {
	for _, field := range omit {
		switch field {
		case "host":
			vm.Host = ""
		case "extra_config":
			vm.ExtraConfig = nil
		case "tools":
			vm.Tools = ""
		case "address":
			vm.Address = ""
		case "mac":
			for i := range vm.NICs {
				vm.NICs[i].MAC = ""
			}
		}
	}
	return vm
}

func paths(reg *simulator.Registry, kind string) []string {
	list := []string{}
	for _, entity := range reg.All(kind) {
		if path := vc.Path(reg, entity.Reference()); path != "" {
			list = append(list, path)
		}
	}
	sort.Strings(list)
	return list
}

func clusters(reg *simulator.Registry) []Cluster {
	list := []Cluster{}
	for _, entity := range reg.All("ClusterComputeResource") {
		cluster := entity.(*simulator.ClusterComputeResource)
		one := Cluster{Name: cluster.Name, Hosts: []string{}, Rules: []Rule{}}
		reg.WithLock(vc.NewContext(reg), cluster, func() {
			for _, host := range cluster.Host {
				one.Hosts = append(one.Hosts, vc.Name(reg, host))
			}
			for _, rule := range cluster.ConfigurationEx.(*types.ClusterConfigInfoEx).Rule {
				one.Rules = append(one.Rules, describeRule(reg, rule))
			}
		})
		sort.Strings(one.Hosts)
		sort.Slice(one.Rules, func(i, j int) bool { return one.Rules[i].Name < one.Rules[j].Name })
		list = append(list, one)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

func describeRule(reg *simulator.Registry, rule types.BaseClusterRuleInfo) Rule {
	info := rule.GetClusterRuleInfo()
	kind := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", rule), "*types.Cluster"), "RuleSpec")
	out := Rule{Name: info.Name, Kind: kind, Enabled: isTrue(info.Enabled), Mandatory: isTrue(info.Mandatory), VMs: []string{}}
	var members []types.ManagedObjectReference
	switch r := rule.(type) {
	case *types.ClusterAntiAffinityRuleSpec:
		members = r.Vm
	case *types.ClusterAffinityRuleSpec:
		members = r.Vm
	}
	for _, ref := range members {
		out.VMs = append(out.VMs, vc.Name(reg, ref))
	}
	sort.Strings(out.VMs)
	return out
}

func isTrue(b *bool) bool { return b != nil && *b }

// Describe tells all of one virtual machine.
func Describe(reg *simulator.Registry, vm *simulator.VirtualMachine) VM {
	var out VM
	reg.WithLock(vc.NewContext(reg), vm, func() {
		out = VM{Name: vm.Name, Path: vc.Path(reg, vm.Self), Template: vm.Config.Template, Power: string(vm.Runtime.PowerState),
			CPUs: vm.Config.Hardware.NumCPU, MemoryMiB: vm.Config.Hardware.MemoryMB, Annotation: vm.Config.Annotation,
			Tools: vm.Guest.ToolsRunningStatus, Address: vm.Guest.IpAddress, ExtraConfig: vc.ExtraConfigMap(vm.Config.ExtraConfig)}
		if vm.Runtime.Host != nil {
			out.Host = vc.Name(reg, *vm.Runtime.Host)
		}
		if vm.ResourcePool != nil {
			out.Pool = vc.Path(reg, *vm.ResourcePool)
		}
		out.NICs, out.Disks = devices(reg, vm.Config.Hardware.Device)
		if vm.Snapshot != nil {
			out.Snapshots = snapshots(vm.Snapshot.RootSnapshotList)
		}
	})
	delete(out.ExtraConfig, simulatorKey)
	return out
}

func devices(reg *simulator.Registry, list object.VirtualDeviceList) ([]NIC, []Disk) {
	var nics []NIC
	var disks []Disk
	for _, device := range list {
		switch d := device.(type) {
		case types.BaseVirtualEthernetCard:
			nics = append(nics, describeNIC(reg, d))
		case *types.VirtualDisk:
			disks = append(disks, describeDisk(d))
		}
	}
	slices.SortStableFunc(disks, func(a, b Disk) int { return strings.Compare(a.File, b.File) })
	return nics, disks
}

func describeNIC(reg *simulator.Registry, card types.BaseVirtualEthernetCard) NIC {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", card), "*types.Virtual")
	nic := NIC{Type: strings.ToLower(kind), MAC: card.GetVirtualEthernetCard().MacAddress}
	switch b := card.GetVirtualEthernetCard().Backing.(type) {
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		nic.Network = vc.Name(reg, types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: b.Port.PortgroupKey})
	case *types.VirtualEthernetCardNetworkBackingInfo:
		nic.Network = b.DeviceName
	}
	return nic
}

func describeDisk(d *types.VirtualDisk) Disk {
	disk := Disk{CapacityMiB: d.CapacityInKB >> 10}
	if b, ok := d.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
		disk.File = b.FileName
		if b.Parent != nil {
			disk.Parent = b.Parent.FileName
		}
	}
	return disk
}

func snapshots(tree []types.VirtualMachineSnapshotTree) []Snapshot {
	var list []Snapshot
	for _, one := range tree {
		list = append(list, Snapshot{Name: one.Name, Children: snapshots(one.ChildSnapshotList)})
	}
	return list
}
