package inventory

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// sizeHost gives a host plausible hardware; the simulator's own hosts have 2 cores and 4 GiB.
func sizeHost(host *simulator.HostSystem) {
	summary := host.Summary.Hardware
	summary.CpuMhz, summary.NumCpuPkgs = hostMHz, 2
	summary.NumCpuCores, summary.NumCpuThreads = hostCores, hostThreads
	summary.MemorySize = hostMemoryBytes
	host.Hardware.CpuInfo.NumCpuCores, host.Hardware.CpuInfo.NumCpuThreads = hostCores, hostThreads
	host.Hardware.CpuInfo.NumCpuPackages = 2
	host.Hardware.CpuInfo.Hz = hostMHz * 1_000_000
	host.Hardware.MemorySize = hostMemoryBytes
	host.Summary.QuickStats.OverallCpuUsage = 1200
	host.Summary.QuickStats.OverallMemoryUsage = 8 << 10
}

// sizeCluster makes the cluster's and its root pool's totals agree with the hosts.
func (b *builder) sizeCluster(ref types.ManagedObjectReference, hosts int) {
	cluster := b.reg.Get(ref).(*simulator.ClusterComputeResource)
	cpu := int32(hosts * hostCores * hostMHz)
	memory := int64(hosts) * hostMemoryBytes
	summary := cluster.Summary.GetComputeResourceSummary()
	summary.NumHosts, summary.NumEffectiveHosts = int32(hosts), int32(hosts)
	summary.NumCpuCores, summary.NumCpuThreads = int16(hosts*hostCores), int16(hosts*hostThreads)
	summary.TotalCpu, summary.EffectiveCpu = cpu, cpu
	summary.TotalMemory, summary.EffectiveMemory = memory, memory>>20
	summary.OverallStatus = types.ManagedEntityStatusGreen
	pool := b.reg.Get(*cluster.ResourcePool).(*simulator.ResourcePool)
	pool.Runtime.Cpu.MaxUsage, pool.Runtime.Memory.MaxUsage = int64(cpu), memory
	pool.Runtime.Cpu.UnreservedForVm, pool.Runtime.Memory.UnreservedForVm = int64(cpu), memory
	pool.Runtime.Cpu.UnreservedForPool, pool.Runtime.Memory.UnreservedForPool = int64(cpu), memory
}

// sizeDatastore turns a local directory into a VMFS volume of plausible size.
func sizeDatastore(ds *simulator.Datastore, dir string) {
	ds.Summary.Type = string(types.HostFileSystemVolumeFileSystemTypeVMFS)
	ds.Summary.Capacity, ds.Summary.FreeSpace = datastoreBytes, datastoreFree
	ds.Summary.MultipleHostAccess = types.NewBool(len(ds.Host) > 1)
	info := types.DatastoreInfo{Name: ds.Name, Url: dir, FreeSpace: datastoreFree,
		MaxFileSize: datastoreBytes, MaxVirtualDiskCapacity: datastoreBytes}
	volume := &types.HostVmfsVolume{MajorVersion: 6, BlockSizeMb: 1, Version: "6.82", VmfsUpgradable: false,
		HostFileSystemVolume: types.HostFileSystemVolume{Type: ds.Summary.Type, Name: ds.Name, Capacity: datastoreBytes}}
	ds.Info = &types.VmfsDatastoreInfo{DatastoreInfo: info, MaxPhysicalRDMFileSize: datastoreBytes,
		MaxVirtualRDMFileSize: datastoreBytes, Vmfs: volume}
}

// portGroupSpec describes one distributed port group; "data-trunk" carries all VLANs.
func portGroupSpec(name string) types.DVPortgroupConfigSpec {
	spec := types.DVPortgroupConfigSpec{Name: name, NumPorts: 8, AutoExpand: types.NewBool(true),
		Type: string(types.DistributedVirtualPortgroupPortgroupTypeEarlyBinding)}
	if name == "data-trunk" {
		spec.DefaultPortConfig = &types.VMwareDVSPortSetting{Vlan: &types.VmwareDistributedVirtualSwitchTrunkVlanSpec{
			VlanId: []types.NumericRange{{Start: 0, End: 4094}}}}
	}
	return spec
}
