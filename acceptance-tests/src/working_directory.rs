//! One configuration and the commands that are run on it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;

use crate::running::{self, OnLine};
use crate::{Cli, Installation, Output, Plan, Running, State, paths, tools};

/// Where `plan` leaves its plan for `apply_plan` and `show_plan`.
const PLAN_FILE: &str = "saved.tfplan";

/// A directory with a configuration, and the environment in which a CLI works on it: own home, own CLI configuration,
/// own temporary directory, and no variable of the caller's except `PATH`.
///
/// Everything that a run leaves behind is below [`WorkingDirectory::root`]; the directory goes away in the end unless
/// `VIO_TEST_KEEP` is set or the test panics.
#[derive(Debug)]
pub struct WorkingDirectory {
    cli: Cli,
    root: PathBuf,
    temp: Option<TempDir>,
    env: RefCell<BTreeMap<String, String>>,
    tracing: Cell<bool>,
    interrupts: RefCell<Option<Arc<AtomicBool>>>,
    commands: Cell<u32>,
    limit: Cell<Duration>,
}

impl WorkingDirectory {
    /// An empty working directory for this CLI, with the provider installed.
    pub fn new(cli: &Cli, installation: Installation) -> Result<Self> {
        Self::with_provider(cli, installation, &tools::provider_binary()?)
    }

    /// The same with this file as the provider.
    pub fn with_provider(cli: &Cli, installation: Installation, provider: &Path) -> Result<Self> {
        let temp =
            tempfile::Builder::new().prefix("vio-").tempdir().context("creating a temporary directory")?;
        let root = temp.path().canonicalize().context("resolving the temporary directory")?;
        for dir in ["work", "home", "tmp", "logs"] {
            std::fs::create_dir(root.join(dir))
                .with_context(|| format!("creating {dir} in {}", root.display()))?;
        }
        let config = installation.install(provider, &root)?;
        let env = environment(&root, &config);
        Ok(Self {
            cli: cli.clone(),
            root,
            temp: Some(temp),
            env: RefCell::new(env),
            tracing: Cell::new(false),
            interrupts: RefCell::new(None),
            commands: Cell::new(0),
            limit: Cell::new(running::LIMIT),
        })
    }

    /// The CLI that works here.
    pub fn cli(&self) -> &Cli {
        &self.cli
    }

