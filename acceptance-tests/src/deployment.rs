//! A scenario's world: a simulated vCenter, and a working directory whose provider talks to it.

use anyhow::{Result, bail};

use crate::{
    CallLog, Cli, Diagnostic, Installation, Output, Plan, Simulator, SimulatorOptions, State,
    WorkingDirectory, secrets,
};

/// As many nodes of each kind of `examples/complete` as the release allows, and the line of the example that makes the kind.
pub const MOST_NODES: [(&str, u32); 6] = [
    ("kind                  = \"load_balancer\"", 4),
    ("kind                  = \"database\"", 7),
    ("kind                  = \"message_queue\"", 7),
    ("kind                  = \"memcache\"", 8),
    ("memcache_id           = vio_component.memcache.id\n", 10),
    ("kind                  = \"dhcp\"", 8),
];

/// A simulated vCenter and a working directory that points at it.
///
/// The methods here are the steps of a transcript: they fail, with all that was said, when a step does not go as
/// expected. For anything else use [`Deployment::directory`] and [`Deployment::vcenter`].
#[derive(Debug)]
pub struct Deployment {
    /// The working directory. Declared first: its commands end before the vCenter does.
    pub directory: WorkingDirectory,
    /// The vCenter.
    pub vcenter: Simulator,
}

impl Deployment {
    /// An empty working directory and a vCenter with the usual inventory.
    pub fn new(cli: &Cli) -> Result<Self> {
        Self::with(cli, SimulatorOptions::default())
    }

    /// The same with a vCenter of the scenario's own making.
    pub fn with(cli: &Cli, options: SimulatorOptions) -> Result<Self> {
        Self::installed(cli, Installation::DevOverride, options)
    }

    /// The same with the provider installed in this way.
    pub fn installed(cli: &Cli, installation: Installation, mut options: SimulatorOptions) -> Result<Self> {
        let directory = WorkingDirectory::new(cli, installation)?;
        options.log_file.get_or_insert_with(|| directory.root().join("logs/vcenter.log"));
        let vcenter = Simulator::start(&options)?;
        for (name, value) in vcenter.env() {
            directory.set_env(&name, &value);
        }
        Ok(Self { directory, vcenter })
    }

    /// Writes a file of the configuration.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        self.directory.write(name, text)
    }

    /// Copies a configuration of the repository's `examples/`.
    pub fn copy_example(&self, name: &str) -> Result<()> {
        self.directory.copy_example(name)
    }

    /// `apply`, which must succeed.
    pub fn apply(&self) -> Result<Output> {
        self.apply_with(&[])
    }

    /// `apply` with options such as `-var`, which must succeed.
    pub fn apply_with(&self, options: &[&str]) -> Result<Output> {
        self.directory.apply(options)?.expect_success()
    }

    /// `apply`, and then a plan that must be empty: what every apply promises.
    pub fn apply_converges(&self, options: &[&str]) -> Result<Output> {
        let output = self.apply_with(options)?;
        self.plan_is_empty_with(options)?;
        Ok(output)
    }

    /// `apply`, which must fail.
    pub fn apply_fails(&self, options: &[&str]) -> Result<Output> {
        self.directory.apply(options)?.expect_failure()
    }

    /// `destroy`, which must succeed.
    pub fn destroy(&self) -> Result<Output> {
        self.directory.destroy(&[])?.expect_success()
    }

    /// `plan`, which must succeed.
    pub fn plan(&self) -> Result<Plan> {
        self.plan_with(&[])
    }

    /// `plan` with options such as `-var`, which must succeed.
    pub fn plan_with(&self, options: &[&str]) -> Result<Plan> {
        self.directory.plan(options)?.expect_success()?;
        self.directory.show_plan()
    }

    /// `plan`, which must find nothing to do.
    pub fn plan_is_empty(&self) -> Result<()> {
        self.plan_is_empty_with(&[])
    }

    /// `plan` with options such as `-var`, which must find nothing to do.
    pub fn plan_is_empty_with(&self, options: &[&str]) -> Result<()> {
        let output = self.directory.plan(options)?.expect_success()?;
        if output.has_changes() {
            bail!("the plan should be empty\n{}", output.said());
        }
        Ok(())
    }

    /// `plan`, which must fail; what it says, with the lines of the configuration that it points at.
    pub fn plan_fails(&self) -> Result<Vec<Diagnostic>> {
        Ok(self.directory.run(&["plan", "-input=false", "-json"])?.expect_failure()?.diagnostics())
    }

    /// `validate`, which must fail; what it says, with the lines of the configuration that it points at.
    pub fn validate_fails(&self) -> Result<Vec<Diagnostic>> {
        Ok(self.directory.validate()?.expect_failure()?.diagnostics())
    }

    /// `import` of one object, which must succeed.
    pub fn import(&self, address: &str, id: &str) -> Result<Output> {
        self.directory.import(address, id)?.expect_success()
    }

    /// The state.
    pub fn state(&self) -> Result<State> {
        self.directory.show_state()
    }

    /// Fails if one of these is anywhere in what the commands have left behind: plans, state, logs, output. Turn
    /// [`WorkingDirectory::trace`] on first.
    pub fn expect_no_secret(&self, secrets: &[&str]) -> Result<()> {
        secrets::expect_absent(self.directory.root(), secrets)
    }

    /// The API calls that one empty plan makes.
    pub fn calls_of_an_empty_plan(&self) -> Result<CallLog> {
        self.vcenter.log_of(|| self.plan_is_empty())
    }
}
