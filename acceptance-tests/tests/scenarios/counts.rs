//! What a plan and an apply cost vCenter.

use acceptance_tests::{CallLog, Deployment, MOST_NODES, SimulatorOptions, on_every_cli};
use anyhow::Result;

use crate::support::{DAY_2, NODES, example, example_with, expect_clean, one_cli, rewrite};

/// An empty plan may make this many API calls.
const EMPTY_PLAN_CALLS: u64 = 10;

/// What a create of the example's components may cost beside a clone and a power-on of each node: looks, changes of the
/// record, rules, load balancers that are told of the others, controllers that are told of the compute cluster one by one.
/// Fourteen nodes take a hundred, the most load balancers and controllers that there may be half as many more.
const CREATE_CALLS: u64 = 180;

#[test]
fn an_empty_plan_and_a_second_apply_change_nothing_in_vcenter() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        cloud.apply()?;
        let plan = cloud.calls_of_an_empty_plan()?;
        assert_eq!(plan.mutations, []);
        expect_clean(&plan)?;
        let apply = cloud.vcenter.log_of(|| {
            cloud.apply()?.expect_text("0 added, 0 changed, 0 destroyed")?;
            Ok(())
        })?;
        assert_eq!(apply.mutations, []);
        expect_clean(&apply)
    })
}

#[test]
fn a_create_clones_each_node_once_and_a_destroy_removes_it_once_in_one_session_each() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let create = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    // The nodes and the image that they are cloned from.
    assert_eq!(create.count("CloneVM_Task"), NODES.len() as u64 + 1);
    assert_eq!(create.count("PowerOnVM_Task"), NODES.len() as u64);
    assert!(create.faults.is_empty(), "{:?}", create.faults);

    let destroy = cloud.vcenter.log_of(|| cloud.destroy().map(drop))?;
    // The nodes, the image, the pool and the folder.
    assert_eq!(destroy.count("Destroy_Task"), NODES.len() as u64 + 3);
    for log in [create, destroy] {
        expect_clean(&log)?;
        assert_eq!(log.count("Login"), log.raw["logins"].as_u64().unwrap_or_default());
    }
    Ok(())
}

/// Two clouds of the same components: one of fourteen nodes, one of as many as the release allows of each kind. With object
/// storage in the end, since that is day 2 and rolls the controllers.
#[test]
fn what_is_paid_beside_two_calls_a_node_does_not_grow_with_the_nodes() -> Result<()> {
    let cloud = || example_with(&one_cli()?, SimulatorOptions::with(&["--hosts-in-mgmt", "16"]));
    let (small, large) = (cloud()?, cloud()?);
    grow_to_sixty(&large)?;
    for (cloud, nodes) in [(&small, 14), (&large, 45)] {
        let create = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
        assert_eq!(cloud.state()?.nodes().len(), nodes);
        assert!(paid(&create) <= 2 * nodes as u64 + CREATE_CALLS, "{nodes} nodes: {:?}", create.methods);
    }
    let few = small.calls_of_an_empty_plan()?;
    large.apply_with(&[DAY_2])?;
    assert_eq!(large.state()?.nodes().len(), 60);
    let many = large.vcenter.log_of(|| large.plan_is_empty_with(&[DAY_2]))?;
    assert_eq!(many.methods, few.methods);
    assert!(few.calls <= EMPTY_PLAN_CALLS, "{:?}", few.methods);
    for log in [few, many] {
        assert_eq!(log.mutations, []);
    }
    Ok(())
}

/// The calls of a run but those that only wait, of which a slow machine makes others than a fast one.
fn paid(log: &CallLog) -> u64 {
    log.calls - log.count("WaitForUpdatesEx") - log.count("ModifyListView")
}

/// As many nodes of each kind as the release allows, and one object storage node less.
fn grow_to_sixty(cloud: &Deployment) -> Result<()> {
    let objects = ("kind                  = \"object_storage\"", 15);
    let counts: Vec<(&str, u32)> = MOST_NODES.into_iter().chain([objects]).collect();
    let with_count: Vec<String> =
        counts.iter().map(|(line, count)| format!("{}\n  node_count = {count}\n", line.trim_end())).collect();
    let mut edits = vec![("  node_count            = var.controllers\n", "")];
    edits.extend(counts.iter().zip(&with_count).map(|((line, _), more)| (*line, more.as_str())));
    rewrite(cloud, &edits)
}
