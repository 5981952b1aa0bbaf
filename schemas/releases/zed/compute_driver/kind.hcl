kind        = "compute_driver"
title       = "Compute driver"
description = "Nova's compute service with the VMware driver; one node speaks for one vSphere cluster."
resource    = "compute_cluster"

count {
  ha      = 1
  compact = 1
  min     = 1
  max     = 1
}

size "ha" {
  cpus       = 2
  memory_mib = 4096
  disk_gib   = 20
}

size "compact" {
  cpus       = 2
  memory_mib = 2048
  disk_gib   = 20
}

networks      = ["management"]
anti_affinity = false
quorum        = false
drained       = false
requires      = ["controller"]

option "task_poll_interval_ms" {
  type        = "int"
  default     = 500
  min         = 100
  max         = 10000
  description = "Milliseconds between two looks at a running vCenter task."
}

option "api_retry_count" {
  type        = "int"
  default     = 10
  min         = 0
  max         = 100
  description = "How often a failed vCenter call is repeated."
}

option "maximum_objects" {
  type        = "int"
  default     = 100
  min         = 10
  max         = 1000
  description = "Objects that one vCenter answer holds."
}

option "connection_pool_size" {
  type        = "int"
  default     = 10
  min         = 10
  max         = 200
  description = "Connections kept to vCenter."
}

option "use_linked_clone" {
  type        = "bool"
  default     = true
  description = "Whether instances share the disk of their image in the datastore."
}

option "vnc_keymap" {
  type        = "string"
  default     = "en-us"
  description = "Keyboard of the instances' consoles."
}

option "debug" {
  type        = "bool"
  default     = false
  description = "Whether the service logs at debug level."
}
