//! Some of the kill points again, each by itself: one run dies there, and one command comes to its end.

use acceptance_tests::{Cli, Deployment, Inventory, on_every_cli, tiers};
use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::desired::{STORAGE, THREE, expect_as_desired, with};
use crate::kill::{Came, DESTROY, Moment, apply, killed_when_held};
use crate::support::{DAY_2, NODES, RESIZED, example, one_cli, rewrite};

/// A command dies at its nth call that changes something.
fn dies(cloud: &Deployment, command: &[&str], (nth, moment): (usize, Moment)) -> Result<()> {
    dies_by(cloud, command, &moment.of_call(nth), moment)
}

/// A command dies when these rules hold a call at this moment.
fn dies_by(cloud: &Deployment, command: &[&str], rules: &Value, moment: Moment) -> Result<()> {
    cloud.vcenter.set_faults(rules)?;
    let came = killed_when_held(cloud, command, Some(moment))?;
    cloud.vcenter.clear_faults()?;
    match came {
        Came::Killed(_) => Ok(()),
        Came::Ended(output) => bail!("{command:?} has no such call: {rules}\n{}", output.said()),
    }
}

/// On every CLI, a create dies at each of these calls, on a cloud that was not there before; then what is to mend it.
fn a_create_dies(
    sample: &str,
    calls: [(usize, Moment); 2],
    mend: impl Fn(&Deployment, &Inventory) -> Result<()> + Sync,
) -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        let before = cloud.vcenter.inventory()?;
        for call in calls {
            dies(&cloud, &apply(&[]), call)?;
            mend(&cloud, &before).with_context(|| format!("{call:?}"))?;
            cloud.vcenter.inventory()?.expect_same_as(&before)?;
        }
        Ok(())
    })?;
    tiers::note_kill_points(sample, calls.len() * Cli::available()?.len())
}

#[test]
fn one_apply_completes_a_create_that_was_killed() -> Result<()> {
    a_create_dies(
        "creates and an apply, each CLI",
        [(3, Moment::Before), (30, Moment::After)],
        |cloud, before| {
            cloud.apply()?;
            expect_as_desired(cloud, before, &[], &NODES)?;
            cloud.destroy().map(drop)
        },
    )
}

#[test]
fn one_destroy_removes_what_a_create_left_that_was_killed() -> Result<()> {
    a_create_dies(
        "creates and a destroy, each CLI",
        [(12, Moment::After), (45, Moment::Before)],
        |cloud, _| cloud.destroy().map(drop),
    )
}

/// The record says that the component is whole, and no state knows of it.
#[test]
fn one_destroy_removes_a_component_that_was_whole_when_its_create_was_killed() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    // The record is written when the component comes, and when it is whole.
    let rules =
        json!([{"method": "ReconfigVM_Task", "object_name": "prod-image", "nth": 2, "kind": "hold_after"}]);
    dies_by(&cloud, &apply(&["-target=vio_component.memcache"]), &rules, Moment::After)?;
    assert_eq!(cloud.state()?.addresses(), ["vio_management_cluster.this"]);
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

/// A change that users make: the options of its apply, the nodes that it brings beside the example's, where it dies.
type Change<'a> = (&'a [&'a str], &'a [&'a str], (usize, Moment));

/// A controller comes; it goes, and object storage comes; that goes.
const CHANGES: [Change<'_>; 3] = [
    (&[THREE], &["prod-controller-03"], (3, Moment::Before)),
    (&[DAY_2], &STORAGE, (4, Moment::After)),
    (&[], &[], (2, Moment::Before)),
];

#[test]
fn one_apply_completes_a_change_or_a_destroy_that_was_killed() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    cloud.apply()?;
    for (options, nodes, call) in CHANGES {
        dies(&cloud, &apply(options), call)?;
        cloud.apply_with(options)?;
        expect_as_desired(&cloud, &before, options, &with(nodes))?;
    }
    rewrite(&cloud, &[RESIZED])?;
    dies(&cloud, &apply(&[]), (6, Moment::After))?;
    cloud.apply()?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;
    // Once when a component is forgotten and all its nodes are there, once when many are gone.
    let destroys = [(2, Moment::After), (20, Moment::Before)];
    for call in destroys {
        dies(&cloud, &DESTROY, call)?;
        cloud.apply()?;
        expect_as_desired(&cloud, &before, &[], &NODES)?;
    }
    tiers::note_kill_points("changes and an apply", CHANGES.len() + 1 + destroys.len())
}

#[test]
fn one_destroy_removes_what_a_change_left_that_was_killed() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let changes = [(THREE, (3, Moment::After)), (DAY_2, (4, Moment::Before))];
    for (option, call) in changes {
        cloud.apply()?;
        dies(&cloud, &apply(&[option]), call)?;
        cloud.destroy()?;
        cloud.vcenter.inventory()?.expect_same_as(&before)?;
    }
    tiers::note_kill_points("changes and a destroy", changes.len())
}
