kind        = "memcache"
title       = "Memcache"
description = "memcached: Keystone and the services that validate its tokens keep them here. Clients spread keys over all nodes."
resource    = "component"

count {
  ha      = 2
  compact = 1
  min     = 1
  max     = 8
}

size "ha" {
  cpus       = 2
  memory_mib = 16384
  disk_gib   = 20
}

size "compact" {
  cpus       = 1
  memory_mib = 1024
  disk_gib   = 20
}

networks      = ["management"]
anti_affinity = true
quorum        = false
drained       = false
requires      = []
packages      = ["memcached"]

file "/etc/memcached.conf" {
  template      = "common/memcached.conf.j2"
  format        = "none"
  fixed_because = "its lines are flags without sections; the options of the kind cover it"
}

service "memcached" {
  restart_on = ["/etc/memcached.conf"]
}

check "memcached" {
  type = "tcp"
  port = 11211
}

option "memory_mib" {
  type            = "int"
  default         = 8192
  compact_default = 256
  min             = 16
  max             = 1048576
  description     = "Memory for cached items, in MiB."
}

option "max_connections" {
  type        = "int"
  default     = 4096
  min         = 64
  max         = 65536
  description = "Connections that one node takes at the same time."
}

option "threads" {
  type            = "int"
  default         = 4
  compact_default = 1
  min             = 1
  max             = 64
  description     = "Threads that serve connections."
}

option "max_item_kib" {
  type        = "int"
  default     = 1024
  min         = 1
  max         = 1048576
  description = "Largest cached item, in KiB."
}
