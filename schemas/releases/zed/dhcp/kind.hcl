kind        = "dhcp"
title       = "DHCP nodes"
description = "Open vSwitch with Neutron's DHCP and metadata agents. Under NSX the nodes are transport nodes of the NSX manager."
resource    = "component"

count {
  ha      = 2
  compact = 1
  min     = 1
  max     = 8
}

size "ha" {
  cpus       = 4
  memory_mib = 16384
  disk_gib   = 20
}

size "compact" {
  cpus       = 2
  memory_mib = 2048
  disk_gib   = 20
}

networks      = ["management", "data"]
anti_affinity = true
quorum        = false
drained       = false
requires      = ["controller"]
packages      = ["neutron-dhcp-agent", "neutron-metadata-agent"]
secrets       = ["rabbitmq_openstack", "metadata_proxy", "nsx_login", "ssh_host_key"]

package "neutron-openvswitch-agent" {
  when = "not cloud.networking.nsx"
}

package "openvswitch-switch" {
  when = "not cloud.networking.nsx"
}

package "openssh-server" {
  when = "cloud.networking.nsx"
}

package "sudo" {
  when = "cloud.networking.nsx"
}

file "/etc/neutron/neutron.conf" {
  template = "dhcp/neutron.conf.j2"
  group    = "neutron"
  mode     = "0640"
  format   = "ini"
}

file "/etc/neutron/dhcp_agent.ini" {
  template = "dhcp/dhcp_agent.ini.j2"
  group    = "neutron"
  mode     = "0640"
  format   = "ini"
}

file "/etc/neutron/metadata_agent.ini" {
  template = "dhcp/metadata_agent.ini.j2"
  group    = "neutron"
  mode     = "0640"
  format   = "ini"
}

file "/etc/neutron/plugins/ml2/openvswitch_agent.ini" {
  template = "dhcp/openvswitch_agent.ini.j2"
  group    = "neutron"
  mode     = "0640"
  format   = "ini"
  when     = "not cloud.networking.nsx"
}

file "/usr/local/sbin/vio-bridges" {
  template      = "dhcp/bridges.sh.j2"
  mode          = "0755"
  format        = "none"
  fixed_because = "it is a program"
  when          = "not cloud.networking.nsx"
}

file "/etc/ssh/vio_host_key" {
  template      = "common/ssh-host-key.j2"
  mode          = "0600"
  format        = "none"
  fixed_because = "the NSX Manager knows the node by it"
  when          = "cloud.networking.nsx"
}

file "/etc/ssh/sshd_config.d/60-vio.conf" {
  template      = "common/nsx-sshd.conf.j2"
  format        = "none"
  fixed_because = "the NSX Manager logs in as it says"
  when          = "cloud.networking.nsx"
}

file "/etc/sudoers.d/vio-nsx" {
  template      = "common/nsx-sudoers.j2"
  mode          = "0440"
  format        = "none"
  fixed_because = "the NSX Manager installs its modules with it"
  when          = "cloud.networking.nsx"
}

file "/etc/vio/nsx-login" {
  template      = "common/nsx-login.j2"
  mode          = "0600"
  format        = "none"
  fixed_because = "the NSX Manager was told the password when the node was registered"
  when          = "cloud.networking.nsx"
}

service "ssh" {
  restart_on = ["/etc/ssh/vio_host_key", "/etc/ssh/sshd_config.d/60-vio.conf"]
  when       = "cloud.networking.nsx"
}

service "openvswitch-switch" {
  when = "not cloud.networking.nsx"
}

service "neutron-openvswitch-agent" {
  restart_on = [
    "/etc/neutron/neutron.conf",
    "/etc/neutron/plugins/ml2/openvswitch_agent.ini",
    "/usr/local/sbin/vio-bridges",
  ]
  when = "not cloud.networking.nsx"
}

service "neutron-metadata-agent" {
  restart_on = ["/etc/neutron/neutron.conf", "/etc/neutron/metadata_agent.ini"]
}

service "neutron-dhcp-agent" {
  restart_on = ["/etc/neutron/neutron.conf", "/etc/neutron/dhcp_agent.ini"]
}

action "bridges" {
  description = "make the bridges of Open vSwitch"
  run         = "on_change"
  after       = "openvswitch-switch"
  when        = "not cloud.networking.nsx"
  command     = "/usr/local/sbin/vio-bridges"
}

action "nsx_login" {
  description = "make the account by which the NSX Manager logs in"
  run         = "on_change"
  before      = "ssh"
  when        = "cloud.networking.nsx"
  command     = "id vio-nsx >/dev/null 2>&1 || useradd --create-home --shell /bin/bash vio-nsx; chpasswd < /etc/vio/nsx-login"
}

check "ssh" {
  type    = "command"
  command = "systemctl is-active --quiet ssh"
  when    = "cloud.networking.nsx"
}

check "integration_bridge" {
  type    = "command"
  command = "ovs-vsctl br-exists br-int"
  when    = "not cloud.networking.nsx"
}

check "neutron-openvswitch-agent" {
  type    = "command"
  command = "systemctl is-active --quiet neutron-openvswitch-agent"
  when    = "not cloud.networking.nsx"
}

check "neutron-metadata-agent" {
  type    = "command"
  command = "systemctl is-active --quiet neutron-metadata-agent"
}

check "neutron-dhcp-agent" {
  type    = "command"
  command = "systemctl is-active --quiet neutron-dhcp-agent"
}

option "lease_duration_s" {
  type        = "int"
  default     = 86400
  min         = 120
  max         = 2592000
  description = "Seconds that an address is leased for."
}

option "dns_domain" {
  type        = "string"
  default     = "openstacklocal"
  description = "Domain that instances are given."
}

option "isolated_metadata" {
  type        = "bool"
  default     = true
  description = "Whether the DHCP nodes serve metadata to networks without a router."
}

option "debug" {
  type        = "bool"
  default     = false
  description = "Whether the agents log at debug level."
}
