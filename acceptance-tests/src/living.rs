//! Guests that live: systems with systemd and the real daemons, in namespaces, behind the simulated vCenter.
//!
//! They need root, namespaces, overlays and a root file system that is built once per machine; `guests/living` knows
//! all of that. Whoever wants them asks [`root`] first and says aloud what it answers.

mod cloud;
mod probe;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ended, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{Cli, Deployment, Installation, Simulator, SimulatorOptions, WorkingDirectory, paths};

pub use cloud::{Answer, Cloud, Token};
pub use probe::{Outage, Probe};

/// Where this is `1`, a machine that cannot run living guests is a failure, not a reason to leave them out.
pub const DEMANDED_BY: &str = "VIO_REQUIRE_LIVING";

/// vCenter as the guests and the client reach it.
const VCENTER: &str = "198.18.10.2";

/// Whether living guests can run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Living {
    /// They can, from this root file system.
    Root(PathBuf),
    /// They cannot, and why.
    NotHere(String),
}

/// Whether a machine that cannot run living guests is a failure.
pub fn demanded() -> bool {
    std::env::var_os(DEMANDED_BY).is_some_and(|value| value == "1")
}

/// The guests' root file system, which is built first if it is missing (some minutes, with progress on standard error);
/// or why this machine cannot run living guests. That is an error where `VIO_REQUIRE_LIVING=1`.
pub fn root() -> Result<Living> {
    let script = paths::repository().join("acceptance-tests/guests/living");
    let check = Command::new(&script).arg("check").stdin(Stdio::null()).output();
    let check = check.with_context(|| format!("starting {}", script.display()))?;
    if !check.status.success() {
        let reason = String::from_utf8_lossy(&check.stderr).trim().to_owned();
        if demanded() {
            bail!("{DEMANDED_BY}=1, but {reason}");
        }
        return Ok(Living::NotHere(reason));
    }
    let built = Command::new(&script).arg("root").stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let built = built.with_context(|| format!("starting {}", script.display()))?;
    if !built.status.success() {
        bail!("{} root failed ({}); its messages are above", script.display(), built.status);
    }
    Ok(Living::Root(PathBuf::from(String::from_utf8_lossy(&built.stdout).trim())))
}

/// How long a command may take that waits for living guests: the controllers alone migrate seven databases, and the
/// machine may have two cores. A whole cloud takes five minutes on two idle ones.
const LIMIT: Duration = Duration::from_secs(1500);

/// The arguments of the simulator for guests that boot from this root.
pub fn simulator_options(root: &Path) -> SimulatorOptions {
    SimulatorOptions::with(&["--guests", "living", "--guest-root", &root.to_string_lossy()])
}

/// A vCenter with living guests, and a working directory whose commands run in the client's network: provider and nodes
/// reach vCenter by the same address.
pub fn deployment(cli: &Cli, installation: Installation, options: &SimulatorOptions) -> Result<Deployment> {
    let vcenter = Simulator::start(options)?;
    let world = World::of(&vcenter)?;
    let entering = Cli { name: cli.name, path: world.enter_network_with(&cli.path)? };
    let directory = WorkingDirectory::new(&entering, installation)?;
    for (name, value) in vcenter.env() {
        directory.set_env(&name, &value);
    }
    directory.set_env("VSPHERE_SERVER", VCENTER);
    directory.limit(LIMIT);
    Ok(Deployment { directory, vcenter })
}

/// The guests of a vCenter and the namespaces that they are in.
#[derive(Debug, Clone)]
pub struct World {
    /// The process in whose mount and process namespaces everything is.
    pub pid: u32,
    /// A file that stands for the client's network namespace.
    pub client_network: String,
    /// The client's root file system, which has OpenStack's command line, as seen in those namespaces.
    pub client_root: String,
    /// Holds the guests' disks and consoles.
    pub directory: PathBuf,
    /// The machines that have or had a guest, by ascending name.
    pub guests: Vec<Guest>,
}

/// The guest of one VM.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The VM's name.
    pub name: String,
    /// The first process, in the namespace of [`World::pid`]; `None` when the guest is off.
    pub pid: Option<u32>,
    /// What happened since power-on and when, in milliseconds: `init`, `tools`, `address`, then the agent's phases.
    pub events: Vec<(String, u64)>,
    /// The proportional share of memory of all of its processes, where it was asked for.
    pub memory_mib: u64,
    /// Why it did not boot.
    pub error: Option<String>,
}

impl World {
    /// The world of a vCenter as it is now.
    pub fn of(vcenter: &Simulator) -> Result<Self> {
        Self::from_json(&vcenter.living_guests(false)?)
    }

    /// The same with each guest's memory, which takes a moment.
    pub fn measured(vcenter: &Simulator) -> Result<Self> {
        Self::from_json(&vcenter.living_guests(true)?)
    }

    fn from_json(value: &Value) -> Result<Self> {
        let text = |name: &str| {
            let text = value[name].as_str().with_context(|| format!("the guests' world has no `{name}`"))?;
            Ok::<_, anyhow::Error>(text.to_owned())
        };
        Ok(Self {
            pid: process(&value["pid"]).context("the guests' world has no process")?,
            client_network: text("client_network")?,
            client_root: text("client_root")?,
            directory: text("directory")?.into(),
            guests: value["guests"].as_array().into_iter().flatten().map(Guest::from_json).collect(),
        })
    }

