kind        = "controller"
title       = "Controllers"
description = "Nova's API, scheduler and VNC proxy, Glance, Keystone, Horizon, Neutron, Cinder and Placement on every node, active-active behind the VIPs."
resource    = "controller_pool"

count {
  ha      = 2
  compact = 1
  min     = 1
  max     = 10
}

size "ha" {
  cpus       = 8
  memory_mib = 16384
  disk_gib   = 80
}

size "compact" {
  cpus       = 4
  memory_mib = 12288
  disk_gib   = 40
}

networks      = ["management"]
anti_affinity = true
quorum        = false
drained       = true
requires      = ["load_balancer", "database", "message_queue", "memcache"]

option "token_expiration_s" {
  type        = "int"
  default     = 7200
  min         = 300
  max         = 86400
  description = "Seconds that a token is valid."
}

option "api_workers" {
  type            = "int"
  default         = 4
  compact_default = 2
  min             = 1
  max             = 64
  description     = "Processes of each API on each node."
}

option "api_threads" {
  type        = "int"
  default     = 4
  min         = 1
  max         = 128
  description = "Threads of each API process."
}

option "debug" {
  type        = "bool"
  default     = false
  description = "Whether the services log at debug level."
}

option "image_size_cap_gib" {
  type        = "int"
  default     = 1024
  min         = 1
  max         = 8192
  description = "Largest image, in GiB."
}

option "dhcp_agents_per_network" {
  type            = "int"
  default         = 2
  compact_default = 1
  min             = 1
  max             = 8
  description     = "DHCP nodes that serve one network."
}

option "dashboard_session_timeout_s" {
  type        = "int"
  default     = 3600
  min         = 300
  max         = 86400
  description = "Seconds after which a session of the dashboard ends."
}

option "dashboard_time_zone" {
  type        = "string"
  default     = "UTC"
  description = "Time zone of the dashboard, by its name in the tz database."
}
