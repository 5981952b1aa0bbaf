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
packages      = ["keystone", "uwsgi-plugin-python3", "python3-pymysql", "python3-pymemcache"]

secrets = [
  "admin",
  "database_keystone",
  "rabbitmq_openstack",
  "keystone_credential_0",
  "keystone_credential_1",
  "keystone_fernet_0",
  "keystone_fernet_1",
]

file "/etc/keystone/keystone.conf" {
  template = "controller/keystone.conf.j2"
  group    = "keystone"
  mode     = "0640"
  format   = "ini"
}

file "/etc/vio/keystone-uwsgi.sed" {
  template      = "controller/uwsgi.sed.j2"
  format        = "none"
  fixed_because = "set the options `api_workers` and `api_threads` instead"
}

file "/etc/keystone/admin-password" {
  template      = "controller/admin-password.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0400"
  format        = "none"
  fixed_because = "set `admin_password_wo` of the management cluster instead"
}

file "/etc/keystone/fernet-keys/0" {
  template      = "controller/fernet-key-0.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0600"
  format        = "none"
  fixed_because = "every controller must have the same keys"
}

file "/etc/keystone/fernet-keys/1" {
  template      = "controller/fernet-key-1.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0600"
  format        = "none"
  fixed_because = "every controller must have the same keys"
}

file "/etc/keystone/credential-keys/0" {
  template      = "controller/credential-key-0.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0600"
  format        = "none"
  fixed_because = "every controller must have the same keys"
}

file "/etc/keystone/credential-keys/1" {
  template      = "controller/credential-key-1.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0600"
  format        = "none"
  fixed_because = "every controller must have the same keys"
}

service "keystone" {
  restart_on = [
    "/etc/keystone/keystone.conf",
    "/etc/vio/keystone-uwsgi.sed",
    "/etc/keystone/credential-keys/0",
    "/etc/keystone/credential-keys/1",
  ]
}

action "keystone_keys" {
  description = "close the key folders to other users"
  run         = "on_change"
  before      = "keystone"
  command     = "install -d -o keystone -g keystone -m 0700 /etc/keystone/fernet-keys /etc/keystone/credential-keys"
}

action "keystone_processes" {
  description = "set the number of Keystone's processes and threads"
  run         = "on_change"
  before      = "keystone"
  command     = "sed -i -E -f /etc/vio/keystone-uwsgi.sed /etc/keystone/keystone-uwsgi.ini"
}

action "keystone_tables" {
  description = "bring Keystone's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "keystone"
  user        = "keystone"
  command     = "keystone-manage db_sync"
}

action "keystone_tables_ready" {
  description = "wait until Keystone's tables are up to date"
  run         = "wait"
  on          = "followers"
  before      = "keystone"
  user        = "keystone"
  command     = "keystone-manage db_sync --check"
}

action "keystone_bootstrap" {
  description = "make the administrator, the region and Keystone's endpoints"
  run         = "on_change"
  on          = "leader"
  after       = "keystone"
  user        = "keystone"
  command     = <<-SH
    OS_BOOTSTRAP_PASSWORD="$(cat /etc/keystone/admin-password)" keystone-manage bootstrap \
      --bootstrap-region-id {{ cloud.region }} \
      --bootstrap-admin-url http://{{ cloud.internal_vip }}:5000/v3 \
      --bootstrap-internal-url http://{{ cloud.internal_vip }}:5000/v3 \
      --bootstrap-public-url https://{{ cloud.public_hostname or cloud.public_vip }}:5000/v3
  SH
}

check "identity" {
  type = "http"
  port = 5000
  path = "/v3"
}

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
