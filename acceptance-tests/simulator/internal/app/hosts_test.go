package app

import (
	"context"
	"slices"
	"testing"

	"github.com/vmware/govmomi/vim25/types"
)

func TestMachinesOfALostHostRestartElsewhere(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	vm := w.clone("node-1", w.cloneSpec(desired(document, 0)))
	w.must(vm.PowerOn(ctx))
	w.phase("node-1", "ready")
	before := w.facts("node-1")
	w.post("host/fail?name="+before.Host, nil)
	after := w.facts("node-1")
	if after.Power != "poweredOn" || after.Host == before.Host {
		t.Errorf("the machine is %s on %s", after.Power, after.Host)
	}
	w.phase("node-1", "ready")
	for range 3 {
		if other := w.clone("other-"+after.Host, w.cloneSpec(nil)); w.facts("other-"+after.Host).Host == before.Host {
			t.Errorf("%s was placed on a lost host", other)
		} else {
			w.must(other.Destroy(ctx))
		}
	}
	w.post("host/recover?name="+before.Host, nil)
	w.post("host/fail?ha=false&name="+after.Host, nil)
	if off := w.facts("node-1"); off.Power != "poweredOff" {
		t.Errorf("without HA the machine is %s", off.Power)
	}
	w.must(vm.PowerOn(ctx))
	if on := w.facts("node-1"); on.Host == after.Host {
		t.Error("the machine was started on a lost host")
	}
}

func TestMaintenanceMovesMachinesThatRun(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	vm := w.clone("node-1", w.cloneSpec(nil))
	w.must(vm.PowerOn(ctx))
	host := w.facts("node-1").Host
	w.post("host/maintenance?on=true&name="+host, nil)
	w.post("host/evacuate?name="+host, nil)
	if after := w.facts("node-1"); after.Host == host || after.Power != "poweredOn" {
		t.Errorf("the machine is %s on %s", after.Power, after.Host)
	}
	for i := range 3 {
		w.post("host/maintenance?on=true&name=mgmt-esx-"+[]string{"1", "2", "3"}[i], nil)
	}
	w.must(vm.PowerOff(ctx))
	_, err := w.wait(vm.PowerOn(ctx))
	wantFault[*types.NoCompatibleHost](t, err)
	if status, _ := w.control("POST", "host/fail?name=nobody", nil); !slices.Contains([]int{400}, status) {
		t.Errorf("an unknown host: %d", status)
	}
}

func TestRoomRunsOut(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	w.post("datastore/capacity?name=ds-mgmt&gib=12", nil)
	datastore, err := w.finder.Datastore(ctx, "ds-mgmt")
	if err != nil {
		t.Fatal(err)
	}
	ref := datastore.Reference()
	spec := w.cloneSpec(nil)
	spec.Location.Datastore = &ref
	vm := w.clone("node-1", spec)
	_, err = w.wait(w.template().Clone(ctx, w.folder(), "node-2", spec))
	wantFault[*types.NoDiskSpace](t, err)
	if w.exists("node-2") {
		t.Error("the clone was made")
	}
	w.post("cluster/capacity?name=mgmt&memory_mib=1", nil)
	_, err = w.wait(vm.PowerOn(ctx))
	wantFault[*types.InsufficientFailoverResourcesFault](t, err)
	w.post("cluster/capacity?name=mgmt&memory_mib=100000", nil)
	w.must(vm.PowerOn(ctx))
}
