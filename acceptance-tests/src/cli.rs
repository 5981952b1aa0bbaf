//! The programs under which the provider runs.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail};

use crate::{paths, tools};

/// The environment variable that narrows the suite to some CLIs: `VIO_TEST_CLIS=tofu` or `tofu,terraform`.
const NARROWED_BY: &str = "VIO_TEST_CLIS";

/// A command line program that drives providers.
#[derive(Debug, Clone)]
pub struct Cli {
    /// `tofu` or `terraform`.
    pub name: &'static str,
    /// The program's file.
    pub path: PathBuf,
}

impl Cli {
    /// OpenTofu, built by the harness at a pinned version.
    pub fn tofu() -> Result<Self> {
        Ok(Self { name: "tofu", path: tools::tofu()? })
    }

    /// Terraform, where the user has put it on `PATH`: its licence does not let us build or ship it.
    pub fn terraform() -> Option<Self> {
        Some(Self { name: "terraform", path: paths::on_path("terraform")? })
    }

    /// The CLI of this name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "tofu" => Self::tofu(),
            "terraform" => Self::terraform().ok_or_else(|| anyhow!("no `terraform` on PATH")),
            other => bail!("no CLI is called `{other}`: choose tofu or terraform"),
        }
    }

    /// Every CLI that this machine can run: tofu always, terraform where it is installed; `VIO_TEST_CLIS` narrows it.
    pub fn available() -> Result<Vec<Self>> {
        match std::env::var(NARROWED_BY) {
            Ok(names) => names
                .split(',')
                .map(|name| {
                    Self::named(name.trim()).with_context(|| format!("reading {NARROWED_BY}={names}"))
                })
                .collect(),
            Err(_) => Ok([Self::tofu()?].into_iter().chain(Self::terraform()).collect()),
        }
    }

    /// The registry that this CLI means when a provider's source names none.
    pub fn registry_host(&self) -> &'static str {
        if self.name == "terraform" { "registry.terraform.io" } else { "registry.opentofu.org" }
    }
}

/// Runs a scenario on every available CLI at once and reports all failures, each under the CLI's name.
pub fn on_every_cli(scenario: impl Fn(&Cli) -> Result<()> + Sync) -> Result<()> {
    let clis = Cli::available()?;
    let failures: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = clis.iter().map(|cli| (cli, scope.spawn(|| scenario(cli)))).collect();
        runs.into_iter()
            .filter_map(|(cli, run)| match run.join() {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("on {}: {error:#}", cli.name)),
                Err(panic) => resume_unwind(panic),
            })
            .collect()
    });
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_cli_is_refused_by_name() {
        assert!(Cli::named("pulumi").unwrap_err().to_string().contains("`pulumi`"));
    }

    #[test]
    fn each_cli_has_its_own_registry() {
        let host = |name| Cli { name, path: PathBuf::new() }.registry_host();
        assert_eq!(host("tofu"), "registry.opentofu.org");
        assert_eq!(host("terraform"), "registry.terraform.io");
    }
}
