package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/front"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/inventory"
)

func methodsPowerOn(client *govmomi.Client, vm types.ManagedObjectReference) (*types.PowerOnVM_TaskResponse, error) {
	return methods.PowerOnVM_Task(context.Background(), client, &types.PowerOnVM_Task{This: vm})
}

func (w *world) log() front.Snapshot {
	w.t.Helper()
	var out front.Snapshot
	w.get("log", &out)
	return out
}

func TestTheInventoryIsTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	var texts []string
	for range 2 {
		w := start(t)
		_, text := w.control(http.MethodGet, "inventory", nil)
		texts = append(texts, text)
	}
	if texts[0] != texts[1] {
		t.Error("two runs differ")
	}
	var state inventory.State
	if err := json.Unmarshal([]byte(texts[0]), &state); err != nil {
		t.Fatal(err)
	}
	if len(state.VMs) != 5 || len(state.Clusters) != 2 || len(state.Clusters[0].Hosts) != 3 {
		t.Errorf("inventory is %s", texts[0])
	}
}

func TestHardwareIsPlausible(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	var host mo.HostSystem
	h, err := w.finder.HostSystem(ctx, "mgmt-esx-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Properties(ctx, h.Reference(), []string{"summary", "datastore"}, &host); err != nil {
		t.Fatal(err)
	}
	if host.Summary.Hardware.NumCpuCores != 32 || host.Summary.Hardware.MemorySize != 256<<30 || len(host.Datastore) != 2 {
		t.Errorf("host is %+v", host.Summary.Hardware)
	}
	for _, name := range []string{"ds-mgmt", "ds-compute-1", "ds-shared"} {
		ds, err := w.finder.Datastore(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		var got mo.Datastore
		if err := ds.Properties(ctx, ds.Reference(), []string{"summary"}, &got); err != nil {
			t.Fatal(err)
		}
		if got.Summary.Type != "VMFS" || got.Summary.Capacity != 2<<40 || got.Summary.FreeSpace < 1<<40 {
			t.Errorf("%s is %+v", name, got.Summary)
		}
	}
	for _, name := range []string{"management", "api", "data-trunk", "VM Network"} {
		if _, err := w.finder.Network(ctx, name); err != nil {
			t.Error(err)
		}
	}
}

func TestTheLogCountsCallsSessionsAndNamesMutations(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.post("log/reset", nil)
	second := w.login()
	w.clone("node-1", w.cloneSpec(nil))
	if open := w.log().SessionsOpen; open != 2 {
		t.Errorf("%d sessions are open, want 2", open)
	}
	if err := second.Logout(context.Background()); err != nil {
		t.Fatal(err)
	}
	log := w.log()
	if log.Logins != 1 || log.Logouts != 1 || log.SessionsOpen != 1 || log.Methods["CloneVM_Task"] != 1 {
		t.Errorf("log is %+v", log)
	}
	// The control calls of this test have connections of their own; only the second session's is new.
	if log.Connections != 1 || log.ConnectionsOpen < 1 {
		t.Errorf("%d connections, %d open", log.Connections, log.ConnectionsOpen)
	}
	if len(log.Mutations) != 1 || log.Mutations[0].Object != "vio-node-template" || log.Mutations[0].Name != "node-1" || log.Mutations[0].Outcome != "ok" {
		t.Errorf("mutations are %+v", log.Mutations)
	}
	if log.BytesIn == 0 || log.BytesOut == 0 || len(log.Violations) != 0 {
		t.Errorf("log is %+v", log)
	}
	w.post("log/reset", nil)
	if log = w.log(); log.Calls != 0 || len(log.Mutations) != 0 || log.SessionsOpen != 1 {
		t.Errorf("after a reset the log is %+v", log)
	}
}

func TestMutationsNameTheirSessionAndEveryObjectTheyChange(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.clone("node-1", w.cloneSpec(nil))
	vm := w.vm("/dc1/vm/node-1").Reference()
	for _, op := range []types.ArrayUpdateOperation{types.ArrayUpdateOperationAdd, types.ArrayUpdateOperationRemove} {
		rule := &types.ClusterAntiAffinityRuleSpec{Vm: []types.ManagedObjectReference{vm}}
		if op == types.ArrayUpdateOperationAdd {
			rule.Name = "apart"
		} else {
			rule.Key = w.rules()[0].GetClusterRuleInfo().Key
		}
		if err := w.setRule(op, rule); err != nil {
			t.Fatal(err)
		}
	}
	second := w.login()
	if _, err := methodsPowerOn(second, vm); err != nil {
		t.Fatal(err)
	}
	var got []front.Mutation
	w.get("mutations", &got)
	want := []front.Mutation{
		{Session: 1, Method: "CloneVM_Task", Type: "VirtualMachine", Path: "/dc1/vm/templates/vio-node-template", Makes: "/dc1/vm/node-1"},
		{Session: 1, Method: "ReconfigureComputeResource_Task", Type: "ClusterComputeResource", Path: "/dc1/host/mgmt", Rules: []string{"apart"}},
		{Session: 1, Method: "ReconfigureComputeResource_Task", Type: "ClusterComputeResource", Path: "/dc1/host/mgmt", Rules: []string{"apart"}},
		{Session: 2, Method: "PowerOnVM_Task", Type: "VirtualMachine", Path: "/dc1/vm/node-1"},
	}
	for i := range want {
		want[i].User, want[i].Outcome = "administrator@vsphere.local", "ok"
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("mutations are %+v, want %+v", got, want)
	}
}

func TestADroppedReplyLeavesTheCloneBehind(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.post("faults", []map[string]any{{"method": "CloneVM_Task", "object_name": "node-*", "kind": "drop_after"}})
	if _, err := w.wait(w.template().Clone(context.Background(), w.folder(), "node-1", w.cloneSpec(nil))); err == nil {
		t.Fatal("the reply was not dropped")
	}
	eventually(t, "the orphan exists", func() bool { status, _ := w.control(http.MethodGet, "vm?name=node-1", nil); return status == 200 })
	w.post("faults", []map[string]any{{"method": "CloneVM_Task", "kind": "drop_before"}})
	if _, err := w.wait(w.template().Clone(context.Background(), w.folder(), "node-2", w.cloneSpec(nil))); err == nil {
		t.Fatal("the call was not dropped")
	}
	if status, _ := w.control(http.MethodGet, "vm?name=node-2", nil); status == 200 {
		t.Error("a call that was dropped before took effect")
	}
	w.clone("node-3", w.cloneSpec(nil)) // each rule took effect once
	if got := w.log().Injected; len(got) != 2 {
		t.Errorf("injected: %v", got)
	}
}

func TestFaultRulesCountTheirMatches(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	vm := w.clone("node-1", w.cloneSpec(nil))
	w.post("faults", []map[string]any{
		{"method": "ReconfigVM_Task", "object_name": "node-1", "nth": 2, "count": 2, "kind": "task_fault",
			"fault": "InsufficientMemoryResourcesFault", "ms": 5},
		{"method": "PowerOnVM_Task", "kind": "503"},
		{"method": "Destroy_Task", "kind": "fault", "fault": "NoPermission", "count": -1,
			"detail": map[string]any{"privilegeId": "VirtualMachine.Inventory.Delete"}},
	})
	w.must(vm.Reconfigure(ctx, annotate("1", "")))
	for range 2 {
		_, err := w.wait(vm.Reconfigure(ctx, annotate("2", "")))
		wantFault[*types.InsufficientMemoryResourcesFault](t, err)
	}
	w.must(vm.Reconfigure(ctx, annotate("4", "")))
	if _, err := w.wait(vm.PowerOn(ctx)); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("power-on: %v", err)
	}
	w.must(vm.PowerOn(ctx))
	w.must(vm.PowerOff(ctx))
	for range 3 {
		_, err := w.wait(vm.Destroy(ctx))
		wantFault[*types.NoPermission](t, err)
	}
	w.post("faults/clear", nil)
	w.must(vm.Destroy(ctx))
	if status, text := w.control(http.MethodPost, "faults", []map[string]any{{"kind": "fault", "fault": "VirtualMachine"}}); status != 400 {
		t.Errorf("a rule with no fault type: %d %s", status, text)
	}
}

