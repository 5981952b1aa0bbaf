package app

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// lacked returns the privilege and the type of the object of a fault NoPermission.
func lacked(t *testing.T, err error) (string, string) {
	t.Helper()
	wantFault[*types.NoPermission](t, err)
	var failed task.Error
	if errors.As(err, &failed) {
		t.Fatal("the task was started")
	}
	fault := soap.ToSoapFault(err).VimFault().(types.NoPermission)
	return fault.PrivilegeId, fault.Object.Type
}

func TestAMissingPrivilegeIsNamedWithItsObjectAndNothingHappens(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	w.post("privileges", []string{"VirtualMachine.Provisioning.DeployTemplate", "VirtualMachine.Inventory.CreateFromExisting"})
	_, err := w.wait(w.template().Clone(ctx, w.folder(), "node-1", w.cloneSpec(nil)))
	if privilege, on := lacked(t, err); privilege != "Resource.AssignVMToPool" || on != "ResourcePool" {
		t.Errorf("%s on %s is lacked", privilege, on)
	}
	_, err = w.folder().CreateFolder(ctx, "prod")
	if privilege, on := lacked(t, err); privilege != "Folder.Create" || on != "Folder" {
		t.Errorf("%s on %s is lacked", privilege, on)
	}
	if w.exists("node-1") {
		t.Error("the clone was made")
	}
	w.post("privileges/clear", nil)
	w.clone("node-1", w.cloneSpec(nil))
}

func TestPuttingAMachineBackNeedsPrivilegesOfItsOwn(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	vm := w.clone("node-1", w.cloneSpec(nil))
	w.post("privileges", []string{})
	_, err := w.wait(vm.Rename(ctx, "node-2"))
	if privilege, on := lacked(t, err); privilege != "VirtualMachine.Config.Rename" || on != "VirtualMachine" {
		t.Errorf("%s on %s is lacked", privilege, on)
	}
	list := []types.ManagedObjectReference{vm.Reference()}
	_, err = w.wait(w.folder().MoveInto(ctx, list))
	if privilege, on := lacked(t, err); privilege != "VirtualMachine.Inventory.Move" || on != "Folder" {
		t.Errorf("%s on %s is lacked", privilege, on)
	}
	_, err = methods.MoveIntoResourcePool(ctx, w.client, &types.MoveIntoResourcePool{This: w.pool("mgmt"), List: list})
	if privilege, on := lacked(t, err); privilege != "Resource.AssignVMToPool" || on != "ResourcePool" {
		t.Errorf("%s on %s is lacked", privilege, on)
	}
}

func TestTheLogTellsThePrivilegesThatCallsNeeded(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := context.Background()
	w.post("log/reset", nil)
	vm := w.clone("node-1", w.cloneSpec(map[string]string{"a": "b"}))
	w.must(vm.PowerOn(ctx))
	w.must(vm.PowerOff(ctx))
	w.must(vm.Destroy(ctx))
	var used []string
	for name := range w.log().Privileges {
		used = append(used, name)
	}
	slices.Sort(used)
	want := []string{"Resource.AssignVMToPool", "VirtualMachine.Config.AdvancedConfig", "VirtualMachine.Interact.PowerOff",
		"VirtualMachine.Interact.PowerOn", "VirtualMachine.Inventory.CreateFromExisting", "VirtualMachine.Inventory.Delete",
		"VirtualMachine.Provisioning.DeployTemplate"}
	if !slices.Equal(used, want) {
		t.Errorf("used %q", used)
	}
}
