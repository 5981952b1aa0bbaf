kind        = "load_balancer"
title       = "Load balancer"
description = "HAProxy on every node; keepalived gives each of the two VIPs to one of them and moves it when HAProxy or the node stops."
resource    = "component"

count {
  ha      = 2
  compact = 1
  min     = 1
  max     = 4
}

size "ha" {
  cpus       = 2
  memory_mib = 4096
  disk_gib   = 20
}

size "compact" {
  cpus       = 1
  memory_mib = 2048
  disk_gib   = 20
}

networks      = ["management", "external"]
anti_affinity = true
quorum        = false
drained       = false
requires      = []

option "max_connections" {
  type            = "int"
  default         = 8192
  compact_default = 4096
  min             = 256
  max             = 200000
  description     = "Connections that one load balancer takes at the same time."
}

option "connect_timeout_s" {
  type        = "int"
  default     = 5
  min         = 1
  max         = 60
  description = "Seconds in which a server must accept a connection."
}

option "client_timeout_s" {
  type        = "int"
  default     = 60
  min         = 5
  max         = 86400
  description = "Seconds of silence after which a client's connection is closed."
}

option "server_timeout_s" {
  type        = "int"
  default     = 300
  min         = 5
  max         = 86400
  description = "Seconds that a server may take to answer."
}

option "check_interval_s" {
  type        = "int"
  default     = 1
  min         = 1
  max         = 30
  description = "Seconds between two health checks of a server; two failed ones take it out."
}

option "vrrp_router_id" {
  type        = "int"
  default     = 51
  min         = 1
  max         = 254
  description = "VRRP router id of the internal VIP; the public VIP has the next one. Routers of other systems in the same segment must differ."
}

option "vrrp_interval_s" {
  type        = "int"
  default     = 1
  min         = 1
  max         = 10
  description = "Seconds between two VRRP advertisements; a node that misses three has lost its VIP."
}

option "tls_min_version" {
  type        = "enum"
  default     = "TLSv1.2"
  values      = ["TLSv1.2", "TLSv1.3"]
  description = "Oldest TLS version that the public VIP accepts."
}

option "stats_enabled" {
  type        = "bool"
  default     = true
  description = "Whether HAProxy's statistics page is served on the internal VIP."
}

option "stats_port" {
  type        = "int"
  default     = 1936
  min         = 1024
  max         = 65535
  description = "Port of the statistics page."
}
