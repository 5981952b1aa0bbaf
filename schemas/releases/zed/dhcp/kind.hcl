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
