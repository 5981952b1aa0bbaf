package vcenter

import (
	"fmt"
	"sync/atomic"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// unborn counts machines that are being made, to give each a reference until it has its own.
var unborn atomic.Int64

// CreateVMTask creates a machine whose name is checked, on a host that can run it.
func (f *folder) CreateVMTask(ctx *simulator.Context, req *types.CreateVM_Task) soap.HasFault {
	bg := background(ctx)
	task := simulator.CreateTask(f.Folder, "createVm", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		return f.vcenter.create(bg, req)
	})
	return &methods.CreateVM_TaskBody{Res: &types.CreateVM_TaskResponse{Returnval: vc.RunDetached(bg, task)}}
}

// create makes a machine under the lock of its name. Cards without an address get one of vCenter's range.
func (v *VCenter) create(ctx *simulator.Context, req *types.CreateVM_Task) (types.AnyType, types.BaseMethodFault) {
	parent, ok := v.reg.Get(req.This).(*simulator.Folder)
	if !ok {
		return nil, &types.InvalidArgument{InvalidProperty: "folder"}
	}
	if req.Config.Name == "" {
		return nil, &types.InvalidName{Entity: &req.This}
	}
	release, fault := v.names.reserve(ctx, req.This, req.Config.Name)
	if fault != nil {
		return nil, fault
	}
	defer release()
	host, settled, fault := v.placeNew(ctx, req)
	if fault != nil {
		return nil, fault
	}
	defer settled()
	req.Host = &host
	v.assignMACs(vc.Path(v.reg, req.This)+"/"+req.Config.Name, req.Config.DeviceChange)
	return run(ctx, func() (types.ManagedObjectReference, types.BaseMethodFault) {
		var res soap.HasFault
		ctx.Map.WithLock(ctx, parent, func() { res = parent.CreateVMTask(ctx, req) })
		return res.(*methods.CreateVM_TaskBody).Res.Returnval, nil
	})
}

// placeNew finds the host of a machine that is to be made.
func (v *VCenter) placeNew(ctx *simulator.Context, req *types.CreateVM_Task) (types.ManagedObjectReference, func(), types.BaseMethodFault) {
	none := types.ManagedObjectReference{}
	c := clusterOf(v.reg, req.Pool)
	if c == nil {
		return none, nil, &types.InvalidArgument{InvalidProperty: "pool"}
	}
	if req.Config.Files == nil {
		return none, nil, &types.InvalidVmConfig{Property: "configSpec.files.vmPathName"}
	}
	name, _ := datastoreName(req.Config.Files.VmPathName)
	ds := findDatastore(v.reg, name)
	if ds == nil {
		return none, nil, &types.InvalidDatastorePath{DatastorePath: req.Config.Files.VmPathName}
	}
	if fault := v.capacity.take(ds, req.Config.DeviceChange); fault != nil {
		return none, nil, fault
	}
	if req.Host != nil {
		fault := checkHost(ctx, c, *req.Host, ds.Self)
		return *req.Host, func() {}, fault
	}
	token := types.ManagedObjectReference{Type: "Unborn", Value: fmt.Sprintf("unborn-%d", unborn.Add(1))}
	return v.placement.choose(ctx, request{vm: token, cluster: c, datastore: ds.Self})
}

// checkHost faults a host that the caller chose when it cannot be.
func checkHost(ctx *simulator.Context, c *simulator.ClusterComputeResource, host, datastore types.ManagedObjectReference) types.BaseMethodFault {
	hosts, _ := clusterState(ctx, c)
	if simulator.FindReference(hosts, host) == nil {
		return &types.InvalidArgument{InvalidProperty: "spec.location.host"}
	}
	if len(usable(ctx, []types.ManagedObjectReference{host}, datastore)) == 0 {
		return &types.NoCompatibleHost{Host: []types.ManagedObjectReference{host}}
	}
	return nil
}

// assignMACs gives the cards that are added without an address a fresh one.
func (v *VCenter) assignMACs(seed string, changes []types.BaseVirtualDeviceConfigSpec) {
	for i, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		card, ok := spec.Device.(types.BaseVirtualEthernetCard)
		if !ok || spec.Operation != types.VirtualDeviceConfigSpecOperationAdd {
			continue
		}
		if c := card.GetVirtualEthernetCard(); c.MacAddress == "" {
			c.MacAddress = v.macs.next(fmt.Sprintf("%s/%d", seed, i))
			c.AddressType = string(types.VirtualEthernetCardMacTypeAssigned)
		}
	}
}
