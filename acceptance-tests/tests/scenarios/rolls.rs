//! Changes that roll through nodes behind the load balancers: users are never sent to one that restarts.

use std::time::Duration;

use acceptance_tests::{CallLog, Deployment, Running, on_every_cli};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::support::{RESIZED, applied_document, example, expect_clean, file, one_cli, rewrite};

const LOAD_BALANCERS: [&str; 2] = ["prod-load-balancer-01", "prod-load-balancer-02"];
const CONTROLLERS: [&str; 2] = ["prod-controller-01", "prod-controller-02"];
const HAPROXY: &str = "/etc/haproxy/haproxy.cfg";

/// How long a step of a scenario may take until it is seen.
const SOON: Duration = Duration::from_secs(60);

/// Whether a load balancer that has applied this document sends a node something new.
fn sends(document: &Value, node: &str) -> Result<bool> {
    let servers = format!("server {node} ");
    let text = file(document, HAPROXY)?;
    let lines: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with(&servers)).collect();
    ensure!(!lines.is_empty(), "there is no server {node}:\n{text}");
    let disabled = lines.iter().filter(|line| line.ends_with(" disabled")).count();
    ensure!(disabled == 0 || disabled == lines.len(), "{node} is disabled in some front ends only:\n{text}");
    Ok(disabled == 0)
}

/// What a node's guest lived through from one moment on.
struct Story(Vec<Value>);

impl Story {
    /// The moments of one node at which this happened.
    fn moments(&self, node: &str, event: &str) -> Vec<usize> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, it)| it["node"] == node && it["event"] == event).map(|(at, _)| at).collect()
    }

    /// The document that a node had applied at a moment.
    fn applied(&self, node: &str, at: usize) -> Result<&Value> {
        let before = self.0.iter().take(at).rev();
        let mut applied = before.filter(|it| it["node"] == node && it["event"] == "applied");
        applied.next().map(|it| &it["document"]).with_context(|| format!("{node} had applied nothing"))
    }
}

/// At each of these moments every load balancer sends the first node nothing, and the second one all.
fn expect_drained(story: &Story, moments: &[usize], out: &str, peer: &str) -> Result<()> {
    for at in moments {
        for balancer in LOAD_BALANCERS {
            let document = story.applied(balancer, *at)?;
            ensure!(!sends(document, out)?, "{balancer} sends {out} something while it restarts");
            ensure!(sends(document, peer)?, "{balancer} does not send {peer} anything");
        }
    }
    Ok(())
}

/// Every load balancer sends every controller something.
fn expect_nothing_drained(cloud: &Deployment) -> Result<()> {
    for balancer in LOAD_BALANCERS {
        let document = applied_document(&cloud.vcenter, balancer)?;
        for node in CONTROLLERS.iter().chain(["prod-database-01"].iter()) {
            ensure!(sends(&document, node)?, "{node} is still disabled at {balancer}");
        }
    }
    Ok(())
}

/// How often each load balancer was given a configuration.
fn writes(log: &CallLog) -> [usize; 2] {
    LOAD_BALANCERS.map(|balancer| {
        let calls = log.mutations.iter();
        calls.filter(|call| call.method == "ReconfigVM_Task" && call.object == balancer).count()
    })
}

/// How often each was powered off.
fn restarts(story: &Story, from: usize) -> [Vec<usize>; 2] {
    CONTROLLERS.map(|node| story.moments(node, "off").into_iter().filter(|at| *at >= from).collect())
}

#[test]
fn controllers_are_resized_when_every_load_balancer_sends_them_nothing() -> Result<()> {
    on_every_cli(|cli| {
        let cloud = example(cli)?;
        cloud.apply()?;
        let from = cloud.vcenter.guest_history()?.len();
        rewrite(&cloud, &[RESIZED])?;
        let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;

        let story = Story(cloud.vcenter.guest_history()?);
        let [first, second] = restarts(&story, from);
        assert_eq!((first.len(), second.len()), (1, 1));
        expect_drained(&story, &first, CONTROLLERS[0], CONTROLLERS[1])?;
        expect_drained(&story, &second, CONTROLLERS[1], CONTROLLERS[0])?;
        // One for each controller, and one that brings the last one back.
        assert_eq!(writes(&log), [3, 3]);
        expect_nothing_drained(&cloud)?;
        cloud.plan_is_empty()?;
        for controller in CONTROLLERS {
            assert_eq!(cloud.vcenter.vm(controller)?["memory_mib"], 12_288);
        }
        expect_clean(&log)
    })
}

