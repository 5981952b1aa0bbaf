//! The rules of a cluster.

use super::Client;
use crate::error::Error;
use crate::mo_ref::MoRef;
use crate::proto;
use crate::spec::RuleChange;

impl Client {
    /// Starts a task that adds, replaces and removes DRS rules of a cluster, and changes nothing else of it.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn reconfigure_cluster_rules(
        &self,
        cluster: &MoRef,
        changes: &[RuleChange],
    ) -> Result<MoRef, Error> {
        self.inner.call_for_moref(&proto::reconfigure_cluster_rules(cluster, changes)).await
    }
}
