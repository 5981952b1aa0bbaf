package app

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// taskWaiter waits for all tasks of a session by one filter over one list view, as the provider does.
type taskWaiter struct {
	w         *world
	collector types.ManagedObjectReference
	view      types.ManagedObjectReference
	mu        sync.Mutex
	waiting   map[types.ManagedObjectReference]chan types.TaskInfo
}

func newTaskWaiter(w *world) *taskWaiter {
	w.t.Helper()
	ctx := context.Background()
	content := w.client.ServiceContent
	view, err := methods.CreateListView(ctx, w.client, &types.CreateListView{This: *content.ViewManager})
	if err != nil {
		w.t.Fatal(err)
	}
	collector, err := methods.CreatePropertyCollector(ctx, w.client, &types.CreatePropertyCollector{This: content.PropertyCollector})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = methods.CreateFilter(ctx, w.client, &types.CreateFilter{This: collector.Returnval, Spec: types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: view.Returnval, Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: "ListView", Path: "view"}}}},
		PropSet: []types.PropertySpec{{Type: "Task", PathSet: []string{"info"}}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return &taskWaiter{w: w, collector: collector.Returnval, view: view.Returnval,
		waiting: map[types.ManagedObjectReference]chan types.TaskInfo{}}
}

// run is the long poll; it ends with the context.
func (tw *taskWaiter) run(ctx context.Context) {
	version := ""
	for ctx.Err() == nil {
		res, err := methods.WaitForUpdatesEx(ctx, tw.w.client, &types.WaitForUpdatesEx{This: tw.collector, Version: version,
			Options: &types.WaitOptions{MaxWaitSeconds: types.NewInt32(1)}})
		if err != nil || res.Returnval == nil {
			continue
		}
		version = res.Returnval.Version
		for _, filter := range res.Returnval.FilterSet {
			for _, object := range filter.ObjectSet {
				for _, change := range object.ChangeSet {
					tw.note(object.Obj, change.Val)
				}
			}
		}
	}
}

func (tw *taskWaiter) note(ref types.ManagedObjectReference, value types.AnyType) {
	info, ok := value.(types.TaskInfo)
	if !ok || info.State != types.TaskInfoStateSuccess && info.State != types.TaskInfoStateError {
		return
	}
	tw.mu.Lock()
	defer tw.mu.Unlock()
	if done := tw.waiting[ref]; done != nil {
		done <- info
		delete(tw.waiting, ref)
	}
}

// wait adds a task to the view and waits for its end.
func (tw *taskWaiter) wait(task types.ManagedObjectReference) (types.AnyType, error) {
	done := make(chan types.TaskInfo, 1)
	tw.mu.Lock()
	tw.waiting[task] = done
	tw.mu.Unlock()
	change := func(add, remove []types.ManagedObjectReference) error {
		_, err := methods.ModifyListView(context.Background(), tw.w.client, &types.ModifyListView{This: tw.view, Add: add, Remove: remove})
		return err
	}
	if err := change([]types.ManagedObjectReference{task}, nil); err != nil {
		return nil, err
	}
	select {
	case info := <-done:
		if info.Error != nil {
			return nil, fmt.Errorf("%T", info.Error.Fault)
		}
		return info.Result, change(nil, []types.ManagedObjectReference{task})
	case <-time.After(20 * time.Second):
		return nil, fmt.Errorf("the end of %s was never reported", task.Value)
	}
}

