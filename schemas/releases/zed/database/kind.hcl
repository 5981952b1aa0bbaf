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
hosts         = ["database"]
packages      = ["mariadb-server", "galera-4", "rsync"]

secrets = [
  "database_keystone",
  "database_glance",
  "database_placement",
  "database_nova",
  "database_neutron",
  "database_cinder",
]

file "/etc/mysql/mariadb.conf.d/60-galera.cnf" {
  template = "database/galera.cnf.j2"
  format   = "mysql"
}

file "/etc/vio/databases.sql" {
  template      = "database/databases.sql.j2"
  mode          = "0600"
  format        = "none"
  fixed_because = "it makes the databases and users that the services expect"
}

file "/etc/vio/galera-members" {
  template      = "common/galera/members.j2"
  format        = "none"
  fixed_because = "it follows from the nodes of the deployment"
}

file "/usr/local/lib/vio/galera-election.py" {
  template      = "common/galera/election.py.j2"
  mode          = "0755"
  format        = "none"
  fixed_because = "it is a program: it decides which member begins the cluster when none runs"
}

file "/etc/systemd/system/mariadb.service.d/60-vio.conf" {
  template      = "common/galera/mariadb.service.j2"
  format        = "none"
  fixed_because = "without it no member begins the cluster"
}

service "mariadb" {
  restart_on = ["/etc/mysql/mariadb.conf.d/60-galera.cnf"]
}

action "databases" {
  description = "make the databases and users of the services"
  run         = "on_change"
  on          = "leader"
  after       = "mariadb"
  command     = "mariadb < /etc/vio/databases.sql"
}

check "mariadb" {
  type = "tcp"
  port = 3306
}

check "galera" {
  type    = "command"
  command = <<-SH
    names="'wsrep_cluster_size', 'wsrep_cluster_status', 'wsrep_local_state_comment', 'wsrep_ready'"
    facts=$(mariadb --batch --skip-column-names --execute "SHOW STATUS WHERE Variable_name IN ($names)") || { echo "$facts"; exit 1; }
    echo "$facts"
    echo "$facts" | grep -qwx "wsrep_ready.ON"
  SH
}

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
