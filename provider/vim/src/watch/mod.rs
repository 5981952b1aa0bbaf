//! Waiting: one property collector, one list view, one long poll for every task and VM that anybody waits for.
//!
//! A background task runs while something is waited for and ends when nothing is. What waiters see is kept in
//! [`state::State`], which does no I/O; [`driver`] makes the calls.

mod driver;
mod state;
mod vm_watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use vm_watch::VmWatch;

use crate::client::Inner;
use crate::error::Error;
use crate::mo_ref::MoRef;
use crate::property::PropSpec;
use state::State;

/// How long the end of the watch may take when the client logs out.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What callers and the background task share.
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Tells the background task that something was added or that it shall end.
    wake: Notify,
    /// What is read of each kind of object.
    props: Vec<PropSpec>,
    runner: Mutex<Runner>,
}

#[derive(Default)]
struct Runner {
    running: bool,
    task: Option<JoinHandle<()>>,
}

impl Hub {
    pub(crate) fn new(vm_paths: Vec<String>) -> Self {
        let mut props = vec![PropSpec::new("Task", &state::TASK_PATHS)];
        if !vm_paths.is_empty() {
            props.push(PropSpec { kind: "VirtualMachine".to_owned(), paths: vm_paths.clone() });
        }
        let state = Mutex::new(State::new(vm_paths));
        Self { state, wake: Notify::new(), props, runner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runner(&self) -> MutexGuard<'_, Runner> {
        self.runner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the background task if nothing is waited for. Adding looks at `running` after it has added, so nothing that
    /// is added meanwhile is left without a task.
    fn ends(&self) -> bool {
        let mut runner = self.runner();
        let idle = self.lock().is_idle();
        runner.running = !idle;
        idle
    }
}

/// Starts the background task if it does not run, else tells it to look.
fn wake(inner: &Arc<Inner>) {
    let mut runner = inner.hub.runner();
    if runner.running {
        inner.hub.wake.notify_one();
    } else {
        runner.running = true;
        runner.task = Some(tokio::spawn(driver::run(inner.clone())));
    }
}

/// See [`crate::Client::wait_task`].
pub(crate) async fn wait_task(inner: &Arc<Inner>, task: &MoRef) -> Result<Option<MoRef>, Error> {
    let outcome = inner.hub.lock().add_task(task);
    wake(inner);
    outcome.await.unwrap_or_else(|_| Err(Error::LoggedOut(task.to_string())))
}

/// See [`crate::Client::watch_vm`].
pub(crate) fn watch_vm(inner: &Arc<Inner>, vm: &MoRef) -> VmWatch {
    let receiver = inner.hub.lock().add_vm(vm);
    wake(inner);
    VmWatch::new(vm.clone(), receiver)
}

/// Ends all waits and destroys what the server keeps for them.
pub(crate) async fn stop(inner: &Arc<Inner>) {
    inner.hub.lock().end_all(|object| Error::LoggedOut(object.to_string()));
    inner.hub.lock().closing = true;
    inner.hub.wake.notify_one();
    let running = inner.hub.runner().task.take();
    let ended = timeout(STOP_TIMEOUT, async {
        if let Some(task) = running {
            // It only fails if it panicked or was aborted: it has ended either way.
            let _ = task.await;
        }
        driver::unbind_on_server(inner).await;
    });
    if ended.await.is_err() {
        tracing::debug!("the watch was left to the end of its session");
    }
    inner.hub.lock().closing = false;
}
