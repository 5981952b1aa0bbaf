//! Clouds of a given size: `examples/complete` with more nodes of each kind, and then with more compute clusters.

use std::time::Duration;

use acceptance_tests::{MOST_NODES, paths};
use anyhow::{Context as _, Result, ensure};

/// The nodes of the example beside its compute driver.
const EXAMPLE: u32 = 13;

/// Clones that the provider makes at once unless it is told otherwise.
const CLONES: u32 = 8;

/// From what a paper guest is told to its report that it is done.
const APPLY: Duration = Duration::from_millis(100);

/// What a deployment is made of.
pub(super) struct Cloud {
    large: bool,
    pub(super) compute_clusters: u32,
}

impl Cloud {
    /// One deployment of so many nodes. What the release's limits leave over are compute drivers, of which each vSphere
    /// cluster has one.
    pub(super) fn of(nodes: u32) -> Result<Self> {
        let most: u32 = MOST_NODES.iter().map(|(_, count)| count).sum();
        ensure!(nodes > EXAMPLE, "a cloud of the example has more than {EXAMPLE} nodes");
        let large = nodes > most;
        Ok(Self { large, compute_clusters: nodes - if large { most } else { EXAMPLE } })
    }

    pub(super) fn nodes(&self) -> u32 {
        self.compute_clusters
            + if self.large { MOST_NODES.iter().map(|(_, count)| count).sum() } else { EXAMPLE }
    }

    pub(super) fn configuration(&self) -> Result<String> {
        let file = paths::repository().join("examples/complete/main.tf");
        let mut text =
            std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let mut replace = |from: &str, to: &str| {
            ensure!(text.contains(from), "the example has no {from:?}");
            text = text.replacen(from, to, 1);
            Ok(())
        };
        replace("198.18.10.0/24", "198.18.0.0/17")?;
        replace("198.18.10.10-198.18.10.99", "198.18.32.0-198.18.63.255")?;
        replace("  node_count            = var.controllers\n", "")?;
        if self.large {
            for (line, count) in MOST_NODES {
                replace(line, &format!("{}\n  node_count = {count}\n", line.trim_end()))?;
            }
        }
        replace(
            "resource \"vio_compute_cluster\" \"this\" {\n",
            &format!("resource \"vio_compute_cluster\" \"this\" {{\n  count = {}\n", self.compute_clusters),
        )?;
        replace("\"compute-1\"", "\"compute-${count.index + 1}\"")?;
        replace("\"ds-compute-1\"", "\"ds-compute-${count.index + 1}\"")?;
        for variable in [("name", "\"prod\""), ("datacenter", "\"dc1\""), ("object_storage", "false")] {
            text = text.replace(&format!("var.{}", variable.0), variable.1);
        }
        Ok(text)
    }

    /// The shortest time in which a create can be done: the foundation, then load balancers, databases, controllers and
    /// compute drivers, which wait for each other. A call, and the answer of a poll, take the latency.
    pub(super) fn critical_path(&self, latency: Duration, boot: Duration, parallelism: u32) -> Duration {
        let step = latency * 2;
        let grown = |nodes: u32| step * nodes.div_ceil(CLONES) + step + boot + APPLY + latency;
        let drivers = (grown(1)) * self.compute_clusters.div_ceil(parallelism.max(1));
        // Login and inventory; folder, pool, image and snapshot.
        let foundation = latency * 4 + latency * 2 + step * 2;
        foundation + self.chain().into_iter().map(grown).sum::<Duration>() + drivers
    }

    /// What the rolls of those that serve already take beside it, one node after another: the load balancers learn of the
    /// databases and of the controllers; then each controller of the compute clusters, while every load balancer in turn
    /// sends it nothing, and the load balancers that it is back.
    pub(super) fn rolls(&self, latency: Duration) -> Duration {
        let [balancers, _, controllers] = self.chain();
        let told = latency * 3 + APPLY;
        told * (balancers * 3 + controllers * (balancers + 1))
    }

    /// How many load balancers, databases and controllers there are.
    fn chain(&self) -> [u32; 3] {
        if self.large { [4, 7, 10] } else { [2, 3, 2] }
    }
}
