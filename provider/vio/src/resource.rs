//! The resources, a folder each for the deployment and for what makes nodes.

mod group;
mod management_cluster;
mod timeouts;
mod values;

pub(crate) use group::{ComputeCluster, ControllerPool, Group, Simple};
pub(crate) use management_cluster::ManagementCluster;
