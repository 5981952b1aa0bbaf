output "endpoints" {
  description = "Where the services answer."
  value       = vio_management_cluster.this.endpoints
}

output "dashboard_url" {
  description = "Where Horizon answers."
  value       = vio_management_cluster.this.dashboard_url
}

output "nodes" {
  description = "Every node of the control plane."
  value = concat(
    vio_component.load_balancer.nodes,
    vio_component.database.nodes,
    vio_component.message_queue.nodes,
    vio_component.memcache.nodes,
    vio_controller_pool.this.nodes,
    vio_component.dhcp.nodes,
    vio_compute_cluster.this.nodes,
    flatten(vio_component.object_storage[*].nodes),
  )
}
