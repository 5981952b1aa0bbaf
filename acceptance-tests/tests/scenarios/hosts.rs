//! Hosts that are lost or are serviced, and room that runs out: what vSphere mends is no diff, what it does not mend is
//! mended, and what cannot be is told.

use std::time::Duration;

use acceptance_tests::Deployment;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::support::{example, moids, one_cli, rewrite, until};

/// The host of a node now.
fn host_of(cloud: &Deployment, node: &str) -> Result<String> {
    let vm = cloud.vcenter.vm(node)?;
    Ok(vm["host"].as_str().with_context(|| format!("{node} is nowhere"))?.to_owned())
}

#[test]
fn a_lost_host_is_no_diff_with_ha_and_without_its_nodes_are_started_elsewhere() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply_with(&["-target=vio_component.memcache", "-target=vio_component.load_balancer"])?;
    let (before, lost) = (moids(&cloud)?, host_of(&cloud, "prod-memcache-01")?);
    cloud.vcenter.fail_host(&lost, true)?;
    ensure!(host_of(&cloud, "prod-memcache-01")? != lost, "the node was not restarted elsewhere");
    let targets = ["-target=vio_component.memcache", "-target=vio_component.load_balancer"];
    until("the guests that HA started elsewhere have booted, and nothing is to be done", || {
        Ok(!cloud.directory.plan(&targets)?.expect_success()?.has_changes())
    })?;

    cloud.vcenter.recover_host(&lost)?;
    let lost = host_of(&cloud, "prod-memcache-01")?;
    cloud.vcenter.fail_host(&lost, false)?;
    assert_eq!(cloud.vcenter.vm("prod-memcache-01")?["power"], json!("poweredOff"));
    let log = cloud.vcenter.log_of(|| cloud.apply_converges(&targets).map(drop))?;
    ensure!(host_of(&cloud, "prod-memcache-01")? != lost, "the node was started where it cannot run");
    assert_eq!((log.count("CloneVM_Task"), moids(&cloud)?), (0, before), "no node is made anew");
    Ok(())
}

/// A task may take longer than a call, and DRS asks nobody.
#[test]
fn a_clone_that_takes_long_is_waited_for_and_a_node_may_move_meanwhile() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    rewrite(&cloud, &[("provider \"vio\" {}", "provider \"vio\" {\n  api_timeout = \"3s\"\n}")])?;
    let node = "prod-memcache-01";
    cloud
        .vcenter
        .set_faults(&json!([{"method": "CloneVM_Task", "object_name": node, "kind": "hold_task"}]))?;
    cloud.vcenter.set_guests(&json!([{"name": node, "behaviour": "never_boots"}]))?;
    let target = "-target=vio_component.memcache";
    let apply = ["apply", "-input=false", "-no-color", "-auto-approve", target];
    let log = cloud.vcenter.log_of(|| {
        let running = cloud.directory.start(&apply)?;
        until("the clone is under way", || Ok(!cloud.vcenter.holds()?.now.is_empty()))?;
        std::thread::sleep(Duration::from_secs(5));
        cloud.vcenter.clear_faults()?;
        until("the node is there", || Ok(cloud.vcenter.inventory()?.vm_names().contains(&node.to_owned())))?;
        let host = host_of(&cloud, node)?;
        cloud.vcenter.move_to_host(node, if host == "mgmt-esx-1" { "mgmt-esx-2" } else { "mgmt-esx-1" })?;
        cloud.vcenter.set_guests(&json!([]))?;
        running.wait()?.expect_success().map(drop)
    })?;
    let clones = log.mutations.iter().filter(|call| call.method == "CloneVM_Task" && call.name == node);
    assert_eq!(clones.count(), 1);
    cloud.plan_is_empty_with(&[target])
}

#[test]
fn maintenance_of_a_host_is_no_diff_and_no_new_node_goes_there() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let targets = ["-target=vio_component.memcache"];
    cloud.apply_with(&targets)?;
    let serviced = host_of(&cloud, "prod-memcache-01")?;
    cloud.vcenter.set_maintenance(&serviced, true)?;
    cloud.vcenter.evacuate_host(&serviced)?;
    cloud.plan_is_empty_with(&targets)?;
    cloud.apply_with(&["-target=vio_component.memcache", "-target=vio_component.message_queue"])?;
    for node in ["prod-memcache-01", "prod-memcache-02", "prod-message-queue-01", "prod-message-queue-02"] {
        ensure!(host_of(&cloud, node)? != serviced, "{node} is on a host in maintenance mode");
    }
    Ok(())
}

#[test]
fn a_cluster_without_a_usable_host_is_told_with_a_remedy() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let targets = ["-target=vio_component.memcache"];
    cloud.apply_with(&targets)?;
    for host in 1..=4 {
        cloud.vcenter.set_maintenance(&format!("mgmt-esx-{host}"), true)?;
    }
    cloud.vcenter.power_off("prod-memcache-01")?;
    cloud
        .apply_fails(&targets)?
        .expect_text("power on `prod-memcache-01`")?
        .expect_text("Check that hosts of the cluster are connected, not in maintenance mode")?;
    cloud.vcenter.set_maintenance("mgmt-esx-2", false)?;
    cloud.apply_converges(&targets).map(drop)
}

#[test]
fn room_that_runs_out_is_told_and_the_next_apply_goes_on_from_what_was_made() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let targets = ["-target=vio_component.memcache"];
    cloud.apply_with(&["-target=vio_management_cluster.this"])?;
    // Two nodes are to be made, and each takes a GiB.
    cloud.vcenter.limit_space("ds-mgmt", 1)?;
    cloud
        .apply_fails(&targets)?
        .expect_text("Cannot create `prod/memcache`")?
        .expect_text("NoDiskSpace. Free space on the datastore, then run again.")?;
    cloud.vcenter.limit_space("ds-mgmt", 100)?;
    cloud.vcenter.limit_memory("mgmt", 30_000)?;
    cloud.apply_fails(&targets)?.expect_text(
        "InsufficientFailoverResourcesFault. Free capacity in the cluster or use a smaller `node_size`",
    )?;
    cloud.vcenter.limit_memory("mgmt", 100_000)?;
    let log = cloud.vcenter.log_of(|| cloud.apply_converges(&targets).map(drop))?;
    assert_eq!((log.count("CloneVM_Task"), log.count("PowerOnVM_Task")), (0, 1));
    Ok(())
}
