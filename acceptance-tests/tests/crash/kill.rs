//! Death at a moment that is chosen exactly: the simulated vCenter holds a call, and then the provider is killed.

use std::thread;
use std::time::{Duration, Instant};

use acceptance_tests::{Deployment, HeldCall, Output, Running, tiers};
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::support::provider_of;

/// How often it is looked whether a call is held.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Calls that come within this time of each other die together.
const TOGETHER: Duration = Duration::from_millis(50);

/// How long it may take until vCenter has seen that a client is dead.
const SOON: Duration = Duration::from_secs(60);

/// More kills than any walk has calls: one that goes on for ever is stopped.
const MOST_KILLS: usize = 600;

/// The command that removes all.
pub(crate) const DESTROY: [&str; 4] = ["destroy", "-input=false", "-no-color", "-auto-approve"];

/// An apply with options such as `-var`.
pub(crate) fn apply<'a>(options: &[&'a str]) -> Vec<&'a str> {
    [&["apply", "-input=false", "-no-color", "-auto-approve"], options].concat()
}

/// When a call is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It has come, and has not acted.
    Before,
    /// It and its task have acted, and nobody was told.
    After,
}

impl Moment {
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }

    /// Rules that hold the nth call that changes something, from 1, and all that come later.
    pub(crate) fn of_call(self, nth: usize) -> Value {
        let later = json!({"mutating": true, "nth": nth + 1, "count": -1, "kind": "hold_before"});
        let kind = format!("hold_{}", self.word());
        json!([{"mutating": true, "nth": nth, "kind": kind}, later])
    }
}

/// What a command came to that is to be killed when a call is held.
pub(crate) enum Came {
    /// It was killed, at this call.
    Killed(HeldCall),
    /// It has ended before there was such a call.
    Ended(Output),
}

/// Waits until a call is held, at this moment if one is given; without one the command has ended.
pub(crate) fn first_held(
    cloud: &Deployment,
    running: &Running,
    moment: Option<Moment>,
) -> Result<Option<HeldCall>> {
    loop {
        let ended = running.has_ended();
        let mut now = cloud.vcenter.holds()?.now.into_iter();
        let fits = |call: &HeldCall| moment.is_none_or(|moment| call.moment == moment.word());
        if let Some(call) = now.find(fits) {
            return Ok(Some(call));
        }
        if ended {
            return Ok(None);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Waits until all are held that a run makes at once.
fn until_no_more_come(cloud: &Deployment) -> Result<()> {
    let mut held = 0;
    loop {
        let holds = cloud.vcenter.holds()?;
        if holds.coming == 0 && holds.now.len() == held {
            return Ok(());
        }
        held = holds.now.len();
        thread::sleep(TOGETHER);
    }
}

/// Runs a command and kills its provider as soon as a call is held.
pub(crate) fn killed_when_held(cloud: &Deployment, command: &[&str], moment: Option<Moment>) -> Result<Came> {
    let running = cloud.directory.start(command)?;
    let Some(call) = first_held(cloud, &running, moment)? else {
        return Ok(Came::Ended(running.wait()?));
    };
    until_no_more_come(cloud)?;
    kill_process(provider_of(&running)?, Signal::KILL).context("killing the provider")?;
    let output = running.wait()?;
    // The lease is given back when the CLI has all answers: it does not notice that the provider dies then.
    let is_lease = call.method == "ReconfigVM_Task" && call.object == "prod-image";
    ensure!(
        !output.succeeded() || is_lease,
        "the CLI has not noticed the death at {call:?}\n{}",
        output.said()
    );
    until_nobody_waits(cloud)?;
    Ok(Came::Killed(call))
}

/// Waits until vCenter has seen that the client is dead.
fn until_nobody_waits(cloud: &Deployment) -> Result<()> {
    let started = Instant::now();
    loop {
        let holds = cloud.vcenter.holds()?;
        if holds.now.is_empty() && holds.coming == 0 {
            return Ok(());
        }
        ensure!(started.elapsed() < SOON, "vCenter still holds {:?} of a dead client", holds.now);
        thread::sleep(LOOK_EVERY);
    }
}

/// Runs a command again and again. Each call that changes something dies twice: first before it acts, then, when a later run
/// makes it again, after it has acted. Calls that a run makes at once die together. So each run goes on from where the last
/// one died, and the last one comes to its end. Notes the number of calls that died.
pub(crate) fn killed_at_each_call(cloud: &Deployment, walk: &str, command: &[&str]) -> Result<()> {
    cloud.vcenter.reset_log()?;
    // Who holds the lease, and since when, is told anew by each run.
    cloud.vcenter.set_faults(
        &json!([{"mutating": true, "count": -1, "kind": "hold_each", "varying": ["vio.lease"]}]),
    )?;
    let mut last = None;
    for kills in 0.. {
        ensure!(kills < MOST_KILLS, "{walk} has no end; the last kill was at {last:?}");
        let place = || format!("{walk}, after {kills} kills, the last at {last:?}");
        match killed_when_held(cloud, command, None).with_context(place)? {
            Came::Killed(call) => last = Some(call),
            Came::Ended(output) => {
                output.expect_success().with_context(place)?;
                break;
            }
        }
    }
    let points = cloud.vcenter.holds()?.abandoned;
    expect_no_call_left_out(cloud, &points)?;
    cloud.vcenter.clear_faults()?;
    tiers::note_kill_points(walk, points.len())
}

/// The provider died before and after every call that has changed something.
fn expect_no_call_left_out(cloud: &Deployment, points: &[HeldCall]) -> Result<()> {
    for call in cloud.vcenter.log()?.mutations.iter().filter(|call| call.outcome == "ok") {
        for moment in [Moment::Before, Moment::After] {
            let fits = |point: &HeldCall| {
                (&point.method, &point.object, &point.name) == (&call.method, &call.object, &call.name)
                    && point.moment == moment.word()
            };
            ensure!(points.iter().any(fits), "the provider did not die {} {call:?}", moment.word());
        }
    }
    Ok(())
}
