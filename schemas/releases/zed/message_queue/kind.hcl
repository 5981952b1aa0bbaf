kind        = "message_queue"
title       = "Message queue"
description = "RabbitMQ: carries the calls between OpenStack's services. Clients know every member."
resource    = "component"

count {
  ha      = 2
  compact = 1
  min     = 1
  max     = 7
}

size "ha" {
  cpus       = 4
  memory_mib = 16384
  disk_gib   = 20
}

size "compact" {
  cpus       = 1
  memory_mib = 2048
  disk_gib   = 20
}

networks      = ["management"]
anti_affinity = true
quorum        = true
drained       = false
requires      = []
hosts         = ["message_queue"]
secrets       = ["rabbitmq_openstack", "rabbitmq_erlang_cookie"]
packages      = ["rabbitmq-server"]

file "/etc/rabbitmq/rabbitmq.conf" {
  template = "message_queue/rabbitmq.conf.j2"
  owner    = "rabbitmq"
  group    = "rabbitmq"
  mode     = "0640"
  format   = "flat"
}

file "/etc/rabbitmq/enabled_plugins" {
  template      = "common/rabbitmq/enabled_plugins.j2"
  format        = "none"
  fixed_because = "it is a list, not settings; set the option `management_enabled` instead"
}

file "/var/lib/rabbitmq/.erlang.cookie" {
  template      = "common/rabbitmq/erlang.cookie.j2"
  owner         = "rabbitmq"
  group         = "rabbitmq"
  mode          = "0400"
  format        = "none"
  fixed_because = "every member must have the same secret"
}

service "rabbitmq-server" {
  restart_on = [
    "/etc/rabbitmq/rabbitmq.conf",
    "/etc/rabbitmq/enabled_plugins",
    "/var/lib/rabbitmq/.erlang.cookie",
  ]
}

# RabbitMQ opens its port at the end of its start, when it is a member. Its own tools start a whole Erlang for each question,
# which keeps a small machine busy.
check "amqp" {
  type = "tcp"
  port = 5672
}

option "vm_memory_high_watermark" {
  type        = "int"
  default     = 40
  min         = 10
  max         = 90
  description = "Percentage of the node's memory above which publishers are held back."
}

option "disk_free_limit_mib" {
  type        = "int"
  default     = 1024
  min         = 50
  max         = 1048576
  description = "Free disk in MiB below which publishers are held back."
}

option "partition_handling" {
  type        = "enum"
  default     = "autoheal"
  values      = ["autoheal", "pause_minority", "ignore"]
  description = "What members do after they lost sight of each other. `pause_minority` wants three or more: of two, both would pause."
}

option "heartbeat_s" {
  type        = "int"
  default     = 60
  min         = 0
  max         = 3600
  description = "Seconds between two heartbeats of a connection; 0 turns them off."
}

option "channel_max" {
  type        = "int"
  default     = 2047
  min         = 0
  max         = 65535
  description = "Channels of one connection; 0 is no limit."
}

option "management_enabled" {
  type        = "bool"
  default     = true
  description = "Whether the management interface listens on port 15672 of the management network."
}
