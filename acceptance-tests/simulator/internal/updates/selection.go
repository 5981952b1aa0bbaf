package updates

import (
	"path"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// reader runs the calls of a collector that read at once. The simulator follows every path from every object, whatever
// type the path is of, and never ends when a path leads back; here the objects are selected beforehand.
type reader struct{ *simulator.PropertyCollector }

// RetrievePropertiesEx reads properties, in parts.
func (r *reader) RetrievePropertiesEx(ctx *simulator.Context, req *types.RetrievePropertiesEx) soap.HasFault {
	specs, fault := selected(ctx, req.SpecSet)
	if fault != nil {
		return refused(fault)
	}
	flat := *req
	flat.SpecSet = specs
	return r.PropertyCollector.RetrievePropertiesEx(ctx, &flat)
}

// RetrieveProperties reads properties.
func (r *reader) RetrieveProperties(ctx *simulator.Context, req *types.RetrieveProperties) soap.HasFault {
	specs, fault := selected(ctx, req.SpecSet)
	if fault != nil {
		return refused(fault)
	}
	flat := *req
	flat.SpecSet = specs
	return r.PropertyCollector.RetrieveProperties(ctx, &flat)
}

// refusal is the answer of any call that failed.
type refusal struct{ fault *soap.Fault }

// Fault returns why the call failed.
func (r *refusal) Fault() *soap.Fault { return r.fault }

func refused(fault types.BaseMethodFault) soap.HasFault {
	return &refusal{simulator.Fault("", fault)}
}

// Specs are the specifications of a call that reads or watches properties, none of another call.
func Specs(body any) []types.PropertyFilterSpec {
	switch request := body.(type) {
	case *types.RetrieveProperties:
		return request.SpecSet
	case *types.RetrievePropertiesEx:
		return request.SpecSet
	case *types.CreateFilter:
		return []types.PropertyFilterSpec{request.Spec}
	}
	return nil
}

// Traverses says whether specifications select objects by the way to them.
func Traverses(specs []types.PropertyFilterSpec) bool {
	for _, spec := range specs {
		for _, object := range spec.ObjectSet {
			if len(object.SelectSet) > 0 {
				return true
			}
		}
	}
	return false
}

// selected returns the specifications with every object that they select by name.
func selected(ctx *simulator.Context, specs []types.PropertyFilterSpec) ([]types.PropertyFilterSpec, types.BaseMethodFault) {
	out := make([]types.PropertyFilterSpec, len(specs))
	for i, spec := range specs {
		w := &walk{ctx: ctx, named: map[string]*types.TraversalSpec{}, been: map[step]bool{}}
		for _, object := range spec.ObjectSet {
			w.name(object.SelectSet)
		}
		for _, object := range spec.ObjectSet {
			if fault := w.start(object, isTrue(spec.ReportMissingObjectsInResults)); fault != nil {
				return nil, fault
			}
		}
		out[i] = types.PropertyFilterSpec{PropSet: spec.PropSet, ObjectSet: w.objects,
			// What was selected may go before it is read.
			ReportMissingObjectsInResults: types.NewBool(true)}
	}
	return out, nil
}

// walk follows the paths of one specification.
type walk struct {
	ctx     *simulator.Context
	named   map[string]*types.TraversalSpec
	been    map[step]bool
	objects []types.ObjectSpec
}

// step is one path followed from one object.
type step struct {
	from types.ManagedObjectReference
	by   *types.TraversalSpec
}

// name notes the paths that others name.
func (w *walk) name(set []types.BaseSelectionSpec) {
	for _, selection := range set {
		if traversal, ok := selection.(*types.TraversalSpec); ok {
			w.named[traversal.Name] = traversal
			w.name(traversal.SelectSet)
		}
	}
}

func (w *walk) start(object types.ObjectSpec, reportMissing bool) types.BaseMethodFault {
	if w.ctx.Session.Get(object.Obj) == nil {
		if reportMissing {
			return nil
		}
		return &types.ManagedObjectNotFound{Obj: object.Obj}
	}
	if len(object.SelectSet) == 0 || !isTrue(object.Skip) {
		w.objects = append(w.objects, types.ObjectSpec{Obj: object.Obj})
	}
	return w.follow(object.Obj, object.SelectSet)
}

// follow selects what the paths lead to from an object. Each path is followed from each object once.
func (w *walk) follow(from types.ManagedObjectReference, set []types.BaseSelectionSpec) types.BaseMethodFault {
	for _, selection := range set {
		traversal, ok := selection.(*types.TraversalSpec)
		if !ok {
			traversal = w.named[selection.GetSelectionSpec().Name]
		}
		if traversal == nil {
			return &types.InvalidArgument{InvalidProperty: "name"}
		}
		if w.been[step{from, traversal}] {
			continue
		}
		w.been[step{from, traversal}] = true
		for _, ref := range w.references(from, traversal) {
			if !isTrue(traversal.Skip) {
				w.objects = append(w.objects, types.ObjectSpec{Obj: ref})
			}
			if fault := w.follow(ref, traversal.SelectSet); fault != nil {
				return fault
			}
		}
	}
	return nil
}

// references are the objects that a path leads to from an object, none when it is not of the path's type.
func (w *walk) references(from types.ManagedObjectReference, traversal *types.TraversalSpec) (refs []types.ManagedObjectReference) {
	object := w.ctx.Session.Get(from)
	if object == nil {
		return nil
	}
	value := managedObject(object)
	if value.Kind() != reflect.Struct || !isA(value.Type(), traversal.Type) {
		return nil
	}
	w.ctx.WithLock(object, func() {
		for _, part := range strings.Split(traversal.Path, ".") {
			if value = reflect.Indirect(value); value.Kind() != reflect.Struct {
				return
			}
			value = value.FieldByName(strings.ToUpper(part[:1]) + part[1:])
		}
		if !value.IsValid() {
			return
		}
		switch found := value.Interface().(type) {
		case types.ManagedObjectReference:
			refs = []types.ManagedObjectReference{found}
		case *types.ManagedObjectReference:
			if found != nil {
				refs = []types.ManagedObjectReference{*found}
			}
		case []types.ManagedObjectReference:
			refs = append(refs, found...)
		}
	})
	return refs
}

// managedObject is the part of a simulated object that the API shows: it comes first in what the simulator adds to it.
func managedObject(object mo.Reference) reflect.Value {
	value := reflect.Indirect(reflect.ValueOf(object))
	for path.Base(value.Type().PkgPath()) != "mo" && value.Kind() == reflect.Struct && value.NumField() > 0 {
		value = reflect.Indirect(value.Field(0))
	}
	return value
}

// isA says whether a managed object type is another one or extends it.
func isA(kind reflect.Type, name string) bool {
	if kind.Name() == name || name == "ManagedObject" {
		return true
	}
	for i := range kind.NumField() {
		if field := kind.Field(i); field.Anonymous && isA(field.Type, name) {
			return true
		}
	}
	return false
}

func isTrue(b *bool) bool { return b != nil && *b }
