terraform {
  required_providers {
    vio = {
      source  = "vio/vio"
      version = "~> 0.1"
    }
  }
}

# Server, user and password come from VSPHERE_SERVER, VSPHERE_USER and VSPHERE_PASSWORD.
provider "vio" {
  ca_certificate_pem = file("${path.module}/vcenter-ca.pem")
}
