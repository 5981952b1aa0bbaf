provider "vio" {
  version     = 0
  description = <<-EOT
    The `vio` provider deploys VMware Integrated OpenStack control planes onto vSphere: the management cluster with
    its load balancers, databases, queues and controllers, and a compute driver for every vSphere cluster that runs
    tenant workloads.

    vCenter is all that the provider talks to: there is no SSH, and the host that runs Terraform needs no route to
    the nodes. Nothing is dialled until a resource needs it. An argument that is not set is taken from the
    environment; the names of the variables are those of the vSphere provider wherever that has one.
  EOT

  attribute "vsphere_server" {
    type        = "string"
    optional    = true
    length      = [1, 261]
    format      = "host_port"
    description = <<-EOT
      Host name or IP address of the vCenter Server that holds the management cluster, with an optional port:
      `vcenter.example.com` or `192.0.2.10:8443`. The port is 443 when not given. Must be set here or in the environment
      variable `VSPHERE_SERVER`.
    EOT
  }

  attribute "user" {
    type        = "string"
    optional    = true
    length      = [1, 255]
    description = <<-EOT
      Name of the vCenter user, for example `terraform@vsphere.local`. Must be set here or in the environment variable
      `VSPHERE_USER`.
    EOT
  }

  attribute "password" {
    type        = "string"
    optional    = true
    sensitive   = true
    length      = [1, 4096]
    description = <<-EOT
      Password of the vCenter user. Must be set here or in the environment variable `VSPHERE_PASSWORD`; the variable keeps
      it out of the configuration.
    EOT
  }

  attribute "allow_unverified_ssl" {
    type        = "bool"
    optional    = true
    description = <<-EOT
      Whether to accept any certificate of the vCenter Server: whoever stands between can then read the password. Prefer
      `ca_certificate_pem` or `server_thumbprint`. Environment variable `VSPHERE_ALLOW_UNVERIFIED_SSL`; default `false`.
    EOT
  }

  attribute "ca_certificate_pem" {
    type        = "string"
    optional    = true
    format      = "pem_certificate"
    description = <<-EOT
      Certificates of the authorities to trust for the vCenter Server, in PEM format, for example
      `file("vcenter-ca.pem")`. Environment variable `VIO_CA_CERTIFICATE_PEM`; by default the system's authorities are
      trusted.
    EOT
  }

  attribute "server_thumbprint" {
    type        = "string"
    optional    = true
    format      = "sha256_thumbprint"
    description = <<-EOT
      SHA-256 fingerprint of the vCenter Server's certificate: exactly this certificate is then trusted, whoever signed it.
      64 hexadecimal digits, with or without colons between the pairs. Environment variable `VIO_SERVER_THUMBPRINT`.
    EOT
  }

  attribute "api_timeout" {
    type        = "string"
    optional    = true
    format      = "duration"
    description = <<-EOT
      Longest time for one API call, such as `90s` or `5m`. It does not limit a whole operation: for that, resources have
      `timeouts`. Default `5m`.
    EOT
  }

  attribute "max_concurrent_clones" {
    type        = "number"
    optional    = true
    range       = [1, 64]
    description = <<-EOT
      Most virtual machines that are cloned at the same time, from 1 to 64. Fewer spare the datastore, more are faster.
      Default `8`.
    EOT
  }

  attribute "preflight" {
    type        = "bool"
    optional    = true
    description = <<-EOT
      Whether planning checks the live inventory: that every name exists, that addresses, hosts, memory and disk space
      suffice for all planned nodes, and that the template has VMware Tools. Findings appear on the attributes that they
      are about; planned values do not depend on it. Set it to `false` to plan where vCenter cannot be reached. Default
      `true`.
    EOT
  }
}
