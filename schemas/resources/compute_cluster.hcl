resource "vio_compute_cluster" {
  version     = 0
  use         = ["management_cluster_id", "node_size", "options", "config_overrides", "timeouts", "nodes"]
  description = <<-EOT
    A vSphere cluster that runs tenant workloads, and the compute driver node that serves it. The node lives in the
    management cluster; in the cluster itself nothing is made but the tenants' own virtual machines.

    Nova's prerequisites for the cluster: DRS fully automated, datastores that all hosts share, and nothing else in it.

    Deleting it while tenant virtual machines run there is an error that counts them, unless `force_delete` is `true`.

    Import it by its `id`, for example `prod/compute/dc1/compute-a`.
  EOT

  attribute "id" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "`<deployment>/compute/<datacenter>/<cluster>`, for example `prod/compute/dc1/compute-a`."
  }

  attribute "controller_pool_id" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The `id` of the deployment's `vio_controller_pool`, which the compute driver registers with. A change replaces the
      compute cluster.
    EOT
  }

  attribute "datacenter" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      Datacenter of the cluster: a name such as `dc1`, or an inventory path such as `/region-a/dc1`. A change replaces the
      compute cluster.
    EOT
  }

  attribute "cluster" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The vSphere cluster for tenant workloads: a name such as `compute-a`, or an inventory path. It may not be the
      management cluster. A change replaces the compute cluster.
    EOT
  }

  attribute "datastores" {
    type        = "set(string)"
    required    = true
    length      = [1, 256]
    description = <<-EOT
      Names of the datastores where the disks of tenant virtual machines live, each shared by all hosts of the cluster. A
      change restarts the compute service; disks that exist stay where they are.
    EOT
  }

  attribute "availability_zone" {
    type        = "string"
    optional    = true
    computed    = true
    default     = "nova"
    length      = [1, 255]
    description = <<-EOT
      Availability zone in which users of the cloud see the cluster. Clusters of different vCenters need different zones.
      Default `nova`. Changed in place.
    EOT
  }

  attribute "vcenter" {
    nesting     = "single"
    optional    = true
    description = <<-EOT
      The vCenter Server that has the cluster, where that is another than the provider's. A change restarts the compute
      service.
    EOT

    attribute "server" {
      type        = "string"
      required    = true
      length      = [1, 261]
      format      = "host_port"
      description = "Host name or IP address, with an optional port. The port is 443 when not given."
    }

    attribute "user" {
      type        = "string"
      required    = true
      length      = [1, 255]
      description = "Name of the user that Nova works as, for example `openstack@vsphere.local`."
    }

    attribute "password_wo" {
      type        = "string"
      optional    = true
      sensitive   = true
      write_only  = true
      length      = [1, 4096]
      description = <<-EOT
        Password of the user; never stored in the state. Needed when `vcenter` is set first and whenever
        `password_wo_version` changes.
      EOT
    }

    attribute "password_wo_version" {
      type        = "number"
      optional    = true
      range       = [0, 9007199254740991]
      description = "Any whole number, for example `1`; a change of it applies `password_wo` anew."
    }

    attribute "ca_certificate_pem" {
      type        = "string"
      optional    = true
      format      = "pem_certificate"
      description = <<-EOT
        Certificates of the authorities to trust for this vCenter Server, in PEM format. By default the system's authorities
        are trusted.
      EOT
    }
  }

  attribute "force_delete" {
    type        = "bool"
    optional    = true
    description = <<-EOT
      Whether the compute cluster may be deleted while tenant virtual machines run on it. They stay in vSphere, and the cloud
      no longer knows them. It must be applied before the deletion. Default `false`.
    EOT
  }

  attribute "cluster_moid" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "Managed object id of the vSphere cluster, for example `domain-c84`."
  }
}
