// Package updates replaces the waiting side of the simulator's PropertyCollector. The original reads every object of
// every filter again for every change of any object, which makes large runs quadratic, and holds locks in an order that
// can deadlock when a filter watches a view or a folder. This one reads only what changed and holds no lock meanwhile.
// It also replaces how objects are selected by the way to them, as the original does not end where a way leads back.
package updates

import (
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Hub tells all collectors what changed.
type Hub struct {
	mu         sync.Mutex
	collectors map[types.ManagedObjectReference]*collector
}

// Install begins to follow a registry's changes.
func Install(reg *simulator.Registry) *Hub {
	h := &Hub{collectors: map[types.ManagedObjectReference]*collector{}}
	reg.AddHandler(h)
	return h
}

// Override returns the object that is to run a call in place of the simulator's own, or nil.
func (h *Hub) Override(ctx *simulator.Context, method *simulator.Method) mo.Reference {
	switch method.Name {
	case "RetrieveProperties", "RetrievePropertiesEx":
		if pc, ok := ctx.Session.Get(method.This).(*simulator.PropertyCollector); ok && Traverses(Specs(method.Body)) {
			return &reader{pc}
		}
	case "CreateFilter", "WaitForUpdates", "WaitForUpdatesEx", "CancelWaitForUpdates", "DestroyPropertyCollector":
		if pc, ok := ctx.Session.Get(method.This).(*simulator.PropertyCollector); ok {
			return &override{Self: method.This, collector: h.collector(ctx.Session.Key, pc)}
		}
	case "DestroyPropertyFilter":
		if filter, ok := ctx.Session.Get(method.This).(*simulator.PropertyFilter); ok {
			return &filterOverride{PropertyFilter: filter, hub: h}
		}
	case "Logout":
		h.forgetSession(ctx.Session.Key)
	}
	return nil
}

// key tells apart the default collectors of different sessions, which share one reference.
func key(session string, pc types.ManagedObjectReference) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: session, Value: pc.Value}
}

func (h *Hub) collector(session string, pc *simulator.PropertyCollector) *collector {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := key(session, pc.Self)
	c := h.collectors[k]
	if c == nil {
		c = newCollector(h, session, pc)
		h.collectors[k] = c
	}
	return c
}

func (h *Hub) forget(c *collector) {
	h.mu.Lock()
	delete(h.collectors, key(c.session, c.pc.Self))
	h.mu.Unlock()
	c.cancel()
}

func (h *Hub) forgetSession(session string) {
	for _, c := range h.all() {
		if c.session == session {
			h.forget(c)
		}
	}
}

func (h *Hub) all() []*collector {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*collector, 0, len(h.collectors))
	for _, c := range h.collectors {
		list = append(list, c)
	}
	return list
}

// Reference identifies the handler in the registry.
func (h *Hub) Reference() types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "SimulatorHandler", Value: "updates"}
}

// PutObject tells collectors of a new object.
func (h *Hub) PutObject(_ *simulator.Context, obj mo.Reference) { h.changed(obj.Reference(), true) }

// UpdateObject tells collectors of a changed object.
func (h *Hub) UpdateObject(_ *simulator.Context, obj mo.Reference, _ []types.PropertyChange) {
	h.changed(obj.Reference(), false)
}

// RemoveObject tells collectors of an object that is going.
func (h *Hub) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	h.changed(ref, true)
}

func (h *Hub) changed(ref types.ManagedObjectReference, inventory bool) {
	for _, c := range h.all() {
		c.changed(ref, inventory)
	}
}
