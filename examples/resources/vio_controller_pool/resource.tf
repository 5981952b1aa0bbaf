resource "vio_controller_pool" "prod" {
  management_cluster_id = vio_management_cluster.prod.id
  load_balancer_id      = vio_component.load_balancer.id
  database_id           = vio_component.database.id
  message_queue_id      = vio_component.message_queue.id
  memcache_id           = vio_component.memcache.id
  node_count            = 3
}
