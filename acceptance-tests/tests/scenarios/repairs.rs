//! What somebody changed in vCenter is shown by the next plan on one attribute, and repaired by the next apply with the
//! calls that this takes. What vSphere changes by itself is no drift.

use std::collections::BTreeSet;

use acceptance_tests::{Call, Deployment};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::support::{NODES, example, expect_clean, moids, one_cli, work};

const DEPLOYMENT: &str = "vio_management_cluster.this";
const MEMCACHE: &str = "vio_component.memcache";
const BALANCERS: &str = "vio_component.load_balancer";
const RULE: &str = "prod-memcache";

/// Something that happens behind our back.
struct Drift<'a> {
    what: &'a str,
    happens: &'a dyn Fn(&Deployment) -> Result<()>,
    /// The one resource and attribute that the plan changes.
    shown: (&'a str, &'a str),
    /// The nodes that the plan shows as other than ready, with their state.
    nodes: &'a [(&'a str, &'a str)],
    /// The mutating calls of the repair: method, object, and the name given.
    repair: &'a [(&'a str, &'a str)],
}

/// What the guests of all nodes did so far, and the addresses and adapters of their VMs.
fn untouched(cloud: &Deployment) -> Result<Vec<(String, Value, Value, Value)>> {
    let of = |name: &&str| {
        let mut guest = cloud.vcenter.guest(name)?;
        let nics = cloud.vcenter.vm(name)?["nics"].take();
        Ok(((*name).to_owned(), guest["applications"].take(), guest["revision"].take(), nics))
    };
    NODES.iter().map(of).collect()
}

/// What each of these calls did to what, in no order: repairs of several nodes run side by side.
fn sorted(calls: &[Call]) -> Vec<(String, String)> {
    let mut calls: Vec<(String, String)> = calls
        .iter()
        .map(|call| {
            (call.method.clone(), if call.name.is_empty() { &call.object } else { &call.name }.clone())
        })
        .collect();
    calls.sort();
    calls
}

/// The nodes that a plan shows as other than ready.
fn sick(change: &Value) -> Vec<(String, String)> {
    let nodes = change["nodes"].as_array().into_iter().flatten();
    let text = |node: &Value, name: &str| node[name].as_str().unwrap_or_default().to_owned();
    let all = nodes.map(|node| (text(node, "name"), text(node, "state")));
    all.filter(|(_, state)| state != "ready").collect()
}

impl Drift<'_> {
    fn is_shown_and_repaired_alone(&self, cloud: &Deployment) -> Result<()> {
        (self.happens)(cloud)?;
        let plan = cloud.plan()?;
        let (address, attribute) = self.shown;
        ensure!(plan.counts() == (0, 1, 0), "{}", plan.summary());
        let change = plan.change(address)?;
        let changed = change.changed_attributes();
        ensure!(changed == [attribute], "{changed:?} of {address} change");
        let expected: Vec<(String, String)> =
            self.nodes.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect();
        ensure!(sick(&change.before) == expected, "{:?}", sick(&change.before));

        let log = cloud.vcenter.log_of(|| cloud.directory.apply_plan()?.expect_success().map(drop))?;
        let mut repair: Vec<(String, String)> =
            self.repair.iter().map(|(method, object)| ((*method).to_owned(), (*object).to_owned())).collect();
        repair.sort();
        let made = sorted(work(&log)?);
        ensure!(made == repair, "the repair made {made:#?}");
        expect_clean(&log)
    }
}