    /// The directory of the configuration and the state.
    pub fn path(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The directory of everything: `work`, `home`, `tmp`, `plugins` and `logs`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Sets a variable for the commands from now on.
    pub fn set_env(&self, name: &str, value: &str) {
        self.env.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// Takes a variable away from the commands from now on.
    pub fn remove_env(&self, name: &str) {
        self.env.borrow_mut().remove(name);
    }

    /// The environment of the commands.
    pub fn env(&self) -> BTreeMap<String, String> {
        self.env.borrow().clone()
    }

    /// From now on each command writes a log of level TRACE to `logs/`.
    pub fn trace(&self) {
        self.tracing.set(true);
    }

    /// From now on a command may take this long before it is killed.
    pub fn limit(&self, limit: Duration) {
        self.limit.set(limit);
    }

    /// Interrupts the running command each time this becomes true: for programs that catch Ctrl-C themselves.
    pub fn forward_interrupts(&self, pressed: &Arc<AtomicBool>) {
        *self.interrupts.borrow_mut() = Some(Arc::clone(pressed));
    }

    /// Writes a file of the configuration.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.path().join(name);
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))
    }

    /// Removes a file of the configuration.
    pub fn remove(&self, name: &str) -> Result<()> {
        let file = self.path().join(name);
        std::fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))
    }

    /// Forgets the state, as someone does who starts anew with `import`.
    pub fn forget_state(&self) -> Result<()> {
        self.remove("terraform.tfstate")
    }

    /// Copies a configuration of the repository's `examples/` here.
    pub fn copy_example(&self, name: &str) -> Result<()> {
        paths::copy_tree(&paths::repository().join("examples").join(name), &self.path())
    }

    /// `init`; needed with [`Installation::Mirror`] only.
    pub fn init(&self) -> Result<Output> {
        self.run(&["init", "-input=false", "-no-color"])
    }

    /// `validate -json`: see [`Output::diagnostics`].
    pub fn validate(&self) -> Result<Output> {
        self.run(&["validate", "-json"])
    }

    /// `plan` into a file, with `-detailed-exitcode`: see [`Output::has_changes`].
    pub fn plan(&self, options: &[&str]) -> Result<Output> {
        let out = format!("-out={PLAN_FILE}");
        self.run(&[&["plan", "-input=false", "-no-color", "-detailed-exitcode", &out], options].concat())
    }

    /// The plan that the last [`WorkingDirectory::plan`] has left.
    pub fn show_plan(&self) -> Result<Plan> {
        Plan::from_json(&self.run(&["show", "-json", PLAN_FILE])?.expect_success()?.json()?)
    }

    /// `apply` of the plan that the last [`WorkingDirectory::plan`] has left.
    pub fn apply_plan(&self) -> Result<Output> {
        self.apply_plan_watched(|_| ())
    }

    /// The same, and each line is handed over as it appears.
    pub fn apply_plan_watched(&self, on_line: impl FnMut(&str) + Send + 'static) -> Result<Output> {
        self.run_watched(&["apply", "-input=false", "-no-color", PLAN_FILE], on_line)
    }

    /// `apply`, without a question.
    pub fn apply(&self, options: &[&str]) -> Result<Output> {
        self.run(&[&["apply", "-input=false", "-no-color", "-auto-approve"], options].concat())
    }

    /// `destroy`, without a question.
    pub fn destroy(&self, options: &[&str]) -> Result<Output> {
        self.destroy_watched(options, |_| ())
    }

    /// The same, and each line is handed over as it appears.
    pub fn destroy_watched(
        &self,
        options: &[&str],
        on_line: impl FnMut(&str) + Send + 'static,
    ) -> Result<Output> {
        self.run_watched(
            &[&["destroy", "-input=false", "-no-color", "-auto-approve"], options].concat(),
            on_line,
        )
    }

    /// `import` of one object.
    pub fn import(&self, address: &str, id: &str) -> Result<Output> {
        self.run(&["import", "-input=false", "-no-color", address, id])
    }

    /// The state as the CLI shows it.
    pub fn show_state(&self) -> Result<State> {
        Ok(State::from_json(self.run(&["show", "-json"])?.expect_success()?.json()?))
    }

    /// The state as it is stored, with what the CLI does not show.
    pub fn state_pull(&self) -> Result<Value> {
        self.run(&["state", "pull"])?.expect_success()?.json()
    }

    /// What the provider says about itself.
    pub fn providers_schema(&self) -> Result<Value> {
        self.run(&["providers", "schema", "-json"])?.expect_success()?.json()
    }

    /// Runs any command to its end; fails only if the command cannot be run.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.run_watched(arguments, |_| ())
    }

    /// Runs any command and hands over each line of its standard output as it appears.
    pub fn run_watched(
        &self,
        arguments: &[&str],
        on_line: impl FnMut(&str) + Send + 'static,
    ) -> Result<Output> {
        self.spawn(arguments, Box::new(on_line))?.wait()
    }

    /// Starts any command, to be watched or interrupted while it runs.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        self.spawn(arguments, Box::new(|_| ()))
    }

    fn spawn(&self, arguments: &[&str], on_line: OnLine) -> Result<Running> {
        let number = self.commands.get() + 1;
        self.commands.set(number);
        let log = |end: &str| {
            let verb = arguments.first().unwrap_or(&"none");
            self.root.join("logs").join(format!("{number:02}-{verb}.{end}"))
        };
        let mut command = Command::new(&self.cli.path);
        command.current_dir(self.path()).args(arguments).env_clear().envs(&*self.env.borrow());
        if self.tracing.get() {
            command.env("TF_LOG", "TRACE").env("TF_LOG_PATH", log("trace.log"));
        }
        let shown = format!("{} {}", self.cli.name, arguments.join(" "));
        let mut running = Running::start(&mut command, shown, on_line)?;
        running.forward(self.interrupts.borrow().clone());
        running.limit(self.limit.get());
        running.log_to(log("out"));
        Ok(running)
    }

    /// Leaves the directory on disk for good.
    pub fn keep(&mut self) {
        if let Some(temp) = self.temp.take() {
            let _ = temp.keep();
        }
    }
}

impl Drop for WorkingDirectory {
    fn drop(&mut self) {
        if self.temp.is_some() && (std::thread::panicking() || std::env::var_os("VIO_TEST_KEEP").is_some()) {
            eprintln!("kept {} with the logs of each command", self.root.display());
            self.keep();
        }
    }
}

/// The whole environment of a command.
fn environment(root: &Path, config: &Path) -> BTreeMap<String, String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    [
        ("PATH", path),
        ("HOME", text(&root.join("home"))),
        ("TMPDIR", text(&root.join("tmp"))),
        ("TF_CLI_CONFIG_FILE", text(config)),
        // No call to the vendor to ask for newer versions.
        ("CHECKPOINT_DISABLE", String::from("1")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_holds_nothing_of_the_users_but_path() {
        let names: Vec<String> = environment(Path::new("/r"), Path::new("/r/cli.tfrc")).into_keys().collect();
        assert_eq!(names, ["CHECKPOINT_DISABLE", "HOME", "PATH", "TF_CLI_CONFIG_FILE", "TMPDIR"]);
    }
}
