id          = "zed"
title       = "OpenStack Zed in VIO's layout"
description = "The newest release of the catalogue: Keystone with Fernet tokens, Placement, Cinder v3, one Nova cell. Its nodes run on Debian 12, whose own packages are of this release."

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
    path = "/v3"
  }
  endpoint "identity" {
    path       = "/v3"
    interfaces = ["public", "internal", "admin"]
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
    path       = "/v2.1"
    interfaces = ["public", "internal", "admin"]
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

front_end "placement" {
  kind   = "controller"
  port   = 8778
  vips   = ["internal", "public"]
  mode   = "http"
  common = true
  check {
    type = "http"
    path = "/"
  }
  endpoint "placement" {
    path       = ""
    interfaces = ["public", "internal", "admin"]
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
  endpoint "volumev3" {
    path         = "/v3"
    project_path = "/%(project_id)s"
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
    project_path = "/AUTH_%(project_id)s"
    interfaces   = ["public", "internal", "admin"]
  }
}
