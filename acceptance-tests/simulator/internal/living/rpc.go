//go:build linux

package living

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
)

const (
	// guestKeys is what the keys begin with that a guest may see and set.
	guestKeys = "guestinfo."
	// maxRequestBytes is far above what a program can have as an argument.
	maxRequestBytes = 1 << 20
	requestTime     = 10 * time.Second
)

// rpc is the line from one guest to its virtual machine.
type rpc struct {
	listener net.Listener
	guest    *guest
}

// newRPC listens on a socket in a directory that the guest will see.
func newRPC(g *guest, dir string) (*rpc, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of the guest's line: %w", err)
	}
	path := filepath.Join(dir, "rpc")
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for the guest: %w", err)
	}
	r := &rpc{listener: listener, guest: g}
	go r.serve()
	return r, nil
}

func (r *rpc) serve() {
	for {
		connection, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.answer(connection)
	}
}

func (r *rpc) answer(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(requestTime))
	request, err := io.ReadAll(io.LimitReader(connection, maxRequestBytes))
	if err != nil {
		return
	}
	_, _ = io.WriteString(connection, r.guest.call(string(request)))
}

// call does what VMware's back door does: "1 " and a result, or "0 " and what is wrong.
func (g *guest) call(request string) string {
	g.toolsSpoke()
	command, rest, _ := strings.Cut(request, " ")
	key, value, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	switch {
	case command != "info-get" && command != "info-set":
		return "0 Unknown command"
	case !strings.HasPrefix(key, guestKeys):
		return "0 Permission denied"
	case command == "info-set":
		g.setInfo(key, value)
		return "1 "
	}
	if text := g.info(key); text != "" {
		return "1 " + text
	}
	return "0 No value found"
}

// info is the value of a key of the machine's ExtraConfig; "" when there is none.
func (g *guest) info(key string) string {
	text := ""
	g.machine.all.look(g.machine.ref, func(vm *simulator.VirtualMachine) {
		text, _ = vc.ExtraConfig(vm.Config.ExtraConfig, key)
	})
	return text
}

// setInfo sets a key of the machine's ExtraConfig, unless the machine has gone off meanwhile.
func (g *guest) setInfo(key, value string) {
	g.machine.all.update(g.machine.ref, g.isOn, func(vm *mo.VirtualMachine) []types.PropertyChange {
		return vc.SetExtraConfig(vm, key, value)
	})
	g.reported(key, value)
}
