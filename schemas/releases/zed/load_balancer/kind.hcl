kind        = "load_balancer"
title       = "Load balancer"
description = "HAProxy on every node; keepalived gives each of the two VIPs to one of them and moves it when HAProxy or the node stops."
resource    = "component"

count {
  ha      = 2
  compact = 1
  min     = 1
  max     = 4
}

size "ha" {
  cpus       = 2
  memory_mib = 4096
  disk_gib   = 20
}

size "compact" {
  cpus       = 1
  memory_mib = 2048
  disk_gib   = 20
}

networks      = ["management", "external"]
anti_affinity = true
quorum        = false
drained       = false
requires      = []
secrets       = ["tls_private_key"]
packages      = ["haproxy", "keepalived"]

file "/etc/haproxy/haproxy.cfg" {
  template = "load_balancer/haproxy.cfg.j2"
  format   = "haproxy"
}

file "/etc/haproxy/public.pem" {
  template      = "common/load_balancer/public.pem.j2"
  mode          = "0600"
  format        = "none"
  fixed_because = "set `certificate` of the management cluster instead"
}

file "/etc/keepalived/keepalived.conf" {
  template      = "load_balancer/keepalived.conf.j2"
  format        = "none"
  fixed_because = "its blocks have no sections; the options of the kind cover it"
}

file "/etc/sysctl.d/60-vio.conf" {
  template = "common/load_balancer/sysctl.conf.j2"
  format   = "flat"
}

service "haproxy" {
  reload_on = ["/etc/haproxy/haproxy.cfg", "/etc/haproxy/public.pem"]
}

service "keepalived" {
  reload_on = ["/etc/keepalived/keepalived.conf"]
}

action "kernel_settings" {
  description = "let HAProxy listen on a VIP that another node holds"
  run         = "on_change"
  before      = "haproxy"
  command     = "sysctl --load /etc/sysctl.d/60-vio.conf"
}

# The process of before the reload answers what it has begun; who stops the node sooner cuts that off. Sessions of the
# database end when their server does.
action "drained" {
  description = "let requests end that a leaving node still answers"
  run         = "on_change"
  after       = "haproxy"
  when        = "cloud.draining"
  command     = <<-SH
    for second in $(seq 30); do
      open=
      {% for front_end in front_ends if front_end.mode == "http" -%}
      {% for server in front_end.servers if server.draining -%}
      open="$open$(ss -Htn state established dst {{ server.address }}:{{ server.port }})"
      {% endfor %}{% endfor -%}
      [ -n "$open" ] || exit 0
      sleep 1
    done
  SH
}

check "haproxy" {
  type    = "command"
  command = "pgrep -x haproxy"
}

check "keepalived" {
  type    = "command"
  command = "pgrep -x keepalived"
}

option "max_connections" {
  type            = "int"
  default         = 8192
  compact_default = 4096
  min             = 256
  max             = 200000
  description     = "Connections that one load balancer takes at the same time."
}

option "connect_timeout_s" {
  type        = "int"
  default     = 5
  min         = 1
  max         = 60
  description = "Seconds in which a server must accept a connection."
}

option "client_timeout_s" {
  type        = "int"
  default     = 60
  min         = 5
  max         = 86400
  description = "Seconds of silence after which a client's connection is closed."
}

option "server_timeout_s" {
  type        = "int"
  default     = 300
  min         = 5
  max         = 86400
  description = "Seconds that a server may take to answer."
}

option "check_interval_s" {
  type        = "int"
  default     = 1
  min         = 1
  max         = 30
  description = "Seconds between two health checks of a server; two failed ones take it out."
}

option "vrrp_router_id" {
  type        = "int"
  default     = 51
  min         = 1
  max         = 254
  description = "VRRP router id of the internal VIP; the public VIP has the next one. Routers of other systems in the same segment must differ."
}

option "vrrp_interval_s" {
  type        = "int"
  default     = 1
  min         = 1
  max         = 10
  description = "Seconds between two VRRP advertisements; a node that misses three has lost its VIP."
}

option "tls_min_version" {
  type        = "enum"
  default     = "TLSv1.2"
  values      = ["TLSv1.2", "TLSv1.3"]
  description = "Oldest TLS version that the public VIP accepts."
}

option "stats_enabled" {
  type        = "bool"
  default     = true
  description = "Whether HAProxy's statistics page is served on the internal VIP."
}

option "stats_port" {
  type        = "int"
  default     = 1936
  min         = 1024
  max         = 65535
  description = "Port of the statistics page."
}
