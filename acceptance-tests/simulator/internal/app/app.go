// Package app assembles the simulator: inventory, vCenter's strictness, guests and the network front.
package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/front"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/guest"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/inventory"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/living"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/nsx"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vcenter"
)

// Kinds of guests.
const (
	// GuestsPaper are guests in this process that act as the node agent.
	GuestsPaper = "paper"
	// GuestsLiving are real systems in namespaces of their own behind machines with first-boot data; the others have
	// paper guests.
	GuestsLiving = "living"
	// GuestsNone means that no guest ever starts: no Tools, no addresses.
	GuestsNone = "none"
)

// GuestKinds are all kinds of guests.
var GuestKinds = []string{GuestsPaper, GuestsLiving, GuestsNone}

// Options says what to simulate.
type Options struct {
	Listen         string
	User, Password string
	Latency        time.Duration
	SessionTimeout time.Duration
	Inventory      inventory.Options
	// StateDir is where ca.pem is written; empty means a directory that goes away with the simulator.
	StateDir string
	// Guests is GuestsPaper, GuestsLiving or GuestsNone.
	Guests    string
	GuestBoot time.Duration
	// Living says what living guests boot from and where they are.
	Living living.Options
	// GuestListen is the API's address in the living guests' network.
	GuestListen string
	// NSX says how the NSX Manager starts; without an address there is none.
	NSX nsx.Options
}

// Ready is what a harness needs to know, as the one line on stdout.
type Ready struct {
	Server     string `json:"server"`
	User       string `json:"user"`
	Password   string `json:"password"`
	CAPEMFile  string `json:"ca_pem_file"`
	CAPEM      string `json:"ca_pem"`
	Thumbprint string `json:"thumbprint"`
	Control    string `json:"control"`
	// GuestServer is the server as living guests reach it.
	GuestServer string `json:"guest_server,omitempty"`
	// NSX is the NSX Manager, if there is one.
	NSX *nsx.Ready `json:"nsx,omitempty"`
}

// App is a running simulator.
type App struct {
	// Ready tells how to reach it.
	Ready Ready
	// Front is its network side.
	Front *front.Server

	model   *simulator.Model
	guests  *guest.Guests
	living  *living.Guests
	nsx     *nsx.Manager
	tempDir string
}

// Start builds the inventory and begins to serve.
func Start(options Options) (*App, error) {
	handOffLocks()
	model, err := inventory.Build(options.Inventory)
	if err != nil {
		return nil, err
	}
	a := &App{model: model}
	if err := a.start(options); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// handOffLocks sets the simulator's only global setting that matters to us: without it the simulator keeps an object
// locked while its task is queued, and reads of it wait.
var handOffLocks = sync.OnceFunc(func() { simulator.TaskDelay.MethodDelay = map[string]int{"LockHandoff": 0} })

func (a *App) start(options Options) error {
	reg := a.model.Service.Context.Map
	center := vcenter.Install(reg)
	config := front.Config{Listen: options.Listen, User: options.User, Password: options.Password,
		Latency: options.Latency, SessionTimeout: options.SessionTimeout, Hosts: center}
	switch options.Guests {
	case GuestsPaper:
		a.guests = guest.Install(reg, options.GuestBoot, nil)
		config.Guests = a.guests
	case GuestsLiving:
		if err := a.bringToLife(options, center, &config); err != nil {
			return err
		}
	}
	var err error
	if options.NSX.Listen != "" {
		if a.nsx, err = nsx.Start(options.NSX); err != nil {
			return err
		}
		a.Ready.NSX, config.NSX = &a.nsx.Ready, a.nsx.Control()
	}
	a.Front, err = front.Start(a.model, config)
	if err != nil {
		return err
	}
	file, err := a.writeCA(options.StateDir)
	if err != nil {
		return err
	}
	a.Ready = Ready{Server: a.Front.Address, GuestServer: a.Ready.GuestServer, NSX: a.Ready.NSX, User: options.User, Password: options.Password, CAPEMFile: file,
		CAPEM: a.Front.Identity.CAPEM, Thumbprint: a.Front.Identity.Thumbprint, Control: a.Front.ControlURL()}
	return nil
}

// bringToLife prepares the living guests' world.
func (a *App) bringToLife(options Options, center *vcenter.VCenter, config *front.Config) error {
	reg := a.model.Service.Context.Map
	var err error
	if a.living, err = living.Install(reg, options.Living); err != nil {
		return err
	}
	if config.Also, err = living.Listen(options.GuestListen); err != nil {
		return err
	}
	a.guests = guest.Install(reg, options.GuestBoot, living.Has)
	center.Guests, config.Guests, config.Living = a.living, a.guests, a.living
	a.Ready.GuestServer = options.GuestListen
	return nil
}

func (a *App) writeCA(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "vio-simulator-"); err != nil {
			return "", fmt.Errorf("make a directory for ca.pem: %w", err)
		}
		a.tempDir = dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the state directory: %w", err)
	}
	file, err := filepath.Abs(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return "", fmt.Errorf("find the path of ca.pem: %w", err)
	}
	if err := os.WriteFile(file, []byte(a.Front.Identity.CAPEM), 0o644); err != nil {
		return "", fmt.Errorf("write the CA certificate: %w", err)
	}
	return file, nil
}

// ReadyLine is Ready as one line of JSON.
func (a *App) ReadyLine() string {
	line, err := json.Marshal(a.Ready)
	if err != nil {
		return "{}"
	}
	return string(line)
}

// Close stops serving and removes every temporary file.
func (a *App) Close() {
	if a.Front != nil {
		a.Front.Close()
	}
	if a.nsx != nil {
		a.nsx.Close()
	}
	if a.guests != nil {
		a.guests.Close()
	}
	if a.living != nil {
		a.living.Close()
	}
	inventory.Remove(a.model)
	if a.tempDir != "" {
		_ = os.RemoveAll(a.tempDir)
	}
}
