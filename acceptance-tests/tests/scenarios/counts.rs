//! What a plan and an apply cost vCenter.

use acceptance_tests::{CallLog, Deployment, SimulatorOptions, on_every_cli};
use anyhow::Result;

use crate::support::{DAY_2, NODES, example, example_with, expect_clean, one_cli, rewrite};

/// An empty plan may make this many API calls.
const EMPTY_PLAN_CALLS: u64 = 10;

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

#[test]
fn an_empty_plan_of_sixty_nodes_makes_as_many_calls_as_one_of_fourteen() -> Result<()> {
    let cloud = example_with(&one_cli()?, SimulatorOptions::with(&["--hosts-in-mgmt", "16"]))?;
    cloud.apply()?;
    assert_eq!(cloud.state()?.nodes().len(), 14);
    let small = cloud.calls_of_an_empty_plan()?;

    grow_to_sixty(&cloud)?;
    cloud.apply_with(&[DAY_2])?;
    assert_eq!(cloud.state()?.nodes().len(), 60);
    let large = cloud.vcenter.log_of(|| cloud.plan_is_empty_with(&[DAY_2]))?;

    assert_eq!(large.methods, small.methods);
    assert!(small.calls <= EMPTY_PLAN_CALLS, "{:?}", small.methods);
    let mutations = |log: &CallLog| log.mutations.len();
    assert_eq!((mutations(&small), mutations(&large)), (0, 0));
    Ok(())
}

/// As many nodes of each kind as the release allows, and one object storage node less.
fn grow_to_sixty(cloud: &Deployment) -> Result<()> {
    let counts = [
        ("kind                  = \"load_balancer\"", 4),
        ("kind                  = \"database\"", 7),
        ("kind                  = \"message_queue\"", 7),
        ("kind                  = \"memcache\"", 8),
        ("memcache_id           = vio_component.memcache.id\n", 10),
        ("kind                  = \"dhcp\"", 8),
        ("kind                  = \"object_storage\"", 15),
    ];
    let with_count: Vec<String> =
        counts.iter().map(|(line, count)| format!("{}\n  node_count = {count}\n", line.trim_end())).collect();
    let mut edits = vec![("  node_count            = var.controllers\n", "")];
    edits.extend(counts.iter().zip(&with_count).map(|((line, _), more)| (*line, more.as_str())));
    rewrite(cloud, &edits)
}
