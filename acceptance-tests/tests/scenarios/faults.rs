//! What goes wrong outside, and that the next apply goes on from what exists.

use std::time::Duration;

use acceptance_tests::{Deployment, Output, Running, State};
use anyhow::{Result, ensure};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{NODES, example, expect_clean, moids, one_cli, provider_of};

/// How long a step of a scenario may take until it is seen.
const SOON: Duration = Duration::from_secs(60);

/// How soon an interrupted command must have ended.
const INTERRUPTED_WITHIN: Duration = Duration::from_secs(20);

/// A create during which one reply is lost after vCenter has acted, then an apply: everything is there, once.
fn a_lost_reply_makes_nothing_twice(method: &str, object: &str) -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.vcenter.set_faults(&json!([{"method": method, "object_name": object, "kind": "drop_after"}]))?;
    // Whether this very run survives it is not promised; that the next one goes on is.
    cloud.directory.apply(&[])?;
    assert_eq!(cloud.vcenter.log()?.injected.len(), 1);

    cloud.apply_converges(&[])?;
    expect_the_cloud(&cloud)?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

/// Fourteen ready nodes and the image, and nothing beside them.
fn expect_the_cloud(cloud: &Deployment) -> Result<()> {
    let nodes = cloud.state()?.nodes();
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, NODES);
    assert!(nodes.iter().all(|node| node.state == "ready"), "{nodes:?}");
    let mut vms = cloud.vcenter.inventory()?.vm_names();
    vms.retain(|name| name.starts_with("prod-") && name != "prod-image");
    assert_eq!(vms, NODES);
    Ok(())
}

#[test]
fn a_lost_reply_to_the_folder_makes_nothing_twice() -> Result<()> {
    a_lost_reply_makes_nothing_twice("CreateFolder", "prod")
}

#[test]
fn a_lost_reply_to_the_image_makes_nothing_twice() -> Result<()> {
    a_lost_reply_makes_nothing_twice("CloneVM_Task", "prod-image")
}

#[test]
fn a_lost_reply_to_a_clone_makes_nothing_twice() -> Result<()> {
    a_lost_reply_makes_nothing_twice("CloneVM_Task", "prod-database-02")
}

#[test]
fn a_lost_reply_to_the_record_makes_nothing_twice() -> Result<()> {
    a_lost_reply_makes_nothing_twice("ReconfigVM_Task", "prod-image")
}

/// One lost reply of each kind, at the first call of the kind: runs are repeated until one comes to its end.
#[test]
fn repeated_runs_come_to_an_end_whichever_replies_are_lost() -> Result<()> {
    let lost = |methods: &[(&str, &str)]| -> Value {
        let rule = |(method, object): &(&str, &str)| json!({"method": method, "object_name": object, "kind": "drop_after"});
        methods.iter().map(rule).collect()
    };
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let creating = [
        ("CreateFolder", ""),
        ("CreateResourcePool", ""),
        ("CloneVM_Task", "prod-image"),
        ("CreateSnapshot_Task", ""),
        ("CloneVM_Task", "prod-memcache-01"),
        ("ReconfigureComputeResource_Task", ""),
        ("PowerOnVM_Task", ""),
        ("ReconfigVM_Task", "prod-image"),
        ("ReconfigVM_Task", "prod-load-balancer-02"),
        ("WaitForUpdatesEx", ""),
    ];
    cloud.vcenter.set_faults(&lost(&creating))?;
    until_success(creating.len(), || cloud.directory.apply(&[]))?;
    assert_eq!(cloud.vcenter.log()?.injected.len(), creating.len());
    cloud.plan_is_empty()?;
    expect_the_cloud(&cloud)?;

    let destroying = [
        ("ReconfigVM_Task", "prod-image"),
        ("ShutdownGuest", ""),
        ("Destroy_Task", "prod-database-*"),
        ("Destroy_Task", "prod-image"),
        ("Destroy_Task", "prod"),
    ];
    cloud.vcenter.reset_log()?;
    cloud.vcenter.set_faults(&lost(&destroying))?;
    until_success(destroying.len(), || cloud.directory.destroy(&[]))?;
    assert_eq!(cloud.vcenter.log()?.injected.len(), destroying.len());
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

/// Runs a command again as long as it fails, at most once for each fault and once more.
fn until_success(faults: usize, command: impl Fn() -> Result<Output>) -> Result<()> {
    for _ in 0..faults {
        if command()?.succeeded() {
            return Ok(());
        }
    }
    command()?.expect_success().map(drop)
}

#[test]
fn a_full_datastore_is_told_with_a_remedy_and_the_next_apply_goes_on() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    full_datastore(&cloud)?;
    cloud
        .apply_fails(&[])?
        .expect_text("Cannot create `prod/database`")?
        .expect_text("clone `prod-database-02`")?
        .expect_text("Free space on the datastore, then run again")?;
    goes_on_from(&cloud, &cloud.vcenter.inventory()?.vm_names())
}

