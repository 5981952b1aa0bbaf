package vcenter

import (
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// whereabouts is where a machine is, as the placement knows it.
type whereabouts struct {
	host types.ManagedObjectReference
	on   bool
	// template machines take no room.
	template  bool
	memoryMiB int64
}

// placement chooses hosts. It follows all machines by the changes that the registry announces, so that choosing needs
// no other machine's lock.
type placement struct {
	reg      *simulator.Registry
	capacity *capacity
	mu       sync.Mutex
	// vms holds every machine that is on a host.
	vms map[types.ManagedObjectReference]whereabouts
	// pending holds machines that are being placed: by reference at power-on, under a made-up one before they exist.
	pending map[types.ManagedObjectReference]types.ManagedObjectReference
}

func newPlacement(reg *simulator.Registry, capacity *capacity) *placement {
	p := &placement{reg: reg, capacity: capacity, vms: map[types.ManagedObjectReference]whereabouts{},
		pending: map[types.ManagedObjectReference]types.ManagedObjectReference{}}
	for _, vm := range vc.VMs(reg) {
		p.note(&vm.VirtualMachine)
	}
	return p
}

// Reference identifies the handler in the registry.
func (p *placement) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "SimulatorHandler", Value: "placement"}
}

// PutObject has nothing to do: a new machine is not on a host yet.
func (p *placement) PutObject(*simulator.Context, mo.Reference) {}

// UpdateObject notes where a machine is. The caller holds the machine's lock.
func (p *placement) UpdateObject(_ *simulator.Context, obj mo.Reference, _ []types.PropertyChange) {
	if vm, ok := obj.(*mo.VirtualMachine); ok {
		p.note(vm)
	}
}

// RemoveObject forgets a machine.
func (p *placement) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	p.mu.Lock()
	delete(p.vms, ref)
	p.mu.Unlock()
}

func (p *placement) note(vm *mo.VirtualMachine) {
	if vm.Runtime.Host == nil || vm.Config == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reg.Get(vm.Self) != nil {
		p.vms[vm.Self] = whereabouts{host: *vm.Runtime.Host, template: vm.Config.Template,
			memoryMiB: int64(vm.Config.Hardware.MemoryMB),
			on:        vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn}
	}
}

// request says what is to be placed.
type request struct {
	// vm is the machine at power-on; before a machine exists it is a made-up reference.
	vm types.ManagedObjectReference
	// cluster is where it may run.
	cluster *simulator.ClusterComputeResource
	// datastore must be mounted by the host.
	datastore types.ManagedObjectReference
	// current is the host to prefer among equals, if any.
	current *types.ManagedObjectReference
	// powerOn counts only machines that are on, and obeys the cluster's rules.
	powerOn bool
}

