package updates

import (
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// gatherTime lets changes that come together be reported together.
const gatherTime = 2 * time.Millisecond

// sessionCheck is how often a wait looks whether its session is still there.
const sessionCheck = 100 * time.Millisecond

// maxObjects is how many objects one answer holds at most, as in vCenter.
const maxObjects = 100

// collector is the waiting side of one PropertyCollector of one session.
type collector struct {
	hub     *Hub
	session string
	pc      *simulator.PropertyCollector

	// working is held while an answer is worked out. It is never taken under an object's lock.
	working sync.Mutex
	filters []*filter
	version int
	pending []types.PropertyFilterUpdate

	// mu guards what changes of objects tell; it is only ever held for a moment.
	mu        sync.Mutex
	dirty     map[types.ManagedObjectReference]bool
	inventory bool
	canceled  chan struct{}
	wake      chan struct{}
}

func newCollector(hub *Hub, session string, pc *simulator.PropertyCollector) *collector {
	return &collector{hub: hub, session: session, pc: pc, dirty: map[types.ManagedObjectReference]bool{},
		wake: make(chan struct{}, 1), canceled: make(chan struct{})}
}

// changed notes that an object changed; inventory says that it came or went.
func (c *collector) changed(ref types.ManagedObjectReference, inventory bool) {
	c.mu.Lock()
	c.dirty[ref] = true
	c.inventory = c.inventory || inventory
	c.mu.Unlock()
	c.alert()
}

func (c *collector) alert() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// take returns what changed since it was last called.
func (c *collector) take() (map[types.ManagedObjectReference]bool, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dirty, inventory := c.dirty, c.inventory
	c.dirty, c.inventory = map[types.ManagedObjectReference]bool{}, false
	return dirty, inventory
}

// cancel ends the wait in progress.
func (c *collector) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.canceled)
	c.canceled = make(chan struct{})
}

// begin checks the version of a wait. An empty one starts over; any other must be that of the last answer.
func (c *collector) begin(version string) types.BaseMethodFault {
	c.working.Lock()
	defer c.working.Unlock()
	if version == "" {
		c.pending = nil
		for _, f := range c.filters {
			f.fresh, f.seen = true, map[types.ManagedObjectReference]values{}
		}
		return nil
	}
	if version != strconv.Itoa(c.version) {
		return &types.InvalidCollectorVersion{}
	}
	return nil
}

// collect works out the next answer; nil means that there is nothing to tell yet.
func (c *collector) collect(ctx *simulator.Context, limit int) (*types.UpdateSet, types.BaseMethodFault) {
	c.working.Lock()
	defer c.working.Unlock()
	if len(c.pending) == 0 {
		dirty, inventory := c.take()
		for _, f := range c.filters {
			objects, fault := f.update(ctx, c.pc, dirty, inventory)
			if fault != nil {
				return nil, fault
			}
			if len(objects) > 0 {
				c.pending = append(c.pending, types.PropertyFilterUpdate{Filter: f.ref, ObjectSet: objects})
			}
		}
	}
	if len(c.pending) == 0 {
		return nil, nil
	}
	c.version++
	set := &types.UpdateSet{Version: strconv.Itoa(c.version), FilterSet: c.page(limit)}
	if len(c.pending) > 0 {
		set.Truncated = types.NewBool(true)
	}
	return set, nil
}

// page takes the objects of one answer from those that wait to be told.
func (c *collector) page(limit int) []types.PropertyFilterUpdate {
	var page []types.PropertyFilterUpdate
	for limit > 0 && len(c.pending) > 0 {
		next := &c.pending[0]
		n := min(limit, len(next.ObjectSet))
		page = append(page, types.PropertyFilterUpdate{Filter: next.Filter, ObjectSet: next.ObjectSet[:n]})
		limit -= n
		next.ObjectSet = next.ObjectSet[n:]
		if len(next.ObjectSet) == 0 {
			c.pending = c.pending[1:]
		}
	}
	return page
}

// alive says whether the collector's session still exists.
func (c *collector) alive(ctx *simulator.Context) bool {
	res := ctx.Map.SessionManager().SessionIsActive(vc.NewContext(ctx.Map),
		&types.SessionIsActive{SessionID: c.session, UserName: ctx.Session.UserName})
	body, ok := res.(*methods.SessionIsActiveBody)
	return ok && body.Res != nil && body.Res.Returnval
}

