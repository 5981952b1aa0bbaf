package front

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/inventory"
)

// vmMoveToFolder moves a machine to a folder: ?name=VM&folder=PATH.
func (s *Server) vmMoveToFolder(r *http.Request) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	folder, err := find.NewFinder(s.client, false).Folder(r.Context(), r.URL.Query().Get("folder"))
	if err != nil {
		return nil, badRequest{err}
	}
	return s.finish(folder.MoveInto(r.Context(), []types.ManagedObjectReference{vm.Self}))
}

// vmConnect connects the network card of a number, from 0, to a distributed port group: ?name=VM&index=0&network=NAME.
func (s *Server) vmConnect(r *http.Request) (any, error) {
	vm, err := s.machineOf(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	index, _ := strconv.Atoi(query.Get("index"))
	cards := object.VirtualDeviceList(vm.Config.Hardware.Device).SelectByType((*types.VirtualEthernetCard)(nil))
	if index < 0 || index >= len(cards) {
		return nil, badRequest{fmt.Errorf("%s has %d network cards, there is no number %d", vm.Name, len(cards), index)}
	}
	network, err := find.NewFinder(s.client, false).Network(r.Context(), "/"+inventory.Datacenter+"/network/"+query.Get("network"))
	if err != nil {
		return nil, badRequest{err}
	}
	backing, err := network.EthernetCardBackingInfo(r.Context())
	if err != nil {
		return nil, badRequest{err}
	}
	// The simulator keeps what it is given.
	card := &types.VirtualVmxnet3{}
	*card.GetVirtualEthernetCard() = *cards[index].(types.BaseVirtualEthernetCard).GetVirtualEthernetCard()
	card.Backing = backing
	return s.reconfigure(r, types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: card}}})
}

// vmSetUUID gives a machine another BIOS UUID: ?name=VM&uuid=UUID.
func (s *Server) vmSetUUID(r *http.Request) (any, error) {
	return s.reconfigure(r, types.VirtualMachineConfigSpec{Uuid: r.URL.Query().Get("uuid")})
}

func (s *Server) vmRemoveSnapshots(r *http.Request) (any, error) {
	return s.onMachine(r, func(ctx context.Context, vm *object.VirtualMachine) (*object.Task, error) {
		return vm.RemoveAllSnapshot(ctx, nil)
	})
}

// folderDestroy removes a folder: ?path=PATH. Its machines must be gone: the simulator would leave them behind.
func (s *Server) folderDestroy(r *http.Request) (any, error) {
	folder, err := find.NewFinder(s.client, false).Folder(r.Context(), r.URL.Query().Get("path"))
	if err != nil {
		return nil, badRequest{err}
	}
	return s.finish(folder.Destroy(r.Context()))
}

// poolDestroy removes a resource pool, whose machines go to the one that it is in: ?path=PATH.
func (s *Server) poolDestroy(r *http.Request) (any, error) {
	pool, err := find.NewFinder(s.client, false).ResourcePool(r.Context(), r.URL.Query().Get("path"))
	if err != nil {
		return nil, badRequest{err}
	}
	return s.finish(pool.Destroy(r.Context()))
}

func (s *Server) ruleRemove(r *http.Request) (any, error) {
	return s.changeRule(r, func(rule types.BaseClusterRuleInfo) types.ClusterRuleSpec {
		return types.ClusterRuleSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: types.ArrayUpdateOperationRemove,
			RemoveKey: rule.GetClusterRuleInfo().Key}}
	})
}

func (s *Server) ruleDisable(r *http.Request) (any, error) {
	return s.changeRule(r, func(rule types.BaseClusterRuleInfo) types.ClusterRuleSpec {
		edited := *rule.(*types.ClusterAntiAffinityRuleSpec)
		edited.Enabled = types.NewBool(false)
		return types.ClusterRuleSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: types.ArrayUpdateOperationEdit}, Info: &edited}
	})
}

// changeRule changes the anti-affinity rule of a name: ?name=RULE.
func (s *Server) changeRule(r *http.Request, change func(types.BaseClusterRuleInfo) types.ClusterRuleSpec) (any, error) {
	name := r.URL.Query().Get("name")
	for _, entity := range s.reg.All("ClusterComputeResource") {
		cluster := entity.(*simulator.ClusterComputeResource)
		for _, rule := range cluster.ConfigurationEx.(*types.ClusterConfigInfoEx).Rule {
			if _, ok := rule.(*types.ClusterAntiAffinityRuleSpec); ok && rule.GetClusterRuleInfo().Name == name {
				spec := &types.ClusterConfigSpecEx{RulesSpec: []types.ClusterRuleSpec{change(rule)}}
				return s.finish(object.NewClusterComputeResource(s.client, cluster.Self).Reconfigure(r.Context(), spec, true))
			}
		}
	}
	return nil, badRequest{fmt.Errorf("there is no anti-affinity rule %q", name)}
}
