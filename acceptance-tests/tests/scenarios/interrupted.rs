//! A change that is killed in its middle, when the record and some nodes are changed already: the next plan shows what is
//! left to do, and the next apply does it.

use std::time::{Duration, Instant};

use acceptance_tests::{Deployment, Plan};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::support::{example, one_cli, rewrite};

const LOAD_BALANCERS: &str = "vio_component.load_balancer";
const CONTROLLERS: &str = "vio_controller_pool.this";
const COUNT: &str = "  node_count            = var.controllers\n";
const OPTION: &str = "  options               = { api_workers = \"3\" }\n";

/// How long a guest may take until it is seen to be told, or to be done.
const SOON: Duration = Duration::from_secs(60);

/// How long a guest applies what it was told: the run is killed meanwhile.
const APPLY_DELAY_MS: u32 = 5000;

/// Waits until what the simulator says of a guest is as expected.
fn until(cloud: &Deployment, node: &str, expected: impl Fn(&Value) -> bool) -> Result<()> {
    let started = Instant::now();
    loop {
        let guest = cloud.vcenter.guest(node)?;
        if expected(&guest) {
            return Ok(());
        }
        ensure!(
            started.elapsed() < SOON,
            "{node} is told {} and reports {}",
            guest["revision"],
            guest["status"]
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A cloud whose controllers get another option by an apply that is killed as soon as this one is told. The guest, which
/// nobody kills, is done with it afterwards.
fn killed_when_told(node: &str) -> Result<Deployment> {
    let cloud = example(&one_cli()?)?;
    // Another rule lets guests begin anew, and those would not be ready: it is there from the start.
    cloud.vcenter.set_guests(&json!([{"name": node, "apply_delay_ms": APPLY_DELAY_MS}]))?;
    cloud.apply()?;
    let before = cloud.vcenter.guest(node)?["revision"].take();
    rewrite(&cloud, &[(COUNT, &format!("{COUNT}{OPTION}"))])?;
    let running = cloud.directory.start(&["apply", "-input=false", "-no-color", "-auto-approve"])?;
    until(&cloud, node, |guest| guest["revision"] != before)?;
    running.kill()?;
    running.wait()?.expect_failure()?;
    let is_done = |guest: &Value| {
        let status = &guest["status"];
        status["phase"] == "ready" && status["revision"] == guest["revision"]
    };
    ensure!(!is_done(&cloud.vcenter.guest(node)?), "{node} was done before the run was killed");
    until(&cloud, node, is_done)?;
    Ok(cloud)
}

/// The plan after it, in which nothing but nodes differs.
fn plan_of_the_rest(cloud: &Deployment) -> Result<Plan> {
    let output = cloud.directory.plan(&[])?.expect_success()?;
    ensure!(output.has_changes(), "the plan is empty");
    let plan = cloud.directory.show_plan()?;
    for change in plan.changes() {
        assert_eq!(change.changed_attributes(), ["nodes"], "{}", change.address);
    }
    Ok(plan)
}

/// The nodes of a resource that a plan takes for degraded.
fn degraded(plan: &Plan, address: &str) -> Result<Vec<String>> {
    let nodes = plan.change(address)?.before["nodes"].as_array().cloned().unwrap_or_default();
    let degraded = nodes.iter().filter(|node| node["state"] == "degraded");
    Ok(degraded.map(|node| node["name"].as_str().unwrap_or_default().to_owned()).collect())
}

/// An apply after which the next plan is empty, and which leaves this controller alone: it has what it shall have.
fn goes_on_without(cloud: &Deployment, done: &str) -> Result<()> {
    let before = cloud.vcenter.guest(done)?["applications"].take();
    cloud.apply_converges(&[])?;
    assert_eq!(cloud.vcenter.guest(done)?["applications"], before, "{done} is not changed again");
    let nodes = cloud.state()?.nodes();
    assert!(nodes.iter().all(|node| node.state == "ready"), "{nodes:?}");
    Ok(())
}

#[test]
fn controllers_that_a_killed_roll_has_not_reached_are_shown_and_changed_by_the_next_apply() -> Result<()> {
    let cloud = killed_when_told("prod-controller-01")?;
    let plan = plan_of_the_rest(&cloud)?;
    assert_eq!(plan.counts(), (0, 2, 0), "{}", plan.summary());
    assert_eq!(degraded(&plan, CONTROLLERS)?, ["prod-controller-02"]);
    // They still keep the first controller out.
    assert_eq!(degraded(&plan, LOAD_BALANCERS)?, ["prod-load-balancer-01", "prod-load-balancer-02"]);
    goes_on_without(&cloud, "prod-controller-01")
}

#[test]
fn load_balancers_that_a_killed_roll_left_draining_are_shown_and_mended_by_the_next_apply() -> Result<()> {
    let cloud = killed_when_told("prod-controller-02")?;
    let plan = plan_of_the_rest(&cloud)?;
    assert_eq!(plan.counts(), (0, 1, 0), "{}", plan.summary());
    assert_eq!(degraded(&plan, LOAD_BALANCERS)?, ["prod-load-balancer-01", "prod-load-balancer-02"]);
    goes_on_without(&cloud, "prod-controller-02")
}
