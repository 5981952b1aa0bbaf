//! What both tiers need: a look at every guest, a wait for the whole to be whole.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use acceptance_tests::Deployment;
use acceptance_tests::living::{self, Cloud, Outage, Probe, World};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// The administrator's password of the clouds.
pub(crate) const PASSWORD: &str = "living-admin";

/// No change of a role leaves the cloud without tokens for longer.
pub(crate) const LONGEST_OUTAGE_S: f64 = 10.0;

/// How long guests may take to come back, on a machine that does much else.
const WHOLE_WITHIN: Duration = Duration::from_secs(600);

/// A failed walk tells of no more guests: the first one is often the cause of the others.
const MOST_TOLD: usize = 4;
/// The begin of a report has what the agent waits for.
const MOST_OF_A_REPORT: usize = 600;
/// What a guest knows of its own trouble; systemd may not answer in one that is in great trouble.
const LAST_WORDS: &str = "exec 2>&1
    timeout 10 systemctl --failed --no-legend --plain || true
    timeout 10 systemctl list-jobs --no-legend --plain || true
    timeout 10 journalctl -n 12 --no-pager -o cat -u vio-agent || true
    timeout 10 journalctl -n 8 --no-pager -o short -p warning || true
    for log in $(find /var/log -name '*.log' -size +0 -mmin -30); do echo \"$log\"; tail -n 3 \"$log\" | cut -c 1-300; done
    uptime";

/// What load balancers say of themselves, without the requests that were served and who had none when a process ended.
const NOT_SERVED: &str = "-u keepalived -u haproxy -u vio-agent --no-pager -o short-precise \
    | grep -v -e ' [1-4][0-9]* [0-9]* - - ---- ' -e ' [0-9]* -- [0-9]*/' -e ' Proxy .* stopped ' | tail -n 60 | cut -c 1-240";

/// Which nodes hold the VIPs of the clouds of both tiers.
pub(crate) const LOAD_BALANCERS: [&str; 2] = ["prod-load-balancer-01", "prod-load-balancer-02"];

/// The figures of the tier that runs.
static FIGURES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps a figure for the last words of the run, and says it at once: the test runner hides what macros print.
pub(crate) fn figure(text: &str) {
    say(text);
    FIGURES.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
}

/// What the tier has measured since this was asked last.
pub(crate) fn figures() -> String {
    std::mem::take(&mut *FIGURES.lock().unwrap_or_else(PoisonError::into_inner)).join("; ")
}

fn say(text: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The guests that are on, and the phase that the agent of each reports; one that was not ready since its power-on has
/// only the report of before.
fn phases(deployment: &Deployment) -> Result<Vec<(String, String)>> {
    let guests = World::of(&deployment.vcenter)?.guests;
    let mut phases = Vec::new();
    for guest in guests.into_iter().filter(|guest| guest.pid.is_some()) {
        let known = guest.events.iter().any(|(event, _)| event == "ready");
        let report = report(deployment, &guest.name)?;
        let phase = if known { report["phase"].as_str().unwrap_or_default() } else { "not ready yet" };
        phases.push((guest.name, phase.to_owned()));
    }
    Ok(phases)
}

/// What the agent of a guest reported last.
fn report(deployment: &Deployment, vm: &str) -> Result<Value> {
    let vm = deployment.vcenter.vm(vm)?;
    let report = vm["extra_config"]["guestinfo.vio.status"].as_str().unwrap_or("{}");
    serde_json::from_str(report).with_context(|| format!("reading {report}"))
}

/// What is known of each guest that is not ready, for the one who reads that a walk failed and cannot look any more.
pub(crate) fn who_is_not_ready(deployment: &Deployment) -> String {
    let seen = match phases(deployment) {
        Ok(seen) => seen,
        Err(error) => return format!("the guests could not be looked at: {error:#}"),
    };
    let (ready, others): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(_, phase)| phase == "ready");
    let mut said = format!("{} guests are ready, {} are not", ready.len(), others.len());
    for (name, _) in others.iter().take(MOST_TOLD) {
        let told = inside(deployment, name, LAST_WORDS).unwrap_or_else(|error| format!("{error:#}"));
        let report = report(deployment, name).map_or_else(|error| format!("{error:#}"), |it| it.to_string());
        let report: String = report.chars().take(MOST_OF_A_REPORT).collect();
        let _ = write!(said, "\n{name} reports {report}\n{told}");
    }
    said
}

