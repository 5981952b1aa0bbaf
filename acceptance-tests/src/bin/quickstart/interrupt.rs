//! Ctrl-C: the running command is interrupted as it would be in a terminal, then the tour ends.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What SIGINT and SIGTERM have done so far.
pub(crate) struct Interrupts {
    /// Becomes true with each signal; whoever passes it on sets it back.
    pub(crate) pressed: Arc<AtomicBool>,
    seen: Arc<AtomicBool>,
}

/// The user has had enough.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

impl Interrupts {
    /// From now on the signals do not end this program.
    pub(crate) fn catch() -> Result<Self> {
        let (pressed, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(&pressed)).context("catching Ctrl-C")?;
            flag::register(signal, Arc::clone(&seen)).context("catching Ctrl-C")?;
        }
        Ok(Self { pressed, seen })
    }

    /// Whatever a step ended with, an interrupt explains it.
    pub(crate) fn or<T>(&self, result: Result<T>) -> Result<T> {
        if self.seen.load(Ordering::Relaxed) { Err(Interrupted.into()) } else { result }
    }
}