/// The drifts of the list one after another, each planned from a cloud that the one before must have left whole.
fn each_is_shown_and_repaired_alone(cloud: &Deployment, drifts: &[Drift<'_>]) -> Result<()> {
    let (vms, guests) = (moids(cloud)?, untouched(cloud)?);
    for drift in drifts {
        drift.is_shown_and_repaired_alone(cloud).with_context(|| drift.what.to_owned())?;
        assert_eq!(untouched(cloud)?, guests, "{}: a guest was given something to apply", drift.what);
    }
    cloud.plan_is_empty()?;
    assert_eq!(moids(cloud)?, vms, "a node was replaced");
    Ok(())
}

const MOVED: &str = "/dc1/vm/other-team";

#[test]
fn what_is_changed_at_a_nodes_vm_is_shown_and_repaired_without_its_guests_notice() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let degraded = |node| [(node, "degraded")];
    let (first, second) = (degraded("prod-memcache-01"), degraded("prod-memcache-02"));
    let balancer = degraded("prod-load-balancer-02");
    let nodes = (MEMCACHE, "nodes");
    each_is_shown_and_repaired_alone(
        &cloud,
        &[
            Drift {
                what: "a node is renamed",
                happens: &|cloud| cloud.vcenter.rename("prod-memcache-02", "old-cache"),
                shown: nodes,
                nodes: &second,
                repair: &[("Rename_Task", "prod-memcache-02")],
            },
            Drift {
                what: "a node is moved to another folder",
                happens: &|cloud| cloud.vcenter.move_to_folder("prod-memcache-02", MOVED),
                shown: nodes,
                nodes: &second,
                repair: &[("MoveIntoFolder_Task", "prod")],
            },
            Drift {
                what: "a node is moved and renamed",
                happens: &|cloud| {
                    cloud.vcenter.move_to_folder("prod-memcache-01", MOVED)?;
                    cloud.vcenter.rename("prod-memcache-01", "mine-now")
                },
                shown: nodes,
                nodes: &first,
                repair: &[("MoveIntoFolder_Task", "prod"), ("Rename_Task", "prod-memcache-01")],
            },
            Drift {
                what: "an adapter is connected to another network",
                happens: &|cloud| cloud.vcenter.connect("prod-load-balancer-02", 1, "management"),
                shown: (BALANCERS, "nodes"),
                nodes: &balancer,
                repair: &[("ReconfigVM_Task", "prod-load-balancer-02")],
            },
            Drift {
                what: "an adapter is removed",
                happens: &|cloud| cloud.vcenter.remove_nic("prod-memcache-01", 0),
                shown: nodes,
                nodes: &first,
                repair: &[("ReconfigVM_Task", "prod-memcache-01")],
            },
            Drift {
                what: "the mark of the configuration is edited",
                happens: &|cloud| cloud.vcenter.set_extra_config("prod-memcache-01", "vio.revision", "0"),
                shown: nodes,
                nodes: &first,
                repair: &[("ReconfigVM_Task", "prod-memcache-01")],
            },
            Drift {
                what: "the mark of the files is removed",
                happens: &|cloud| cloud.vcenter.set_extra_config("prod-memcache-01", "vio.files_digest", ""),
                shown: nodes,
                nodes: &first,
                repair: &[("ReconfigVM_Task", "prod-memcache-01")],
            },
        ],
    )
}

#[test]
fn what_is_removed_around_the_nodes_is_shown_on_the_deployment_and_made_again_alone() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let pool: Vec<(&str, &str)> = std::iter::once(("CreateResourcePool", "prod"))
        .chain(NODES.map(|_| ("MoveIntoResourcePool", "prod")))
        .collect();
    let record = &[("ReconfigVM_Task", "prod-image")];
    each_is_shown_and_repaired_alone(
        &cloud,
        &[
            Drift {
                what: "an anti-affinity rule is removed",
                happens: &|cloud| cloud.vcenter.remove_rule(RULE),
                shown: (DEPLOYMENT, "anti_affinity"),
                nodes: &[],
                repair: &[("ReconfigureComputeResource_Task", RULE)],
            },
            Drift {
                what: "an anti-affinity rule is disabled",
                happens: &|cloud| cloud.vcenter.disable_rule(RULE),
                shown: (DEPLOYMENT, "anti_affinity"),
                nodes: &[],
                repair: &[("ReconfigureComputeResource_Task", RULE)],
            },
            Drift {
                what: "the image's snapshot is removed",
                happens: &|cloud| cloud.vcenter.remove_snapshots("prod-image"),
                shown: (DEPLOYMENT, "image"),
                nodes: &[],
                repair: &[("CreateSnapshot_Task", "base")],
            },
            Drift {
                what: "the resource pool is removed",
                happens: &|cloud| cloud.vcenter.destroy_pool("/dc1/host/mgmt/Resources/prod"),
                shown: (DEPLOYMENT, "resource_pool"),
                nodes: &[],
                repair: &pool,
            },
            Drift {
                what: "a part of the record is damaged",
                happens: &|cloud| cloud.vcenter.set_extra_config("prod-image", "vio.record.1", "H4sIgarbage"),
                shown: (DEPLOYMENT, "image"),
                nodes: &[],
                repair: record,
            },
            Drift {
                what: "a part of the record is removed",
                happens: &|cloud| cloud.vcenter.set_extra_config("prod-image", "vio.record.1", ""),
                shown: (DEPLOYMENT, "image"),
                nodes: &[],
                repair: record,
            },
            Drift {
                what: "the record's first key is removed",
                happens: &|cloud| cloud.vcenter.set_extra_config("prod-image", "vio.record", ""),
                shown: (DEPLOYMENT, "image"),
                nodes: &[],
                repair: record,
            },
        ],
    )?;
    expect_the_pool(&cloud)
}

