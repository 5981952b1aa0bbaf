//! Every change of day 2 as a diff: what the plan says of it, and what the apply costs.

use acceptance_tests::{CallLog, Deployment};
use anyhow::{Context as _, Result, ensure};

use crate::support::{Edit, example, expect_clean, moids, one_cli, rewrite};

const DEPLOYMENT: &str = "vio_management_cluster.this";
const DATABASE: &str = "vio_component.database";
const MEMCACHE: &str = "vio_component.memcache";
const CONTROLLERS: &str = "vio_controller_pool.this";
const COMPUTE: &str = "vio_compute_cluster.this";

/// A change of the configuration, which stays for those that come after it.
struct Change<'a> {
    edit: Edit<'a>,
    /// The one resource that changes, and its attributes that do.
    shown: (&'a str, &'a [&'a str]),
    /// Words of the warning, if the plan must give one.
    warning: Option<&'a str>,
    /// Nodes that are made, started and removed.
    costs: (u64, u64, u64),
}

/// The titles of warnings of what is not merely in place.
const TITLES: [&str; 4] =
    ["Nodes restart", "Nodes are replaced", "Nodes are connected to another", "The deployment is replaced"];

/// In place: no node restarts.
const NOTHING: (u64, u64, u64) = (0, 0, 0);

fn costs(log: &CallLog) -> (u64, u64, u64) {
    (log.count("CloneVM_Task"), log.count("PowerOnVM_Task"), log.count("Destroy_Task"))
}

impl Change<'_> {
    fn is_planned_and_made(&self, cloud: &Deployment) -> Result<()> {
        let output = cloud.directory.plan(&[])?.expect_success()?;
        let plan = cloud.directory.show_plan()?;
        let (address, attributes) = self.shown;
        ensure!(plan.counts() == (0, 1, 0), "{}", plan.summary());
        let changed = plan.change(address)?.changed_attributes();
        ensure!(changed == attributes, "{changed:?} of {address} change");
        match self.warning {
            Some(words) => drop(output.expect_text(words)?),
            None => ensure!(!TITLES.iter().any(|title| output.said().contains(title)), "{}", output.said()),
        }
        let log = cloud.vcenter.log_of(|| cloud.directory.apply_plan()?.expect_success().map(drop))?;
        ensure!(costs(&log) == self.costs, "nodes made, started, removed: {:?}", costs(&log));
        expect_clean(&log)
    }
}

/// The changes one after another, each planned from a cloud that the one before must have left whole.
fn each_is_planned_and_made(cloud: &Deployment, changes: &[Change<'_>]) -> Result<()> {
    let mut edits = Vec::new();
    for change in changes {
        edits.push(change.edit);
        rewrite(cloud, &edits)?;
        change.is_planned_and_made(cloud).with_context(|| change.edit.1.to_owned())?;
    }
    cloud.plan_is_empty()
}

#[test]
fn settings_of_the_deployment_change_in_place() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let before = moids(&cloud)?;
    let change =
        |edit, attributes| Change { edit, shown: (DEPLOYMENT, attributes), warning: None, costs: NOTHING };
    each_is_planned_and_made(
        &cloud,
        &[
            change(("[\"198.18.10.2\"]\n    ntp", "[\"198.18.10.3\"]\n    ntp"), &["management_network"]),
            change(
                ("ntp_servers = [\"198.18.10.2\"]", "ntp_servers = [\"198.18.10.4\"]"),
                &["management_network"],
            ),
            change(
                (
                    "\"198.18.10.10-198.18.10.99\"",
                    "\"198.18.10.10-198.18.10.50\", \"198.18.10.120-198.18.10.140\"",
                ),
                &["management_network"],
            ),
            change(
                (
                    "ip_ranges   = [\"198.18.10.10-198.18.10.50\"",
                    "vip         = \"198.18.10.10\"\n    ip_ranges   = [\"198.18.10.10-198.18.10.50\"",
                ),
                &["management_network"],
            ),
            change(
                ("vip         = \"198.18.10.10\"", "vip         = \"198.18.10.9\""),
                &["internal_vip", "management_network"],
            ),
            change(
                ("vip       = \"198.18.20.10\"", "vip       = \"198.18.20.9\""),
                &["external_network", "public_vip"],
            ),
            change(
                ("\"cloud.example.com\"", "\"cloud.example.org\""),
                &["dashboard_url", "endpoints", "external_network"],
            ),
            change(
                ("  data_network = {", "  syslog = {\n    host = \"198.18.10.5\"\n  }\n\n  data_network = {"),
                &["syslog"],
            ),
            change(
                (
                    "  syslog = {",
                    "  admin_password_wo         = \"another-password\"\n  admin_password_wo_version = 2\n\n  syslog = {",
                ),
                &["admin_password_wo_version"],
            ),
            change(("  syslog = {", "  anti_affinity = false\n\n  syslog = {"), &["anti_affinity"]),
            change(("anti_affinity = false", "anti_affinity = true"), &["anti_affinity"]),
            change(("  syslog = {", "  profile = \"compact\"\n\n  syslog = {"), &["profile"]),
            Change {
                edit: ("\"data-trunk\"", "\"VM Network\""),
                shown: (DEPLOYMENT, &["data_network"]),
                warning: Some("The adapters that 2 nodes have in `data-trunk` are connected to `VM Network`"),
                costs: NOTHING,
            },
        ],
    )?;
    assert_eq!(moids(&cloud)?, before);
    Ok(())
}

