package vcenter

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/soapcheck"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/updates"
)

// toleratesStale are the methods for which a reference to what is gone is no error, or that find out themselves.
var toleratesStale = map[string]bool{
	"RetrieveProperties": true, "RetrievePropertiesEx": true, "CreateListView": true, "ModifyListView": true,
	"ResetListView": true, "TerminateSession": true,
}

// guard refuses calls that a real vCenter would refuse, and that would crash or wedge the simulator.
func (v *VCenter) guard(ctx *simulator.Context, method *simulator.Method) types.BaseMethodFault {
	if specs := updates.Specs(method.Body); specs != nil {
		if fault := checkPaths(specs); fault != nil {
			return fault
		}
	}
	scan := &scan{reg: v.reg, session: ctx.Session, stale: !toleratesStale[method.Name]}
	scan.visit(reflect.ValueOf(method.Body))
	return scan.fault
}

// checkPaths faults the whole call when one property path does not exist.
func checkPaths(specs []types.PropertyFilterSpec) types.BaseMethodFault {
	for _, spec := range specs {
		for _, set := range spec.PropSet {
			if !soapcheck.Managed(set.Type) {
				return &types.InvalidType{Argument: set.Type}
			}
			for _, path := range set.PathSet {
				if !soapcheck.Property(set.Type, path) {
					return &types.InvalidProperty{Name: path}
				}
			}
		}
		for _, object := range spec.ObjectSet {
			if fault := checkTraversals(object.SelectSet); fault != nil {
				return fault
			}
		}
	}
	return nil
}

func checkTraversals(set []types.BaseSelectionSpec) types.BaseMethodFault {
	for _, selection := range set {
		traversal, ok := selection.(*types.TraversalSpec)
		if !ok {
			continue
		}
		if !soapcheck.Managed(traversal.Type) {
			return &types.InvalidType{Argument: traversal.Type}
		}
		if !soapcheck.Property(traversal.Type, traversal.Path) {
			return &types.InvalidProperty{Name: traversal.Path}
		}
		if fault := checkTraversals(traversal.SelectSet); fault != nil {
			return fault
		}
	}
	return nil
}

// scan walks through a request and keeps the first fault that it finds.
type scan struct {
	reg     *simulator.Registry
	session *simulator.Session
	stale   bool
	fault   types.BaseMethodFault
}

func (s *scan) visit(value reflect.Value) {
	if s.fault != nil || !value.IsValid() {
		return
	}
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			s.visit(value.Elem())
		}
	case reflect.Slice:
		for i := range value.Len() {
			s.visit(value.Index(i))
		}
	case reflect.Struct:
		s.visitStruct(value)
	}
}

func (s *scan) visitStruct(value reflect.Value) {
	switch v := value.Interface().(type) {
	case types.ManagedObjectReference:
		s.fault = s.reference(v)
		return
	case types.VirtualDeviceConfigSpec:
		s.fault = s.device(v)
	case types.VirtualMachineFileInfo:
		s.fault = s.datastorePath(v.VmPathName)
	}
	for i := range value.NumField() {
		if s.fault == nil && value.Type().Field(i).IsExported() {
			s.visit(value.Field(i))
		}
	}
}

// reference faults references to objects that do not exist (any more).
func (s *scan) reference(ref types.ManagedObjectReference) types.BaseMethodFault {
	if !s.stale || ref.Value == "" || s.reg.Get(ref) != nil || s.session.Get(ref) != nil {
		return nil
	}
	return &types.ManagedObjectNotFound{Obj: ref}
}

// device faults devices with backings that do not exist.
func (s *scan) device(spec types.VirtualDeviceConfigSpec) types.BaseMethodFault {
	invalid := &types.InvalidDeviceSpec{InvalidVmConfig: types.InvalidVmConfig{Property: "virtualDeviceSpec.device.backing"}}
	if spec.Device == nil {
		return invalid
	}
	switch backing := spec.Device.GetVirtualDevice().Backing.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		if !s.hasNetwork(backing.DeviceName) {
			return invalid
		}
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		key := backing.Port.PortgroupKey
		if s.reg.Get(types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: key}) == nil {
			return invalid
		}
	case types.BaseVirtualDeviceFileBackingInfo:
		return s.datastorePath(backing.GetVirtualDeviceFileBackingInfo().FileName)
	}
	return nil
}

func (s *scan) hasNetwork(name string) bool {
	for _, entity := range s.reg.All("Network") {
		if network, ok := entity.(*mo.Network); ok && network.Name == name {
			return true
		}
	}
	return false
}

// datastorePath faults paths like "[ds] dir/file" of datastores that do not exist.
func (s *scan) datastorePath(path string) types.BaseMethodFault {
	name, ok := datastoreName(path)
	if path == "" || ok && (name == "" || findDatastore(s.reg, name) != nil) {
		return nil
	}
	return &types.InvalidDatastorePath{InvalidDatastore: types.InvalidDatastore{Name: name}, DatastorePath: path}
}

// datastoreName returns the datastore of a path like "[ds] dir/file".
func datastoreName(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "[")
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(rest, "]")
	return name, ok
}

func findDatastore(reg *simulator.Registry, name string) *simulator.Datastore {
	for _, entity := range reg.All("Datastore") {
		if ds, ok := entity.(*simulator.Datastore); ok && ds.Name == name {
			return ds
		}
	}
	return nil
}
