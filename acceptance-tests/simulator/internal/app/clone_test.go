package app

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

func TestCloneInheritsExtraConfigUnlessOverriddenOrEmptied(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.clone("node-1", w.cloneSpec(map[string]string{"template.owner": "me", "guestinfo.template.build": "", "vio.id": "7"}))
	got := w.facts("node-1").ExtraConfig
	want := map[string]string{"disk.EnableUUID": "TRUE", "template.owner": "me", "vio.id": "7"}
	if len(got) != len(want) {
		t.Fatalf("ExtraConfig is %v, want %v", got, want)
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
}

func TestCloneTakesHardwareAnnotationAndAFreshMAC(t *testing.T) {
	t.Parallel()
	w := start(t)
	spec := w.cloneSpec(nil)
	spec.Config.NumCPUs, spec.Config.MemoryMB = 8, 16384
	w.clone("node-1", spec)
	w.clone("node-2", w.cloneSpec(nil))
	one, two, template := w.facts("node-1"), w.facts("node-2"), w.facts("vio-node-template")
	if one.CPUs != 8 || one.MemoryMiB != 16384 || two.CPUs != 2 {
		t.Errorf("sizes are %d/%d and %d", one.CPUs, one.MemoryMiB, two.CPUs)
	}
	if one.Annotation != template.Annotation || one.Annotation == "" {
		t.Errorf("annotation is %q", one.Annotation)
	}
	macs := map[string]bool{}
	for _, mac := range []string{one.NICs[0].MAC, two.NICs[0].MAC} {
		macs[mac] = true
		if !strings.HasPrefix(mac, "00:50:56:") {
			t.Errorf("MAC %s is not in vCenter's range", mac)
		}
	}
	if macs[template.NICs[0].MAC] || len(macs) != 2 {
		t.Errorf("addresses repeat: %v", macs)
	}
}

func TestCloneAppliesDeviceChangesAndAnnotation(t *testing.T) {
	t.Parallel()
	w := start(t)
	devices, err := w.template().Device(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	card := devices.SelectByType((*types.VirtualEthernetCard)(nil))[0]
	network, err := w.finder.Network(context.Background(), "api")
	if err != nil {
		t.Fatal(err)
	}
	card.GetVirtualDevice().Backing, _ = network.EthernetCardBackingInfo(context.Background())
	card.(types.BaseVirtualEthernetCard).GetVirtualEthernetCard().MacAddress = ""
	second, _ := object.EthernetCardTypes().CreateEthernetCard("vmxnet3", card.GetVirtualDevice().Backing)
	disk := devices.SelectByType((*types.VirtualDisk)(nil))[0].(*types.VirtualDisk)
	disk.CapacityInKB *= 2
	disk.CapacityInBytes = 0
	disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo).FileName = ""
	spec := w.cloneSpec(nil)
	spec.Config.Annotation = "a node"
	spec.Config.DeviceChange = []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: card},
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: disk},
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: second}}
	w.clone("node-1", spec)
	got := w.facts("node-1")
	if got.Annotation != "a node" || len(got.NICs) != 2 || got.NICs[0].Network != "api" || got.NICs[1].Network != "api" {
		t.Errorf("clone is %+v", got)
	}
	if len(got.Disks) != 1 || got.Disks[0].CapacityMiB != 20480 {
		t.Errorf("disks are %+v", got.Disks)
	}
	if got.NICs[0].MAC == got.NICs[1].MAC || got.NICs[0].MAC == "" {
		t.Errorf("addresses are %+v", got.NICs)
	}
}

func TestCloneThatCannotBeConfiguredFailsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	w := start(t)
	devices, err := w.template().Device(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	card := devices.SelectByType((*types.VirtualEthernetCard)(nil))[0]
	card.GetVirtualDevice().Key = 4999 // the template has no such card
	spec := w.cloneSpec(nil)
	spec.Config.DeviceChange = []types.BaseVirtualDeviceConfigSpec{
		&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: card}}
	_, err = w.wait(w.template().Clone(context.Background(), w.folder(), "node-1", spec))
	wantFault[*types.InvalidDeviceSpec](t, err)
	if status, _ := w.control("GET", "vm?name=node-1", nil); status == 200 {
		t.Error("the failed clone is still there")
	}
}

func TestOfManyClonesOfOneNameExactlyOneSucceeds(t *testing.T) {
	t.Parallel()
	w := start(t)
	sources := []*object.VirtualMachine{w.template(), w.vm("/dc1/vm/other-team/someone-elses-vm"), w.vm("/dc1/vm/tenants/tenant-vm-1")}
	folder, spec := w.folder(), w.cloneSpec(nil)
	var wg sync.WaitGroup
	failures := make(chan error, 12)
	for i := range 12 {
		client := w.login()
		wg.Go(func() {
			source := object.NewVirtualMachine(client.Client, sources[i%3].Reference())
			if _, err := w.wait(source.Clone(context.Background(), folder, "the-one", spec)); err != nil {
				failures <- err
			}
		})
	}
	wg.Wait()
	close(failures)
	if len(failures) != 11 {
		t.Errorf("%d clones failed, want 11 of 12", len(failures))
	}
	for err := range failures {
		wantFault[*types.DuplicateName](t, err)
	}
}

func TestCreatedMachinesHaveUniqueNamesToo(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.post("vm/create?name=foreign&folder=/dc1/vm/other-team", nil)
	status, text := w.control("POST", "vm/create?name=foreign&folder=/dc1/vm/other-team", nil)
	if status != 400 || !strings.Contains(text, "DuplicateName") {
		t.Errorf("second create: %d %s", status, text)
	}
	_, err := w.wait(w.vm("/dc1/vm/other-team/foreign").Rename(context.Background(), "someone-elses-vm"))
	wantFault[*types.DuplicateName](t, err)
}

func TestLinkedCloneNeedsASnapshotAndOutlivesItsImage(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	image := w.clone("image", w.cloneSpec(nil))
	spec := w.cloneSpec(nil)
	spec.Location.DiskMoveType = string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)
	_, err := w.wait(image.Clone(ctx, w.folder(), "node-1", spec))
	wantFault[*types.InvalidArgument](t, err)

	w.must(image.CreateSnapshot(ctx, "base", "", false, false))
	spec.Snapshot = w.props(image).Snapshot.CurrentSnapshot
	node := w.cloneOf(image, "node-1", spec)
	disks := w.facts("node-1").Disks
	if len(disks) != 1 || !strings.Contains(disks[0].Parent, "[ds-shared] image/") {
		t.Fatalf("disks are %+v", disks)
	}
	// A linked clone's disk has its parent's size, always.
	devices, _ := node.Device(ctx)
	disk := devices.SelectByType((*types.VirtualDisk)(nil))[0].(*types.VirtualDisk)
	disk.CapacityInKB *= 2
	disk.CapacityInBytes = 0
	wantFault[*types.InvalidDeviceOperation](t, node.EditDevice(ctx, disk))

	w.must(image.Destroy(ctx))
	w.must(node.PowerOn(ctx))
	w.must(node.PowerOff(ctx))
	w.must(node.Destroy(ctx))
}