// choose picks a host and holds the place until release is called.
func (p *placement) choose(ctx *simulator.Context, req request) (host types.ManagedObjectReference, release func(), fault types.BaseMethodFault) {
	all, rules := clusterState(ctx, req.cluster)
	hosts := usable(ctx, all, req.datastore)
	if len(hosts) == 0 {
		return host, nil, &types.NoCompatibleHost{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if req.powerOn {
		if fault = p.admit(req, all); fault != nil {
			return host, nil, fault
		}
		if hosts, fault = p.obey(hosts, rules, req.vm); fault != nil {
			return host, nil, fault
		}
	}
	host = p.leastLoaded(hosts, req)
	p.pending[req.vm] = host
	return host, func() {
		p.mu.Lock()
		delete(p.pending, req.vm)
		p.mu.Unlock()
	}, nil
}

// obey leaves the hosts on which no enabled anti-affinity rule is broken. When there are none, a mandatory rule is a
// fault and others are ignored, as DRS does.
func (p *placement) obey(hosts []types.ManagedObjectReference, rules []*types.ClusterAntiAffinityRuleSpec, vm types.ManagedObjectReference) ([]types.ManagedObjectReference, types.BaseMethodFault) {
	for _, mandatory := range []bool{true, false} {
		for _, rule := range rules {
			if isTrue(rule.Mandatory) != mandatory || simulator.FindReference(rule.Vm, vm) == nil {
				continue
			}
			free := p.withoutMembers(hosts, rule, vm)
			if len(free) > 0 {
				hosts = free
			} else if mandatory {
				return nil, violation(hosts, rule)
			}
		}
	}
	return hosts, nil
}

func (p *placement) withoutMembers(hosts []types.ManagedObjectReference, rule *types.ClusterAntiAffinityRuleSpec, vm types.ManagedObjectReference) []types.ManagedObjectReference {
	occupied := map[types.ManagedObjectReference]bool{}
	for _, member := range rule.Vm {
		if member == vm {
			continue
		}
		if host, ok := p.pending[member]; ok {
			occupied[host] = true
		}
		if at, ok := p.vms[member]; ok && at.on {
			occupied[at.host] = true
		}
	}
	var free []types.ManagedObjectReference
	for _, host := range hosts {
		if !occupied[host] {
			free = append(free, host)
		}
	}
	return free
}

// leastLoaded picks the host with the fewest machines: the current one if it is among them, else the first.
func (p *placement) leastLoaded(hosts []types.ManagedObjectReference, req request) types.ManagedObjectReference {
	load := map[types.ManagedObjectReference]int{}
	for ref, at := range p.vms {
		if _, moving := p.pending[ref]; ref != req.vm && !moving && !at.template && (at.on || !req.powerOn) {
			load[at.host]++
		}
	}
	for _, host := range p.pending {
		load[host]++
	}
	best := hosts[0]
	for _, host := range hosts {
		if load[host] < load[best] || load[host] == load[best] && req.current != nil && host == *req.current {
			best = host
		}
	}
	return best
}

// clusterState returns the hosts of a cluster and its enabled anti-affinity rules.
func clusterState(ctx *simulator.Context, c *simulator.ClusterComputeResource) (hosts []types.ManagedObjectReference, rules []*types.ClusterAntiAffinityRuleSpec) {
	ctx.Map.WithLock(ctx, c, func() {
		hosts = append(hosts, c.Host...)
		config := c.ConfigurationEx.(*types.ClusterConfigInfoEx)
		if !isTrue(config.DrsConfig.Enabled) {
			return
		}
		for _, rule := range config.Rule {
			if anti, ok := rule.(*types.ClusterAntiAffinityRuleSpec); ok && isTrue(anti.Enabled) {
				rules = append(rules, anti)
			}
		}
	})
	return hosts, rules
}

// usable leaves the hosts that can run machines of a datastore.
func usable(ctx *simulator.Context, hosts []types.ManagedObjectReference, datastore types.ManagedObjectReference) []types.ManagedObjectReference {
	var out []types.ManagedObjectReference
	for _, ref := range hosts {
		host, ok := ctx.Map.Get(ref).(*simulator.HostSystem)
		if !ok || host.Runtime.InMaintenanceMode || host.Runtime.ConnectionState != types.HostSystemConnectionStateConnected {
			continue
		}
		if simulator.FindReference(host.Datastore, datastore) != nil {
			out = append(out, ref)
		}
	}
	return out
}

// violation is the fault of a mandatory rule that no host satisfies.
func violation(hosts []types.ManagedObjectReference, rule *types.ClusterAntiAffinityRuleSpec) types.BaseMethodFault {
	fault := &types.NoCompatibleHost{Host: hosts}
	for i := range hosts {
		fault.Error = append(fault.Error, types.LocalizedMethodFault{Fault: &types.RuleViolation{Host: &hosts[i], Rule: rule},
			LocalizedMessage: "Virtual machine would violate the rule " + rule.Name + "."})
	}
	return fault
}

// clusterOf returns the cluster of a resource pool.
func clusterOf(reg *simulator.Registry, pool types.ManagedObjectReference) *simulator.ClusterComputeResource {
	rp, ok := reg.Get(pool).(*simulator.ResourcePool)
	if !ok {
		return nil
	}
	c, _ := reg.Get(rp.Owner).(*simulator.ClusterComputeResource)
	return c
}