    /// The guest of a VM.
    pub fn guest(&self, vm: &str) -> Result<&Guest> {
        let found = self.guests.iter().find(|guest| guest.name == vm);
        found.with_context(|| format!("`{vm}` has no living guest"))
    }

    /// A command of this machine that runs in the client's network.
    pub fn in_client_network(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.client_network)).arg("--").arg(program);
        command
    }

    /// A command of the client: `openstack`, `curl` and all else that the guests have, in the client's network.
    pub fn client(&self, program: &str) -> Command {
        let mut command = self.nsenter();
        command.arg(format!("--net={}", self.client_network)).args(["chroot", &self.client_root, program]);
        command
    }

    /// A command inside of the guest of a VM.
    pub fn inside(&self, vm: &str, program: &str) -> Result<Command> {
        let pid = self.guest(vm)?.pid.with_context(|| format!("the guest of `{vm}` is off"))?;
        let mut command = self.nsenter();
        command.args(["--pid", "nsenter", "--target", &pid.to_string(), "--all", program]);
        Ok(command)
    }

    fn nsenter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount"]);
        command
    }

    /// Writes a file of the client.
    pub fn write_for_client(&self, path: &str, text: &str) -> Result<()> {
        let file = PathBuf::from(format!("/proc/{}/root{}{path}", self.pid, self.client_root));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        std::fs::write(&file, text).with_context(|| format!("writing the client's {path}"))
    }

    /// A table of when each guest got how far after its power-on, in seconds.
    pub fn timeline(&self) -> String {
        let mut table = String::new();
        for guest in &self.guests {
            let _ = write!(table, "{:28}", guest.name);
            for (event, after_ms) in &guest.events {
                let _ = write!(table, "  {event} {}.{}", after_ms / 1000, after_ms % 1000 / 100);
            }
            if guest.memory_mib > 0 {
                let _ = write!(table, "  {} MiB", guest.memory_mib);
            }
            table.push_str(guest.error.as_deref().unwrap_or_default());
            table.push('\n');
        }
        table
    }

    /// A program in the cloud's own directory that is another one in the client's network.
    fn enter_network_with(&self, program: &Path) -> Result<PathBuf> {
        let name = program.file_name().context("the program has no name")?;
        let wrapper = self.directory.join(name);
        let script = format!(
            "#!/bin/sh\nexec nsenter --net={} -- {} \"$@\"\n",
            self.client_network,
            program.display()
        );
        std::fs::write(&wrapper, script).with_context(|| format!("writing {}", wrapper.display()))?;
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&wrapper, executable)
            .with_context(|| format!("making {} executable", wrapper.display()))?;
        Ok(wrapper)
    }
}

impl Guest {
    fn from_json(value: &Value) -> Self {
        let events = value["events"].as_array().into_iter().flatten();
        Self {
            name: value["name"].as_str().unwrap_or_default().to_owned(),
            pid: process(&value["pid"]).filter(|&pid| pid != 0),
            events: events
                .map(|event| {
                    let name = event["name"].as_str().unwrap_or_default().to_owned();
                    (name, event["after_ms"].as_u64().unwrap_or_default())
                })
                .collect(),
            memory_mib: value["memory_mib"].as_u64().unwrap_or_default(),
            error: value["error"].as_str().map(str::to_owned),
        }
    }
}

fn process(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|pid| u32::try_from(pid).ok())
}

/// Runs a command to its end and returns its standard output; fails with all that it said.
pub fn run(command: &mut Command) -> Result<String> {
    let shown = format!("{command:?}");
    let Ended { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().with_context(|| format!("starting {shown}"))?;
    if !status.success() {
        bail!(
            "{shown} failed ({status})\n{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// Runs a program of the client in the client's network: `client_exec(&vcenter, "openstack", &["token", "issue"])`.
pub fn client_exec(vcenter: &Simulator, program: &str, arguments: &[&str]) -> Result<String> {
    run(World::of(vcenter)?.client(program).args(arguments))
}

/// Runs a program inside of the guest of a VM.
pub fn guest_exec(vcenter: &Simulator, vm: &str, program: &str, arguments: &[&str]) -> Result<String> {
    run(World::of(vcenter)?.inside(vm, program)?.args(arguments))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn world() -> World {
        World::from_json(&json!({"pid": 7, "client_network": "/n", "client_root": "/c/root", "directory": "/c", "guests": [
            {"name": "a-db-01", "pid": 40, "events": [{"name": "init", "after_ms": 651}], "memory_mib": 293},
            {"name": "a-db-02", "pid": 0, "events": []},
        ]}))
        .unwrap()
    }

    fn words(command: &Command) -> String {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn commands_enter_the_namespaces_that_they_belong_to() {
        assert_eq!(words(&world().in_client_network("tofu")), "--net=/n -- tofu");
        assert_eq!(words(&world().client("curl")), "--target 7 --mount --net=/n chroot /c/root curl");
        let inside = world().inside("a-db-01", "id").unwrap();
        assert_eq!(words(&inside), "--target 7 --mount --pid nsenter --target 40 --all id");
    }

    #[test]
    fn a_guest_that_is_off_or_not_there_is_told_by_name() {
        for vm in ["a-db-02", "b"] {
            assert!(world().inside(vm, "id").unwrap_err().to_string().contains(vm));
        }
    }

    #[test]
    fn timeline_has_a_line_for_each_guest() {
        let table = world().timeline();
        assert_eq!(table.lines().count(), 2);
        assert!(
            table.starts_with("a-db-01 ") && table.contains("init 0.6") && table.contains("293 MiB"),
            "{table}"
        );
    }
}
