//! What was changed by hand inside a node, or between a node and us, is shown by the next plan and mended alone.

use std::time::{Duration, Instant};

use acceptance_tests::{Deployment, on_every_cli};
use anyhow::{Result, ensure};
use serde_json::Value;

use crate::support::{NODES, example, expect_clean, one_cli, work};

const DATABASE: &str = "vio_component.database";
const EDITED: &str = "prod-database-02";
const FILE: &str = "/etc/hosts";
const DESIRED: &str = "guestinfo.vio.desired";
const REVISION: &str = "guestinfo.vio.desired.revision";

/// How long a guest may take until it reports.
const SOON: Duration = Duration::from_secs(20);

/// What every guest was told and did: revision, whole applications, repairs.
fn histories(cloud: &Deployment) -> Result<Vec<(String, Value, Value, Value)>> {
    let history = |name: &&str| {
        let mut guest = cloud.vcenter.guest(name)?;
        let mut take = |key: &str| guest[key].take();
        Ok(((*name).to_owned(), take("revision"), take("applications"), take("repairs")))
    };
    NODES.iter().map(history).collect()
}

/// Waits until a guest's report is as expected.
fn reports(cloud: &Deployment, node: &str, expected: impl Fn(&Value) -> bool) -> Result<()> {
    let started = Instant::now();
    loop {
        let status = cloud.vcenter.guest(node)?["status"].take();
        if expected(&status) {
            return Ok(());
        }
        ensure!(started.elapsed() < SOON, "{node} reports {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A plan that changes nothing but the nodes of the databases, of which this one alone is degraded.
fn plan_shows_degraded(cloud: &Deployment, node: &str) -> Result<()> {
    let output = cloud.directory.plan(&[])?.expect_success()?;
    ensure!(output.has_changes(), "the plan is empty");
    let plan = cloud.directory.show_plan()?;
    assert_eq!(plan.counts(), (0, 1, 0), "{}", plan.summary());
    let change = plan.change(DATABASE)?;
    assert_eq!(change.changed_attributes(), ["nodes"]);
    let nodes = change.before["nodes"].as_array().into_iter().flatten();
    let sick: Vec<&Value> = nodes.filter(|node| node["state"] != "ready").collect();
    let states: Vec<_> = sick.iter().map(|node| (node["name"].as_str(), node["state"].as_str())).collect();
    assert_eq!(states, [(Some(node), Some("degraded"))]);
    Ok(())
}

/// An apply that reconfigures this node once and changes nothing else.
fn apply_reconfigures_alone(cloud: &Deployment, node: &str) -> Result<()> {
    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;
    let calls: Vec<_> = work(&log)?.iter().map(|call| (call.method.as_str(), call.object.as_str())).collect();
    assert_eq!(calls, [("ReconfigVM_Task", node)]);
    expect_clean(&log)?;
    cloud.plan_is_empty()
}

#[test]
fn a_file_edited_by_hand_is_shown_and_repaired_alone() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        cloud.apply()?;
        let mut expected = histories(&cloud)?;
        let good = cloud.vcenter.guest(EDITED)?["status"]["files_digest"].take();
        cloud.vcenter.edit_file(EDITED, FILE, "127.0.0.1 localhost edited")?;
        reports(&cloud, EDITED, |status| status["phase"] == "ready" && status["files_digest"] != good)?;

        plan_shows_degraded(&cloud, EDITED)?;
        apply_reconfigures_alone(&cloud, EDITED)?;
        expected.iter_mut().filter(|history| history.0 == EDITED).for_each(|history| history.3 = 1.into());
        assert_eq!(histories(&cloud)?, expected, "one repair, no document applied again anywhere");
        assert_eq!(cloud.vcenter.guest(EDITED)?["status"]["files_digest"], good);
        Ok(())
    })
}

#[test]
fn a_file_edited_before_its_node_went_down_is_repaired_as_it_comes_back() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    cloud.vcenter.edit_file(EDITED, FILE, "edited")?;
    cloud.vcenter.power_off(EDITED)?;
    cloud.apply_converges(&[])?;
    assert_eq!(cloud.vcenter.guest(EDITED)?["repairs"], 1);
    Ok(())
}

#[test]
fn a_document_that_somebody_else_wrote_is_shown_and_written_again() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        cloud.apply()?;
        let expected = histories(&cloud)?;
        cloud.vcenter.set_extra_config(EDITED, DESIRED, "no document")?;
        cloud.vcenter.set_extra_config(EDITED, REVISION, "0000")?;
        reports(&cloud, EDITED, |status| status["phase"] == "failed" && status["unreadable"] == true)?;

        plan_shows_degraded(&cloud, EDITED)?;
        apply_reconfigures_alone(&cloud, EDITED)?;
        assert_eq!(histories(&cloud)?, expected, "nothing is applied again");
        Ok(())
    })
}

#[test]
fn a_document_that_its_node_cannot_read_any_more_is_written_again() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    cloud.vcenter.set_extra_config(EDITED, DESIRED, "no document")?;
    cloud.plan_is_empty()?;
    cloud.vcenter.power_off(EDITED)?;
    cloud.vcenter.power_on(EDITED)?;
    reports(&cloud, EDITED, |status| status["unreadable"] == true)?;
    plan_shows_degraded(&cloud, EDITED)?;
    apply_reconfigures_alone(&cloud, EDITED)
}
