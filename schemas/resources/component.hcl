resource "vio_component" {
  version     = 0
  use         = ["management_cluster_id", "node_count", "node_size", "options", "config_overrides", "timeouts", "nodes"]
  description = <<-EOT
    A component of a deployment's control plane: a group of like nodes, such as the database or the load balancers.

    Adding or removing a component reconfigures the components that depend on it in the same apply, for example the
    load balancers' backends and the service catalogue. Members of a database or a message queue are changed one at
    a time, each only when the cluster is whole again.

    Import it by its `id`, for example `prod/database`.
  EOT

  attribute "id" {
    type        = "string"
    computed    = true
    keep_prior  = true
    description = "`<deployment>/<kind>`, for example `prod/database`."
  }

  attribute "kind" {
    type             = "string"
    required         = true
    requires_replace = true
    length           = [1, 40]
    description      = <<-EOT
      What the component is, one of the kinds that the release has: `load_balancer` (HAProxy with the internal and the
      public VIP), `database` (MariaDB Galera), `message_queue` (RabbitMQ), `memcache`, `dhcp` (DHCP and metadata agents of
      Neutron) or `object_storage` (Swift). A deployment has at most one component of a kind. A change replaces the
      component.
    EOT
  }

  attribute "controller_pool_id" {
    type             = "string"
    optional         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The `id` of the deployment's `vio_controller_pool`. Required by the kinds that register with Keystone or Neutron
      (`object_storage`, `dhcp`), so that they are made after the controllers and deleted before them. A change replaces the
      component.
    EOT
  }

  attribute "load_balancer_id" {
    type             = "string"
    optional         = true
    requires_replace = true
    length           = [1, 255]
    description      = <<-EOT
      The `id` of the deployment's component of kind `load_balancer`. Required by the kinds that stand behind the VIPs
      (`database`, `object_storage`). A change replaces the component.
    EOT
  }
}
