//go:build linux

package living

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Namespaces beside those of the guests. Their names are in a directory of this process's mount namespace, so that
// other clouds may have the same.
const (
	// switchNamespace holds a bridge for each port group, and nothing that leads out.
	switchNamespace = "switch"
	// clientNamespace is where the tests are: on all port groups that they have an address in, and their router.
	clientNamespace = "client"
)

// namespacePath is where `ip netns` keeps the name of a network namespace.
func namespacePath(name string) string { return filepath.Join("/run/netns", name) }

// network is the switch.
type network struct {
	mu sync.Mutex
	// bridges are the bridges of port groups, by the port group's name.
	bridges map[string]string
	ports   int
}

// newNetwork makes the switch and the client with its addresses.
func newNetwork(addresses map[string][]string) (*network, error) {
	n := &network{bridges: map[string]string{}}
	for _, name := range []string{switchNamespace, clientNamespace} {
		if err := addNamespace(name); err != nil {
			return nil, err
		}
	}
	names := make([]string, 0, len(addresses))
	for name := range addresses {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		card := fmt.Sprintf("lan%d", i)
		if err := n.connect(clientNamespace, card, name, ""); err != nil {
			return nil, err
		}
		for _, address := range addresses[name] {
			if err := ip("-n", clientNamespace, "address", "add", address, "dev", card); err != nil {
				return nil, err
			}
		}
		if err := ip("-n", clientNamespace, "link", "set", card, "up"); err != nil {
			return nil, err
		}
	}
	// A router tells guests that the world is unreachable; without one they would wait for it.
	return n, within(clientNamespace, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
	})
}

// addNamespace makes a network namespace whose loopback is up.
func addNamespace(name string) error {
	if err := ip("netns", "add", name); err != nil {
		return err
	}
	return ip("-n", name, "link", "set", "lo", "up")
}

func removeNamespace(name string) error { return ip("netns", "delete", name) }

// connect gives a namespace a card in a port group.
func (n *network) connect(namespace, card, portGroup, mac string) error {
	bridge, port, err := n.port(portGroup)
	if err != nil {
		return err
	}
	args := []string{"-n", switchNamespace, "link", "add", "name", port, "type", "veth", "peer", "name", card, "netns", namespace}
	if mac != "" {
		args = append(args, "address", mac)
	}
	if err := ip(args...); err != nil {
		return err
	}
	return ip("-n", switchNamespace, "link", "set", "dev", port, "master", bridge, "up")
}

// port returns the bridge of a port group, made if it is new, and the name of a new port.
func (n *network) port(portGroup string) (string, string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports++
	port := fmt.Sprintf("port%d", n.ports)
	if bridge, ok := n.bridges[portGroup]; ok {
		return bridge, port, nil
	}
	bridge := fmt.Sprintf("bridge%d", len(n.bridges))
	if err := ip("-n", switchNamespace, "link", "add", "name", bridge, "type", "bridge"); err != nil {
		return "", "", err
	}
	if err := ip("-n", switchNamespace, "link", "set", "dev", bridge, "alias", portGroup, "up"); err != nil {
		return "", "", err
	}
	n.bridges[portGroup] = bridge
	return bridge, port, nil
}

func ip(args ...string) error {
	output, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, words(output))
	}
	return nil
}

// within runs a function in a network namespace.
func within(namespace string, do func() error) error {
	target, err := os.Open(namespacePath(namespace))
	if err != nil {
		return fmt.Errorf("open the network namespace: %w", err)
	}
	defer func() { _ = target.Close() }()
	done := make(chan error, 1)
	go func() {
		// The thread is not unlocked: it ends with this goroutine, and nobody else gets one in a foreign namespace.
		runtime.LockOSThread()
		if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the network namespace %s: %w", namespace, err)
			return
		}
		done <- do()
	}()
	return <-done
}

// Listen listens in the client's network, where guests can reach it.
func Listen(address string) (net.Listener, error) {
	var listener net.Listener
	err := within(clientNamespace, func() (err error) {
		listener, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s in the guests' network: %w", address, err)
	}
	return listener, nil
}

// addressesIn are the IPv4 addresses in a namespace by the MAC address of their card, in the order in which they were
// given.
func addressesIn(namespace string) map[string][]string {
	found := map[string][]string{}
	_ = within(namespace, func() error {
		cards, err := net.Interfaces()
		for _, card := range cards {
			list, _ := card.Addrs()
			for _, one := range list {
				if prefix, ok := one.(*net.IPNet); ok && prefix.IP.To4() != nil && card.Flags&net.FlagLoopback == 0 {
					mac := card.HardwareAddr.String()
					found[mac] = append(found[mac], prefix.IP.String())
				}
			}
		}
		return err
	})
	return found
}
