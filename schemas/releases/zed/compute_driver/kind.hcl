kind        = "compute_driver"
title       = "Compute driver"
description = "Nova's compute service and Cinder's volume service with the VMware drivers; one node speaks for one vSphere cluster."
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
packages      = ["nova-compute", "cinder-volume", "python3-oslo.vmware", "python3-suds", "python3-memcache", "python3-pymysql"]
secrets       = ["rabbitmq_openstack", "service_nova", "service_cinder", "database_cinder", "vcenter"]

file "/etc/nova/nova.conf" {
  template = "compute_driver/nova.conf.j2"
  group    = "nova"
  mode     = "0640"
  format   = "ini"
}

file "/etc/nova/nova-compute.conf" {
  template      = "compute_driver/nova-compute.conf.j2"
  group         = "nova"
  mode          = "0640"
  format        = "none"
  fixed_because = "it says what the kind is: override nova.conf instead"
}

file "/etc/cinder/cinder.conf" {
  template = "compute_driver/cinder.conf.j2"
  group    = "cinder"
  mode     = "0640"
  format   = "ini"
}

file "/etc/vio/vcenter-ca.pem" {
  template      = "compute_driver/vcenter-ca.pem.j2"
  format        = "none"
  fixed_because = "set `ca_certificate` of the compute cluster's vCenter instead"
  when          = "cloud.compute_clusters[node.group].vcenter.ca_certificate_pem"
}

file "/usr/local/sbin/vio-availability-zone" {
  template      = "compute_driver/availability-zone.py.j2"
  mode          = "0755"
  format        = "none"
  fixed_because = "it is a program"
}

service "nova-compute" {
  restart_on = ["/etc/nova/nova.conf", "/etc/nova/nova-compute.conf", "/etc/vio/vcenter-ca.pem"]
}

service "cinder-volume" {
  restart_on = ["/etc/cinder/cinder.conf", "/etc/vio/vcenter-ca.pem"]
}

action "availability_zone" {
  description = "wait until Nova knows this compute host and has it in its availability zone"
  run         = "wait"
  after       = "nova-compute"
  user        = "nova"
  command     = "/usr/local/sbin/vio-availability-zone {{ node.name }} '{{ cloud.compute_clusters[node.group].availability_zone | replace(\"'\", \"'\\\\''\") }}'"
}

check "nova-compute" {
  type    = "command"
  command = "systemctl is-active --quiet nova-compute"
}

check "cinder-volume" {
  type    = "command"
  command = "systemctl is-active --quiet cinder-volume"
}

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
