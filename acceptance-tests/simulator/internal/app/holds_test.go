package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/front"
)

func (w *world) held() front.Holds {
	w.t.Helper()
	var out front.Holds
	w.get("held", &out)
	return out
}

// exists says whether there is a machine of this name.
func (w *world) exists(name string) bool {
	w.t.Helper()
	status, _ := w.control(http.MethodGet, "vm?name="+name, nil)
	return status == http.StatusOK
}

// begin makes a call that may be held; what it returns waits for its end, and cancel is the death of the client.
func begin(call func(ctx context.Context) error) (end func() error, cancel func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- call(ctx) }()
	return func() error { return <-ended }, cancel
}

func (w *world) beginClone(name string) (end func() error, cancel func()) {
	template, folder, spec := w.template(), w.folder(), w.cloneSpec(nil)
	return begin(func(ctx context.Context) error {
		_, err := template.Clone(ctx, folder, name, spec)
		return err
	})
}

func TestAHeldCallActsWhenItIsReleased(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.post("faults", []map[string]any{{"mutating": true, "nth": 2, "kind": "hold_before"}})
	w.clone("node-1", w.cloneSpec(nil)) // the many calls that read are not counted
	end, _ := w.beginClone("node-2")
	eventually(t, "the clone is held", func() bool { return len(w.held().Now) == 1 })
	if now := w.held().Now[0]; now.Method != "CloneVM_Task" || now.Name != "node-2" || now.When != "before" || w.exists("node-2") {
		t.Errorf("held is %+v", now)
	}
	w.post("held/release", nil)
	if err := end(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the clone exists", func() bool { return w.exists("node-2") })
	if left := w.held(); len(left.Now)+len(left.Abandoned) != 0 {
		t.Errorf("held is %+v", left)
	}
}

func TestADeadClientsCallActsOnlyIfItIsHeldAfterwards(t *testing.T) {
	t.Parallel()
	w := start(t)
	for kind, acts := range map[string]bool{"hold_before": false, "hold_after": true} {
		name := "node-" + kind
		w.post("faults", []map[string]any{{"mutating": true, "object_name": name, "kind": kind}})
		end, cancel := w.beginClone(name)
		eventually(t, "the clone is held", func() bool { return len(w.held().Now) == 1 })
		if w.exists(name) != acts {
			t.Errorf("%s: the clone exists: %t", kind, !acts)
		}
		cancel()
		if err := end(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
		eventually(t, "the client's death is seen", func() bool { return len(w.held().Now) == 0 })
		if w.exists(name) != acts || len(w.held().Abandoned) != 1 {
			t.Errorf("%s: the clone exists: %t; held is %+v", kind, !acts, w.held())
		}
		w.post("faults/clear", nil)
	}
}

func TestEachCallIsHeldBeforeAndAfterItActsAndThenPasses(t *testing.T) {
	t.Parallel()
	w := start(t)
	folder := w.folder()
	// A run goes on from what it finds, but does its last call each time.
	run := func(ctx context.Context, number int) error {
		for _, name := range []string{"a", "b"} {
			if path := folder.InventoryPath + "/" + name; missing(w, path) {
				if _, err := folder.CreateFolder(ctx, name); err != nil {
					return err
				}
			}
		}
		// Each run has a name of its own, and gives back what it has taken in it.
		for _, value := range []string{fmt.Sprintf("run %d", number), ""} {
			spec := types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{
				&types.OptionValue{Key: "run", Value: value}}}
			_, err := methods.ReconfigVM_Task(ctx, w.client, &types.ReconfigVM_Task{This: w.template().Reference(), Spec: spec})
			if err != nil {
				return err
			}
		}
		return nil
	}
	w.post("faults", []map[string]any{{"mutating": true, "kind": "hold_each", "count": -1,
		"varying": []string{"run"}}})
	for runs := 1; ; runs++ {
		end, cancel := begin(func(ctx context.Context) error { return run(ctx, runs) })
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		done := false
		eventually(t, "a call is held or all is done", func() bool {
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
				done = true
				return true
			default:
				return len(w.held().Now) == 1
			}
		})
		cancel()
		if done {
			break
		}
		eventually(t, "the client's death is seen", func() bool { return len(w.held().Now) == 0 })
		if runs > 10 {
			t.Fatalf("it has no end: %+v", w.held())
		}
	}
	var seen []string
	for _, held := range w.held().Abandoned {
		seen = append(seen, held.Method+" "+held.Name+" "+held.When)
	}
	want := []string{"CreateFolder a before", "CreateFolder a after", "CreateFolder b before", "CreateFolder b after",
		"ReconfigVM_Task  before", "ReconfigVM_Task  after", "ReconfigVM_Task  before", "ReconfigVM_Task  after"}
	if !slices.Equal(seen, want) {
		t.Errorf("held were %q", seen)
	}
}

