kind        = "database"
title       = "Database"
description = "MariaDB Galera. Every member holds all data; the load balancers send writers to one member and the next takes over when it stops."
resource    = "component"

count {
  ha      = 3
  compact = 1
  min     = 1
  max     = 7
  parity  = "odd"
}

size "ha" {
  cpus       = 4
  memory_mib = 16384
  disk_gib   = 80
}

size "compact" {
  cpus       = 2
  memory_mib = 4096
  disk_gib   = 40
}

networks      = ["management"]
anti_affinity = true
quorum        = true
drained       = true
requires      = ["load_balancer"]

option "max_connections" {
  type            = "int"
  default         = 4096
  compact_default = 1024
  min             = 100
  max             = 100000
  description     = "Connections that one member takes at the same time."
}

option "innodb_buffer_pool_mib" {
  type            = "int"
  default         = 8192
  compact_default = 1024
  min             = 64
  max             = 1048576
  description     = "Memory for data and indexes, in MiB; leave at least a third of the node's memory to the rest."
}

option "gcache_mib" {
  type            = "int"
  default         = 1024
  compact_default = 128
  min             = 16
  max             = 65536
  description     = "History of writes in MiB: a member that was away for less catches up without copying all data."
}

option "wsrep_slave_threads" {
  type            = "int"
  default         = 4
  compact_default = 2
  min             = 1
  max             = 64
  description     = "Threads that apply the other members' writes."
}

option "flush_each_commit" {
  type        = "bool"
  default     = false
  description = "Whether a commit waits for the disk. Without it a member that loses power takes the last second from its peers; a single member loses it."
}

option "wait_timeout_s" {
  type        = "int"
  default     = 3600
  min         = 60
  max         = 86400
  description = "Seconds of silence after which a member closes a connection."
}

option "slow_query_log" {
  type        = "bool"
  default     = false
  description = "Whether slow queries are logged."
}

option "long_query_time_s" {
  type        = "int"
  default     = 5
  min         = 1
  max         = 3600
  description = "Seconds after which a query is slow."
}
