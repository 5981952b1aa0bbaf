package inventory

import (
	"fmt"
	"path"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// machine is a virtual machine to be built.
type machine struct {
	name, cluster, datastore, network string
	folder                            *object.Folder
	extraConfig                       map[string]string
	annotation                        string
	powerOn                           bool
}

// machines creates the template and the virtual machines that belong to other people.
func (b *builder) machines(clusters []clusterPlan) error {
	templates, err := b.folders.VmFolder.CreateFolder(b.ctx, TemplateFolder)
	if err != nil {
		return fmt.Errorf("create folder %s: %w", TemplateFolder, err)
	}
	otherTeam, err := b.folders.VmFolder.CreateFolder(b.ctx, "other-team")
	if err != nil {
		return fmt.Errorf("create folder other-team: %w", err)
	}
	if err := b.template(templates); err != nil {
		return fmt.Errorf("create template %s: %w", Template, err)
	}
	if _, err := b.machine(machine{name: "someone-elses-vm", cluster: MgmtCluster, datastore: "ds-mgmt",
		network: "management", folder: otherTeam, annotation: "Do not touch.", powerOn: true}); err != nil {
		return err
	}
	if len(clusters) > 1 {
		return b.tenants()
	}
	return nil
}

func (b *builder) tenants() error {
	folder, err := b.folders.VmFolder.CreateFolder(b.ctx, "tenants")
	if err != nil {
		return fmt.Errorf("create folder tenants: %w", err)
	}
	for i := 1; i <= 3; i++ {
		if _, err := b.machine(machine{name: fmt.Sprintf("tenant-vm-%d", i), cluster: "compute-1", datastore: "ds-compute-1",
			network: "data-trunk", folder: folder, powerOn: true}); err != nil {
			return err
		}
	}
	return nil
}

// template makes the node template. Its ExtraConfig proves that clones inherit it.
func (b *builder) template(folder *object.Folder) error {
	vm, err := b.machine(machine{name: Template, cluster: MgmtCluster, datastore: SharedDatastore, network: "management",
		folder: folder, annotation: "Node template: cloud-init and the VMware Tools are installed.",
		extraConfig: map[string]string{"disk.EnableUUID": "TRUE", "template.owner": "platform-team",
			"guestinfo.template.build": "2026.11.1"}})
	if err != nil {
		return err
	}
	vm.Guest.ToolsStatus = types.VirtualMachineToolsStatusToolsNotRunning
	vm.Guest.ToolsVersion, vm.Guest.ToolsVersionStatus2 = "12389", string(types.VirtualMachineToolsVersionStatusGuestToolsUnmanaged)
	vm.Summary.Guest.ToolsStatus = vm.Guest.ToolsStatus
	return object.NewVirtualMachine(b.client, vm.Self).MarkAsTemplate(b.ctx)
}

// machine creates one virtual machine with a disk and a vmxnet3 card.
func (b *builder) machine(m machine) (*simulator.VirtualMachine, error) {
	spec, err := b.machineSpec(m)
	if err != nil {
		return nil, fmt.Errorf("describe virtual machine %s: %w", m.name, err)
	}
	hosts := b.hosts[m.cluster]
	host := object.NewHostSystem(b.client, hosts[len(hosts)-1].Self)
	result, err := b.wait(m.folder.CreateVM(b.ctx, spec, b.pools[m.cluster], host))
	if err != nil {
		return nil, fmt.Errorf("create virtual machine %s: %w", m.name, err)
	}
	vm := b.reg.Get(result.(types.ManagedObjectReference)).(*simulator.VirtualMachine)
	if m.powerOn {
		if _, err := b.wait(object.NewVirtualMachine(b.client, vm.Self).PowerOn(b.ctx)); err != nil {
			return nil, fmt.Errorf("power on virtual machine %s: %w", m.name, err)
		}
	}
	return vm, nil
}

func (b *builder) machineSpec(m machine) (types.VirtualMachineConfigSpec, error) {
	spec := types.VirtualMachineConfigSpec{Name: m.name, Annotation: m.annotation, NumCPUs: 2, MemoryMB: 4096,
		GuestId: string(types.VirtualMachineGuestOsIdentifierUbuntu64Guest),
		Files:   &types.VirtualMachineFileInfo{VmPathName: "[" + m.datastore + "]"}}
	for _, key := range []string{"disk.EnableUUID", "guestinfo.template.build", "template.owner"} {
		if value, ok := m.extraConfig[key]; ok {
			spec.ExtraConfig = append(spec.ExtraConfig, &types.OptionValue{Key: key, Value: value})
		}
	}
	var devices object.VirtualDeviceList
	scsi, err := devices.CreateSCSIController("pvscsi")
	if err != nil {
		return spec, err
	}
	disk := devices.CreateDisk(scsi.(types.BaseVirtualController), types.ManagedObjectReference{},
		spec.Files.VmPathName+" "+path.Join(m.name, m.name+".vmdk"))
	disk.CapacityInKB = templateDiskKiB
	backing, err := b.portGroupBacking(m.network)
	if err != nil {
		return spec, err
	}
	card, err := object.EthernetCardTypes().CreateEthernetCard("vmxnet3", backing)
	if err != nil {
		return spec, err
	}
	spec.DeviceChange, err = append(devices, scsi, disk, card).ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	return spec, err
}

func (b *builder) portGroupBacking(name string) (types.BaseVirtualDeviceBackingInfo, error) {
	for _, entity := range b.reg.All("DistributedVirtualPortgroup") {
		if entity.(*simulator.DistributedVirtualPortgroup).Name == name {
			return object.NewDistributedVirtualPortgroup(b.client, entity.Reference()).EthernetCardBackingInfo(b.ctx)
		}
	}
	return nil, fmt.Errorf("there is no port group %s", name)
}
