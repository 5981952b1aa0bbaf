package nsx

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Control serves the control endpoints, below the prefix that the caller has stripped.
func (m *Manager) Control() http.Handler {
	mux := http.NewServeMux()
	for route, handle := range map[string]func(*http.Request) (any, error){
		"GET /log":             m.controlLog,
		"POST /log/reset":      m.controlLogReset,
		"GET /transport-nodes": m.controlNodes,
		"POST /node/delete":    m.controlDelete,
		"POST /node/edit":      m.controlEdit,
		"POST /realization":    m.controlRealization,
		"POST /password":       m.controlPassword,
		"POST /faults":         m.controlFaults,
		"POST /faults/clear":   m.controlFaultsClear,
		"POST /states/in-use":  m.controlStatesInUse,
	} {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			value, err := handle(r)
			if err != nil {
				send(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
				return
			}
			send(w, http.StatusOK, value)
		})
	}
	return mux
}

var done = map[string]bool{"ok": true}

func (m *Manager) controlLog(*http.Request) (any, error) {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	text, err := json.Marshal(m.log.data)
	return json.RawMessage(text), err
}

func (m *Manager) controlLogReset(*http.Request) (any, error) {
	m.log.reset()
	return done, nil
}

// controlNodes lists the transport nodes with their states.
func (m *Manager) controlNodes(*http.Request) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.nodeList(nil)
	for _, one := range all {
		id, _ := one["id"].(string)
		one["state"] = m.stateOf(id, m.nodes[id])["state"]
	}
	return all, nil
}

// named finds a transport node by its address, which no two have, or by its name.
func (m *Manager) named(r *http.Request) (string, *node, error) {
	wanted := r.URL.Query().Get("node")
	for id, found := range m.nodes {
		info, _ := found.object["node_deployment_info"].(object)
		for _, address := range list(info["ip_addresses"]) {
			if address == wanted {
				return id, found, nil
			}
		}
	}
	return "", nil, fmt.Errorf("no transport node has the address %q", wanted)
}

// controlDelete removes a node behind everybody's back.
func (m *Manager) controlDelete(r *http.Request) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, _, err := m.named(r)
	delete(m.nodes, id)
	return done, err
}

// controlEdit changes a node behind everybody's back, by a merge patch (RFC 7396).
func (m *Manager) controlEdit(r *http.Request) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, found, err := m.named(r)
	if err != nil {
		return nil, err
	}
	var patch object
	if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
		return nil, fmt.Errorf("the body must be a merge patch: %w", err)
	}
	m.replace(found, merged(found.shown(), patch))
	return done, nil
}

func merged(into, patch object) object {
	for name, value := range patch {
		below, isObject := value.(object)
		inner, _ := into[name].(object)
		switch {
		case value == nil:
			delete(into, name)
		case isObject && inner != nil:
			into[name] = merged(inner, below)
		default:
			into[name] = value
		}
	}
	return into
}

// controlRealization says how long realizations take from now on, and why they fail.
func (m *Manager) controlRealization(r *http.Request) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ms, err := strconv.Atoi(r.URL.Query().Get("ms"))
	if err != nil || ms < 0 {
		return nil, errors.New("ms must be a number of milliseconds")
	}
	m.options.Realization, m.failing = time.Duration(ms)*time.Millisecond, r.URL.Query().Get("fail")
	return done, nil
}

// controlPassword changes the password, and opens a locked account.
func (m *Manager) controlPassword(r *http.Request) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.options.Password, m.failures = r.URL.Query().Get("password"), 0
	return done, nil
}

func (m *Manager) controlFaults(r *http.Request) (any, error) {
	var rules []*faultRule
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return nil, fmt.Errorf("the body must be a JSON list of rules: %w", err)
	}
	for _, rule := range rules {
		if err := rule.check(); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rules = append(m.rules, rules...)
	return done, nil
}

func (m *Manager) controlFaultsClear(*http.Request) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rules = nil
	return done, nil
}

// controlStatesInUse lets somebody else read the list of states from now on, or not any more.
func (m *Manager) controlStatesInUse(r *http.Request) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listing = r.URL.Query().Get("on") == "true"
	return done, nil
}
