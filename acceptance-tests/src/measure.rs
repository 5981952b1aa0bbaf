//! What the provider costs: time to start, memory, size.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::Running;

/// What the CLIs set so that a plugin knows it was started by one of them.
const MAGIC_COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// The certificate of a client, as the CLIs make one for each provider process: self-signed, P-521. Nobody has its key.
const CLIENT_CERTIFICATE_PEM: &str = include_str!("measure/client-certificate.pem");

/// The time from the start of the process to its handshake line, once for each of `runs`, sorted. As the CLIs do, it
/// asks for mTLS, so the making of the server's certificate is part of it.
pub fn handshakes(provider: &Path, runs: usize) -> Result<Vec<Duration>> {
    let mut all = (0..runs).map(|_| handshake(provider)).collect::<Result<Vec<_>>>()?;
    all.sort();
    Ok(all)
}

fn handshake(provider: &Path) -> Result<Duration> {
    let (cookie, value) = MAGIC_COOKIE;
    let started = Instant::now();
    let mut child = Command::new(provider)
        .env(cookie, value)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .env("PLUGIN_MIN_PORT", "10000")
        .env("PLUGIN_MAX_PORT", "25000")
        .env("PLUGIN_CLIENT_CERT", CLIENT_CERTIFICATE_PEM)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", provider.display()))?;
    let stdout = child.stdout.take().context("the provider has no standard output")?;
    let mut line = String::new();
    let read = BufReader::new(stdout).read_line(&mut line);
    let took = started.elapsed();
    // No client follows, so nothing is lost by killing it.
    child.kill().context("ending the provider")?;
    child.wait().context("ending the provider")?;
    read.context("reading the provider's handshake line")?;
    if !line.starts_with("1|6|") {
        bail!("the provider's first line is no handshake of protocol 6: {line:?}");
    }
    Ok(took)
}

/// The size of a file in bytes.
pub fn size_bytes(file: &Path) -> Result<u64> {
    Ok(file.metadata().with_context(|| format!("reading the size of {}", file.display()))?.len())
}

/// Watches the memory of a CLI's providers until it is told to stop.
///
/// It samples each child process' high-water mark (`VmHWM`) a few hundred times a second. The mark only grows, so what can be
/// missed is growth in the last milliseconds of a process.
#[derive(Debug)]
pub struct MemoryWatch {
    stop: Arc<AtomicBool>,
    watcher: JoinHandle<u64>,
}

impl MemoryWatch {
    /// Begins to watch the children of this command.
    pub fn start(cli: &Running) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, parent) = (Arc::clone(&stop), cli.pid());
        let watcher = thread::spawn(move || {
            let mut peak = 0;
            while !theirs.load(Ordering::Relaxed) {
                peak = peak.max(peak_of_children_kib(parent));
                thread::sleep(Duration::from_millis(3));
            }
            peak
        });
        Self { stop, watcher }
    }

    /// The largest resident memory that any one of the provider processes had, in KiB.
    pub fn peak_kib(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        match self.watcher.join() {
            Ok(0) => bail!("no provider process was seen"),
            Ok(peak) => Ok(peak),
            Err(_) => bail!("the thread that watches memory panicked"),
        }
    }
}

/// The largest high-water mark among the present children of a process; 0 where there is none or no `/proc`.
fn peak_of_children_kib(parent: i32) -> u64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    processes
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("status")).ok())
        .filter(|status| field(status, "PPid:") == Some(parent.unsigned_abs().into()))
        .filter_map(|status| field(&status, "VmHWM:"))
        .max()
        .unwrap_or_default()
}

/// A number of `/proc/<pid>/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_process_status_are_read() {
        let status = "Name:\tx\nPPid:\t42\nVmHWM:\t   12345 kB\n";
        assert_eq!((field(status, "PPid:"), field(status, "VmHWM:")), (Some(42), Some(12345)));
        assert_eq!(field(status, "VmSwap:"), None);
    }

    #[test]
    fn a_program_that_does_not_shake_hands_is_an_error() {
        let error = handshakes(Path::new("/bin/true"), 1).unwrap_err();
        assert!(error.to_string().contains("no handshake"), "{error}");
    }
}