#[test]
fn a_setting_of_every_node_reaches_those_behind_the_load_balancers_while_they_are_drained() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    let from = cloud.vcenter.guest_history()?.len();
    let servers =
        ("    ntp_servers = [\"198.18.10.2\"]\n", "    ntp_servers = [\"198.18.10.2\", \"198.18.10.3\"]\n");
    rewrite(&cloud, &[servers])?;
    let log = cloud.vcenter.log_of(|| cloud.apply().map(drop))?;

    // A standby of the database, since the load balancers are not as wanted either and might be using it; then its
    // writer, both controllers, and one that brings the last one back.
    assert_eq!(writes(&log), [5, 5]);
    let story = Story(cloud.vcenter.guest_history()?);
    let told = |node: &str| -> Vec<usize> {
        story.moments(node, "applying").into_iter().filter(|at| *at >= from).collect()
    };
    assert_eq!((told(CONTROLLERS[0]).len(), told("prod-database-01").len()), (1, 1));
    expect_drained(&story, &told(CONTROLLERS[0]), CONTROLLERS[0], CONTROLLERS[1])?;
    expect_drained(&story, &told(CONTROLLERS[1]), CONTROLLERS[1], CONTROLLERS[0])?;
    expect_drained(&story, &told("prod-database-01"), "prod-database-01", "prod-database-02")?;
    expect_nothing_drained(&cloud)?;
    cloud.plan_is_empty()
}

/// An apply that has switched the first controller off, and on again, and waits for it.
fn an_apply_that_waits_for_the_first_controller(cloud: &Deployment) -> Result<Running> {
    cloud.vcenter.set_guests(&json!([{"name": CONTROLLERS[0], "behaviour": "never_boots"}]))?;
    let from = cloud.vcenter.guest_history()?.len();
    let running = cloud.directory.start(&["apply", "-input=false", "-no-color", "-auto-approve"])?;
    let started = std::time::Instant::now();
    while restarts(&Story(cloud.vcenter.guest_history()?), from)[0].is_empty() {
        ensure!(started.elapsed() < SOON, "the first controller does not restart");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(running)
}

#[test]
fn a_roll_that_was_killed_goes_on_and_leaves_nothing_drained() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    rewrite(&cloud, &[RESIZED])?;
    let running = an_apply_that_waits_for_the_first_controller(&cloud)?;
    running.kill()?;
    running.wait()?.expect_failure()?;
    for balancer in LOAD_BALANCERS {
        assert!(!sends(&applied_document(&cloud.vcenter, balancer)?, CONTROLLERS[0])?);
    }

    cloud.vcenter.set_guests(&json!([]))?;
    let from = cloud.vcenter.guest_history()?.len();
    cloud.apply_converges(&[])?;
    let story = Story(cloud.vcenter.guest_history()?);
    let [_, second] = restarts(&story, from);
    assert_eq!(second.len(), 1);
    expect_drained(&story, &second, CONTROLLERS[1], CONTROLLERS[0])?;
    expect_nothing_drained(&cloud)
}

#[test]
fn a_controller_that_fails_stops_the_roll_with_the_other_one_untouched() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply()?;
    rewrite(&cloud, &[RESIZED])?;
    let from = cloud.vcenter.guest_history()?.len();
    let running = an_apply_that_waits_for_the_first_controller(&cloud)?;
    cloud
        .vcenter
        .set_guests(&json!([{"name": CONTROLLERS[0], "behaviour": "failed", "error": "out of luck"}]))?;
    running.wait()?.expect_failure()?.expect_text("out of luck")?;
    let [first, second] = restarts(&Story(cloud.vcenter.guest_history()?), from);
    assert_eq!((first.len(), second.len()), (1, 0));
    for balancer in LOAD_BALANCERS {
        let document = applied_document(&cloud.vcenter, balancer)?;
        assert_eq!((sends(&document, CONTROLLERS[0])?, sends(&document, CONTROLLERS[1])?), (false, true));
    }
    cloud.vcenter.set_guests(&json!([]))?;
    cloud.apply_converges(&[])?;
    expect_nothing_drained(&cloud)
}

#[test]
fn a_lone_controller_is_resized_without_a_word_to_the_load_balancers() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let one = "-var=controllers=1";
    cloud.apply_with(&[one])?;
    rewrite(&cloud, &[RESIZED])?;
    let log = cloud.vcenter.log_of(|| cloud.apply_with(&[one]).map(drop))?;
    assert_eq!(writes(&log), [0, 0]);
    assert_eq!(log.count("PowerOnVM_Task"), 1);
    cloud.plan_is_empty_with(&[one])
}
