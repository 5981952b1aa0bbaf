//! `cargo quickstart`: a VIO cloud on a simulated vSphere, from nothing, in one command.
#![expect(clippy::print_stdout, reason = "a program whose purpose is to show something")]

mod interrupt;
mod life;
mod options;
mod screen;
mod tour;

use std::process::ExitCode;

use options::{Options, Request};

/// What a shell reports of a program that was interrupted: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Help) => {
            println!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error:#}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    let ended = interrupt::Interrupts::catch().and_then(|interrupts| tour::walk(&options, &interrupts));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            eprintln!("\ninterrupted: the simulated vCenter is stopped and nothing is left behind");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
