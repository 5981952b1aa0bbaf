# Attributes that several resources have: included there with `use`.

attribute "management_cluster_id" {
  type             = "string"
  required         = true
  requires_replace = true
  length           = [1, 40]
  description      = <<-EOT
    The deployment that it belongs to: the `id` of a `vio_management_cluster`. A change replaces it.
  EOT
}

attribute "node_count" {
  type        = "number"
  optional    = true
  computed    = true
  keep_prior  = true
  range       = [1, 99]
  description = <<-EOT
    How many nodes. By default the release and the deployment's `profile` decide; the release also bounds it by kind, and a
    `database` has an odd number of members. A change adds or removes nodes in place, the highest numbers first, without a
    restart of the others; members of a database or a message queue come and go one at a time.
  EOT
}

attribute "node_size" {
  nesting     = "single"
  optional    = true
  computed    = true
  keep_prior  = true
  description = <<-EOT
    Size of each node. What is left out comes from the release and the deployment's `profile`. A change powers the nodes off
    and on again, one at a time.
  EOT

  attribute "cpus" {
    type        = "number"
    optional    = true
    computed    = true
    keep_prior  = true
    range       = [1, 128]
    description = "Virtual CPUs of each node, from 1 to 128."
  }

  attribute "memory_mib" {
    type        = "number"
    optional    = true
    computed    = true
    keep_prior  = true
    range       = [512, 6291456]
    description = "Memory of each node in MiB, at least 512; vSphere takes multiples of 4. Example: `16384`."
  }

  attribute "disk_gib" {
    type        = "number"
    optional    = true
    computed    = true
    keep_prior  = true
    range       = [1, 63488]
    description = <<-EOT
      Disk of each node in GiB. Linked clones share the disk of the deployment's image, which is as large as the largest
      default of the release; more needs `linked_clones = false`. A change holds for nodes that are made from then on.
    EOT
  }
}

attribute "options" {
  type        = "map(string)"
  optional    = true
  description = <<-EOT
    Settings by name, of those that the release declares for this kind of node: `schemas/releases` of this provider has
    them with their types, ranges and defaults. Numbers and booleans are written as text, as in `{ max_connections = "4096" }`. Every
    one is checked when planning. A change restarts the services that it concerns, one node at a time.
  EOT
}

attribute "config_overrides" {
  type        = "map(map(map(string)))"
  optional    = true
  description = <<-EOT
    Settings laid over the rendered configuration files: file, section, key, value, as in
    `{ "nova.conf" = { DEFAULT = { debug = "true" } } }`. A file is named by its path or its base name; in a file without
    sections the section is `""`. Prefer `options`: what is written here is not checked beyond the file's name. A change
    restarts the services that read the file, one node at a time.
  EOT
}

attribute "timeouts" {
  nesting     = "single"
  optional    = true
  description = <<-EOT
    Longest times for whole operations, as durations such as `90m` or `1h30m`. What was done when the time is up stays; the
    next apply goes on from there.
  EOT

  attribute "create" {
    type        = "string"
    optional    = true
    format      = "duration"
    description = "Longest time for creation. Default `60m`."
  }

  attribute "update" {
    type        = "string"
    optional    = true
    format      = "duration"
    description = "Longest time for a change in place. Default `60m`."
  }

  attribute "delete" {
    type        = "string"
    optional    = true
    format      = "duration"
    description = "Longest time for deletion. Default `30m`."
  }
}

attribute "nodes" {
  nesting     = "list"
  object      = "Node"
  computed    = true
  keep_prior  = true
  description = <<-EOT
    The nodes as they are in vCenter, in the order of their numbers. What was done to one of them from outside shows here,
    and the next apply repairs that node alone.
  EOT

  attribute "name" {
    type        = "string"
    computed    = true
    description = <<-EOT
      Name of the virtual machine and of the guest: `<deployment>-<kind>-<nn>`, with hyphens for underscores, for example
      `prod-message-queue-01`.
    EOT
  }

  attribute "ip_address" {
    type        = "string"
    computed    = true
    description = "Address in the management network."
  }

  attribute "host" {
    type        = "string"
    computed    = true
    description = "Name of the ESXi host that runs it, as seen last; null when there is none."
  }

  attribute "moid" {
    type        = "string"
    computed    = true
    description = "Managed object id of the virtual machine in vCenter, for example `vm-1042`."
  }

  attribute "state" {
    type        = "string"
    computed    = true
    one_of      = ["ready", "degraded", "stopped", "missing"]
    description = <<-EOT
      `ready`: runs its configuration and is healthy; `degraded`: runs, but a service is not healthy or its configuration,
      size or place is not what it should be; `stopped`: powered off; `missing`: the virtual machine is gone.
    EOT
  }
}
