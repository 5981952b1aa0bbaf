//! SIGINT and SIGTERM to the CLI while a call is on its way, in each phase of a deployment's life.

use std::time::Duration;

use acceptance_tests::{Deployment, Inventory};
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::desired::{STORAGE, THREE, expect_as_desired, with};
use crate::kill::{DESTROY, Moment, apply, first_held};
use crate::support::{DAY_2, NODES, RESIZED, example, one_cli, rewrite};

/// How long a CLI may take to say that it was interrupted.
const SOON: Duration = Duration::from_secs(60);

/// At which call that changes something each command is interrupted: in the middle of the shortest of them.
const CALL: usize = 4;

/// Runs a command, and interrupts it while vCenter has its call and has not acted: the call is let finish, and the
/// command ends by itself, with a word on it and without a session left.
fn interrupted(cloud: &Deployment, command: &[&str], signal: Signal) -> Result<()> {
    cloud.vcenter.reset_log()?;
    cloud.vcenter.set_faults(&Moment::Before.of_call(CALL))?;
    let running = cloud.directory.start(command)?;
    let held = first_held(cloud, &running, None)?;
    ensure!(held.is_some(), "{command:?} has fewer than {CALL} calls");
    match signal {
        Signal::INT => running.interrupt()?,
        other => kill_process(Pid::from_raw(running.pid()).context("no process has the id 0")?, other)?,
    }
    running.wait_for("Interrupt received", SOON)?;
    // Nothing is held any more: a CLI waits two seconds for a provider that gives back its lease and logs out.
    cloud.vcenter.clear_faults()?;
    running.wait()?.expect_failure()?;
    let left = cloud.vcenter.log()?.sessions_open;
    ensure!(left == 0, "{left} sessions are left of {command:?}");
    Ok(())
}

fn apply_goes_on(
    cloud: &Deployment,
    before: &Inventory,
    signal: Signal,
    options: &[&str],
    nodes: &[&str],
) -> Result<()> {
    interrupted(cloud, &apply(options), signal).with_context(|| format!("with {options:?}"))?;
    cloud.apply_with(options)?;
    expect_as_desired(cloud, before, options, &with(nodes))
}

/// A deployment's life, in which each command is interrupted once and then comes to its end.
fn a_life_of_interruptions(signal: Signal) -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    apply_goes_on(&cloud, &before, signal, &[], &[])?;
    apply_goes_on(&cloud, &before, signal, &[THREE], &["prod-controller-03"])?;
    apply_goes_on(&cloud, &before, signal, &[], &[])?;
    apply_goes_on(&cloud, &before, signal, &[DAY_2], &STORAGE)?;
    apply_goes_on(&cloud, &before, signal, &[], &[])?;
    rewrite(&cloud, &[RESIZED])?;
    apply_goes_on(&cloud, &before, signal, &[], &[])?;

    interrupted(&cloud, &DESTROY, signal)?;
    cloud.apply()?;
    expect_as_desired(&cloud, &before, &[], &NODES)?;
    interrupted(&cloud, &DESTROY, signal)?;
    cloud.destroy()?;
    cloud.vcenter.inventory()?.expect_same_as(&before)
}

#[test]
fn whatever_ctrl_c_interrupts_the_next_command_completes() -> Result<()> {
    a_life_of_interruptions(Signal::INT)
}

#[test]
fn whatever_sigterm_interrupts_the_next_command_completes() -> Result<()> {
    a_life_of_interruptions(Signal::TERM)
}
