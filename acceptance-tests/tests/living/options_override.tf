# Another option of each kind whose nodes have no part in tokens; the other tier rolls those that have.
resource "vio_component" "dhcp" {
  options = { lease_duration_s = "43200" }
}

resource "vio_compute_cluster" "this" {
  options = { task_poll_interval_ms = "250" }
}

resource "vio_component" "object_storage" {
  options = { max_file_size_mib = "1024" }
}
