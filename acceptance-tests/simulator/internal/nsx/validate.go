package nsx

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
)

// What the API's types may have. Members that only the manager sets are ignored when a client sends them back.
var (
	nodeMembers = []string{"resource_type", "id", "node_id", "display_name", "description", "tags", "_revision", "_create_time",
		"_create_user", "_last_modified_time", "_last_modified_user", "_protection", "_system_owned", "node_deployment_info",
		"host_switch_spec", "transport_zone_endpoints", "maintenance_mode", "is_overridden", "remote_tunnel_endpoint"}
	hostMembers = []string{"resource_type", "id", "external_id", "display_name", "description", "ip_addresses",
		"discovered_ip_addresses", "fqdn", "os_type", "os_version", "host_credential", "managed_by_server", "discovered_node_id", "tags"}
	credentialMembers = []string{"username", "password", "thumbprint"}
	standardMembers   = []string{"host_switch_id", "host_switch_name", "host_switch_mode", "host_switch_type",
		"host_switch_profile_ids", "ip_assignment_spec", "pnics", "uplinks", "transport_zone_endpoints", "is_migrate_pnics",
		"cpu_config", "vmk_install_migration", "vmk_uninstall_migration", "pnics_uninstall_migration", "not_ready"}
	preconfiguredMembers = []string{"host_switch_id", "endpoints", "transport_zone_endpoints"}
	osTypes              = []string{"ESXI", "RHELKVM", "RHELSERVER", "WINDOWSSERVER", "UBUNTUKVM", "UBUNTUSERVER", "CENTOSKVM",
		"CENTOSSERVER", "SLESKVM", "SLESSERVER", "OELSERVER"}
	assignments = []string{"AssignedByDhcp", "StaticIpListSpec", "StaticIpPoolSpec"}
)

// read takes the body of a transport node in.
func (m *Manager) read(body []byte) (object, *apiError) {
	var asked object
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, bad("the body is no JSON object: %s", err)
	}
	if err := members("TransportNode", asked, nodeMembers); err != nil {
		return nil, err
	}
	if name, _ := asked["display_name"].(string); len(name) > 255 {
		return nil, bad("display_name is longer than 255")
	}
	for _, tag := range list(asked["tags"]) {
		pair, _ := tag.(object)
		scope, _ := pair["scope"].(string)
		text, _ := pair["tag"].(string)
		if len(pair) != 2 || len(scope) > 128 || len(text) > 256 {
			return nil, bad("a tag has a scope of at most 128 and a tag of at most 256 characters")
		}
	}
	if err := host(asked); err != nil {
		return nil, err
	}
	return asked, m.hostSwitches(asked)
}

// host judges node_deployment_info.
func host(asked object) *apiError {
	info, ok := asked["node_deployment_info"].(object)
	if !ok || info["resource_type"] != "HostNode" {
		return bad("node_deployment_info must be of the type HostNode")
	}
	if err := members("HostNode", info, hostMembers); err != nil {
		return err
	}
	if kind, _ := info["os_type"].(string); !slices.Contains(osTypes, kind) {
		return bad("os_type must be one of %s", strings.Join(osTypes, ", "))
	}
	if len(list(info["ip_addresses"])) == 0 {
		return bad("ip_addresses is mandatory")
	}
	for _, address := range list(info["ip_addresses"]) {
		if text, _ := address.(string); net.ParseIP(text) == nil {
			return bad("%v is no IP address", address)
		}
	}
	return nil
}

// credential judges how the manager would log in to a new host.
func credential(info object) *apiError {
	given, ok := info["host_credential"].(object)
	if !ok {
		return bad("host_credential is mandatory while a host is added")
	}
	if err := members("HostNodeLoginCredential", given, credentialMembers); err != nil {
		return err
	}
	for _, name := range credentialMembers {
		if text, _ := given[name].(string); text == "" {
			return bad("without %s no connection to the host can be established", name)
		}
	}
	return nil
}

// hostSwitches judges host_switch_spec.
func (m *Manager) hostSwitches(asked object) *apiError {
	spec, _ := asked["host_switch_spec"].(object)
	allowed, preconfigured := standardMembers, spec["resource_type"] == "PreconfiguredHostSwitchSpec"
	switch {
	case preconfigured && len(list(spec["host_switches"])) > 1:
		return bad("only one preconfigured host switch can be specified")
	case preconfigured:
		allowed = preconfiguredMembers
	case spec["resource_type"] != "StandardHostSwitchSpec":
		return bad("host_switch_spec must be a StandardHostSwitchSpec or a PreconfiguredHostSwitchSpec")
	}
	for _, one := range list(spec["host_switches"]) {
		entry, _ := one.(object)
		if err := members("host switch", entry, allowed); err != nil {
			return err
		}
		if preconfigured && entry["host_switch_id"] == nil {
			return bad("host_switch_id is required")
		}
		if err := m.hostSwitch(entry); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) hostSwitch(entry object) *apiError {
	if spec, given := entry["ip_assignment_spec"].(object); given {
		if kind, _ := spec["resource_type"].(string); !slices.Contains(assignments, kind) {
			return bad("ip_assignment_spec must be one of %s", strings.Join(assignments, ", "))
		}
	}
	for _, one := range list(entry["pnics"]) {
		pnic, _ := one.(object)
		if pnic["device_name"] == nil || pnic["uplink_name"] == nil {
			return bad("a pnic has a device_name and an uplink_name")
		}
	}
	for _, one := range list(entry["transport_zone_endpoints"]) {
		endpoint, _ := one.(object)
		id, _ := endpoint["transport_zone_id"].(string)
		if !slices.ContainsFunc(m.zones, func(z zone) bool { return z.id == id }) {
			return refuse(http.StatusNotFound, 600, "The requested object : TransportZone/%s could not be found.", id)
		}
	}
	return nil
}

func members(kind string, given object, allowed []string) *apiError {
	for name := range given {
		if !slices.Contains(allowed, name) {
			return bad("%s has no member %s", kind, name)
		}
	}
	return nil
}

func bad(format string, arguments ...any) *apiError {
	return refuse(http.StatusBadRequest, 255, format, arguments...)
}
