terraform {
  required_providers {
    vio = {
      source = "vio/vio"
    }
  }
}

# Server, user and password come from VSPHERE_SERVER, VSPHERE_USER and VSPHERE_PASSWORD.
provider "vio" {}

resource "vio_management_cluster" "this" {
  name       = var.name
  release    = "zed"
  datacenter = var.datacenter
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
}

resource "vio_component" "database" {
  management_cluster_id = vio_management_cluster.this.id
  load_balancer_id      = vio_component.load_balancer.id
  kind                  = "database"
}

resource "vio_component" "message_queue" {
  management_cluster_id = vio_management_cluster.this.id
  kind                  = "message_queue"
}

resource "vio_component" "memcache" {
  management_cluster_id = vio_management_cluster.this.id
  kind                  = "memcache"
}

resource "vio_controller_pool" "this" {
  management_cluster_id = vio_management_cluster.this.id
  load_balancer_id      = vio_component.load_balancer.id
  database_id           = vio_component.database.id
  message_queue_id      = vio_component.message_queue.id
  memcache_id           = vio_component.memcache.id
  node_count            = var.controllers
}

resource "vio_component" "dhcp" {
  management_cluster_id = vio_management_cluster.this.id
  controller_pool_id    = vio_controller_pool.this.id
  kind                  = "dhcp"
}

resource "vio_compute_cluster" "this" {
  management_cluster_id = vio_management_cluster.this.id
  controller_pool_id    = vio_controller_pool.this.id
  datacenter            = var.datacenter
  cluster               = "compute-1"
  datastores            = ["ds-compute-1"]

  # The simulated vCenter has tenants' VMs in this cluster from the start; without this they would be protected.
  force_delete = true
}

# Day 2: `-var object_storage=true` adds Swift to a cloud that runs.
resource "vio_component" "object_storage" {
  count = var.object_storage ? 1 : 0

  management_cluster_id = vio_management_cluster.this.id
  controller_pool_id    = vio_controller_pool.this.id
  load_balancer_id      = vio_component.load_balancer.id
  kind                  = "object_storage"
}