#[test]
fn components_change_in_place_or_say_what_restarts_and_what_stays_available() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let kind = |kind: &str| format!("  kind                  = \"{kind}\"\n");
    let with = |kind: &str, more: &str| format!("{kind}  {more}\n");
    let (database, memcache) = (kind("database"), kind("memcache"));
    let pool = "  node_count            = var.controllers\n";
    let edits = [
        with(&memcache, "options = { max_connections = \"2048\" }"),
        with(
            &database,
            "config_overrides = { \"/etc/mysql/mariadb.conf.d/60-galera.cnf\" = { mysqld = { max_allowed_packet = \"64M\" } } }",
        ),
        with(&memcache, "node_count = 3"),
        with(&memcache, "node_count = 2"),
        with(&database, "node_size = { memory_mib = 12288 }"),
        with(&database, "node_size = { memory_mib = 12288, disk_gib = 25 }"),
        with(pool, "options = { fernet_key_generation = \"2\" }"),
    ];
    let [options, overrides, grown, shrunk, larger, disk, fernet] = edits.each_ref().map(String::as_str);
    let change = |edit, shown, costs| Change { edit, shown, warning: None, costs };
    each_is_planned_and_made(
        &cloud,
        &[
            change((memcache.as_str(), options), (MEMCACHE, &["nodes", "options"]), NOTHING),
            change((database.as_str(), overrides), (DATABASE, &["config_overrides", "nodes"]), NOTHING),
            change((memcache.as_str(), grown), (MEMCACHE, &["node_count", "nodes"]), (1, 1, 0)),
            change((grown, shrunk), (MEMCACHE, &["node_count", "nodes"]), (0, 0, 1)),
            Change {
                edit: (database.as_str(), larger),
                shown: (DATABASE, &["node_size", "nodes"]),
                warning: Some(
                    "3 nodes are powered off and on again, one at a time, each only when the cluster is whole again",
                ),
                costs: (0, 3, 0),
            },
            change((larger, disk), (DATABASE, &["node_size", "nodes"]), NOTHING),
            change((pool, fernet), (CONTROLLERS, &["nodes", "options"]), NOTHING),
            change(
                ("= [\"ds-compute-1\"]", "= [\"ds-compute-1\", \"ds-shared\"]"),
                (COMPUTE, &["datastores", "nodes"]),
                NOTHING,
            ),
            change(
                ("  force_delete = true", "  availability_zone = \"az1\"\n  force_delete = true"),
                (COMPUTE, &["availability_zone", "nodes"]),
                NOTHING,
            ),
        ],
    )
}

#[test]
fn what_cannot_be_changed_is_refused_with_what_to_do_and_what_replaces_nodes_counts_them() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let log = cloud.vcenter.log_of(|| {
        rewrite(&cloud, &[("\"zed\"", "\"kilo\"")])?;
        let refused = cloud.directory.plan(&[])?.expect_failure()?;
        refused.expect_text("A release cannot be changed in place")?;
        refused.expect_text("Keep `release = \"zed\"`, or make a new deployment and move to it")?;

        rewrite(&cloud, &[("  kind                  = \"memcache\"", "  kind                  = \"object_storage\"\n  load_balancer_id = vio_component.load_balancer.id\n  controller_pool_id = \"prod/controllers\"")])?;
        let replaced = cloud.directory.plan(&["-target=vio_component.memcache"])?.expect_success()?;
        replaced.expect_text("2 nodes are removed and new ones made in their place")?;
        rewrite(&cloud, &[("\"ds-mgmt\"", "\"ds-shared\"")])?;
        let replaced = cloud.directory.plan(&["-target=vio_management_cluster.this"])?.expect_success()?;
        replaced.expect_text("every node of the deployment must be removed").map(drop)
    })?;
    assert_eq!(log.mutations, []);
    Ok(())
}
