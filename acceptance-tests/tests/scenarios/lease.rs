//! One run at a time changes a deployment; a holder of its lease that died is recognised; and what a run had finished
//! when it was killed, before any state knew of it, is not left behind.

use acceptance_tests::{CallLog, Deployment, Running};
use anyhow::{Result, ensure};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{
    NODES, RESOURCES, SOON, another_directory, example, lease, one_cli, provider_of, rewrite_in, until,
};

const APPLY: [&str; 4] = ["apply", "-input=false", "-no-color", "-auto-approve"];
const COMPUTE: (&str, &str) = RESOURCES[7];
const MEMCACHE: (&str, &str) = RESOURCES[4];

/// Each call to vCenter takes this long while a run is to be killed between two of them.
const LATENCY_MS: u32 = 500;

/// An apply that has made all but the compute driver, whose guest does not boot: it has nothing to do but wait.
fn an_apply_near_its_end(cloud: &Deployment) -> Result<Running> {
    cloud.vcenter.set_guests(&json!([{"name": "prod-compute-driver-*", "behaviour": "never_boots"}]))?;
    let running = cloud.directory.start(&APPLY)?;
    running.wait_for("vio_component.dhcp: Creation complete", SOON)?;
    until("the compute driver is powered on", || {
        Ok(cloud.vcenter.vm("prod-compute-driver-01").is_ok_and(|vm| vm["power"] == json!("poweredOn")))
    })?;
    Ok(running)
}

fn guests_boot_again(cloud: &Deployment) -> Result<()> {
    cloud.vcenter.set_guests(&json!([]))
}

