output "endpoints" {
  description = "Where the services answer."
  value       = vio_management_cluster.this.endpoints
}

output "dashboard_url" {
  description = "Where Horizon answers."
  value       = vio_management_cluster.this.dashboard_url
}

# Not the whole nodes: their hosts change whenever vSphere moves one, and a changed output is a change.
output "nodes" {
  description = "Every node of the control plane with its address in the management network."
  value = {
    for node in concat(
      vio_component.load_balancer.nodes,
      vio_component.database.nodes,
      vio_component.message_queue.nodes,
      vio_component.memcache.nodes,
      vio_controller_pool.this.nodes,
      vio_component.dhcp.nodes,
      vio_compute_cluster.this.nodes,
      flatten(vio_component.object_storage[*].nodes),
    ) : node.name => node.ip_address
  }
}