// wait answers with the next changes, or with nothing when the time is up.
func (c *collector) wait(ctx *simulator.Context, req *types.WaitForUpdatesEx) (*types.UpdateSet, types.BaseMethodFault) {
	c.mu.Lock()
	canceled := c.canceled
	c.mu.Unlock()
	if fault := c.begin(req.Version); fault != nil {
		return nil, fault
	}
	limit, timeout := maxObjects, time.Duration(-1)
	if o := req.Options; o != nil {
		if o.MaxWaitSeconds != nil {
			timeout = time.Duration(*o.MaxWaitSeconds) * time.Second
		}
		if o.MaxObjectUpdates > 0 {
			limit = min(limit, int(o.MaxObjectUpdates))
		}
	}
	deadline := time.Now().Add(timeout)
	for {
		set, fault := c.collect(ctx, limit)
		if set != nil || fault != nil || timeout >= 0 && !time.Now().Before(deadline) {
			return set, fault
		}
		select {
		case <-canceled:
			return nil, &types.RequestCanceled{}
		case <-c.wake:
			time.Sleep(gatherTime)
		case <-time.After(sessionCheck):
			if !c.alive(ctx) {
				return nil, &types.NotAuthenticated{NoPermission: types.NoPermission{Object: &req.This, PrivilegeId: "System.View"}}
			}
		}
	}
}

// override runs the calls of a collector. It needs no lock of the simulator's.
type override struct {
	Self types.ManagedObjectReference
	*collector
}

// Reference returns the collector's reference.
func (o *override) Reference() types.ManagedObjectReference { return o.Self }

// Lock does nothing: a wait must not keep other calls of its collector out.
func (o *override) Lock() {}

// Unlock does nothing.
func (o *override) Unlock() {}

// CreateFilter adds a filter.
func (o *override) CreateFilter(ctx *simulator.Context, req *types.CreateFilter) soap.HasFault {
	o.working.Lock()
	defer o.working.Unlock()
	res := o.pc.CreateFilter(ctx, req)
	if body, ok := res.(*methods.CreateFilterBody); ok && body.Res != nil {
		if original, ok := ctx.Session.Get(body.Res.Returnval).(*simulator.PropertyFilter); ok {
			ctx.Map.RemoveHandler(original) // it would take its lock under that of every view that changes
		}
		o.filters = append(o.filters, newFilter(body.Res.Returnval, req.Spec))
		o.alert()
	}
	return res
}

// WaitForUpdatesEx waits for changes.
func (o *override) WaitForUpdatesEx(ctx *simulator.Context, req *types.WaitForUpdatesEx) soap.HasFault {
	set, fault := o.wait(ctx, req)
	if fault != nil {
		return &methods.WaitForUpdatesExBody{Fault_: simulator.Fault("", fault)}
	}
	return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{Returnval: set}}
}

// WaitForUpdates waits without a limit.
func (o *override) WaitForUpdates(ctx *simulator.Context, req *types.WaitForUpdates) soap.HasFault {
	set, fault := o.wait(ctx, &types.WaitForUpdatesEx{This: req.This, Version: req.Version})
	if fault != nil {
		return &methods.WaitForUpdatesBody{Fault_: simulator.Fault("", fault)}
	}
	return &methods.WaitForUpdatesBody{Res: &types.WaitForUpdatesResponse{Returnval: *set}}
}

// CancelWaitForUpdates ends the wait in progress.
func (o *override) CancelWaitForUpdates(*simulator.Context, *types.CancelWaitForUpdates) soap.HasFault {
	o.cancel()
	return &methods.CancelWaitForUpdatesBody{Res: &types.CancelWaitForUpdatesResponse{}}
}

// DestroyPropertyCollector ends the collector with all its filters.
func (o *override) DestroyPropertyCollector(ctx *simulator.Context, req *types.DestroyPropertyCollector) soap.HasFault {
	o.hub.forget(o.collector)
	return o.pc.DestroyPropertyCollector(ctx, req)
}

// filterOverride destroys a filter without harm to a wait in progress.
type filterOverride struct {
	*simulator.PropertyFilter
	hub *Hub
}

// Lock does nothing: the filter's lock must not be held while the collector works.
func (f *filterOverride) Lock() {}

// Unlock does nothing.
func (f *filterOverride) Unlock() {}

// DestroyPropertyFilter ends a filter.
func (f *filterOverride) DestroyPropertyFilter(ctx *simulator.Context, req *types.DestroyPropertyFilter) soap.HasFault {
	for _, c := range f.hub.all() {
		c.working.Lock()
		for i, one := range c.filters {
			if one.ref == f.Self {
				c.filters = append(c.filters[:i:i], c.filters[i+1:]...)
				break
			}
		}
		c.working.Unlock()
	}
	return f.PropertyFilter.DestroyPropertyFilter(ctx, req)
}
