kind        = "object_storage"
title       = "Object storage"
description = "Swift: proxy, account, container and object services on every node."
resource    = "component"

count {
  ha      = 1
  compact = 1
  min     = 1
  max     = 16
}

size "ha" {
  cpus       = 2
  memory_mib = 4096
  disk_gib   = 80
}

size "compact" {
  cpus       = 2
  memory_mib = 2048
  disk_gib   = 40
}

networks      = ["management"]
anti_affinity = true
quorum        = false
drained       = true
requires      = ["controller", "load_balancer"]

option "replicas" {
  type            = "int"
  default         = 3
  compact_default = 1
  min             = 1
  max             = 5
  description     = "Copies of each object. With fewer nodes than copies, several copies lie on one node."
}

option "part_power" {
  type        = "int"
  default     = 10
  min         = 4
  max         = 20
  description = "The rings have two to the power of this many partitions; it cannot be changed once objects are stored."
}

option "min_part_hours" {
  type        = "int"
  default     = 1
  min         = 0
  max         = 168
  description = "Hours before a partition may move again."
}

option "devices_per_node" {
  type        = "int"
  default     = 3
  min         = 1
  max         = 32
  description = "Directories that act as disks on each node."
}

option "workers" {
  type            = "int"
  default         = 2
  compact_default = 1
  min             = 1
  max             = 64
  description     = "Processes of each Swift service."
}

option "max_file_size_mib" {
  type        = "int"
  default     = 5120
  min         = 1
  max         = 1048576
  description = "Largest object that is stored in one piece, in MiB."
}
