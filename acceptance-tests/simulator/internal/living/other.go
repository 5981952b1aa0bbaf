//go:build !linux

package living

import (
	"errors"
	"net"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

var errNotLinux = errors.New("living guests need Linux: they are systems in namespaces")

// Guests are the living guests of one simulator; there are none on this system.
type Guests struct{}

// Enclose fails: there are no namespaces.
func Enclose(string) error { return errNotLinux }

// Install fails: there are no namespaces.
func Install(*simulator.Registry, Options) (*Guests, error) { return nil, errNotLinux }

// Listen fails: there is no network of guests.
func Listen(string) (net.Listener, error) { return nil, errNotLinux }

// Close has nothing to do.
func (*Guests) Close() {}

// Shutdown finds no guest.
func (*Guests) Shutdown(types.ManagedObjectReference) bool { return false }

// Restart finds no guest.
func (*Guests) Restart(types.ManagedObjectReference) bool { return false }

// World has no guests in it.
func (*Guests) World(bool) any { return nil }
