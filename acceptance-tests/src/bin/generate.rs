//! Writes the generated files of the repository, or checks that they are up to date: `generate [--check]`.
#![expect(clippy::print_stdout, reason = "a program whose output is for its user")]

use std::process::ExitCode;

use acceptance_tests::generated::{self, Stale};
use acceptance_tests::{Cli, paths};
use anyhow::{Result, bail};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--check"] => true,
        other => bail!("unknown arguments {other:?}; usage: generate [--check]"),
    };
    let wanted = generated::all(&Cli::tofu()?)?;
    let stale = generated::compare(&paths::repository(), &wanted)?;
    for file in &stale {
        match file {
            Stale::Missing(name) => println!("{}: missing", name.display()),
            Stale::Leftover(name) => println!("{}: nothing generates it", name.display()),
            Stale::Different(name, line) => println!("{}:{line}: differs", name.display()),
        }
    }
    if stale.is_empty() {
        println!("{} generated files are up to date", wanted.len());
        return Ok(ExitCode::SUCCESS);
    }
    if check {
        eprintln!("error: generated files are stale; run `cargo run -p acceptance-tests --bin generate`");
        return Ok(ExitCode::FAILURE);
    }
    generated::write(&paths::repository(), &wanted)?;
    println!("written");
    Ok(ExitCode::SUCCESS)
}