func TestDelayAndLatencySlowCallsDown(t *testing.T) {
	t.Parallel()
	w := start(t)
	now := func() time.Duration {
		begin := time.Now()
		if _, err := methods.GetCurrentTime(context.Background(), w.client); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	w.post("faults", []map[string]any{{"method": "CurrentTime", "kind": "delay", "ms": 60}})
	if got := now(); got < 60*time.Millisecond {
		t.Errorf("delayed call took %s", got)
	}
	w.post("latency?ms=40", nil)
	if got := now(); got < 40*time.Millisecond {
		t.Errorf("call took %s", got)
	}
}

func TestSessionsEndByTerminationExpiryAndRule(t *testing.T) {
	t.Parallel()
	w := start(t, func(o *Options) { o.SessionTimeout = 300 * time.Millisecond })
	relogin := func() {
		t.Helper()
		w.client = w.login()
	}
	vm := w.template()
	power := func() error {
		_, err := methodsPowerOn(w.client, vm.Reference())
		return err
	}
	w.post("sessions/terminate", nil)
	wantFault[*types.NotAuthenticated](t, power())
	relogin()
	w.post("faults", []map[string]any{{"method": "PowerOnVM_Task", "kind": "expire_session"}})
	wantFault[*types.NotAuthenticated](t, power())
	relogin()
	time.Sleep(700 * time.Millisecond)
	wantFault[*types.NotAuthenticated](t, power())
	if open := w.log().SessionsOpen; open != 0 {
		t.Errorf("%d sessions are open", open)
	}
}

// send posts a SOAP body in the session of the client and returns the reply.
func (w *world) send(body string) (int, string) {
	w.t.Helper()
	envelope := `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" ` +
		`xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>` + body + `</soapenv:Body></soapenv:Envelope>`
	req, err := http.NewRequest(http.MethodPost, "https://"+w.app.Ready.Server+"/sdk", bytes.NewBufferString(envelope))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, cookie := range w.client.Jar.Cookies(w.client.URL()) {
		req.AddCookie(cookie)
	}
	res, err := w.http().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func TestRequestsThatVCenterCouldNotReadAreRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	folder := w.folder().Reference().Value
	good := fmt.Sprintf(`<CreateFolder xmlns="urn:vim25"><_this type="Folder">%s</_this><name>a</name></CreateFolder>`, folder)
	if status, text := w.send(good); status != 200 {
		t.Fatalf("a good request: %d %s", status, text)
	}
	for name, bad := range map[string]string{
		"nameless":   strings.Replace(good, "<name>a</name>", "", 1),
		"misspelt":   strings.ReplaceAll(good, "name>", "nmae>"),
		"namespace":  strings.Replace(good, "urn:vim25", "urn:vim24", 1),
		"misordered": strings.Replace(strings.Replace(good, "<name>a</name>", "", 1), "<_this", "<name>b</name><_this", 1),
	} {
		status, text := w.send(bad)
		if status != 500 || !strings.Contains(text, `InvalidRequestFault`) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if got := len(w.log().Violations); got != 4 {
		t.Errorf("%d violations were noted", got)
	}
}

func TestOnlyTheRightPasswordLogsIn(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.app.Ready.Password = "wrong"
	_, err := methods.Login(context.Background(), w.client, &types.Login{This: *w.client.ServiceContent.SessionManager,
		UserName: w.app.Ready.User, Password: "wrong"})
	wantFault[*types.InvalidLogin](t, err)
}

func TestNothingIsLeftBehind(t *testing.T) {
	home := t.TempDir()
	t.Setenv("TMPDIR", home)
	a, err := Start(options())
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
	left, err := os.ReadDir(home)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
