resource "vio_management_cluster" {
  version     = 0
  use         = ["timeouts"]
  description = <<-EOT
    A deployment: one OpenStack cloud. It chooses where the control plane lives, which release it is and which
    networks it has, and owns the folder, the resource pool, the node image and the deployment's record in vCenter.
    Creating it makes no node: `vio_component`, `vio_controller_pool` and `vio_compute_cluster` do.

    Deleting it while nodes remain is an error that names them.

    Import it by its `id`, the deployment's name, for example `prod`.
  EOT

  attribute "id" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "The deployment's name."
  }

  attribute "name" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 40]
    format           = "dns_label"
    description      = <<-EOT
      Name of the deployment, for example `prod`: a DNS label of at most 40 characters (lower-case letters, digits, hyphens).
      Every object that is made has a name that begins with it. A change replaces the deployment.
    EOT
  }

  attribute "release" {
    type        = "string"
    required    = true
    length      = [1, 40]
    description = <<-EOT
      OpenStack release: `icehouse` (VIO 1.0), `kilo` (VIO 2.0) or `zed`. A change is refused when planning: databases would
      have to be migrated from release to release, which this version of the provider does not do.
    EOT
  }

  attribute "profile" {
    type        = "string"
    optional    = true
    computed    = true
    default     = "ha"
    one_of      = ["ha", "compact"]
    description = <<-EOT
      Default node counts and sizes: `ha` for several nodes of each component, `compact` for as few and as small ones as the
      release runs with. Components that exist keep theirs when it changes. Default `ha`.
    EOT
  }

  attribute "datacenter" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      Datacenter of the control plane: a name such as `dc1`, or an inventory path such as `/region-a/dc1`. A change replaces
      the deployment.
    EOT
  }

  attribute "cluster" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The vSphere cluster that runs the control plane's nodes: a name such as `management`, or an inventory path. A change
      replaces the deployment.
    EOT
  }

  attribute "datastore" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      Datastore for the disks of the nodes, a name or an inventory path; all hosts of the cluster must reach it. A change
      replaces the deployment.
    EOT
  }

  attribute "template" {
    type        = "string"
    required    = true
    length      = [1, 255]
    description = <<-EOT
      Virtual machine or template that nodes are made from, a name or an inventory path. Its guest needs VMware Tools,
      cloud-init and Python 3. It is copied once into the deployment's own image, and may change or go away afterwards. A
      change to another template makes another image: nodes that exist stay as they are, nodes that are made from then on
      come from the new one. The images before it stay until the deployment is deleted, since nodes may share their disks.
    EOT
  }

  attribute "linked_clones" {
    type        = "bool"
    optional    = true
    computed    = true
    default     = true
    description = <<-EOT
      Whether nodes share the disk of the image, which makes a node in seconds; `false` gives every node a disk of its own. A
      change holds for nodes that are made from then on. Default `true`.
    EOT
  }

  attribute "anti_affinity" {
    type        = "bool"
    optional    = true
    computed    = true
    default     = true
    description = <<-EOT
      Whether the nodes of a component run on different ESXi hosts, by a DRS rule for each component. The cluster then needs
      as many hosts as the largest component has nodes. Changed in place. Default `true`.
    EOT
  }

  attribute "management_network" {
    nesting     = "single"
    required    = true
    description = <<-EOT
      The network in which the nodes talk to each other and to vCenter. Every node has an address here, and the services
      have the internal VIP.
    EOT

    attribute "network" {
      type        = "string"
      required    = true
      length      = [1, 255]
      description = "Port group or network, a name such as `vio-management`, or an inventory path."
    }

    attribute "cidr" {
      type        = "string"
      required    = true
      format      = "ipv4_cidr"
      description = "The IPv4 subnet, for example `192.0.2.0/24`."
    }

    attribute "gateway" {
      type        = "string"
      required    = true
      format      = "ipv4"
      description = "Address of the subnet's router, for example `192.0.2.1`."
    }

    attribute "dns_servers" {
      type        = "list(string)"
      required    = true
      length      = [1, 3]
      format      = "ipv4"
      description = <<-EOT
        Addresses of one to three DNS servers, asked in this order. A change reconfigures the nodes in place, without a
        restart.
      EOT
    }

    attribute "ntp_servers" {
      type        = "list(string)"
      required    = true
      length      = [1, 10]
      description = <<-EOT
        Host names or addresses of the time servers, one to ten. A change reconfigures the nodes in place, without a
        restart of OpenStack.
      EOT
    }

    attribute "ip_ranges" {
      type        = "list(string)"
      required    = true
      length      = [1, 64]
      format      = "ipv4_range"
      description = <<-EOT
        Ranges of free addresses inside `cidr`, from the first to the last, for example `["192.0.2.20-192.0.2.60"]`: one
        address for each node and one for the internal VIP. `provider::vio::addresses_needed` counts them. Nodes that exist
        keep their addresses: add ranges freely, take away only unused ones.
      EOT
    }

    attribute "vip" {
      type        = "string"
      optional    = true
      format      = "ipv4"
      description = <<-EOT
        The internal VIP, an address inside `cidr`. Without it, one is taken from `ip_ranges`; `internal_vip` has the one in
        use.
      EOT
    }
  }

  attribute "external_network" {
    nesting     = "single"
    required    = true
    description = <<-EOT
      The network in which users reach the cloud. The load balancers have an address each here, and the services have the
      public VIP.
    EOT

    attribute "network" {
      type        = "string"
      required    = true
      length      = [1, 255]
      description = "Port group or network, a name such as `vio-external`, or an inventory path."
    }

    attribute "cidr" {
      type        = "string"
      required    = true
      format      = "ipv4_cidr"
      description = "The IPv4 subnet, for example `198.51.100.0/24`."
    }

    attribute "gateway" {
      type        = "string"
      required    = true
      format      = "ipv4"
      description = "Address of the subnet's router, for example `198.51.100.1`."
    }

    attribute "ip_ranges" {
      type        = "list(string)"
      required    = true
      length      = [1, 64]
      format      = "ipv4_range"
      description = <<-EOT
        Ranges of free addresses inside `cidr`, from the first to the last, for example `["198.51.100.10-198.51.100.15"]`: one
        address for each load balancer, and one for the public VIP unless `vip` is set.
      EOT
    }

    attribute "vip" {
      type        = "string"
      optional    = true
      format      = "ipv4"
      description = <<-EOT
        The public VIP, an address inside `cidr`. Without it, one is taken from `ip_ranges`; `public_vip` has the one in use.
      EOT
    }

    attribute "hostname" {
      type        = "string"
      optional    = true
      format      = "hostname"
      description = <<-EOT
        Host name of the public endpoints, for example `cloud.example.com`; it must resolve to the public VIP. Without it, the
        endpoints have the address. A change rewrites the service catalogue.
      EOT
    }
  }

  attribute "data_network" {
    nesting     = "single"
    optional    = true
    description = <<-EOT
      The network that carries tenant traffic to the DHCP nodes. Needed by a component of kind `dhcp` when the networking
      backend is `dvs`.
    EOT

    attribute "network" {
      type        = "string"
      required    = true
      length      = [1, 255]
      description = <<-EOT
        Trunk port group (VLAN 4095 or a VLAN range) on the distributed switch of the tenants, a name or an inventory path.
      EOT
    }
  }

  attribute "networking" {
    nesting     = "single"
    optional    = true
    description = <<-EOT
      What Neutron drives. Without it, the vSphere distributed switch. A change restarts Neutron, one node at a time, and
      does not move the networks that tenants have.
    EOT

    attribute "backend" {
      type        = "string"
      optional    = true
      computed    = true
      default     = "dvs"
      one_of      = ["dvs", "nsx"]
      description = <<-EOT
        `dvs`: networks are port groups of a vSphere distributed switch; `nsx`: networks are made by NSX, and `nsx` must be
        set. Default `dvs`.
      EOT
    }

    attribute "nsx" {
      nesting     = "single"
      optional    = true
      description = <<-EOT
        The NSX Manager; only with the backend `nsx`. The DHCP nodes are registered in it as host transport nodes, with their
        names and management addresses, and removed from it before they go. Naming another manager, or none, first removes
        them from the present one, which must then be reachable.
      EOT

      attribute "manager" {
        type        = "string"
        required    = true
        length      = [1, 261]
        format      = "host_port"
        description = <<-EOT
          Host name or IP address of the NSX Manager, with an optional port. The port is 443 when not given. The provider
          needs a network path to it, and it needs one to the DHCP nodes (SSH).
        EOT
      }

      attribute "user" {
        type        = "string"
        required    = true
        length      = [1, 255]
        description = "Name of the user that Neutron and the provider work as, for example `admin`."
      }

      attribute "password_wo" {
        type        = "string"
        optional    = true
        sensitive   = true
        write_only  = true
        length      = [1, 4096]
        description = <<-EOT
          Password of the user; never stored in the state. Needed when `nsx` is set first and whenever
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
          Certificates of the authorities to trust for the NSX Manager, in PEM format. The provider trusts them beside those
          of the system it runs on; by default it trusts only these, and the nodes their own.
        EOT
      }

      attribute "transport_zone" {
        type        = "string"
        required    = true
        length      = [1, 255]
        description = <<-EOT
          Name or id of the transport zone for tenant networks, of the type overlay; the id where several have one name. A
          change gives the zone to the transport nodes.
        EOT
      }
    }
  }

  attribute "admin_password_wo" {
    type        = "string"
    optional    = true
    sensitive   = true
    write_only  = true
    length      = [1, 255]
    description = <<-EOT
      Password of the cloud's administrator; never stored in the state. Without it, one is derived from the deployment's
      secret: `ephemeral.vio_admin_credentials` gives it.
    EOT
  }

  attribute "admin_password_wo_version" {
    type        = "number"
    optional    = true
    range       = [0, 9007199254740991]
    description = "Any whole number, for example `1`; a change of it applies `admin_password_wo` anew."
  }

  attribute "certificate" {
    nesting     = "single"
    optional    = true
    description = <<-EOT
      Certificate of the public VIP. Without it, the deployment's own certificate authority signs one:
      `ca_certificate_pem` has that authority. A change is taken over by the load balancers without a break.
    EOT

    attribute "certificate_pem" {
      type        = "string"
      required    = true
      format      = "pem_certificate"
      description = "The certificate, followed by the intermediate ones, in PEM format."
    }

    attribute "private_key_pem_wo" {
      type        = "string"
      optional    = true
      sensitive   = true
      write_only  = true
      format      = "pem_private_key"
      description = <<-EOT
        Private key of the certificate in PEM format, not encrypted; never stored in the state. Needed when `certificate` is
        set first and whenever `private_key_pem_wo_version` changes.
      EOT
    }

    attribute "private_key_pem_wo_version" {
      type        = "number"
      optional    = true
      range       = [0, 9007199254740991]
      description = "Any whole number, for example `1`; a change of it applies `private_key_pem_wo` anew."
    }
  }

  attribute "syslog" {
    nesting     = "single"
    optional    = true
    description = "Where the nodes send their logs. Without it, logs stay on the nodes. Changed in place."

    attribute "host" {
      type        = "string"
      required    = true
      length      = [1, 255]
      description = "Host name or IP address of the log server."
    }

    attribute "port" {
      type        = "number"
      optional    = true
      computed    = true
      default     = 514
      range       = [1, 65535]
      description = "Port of the log server, from 1 to 65535. Default `514`."
    }

    attribute "protocol" {
      type        = "string"
      optional    = true
      computed    = true
      default     = "udp"
      one_of      = ["udp", "tcp", "tls"]
      description = "Transport: `udp`, `tcp` or `tls`. Default `udp`."
    }
  }

  attribute "internal_vip" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "The internal VIP in use."
  }

  attribute "public_vip" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "The public VIP in use."
  }

  attribute "endpoints" {
    type        = "map(string)"
    computed    = true
    keep_prior  = true
    description = <<-EOT
      Public URLs by service, for example `identity` for Keystone: the services that every deployment of the release has, so
      that adding a component changes nothing here.
    EOT
  }

  attribute "dashboard_url" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "URL of the dashboard, Horizon."
  }

  attribute "ca_certificate_pem" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = <<-EOT
      Certificate of the deployment's own authority in PEM format, which signs the public VIP's certificate unless
      `certificate` is set.
    EOT
  }

  attribute "folder" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "Inventory path of the deployment's folder for virtual machines."
  }

  attribute "resource_pool" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "Inventory path of the deployment's resource pool."
  }

  attribute "image" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = <<-EOT
      Inventory path of the virtual machine that keeps the deployment's record and that nodes are cloned from, until
      `template` changes: then from another beside it, of the same name with `-2`, `-3` and so on. Null when a snapshot of
      theirs was removed, the other moved or removed, or the record damaged, which the next apply mends.
    EOT
  }
}
