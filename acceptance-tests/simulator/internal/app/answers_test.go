package app

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

func TestATaskThatDidItsWorkMayFail(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	w.post("faults", []map[string]any{{"method": "CloneVM_Task", "kind": "fault_after", "fault": "InvalidState"},
		{"method": "CreateFolder", "kind": "fault_after", "fault": "InvalidState"}})
	_, err := w.wait(w.template().Clone(ctx, w.folder(), "node-1", w.cloneSpec(nil)))
	wantFault[*types.InvalidState](t, err)
	if !w.exists("node-1") {
		t.Error("the clone did not do its work")
	}
	_, err = w.folder().CreateFolder(ctx, "prod")
	wantFault[*types.InvalidState](t, err)
	_, err = w.folder().CreateFolder(ctx, "prod")
	wantFault[*types.DuplicateName](t, err)
	// What fails by itself fails as it does.
	w.post("faults", []map[string]any{{"method": "CloneVM_Task", "kind": "fault_after", "fault": "InvalidState"}})
	_, err = w.wait(w.template().Clone(ctx, w.folder(), "node-1", w.cloneSpec(nil)))
	wantFault[*types.DuplicateName](t, err)
}

func TestATaskMayNeverEnd(t *testing.T) {
	t.Parallel()
	w := start(t)
	vm := w.clone("node-1", w.cloneSpec(nil))
	w.post("faults", []map[string]any{{"method": "PowerOnVM_Task", "kind": "task_hangs"}})
	task, err := vm.PowerOn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	bounded, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := task.WaitForResult(bounded); err == nil {
		t.Fatal("the task ended")
	}
	var seen mo.Task
	if err := property.DefaultCollector(w.client.Client).RetrieveOne(context.Background(), task.Reference(), nil, &seen); err != nil {
		t.Fatal(err)
	}
	if seen.Info.State != types.TaskInfoStateRunning || seen.Info.DescriptionId != "VirtualMachine.powerOnVM" {
		t.Errorf("the task is %+v", seen.Info)
	}
	w.must(vm.PowerOn(context.Background())) // the machine is as it was
}

func TestAnAnswerMayBeCutOrNotBeOne(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	for kind, folder := range map[string]string{"truncated": "a", "malformed": "b"} {
		w.post("faults", []map[string]any{{"method": "CreateFolder", "kind": kind}})
		if _, err := w.folder().CreateFolder(ctx, folder); err == nil {
			t.Errorf("%s: the answer was whole", kind)
		}
		// The call took effect.
		_, err := w.folder().CreateFolder(ctx, folder)
		wantFault[*types.DuplicateName](t, err)
	}
}

func TestACollectorOrAViewMayBeGone(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	w.post("faults", []map[string]any{{"method": "WaitForUpdatesEx", "kind": "gone"}, {"method": "ModifyListView", "kind": "gone"}})
	collector, err := property.DefaultCollector(w.client.Client).Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = methods.WaitForUpdatesEx(ctx, w.client, &types.WaitForUpdatesEx{This: collector.Reference()})
	wantFault[*types.ManagedObjectNotFound](t, err)
	list, err := methods.CreateListView(ctx, w.client, &types.CreateListView{This: *w.client.ServiceContent.ViewManager})
	if err != nil {
		t.Fatal(err)
	}
	_, err = methods.ModifyListView(ctx, w.client, &types.ModifyListView{This: list.Returnval})
	wantFault[*types.ManagedObjectNotFound](t, err)
}

func TestAReadMayComeInPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	hosts, err := w.finder.HostSystemList(ctx, "/dc1/host/*/*")
	if err != nil {
		t.Fatal(err)
	}
	var objects []types.ObjectSpec
	for _, host := range hosts {
		objects = append(objects, types.ObjectSpec{Obj: host.Reference()})
	}
	w.post("faults", []map[string]any{{"method": "RetrievePropertiesEx", "kind": "page", "objects": 2}})
	res, err := methods.RetrievePropertiesEx(ctx, w.client, &types.RetrievePropertiesEx{
		This: w.client.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{{ObjectSet: objects,
			PropSet: []types.PropertySpec{{Type: "HostSystem", PathSet: []string{"name"}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	seen, token := len(res.Returnval.Objects), res.Returnval.Token
	if seen != 2 || token == "" {
		t.Fatalf("the first page has %d objects and the token %q", seen, token)
	}
	for token != "" {
		next, err := methods.ContinueRetrievePropertiesEx(ctx, w.client, &types.ContinueRetrievePropertiesEx{
			This: w.client.ServiceContent.PropertyCollector, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		seen, token = seen+len(next.Returnval.Objects), next.Returnval.Token
	}
	if seen != len(hosts) {
		t.Errorf("%d of %d objects came", seen, len(hosts))
	}
	if status, text := w.control(http.MethodPost, "faults", []map[string]any{{"kind": "page"}}); status != http.StatusBadRequest ||
		!strings.Contains(text, "objects") {
		t.Errorf("pages of no object: %d %s", status, text)
	}
}

func TestAChangeOfRulesIsNamedByItsRule(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	one, two := w.clone("node-1", w.cloneSpec(nil)), w.clone("node-2", w.cloneSpec(nil))
	cluster, err := w.finder.ClusterComputeResource(ctx, "mgmt")
	if err != nil {
		t.Fatal(err)
	}
	rule := func(name string) (*object.Task, error) {
		return cluster.Reconfigure(ctx, &types.ClusterConfigSpecEx{RulesSpec: []types.ClusterRuleSpec{{
			ArrayUpdateSpec: types.ArrayUpdateSpec{Operation: types.ArrayUpdateOperationAdd},
			Info: &types.ClusterAntiAffinityRuleSpec{ClusterRuleInfo: types.ClusterRuleInfo{Name: name, Enabled: types.NewBool(true)},
				Vm: []types.ManagedObjectReference{one.Reference(), two.Reference()}}}}}, true)
	}
	w.post("faults", []map[string]any{{"method": "ReconfigureComputeResource_Task", "object_name": "apart", "kind": "fault",
		"fault": "InvalidState"}})
	w.must(rule("other"))
	_, err = w.wait(rule("apart"))
	wantFault[*types.InvalidState](t, err)
}