func TestCallsThatAreMadeAtOnceAreHeldTogether(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.post("faults", []map[string]any{{"mutating": true, "kind": "hold_each", "count": -1}})
	for _, when := range []string{"before", "after"} {
		endA, cancelA := w.beginClone("a")
		endB, cancelB := w.beginClone("b")
		eventually(t, "both are held", func() bool { return len(w.held().Now) == 2 && w.held().Coming == 0 })
		for _, held := range w.held().Now {
			if held.When != when {
				t.Errorf("held is %+v", held)
			}
		}
		if w.exists("a") != (when == "after") || w.exists("b") != (when == "after") {
			t.Errorf("%s: a exists: %t, b exists: %t", when, w.exists("a"), w.exists("b"))
		}
		cancelA()
		cancelB()
		_, _ = endA(), endB()
		eventually(t, "the client's death is seen", func() bool { return len(w.held().Now) == 0 })
	}
	if all := w.held().Abandoned; len(all) != 4 {
		t.Errorf("held were %+v", all)
	}
}

func missing(w *world, path string) bool {
	_, err := w.finder.Folder(context.Background(), path)
	return err != nil
}

func TestAHeldTaskRunsUntilItIsReleased(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.post("faults", []map[string]any{{"method": "CloneVM_Task", "kind": "hold_task"}})
	clone, err := w.template().Clone(context.Background(), w.folder(), "node-1", w.cloneSpec(nil))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the task is held", func() bool { return len(w.held().Now) == 1 })
	if w.exists("node-1") || w.held().Now[0].When != "running" {
		t.Errorf("held is %+v", w.held())
	}
	w.post("held/release", nil)
	result, err := w.wait(clone, nil)
	if err != nil {
		t.Fatal(err)
	}
	if vm := object.NewVirtualMachine(w.client.Client, result.(types.ManagedObjectReference)); w.props(vm).Name != "node-1" {
		t.Errorf("the clone is %v", result)
	}
}

func TestARestartForgetsAllButTheInventory(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.clone("node-1", w.cloneSpec(nil))
	w.post("faults", []map[string]any{{"method": "CloneVM_Task", "kind": "hold_task"}})
	template := w.template()
	clone, err := template.Clone(context.Background(), w.folder(), "node-2", w.cloneSpec(nil))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	w.post("restart?ms=200", nil)
	if down := time.Since(begun); down < 200*time.Millisecond {
		t.Errorf("it was down for %s", down)
	}
	_, err = methodsPowerOn(w.client, template.Reference())
	if err == nil {
		t.Error("the session is still there")
	}
	w.client = w.login()
	_, err = w.wait(object.NewTask(w.client.Client, clone.Reference()), nil)
	var failed task.Error
	if err == nil || errors.As(err, &failed) {
		t.Errorf("the task ended with %v; there should be none", err)
	}
	if !w.exists("node-1") || w.exists("node-2") || len(w.held().Now) != 0 {
		t.Errorf("held is %+v", w.held())
	}
}
