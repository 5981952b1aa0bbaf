id          = "icehouse"
title       = "VIO 1.0 (OpenStack Icehouse)"
description = "The release of VIO 1.0: Keystone v2.0 with UUID tokens in the database, Glance with its registry, Nova with the EC2 API, Cinder v1 and v2. No distribution of today has its packages: its nodes need a template that brings them (`schemas/releases/icehouse/README.md`)."

packages = ["chrony", "rsyslog"]

package "rsyslog-gnutls" {
  when = "cloud.syslog and cloud.syslog.protocol == 'tls'"
}

file "/etc/hosts" {
  template      = "common/hosts.j2"
  format        = "none"
  fixed_because = "it follows from the nodes of the deployment"
}

file "/etc/chrony/chrony.conf" {
  template      = "common/chrony.conf.j2"
  format        = "none"
  fixed_because = "set `ntp_servers` of the management network instead"
  when          = "cloud.management.ntp_servers"
}

file "/etc/rsyslog.d/60-vio.conf" {
  template      = "common/rsyslog.conf.j2"
  format        = "none"
  fixed_because = "set `syslog` of the management cluster instead"
  when          = "cloud.syslog"
}

# Who waits for an answer of a server that went with a VIP's former holder learns of it in a minute, not in two hours.
file "/etc/sysctl.d/50-vio-connections.conf" {
  template = "common/connections.conf.j2"
  format   = "flat"
}

service "systemd-sysctl" {
  restart_on = ["/etc/sysctl.d/50-vio-connections.conf"]
}

service "chrony" {
  restart_on = ["/etc/chrony/chrony.conf"]
  when       = "cloud.management.ntp_servers"
}

service "rsyslog" {
  restart_on = ["/etc/rsyslog.d/60-vio.conf"]
}

front_end "database" {
  kind           = "database"
  port           = 3306
  vips           = ["internal"]
  mode           = "tcp"
  single_writer  = true
  idle_timeout_s = 3600
  common         = true
  check { type = "mysql" }
}

front_end "identity" {
  kind   = "controller"
  port   = 5000
  vips   = ["internal", "public"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/v2.0"
  }
  endpoint "identity" {
    path       = "/v2.0"
    interfaces = ["public", "internal"]
  }
}

front_end "identity_admin" {
  kind   = "controller"
  port   = 35357
  vips   = ["internal"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/v2.0"
  }
  endpoint "identity" {
    path       = "/v2.0"
    interfaces = ["admin"]
  }
}

front_end "image" {
  kind   = "controller"
  port   = 9292
  vips   = ["internal", "public"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/"
  }
  endpoint "image" {
    path       = ""
    interfaces = ["public", "internal", "admin"]
  }
}

front_end "image_registry" {
  kind   = "controller"
  port   = 9191
  vips   = ["internal"]
  mode   = "http"
  common = true
  check {
    type = "tcp"
  }
}

front_end "compute" {
  kind   = "controller"
  port   = 8774
  vips   = ["internal", "public"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/"
  }
  endpoint "compute" {
    path         = "/v2"
    project_path = "/%(tenant_id)s"
    interfaces   = ["public", "internal", "admin"]
  }
}

front_end "compute_ec2" {
  kind   = "controller"
  port   = 8773
  vips   = ["internal", "public"]
  mode   = "http"
  common = true
  check {
    type = "tcp"
  }
  endpoint "ec2" {
    path       = "/services/Cloud"
    interfaces = ["public", "internal"]
  }
}

front_end "compute_metadata" {
  kind   = "controller"
  port   = 8775
  vips   = ["internal"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/"
  }
}

front_end "console" {
  kind           = "controller"
  port           = 6080
  vips           = ["public"]
  mode           = "http"
  balance        = "source"
  idle_timeout_s = 3600
  common         = true
  check {
    type = "http"
    path = "/vnc_auto.html"
  }
}

front_end "network" {
  kind   = "controller"
  port   = 9696
  vips   = ["internal", "public"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/"
  }
  endpoint "network" {
    path       = ""
    interfaces = ["public", "internal", "admin"]
  }
}

front_end "volume" {
  kind   = "controller"
  port   = 8776
  vips   = ["internal", "public"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/"
  }
  endpoint "volume" {
    path         = "/v1"
    project_path = "/%(tenant_id)s"
    interfaces   = ["public", "internal", "admin"]
  }
  endpoint "volumev2" {
    path         = "/v2"
    project_path = "/%(tenant_id)s"
    interfaces   = ["public", "internal", "admin"]
  }
}

front_end "dashboard" {
  kind           = "controller"
  port           = 443
  backend_port   = 80
  redirect_from  = 80
  vips           = ["public"]
  mode           = "http"
  balance        = "source"
  common         = true
  dashboard_path = "/horizon"
  check {
    type = "http"
    path = "/horizon/auth/login/"
  }
}

front_end "object_store" {
  kind   = "object_storage"
  port   = 8080
  vips   = ["internal", "public"]
  mode   = "http"
  common = false
  check {
    type = "http"
    path = "/healthcheck"
  }
  endpoint "object-store" {
    path         = "/v1"
    project_path = "/AUTH_%(tenant_id)s"
    interfaces   = ["public", "internal", "admin"]
  }
}
