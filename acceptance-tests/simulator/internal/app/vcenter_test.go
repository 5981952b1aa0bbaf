package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func annotate(text, version string) types.VirtualMachineConfigSpec {
	return types.VirtualMachineConfigSpec{Annotation: text, ChangeVersion: version}
}

func TestReconfigureWithAStaleChangeVersionFails(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	vm := w.clone("record", w.cloneSpec(nil))
	first := w.props(vm).Config.ChangeVersion
	w.must(vm.Reconfigure(ctx, annotate("one", first)))
	second := w.props(vm).Config.ChangeVersion
	if first == second || first == "" {
		t.Fatalf("changeVersion stayed %q", first)
	}
	_, err := w.wait(vm.Reconfigure(ctx, annotate("two", first)))
	wantFault[*types.ConcurrentAccess](t, err)
	if got := w.facts("record").Annotation; got != "one" {
		t.Errorf("annotation is %q", got)
	}
	w.must(vm.Reconfigure(ctx, annotate("three", second)))
	w.must(vm.Reconfigure(ctx, annotate("four", "")))
}

func TestOfRacingWritersWithOneChangeVersionExactlyOneWins(t *testing.T) {
	t.Parallel()
	w := start(t)
	vm := w.clone("record", w.cloneSpec(nil))
	version := w.props(vm).Config.ChangeVersion
	var wg sync.WaitGroup
	failures := make(chan error, 8)
	for i := range 8 {
		client := w.login()
		wg.Go(func() {
			mine := object.NewVirtualMachine(client.Client, vm.Reference())
			if _, err := w.wait(mine.Reconfigure(context.Background(), annotate(fmt.Sprint(i), version))); err != nil {
				failures <- err
			}
		})
	}
	wg.Wait()
	close(failures)
	if len(failures) != 7 {
		t.Errorf("%d of 8 writers failed, want 7", len(failures))
	}
	for err := range failures {
		wantFault[*types.ConcurrentAccess](t, err)
	}
}

// setRule adds or edits an anti-affinity rule of the management cluster.
func (w *world) setRule(op types.ArrayUpdateOperation, rule *types.ClusterAntiAffinityRuleSpec) error {
	cluster, err := w.finder.ClusterComputeResource(context.Background(), "mgmt")
	if err != nil {
		return err
	}
	spec := types.ClusterRuleSpec{ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: op}, Info: rule}
	if op == types.ArrayUpdateOperationRemove {
		spec.RemoveKey, spec.Info = rule.Key, nil
	}
	_, err = w.wait(cluster.Reconfigure(context.Background(), &types.ClusterConfigSpecEx{RulesSpec: []types.ClusterRuleSpec{spec}}, true))
	return err
}

func antiAffinity(name string, mandatory bool, vms ...*object.VirtualMachine) *types.ClusterAntiAffinityRuleSpec {
	rule := &types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: types.ClusterRuleInfo{Name: name,
		Enabled: types.NewBool(true), Mandatory: types.NewBool(mandatory)}}
	for _, vm := range vms {
		rule.Vm = append(rule.Vm, vm.Reference())
	}
	return rule
}

