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
packages = [
  "keystone",
  "glance-api",
  "placement-api",
  "nova-api",
  "nova-conductor",
  "nova-scheduler",
  "nova-consoleproxy",
  "neutron-server",
  "cinder-api",
  "cinder-scheduler",
  "openstack-dashboard",
  "openstack-dashboard-apache",
  "apache2",
  "libapache2-mod-wsgi-py3",
  "uwsgi-plugin-python3",
  "python3-keystoneclient",
  "python3-oslo.vmware",
  "python3-memcache",
  "python3-pymemcache",
  "python3-pymysql",
  "python3-swiftclient",
  "curl",
]

secrets = [
  "admin",
  "database_keystone",
  "database_glance",
  "database_placement",
  "database_nova",
  "database_neutron",
  "database_cinder",
  "rabbitmq_openstack",
  "keystone_credential_0",
  "keystone_credential_1",
  "keystone_fernet",
  "service_glance",
  "service_placement",
  "service_nova",
  "service_neutron",
  "service_cinder",
  "service_swift",
  "metadata_proxy",
  "horizon",
  "vcenter",
  "nsx",
  "ldap",
]

package "python3-ldap" {
  when = "cloud.ldap"
}

package "python3-ldappool" {
  when = "cloud.ldap"
}

package "ca-certificates" {
  when = "cloud.ldap and not cloud.ldap.ca_certificate_pem"
}

file "/etc/keystone/keystone.conf" {
  template = "controller/keystone.conf.j2"
  group    = "keystone"
  mode     = "0640"
  format   = "ini"
}

file "/etc/keystone/domains/keystone.ldap.conf" {
  template = "controller/keystone.ldap.conf.j2"
  owner    = "keystone"
  group    = "keystone"
  mode     = "0600"
  format   = "ini"
  when     = "cloud.ldap"
}

file "/usr/local/sbin/vio-domain" {
  template      = "controller/domain.py.j2"
  mode          = "0755"
  format        = "none"
  fixed_because = "it is a program"
  when          = "cloud.ldap"
}

file "/etc/vio/ldap-ca.pem" {
  template      = "controller/ldap-ca.pem.j2"
  format        = "none"
  fixed_because = "set `ca_certificate_pem` of the controllers' `ldap` instead"
  when          = "cloud.ldap and cloud.ldap.ca_certificate_pem"
}

