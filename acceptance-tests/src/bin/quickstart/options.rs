//! The command line.

use anyhow::{Context as _, Result, bail};

pub(crate) const HELP: &str = "\
Builds a VIO cloud on a simulated vCenter, adds object storage on day 2, and takes everything down again.

Usage: cargo quickstart [--cli tofu|terraform] [--living] [--keep]

  --cli NAME   tofu (default: built here) or terraform (must be on PATH)
  --living     nodes that are real systems with OpenStack's own programs, in namespaces of this machine: needs root on
               Debian or Ubuntu, 8 GiB of memory, and some minutes; the guests' root file system is built once
  --keep       leave the cloud and its vCenter running, and print how to use them
  --help       this text";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Run(Options),
    Help,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) cli: String,
    pub(crate) keep: bool,
    pub(crate) living: bool,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request> {
        let mut options = Self { cli: String::from("tofu"), keep: false, living: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(Request::Help),
                "--keep" => options.keep = true,
                "--living" => options.living = true,
                "--cli" => options.cli = arguments.next().context("--cli needs a name: tofu or terraform")?,
                other => match other.strip_prefix("--cli=") {
                    Some(name) => options.cli = name.to_owned(),
                    None => bail!("unknown argument `{other}`"),
                },
            }
        }
        Ok(Request::Run(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn tofu_and_taking_down_are_the_default() {
        assert_eq!(
            parse("").unwrap(),
            Request::Run(Options { cli: "tofu".to_owned(), keep: false, living: false })
        );
    }

    #[test]
    fn both_spellings_of_an_option_with_a_value_are_read() {
        let wanted = Request::Run(Options { cli: "terraform".to_owned(), keep: true, living: true });
        assert_eq!(parse("--cli terraform --living --keep").unwrap(), wanted);
        assert_eq!(parse("--keep --living --cli=terraform").unwrap(), wanted);
    }

    #[test]
    fn what_is_unknown_is_refused_by_name() {
        assert!(parse("--kep").unwrap_err().to_string().contains("`--kep`"));
    }
}
