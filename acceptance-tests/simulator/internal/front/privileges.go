package front

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// need is a privilege that a call needs, and on what.
type need struct {
	privilege string
	on        types.ManagedObjectReference
}

// privileges are what the user may do. As in vCenter, whoever may log in may read.
type privileges struct {
	mu sync.Mutex
	// granted is nil when everything is.
	granted map[string]bool
}

func (p *privileges) grant(names []string) {
	granted := map[string]bool{}
	for _, name := range names {
		granted[name] = true
	}
	p.mu.Lock()
	p.granted = granted
	p.mu.Unlock()
}

func (p *privileges) grantAll() {
	p.mu.Lock()
	p.granted = nil
	p.mu.Unlock()
}

// lacks returns the first need that the user has no privilege for.
func (p *privileges) lacks(needs []need) *types.NoPermission {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, need := range needs {
		if p.granted != nil && !p.granted[need.privilege] {
			return &types.NoPermission{Object: &need.on, PrivilegeId: need.privilege}
		}
	}
	return nil
}

// forbidden refuses a call that the user may not make, and notes what those need that he may.
func (c *apiCall) forbidden() bool {
	if !c.server.sessions.authenticated(c.r) {
		return false // the simulator says NotAuthenticated
	}
	needs := needsOf(c.server.reg, c.method)
	if fault := c.server.privileges.lacks(needs); fault != nil {
		c.done("NoPermission", writeFault(c.w, "Permission to perform this operation was denied.", fault))
		return true
	}
	for _, need := range needs {
		c.server.log.privilege(need.privilege)
	}
	return false
}

// byMethod are the privileges of methods that need one, on the object they are called on. These and those below are as the
// vSphere Web Services API reference has them under each method's "Required Privileges".
var byMethod = map[string]string{
	"CreateFolder":                    "Folder.Create",
	"CreateResourcePool":              "Resource.CreatePool",
	"CreateSnapshot_Task":             "VirtualMachine.State.CreateSnapshot",
	"RemoveSnapshot_Task":             "VirtualMachine.State.RemoveSnapshot",
	"PowerOnVM_Task":                  "VirtualMachine.Interact.PowerOn",
	"PowerOffVM_Task":                 "VirtualMachine.Interact.PowerOff",
	"ShutdownGuest":                   "VirtualMachine.Interact.PowerOff",
	"ResetVM_Task":                    "VirtualMachine.Interact.Reset",
	"ReconfigureComputeResource_Task": "Host.Inventory.EditCluster",
	"CancelTask":                      "Global.CancelTask",
	"MoveIntoFolder_Task":             "VirtualMachine.Inventory.Move",
	"MoveIntoResourcePool":            "Resource.AssignVMToPool",
}

// destroying are the privileges to destroy an object of a type.
var destroying = map[string]string{
	"Folder":         "Folder.Delete",
	"ResourcePool":   "Resource.DeletePool",
	"VirtualMachine": "VirtualMachine.Inventory.Delete",
}

// needsOf lists what a call needs. A method that changes something and is not known here needs a privilege that does not
// exist, so that it is noticed.
func needsOf(reg *simulator.Registry, method *simulator.Method) []need {
	switch request := method.Body.(type) {
	case *types.CloneVM_Task:
		return cloneNeeds(reg, request)
	case *types.ReconfigVM_Task:
		return configNeeds(reg, &request.Spec, request.This)
	case *types.Destroy_Task:
		if privilege, ok := destroying[request.This.Type]; ok {
			return []need{{privilege, request.This}}
		}
	case *types.Rename_Task:
		if request.This.Type == "VirtualMachine" {
			return []need{{"VirtualMachine.Config.Rename", request.This}}
		}
	}
	if privilege, ok := byMethod[method.Name]; ok {
		return []need{{privilege, method.This}}
	}
	if mutates(method.Name) {
		return []need{{"unknown." + method.Name, method.This}}
	}
	return nil
}