func (w *world) rules() []types.BaseClusterRuleInfo {
	w.t.Helper()
	cluster, err := w.finder.ClusterComputeResource(context.Background(), "mgmt")
	if err != nil {
		w.t.Fatal(err)
	}
	var out mo.ClusterComputeResource
	pc := property.DefaultCollector(w.client.Client)
	if err := pc.RetrieveOne(context.Background(), cluster.Reference(), []string{"configurationEx"}, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.ConfigurationEx.(*types.ClusterConfigInfoEx).Rule
}

func TestPowerOnObeysAntiAffinityAndFailsWhenAMandatoryRuleCannotHold(t *testing.T) {
	t.Parallel()
	w := start(t) // 3 hosts
	var vms []*object.VirtualMachine
	for i := range 4 {
		vms = append(vms, w.clone(fmt.Sprintf("node-%d", i), w.cloneSpec(nil)))
	}
	if err := w.setRule(types.ArrayUpdateOperationAdd, antiAffinity("apart", true, vms...)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, vm := range vms[:3] {
		wg.Go(func() {
			if _, err := w.wait(vm.PowerOn(context.Background())); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var hosts []string
	for i := range 3 {
		hosts = append(hosts, w.facts(fmt.Sprintf("node-%d", i)).Host)
	}
	slices.Sort(hosts)
	if len(slices.Compact(hosts)) != 3 {
		t.Errorf("hosts are %v", hosts)
	}
	_, err := w.wait(vms[3].PowerOn(context.Background()))
	wantFault[*types.NoCompatibleHost](t, err)

	rule := antiAffinity("apart", false, vms...)
	rule.Key = w.rules()[0].GetClusterRuleInfo().Key
	if err := w.setRule(types.ArrayUpdateOperationEdit, rule); err != nil {
		t.Fatal(err)
	}
	w.must(vms[3].PowerOn(context.Background()))
}

func TestClonesSpreadOverTheHostsOfTheirPool(t *testing.T) {
	t.Parallel()
	w := start(t)
	seen := map[string]int{}
	for i := range 5 {
		name := fmt.Sprintf("node-%d", i)
		w.clone(name, w.cloneSpec(nil))
		seen[w.facts(name).Host]++
	}
	if len(seen) != 3 { // someone else's machine is on the third
		t.Errorf("hosts are %v", seen)
	}
	spec := w.cloneSpec(nil)
	host, err := w.finder.HostSystem(context.Background(), "compute-1-esx-1")
	if err != nil {
		t.Fatal(err)
	}
	spec.Location.Host = types.NewReference(host.Reference())
	_, err = w.wait(w.template().Clone(context.Background(), w.folder(), "astray", spec))
	wantFault[*types.InvalidArgument](t, err)
}

func TestRuleEditKeepsTheKeyAndDestroyedMachinesLeave(t *testing.T) {
	t.Parallel()
	w := start(t)
	a, b, c := w.clone("a", w.cloneSpec(nil)), w.clone("b", w.cloneSpec(nil)), w.clone("c", w.cloneSpec(nil))
	if err := w.setRule(types.ArrayUpdateOperationAdd, antiAffinity("apart", false, a, b)); err != nil {
		t.Fatal(err)
	}
	before := *w.rules()[0].GetClusterRuleInfo()
	edit := antiAffinity("renamed", false, a, b, c)
	wantFault[*types.InvalidArgument](t, w.setRule(types.ArrayUpdateOperationEdit, edit)) // no key
	edit.Key = before.Key
	if err := w.setRule(types.ArrayUpdateOperationEdit, edit); err != nil {
		t.Fatal(err)
	}
	after := w.rules()[0].GetClusterRuleInfo()
	if after.Key != before.Key || after.RuleUuid != before.RuleUuid || after.Name != "renamed" {
		t.Errorf("rule %+v became %+v", before, after)
	}
	w.must(b.Destroy(context.Background()))
	if got := w.rules()[0].(*types.ClusterAntiAffinityRuleSpec).Vm; !slices.Equal(got, []types.ManagedObjectReference{a.Reference(), c.Reference()}) {
		t.Errorf("members are %v", got)
	}
	foreign := w.vm("/dc1/vm/tenants/tenant-vm-1")
	wantFault[*types.InvalidArgument](t, w.setRule(types.ArrayUpdateOperationAdd, antiAffinity("other", false, a, foreign)))
	if err := w.setRule(types.ArrayUpdateOperationRemove, edit); err != nil {
		t.Fatal(err)
	}
	if len(w.rules()) != 0 {
		t.Errorf("rules are %v", w.rules())
	}
}

func TestStaleReferencesAndUnknownNetworksFaultAndHarmNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	for name, location := range map[string]types.VirtualMachineRelocateSpec{
		"host":      {Host: &types.ManagedObjectReference{Type: "HostSystem", Value: "host-9999"}},
		"datastore": {Datastore: &types.ManagedObjectReference{Type: "Datastore", Value: "datastore-9999"}},
		"pool":      {Pool: &types.ManagedObjectReference{Type: "ResourcePool", Value: "resgroup-9999"}},
	} {
		_, err := w.wait(w.template().Clone(ctx, w.folder(), "stale-"+name, types.VirtualMachineCloneSpec{Location: location}))
		wantFault[*types.ManagedObjectNotFound](t, err)
	}
	card, _ := object.EthernetCardTypes().CreateEthernetCard("vmxnet3",
		&types.VirtualEthernetCardNetworkBackingInfo{VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: "nowhere"}})
	vm := w.clone("node-1", w.cloneSpec(nil))
	wantFault[*types.InvalidDeviceSpec](t, vm.AddDevice(ctx, card))
	w.must(vm.Destroy(ctx))
	w.clone("node-1", w.cloneSpec(nil))
}

func TestAnUnknownPropertyFaultsTheWholeCall(t *testing.T) {
	t.Parallel()
	w := start(t)
	vm := w.template()
	pc := property.DefaultCollector(w.client.Client)
	var out mo.VirtualMachine
	for _, path := range []string{"config.extraConfg", "name.first", "config.hardware.device.key", "runtime.hosts"} {
		err := pc.RetrieveOne(context.Background(), vm.Reference(), []string{"name", path}, &out)
		wantFault[*types.InvalidProperty](t, err)
	}
	good := []string{"name", `config.extraConfig["a.b"]`, `config.extraConfig["a.b"].value`, "config.hardware.device[4000].macAddress", "summary.guest.ipAddress", "guest"}
	if err := pc.RetrieveOne(context.Background(), vm.Reference(), good, &out); err != nil {
		t.Error(err)
	}
	_, err := methods.CreateFilter(context.Background(), w.client, &types.CreateFilter{This: pc.Reference(), Spec: types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: vm.Reference()}}, PropSet: []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"nome"}}}}})
	wantFault[*types.InvalidProperty](t, err)
}

func TestARunningMachineIsNotResizedInPlace(t *testing.T) {
	t.Parallel()
	w := start(t)
	vm := w.clone("node-1", w.cloneSpec(nil))
	w.must(vm.PowerOn(context.Background()))
	_, err := w.wait(vm.Reconfigure(context.Background(), types.VirtualMachineConfigSpec{MemoryMB: 8192}))
	wantFault[*types.MemoryHotPlugNotSupported](t, err)
	_, err = w.wait(vm.Reconfigure(context.Background(), types.VirtualMachineConfigSpec{NumCPUs: 4}))
	wantFault[*types.CpuHotPlugNotSupported](t, err)
	w.post("vm/resize?name=node-1&memory_mib=8192", nil)
	if got := w.facts("node-1"); got.MemoryMiB != 8192 || got.Power != "poweredOn" {
		t.Errorf("node-1 is %+v", got)
	}
}
