//! What the provider costs, as a table: `cargo bench -p acceptance-tests`. It runs the optimised build on the first CLI.
#![expect(clippy::print_stdout, reason = "a bench whose output is a table")]

use std::time::Duration;

use acceptance_tests::measure::{self, MemoryWatch};
use acceptance_tests::{CallLog, Cli, Deployment, Output, tools};
use anyhow::{Context as _, Result};

/// Starts of the provider: enough for a steady median.
const STARTS: usize = 50;

fn main() -> Result<()> {
    let cli = Cli::available()?.into_iter().next().context("no CLI")?;
    let provider = tools::provider_binary()?;
    row("size of the binary", &format!("{:.1} MiB", mib(measure::size_bytes(&provider)?)));
    start_up(&measure::handshakes(&provider, STARTS)?)?;
    examples_complete(&cli)
}

fn start_up(sorted: &[Duration]) -> Result<()> {
    let at = |share: usize| sorted.get((sorted.len() - 1) * share / 100).context("no start was measured");
    row("start to handshake, median", &ms(*at(50)?));
    row("start to handshake, p95", &ms(*at(95)?));
    Ok(())
}

/// Time, API calls and memory of each command over `examples/complete`.
fn examples_complete(cli: &Cli) -> Result<()> {
    let cloud = Deployment::new(cli)?;
    cloud.copy_example("complete")?;
    let arguments = ["-input=false", "-no-color"];
    for (what, verb) in [
        ("create", &["apply", "-auto-approve"][..]),
        ("empty plan", &["plan", "-detailed-exitcode"]),
        ("destroy", &["destroy", "-auto-approve"]),
    ] {
        let (output, log, peak_kib) = measured(&cloud, &[verb, &arguments[..]].concat())?;
        row(
            &format!("{what}, {}", cli.name),
            &format!("{}, {} API calls, {:.1} MiB at most", ms(output.wall), log.calls, mib(peak_kib * 1024)),
        );
    }
    Ok(())
}

fn measured(cloud: &Deployment, arguments: &[&str]) -> Result<(Output, CallLog, u64)> {
    cloud.vcenter.reset_log()?;
    let running = cloud.directory.start(arguments)?;
    let memory = MemoryWatch::start(&running);
    let output = running.wait()?.expect_success()?;
    Ok((output, cloud.vcenter.log()?, memory.peak_kib()?))
}

fn row(name: &str, value: &str) {
    println!("{name:30} {value}");
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Sizes are far below the 2^53 where a float would lose bytes.
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
