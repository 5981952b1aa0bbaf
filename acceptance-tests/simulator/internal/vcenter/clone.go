package vcenter

import (
	"bytes"
	"log"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/esx"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// simulatorKey is an ExtraConfig key that govmomi sets on every new machine by itself.
const simulatorKey = "govcsim"

// linkedClone is the disk move type that makes linked clones.
const linkedClone = string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)

// clonePlan is a clone with all that is to be known of its source.
type clonePlan struct {
	create *types.CreateVM_Task
	spec   types.VirtualMachineCloneSpec
	guest  types.GuestInfo
}

// CloneVMTask makes a clone as vCenter does: with the source's ExtraConfig, annotation and hardware, all of the
// request's configuration, fresh addresses, a checked name and a host of DRS's choice.
func (m *machine) CloneVMTask(ctx *simulator.Context, req *types.CloneVM_Task) soap.HasFault {
	bg := background(ctx)
	plan, fault := m.planClone(req) // the caller holds the source's lock
	task := simulator.CreateTask(m.VirtualMachine, "cloneVm", func(*simulator.Task) (types.AnyType, types.BaseMethodFault) {
		if fault != nil {
			return nil, fault
		}
		return m.vcenter.clone(bg, plan)
	})
	return &methods.CloneVM_TaskBody{Res: &types.CloneVM_TaskResponse{Returnval: vc.RunDetached(bg, task)}}
}

// planClone checks the request and copies what the clone takes from its source.
func (m *machine) planClone(req *types.CloneVM_Task) (*clonePlan, types.BaseMethodFault) {
	location := req.Spec.Location
	pool := location.Pool
	if pool == nil && !m.Config.Template {
		pool = m.ResourcePool
	}
	if pool == nil {
		return nil, &types.InvalidArgument{InvalidProperty: "spec.location.pool"}
	}
	if req.Name == "" {
		return nil, &types.InvalidName{Entity: &m.Self}
	}
	linked, fault := m.checkDisks(req.Spec)
	if fault != nil {
		return nil, fault
	}
	config := m.copyConfig(req)
	config.DeviceChange, fault = copyDevices(m.Config.Hardware.Device, linked)
	if fault != nil {
		return nil, fault
	}
	return &clonePlan{spec: req.Spec, guest: *m.Guest,
		create: &types.CreateVM_Task{This: req.Folder, Config: config, Pool: *pool, Host: location.Host}}, nil
}

// checkDisks says whether the clone's disks are to be linked. Only a snapshot of the source is safe to link to.
func (m *machine) checkDisks(spec types.VirtualMachineCloneSpec) (bool, types.BaseMethodFault) {
	moves := []string{spec.Location.DiskMoveType}
	for _, disk := range spec.Location.Disk {
		moves = append(moves, disk.DiskMoveType)
	}
	linked := false
	for _, move := range moves {
		if move != "" && !contains(types.VirtualMachineRelocateDiskMoveOptions("").Strings(), move) {
			return false, &types.InvalidArgument{InvalidProperty: "spec.location.diskMoveType"}
		}
		linked = linked || move == linkedClone
	}
	if spec.Snapshot != nil && !m.hasSnapshot(*spec.Snapshot) {
		return false, &types.InvalidArgument{InvalidProperty: "spec.snapshot"}
	}
	if linked && spec.Snapshot == nil {
		return false, &types.InvalidArgument{InvalidProperty: "spec.location.diskMoveType"}
	}
	return linked, nil
}

func (m *machine) hasSnapshot(ref types.ManagedObjectReference) bool {
	snapshot, ok := m.vcenter.reg.Get(ref).(*simulator.VirtualMachineSnapshot)
	return ok && snapshot.Vm == m.Self
}

// copyConfig is the configuration of the clone without its devices.
func (m *machine) copyConfig(req *types.CloneVM_Task) types.VirtualMachineConfigSpec {
	source := m.Config
	datastore, _ := datastoreName(source.Files.VmPathName)
	if ref := req.Spec.Location.Datastore; ref != nil {
		datastore = vc.Name(m.vcenter.reg, *ref)
	}
	var options []types.BaseOptionValue
	config := types.VirtualMachineConfigSpec{Name: req.Name, Annotation: source.Annotation, GuestId: source.GuestId,
		Version: source.Version, Firmware: source.Firmware, NumCPUs: source.Hardware.NumCPU,
		NumCoresPerSocket: source.Hardware.NumCoresPerSocket, MemoryMB: int64(source.Hardware.MemoryMB),
		CpuHotAddEnabled: source.CpuHotAddEnabled, MemoryHotAddEnabled: source.MemoryHotAddEnabled,
		Files: &types.VirtualMachineFileInfo{VmPathName: (&object.DatastorePath{Datastore: datastore, Path: req.Name}).String()}}
	if own := req.Spec.Config; own != nil {
		options = own.ExtraConfig
		config.Uuid, config.InstanceUuid = own.Uuid, own.InstanceUuid
	}
	config.ExtraConfig = inherit(source.ExtraConfig, options)
	return config
}

// inherit merges ExtraConfig: the source's keys, then the clone's own over them; an empty value removes a key.
func inherit(source, own []types.BaseOptionValue) []types.BaseOptionValue {
	override := map[string]bool{}
	for _, option := range own {
		override[option.GetOptionValue().Key] = true
	}
	var merged []types.BaseOptionValue
	for _, option := range source {
		value := *option.GetOptionValue()
		if !override[value.Key] && value.Key != simulatorKey {
			merged = append(merged, &value)
		}
	}
	for _, option := range own {
		value := *option.GetOptionValue()
		if text, ok := value.Value.(string); !ok || text != "" {
			merged = append(merged, &value)
		}
	}
	return merged
}

