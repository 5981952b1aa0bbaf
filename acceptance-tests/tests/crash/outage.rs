//! vCenter dies in the middle of a task, and comes back without sessions and tasks.

use std::time::Duration;

use acceptance_tests::{Deployment, Output};
use anyhow::{Result, ensure};
use serde_json::json;

use crate::desired::{STORAGE, expect_as_desired};
use crate::kill::{DESTROY, apply, first_held};
use crate::support::{DAY_2, NODES, example, one_cli};

/// How long vCenter is away.
const DOWN: Duration = Duration::from_secs(1);

/// A task: its method, and the object that it is called on or makes.
type Task<'a> = (&'a str, &'a str);

/// A run that did not come to its end says what it could not do, and is none that died.
fn expect_clear(output: &Output) -> Result<()> {
    let said = output.said();
    for death in ["Plugin did not respond", "panicked", "bug in the provider"] {
        ensure!(!said.contains(death), "{said}");
    }
    ensure!(output.succeeded() || said.contains("Cannot "), "it does not say what it could not do:\n{said}");
    Ok(())
}

/// A command during which vCenter dies while this task runs; `kind` says how the task is held.
fn vcenter_dies(cloud: &Deployment, command: &[&str], kind: &str, (method, object): Task<'_>) -> Result<()> {
    cloud.vcenter.set_faults(&json!([{"method": method, "object_name": object, "kind": kind}]))?;
    let running = cloud.directory.start(command)?;
    let held = first_held(cloud, &running, None)?;
    ensure!(held.is_some(), "{method} of {object} was never called");
    cloud.vcenter.restart(DOWN)?;
    expect_clear(&running.wait()?)?;
    cloud.vcenter.clear_faults()
}

/// A create during which vCenter dies while each of these tasks runs.
fn a_create_outlives_vcenter(kind: &str, tasks: [Task<'_>; 2]) -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    for task in tasks {
        vcenter_dies(&cloud, &apply(&[]), kind, task)?;
        cloud.apply()?;
        expect_as_desired(&cloud, &before, &[], &NODES)?;
        cloud.destroy()?;
        cloud.vcenter.inventory()?.expect_same_as(&before)?;
    }
    Ok(())
}

#[test]
fn a_create_survives_a_restart_of_vcenter_that_loses_a_task() -> Result<()> {
    a_create_outlives_vcenter(
        "hold_task",
        [("CloneVM_Task", "prod-image"), ("PowerOnVM_Task", "prod-memcache-01")],
    )
}

#[test]
fn a_create_survives_a_restart_of_vcenter_that_loses_the_answer_to_a_task() -> Result<()> {
    a_create_outlives_vcenter(
        "hold_after",
        [("CloneVM_Task", "prod-database-02"), ("ReconfigVM_Task", "prod-image")],
    )
}

/// A task that nobody knows any more says nothing of the VM that it was to destroy.
#[test]
fn a_node_whose_removal_vcenter_has_lost_is_removed_by_the_next_apply() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.apply_with(&[DAY_2])?;
    vcenter_dies(&cloud, &apply(&[]), "hold_task", ("Destroy_Task", STORAGE[0]))?;
    cloud.apply()?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;
    vcenter_dies(&cloud, &DESTROY, "hold_task", ("Destroy_Task", "prod-memcache-01"))?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}
