package vcenter

import (
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

// keepUnset completes edits of devices: what a request leaves out stays as it is. The simulator would lose it.
func keepUnset(devices object.VirtualDeviceList, changes []types.BaseVirtualDeviceConfigSpec) {
	for _, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		if spec.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			continue
		}
		old := devices.FindByKey(spec.Device.GetVirtualDevice().Key)
		if old == nil {
			continue // the simulator faults it
		}
		keepBase(old.GetVirtualDevice(), spec.Device.GetVirtualDevice())
		switch device := spec.Device.(type) {
		case types.BaseVirtualEthernetCard:
			if before, ok := old.(types.BaseVirtualEthernetCard); ok {
				keepCard(before.GetVirtualEthernetCard(), device.GetVirtualEthernetCard())
			}
		case *types.VirtualDisk:
			if before, ok := old.(*types.VirtualDisk); ok {
				keepDisk(before, device)
			}
		}
	}
}

func keepBase(old, device *types.VirtualDevice) {
	if device.Backing == nil {
		device.Backing = old.Backing
	}
	if device.Connectable == nil {
		device.Connectable = old.Connectable
	}
	if device.ControllerKey == 0 {
		device.ControllerKey = old.ControllerKey
	}
	if device.UnitNumber == nil {
		device.UnitNumber = old.UnitNumber
	}
}

func keepCard(old, card *types.VirtualEthernetCard) {
	if card.MacAddress == "" {
		card.MacAddress, card.AddressType = old.MacAddress, old.AddressType
	}
}

// keepDisk keeps the file of a disk, unless the request names another one.
func keepDisk(old, disk *types.VirtualDisk) {
	switch {
	case disk.CapacityInKB == 0 && disk.CapacityInBytes == 0:
		disk.CapacityInKB, disk.CapacityInBytes = old.CapacityInKB, old.CapacityInBytes
	case disk.CapacityInBytes == 0: // the simulator would take this for a size of 0
		disk.CapacityInBytes = disk.CapacityInKB << 10
	case disk.CapacityInKB == 0:
		disk.CapacityInKB = disk.CapacityInBytes >> 10
	}
	backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	before, same := old.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if ok && same && backing.FileName == "" {
		backing.FileName, backing.Datastore, backing.Uuid = before.FileName, before.Datastore, before.Uuid
		backing.Parent = before.Parent
	}
}

// forgetFiles makes the disk edits of a clone mean the clone's own files: the request was made from the source's
// devices, and vCenter takes the disks by key.
func forgetFiles(changes []types.BaseVirtualDeviceConfigSpec) {
	for _, change := range changes {
		spec := change.GetVirtualDeviceConfigSpec()
		disk, ok := spec.Device.(*types.VirtualDisk)
		if !ok || spec.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			continue
		}
		if backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
			backing.FileName = ""
		}
	}
}