/// The clone of one database finds no room, once.
fn full_datastore(cloud: &Deployment) -> Result<()> {
    cloud.vcenter.set_faults(&json!([
        {"method": "CloneVM_Task", "object_name": "prod-database-02", "kind": "task_fault", "fault": "NoDiskSpace"},
    ]))
}

#[test]
fn a_session_that_vcenter_ended_is_opened_anew_within_the_run() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud
        .vcenter
        .set_faults(&json!([{"method": "RetrieveProperties*", "nth": 2, "kind": "expire_session"}]))?;
    assert_eq!(cloud.plan()?.counts(), (8, 0, 0));
    let log = cloud.vcenter.log()?;
    assert_eq!((log.injected.len(), log.count("Login"), log.sessions_open), (1, 2, 0));
    Ok(())
}

#[test]
fn a_read_that_finds_vcenter_busy_is_tried_again_within_the_run() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.vcenter.set_faults(&json!([{"method": "RetrieveProperties*", "kind": "503"}]))?;
    assert_eq!(cloud.plan()?.counts(), (8, 0, 0));
    let log = cloud.vcenter.log()?;
    assert_eq!((log.injected.len(), log.mutations.len()), (1, 0));
    expect_clean(&log)
}

#[test]
fn nodes_that_were_stopped_or_deleted_outside_are_shown_and_repaired_alone() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let before = cloud.state()?;
    let moids_before = moids(&cloud)?;
    cloud.vcenter.power_off("prod-memcache-01")?;
    cloud.vcenter.destroy("prod-dhcp-02")?;

    let plan = cloud.plan()?;
    assert_eq!(plan.counts(), (0, 2, 0), "{}", plan.summary());
    let state_of = |address: &str, index: usize| -> Result<Value> {
        let change = plan.change(address)?;
        assert_eq!(change.changed_attributes(), ["nodes"]);
        Ok(change.before["nodes"][index]["state"].clone())
    };
    assert_eq!(state_of("vio_component.memcache", 0)?, "stopped");
    assert_eq!(state_of("vio_component.dhcp", 1)?, "missing");

    // What the guest reported before it was stopped must not be taken for what it will report.
    cloud
        .vcenter
        .set_guests(&json!([{"name": "prod-memcache-01", "behaviour": "normal", "boot_delay_ms": 1500}]))?;
    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    assert_eq!(log.count("CloneVM_Task"), 1);
    assert_eq!(log.count("PowerOnVM_Task"), 2);
    cloud.plan_is_empty()?;
    expect_the_cloud(&cloud)?;
    let changed: Vec<String> = moids(&cloud)?
        .into_iter()
        .filter(|node| !moids_before.contains(node))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed, ["prod-dhcp-02"]);
    assert_eq!(addresses(&cloud.state()?), addresses(&before), "a repaired node keeps its address");
    Ok(())
}

fn addresses(state: &State) -> Vec<(String, String)> {
    state.nodes().into_iter().map(|node| (node.name, node.ip_address)).collect()
}

