package updates

import (
	"reflect"
	"sort"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// values are the properties of one object as they were last reported.
type values map[string]types.AnyType

// filter is one filter of a collector with what was last reported of it.
type filter struct {
	ref  types.ManagedObjectReference
	spec types.PropertyFilterSpec
	seen map[types.ManagedObjectReference]values
	// fresh filters report their whole state at the next wait.
	fresh bool
	// through are the types of objects that the filter passes through: a change of one may change what is selected.
	through map[string]bool
	// nested filters follow the inventory, so that new objects may be selected too.
	nested bool
}

func newFilter(ref types.ManagedObjectReference, spec types.PropertyFilterSpec) *filter {
	spec.ReportMissingObjectsInResults = types.NewBool(true)
	f := &filter{ref: ref, spec: spec, seen: map[types.ManagedObjectReference]values{}, fresh: true, through: map[string]bool{}}
	for _, object := range spec.ObjectSet {
		if len(object.SelectSet) > 0 {
			f.through[object.Obj.Type] = true
		}
		f.note(object.SelectSet)
	}
	return f
}

// note remembers the types of traversals.
func (f *filter) note(set []types.BaseSelectionSpec) {
	for _, selection := range set {
		if traversal, ok := selection.(*types.TraversalSpec); ok {
			f.through[traversal.Type] = true
			f.nested = f.nested || traversal.Type != "ListView"
			f.note(traversal.SelectSet)
		}
	}
}

// update works out what to report after changes.
func (f *filter) update(ctx *simulator.Context, pc *simulator.PropertyCollector, dirty map[types.ManagedObjectReference]bool, inventory bool) ([]types.ObjectUpdate, types.BaseMethodFault) {
	whole := f.fresh || f.nested && inventory
	var touched []types.ManagedObjectReference
	for ref := range dirty {
		if _, ok := f.seen[ref]; ok {
			touched = append(touched, ref)
		}
		whole = whole || f.through[ref.Type] || f.through["ManagedEntity"]
	}
	f.fresh = false
	if whole {
		return f.compare(ctx, pc, f.spec, f.selected())
	}
	if len(touched) == 0 {
		return nil, nil
	}
	spec := f.spec
	spec.ObjectSet = nil
	// An object may go between the event and this look at it: it has then left, and the others are still of interest.
	spec.ReportMissingObjectsInResults = types.NewBool(true)
	for _, ref := range touched {
		spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: ref})
	}
	return f.compare(ctx, pc, spec, touched)
}

func (f *filter) selected() []types.ManagedObjectReference {
	refs := make([]types.ManagedObjectReference, 0, len(f.seen))
	for ref := range f.seen {
		refs = append(refs, ref)
	}
	return refs
}

// compare reads objects and reports how they differ from what was reported before; those of expected that are not
// there any more have left.
func (f *filter) compare(ctx *simulator.Context, pc *simulator.PropertyCollector, spec types.PropertyFilterSpec, expected []types.ManagedObjectReference) ([]types.ObjectUpdate, types.BaseMethodFault) {
	specs, fault := selected(ctx, []types.PropertyFilterSpec{spec})
	if fault != nil {
		return nil, fault
	}
	body := pc.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{This: pc.Self, SpecSet: specs}).(*methods.RetrievePropertiesExBody)
	if body.Fault_ != nil {
		fault, _ := body.Fault_.VimFault().(types.BaseMethodFault)
		return nil, fault
	}
	var updates []types.ObjectUpdate
	there := map[types.ManagedObjectReference]bool{}
	if body.Res.Returnval != nil {
		for _, object := range body.Res.Returnval.Objects {
			there[object.Obj] = true
			if update, ok := f.object(object); ok {
				updates = append(updates, update)
			}
		}
	}
	for _, ref := range expected {
		if !there[ref] {
			delete(f.seen, ref)
			updates = append(updates, types.ObjectUpdate{Kind: types.ObjectUpdateKindLeave, Obj: ref})
		}
	}
	return updates, nil
}

// object compares one object with what was reported of it.
func (f *filter) object(content types.ObjectContent) (types.ObjectUpdate, bool) {
	old, known := f.seen[content.Obj]
	now := values{}
	update := types.ObjectUpdate{Kind: types.ObjectUpdateKindModify, Obj: content.Obj, MissingSet: content.MissingSet}
	if !known {
		update.Kind = types.ObjectUpdateKindEnter
	}
	for _, property := range content.PropSet {
		if property.Val == nil {
			continue // unset
		}
		now[property.Name] = property.Val
		before, had := old[property.Name]
		if !had || !reflect.DeepEqual(before, property.Val) {
			update.ChangeSet = append(update.ChangeSet, types.PropertyChange{Name: property.Name,
				Op: types.PropertyChangeOpAssign, Val: property.Val})
		}
	}
	for name := range old {
		if _, ok := now[name]; !ok {
			update.ChangeSet = append(update.ChangeSet, types.PropertyChange{Name: name, Op: types.PropertyChangeOpAssign})
		}
	}
	sort.Slice(update.ChangeSet, func(i, j int) bool { return update.ChangeSet[i].Name < update.ChangeSet[j].Name })
	f.seen[content.Obj] = now
	return update, !known || len(update.ChangeSet) > 0
}
