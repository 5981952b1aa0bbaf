package nsx

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// zone is a transport zone.
type zone struct{ id, name, kind string }

// zones are those that every manager starts with. Two have one name, which NSX allows.
func zones() []zone {
	return []zone{
		{"11111111-0000-4000-8000-000000000001", "overlay-tz", "OVERLAY"},
		{"11111111-0000-4000-8000-000000000002", "second-tz", "OVERLAY"},
		{"11111111-0000-4000-8000-000000000003", "twin-tz", "OVERLAY"},
		{"11111111-0000-4000-8000-000000000004", "twin-tz", "OVERLAY"},
		{"11111111-0000-4000-8000-000000000005", "vlan-tz", "VLAN"},
	}
}

// node is a transport node: the object as clients see it, and how far its realization is.
type node struct {
	object object
	// ready is when its realization ends, and failure why it then has failed.
	ready   time.Time
	failure string
}

// populate makes other people's transport nodes: an ESXi host, and a DHCP node of another vCenter's deployment that has a
// name of ours.
func (m *Manager) populate() {
	m.add(object{"resource_type": "TransportNode", "display_name": "esx-7.example.com", "tags": []any{},
		"node_deployment_info": object{"resource_type": "HostNode", "os_type": "ESXI", "ip_addresses": []any{"192.0.2.7"}}})
	m.add(object{"resource_type": "TransportNode", "display_name": "prod-dhcp-01",
		"tags": []any{object{"scope": "vio.deployment", "tag": "prod"}, object{"scope": "vio.instance", "tag": "0123456789abcdef"},
			object{"scope": "vio.component", "tag": "dhcp"}, object{"scope": "vio.index", "tag": "1"}},
		"node_deployment_info": object{"resource_type": "HostNode", "os_type": "UBUNTUKVM", "ip_addresses": []any{"192.0.2.8"}}})
}

func (m *Manager) add(made object) *node {
	m.made++
	id := fmt.Sprintf("22222222-0000-4000-8000-%012d", m.made)
	made["id"], made["node_id"], made["_revision"] = id, id, float64(0)
	if info, ok := made["node_deployment_info"].(object); ok {
		info["id"], info["external_id"] = id, id
	}
	m.nodes[id] = &node{object: made, ready: time.Now().Add(m.options.Realization), failure: m.failing}
	return m.nodes[id]
}

// shown is a copy of the node that later changes do not reach.
func (n *node) shown() object {
	text, _ := json.Marshal(n.object)
	var copied object
	_ = json.Unmarshal(text, &copied)
	return copied
}

func (m *Manager) find(id string) (*node, *apiError) {
	if found, ok := m.nodes[id]; ok {
		return found, nil
	}
	return nil, refuse(http.StatusNotFound, 600, "The requested object : TransportNode/%s could not be found.", id)
}

func (m *Manager) zoneList() []object {
	all := []object{}
	for _, z := range m.zones {
		all = append(all, object{"resource_type": "TransportZone", "id": z.id, "display_name": z.name, "transport_type": z.kind,
			"host_switch_name": "nsxDefaultHostSwitch", "_revision": 0})
	}
	return all
}

func (m *Manager) nodeList(query url.Values) []object {
	all := []object{}
	for _, found := range m.nodes {
		info, _ := found.object["node_deployment_info"].(object)
		kinds := query.Get("node_types")
		if kinds == "" || slices.Contains(strings.Split(kinds, ","), fmt.Sprint(info["resource_type"])) {
			all = append(all, found.shown())
		}
	}
	return all
}

// create registers a host.
func (m *Manager) create(body []byte) (any, *apiError) {
	asked, err := m.read(body)
	if err != nil {
		return nil, err
	}
	info := asked["node_deployment_info"].(object)
	if err := credential(info); err != nil {
		return nil, err
	}
	delete(info, "host_credential")
	if _, given := asked["_revision"]; given {
		return nil, refuse(http.StatusBadRequest, 255, "_revision is not for objects that are made")
	}
	if other := m.holder(info, ""); other != "" {
		return nil, refuse(http.StatusConflict, 26080, "the transport node %s has an address of the host already", other)
	}
	return m.add(asked).shown(), nil
}

// update changes a host at the revision that the client has read.
func (m *Manager) update(id string, body []byte) (any, *apiError) {
	found, err := m.find(id)
	if err != nil {
		return nil, err
	}
	asked, err := m.read(body)
	if err != nil {
		return nil, err
	}
	if asked["_revision"] != found.object["_revision"] {
		return nil, refuse(http.StatusPreconditionFailed, 604,
			"The object TransportNode/%s is at revision %v, not at %v. Fetch the latest copy and retry.", id, found.object["_revision"], asked["_revision"])
	}
	info := asked["node_deployment_info"].(object)
	delete(info, "host_credential")
	if other := m.holder(info, id); other != "" {
		return nil, refuse(http.StatusConflict, 26080, "the transport node %s has an address of the host already", other)
	}
	asked["id"], asked["node_id"] = id, id
	m.replace(found, asked)
	return found.shown(), nil
}

// replace makes an object another one, to be realized anew.
func (m *Manager) replace(found *node, by object) {
	by["_revision"] = found.object["_revision"].(float64) + 1
	found.object, found.ready, found.failure = by, time.Now().Add(m.options.Realization), m.failing
}

// delete removes a host: at once by force, else when its modules are uninstalled.
func (m *Manager) delete(id string, force bool) *apiError {
	if _, err := m.find(id); err != nil {
		return err
	}
	if force || m.options.Realization == 0 {
		delete(m.nodes, id)
		return nil
	}
	time.AfterFunc(m.options.Realization, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.nodes, id)
	})
	return nil
}

// holder names the transport node that has one of a host's addresses.
func (m *Manager) holder(info object, except string) string {
	for id, other := range m.nodes {
		theirs, _ := other.object["node_deployment_info"].(object)
		for _, address := range list(info["ip_addresses"]) {
			if id != except && slices.Contains(list(theirs["ip_addresses"]), address) {
				return fmt.Sprint(other.object["display_name"])
			}
		}
	}
	return ""
}

// stateOf tells how far a node's realization is.
func (m *Manager) stateOf(id string, found *node) object {
	state := object{"transport_node_id": id, "state": "success", "maintenance_mode_state": "DISABLED",
		"node_deployment_state": object{"state": "NODE_READY"}}
	switch left := time.Until(found.ready); {
	case left > m.options.Realization/2:
		state["state"], state["node_deployment_state"] = "pending", object{"state": "INSTALL_IN_PROGRESS"}
	case left > 0:
		state["state"] = "in_progress"
	case found.failure != "":
		state["state"] = "failed"
		state["node_deployment_state"] = object{"state": "INSTALL_FAILED",
			"details": []any{object{"state": "INSTALL_FAILED", "failure_message": found.failure}}}
	}
	return state
}

func (m *Manager) state(id string) (any, *apiError) {
	found, err := m.find(id)
	if err != nil {
		return nil, err
	}
	return m.stateOf(id, found), nil
}

// states lists the states of all nodes, for one client at a time.
func (m *Manager) states(query url.Values) (any, *apiError) {
	if m.listing {
		return nil, refuse(http.StatusConflict, 8300, "another request for the states is in progress")
	}
	all := []object{}
	for id, found := range m.nodes {
		state := m.stateOf(id, found)
		state["id"] = id
		all = append(all, state)
	}
	return page(query, all)
}

func list(value any) []any {
	all, _ := value.([]any)
	return all
}