/// An apply that has made all of the first components but waits for the message queue, whose guests do not boot.
fn an_apply_in_the_middle(cloud: &Deployment) -> Result<Running> {
    cloud.vcenter.set_guests(&json!([{"name": "prod-message-queue-*", "behaviour": "never_boots"}]))?;
    let running = cloud.directory.start(&["apply", "-input=false", "-no-color", "-auto-approve"])?;
    running.wait_for("vio_component.memcache: Creation complete", SOON)?;
    Ok(running)
}

fn guests_boot_again(cloud: &Deployment) -> Result<()> {
    cloud.vcenter.set_guests(&json!([]))
}

#[test]
fn after_the_provider_is_killed_the_next_apply_goes_on_from_what_exists() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let running = an_apply_in_the_middle(&cloud)?;
    kill_process(provider_of(&running)?, Signal::KILL)?;
    running.wait()?.expect_failure()?;
    let made = cloud.vcenter.inventory()?.vm_names();
    guests_boot_again(&cloud)?;
    goes_on_from(&cloud, &made)?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn an_interrupted_apply_ends_soon_and_the_next_one_converges() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let running = an_apply_in_the_middle(&cloud)?;
    let started = std::time::Instant::now();
    running.interrupt()?;
    let output = running.wait()?.expect_failure()?;
    ensure!(started.elapsed() < INTERRUPTED_WITHIN, "it took {:?}", started.elapsed());
    output.expect_text("Interrupted; run again to go on from here")?;
    expect_clean(&cloud.vcenter.log()?)?;

    let made = cloud.vcenter.inventory()?.vm_names();
    guests_boot_again(&cloud)?;
    goes_on_from(&cloud, &made)?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

/// An apply that converges, and makes no node again that is among these VMs.
fn goes_on_from(cloud: &Deployment, made: &[String]) -> Result<()> {
    let log = cloud.vcenter.log_of(|| cloud.apply_converges(&[]).map(drop))?;
    let nodes_made = made.iter().filter(|name| NODES.contains(&name.as_str())).count();
    ensure!(nodes_made > 0, "the run before has made no node");
    assert_eq!(log.count("CloneVM_Task"), (NODES.len() - nodes_made) as u64, "{made:?}");
    expect_the_cloud(cloud)
}

#[test]
fn after_the_whole_run_is_killed_the_next_apply_takes_over_what_no_state_knows_of() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let running = an_apply_in_the_middle(&cloud)?;
    running.kill()?;
    running.wait()?.expect_failure()?;
    let made = cloud.vcenter.inventory()?.vm_names();
    guests_boot_again(&cloud)?;
    goes_on_from(&cloud, &made)
}

#[test]
fn what_a_killed_create_left_goes_with_the_deployment() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let running = an_apply_in_the_middle(&cloud)?;
    kill_process(provider_of(&running)?, Signal::KILL)?;
    running.wait()?.expect_failure()?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn what_a_failed_create_left_goes_with_what_it_stands_on() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    full_datastore(&cloud)?;
    cloud.apply_fails(&[])?;
    assert!(cloud.vcenter.inventory()?.vm_names().contains(&"prod-database-01".to_owned()));
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn a_node_that_was_resized_outside_is_shown_and_resized_back_alone() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let before = cloud.vcenter.vm("prod-message-queue-02")?["memory_mib"].clone();
    cloud.vcenter.resize("prod-message-queue-02", 3, 12_288)?;

    let plan = cloud.plan()?;
    assert_eq!(plan.counts(), (0, 1, 0), "{}", plan.summary());
    let change = plan.change("vio_component.message_queue")?;
    assert_eq!(change.before["nodes"][1]["state"], "degraded");

    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    assert_eq!((log.count("CloneVM_Task"), log.count("PowerOnVM_Task")), (0, 1));
    assert_eq!(cloud.vcenter.vm("prod-message-queue-02")?["memory_mib"], before);
    cloud.plan_is_empty()
}