func TestManyClonesAtOnceAreAllReportedToOneListView(t *testing.T) {
	t.Parallel()
	w := start(t)
	waiter := newTaskWaiter(w)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go waiter.run(ctx)
	folder, template, spec := w.folder().Reference(), w.template().Reference(), w.cloneSpec(desired(document, 0))
	spec.PowerOn = true
	const nodes = 48
	slots := make(chan bool, 16)
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			slots <- true
			defer func() { <-slots }()
			res, err := methods.CloneVM_Task(context.Background(), w.client, &types.CloneVM_Task{This: template, Folder: folder,
				Name: fmt.Sprintf("node-%02d", i), Spec: spec})
			if err == nil {
				_, err = waiter.wait(res.Returnval)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range nodes {
		w.phase(fmt.Sprintf("node-%02d", i), "ready")
	}
}

// watch makes a collector with one filter over what is selected from an object.
func (w *world) watch(object types.ObjectSpec, kind string, paths ...string) types.ManagedObjectReference {
	w.t.Helper()
	ctx := context.Background()
	pc, err := methods.CreatePropertyCollector(ctx, w.client, &types.CreatePropertyCollector{This: w.client.ServiceContent.PropertyCollector})
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = methods.CreateFilter(ctx, w.client, &types.CreateFilter{This: pc.Returnval, Spec: types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{object}, PropSet: []types.PropertySpec{{Type: kind, PathSet: paths}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return pc.Returnval
}

// updates waits once and returns the answer.
func (w *world) updates(pc types.ManagedObjectReference, version string, limit int32) (*types.UpdateSet, error) {
	res, err := methods.WaitForUpdatesEx(context.Background(), w.client, &types.WaitForUpdatesEx{This: pc, Version: version,
		Options: &types.WaitOptions{MaxWaitSeconds: types.NewInt32(2), MaxObjectUpdates: limit}})
	if err != nil {
		return nil, err
	}
	return res.Returnval, nil
}

func TestAFolderCanBeWatchedWhileMachinesComeAndGo(t *testing.T) {
	t.Parallel()
	w := start(t)
	folder := w.folder()
	pc := w.watch(types.ObjectSpec{Obj: folder.Reference(), Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
		&types.TraversalSpec{Type: "Folder", Path: "childEntity"}}}, "VirtualMachine", "name", "runtime.powerState")
	kinds := map[types.ObjectUpdateKind]int{}
	seen := make(chan types.ObjectUpdateKind, 100)
	go func() {
		for version := ""; ; {
			set, err := w.updates(pc, version, 0)
			if err != nil {
				close(seen)
				return
			}
			if set == nil {
				continue
			}
			version = set.Version
			for _, update := range set.FilterSet[0].ObjectSet {
				seen <- update.Kind
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			vm := w.clone(fmt.Sprintf("node-%d", i), w.cloneSpec(nil))
			if _, err := w.wait(vm.Destroy(context.Background())); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// One update may tell of several events: each is waited for before the next is caused.
	count := func(kind types.ObjectUpdateKind) int {
		for len(seen) > 0 {
			kinds[<-seen]++
		}
		return kinds[kind]
	}
	entered := count(types.ObjectUpdateKindEnter)
	last := w.clone("last", w.cloneSpec(nil))
	eventually(t, "the last machine is seen to come", func() bool {
		return count(types.ObjectUpdateKindEnter) > entered
	})
	modified := count(types.ObjectUpdateKindModify)
	w.must(last.PowerOn(context.Background()))
	eventually(t, "the last machine is seen to go on", func() bool {
		return count(types.ObjectUpdateKindModify) > modified
	})
}

func TestAWatchedMachineThatIsDestroyedLeaves(t *testing.T) {
	t.Parallel()
	w := start(t)
	vm := w.clone("node-1", w.cloneSpec(nil))
	pc := w.watch(types.ObjectSpec{Obj: vm.Reference()}, "VirtualMachine", "name")
	first, err := w.updates(pc, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	w.must(vm.Destroy(context.Background()))
	second, err := w.updates(pc, first.Version, 0)
	if err != nil || second == nil || second.FilterSet[0].ObjectSet[0].Kind != types.ObjectUpdateKindLeave {
		t.Fatalf("after the destroy: %+v, %v", second, err)
	}
	// Only the version of the last answer is good: updates that were told once are not told again.
	_, err = w.updates(pc, first.Version, 0)
	wantFault[*types.InvalidCollectorVersion](t, err)
}

func TestUpdatesComeInPages(t *testing.T) {
	t.Parallel()
	w := start(t)
	refs := []types.ManagedObjectReference{}
	for i := range 5 {
		refs = append(refs, w.clone(fmt.Sprintf("node-%d", i), w.cloneSpec(nil)).Reference())
	}
	view, err := methods.CreateListView(context.Background(), w.client, &types.CreateListView{This: *w.client.ServiceContent.ViewManager, Obj: refs})
	if err != nil {
		t.Fatal(err)
	}
	pc := w.watch(types.ObjectSpec{Obj: view.Returnval, Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
		&types.TraversalSpec{Type: "ListView", Path: "view"}}}, "VirtualMachine", "name")
	version, sizes := "", []int{}
	for {
		set, err := w.updates(pc, version, 2)
		if err != nil {
			t.Fatal(err)
		}
		version = set.Version
		sizes = append(sizes, len(set.FilterSet[0].ObjectSet))
		if set.Truncated == nil || !*set.Truncated {
			break
		}
	}
	if fmt.Sprint(sizes) != "[2 2 1]" {
		t.Errorf("pages have %v objects", sizes)
	}
}

func TestAWaitEndsWithItsSession(t *testing.T) {
	t.Parallel()
	w := start(t)
	pc := w.watch(types.ObjectSpec{Obj: w.template().Reference()}, "VirtualMachine", "name")
	first, err := w.updates(pc, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { w.app.Front.TerminateSessions() })
	_, err = w.updates(pc, first.Version, 0)
	wantFault[*types.NotAuthenticated](t, err)
}
