terraform {
  required_providers {
    vio = {
      source = "vio/vio"
    }
  }
}

provider "vio" {}

variable "memory_mib" {
  type    = number
  default = null
}

variable "update_timeout" {
  type    = string
  default = "30m"
}

variable "identity_database" {
  type    = string
  default = ""
}

# The kinds whose options are other than the release's own.
variable "changed" {
  type    = set(string)
  default = []
}

locals {
  options = {
    load_balancer = { client_timeout_s = "50" }
    database      = { slow_query_log = "true" }
    message_queue = { heartbeat_s = "50" }
    memcache      = { max_item_kib = "512" }
  }
}

resource "vio_management_cluster" "this" {
  name       = "prod"
  release    = "zed"
  datacenter = "dc1"
  cluster    = "mgmt"
  datastore  = "ds-mgmt"
  template   = "templates/vio-node-template"

  management_network = {
    network     = "management"
    cidr        = "198.18.10.0/24"
    gateway     = "198.18.10.1"
    dns_servers = ["198.18.10.2"]
    ntp_servers = ["198.18.10.2"]
    ip_ranges   = ["198.18.10.10-198.18.10.99"]
  }

  external_network = {
    network   = "api"
    cidr      = "198.18.20.0/24"
    gateway   = "198.18.20.1"
    ip_ranges = ["198.18.20.11-198.18.20.19"]
    vip       = "198.18.20.10"
    hostname  = "cloud.example.com"
  }

  data_network = {
    network = "data-trunk"
  }
}

resource "vio_component" "load_balancer" {
  management_cluster_id = vio_management_cluster.this.id
  kind                  = "load_balancer"
  options               = contains(var.changed, "load_balancer") ? local.options.load_balancer : null
}

resource "vio_component" "database" {
  management_cluster_id = vio_management_cluster.this.id
  load_balancer_id      = vio_component.load_balancer.id
  kind                  = "database"
  options               = contains(var.changed, "database") ? local.options.database : null
}

resource "vio_component" "message_queue" {
  management_cluster_id = vio_management_cluster.this.id
  kind                  = "message_queue"
  options               = contains(var.changed, "message_queue") ? local.options.message_queue : null
}

resource "vio_component" "memcache" {
  management_cluster_id = vio_management_cluster.this.id
  kind                  = "memcache"
  options               = contains(var.changed, "memcache") ? local.options.memcache : null
}

resource "vio_controller_pool" "this" {
  management_cluster_id = vio_management_cluster.this.id
  load_balancer_id      = vio_component.load_balancer.id
  database_id           = vio_component.database.id
  message_queue_id      = vio_component.message_queue.id
  memcache_id           = vio_component.memcache.id

  node_size = var.memory_mib == null ? null : {
    memory_mib = var.memory_mib
  }

  # A configuration that can never work, on request.
  config_overrides = var.identity_database == "" ? {} : {
    "/etc/keystone/keystone.conf" = {
      database = {
        connection = var.identity_database
      }
    }
  }

  timeouts = {
    update = var.update_timeout
  }
}
