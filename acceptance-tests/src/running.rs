//! A command while it runs: watched, interrupted, limited in time.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::output::Output;

/// No command of a scenario takes longer than this unless it says so: a hanging one is killed and reported with what it
/// had said.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);

/// How soon a signal to this program reaches the command.
const LOOK_FOR_INTERRUPTS_EVERY: Duration = Duration::from_millis(100);

/// Receives each line of a command's standard output as it appears.
pub(crate) type OnLine = Box<dyn FnMut(&str) + Send>;

/// A command that has been started. Dropping it kills it together with everything in its process group.
#[derive(Debug)]
pub struct Running {
    command: String,
    group: Pid,
    started: Instant,
    ended: Receiver<std::io::Result<ExitStatus>>,
    waiter: JoinHandle<()>,
    stdout: Stream,
    stderr: Stream,
    status: Option<ExitStatus>,
    interrupts: Option<Arc<AtomicBool>>,
    log: Option<PathBuf>,
    limit: Duration,
}

impl Running {
    /// Starts a command in a process group of its own, so that an interrupt reaches the CLI and the provider together, as
    /// Ctrl-C does, and not the tests.
    pub(crate) fn start(command: &mut Command, shown: String, on_line: OnLine) -> Result<Self> {
        let started = Instant::now();
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting `{shown}`"))?;
        let group = Pid::from_child(&child);
        let stdout = Stream::follow(child.stdout.take().context("no standard output")?, on_line);
        let stderr = Stream::follow(child.stderr.take().context("no standard error")?, Box::new(|_| ()));
        let (sender, ended) = mpsc::channel();
        let waiter = thread::spawn(move || {
            // Nobody may be waiting for it any more.
            let _ = sender.send(child.wait());
        });
        Ok(Self {
            command: shown,
            group,
            started,
            ended,
            waiter,
            stdout,
            stderr,
            status: None,
            interrupts: None,
            log: None,
            limit: LIMIT,
        })
    }

    /// While it is waited for, the command is interrupted each time this becomes true.
    pub(crate) fn forward(&mut self, interrupts: Option<Arc<AtomicBool>>) {
        self.interrupts = interrupts;
    }

    /// It is killed when it takes longer than this.
    pub(crate) fn limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// What it says is written to this file when it has ended.
    pub(crate) fn log_to(&mut self, file: PathBuf) {
        self.log = Some(file);
    }

    /// The process id of the CLI.
    pub fn pid(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// What Ctrl-C does: SIGINT to the CLI and to its providers.
    pub fn interrupt(&self) -> Result<()> {
        kill_process_group(self.group, Signal::INT)
            .with_context(|| format!("interrupting `{}`", self.command))
    }

    /// SIGKILL to the CLI and to its providers: the machine lost power.
    pub fn kill(&self) -> Result<()> {
        kill_process_group(self.group, Signal::KILL).with_context(|| format!("killing `{}`", self.command))
    }

    /// SIGKILL to the CLI alone: its providers lose it.
    pub fn kill_cli(&self) -> Result<()> {
        kill_process(self.group, Signal::KILL)
            .with_context(|| format!("killing the CLI of `{}`", self.command))
    }

    /// Whether it has ended; [`Running::wait`] says how.
    pub fn has_ended(&self) -> bool {
        self.waiter.is_finished()
    }

    /// Waits until the standard output holds this text.
    pub fn wait_for(&self, text: &str, limit: Duration) -> Result<()> {
        if self.stdout.wait_for(text, limit) {
            return Ok(());
        }
        bail!(
            "`{}` did not say {text:?} within {} s; it said:\n{}",
            self.command,
            limit.as_secs(),
            self.stdout.text()
        )
    }

    /// Waits for the end and returns what was said.
    pub fn wait(mut self) -> Result<Output> {
        let status = self.ended()?;
        self.status = Some(status);
        let wall = self.started.elapsed();
        self.stdout.finish()?;
        self.stderr.finish()?;
        let (stdout, stderr) = (self.stdout.text().clone(), self.stderr.text().clone());
        let output = Output { command: self.command.clone(), status, stdout, stderr, wall };
        if let Some(file) = &self.log {
            std::fs::write(file, format!("$ {}\n{}", output.command, output.said()))
                .with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(output)
    }

    fn ended(&self) -> Result<ExitStatus> {
        while self.started.elapsed() < self.limit {
            match self.ended.recv_timeout(LOOK_FOR_INTERRUPTS_EVERY) {
                Ok(status) => return status.with_context(|| format!("waiting for `{}`", self.command)),
                Err(RecvTimeoutError::Disconnected) => bail!("lost sight of `{}`", self.command),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.interrupts.as_ref().is_some_and(|pressed| pressed.swap(false, Ordering::Relaxed)) {
                self.interrupt()?;
            }
        }
        self.kill()?;
        bail!(
            "`{}` was still running after {} s and has been killed; the last that it had said:\n{}{}",
            self.command,
            self.limit.as_secs(),
            last_lines(&self.stdout.text()),
            last_lines(&self.stderr.text())
        )
    }
}

/// The end of what a hanging command said: how far it came.
fn last_lines(text: &str) -> String {
    const MOST: usize = 40;
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(MOST)..].iter().map(|line| format!("{line}\n")).collect()
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() {
            // It may have ended by itself in the meantime: nothing to do then.
            let _ = self.kill();
        }
    }
}

/// One output stream of a child, read by a thread into memory.
#[derive(Debug)]
struct Stream {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<std::io::Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    text: Mutex<String>,
    grew: Condvar,
}

impl Stream {
    fn follow(stream: impl Read + Send + 'static, mut on_line: OnLine) -> Self {
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let reader = thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line)? > 0 {
                let text = String::from_utf8_lossy(&line);
                on_line(text.trim_end_matches('\n'));
                lock(&ours.text).push_str(&text);
                ours.grew.notify_all();
                line.clear();
            }
            Ok(())
        });
        Self { shared, reader: Some(reader) }
    }

    fn text(&self) -> MutexGuard<'_, String> {
        lock(&self.shared.text)
    }

    fn wait_for(&self, text: &str, limit: Duration) -> bool {
        let missing = |said: &mut String| !said.contains(text);
        match self.shared.grew.wait_timeout_while(self.text(), limit, missing) {
            Ok((_, waited)) => !waited.timed_out(),
            Err(_) => false,
        }
    }

    fn finish(&mut self) -> Result<()> {
        match self.reader.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(anyhow!(error).context("reading a command's output")),
            Some(Err(_)) => bail!("the thread that reads a command's output panicked"),
        }
    }
}

/// The text stays whole whatever another thread did while it held the lock.
fn lock(text: &Mutex<String>) -> MutexGuard<'_, String> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Running {
        Running::start(Command::new("sh").args(["-c", script]), script.to_owned(), Box::new(|_| ())).unwrap()
    }

    #[test]
    fn output_holds_both_streams_and_the_status() {
        let output = shell("echo out; echo err >&2; exit 3").wait().unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn an_interrupt_reaches_the_whole_group() {
        let running = shell("trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.05; done");
        running.wait_for("ready", Duration::from_secs(10)).unwrap();
        running.interrupt().unwrap();
        let output = running.wait().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_str()), (Some(7), "ready\ncaught\n"));
    }

    #[test]
    fn waiting_for_what_is_not_said_tells_what_was() {
        let running = shell("echo something else; sleep 5");
        let error = running.wait_for("hello", Duration::from_millis(300)).unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
    }
}
