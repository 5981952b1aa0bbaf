resource "vio_management_cluster" "prod" {
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
}