// copyDevices copies the source's devices for the clone: new disks, or children of the source's, and cards without
// addresses.
func copyDevices(source []types.BaseVirtualDevice, linked bool) ([]types.BaseVirtualDeviceConfigSpec, types.BaseMethodFault) {
	defaults := object.VirtualDeviceList(esx.VirtualDevice)
	devices, err := deepCopy(source)
	if err != nil {
		log.Printf("copy devices of a clone: %s", err)
		return nil, &types.InvalidVmConfig{Property: "configSpec.deviceChange"}
	}
	var specs []types.BaseVirtualDeviceConfigSpec
	for _, device := range devices {
		if defaults.Find(devices.Name(device)) != nil {
			continue // every new machine gets these
		}
		spec := &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device}
		switch d := device.(type) {
		case *types.VirtualDisk:
			spec.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
			if backing, ok := d.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
				d.Backing = childBacking(backing, linked)
			}
		case types.BaseVirtualEthernetCard:
			d.GetVirtualEthernetCard().MacAddress = ""
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// childBacking is the backing of a clone's disk; its file gets its name when the clone is made.
func childBacking(source *types.VirtualDiskFlatVer2BackingInfo, linked bool) *types.VirtualDiskFlatVer2BackingInfo {
	backing := *source
	backing.FileName, backing.Uuid, backing.Datastore, backing.Parent = "", "", nil, nil
	if linked {
		parent := *source
		backing.Parent = &parent
	}
	return &backing
}

// deepCopy copies devices by writing and reading them, as the simulator itself does.
func deepCopy(devices []types.BaseVirtualDevice) (object.VirtualDeviceList, error) {
	var buffer bytes.Buffer
	if err := xml.NewEncoder(&buffer).Encode(types.ArrayOfVirtualDevice{VirtualDevice: devices}); err != nil {
		return nil, err
	}
	decoder := xml.NewDecoder(&buffer)
	decoder.TypeFunc = types.TypeFunc()
	var out types.ArrayOfVirtualDevice
	err := decoder.Decode(&out)
	return out.VirtualDevice, err
}

// clone carries a plan out. A clone that cannot be configured is removed again; one that cannot be powered on stays,
// as in vCenter.
func (v *VCenter) clone(ctx *simulator.Context, plan *clonePlan) (types.AnyType, types.BaseMethodFault) {
	result, fault := v.create(ctx, plan.create)
	if fault != nil {
		return nil, fault
	}
	vm := v.reg.Get(result.(types.ManagedObjectReference)).(*simulator.VirtualMachine)
	if fault := v.finishClone(ctx, vm, plan); fault != nil {
		_, _ = run(ctx, func() (types.ManagedObjectReference, types.BaseMethodFault) {
			return vm.DestroyTask(ctx, &types.Destroy_Task{This: vm.Self}).(*methods.Destroy_TaskBody).Res.Returnval, nil
		})
		return nil, fault
	}
	if plan.spec.Template {
		ctx.Map.WithLock(ctx, vm, func() { v.markTemplate(ctx, vm) })
	} else if plan.spec.PowerOn {
		if fault := v.powerOn(ctx, vm); fault != nil {
			return nil, fault
		}
	}
	return vm.Self, nil
}

// finishClone applies the rest of the request's configuration, and lets the clone have the source's VMware Tools.
func (v *VCenter) finishClone(ctx *simulator.Context, vm *simulator.VirtualMachine, plan *clonePlan) types.BaseMethodFault {
	if plan.guest.ToolsStatus != types.VirtualMachineToolsStatusToolsNotInstalled && plan.guest.ToolsStatus != "" {
		ctx.Map.AtomicUpdate(ctx, vm, []types.PropertyChange{
			{Name: "guest.toolsStatus", Val: types.VirtualMachineToolsStatusToolsNotRunning},
			{Name: "guest.toolsVersion", Val: plan.guest.ToolsVersion},
			{Name: "guest.toolsVersionStatus2", Val: plan.guest.ToolsVersionStatus2},
			{Name: "summary.guest.toolsStatus", Val: types.VirtualMachineToolsStatusToolsNotRunning},
		})
	}
	var rest types.VirtualMachineConfigSpec
	if plan.spec.Config != nil {
		rest = *plan.spec.Config
	}
	rest.Name, rest.ExtraConfig, rest.Files, rest.Uuid, rest.InstanceUuid, rest.ChangeVersion = "", nil, nil, "", "", ""
	rest.DeviceChange = append(append([]types.BaseVirtualDeviceConfigSpec{}, plan.spec.Location.DeviceChange...), rest.DeviceChange...)
	if plan.spec.Config == nil && len(rest.DeviceChange) == 0 {
		return nil
	}
	forgetFiles(rest.DeviceChange)
	_, fault := v.reconfigure(ctx, vm, rest)
	if fault == nil && plan.spec.Customization != nil {
		_, fault = run(ctx, func() (types.ManagedObjectReference, types.BaseMethodFault) {
			res := vm.CustomizeVMTask(ctx, &types.CustomizeVM_Task{This: vm.Self, Spec: *plan.spec.Customization})
			return res.(*methods.CustomizeVM_TaskBody).Res.Returnval, nil
		})
	}
	return fault
}

func contains(list []string, value string) bool {
	for _, one := range list {
		if strings.EqualFold(one, value) {
			return true
		}
	}
	return false
}