/// The components that no CLI is known to have heard of.
fn unheard(cloud: &Deployment) -> Result<Vec<String>> {
    let lease = lease(&cloud.vcenter)?;
    let ids = lease["unheard"].as_array().into_iter().flatten();
    Ok(ids.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// How often the image, and with it record and lease, was written.
fn writes_of_the_image(log: &CallLog) -> usize {
    let calls = log.mutations.iter();
    calls.filter(|call| call.method == "ReconfigVM_Task" && call.object == "prod-image").count()
}

/// A change that is made while nobody else is there writes the image three times: it takes the lease, changes the record,
/// and gives the lease back. What a run has made that ended in peace is somebody's, whoever has lost sight of it.
#[test]
fn a_run_in_peace_takes_the_lease_once_and_gives_it_back_with_all_it_made() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.apply()?;
    assert_eq!(lease(&cloud.vcenter)?, Value::Null);
    let log = cloud.vcenter.log_of(|| cloud.apply_with(&["-var=controllers=3"]).map(drop))?;
    assert_eq!(writes_of_the_image(&log), 3);
    assert_eq!(lease(&cloud.vcenter)?, Value::Null);

    cloud.directory.run(&["state", "rm", COMPUTE.0])?.expect_success()?;
    let refused = cloud.directory.destroy(&[])?.expect_failure()?;
    refused.expect_text(
        "`prod/controllers` cannot be removed while `compute_driver:dc1/compute-1` stand on it",
    )?;
    cloud.import(COMPUTE.0, COMPUTE.1)?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn a_second_run_is_told_who_changes_the_deployment_and_waits_for_a_short_rest() -> Result<()> {
    let cli = one_cli()?;
    let cloud = example(&cli)?;
    let first = an_apply_near_its_end(&cloud)?;
    let process = provider_of(&first)?.as_raw_nonzero();

    let second = another_directory(&cli, &cloud.vcenter)?;
    let hurried = "  template   = \"templates/vio-node-template\"\n";
    rewrite_in(&second, &[(hurried, &format!("{hurried}  timeouts   = {{ create = \"5s\" }}\n"))])?;
    cloud.vcenter.reset_log()?;
    second
        .apply(&[])?
        .expect_failure()?
        .expect_text("Cannot create the deployment `prod`")?
        .expect_text("is being changed by another run, which is at work")?
        .expect_text(&format!("provider process {process}, run of"))?
        .expect_text("since 20")?
        .expect_text("wait for that run to end")?;
    // The question, and the answer.
    let calls = cloud.vcenter.log()?.mutations;
    assert!(
        calls.iter().all(|call| call.object == "prod-image" && call.method == "ReconfigVM_Task"),
        "{calls:?}"
    );
    until("the holder answers", || {
        let lease = lease(&cloud.vcenter)?;
        Ok(lease["asked"] == json!(1) && lease["answered"] == json!(1))
    })?;

    second.copy_example("complete")?;
    let waiting = second.start(&APPLY)?;
    until("the second run asks", || Ok(lease(&cloud.vcenter)?["asked"] == json!(2)))?;
    guests_boot_again(&cloud)?;
    first.wait()?.expect_success()?;
    waiting.wait()?.expect_success()?;
    let log = cloud.vcenter.log()?;
    assert_eq!(log.count("CloneVM_Task"), 0, "the second run takes everything as it is");
    assert_eq!(lease(&cloud.vcenter)?, Value::Null);
    cloud.plan_is_empty()
}

#[test]
fn a_holder_that_does_not_answer_loses_the_lease_and_changes_nothing_any_more() -> Result<()> {
    let cli = one_cli()?;
    let cloud = example(&cli)?;
    let first = an_apply_near_its_end(&cloud)?;
    let provider = provider_of(&first)?;
    // As good as a machine that has lost its network.
    kill_process(provider, Signal::STOP)?;
    guests_boot_again(&cloud)?;
    let second = another_directory(&cli, &cloud.vcenter)?;
    second.apply(&[])?.expect_success()?;
    let after = cloud.vcenter.inventory()?;

    cloud.vcenter.reset_log()?;
    kill_process(provider, Signal::CONT)?;
    first
        .wait()?
        .expect_failure()?
        .expect_text("Cannot create `prod/compute/dc1/compute-1`")?
        .expect_text("the lease is now in the hands of nobody")?;
    assert_eq!(cloud.vcenter.log()?.mutations, []);
    cloud.vcenter.inventory()?.expect_same_as(&after)?;
    assert_eq!(second.show_state()?.nodes().len(), NODES.len());
    Ok(())
}

/// The provider is killed after its last change in vCenter and before the CLI hears of it.
#[test]
fn what_a_killed_run_had_finished_goes_with_the_deployment_in_one_destroy() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let running = an_apply_near_its_end(&cloud)?;
    cloud.vcenter.set_latency(LATENCY_MS)?;
    guests_boot_again(&cloud)?;
    let compute = "compute_driver:dc1/compute-1".to_owned();
    until("the last component is whole", || Ok(unheard(&cloud)?.contains(&compute)))?;
    kill_process(provider_of(&running)?, Signal::KILL)?;
    running.wait()?.expect_failure()?;
    cloud.vcenter.set_latency(0)?;
    let known = cloud.state()?.addresses();
    ensure!(!known.contains(&COMPUTE.0.to_owned()), "the CLI has heard of it");
    ensure!(unheard(&cloud)?.len() == 7, "{:?}", unheard(&cloud)?);

    // What the state knows is the state's; the rest goes, and the user hears of it.
    cloud
        .destroy()?
        .expect_text("Removed what an interrupted run had left")?
        .expect_text("had finished `prod/compute/dc1/compute-1`, but did not live")?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

/// The provider is killed when the CLI has heard of all but the last component; its state then has them.
#[test]
fn what_a_later_run_reads_with_a_state_is_no_leftover_any_more() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let running = an_apply_near_its_end(&cloud)?;
    kill_process(provider_of(&running)?, Signal::KILL)?;
    running.wait()?.expect_failure()?;
    assert_eq!(unheard(&cloud)?.len(), 6);
    guests_boot_again(&cloud)?;
    cloud.plan()?;
    assert_eq!(unheard(&cloud)?.len(), 0);

    cloud.directory.run(&["state", "rm", MEMCACHE.0])?.expect_success()?;
    let refused = cloud.directory.destroy(&[])?.expect_failure()?;
    refused.expect_text("prod-memcache-01, prod-memcache-02")?;
    cloud.import(MEMCACHE.0, MEMCACHE.1)?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

/// A provider that loses its CLI gives the lease back, but not what it has finished: nobody knows what was heard. A holder
/// that was killed is not waited for on its own machine, where its process can be looked for; on another one it is asked
/// first and found silent.
#[test]
fn a_holder_that_was_killed_is_recognised_on_its_machine_and_from_another() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let running = an_apply_near_its_end(&cloud)?;
    let mut dead = lease(&cloud.vcenter)?;
    running.kill_cli()?;
    running.wait()?.expect_failure()?;
    until("the provider gives the lease back", || Ok(lease(&cloud.vcenter)?["holder"].is_null()))?;
    assert_eq!(unheard(&cloud)?.len(), 6);
    guests_boot_again(&cloud)?;

    let mut elsewhere = dead.clone();
    elsewhere["holder"]["birth"]["machine"] = json!("another machine");
    cloud.vcenter.set_extra_config("prod-image", "vio.lease", &elsewhere.to_string())?;
    // Asked, taken, the last component finished, given back.
    let from_another = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    assert_eq!(writes_of_the_image(&from_another), 4);
    assert_eq!(lease(&cloud.vcenter)?, Value::Null);

    dead["unheard"] = json!([]);
    cloud.vcenter.set_extra_config("prod-image", "vio.lease", &dead.to_string())?;
    // Taken, the record changed, given back.
    let on_its_machine = cloud.vcenter.log_of(|| cloud.apply_with(&["-var=controllers=3"]).map(drop))?;
    assert_eq!(writes_of_the_image(&on_its_machine), 3);
    cloud.plan_is_empty_with(&["-var=controllers=3"])
}
