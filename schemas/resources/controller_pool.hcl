resource "vio_controller_pool" {
  version     = 0
  use         = ["management_cluster_id", "node_count", "node_size", "options", "config_overrides", "timeouts", "nodes"]
  description = <<-EOT
    The controllers of a deployment. Every controller runs the API, the scheduler and the VNC proxy of Nova, and
    Glance, Keystone, Horizon, Neutron and Cinder; all of them are active behind the load balancers.

    A deployment has one controller pool. A change that restarts services takes one controller after the other out
    of the load balancers first, so that the APIs stay available.

    Import it by its `id`, for example `prod/controllers`.
  EOT

  attribute "id" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "`<deployment>/controllers`, for example `prod/controllers`."
  }

  attribute "load_balancer_id" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The `id` of the deployment's component of kind `load_balancer`, which holds the VIPs of the APIs. A change replaces
      the pool.
    EOT
  }

  attribute "database_id" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The `id` of the deployment's component of kind `database`, which holds the data of all services. A change replaces
      the pool.
    EOT
  }

  attribute "message_queue_id" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The `id` of the deployment's component of kind `message_queue`, through which services call each other. A change
      replaces the pool.
    EOT
  }

  attribute "memcache_id" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The `id` of the deployment's component of kind `memcache`, which caches tokens. A change replaces the pool.
    EOT
  }

  attribute "ldap" {
    nesting     = "single"
    optional    = true
    description = <<-EOT
      A directory (LDAP or Active Directory) that Keystone reads users and groups from: those of its domain `ldap`. The
      domain `Default`, with the administrator and the services' users, stays in the database. Setting, changing or
      removing it restarts Keystone, one controller at a time.
    EOT

    attribute "url" {
      type        = "string"
      required    = true
      length      = [1, 2048]
      description = <<-EOT
        Address of the directory: `ldap://ldap.example.com` or `ldaps://ldap.example.com:636`; several are separated by commas.
      EOT
    }

    attribute "bind_user" {
      type        = "string"
      optional    = true
      length      = [1, 1024]
      description = <<-EOT
        Distinguished name that Keystone binds with, for example `cn=keystone,ou=services,dc=example,dc=com`. Without it,
        Keystone reads anonymously.
      EOT
    }

    attribute "bind_password_wo" {
      type        = "string"
      optional    = true
      sensitive   = true
      write_only  = true
      length      = [1, 4096]
      description = <<-EOT
        Password of `bind_user`; never stored in the state. Needed with `bind_user` when `ldap` is set first and whenever
        `bind_password_wo_version` changes.
      EOT
    }

    attribute "bind_password_wo_version" {
      type        = "number"
      optional    = true
      range       = [0, 9007199254740991]
      description = "Any whole number, for example `1`; a change of it applies `bind_password_wo` anew."
    }

    attribute "user_tree_dn" {
      type        = "string"
      required    = true
      length      = [1, 1024]
      description = "Where users are searched, at any depth, for example `ou=people,dc=example,dc=com`."
    }

    attribute "group_tree_dn" {
      type        = "string"
      optional    = true
      length      = [1, 1024]
      description = "Where groups are searched, for example `ou=groups,dc=example,dc=com`. When not given, in `user_tree_dn`."
    }

    attribute "user_filter" {
      type        = "string"
      optional    = true
      length      = [1, 4096]
      description = "LDAP filter that users must match, for example `(memberOf=cn=cloud,ou=groups,dc=example,dc=com)`."
    }

    attribute "group_filter" {
      type        = "string"
      optional    = true
      length      = [1, 4096]
      description = "LDAP filter that groups must match, for example `(cn=cloud-*)`."
    }

    attribute "user_objectclass" {
      type        = "string"
      optional    = true
      length      = [1, 255]
      description = <<-EOT
        Object class of users: `person` for Active Directory. When not given, Keystone's own default `inetOrgPerson` holds.
      EOT
    }

    attribute "user_id_attribute" {
      type        = "string"
      optional    = true
      length      = [1, 255]
      description = "Attribute with a user's id, without commas in its values. When not given, Keystone's own default `cn` holds."
    }

    attribute "user_name_attribute" {
      type        = "string"
      optional    = true
      length      = [1, 255]
      description = <<-EOT
        Attribute with the name that a user logs in with: `sAMAccountName` for Active Directory. When not given, Keystone's
        own default `sn` holds.
      EOT
    }

    attribute "user_mail_attribute" {
      type        = "string"
      optional    = true
      length      = [1, 255]
      description = "Attribute with a user's mail address. When not given, Keystone's own default `mail` holds."
    }

    attribute "use_tls" {
      type        = "bool"
      optional    = true
      computed    = true
      default     = false
      description = "Whether to switch a connection to `ldap://` to TLS (StartTLS); not with `ldaps://`. Default `false`."
    }

    attribute "ca_certificate_pem" {
      type        = "string"
      optional    = true
      format      = "pem_certificate"
      description = <<-EOT
        Certificates of the authorities to trust for the directory, in PEM format. By default the node's own authorities are
        trusted.
      EOT
    }
  }
}
