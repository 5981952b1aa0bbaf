resource "vio_compute_cluster" "compute_a" {
  management_cluster_id = vio_management_cluster.prod.id
  controller_pool_id    = vio_controller_pool.prod.id
  datacenter            = "dc1"
  cluster               = "compute-a"
  datastores            = ["ds-compute-a"]
}
