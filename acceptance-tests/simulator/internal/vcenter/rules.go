package vcenter

import (
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// ReconfigureComputeResourceTask reconfigures a cluster. Rules are edited by key and all or none of them change.
func (c *cluster) ReconfigureComputeResourceTask(ctx *simulator.Context, req *types.ReconfigureComputeResource_Task) soap.HasFault {
	bg := background(ctx)
	task := simulator.CreateTask(c.ClusterComputeResource, "reconfigureCluster", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		return nil, c.reconfigure(bg, req)
	})
	return &methods.ReconfigureComputeResource_TaskBody{
		Res: &types.ReconfigureComputeResource_TaskResponse{Returnval: vc.RunDetached(bg, task)}}
}

func (c *cluster) reconfigure(ctx *simulator.Context, req *types.ReconfigureComputeResource_Task) (fault types.BaseMethodFault) {
	spec, ok := req.Spec.(*types.ClusterConfigSpecEx)
	if !ok {
		return &types.InvalidArgument{InvalidProperty: "spec"}
	}
	rest := *spec
	rest.RulesSpec = nil
	ctx.Map.WithLock(ctx, c.ClusterComputeResource, func() {
		rules, problem := c.newRules(spec, req.Modify)
		if problem != nil {
			fault = problem
			return
		}
		_, fault = run(ctx, func() (types.ManagedObjectReference, types.BaseMethodFault) {
			res := c.ClusterComputeResource.ReconfigureComputeResourceTask(ctx, &types.ReconfigureComputeResource_Task{
				This: req.This, Spec: &rest, Modify: req.Modify})
			return res.(*methods.ReconfigureComputeResource_TaskBody).Res.Returnval, nil
		})
		if fault == nil {
			setRules(ctx, c.ClusterComputeResource, rules)
		}
	})
	return fault
}

// setRules replaces a cluster's rules and tells watchers. The caller holds the cluster's lock.
func setRules(ctx *simulator.Context, c *simulator.ClusterComputeResource, rules []types.BaseClusterRuleInfo) {
	config := *c.ConfigurationEx.(*types.ClusterConfigInfoEx)
	config.Rule = rules
	ctx.Update(c, []types.PropertyChange{{Name: "configurationEx", Val: &config}})
}

// newRules works out the rules after a change. Without modify the rules that are there are dropped, as vCenter does.
func (c *cluster) newRules(spec *types.ClusterConfigSpecEx, modify bool) ([]types.BaseClusterRuleInfo, types.BaseMethodFault) {
	var rules []types.BaseClusterRuleInfo
	old := c.ConfigurationEx.(*types.ClusterConfigInfoEx).Rule
	if modify {
		rules = slices.Clone(old)
	}
	for i, change := range spec.RulesSpec {
		property := fmt.Sprintf("spec.rulesSpec[%d]", i)
		var fault types.BaseMethodFault
		switch change.Operation {
		case types.ArrayUpdateOperationAdd:
			rules, fault = c.addRule(rules, highestKey(old, rules)+1, change.Info, property)
		case types.ArrayUpdateOperationEdit:
			fault = c.editRule(rules, change.Info, property)
		case types.ArrayUpdateOperationRemove:
			rules, fault = removeRule(rules, change.RemoveKey, property)
		}
		if fault != nil {
			return nil, fault
		}
	}
	return rules, nil
}

func highestKey(lists ...[]types.BaseClusterRuleInfo) int32 {
	var highest int32
	for _, rules := range lists {
		for _, rule := range rules {
			highest = max(highest, rule.GetClusterRuleInfo().Key)
		}
	}
	return highest
}

func (c *cluster) addRule(rules []types.BaseClusterRuleInfo, key int32, info types.BaseClusterRuleInfo, property string) ([]types.BaseClusterRuleInfo, types.BaseMethodFault) {
	if info == nil || info.GetClusterRuleInfo().Name == "" {
		return nil, &types.InvalidArgument{InvalidProperty: property + ".info"}
	}
	rule := info.GetClusterRuleInfo()
	for _, other := range rules {
		if other.GetClusterRuleInfo().Name == rule.Name {
			return nil, &types.DuplicateName{Name: rule.Name, Object: c.Self}
		}
	}
	if fault := c.checkMembers(info, property); fault != nil {
		return nil, fault
	}
	rule.Key, rule.RuleUuid = key, uuid.NewString()
	return append(rules, info), nil
}