func cloneNeeds(reg *simulator.Registry, request *types.CloneVM_Task) []need {
	source := "VirtualMachine.Provisioning.Clone"
	if vm, ok := reg.Get(request.This).(*simulator.VirtualMachine); ok && vm.Config.Template {
		source = "VirtualMachine.Provisioning.DeployTemplate"
	}
	needs := []need{{source, request.This}, {"VirtualMachine.Inventory.CreateFromExisting", request.Folder}}
	if pool := request.Spec.Location.Pool; pool != nil {
		needs = append(needs, need{"Resource.AssignVMToPool", *pool})
	}
	if datastore := request.Spec.Location.Datastore; datastore != nil {
		needs = append(needs, need{"Datastore.AllocateSpace", *datastore})
	}
	if request.Spec.PowerOn {
		needs = append(needs, need{"VirtualMachine.Interact.PowerOn", request.Folder})
	}
	if request.Spec.Config != nil {
		needs = append(needs, configNeeds(reg, request.Spec.Config, request.Folder)...)
	}
	return needs
}

// configNeeds lists what a change of a machine's configuration needs on the machine, or on the folder of one that is to be.
func configNeeds(reg *simulator.Registry, spec *types.VirtualMachineConfigSpec, on types.ManagedObjectReference) []need {
	var needs []need
	add := func(set bool, privilege string) {
		if set {
			needs = append(needs, need{"VirtualMachine.Config." + privilege, on})
		}
	}
	add(spec.Name != "", "Rename")
	add(spec.Annotation != "", "Annotation")
	add(spec.NumCPUs != 0, "CPUCount")
	add(spec.MemoryMB != 0, "Memory")
	add(len(spec.ExtraConfig) > 0, "AdvancedConfig")
	for _, change := range spec.DeviceChange {
		device := change.GetVirtualDeviceConfigSpec()
		_, disk := device.Device.(*types.VirtualDisk)
		edit := device.Operation == types.VirtualDeviceConfigSpecOperationEdit
		add(edit, "EditDevice")
		add(edit && disk, "DiskExtend")
		add(!edit && !disk, "AddRemoveDevice")
		add(device.Operation == types.VirtualDeviceConfigSpecOperationAdd && disk, "AddNewDisk")
		if network, ok := networkOf(reg, device); ok {
			needs = append(needs, need{"Network.Assign", network})
		}
	}
	return needs
}

// networkOf finds the network that a new card is on.
func networkOf(reg *simulator.Registry, change *types.VirtualDeviceConfigSpec) (types.ManagedObjectReference, bool) {
	card, ok := change.Device.(types.BaseVirtualEthernetCard)
	if !ok || change.Operation == types.VirtualDeviceConfigSpecOperationRemove {
		return types.ManagedObjectReference{}, false
	}
	name := ""
	switch backing := card.GetVirtualEthernetCard().Backing.(type) {
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		return types.ManagedObjectReference{Type: "DistributedVirtualPortgroup", Value: backing.Port.PortgroupKey}, true
	case *types.VirtualEthernetCardNetworkBackingInfo:
		name = backing.DeviceName
	}
	for _, network := range reg.All("Network") {
		if vc.Name(reg, network.Reference()) == name {
			return network.Reference(), true
		}
	}
	return types.ManagedObjectReference{}, false
}

// controlPrivileges leaves the user the privileges of a JSON list, and those alone.
func (s *Server) controlPrivileges(r *http.Request) (any, error) {
	var names []string
	if err := json.NewDecoder(r.Body).Decode(&names); err != nil {
		return nil, badRequest{fmt.Errorf("the body must be a JSON list of privileges: %w", err)}
	}
	s.privileges.grant(names)
	return done, nil
}

// controlPrivilegesClear lets the user do everything.
func (s *Server) controlPrivilegesClear(*http.Request) (any, error) {
	s.privileges.grantAll()
	return done, nil
}
