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
secrets       = ["service_swift", "swift_hash_prefix", "swift_hash_suffix"]

packages = [
  "swift-proxy",
  "swift-account",
  "swift-container",
  "swift-object",
  "python-keystoneclient",
  "python-memcache",
  "rsync",
]

file "/etc/swift/swift.conf" {
  template = "object_storage/swift.conf.j2"
  group    = "swift"
  mode     = "0640"
  format   = "ini"
}

file "/etc/swift/account-server.conf" {
  template = "common/python2/account-server.conf.j2"
  group    = "swift"
  mode     = "0640"
  format   = "ini"
}

file "/etc/swift/container-server.conf" {
  template = "common/python2/container-server.conf.j2"
  group    = "swift"
  mode     = "0640"
  format   = "ini"
}

file "/etc/swift/object-server.conf" {
  template = "object_storage/object-server.conf.j2"
  group    = "swift"
  mode     = "0640"
  format   = "ini"
}

file "/etc/swift/proxy-server.conf" {
  template = "object_storage/proxy-server.conf.j2"
  group    = "swift"
  mode     = "0640"
  format   = "ini"
}

file "/etc/swift/rings.json" {
  template      = "common/python2/rings.json.j2"
  format        = "none"
  fixed_because = "it follows from the nodes; the options of the kind cover the rest"
}

file "/usr/local/sbin/vio-rings" {
  template      = "common/python2/rings.py.j2"
  mode          = "0755"
  format        = "none"
  fixed_because = "it is a program"
}

file "/etc/rsyncd.conf" {
  template      = "common/swift/rsyncd.conf.j2"
  format        = "none"
  fixed_because = "it follows from the nodes of the component"
}

service "rsync" {
  restart_on = ["/etc/rsyncd.conf"]
}

service "swift-account" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/account-server.conf"]
}

service "swift-account-auditor" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/account-server.conf"]
}

service "swift-account-reaper" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/account-server.conf"]
}

service "swift-account-replicator" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/account-server.conf"]
}

service "swift-container" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/container-server.conf"]
}

service "swift-container-auditor" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/container-server.conf"]
}

service "swift-container-replicator" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/container-server.conf"]
}

service "swift-container-sync" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/container-server.conf"]
}

service "swift-container-updater" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/container-server.conf"]
}

service "swift-object" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/object-server.conf"]
}

service "swift-object-auditor" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/object-server.conf"]
}

service "swift-object-replicator" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/object-server.conf"]
}

service "swift-object-updater" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/object-server.conf"]
}

service "swift-proxy" {
  restart_on = ["/etc/swift/swift.conf", "/etc/swift/proxy-server.conf"]
}

action "devices" {
  description = "make the folders that act as disks"
  run         = "on_change"
  before      = "rsync"
  command     = "install -d -o swift -g swift{% for device in range(1, options.devices_per_node + 1) %} /srv/node/d{{ device }}{% endfor %}"
}

action "rings" {
  description = "build the rings"
  run         = "on_change"
  before      = "swift-account"
  command     = "/usr/local/sbin/vio-rings && chown swift:swift /etc/swift/*.builder /etc/swift/*.ring.gz"
}

check "proxy" {
  type    = "http"
  port    = 8080
  path    = "/healthcheck"
  service = "swift-proxy"
}

check "account" {
  type    = "http"
  port    = 6002
  path    = "/healthcheck"
  service = "swift-account"
}

check "container" {
  type    = "http"
  port    = 6001
  path    = "/healthcheck"
  service = "swift-container"
}

check "object" {
  type    = "http"
  port    = 6000
  path    = "/healthcheck"
  service = "swift-object"
}

option "replicas" {
  type            = "int"
  default         = 3
  compact_default = 1
  min             = 1
  max             = 5
  description     = "Copies of each object. With fewer nodes than copies, several copies lie on one node. Another number moves most of the data."
}

option "part_power" {
  type        = "int"
  default     = 10
  min         = 4
  max         = 16
  description = "The rings have two to the power of this many partitions; it cannot be changed once objects are stored."
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