// editRule replaces the rule of a key. What the request leaves out stays as it was.
func (c *cluster) editRule(rules []types.BaseClusterRuleInfo, info types.BaseClusterRuleInfo, property string) types.BaseMethodFault {
	if info == nil {
		return &types.InvalidArgument{InvalidProperty: property + ".info"}
	}
	rule := info.GetClusterRuleInfo()
	i := slices.IndexFunc(rules, func(other types.BaseClusterRuleInfo) bool { return other.GetClusterRuleInfo().Key == rule.Key })
	if i < 0 || rule.Key == 0 {
		return &types.InvalidArgument{InvalidProperty: property + ".info.key"}
	}
	if fault := c.checkMembers(info, property); fault != nil {
		return fault
	}
	old := rules[i].GetClusterRuleInfo()
	rule.RuleUuid = old.RuleUuid
	if rule.Name == "" {
		rule.Name = old.Name
	}
	if rule.Enabled == nil {
		rule.Enabled = old.Enabled
	}
	if rule.Mandatory == nil {
		rule.Mandatory = old.Mandatory
	}
	rules[i] = info
	return nil
}

func removeRule(rules []types.BaseClusterRuleInfo, key types.AnyType, property string) ([]types.BaseClusterRuleInfo, types.BaseMethodFault) {
	number, ok := key.(int32)
	i := slices.IndexFunc(rules, func(rule types.BaseClusterRuleInfo) bool { return rule.GetClusterRuleInfo().Key == number })
	if !ok || i < 0 {
		return nil, &types.InvalidArgument{InvalidProperty: property + ".removeKey"}
	}
	return slices.Delete(slices.Clone(rules), i, i+1), nil
}

// membersOf returns the field that holds a rule's machines, or nil for rules about groups.
func membersOf(rule types.BaseClusterRuleInfo) *[]types.ManagedObjectReference {
	switch r := rule.(type) {
	case *types.ClusterAntiAffinityRuleSpec:
		return &r.Vm
	case *types.ClusterAffinityRuleSpec:
		return &r.Vm
	}
	return nil
}

// checkMembers faults rules about machines of other clusters, and rules about nobody.
func (c *cluster) checkMembers(rule types.BaseClusterRuleInfo, property string) types.BaseMethodFault {
	members := membersOf(rule)
	if members == nil {
		return nil
	}
	invalid := &types.InvalidArgument{InvalidProperty: property + ".info.vm"}
	if len(*members) == 0 {
		return invalid
	}
	for _, ref := range *members {
		vm, ok := c.vcenter.reg.Get(ref).(*simulator.VirtualMachine)
		if !ok || vm.ResourcePool == nil {
			return invalid
		}
		if home := clusterOf(c.vcenter.reg, *vm.ResourcePool); home == nil || home.Self != c.Self {
			return invalid
		}
	}
	return nil
}

// ruleCleaner takes destroyed machines out of the rules of all clusters.
type ruleCleaner struct{ reg *simulator.Registry }

// Reference identifies the handler in the registry.
func (r *ruleCleaner) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "SimulatorHandler", Value: "rule-cleaner"}
}

// PutObject has nothing to do.
func (r *ruleCleaner) PutObject(*simulator.Context, mo.Reference) {}

// UpdateObject has nothing to do.
func (r *ruleCleaner) UpdateObject(*simulator.Context, mo.Reference, []types.PropertyChange) {}

// RemoveObject takes a machine out of the rules that name it. A rule that has lost its last machine goes away.
func (r *ruleCleaner) RemoveObject(ctx *simulator.Context, ref types.ManagedObjectReference) {
	if ref.Type != "VirtualMachine" {
		return
	}
	for _, entity := range r.reg.All("ClusterComputeResource") {
		c := entity.(*simulator.ClusterComputeResource)
		r.reg.WithLock(ctx, c, func() {
			if rules, changed := withoutMember(c.ConfigurationEx.(*types.ClusterConfigInfoEx).Rule, ref); changed {
				setRules(ctx, c, rules)
			}
		})
	}
}

// withoutMember returns new rules in which a machine does not occur.
func withoutMember(rules []types.BaseClusterRuleInfo, ref types.ManagedObjectReference) ([]types.BaseClusterRuleInfo, bool) {
	var out []types.BaseClusterRuleInfo
	changed := false
	for _, rule := range rules {
		members := membersOf(rule)
		if members == nil || simulator.FindReference(*members, ref) == nil {
			out = append(out, rule)
			continue
		}
		changed = true
		left := slices.DeleteFunc(slices.Clone(*members), func(member types.ManagedObjectReference) bool { return member == ref })
		if len(left) > 0 {
			out = append(out, withMembers(rule, left))
		}
	}
	return out, changed
}

// withMembers copies a rule with other machines.
func withMembers(rule types.BaseClusterRuleInfo, members []types.ManagedObjectReference) types.BaseClusterRuleInfo {
	switch r := rule.(type) {
	case *types.ClusterAntiAffinityRuleSpec:
		out := *r
		out.Vm = members
		return &out
	case *types.ClusterAffinityRuleSpec:
		out := *r
		out.Vm = members
		return &out
	}
	return rule
}
