package vcenter

import (
	"fmt"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// ownFilesGiB is the room that a new machine takes beside its disks; a linked disk takes none at first.
const ownFilesGiB = 1

// capacity is what clusters and datastores can still hold. What is not listed holds everything.
type capacity struct {
	mu sync.Mutex
	// memoryMiB is the memory for machines that run, by cluster.
	memoryMiB map[types.ManagedObjectReference]int64
	// freeGiB is the room that is left, by datastore.
	freeGiB map[string]int64
}

// LimitMemory lets a cluster run machines of so much memory together, as admission control of vSphere HA does; machines
// that run already go on.
func (v *VCenter) LimitMemory(cluster string, mib int64) error {
	for _, entity := range v.reg.All("ClusterComputeResource") {
		if vc.Name(v.reg, entity.Reference()) == cluster {
			v.capacity.mu.Lock()
			v.capacity.memoryMiB[entity.Reference()] = mib
			v.capacity.mu.Unlock()
			return nil
		}
	}
	return fmt.Errorf("there is no cluster %q", cluster)
}

// LimitSpace leaves a datastore so much room for new machines.
func (v *VCenter) LimitSpace(datastore string, gib int64) error {
	if findDatastore(v.reg, datastore) == nil {
		return fmt.Errorf("there is no datastore %q", datastore)
	}
	v.capacity.mu.Lock()
	v.capacity.freeGiB[datastore] = gib
	v.capacity.mu.Unlock()
	return nil
}

// take takes the room of a new machine, or tells that there is none.
func (c *capacity) take(ds *simulator.Datastore, devices []types.BaseVirtualDeviceConfigSpec) types.BaseMethodFault {
	needed := int64(ownFilesGiB)
	for _, change := range devices {
		disk, ok := change.GetVirtualDeviceConfigSpec().Device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		if backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok && backing.Parent == nil {
			needed += disk.CapacityInKB >> 20
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	free, limited := c.freeGiB[ds.Name]
	if !limited {
		return nil
	}
	if free < needed {
		return &types.NoDiskSpace{Datastore: ds.Name}
	}
	c.freeGiB[ds.Name] = free - needed
	return nil
}

// admit refuses a machine that is to run where its memory is too much. The caller holds the placement's lock.
func (p *placement) admit(req request, hosts []types.ManagedObjectReference) types.BaseMethodFault {
	p.capacity.mu.Lock()
	limit, limited := p.capacity.memoryMiB[req.cluster.Self]
	p.capacity.mu.Unlock()
	if !limited {
		return nil
	}
	used := p.vms[req.vm].memoryMiB
	for ref, at := range p.vms {
		_, starting := p.pending[ref]
		if ref != req.vm && (at.on || starting) && simulator.FindReference(hosts, at.host) != nil {
			used += at.memoryMiB
		}
	}
	if used > limit {
		return &types.InsufficientFailoverResourcesFault{}
	}
	return nil
}
