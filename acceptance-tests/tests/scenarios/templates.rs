//! Another template is for new nodes alone: what it changes, what it leaves, and whose image a node comes from.

use acceptance_tests::{Call, Deployment, Inventory};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::support::{Edit, example, expect_clean, moids, one_cli, rewrite, work};

const DEPLOYMENT: &str = "vio_management_cluster.this";
const TARGET: &str = "-target=vio_management_cluster.this";
const OLD: &str = "  template   = \"templates/vio-node-template\"\n";
const NEW: Edit<'_> = (OLD, "  template   = \"templates/vio-node-template-2\"\n");

/// The record and the lease are written into this VM, whatever nodes are cloned from.
const FIRST: &str = "prod-image";
const SECOND: &str = "prod-image-2";

/// What each call did: to a new VM if it makes one, else to what it was called on.
fn made(calls: &[Call]) -> Vec<(&str, &str)> {
    calls.iter().map(of).collect()
}

fn of(call: &Call) -> (&str, &str) {
    match call.method.as_str() {
        "CloneVM_Task" => ("CloneVM_Task", &call.name),
        other => (other, &call.object),
    }
}

/// Somebody changes the image of the present template: the plan shows it on one attribute, the apply makes these calls.
fn is_repaired_alone(cloud: &Deployment, calls: &[(&str, &str)]) -> Result<()> {
    let plan = cloud.plan()?;
    ensure!(plan.counts() == (0, 1, 0), "{}", plan.summary());
    assert_eq!(plan.change(DEPLOYMENT)?.changed_attributes(), ["image"]);
    let log = cloud.vcenter.log_of(|| cloud.directory.apply_plan()?.expect_success().map(drop))?;
    assert_eq!(made(work(&log)?), calls);
    cloud.plan_is_empty()
}

/// The image that a node's disk hangs from.
fn parent(cloud: &Deployment, node: &str) -> Result<String> {
    let vm = cloud.vcenter.vm(node)?;
    let file = vm["disks"][0]["parent"].as_str().with_context(|| format!("{node} is no linked clone"))?;
    let folder = file.split_once("] ").and_then(|(_, path)| path.split_once('/'));
    Ok(folder.with_context(|| format!("{file} is in no folder"))?.0.to_owned())
}

/// The inventory without the template, which comes and goes in these stories.
fn without_template(mut inventory: Inventory) -> Inventory {
    let is_ours = |vm: &Value| vm["name"].as_str().is_some_and(|name| !name.starts_with("vio-node-template"));
    if let Some(vms) = inventory.document["vms"].as_array_mut() {
        vms.retain(is_ours);
    }
    inventory
}

#[test]
fn another_template_touches_no_node_and_new_nodes_come_from_it() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = without_template(cloud.vcenter.inventory()?);
    cloud.apply()?;
    let nodes = moids(&cloud)?;
    // From here on there is no template of the old name any more.
    cloud.vcenter.rename("vio-node-template", "vio-node-template-2")?;
    cloud.plan_is_empty()?;

    rewrite(&cloud, &[(OLD, "  template   = \"templates/another\"\n")])?;
    let refused = cloud.plan_fails()?;
    let at = |code: &str| refused.iter().any(|error| error.code.as_deref() == Some(code));
    ensure!(at("template   = \"templates/another\""), "{refused:#?}");

    rewrite(&cloud, &[NEW])?;
    let planned = cloud.directory.plan(&[])?.expect_success()?;
    planned.expect_text("14 nodes keep what they were made from; new nodes are made from")?;
    let plan = cloud.directory.show_plan()?;
    ensure!(plan.counts() == (0, 1, 0), "{}", plan.summary());
    assert_eq!(plan.change(DEPLOYMENT)?.changed_attributes(), ["template"]);
    let log = cloud.vcenter.log_of(|| cloud.directory.apply_plan()?.expect_success().map(drop))?;
    let image = [("CloneVM_Task", SECOND), ("CreateSnapshot_Task", SECOND)];
    assert_eq!(made(work(&log)?), [&image[..], &[("ReconfigVM_Task", FIRST)]].concat());
    expect_clean(&log)?;
    cloud.plan_is_empty()?;
    assert_eq!(moids(&cloud)?, nodes);

    cloud.vcenter.remove_snapshots(SECOND)?;
    is_repaired_alone(&cloud, &image[1..])?;
    cloud.vcenter.move_to_folder(SECOND, "/dc1/vm/other-team")?;
    is_repaired_alone(&cloud, &[("MoveIntoFolder_Task", "prod")])?;
    cloud.vcenter.destroy(SECOND)?;
    is_repaired_alone(&cloud, &image)?;
    cloud.vcenter.set_extra_config(SECOND, "vio.role", "")?;
    cloud.apply_fails(&[])?.expect_text("was not touched")?.expect_text("`vio.role` = `later_image`")?;
    cloud.vcenter.set_extra_config(SECOND, "vio.role", "later_image")?;
    cloud.plan_is_empty()?;

    // A node more, and one that is made again; no template is needed for them.
    cloud.vcenter.destroy("vio-node-template-2")?;
    cloud.vcenter.destroy("prod-memcache-02")?;
    cloud.apply_converges(&["-var=controllers=3"])?;
    for (node, image) in [
        ("prod-controller-03", SECOND),
        ("prod-memcache-02", SECOND),
        ("prod-controller-01", FIRST),
        ("prod-memcache-01", FIRST),
    ] {
        assert_eq!(parent(&cloud, node)?, image, "{node}");
        let marks = cloud.vcenter.vm(node)?["extra_config"].take();
        assert_eq!((&marks["vio.record.1"], &marks["vio.template"]), (&Value::Null, &Value::Null), "{node}");
    }
    cloud.destroy()?;
    without_template(cloud.vcenter.inventory()?).expect_same_as(&before)
}

#[test]
fn an_image_that_a_failed_run_has_left_is_taken_for_its_own_template_alone() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.apply_with(&[TARGET])?;
    // Another spelling is another template: nobody knows where a name leads tomorrow.
    rewrite(&cloud, &[(OLD, "  template   = \"/dc1/vm/templates/vio-node-template\"\n")])?;
    // The second write after the lease is that of the record.
    let denied = json!({"privilegeId": "VirtualMachine.Config.AdvancedConfig"});
    let refused = json!({"method": "ReconfigVM_Task", "object_name": FIRST, "nth": 2, "kind": "fault",
        "fault": "NoPermission", "detail": denied});
    let fails = || {
        cloud.vcenter.set_faults(&json!([refused]))?;
        cloud.apply_fails(&[TARGET])?;
        cloud.vcenter.clear_faults()
    };
    fails()?;
    ensure!(cloud.vcenter.inventory()?.vm_names().contains(&SECOND.to_owned()));
    assert_eq!(cloud.plan_with(&[TARGET])?.change(DEPLOYMENT)?.changed_attributes(), ["template"]);

    let third = [("CloneVM_Task", "prod-image-3"), ("CreateSnapshot_Task", "prod-image-3")];
    rewrite(&cloud, &[(OLD, "  template   = \"/templates/vio-node-template\"\n")])?;
    let log = cloud.vcenter.log_of(fails)?;
    assert_eq!(made(work(&log)?), [&third[..], &[("ReconfigVM_Task", FIRST)]].concat());
    let log = cloud.vcenter.log_of(|| cloud.apply_with(&[TARGET]).map(drop))?;
    assert_eq!(made(work(&log)?), [("ReconfigVM_Task", FIRST)]);
    assert!(cloud.plan_with(&[TARGET])?.is_empty());
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}
