package front

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/inventory"
)

// GuestControl is what the control endpoints need of the guests.
type GuestControl interface {
	// SetRules replaces the behaviour rules by those in a JSON list.
	SetRules(rules json.RawMessage) error
	// Describe decodes what a machine's ExtraConfig says of its guest, and counts what the guest did.
	Describe(vm *simulator.VirtualMachine, extraConfig map[string]string) any
	// EditFile changes a file of the document that a machine's guest has applied.
	EditFile(vm *simulator.VirtualMachine, path, content string) error
	// History returns what the guests of the machines that a glob fits have lived through, in order.
	History(glob string) (any, error)
}

// LivingGuests is what the control endpoints need of guests with an operating system.
type LivingGuests interface {
	// World tells which guests there are and how to enter their namespaces; measuring memory takes a while.
	World(memory bool) any
}

// errNoLiving is the answer of endpoints for guests with an operating system when there are none.
var errNoLiving = errors.New("there are no living guests (--guests living)")

// errNoGuests is the answer of guest endpoints when guests are switched off.
var errNoGuests = errors.New("guests are switched off (--guests none)")

// badRequest is an error that the caller of a control endpoint can mend.
type badRequest struct{ error }

// control is one control endpoint: it returns what is to be sent as JSON.
type control func(r *http.Request) (any, error)

// registerControl mounts the control endpoints.
func (s *Server) registerControl(mux *http.ServeMux) {
	routes := map[string]control{
		"GET log":                  s.controlLog,
		"POST log/reset":           s.controlLogReset,
		"GET mutations":            s.controlMutations,
		"GET inventory":            s.controlInventory,
		"GET vm":                   s.controlVM,
		"POST vm/create":           s.vmCreate,
		"POST vm/power-on":         s.vmPowerOn,
		"POST vm/power-off":        s.vmPowerOff,
		"POST vm/destroy":          s.vmDestroy,
		"POST vm/rename":           s.vmRename,
		"POST vm/resize":           s.vmResize,
		"POST vm/set-extra-config": s.vmSetExtraConfig,
		"POST vm/remove-nic":       s.vmRemoveNIC,
		"POST vm/move":             s.vmMove,
		"POST vm/move-to-folder":   s.vmMoveToFolder,
		"POST vm/connect":          s.vmConnect,
		"POST vm/set-uuid":         s.vmSetUUID,
		"POST vm/remove-snapshots": s.vmRemoveSnapshots,
		"POST folder/destroy":      s.folderDestroy,
		"POST pool/destroy":        s.poolDestroy,
		"POST rule/remove":         s.ruleRemove,
		"POST rule/disable":        s.ruleDisable,
		"POST vm/edit-file":        s.vmEditFile,
		"POST vm/snapshot":         s.vmSnapshot,
		"POST host/maintenance":    s.hostMaintenance,
		"POST latency":             s.controlLatency,
		"POST faults":              s.controlFaults,
		"POST faults/clear":        s.controlFaultsClear,
		"GET held":                 s.controlHeld,
		"POST held/release":        s.controlRelease,
		"GET guests":               s.controlWorld,
		"POST guests":              s.controlGuests,
		"GET guests/history":       s.controlHistory,
		"POST sessions/terminate":  s.controlTerminate,
		"POST restart":             s.controlRestart,
		"POST cluster/capacity":    s.clusterCapacity,
		"POST datastore/capacity":  s.datastoreCapacity,
		"POST host/fail":           s.hostFail,
		"POST host/recover":        s.hostRecover,
		"POST host/evacuate":       s.hostEvacuate,
		"POST privileges":          s.controlPrivileges,
		"POST privileges/clear":    s.controlPrivilegesClear,
	}
	for route, handle := range routes {
		method, path, _ := strings.Cut(route, " ")
		mux.HandleFunc(method+" "+ControlPath+path, answer(handle))
	}
	mux.HandleFunc(ControlPath, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no such control endpoint: "+r.Method+" "+r.URL.Path, http.StatusNotFound)
	})
}

// answer turns a control endpoint into an HTTP handler.
func answer(handle control) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := handle(r)
		status := http.StatusOK
		if err != nil {
			status, value = http.StatusInternalServerError, map[string]string{"error": err.Error()}
			if errors.As(err, &badRequest{}) {
				status = http.StatusBadRequest
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(value)
	}
}

// done is the answer of endpoints that have nothing to tell.
var done = map[string]bool{"ok": true}

func (s *Server) controlLog(*http.Request) (any, error) {
	snapshot := s.log.Snapshot()
	snapshot.SessionsOpen = s.sessions.open()
	return snapshot, nil
}

func (s *Server) controlLogReset(*http.Request) (any, error) {
	s.log.Reset()
	return done, nil
}

func (s *Server) controlInventory(r *http.Request) (any, error) {
	return inventory.Dump(s.reg, strings.Split(r.URL.Query().Get("omit"), ",")), nil
}

func (s *Server) controlLatency(r *http.Request) (any, error) {
	latency, err := milliseconds(r)
	if err != nil {
		return nil, err
	}
	s.latency.Store(int64(latency))
	return done, nil
}

// milliseconds reads the parameter ms.
func milliseconds(r *http.Request) (time.Duration, error) {
	ms, err := strconv.Atoi(r.URL.Query().Get("ms"))
	if err != nil || ms < 0 {
		return 0, badRequest{fmt.Errorf("ms must be a number of milliseconds, got %q", r.URL.Query().Get("ms"))}
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func (s *Server) controlFaults(r *http.Request) (any, error) {
	var rules []*FaultRule
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return nil, badRequest{fmt.Errorf("the body must be a JSON list of rules: %w", err)}
	}
	if err := s.rules.add(rules); err != nil {
		return nil, badRequest{err}
	}
	return done, nil
}

func (s *Server) controlFaultsClear(*http.Request) (any, error) {
	s.rules.clear()
	s.holds.forget()
	return done, nil
}

func (s *Server) controlHeld(*http.Request) (any, error) { return s.holds.snapshot(), nil }

func (s *Server) controlRelease(*http.Request) (any, error) {
	s.holds.releaseAll()
	return done, nil
}

func (s *Server) controlRestart(r *http.Request) (any, error) {
	down, err := milliseconds(r)
	if err != nil {
		return nil, err
	}
	return done, s.Restart(down)
}

func (s *Server) controlGuests(r *http.Request) (any, error) {
	if s.guests == nil {
		return nil, badRequest{errNoGuests}
	}
	var rules json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&rules); err != nil {
		return nil, badRequest{fmt.Errorf("the body must be a JSON list of rules: %w", err)}
	}
	if err := s.guests.SetRules(rules); err != nil {
		return nil, badRequest{err}
	}
	return done, nil
}

func (s *Server) controlHistory(r *http.Request) (any, error) {
	if s.guests == nil {
		return nil, badRequest{errNoGuests}
	}
	events, err := s.guests.History(r.URL.Query().Get("name"))
	if err != nil {
		return nil, badRequest{err}
	}
	return events, nil
}

func (s *Server) controlWorld(r *http.Request) (any, error) {
	if s.living == nil {
		return nil, badRequest{errNoLiving}
	}
	return s.living.World(r.URL.Query().Get("memory") == "true"), nil
}

func (s *Server) controlTerminate(*http.Request) (any, error) {
	return map[string]int{"terminated": s.TerminateSessions()}, nil
}
