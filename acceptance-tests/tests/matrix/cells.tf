terraform {
  required_providers {
    vio = {
      source = "vio/vio"
    }
  }
}

# Each cell of the matrix is a deployment of its own, so that one run shows many.
variable "cells" {
  type = map(object({
    nodes      = number
    deployment = object({ create = string, delete = string })
    component  = object({ change = string, delete = string })
  }))
}

variable "connections" {
  type = number
}

variable "memory_mib" {
  type = number
}

variable "components" {
  type    = bool
  default = true
}

variable "api_timeout" {
  type = string
}

provider "vio" {
  api_timeout           = var.api_timeout
  max_concurrent_clones = 64
  preflight             = false
}

resource "vio_management_cluster" "this" {
  for_each = var.cells

  name       = each.key
  release    = "zed"
  profile    = "compact"
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

  timeouts = each.value.deployment
}

resource "vio_component" "memcache" {
  for_each = var.components ? var.cells : {}

  management_cluster_id = vio_management_cluster.this[each.key].id
  kind                  = "memcache"
  node_count            = each.value.nodes

  node_size = {
    memory_mib = var.memory_mib
  }

  options = {
    max_connections = var.connections
  }

  timeouts = {
    create = each.value.component.change
    update = each.value.component.change
    delete = each.value.component.delete
  }
}
