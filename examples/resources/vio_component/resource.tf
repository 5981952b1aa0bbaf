resource "vio_component" "load_balancer" {
  management_cluster_id = vio_management_cluster.prod.id
  kind                  = "load_balancer"

  options = {
    max_connections = "20000"
  }
}

resource "vio_component" "database" {
  management_cluster_id = vio_management_cluster.prod.id
  load_balancer_id      = vio_component.load_balancer.id
  kind                  = "database"

  node_size = {
    memory_mib = 32768
  }
}