/// Waits until so many guests are on and the agent of each says that it is ready.
pub(crate) fn wait_until_whole(deployment: &Deployment, nodes: usize) -> Result<Duration> {
    let start = Instant::now();
    loop {
        let seen = phases(deployment)?;
        if seen.len() == nodes && seen.iter().all(|(_, phase)| phase == "ready") {
            return Ok(start.elapsed());
        }
        if start.elapsed() > WHOLE_WITHIN {
            bail!("not whole after {} s: {seen:?}", WHOLE_WITHIN.as_secs());
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// Does something while tokens are asked for, waits for `nodes` ready guests, and a moment more.
pub(crate) fn probed(cloud: &Cloud, what: &str, work: impl FnOnce() -> Result<()>) -> Result<Outage> {
    let probe = Probe::start(cloud)?;
    thread::sleep(Duration::from_secs(2));
    work().with_context(|| what.to_owned())?;
    thread::sleep(Duration::from_secs(2));
    let outage = probe.stop()?;
    figure(&format!("{what}: {outage}"));
    Ok(outage)
}

/// Does something that no client may notice, while tokens are asked for.
///
/// A machine that stands still for as long as three advertisements moves a VIP, as it should, and that cuts off who asks.
/// So a short loss is said, undone and tried once more: what is the cloud's own fault comes again.
pub(crate) fn unnoticed(
    deployment: &Deployment,
    cloud: &Cloud,
    what: &str,
    work: impl Fn() -> Result<()>,
    undo: impl Fn() -> Result<()>,
) -> Result<()> {
    let begin = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let outage = probed(cloud, what, &work)?;
    if outage.failed == 0 {
        return Ok(());
    }
    say(&told_by_the_load_balancers(deployment, begin)?);
    expect_short(what, &outage)?;
    undo().with_context(|| format!("taking back: {what}"))?;
    let again = probed(cloud, &format!("once more: {what}"), &work)?;
    if again.failed == 0 {
        return Ok(());
    }
    let told = told_by_the_load_balancers(deployment, begin)?;
    // What stands last is read first, and never cut off.
    bail!("{told}{what}, which nobody should notice: {outage}; once more: {again}")
}

fn told_by_the_load_balancers(deployment: &Deployment, since: Duration) -> Result<String> {
    let script = format!("journalctl --since=@{} {NOT_SERVED}", since.as_secs());
    let mut told = String::new();
    for node in LOAD_BALANCERS {
        let _ = writeln!(told, "{node}:\n{}", inside(deployment, node, &script)?);
    }
    Ok(told)
}

/// Waits until the cloud notices a fault; only then is a probe that saw nothing worth something.
pub(crate) fn let_it_show() {
    thread::sleep(Duration::from_secs(15));
}

/// Fails unless service came back soon enough.
pub(crate) fn expect_short(what: &str, outage: &Outage) -> Result<()> {
    ensure!(outage.longest_s <= LONGEST_OUTAGE_S, "{what}: {outage}");
    Ok(())
}

/// Runs a shell script inside of the guest of a VM.
pub(crate) fn inside(deployment: &Deployment, vm: &str, script: &str) -> Result<String> {
    living::guest_exec(&deployment.vcenter, vm, "sh", &["-ec", script])
}

/// Prints when each guest got how far, and what memory each takes.
pub(crate) fn print_timeline(deployment: &Deployment, what: &str) -> Result<()> {
    say(&format!("{what}, seconds from power-on:\n{}", World::measured(&deployment.vcenter)?.timeline()));
    Ok(())
}
