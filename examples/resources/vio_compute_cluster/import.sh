terraform import vio_compute_cluster.compute_a prod/compute/dc1/compute-a
