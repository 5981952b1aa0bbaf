//! The matrix: every way in which vCenter, the network or a guest may fail, over create, update, refresh and delete. Each
//! cell ends within its time, either well and with an empty plan, or with an error that names operation, object, cause
//! and remedy; and when the failure is over, one more run brings what is wanted, and nothing twice.

mod cells;
mod cloud;
mod shared;
mod told;

use std::sync::{Mutex, MutexGuard, PoisonError};

use acceptance_tests::tiers::note_cells;
use acceptance_tests::{Cli, Deployment};
use anyhow::{Context as _, Result, ensure};

use cells::Operation;
use cloud::Matrix;

/// Each takes what two processors give, and some of its cells end by the clock.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is vCenter's and the provider's behaviour is shown on one CLI.
fn cloud() -> Result<Deployment> {
    Deployment::new(&Cli::available()?.into_iter().next().context("no CLI")?)
}

#[test]
fn whatever_fails_in_a_deployment_its_run_converges_or_tells_what_to_do() -> Result<()> {
    let _alone = alone();
    let matrix = Matrix::new(cloud()?)?;
    let mut wrong = Vec::new();
    for operation in Operation::ALL {
        match matrix.show(operation) {
            Ok(count) => note_cells(operation.verb(), count)?,
            Err(error) => wrong.push(format!("{}: {error:#}", operation.verb())),
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

#[test]
fn whatever_fails_while_all_is_read_the_plan_is_empty_or_tells_what_to_do() -> Result<()> {
    let _alone = alone();
    note_cells("refresh", shared::refresh(cloud()?)?)
}

#[test]
fn whatever_fails_while_a_change_is_waited_for_it_converges_or_tells_what_to_do() -> Result<()> {
    let _alone = alone();
    note_cells("waits", shared::wait(cloud()?)?)
}
