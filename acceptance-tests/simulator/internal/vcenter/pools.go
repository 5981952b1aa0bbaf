package vcenter

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// MoveIntoResourcePool moves machines of the same cluster into the pool. Pools are not moved.
func (p *pool) MoveIntoResourcePool(ctx *simulator.Context, req *types.MoveIntoResourcePool) soap.HasFault {
	body := &methods.MoveIntoResourcePoolBody{}
	var vms []*simulator.VirtualMachine
	for _, ref := range req.List {
		vm, ok := ctx.Map.Get(ref).(*simulator.VirtualMachine)
		if !ok || vm.ResourcePool == nil || clusterOf(ctx.Map, *vm.ResourcePool) != clusterOf(ctx.Map, p.Self) {
			body.Fault_ = simulator.Fault("", &types.InvalidArgument{InvalidProperty: "list"})
			return body
		}
		vms = append(vms, vm)
	}
	for _, vm := range vms {
		if old, ok := ctx.Map.Get(*vm.ResourcePool).(*simulator.ResourcePool); ok {
			ctx.Map.RemoveReference(ctx, old, &old.Vm, vm.Self)
		}
		// The caller holds this pool's lock.
		p.Vm = append(p.Vm, vm.Self)
		ctx.Map.WithLock(ctx, vm, func() {
			ctx.Update(vm, []types.PropertyChange{{Name: "resourcePool", Val: &p.Self}})
		})
	}
	body.Res = &types.MoveIntoResourcePoolResponse{}
	return body
}
