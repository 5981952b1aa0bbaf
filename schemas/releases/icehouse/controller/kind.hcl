kind        = "controller"
title       = "Controllers"
description = "Nova's API, scheduler and VNC proxy, Glance, Keystone, Horizon, Neutron and Cinder on every node, active-active behind the VIPs."
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

secrets = [
  "admin",
  "keystone_admin_token",
  "database_keystone",
  "database_glance",
  "database_nova",
  "database_neutron",
  "database_cinder",
  "rabbitmq_openstack",
  "service_glance",
  "service_nova",
  "service_neutron",
  "service_cinder",
  "service_swift",
  "metadata_proxy",
  "horizon",
  "vcenter",
  "nsx",
]

packages = [
  "keystone",
  "glance-api",
  "glance-registry",
  "nova-api",
  "nova-cert",
  "nova-conductor",
  "nova-scheduler",
  "nova-consoleauth",
  "nova-novncproxy",
  "neutron-server",
  "cinder-api",
  "cinder-scheduler",
  "openstack-dashboard",
  "apache2",
  "python-memcache",
  "python-mysqldb",
  "python-swiftclient",
  "python-oslo.vmware",
  "curl",
]

package "neutron-plugin-ml2" {
  when = "not cloud.networking.nsx"
}

package "neutron-plugin-vmware" {
  when = "cloud.networking.nsx"
}

file "/etc/keystone/keystone.conf" {
  template = "controller/keystone.conf.j2"
  group    = "keystone"
  mode     = "0640"
  format   = "ini"
}

file "/etc/vio/catalogue.json" {
  template      = "common/python2/catalogue.json.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0400"
  format        = "none"
  fixed_because = "it follows from the components of the deployment"
  when          = "node.name == peers[0].name"
}

file "/usr/local/sbin/vio-catalogue" {
  template      = "common/python2/catalogue.py.j2"
  mode          = "0755"
  format        = "none"
  fixed_because = "it is a program"
  when          = "node.name == peers[0].name"
}

file "/etc/glance/glance-api.conf" {
  template = "controller/glance-api.conf.j2"
  group    = "glance"
  mode     = "0640"
  format   = "ini"
}

file "/etc/glance/glance-registry.conf" {
  template = "controller/glance-registry.conf.j2"
  group    = "glance"
  mode     = "0640"
  format   = "ini"
}

file "/etc/nova/nova.conf" {
  template = "controller/nova.conf.j2"
  group    = "nova"
  mode     = "0640"
  format   = "ini"
}

file "/etc/neutron/neutron.conf" {
  template = "controller/neutron.conf.j2"
  group    = "neutron"
  mode     = "0640"
  format   = "ini"
}

file "/etc/cinder/cinder.conf" {
  template = "controller/cinder.conf.j2"
  group    = "cinder"
  mode     = "0640"
  format   = "ini"
}

file "/etc/openstack-dashboard/local_settings.py" {
  template      = "controller/local_settings.py.j2"
  group         = "www-data"
  mode          = "0640"
  format        = "none"
  fixed_because = "it is Python; the options of the kind cover it"
}

service "keystone" {
  restart_on = ["/etc/keystone/keystone.conf"]
}

service "glance-registry" {
  restart_on = ["/etc/glance/glance-registry.conf"]
}

service "glance-api" {
  restart_on = ["/etc/glance/glance-api.conf"]
}

service "nova-api" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "nova-cert" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "nova-conductor" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "nova-scheduler" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "nova-consoleauth" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "nova-novncproxy" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "neutron-server" {
  restart_on = ["/etc/neutron/neutron.conf"]
}

service "cinder-api" {
  restart_on = ["/etc/cinder/cinder.conf"]
}

service "cinder-scheduler" {
  restart_on = ["/etc/cinder/cinder.conf"]
}

service "apache2" {
  restart_on = ["/etc/openstack-dashboard/local_settings.py"]
}

action "keystone_tables" {
  description = "bring Keystone's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "keystone"
  user        = "keystone"
  command     = "keystone-manage db_sync"
}

action "keystone_ready" {
  description = "wait until Keystone answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "keystone"
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:5000/v2.0/"
}

action "catalogue" {
  description = "make the administrator, the services, their endpoints and their users in Keystone"
  run         = "on_change"
  on          = "leader"
  after       = "keystone"
  user        = "keystone"
  command     = "/usr/local/sbin/vio-catalogue"
}

action "glance_tables" {
  description = "bring Glance's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "glance-registry"
  user        = "glance"
  command     = "glance-manage db_sync"
}

action "glance_ready" {
  description = "wait until Glance answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "glance-registry"
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:9292/"
}

action "nova_tables" {
  description = "bring Nova's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "nova-api"
  user        = "nova"
  command     = "nova-manage db sync"
}

action "nova_ready" {
  description = "wait until Nova answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "nova-api"
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:8774/"
}

action "neutron_tables" {
  description = "bring Neutron's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "neutron-server"
  user        = "neutron"
  command     = "neutron-db-manage --config-file /etc/neutron/neutron.conf upgrade head"
}

action "neutron_ready" {
  description = "wait until Neutron answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "neutron-server"
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:9696/"
}

action "cinder_tables" {
  description = "bring Cinder's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "cinder-api"
  user        = "cinder"
  command     = "cinder-manage db sync"
}

action "cinder_ready" {
  description = "wait until Cinder answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "cinder-api"
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:8776/"
}

check "identity" {
  type    = "http"
  port    = 5000
  path    = "/v2.0/"
  service = "keystone"
}

check "identity_admin" {
  type    = "http"
  port    = 35357
  path    = "/v2.0/"
  service = "keystone"
}

check "image" {
  type    = "http"
  port    = 9292
  path    = "/"
  service = "glance-api"
}

check "image_registry" {
  type    = "tcp"
  port    = 9191
  service = "glance-registry"
}

check "compute" {
  type    = "http"
  port    = 8774
  path    = "/"
  service = "nova-api"
}

check "compute_ec2" {
  type    = "tcp"
  port    = 8773
  service = "nova-api"
}

check "compute_metadata" {
  type    = "http"
  port    = 8775
  path    = "/"
  service = "nova-api"
}

check "console" {
  type    = "http"
  port    = 6080
  path    = "/vnc_auto.html"
  service = "nova-novncproxy"
}

check "network" {
  type    = "http"
  port    = 9696
  path    = "/"
  service = "neutron-server"
}

check "volume" {
  type    = "http"
  port    = 8776
  path    = "/"
  service = "cinder-api"
}

check "dashboard" {
  type    = "http"
  port    = 80
  path    = "/horizon/auth/login/"
  service = "apache2"
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
  description     = "Processes of each service on each node."
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
