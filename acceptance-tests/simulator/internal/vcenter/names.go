package vcenter

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

// nameKey is a name within a folder.
type nameKey struct {
	folder types.ManagedObjectReference
	name   string
}

// names makes names unique within a folder even when two calls race for one.
type names struct {
	mu sync.Mutex
	// taken are the names of machines that are being made or renamed.
	taken map[nameKey]bool
}

func newNames() *names { return &names{taken: map[nameKey]bool{}} }

// reserve takes a name until release is called, or faults when it is in use.
func (n *names) reserve(ctx *simulator.Context, parent types.ManagedObjectReference, name string) (release func(), fault types.BaseMethodFault) {
	key := nameKey{parent, name}
	n.mu.Lock()
	taken := n.taken[key]
	n.taken[key] = true
	n.mu.Unlock()
	if taken {
		return nil, &types.DuplicateName{Name: name, Object: parent}
	}
	release = func() {
		n.mu.Lock()
		delete(n.taken, key)
		n.mu.Unlock()
	}
	if holder := child(ctx, parent, name); holder != nil {
		release()
		return nil, &types.DuplicateName{Name: name, Object: *holder}
	}
	return release, nil
}

// child finds what has this name in a folder.
func child(ctx *simulator.Context, parent types.ManagedObjectReference, name string) *types.ManagedObjectReference {
	f, ok := ctx.Map.Get(parent).(*simulator.Folder)
	if !ok {
		return nil
	}
	var found *types.ManagedObjectReference
	ctx.Map.WithLock(ctx, f, func() {
		for _, ref := range f.ChildEntity {
			if vc.Name(ctx.Map, ref) == name {
				found = &ref
			}
		}
	})
	return found
}

// macs hands out MAC addresses as vCenter does, each once.
type macs struct {
	mu   sync.Mutex
	used map[string]bool
}

func newMACs(reg *simulator.Registry) *macs {
	m := &macs{used: map[string]bool{}}
	for _, vm := range vc.VMs(reg) {
		for _, device := range object.VirtualDeviceList(vm.Config.Hardware.Device) {
			if card, ok := device.(types.BaseVirtualEthernetCard); ok {
				m.used[card.GetVirtualEthernetCard().MacAddress] = true
			}
		}
	}
	return m
}

// next returns a fresh address in vCenter's range 00:50:56:80-bf. It follows from the seed, so that the same story
// told twice gives the same addresses.
func (m *macs) next(seed string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := 0; ; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", seed, i))
		mac := fmt.Sprintf("00:50:56:%02x:%02x:%02x", 0x80|sum[0]&0x3f, sum[1], sum[2])
		if !m.used[mac] {
			m.used[mac] = true
			return mac
		}
	}
}
