//! Says which tiers of tests ran. It is no test of the runner's, which would hide the words of one that passes.

#![expect(clippy::print_stdout, reason = "it is here to print")]

use std::process::ExitCode;

use acceptance_tests::{living, tiers};
use anyhow::Result;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return Ok(ExitCode::SUCCESS);
    }
    let summary = tiers::summary()?;
    print!("\nTiers of this run:\n{}\n", summary.text);
    // With the name of a test only some are wanted.
    let all = arguments.iter().all(|argument| argument.starts_with('-'));
    let failed = all && living::demanded() && !summary.complete;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