/// Every node is in the pool again.
fn expect_the_pool(cloud: &Deployment) -> Result<()> {
    let mut pools = BTreeSet::new();
    for node in NODES {
        pools.insert(cloud.vcenter.vm(node)?["pool"].to_string());
    }
    assert_eq!(pools, BTreeSet::from(["\"/dc1/host/mgmt/Resources/prod\"".to_owned()]));
    Ok(())
}

#[test]
fn what_vsphere_changes_by_itself_and_a_template_that_goes_are_no_drift() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let host = cloud.vcenter.vm("prod-memcache-01")?["host"].clone();
    let other =
        ["mgmt-esx-1", "mgmt-esx-2", "mgmt-esx-3", "mgmt-esx-4"].into_iter().find(|name| host != **name);
    let other = other.context("the cluster has one host")?;
    cloud.vcenter.move_to_host("prod-memcache-01", other)?;
    cloud.vcenter.take_snapshot("prod-database-02", "before-an-upgrade")?;
    cloud.vcenter.destroy("/dc1/vm/templates/vio-node-template")?;
    // One that was rebuilt is another machine of that name.
    cloud.vcenter.create_foreign("vio-node-template", "/dc1/vm/templates")?;
    a_copy_of_a_node(&cloud, "prod-database-01", "somebody-elses")?;
    cloud.plan_is_empty()?;
    // What the state shows follows.
    cloud.apply()?.expect_text("0 added, 0 changed, 0 destroyed")?;
    let nodes = cloud.state()?.nodes_of(MEMCACHE)?;
    assert_eq!(nodes[0].host, other);
    // Nodes are made of the image, whatever became of the template.
    cloud.vcenter.destroy("prod-memcache-02")?;
    cloud.apply_converges(&[])?;
    cloud.vcenter.vm("somebody-elses").map(drop)
}

/// What whoever copies a VM in vCenter gets: its marks and its BIOS UUID under another name.
fn a_copy_of_a_node(cloud: &Deployment, node: &str, copy: &str) -> Result<()> {
    cloud.vcenter.create_foreign(copy, "/dc1/vm/prod")?;
    let vm = cloud.vcenter.vm(node)?;
    for (key, value) in vm["extra_config"].as_object().into_iter().flatten() {
        cloud.vcenter.set_extra_config(copy, key, value.as_str().unwrap_or_default())?;
    }
    let uuid = "564d0000-0000-4000-8000-000000000001";
    cloud.vcenter.set_uuid(node, uuid)?;
    cloud.vcenter.set_uuid(copy, uuid)
}

#[test]
fn a_node_whose_identity_was_taken_away_is_missing_and_never_made_twice() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let before = moids(&cloud)?;
    for (key, edited, original) in
        [("vio.index", "1", "2"), ("vio.deployment", "", "prod"), ("vio.role", "x", "node")]
    {
        cloud.vcenter.set_extra_config("prod-memcache-02", key, edited)?;
        let change = cloud.plan()?.change(MEMCACHE)?.clone();
        assert_eq!(sick(&change.before), [("prod-memcache-02".to_owned(), "missing".to_owned())], "{key}");
        let log = cloud.vcenter.log_of(|| {
            let refused = cloud.apply_fails(&[])?;
            refused.expect_text("was not touched")?;
            refused.expect_text(&format!("`{key}` = `{original}`")).map(drop)
        })?;
        assert_eq!(work(&log)?, [], "{key}");
        cloud.vcenter.set_extra_config("prod-memcache-02", key, original)?;
        cloud.plan_is_empty()?;
    }
    // Out of folder and pool it is not found, but its VM is.
    cloud.vcenter.destroy_pool("/dc1/host/mgmt/Resources/prod")?;
    cloud.vcenter.move_to_folder("prod-memcache-02", MOVED)?;
    let log = cloud.vcenter.log_of(|| {
        let refused = cloud.apply_fails(&[])?;
        refused.expect_text("VM `prod-memcache-02`")?.expect_text("is not taken for gone").map(drop)
    })?;
    assert_eq!(log.mutations, []);
    cloud.vcenter.move_to_folder("prod-memcache-02", "/dc1/vm/prod")?;
    cloud.apply_converges(&[])?;
    assert_eq!(moids(&cloud)?, before);
    Ok(())
}