file "/etc/vio/uwsgi.sed" {
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

# Keystone signs with the key of the highest number and reads tokens by all.
file "/etc/keystone/fernet-keys/0" {
  template      = "controller/fernet-key-next.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0600"
  format        = "none"
  fixed_because = "every controller must have the same keys"
}

file "/etc/keystone/fernet-keys/{{ options.fernet_key_generation }}" {
  template      = "controller/fernet-key.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0600"
  format        = "none"
  fixed_because = "every controller must have the same keys"
}

file "/etc/keystone/fernet-keys/{{ options.fernet_key_generation - 1 }}" {
  template      = "controller/fernet-key-previous.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0600"
  format        = "none"
  fixed_because = "every controller must have the same keys"
  when          = "options.fernet_key_generation > 1"
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

file "/etc/vio/catalogue.json" {
  template      = "controller/catalogue.json.j2"
  owner         = "keystone"
  group         = "keystone"
  mode          = "0400"
  format        = "none"
  fixed_because = "it follows from the components of the deployment"
  when          = "node.name == peers[0].name"
}

file "/usr/local/sbin/vio-catalogue" {
  template      = "controller/catalogue.py.j2"
  mode          = "0755"
  format        = "none"
  fixed_because = "it is a program"
  when          = "node.name == peers[0].name"
}

file "/etc/vio/vcenter-ca.pem" {
  template      = "controller/vcenter-ca.pem.j2"
  format        = "none"
  fixed_because = "set `ca_certificate` of the compute cluster's vCenter instead"
  when          = "cloud.compute_clusters | items | map(attribute='1.vcenter.ca_certificate_pem') | select | list"
}

file "/etc/vio/nsx-ca.pem" {
  template      = "controller/nsx-ca.pem.j2"
  format        = "none"
  fixed_because = "set the CA certificate of the NSX manager instead"
  when          = "cloud.networking.nsx and cloud.networking.nsx.ca_certificate_pem"
}

file "/etc/glance/glance-api.conf" {
  template = "controller/glance-api.conf.j2"
  group    = "glance"
  mode     = "0640"
  format   = "ini"
}

file "/usr/lib/python3/dist-packages/vio_glance_store.py" {
  template      = "controller/glance-store.py.j2"
  format        = "none"
  fixed_because = "it is a program"
}

file "/usr/lib/python3/dist-packages/vio_glance_store-1.dist-info/METADATA" {
  template      = "controller/glance-store-metadata.j2"
  format        = "none"
  fixed_because = "it belongs to a program"
}

file "/usr/lib/python3/dist-packages/vio_glance_store-1.dist-info/entry_points.txt" {
  template      = "controller/glance-store-entry-points.j2"
  format        = "none"
  fixed_because = "it belongs to a program"
}

file "/etc/placement/placement.conf" {
  template = "controller/placement.conf.j2"
  group    = "placement"
  mode     = "0640"
  format   = "ini"
}

file "/etc/nova/nova.conf" {
  template = "controller/nova.conf.j2"
  group    = "nova"
  mode     = "0640"
  format   = "ini"
}

file "/etc/default/nova-consoleproxy" {
  template      = "controller/nova-consoleproxy.j2"
  format        = "none"
  fixed_because = "the load balancers send consoles to noVNC"
}

file "/etc/neutron/neutron.conf" {
  template = "controller/neutron.conf.j2"
  group    = "neutron"
  mode     = "0640"
  format   = "ini"
}

file "/etc/neutron/plugins/ml2/ml2_conf.ini" {
  template = "controller/ml2_conf.ini.j2"
  group    = "neutron"
  mode     = "0640"
  format   = "ini"
  when     = "not cloud.networking.nsx"
}

file "/etc/cinder/cinder.conf" {
  template = "controller/cinder.conf.j2"
  group    = "cinder"
  mode     = "0640"
  format   = "ini"
}

file "/etc/openstack-dashboard/local_settings.d/_99_vio.py" {
  template      = "controller/dashboard.py.j2"
  group         = "www-data"
  mode          = "0640"
  format        = "none"
  fixed_because = "it is Python; the options of the kind cover it"
}

service "keystone" {
  restart_on = [
    "/etc/keystone/keystone.conf",
    "/etc/keystone/domains/keystone.ldap.conf",
    "/etc/vio/ldap-ca.pem",
    "/etc/vio/uwsgi.sed",
    "/etc/keystone/credential-keys/0",
    "/etc/keystone/credential-keys/1",
  ]
}

service "glance-api" {
  restart_on = [
    "/etc/glance/glance-api.conf",
    "/etc/vio/vcenter-ca.pem",
  ]
}

service "placement-api" {
  restart_on = [
    "/etc/placement/placement.conf",
    "/etc/vio/uwsgi.sed",
  ]
}

service "nova-api" {
  restart_on = [
    "/etc/nova/nova.conf",
    "/etc/vio/uwsgi.sed",
  ]
}

service "nova-api-metadata" {
  restart_on = [
    "/etc/nova/nova.conf",
    "/etc/vio/uwsgi.sed",
  ]
}

service "nova-conductor" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "nova-scheduler" {
  restart_on = ["/etc/nova/nova.conf"]
}

service "nova-novncproxy" {
  restart_on = [
    "/etc/nova/nova.conf",
    "/etc/default/nova-consoleproxy",
  ]
}

service "neutron-api" {
  restart_on = [
    "/etc/neutron/neutron.conf",
    "/etc/neutron/plugins/ml2/ml2_conf.ini",
    "/etc/vio/nsx-ca.pem",
    "/etc/vio/uwsgi.sed",
  ]
}

service "neutron-rpc-server" {
  restart_on = [
    "/etc/neutron/neutron.conf",
    "/etc/neutron/plugins/ml2/ml2_conf.ini",
    "/etc/vio/nsx-ca.pem",
  ]
}

service "cinder-api" {
  restart_on = [
    "/etc/cinder/cinder.conf",
    "/etc/vio/uwsgi.sed",
  ]
}

service "cinder-scheduler" {
  restart_on = ["/etc/cinder/cinder.conf"]
}

service "apache2" {
  restart_on = ["/etc/openstack-dashboard/local_settings.d/_99_vio.py"]
}

action "keystone_keys" {
  description = "close the key folders to other users"
  run         = "on_change"
  before      = "keystone"
  command     = "install -d -o keystone -g keystone -m 0700 /etc/keystone/fernet-keys /etc/keystone/credential-keys"
}

action "processes" {
  description = "set the number of the APIs' processes and threads"
  run         = "on_change"
  before      = "keystone"
  reads       = ["/etc/vio/uwsgi.sed"]
  command     = <<-SH
    set -e
    for service in keystone placement cinder; do
      sed -i -E -f /etc/vio/uwsgi.sed /etc/$service/*-uwsgi.ini
    done
    # The APIs of Nova and Neutron wait with green threads: beside other threads of uwsgi they wait for ever.
    for service in nova neutron; do
      sed -i -E -f /etc/vio/uwsgi.sed -e 's/^threads *=.*/threads = 1/' /etc/$service/*-uwsgi.ini
    done
  SH
}

action "keystone_tables" {
  description = "bring Keystone's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "keystone"
  user        = "keystone"
  reads       = ["/etc/keystone/keystone.conf"]
  command     = "keystone-manage db_sync"
}

action "keystone_ready" {
  description = "wait until Keystone answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "keystone"
  reads       = ["/etc/keystone/keystone.conf"]
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:5000/v3"
}

# When it starts, Keystone passes over the settings of a domain that it does not find: on every controller the domain is
# there first.
action "keystone_domain" {
  description = "make the domain of the directory's users"
  run         = "on_change"
  before      = "keystone"
  user        = "keystone"
  reads       = ["/etc/keystone/domains/keystone.ldap.conf", "/usr/local/sbin/vio-domain"]
  command     = "/usr/local/sbin/vio-domain"
  when        = "cloud.ldap"
}

action "keystone_bootstrap" {
  description = "make the administrator, the region and Keystone's endpoints"
  run         = "on_change"
  on          = "leader"
  after       = "keystone"
  user        = "keystone"
  reads       = ["/etc/keystone/admin-password"]
  command     = <<-SH
    OS_BOOTSTRAP_PASSWORD="$(cat /etc/keystone/admin-password)" keystone-manage bootstrap \
      --bootstrap-region-id {{ cloud.region }} \
      --bootstrap-admin-url http://{{ cloud.internal_vip }}:5000/v3 \
      --bootstrap-internal-url http://{{ cloud.internal_vip }}:5000/v3 \
      --bootstrap-public-url https://{{ cloud.public_hostname or cloud.public_vip }}:5000/v3
  SH
}

action "catalogue" {
  description = "make the services, their endpoints and their users in Keystone"
  run         = "on_change"
  on          = "leader"
  after       = "keystone"
  user        = "keystone"
  reads       = ["/etc/vio/catalogue.json", "/usr/local/sbin/vio-catalogue"]
  command     = "/usr/local/sbin/vio-catalogue"
}

action "glance_tables" {
  description = "bring Glance's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "glance-api"
  user        = "glance"
  reads       = ["/etc/glance/glance-api.conf"]
  command     = "glance-manage db_sync"
}

action "glance_ready" {
  description = "wait until Glance answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "glance-api"
  reads       = ["/etc/glance/glance-api.conf"]
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:9292/"
}

action "placement_tables" {
  description = "bring Placement's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "placement-api"
  user        = "placement"
  reads       = ["/etc/placement/placement.conf"]
  command     = "placement-manage db sync"
}

action "placement_ready" {
  description = "wait until Placement answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "placement-api"
  reads       = ["/etc/placement/placement.conf"]
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:8778/"
}

action "nova_tables" {
  description = "bring Nova's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "nova-api"
  user        = "nova"
  reads       = ["/etc/nova/nova.conf"]
  command     = <<-SH
    set -e
    # The cells' addresses are patterns, filled in from nova.conf: no password is kept in the table.
    database='{scheme}://{username}:{password}@{hostname}'
    queue='{scheme}://{% for queue in cloud.nodes.message_queue %}{username{{ loop.index }}}:{password{{ loop.index }}}@{hostname{{ loop.index }}}:{port{{ loop.index }}}{{ "," if not loop.last }}{% endfor %}/'
    nova-manage api_db sync
    nova-manage cell_v2 map_cell0 --database_connection "$database/nova_cell0?{query}"
    nova-manage db sync
    cell=$(nova-manage cell_v2 list_cells | awk '$2 == "cell1" { print $4 }')
    if [ -n "$cell" ]; then
      nova-manage cell_v2 update_cell --cell_uuid "$cell" --database_connection "$database/nova?{query}" --transport-url "$queue"
    else
      nova-manage cell_v2 create_cell --name cell1 --database_connection "$database/nova?{query}" --transport-url "$queue"
    fi
  SH
}

action "nova_ready" {
  description = "wait until Nova answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "nova-api"
  reads       = ["/etc/nova/nova.conf"]
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:8774/"
}

action "neutron_tables" {
  description = "bring Neutron's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "neutron-api"
  user        = "neutron"
  reads       = ["/etc/neutron/neutron.conf", "/etc/neutron/plugins/ml2/ml2_conf.ini"]
  command     = "neutron-db-manage --config-file /etc/neutron/neutron.conf{{ '' if cloud.networking.nsx else ' --config-file /etc/neutron/plugins/ml2/ml2_conf.ini' }} upgrade heads"
}

action "neutron_ready" {
  description = "wait until Neutron answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "neutron-api"
  reads       = ["/etc/neutron/neutron.conf"]
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:9696/"
}

action "cinder_tables" {
  description = "bring Cinder's tables up to date"
  run         = "on_change"
  on          = "leader"
  before      = "cinder-api"
  user        = "cinder"
  reads       = ["/etc/cinder/cinder.conf"]
  command     = "cinder-manage db sync"
}

action "cinder_ready" {
  description = "wait until Cinder answers on the first controller"
  run         = "wait"
  on          = "followers"
  before      = "cinder-api"
  reads       = ["/etc/cinder/cinder.conf"]
  command     = "curl --fail --silent --output /dev/null --max-time 5 http://{{ cloud.internal_vip }}:8776/"
}

action "dashboard_sites" {
  description = "leave Apache to the dashboard"
  run         = "on_change"
  before      = "apache2"
  command     = <<-SH
    set -e
    a2dissite --quiet --force 000-default default-ssl
    a2ensite --quiet openstack-dashboard-alias-only
  SH
}

check "identity" {
  type    = "http"
  port    = 5000
  path    = "/v3"
  service = "keystone"
}

check "image" {
  type    = "http"
  port    = 9292
  path    = "/"
  service = "glance-api"
}

check "placement" {
  type    = "http"
  port    = 8778
  path    = "/"
  service = "placement-api"
}

check "compute" {
  type    = "http"
  port    = 8774
  path    = "/"
  service = "nova-api"
}

check "compute_metadata" {
  type    = "http"
  port    = 8775
  path    = "/"
  service = "nova-api-metadata"
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
  service = "neutron-api"
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

option "fernet_key_generation" {
  type        = "int"
  default     = 1
  min         = 1
  max         = 1000000
  step        = 1
  description = "Which key signs tokens. Raise it by 1 to sign with a new one; leave at least `token_expiration_s` between two changes."
}

option "api_workers" {
  type            = "int"
  default         = 4
  compact_default = 2
  min             = 1
  max             = 64
  description     = "Processes of each service on each node."
}

option "api_threads" {
  type        = "int"
  default     = 4
  min         = 1
  max         = 128
  description = "Threads of each API process; those of Nova and Neutron have one."
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
