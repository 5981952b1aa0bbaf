//! Signals, and the end of the process that started us.

use std::time::Duration;

use crate::error::Error;
use crate::plugin::Shutdown;
use crate::provider::Farewell;

/// How often the parent is looked for. Not more precise than needed: it matters only when the client was killed.
const PARENT_INTERVAL: Duration = Duration::from_secs(1);

/// Who decides when the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Master {
    /// The client. Ctrl-C reaches the whole process group and is the client's to handle: it says what to stop.
    Client,
    /// The user who started the process to debug it.
    User,
}

/// Orders the end on a signal or when the parent has gone.
#[cfg(unix)]
pub(crate) fn watch(shutdown: &Shutdown, master: Master) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |source| Error::System { operation: "installing a signal handler", source };
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let order = shutdown.clone();
    // Before the handshake: a client that ends after this is missed, one that ended before cannot be told the address.
    let parent = rustix::process::getppid();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => if master == Master::User { break },
                () = orphaned(parent), if master == Master::Client => break,
            }
        }
        order.order(Farewell::CutOff);
    });
    Ok(())
}

/// Returns when `parent`, the process that started us, has ended. Asked for by polling: the signal that the kernel offers comes
/// already when the thread that forked us ends.
#[cfg(unix)]
async fn orphaned(parent: Option<rustix::process::Pid>) {
    while rustix::process::getppid() == parent {
        tokio::time::sleep(PARENT_INTERVAL).await;
    }
}

/// Orders the end on Ctrl-C when the user is master.
#[cfg(not(unix))]
pub(crate) fn watch(shutdown: &Shutdown, master: Master) -> Result<(), Error> {
    let order = shutdown.clone();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if master == Master::User {
                break order.order(Farewell::CutOff);
            }
        }
    });
    Ok(())
}
