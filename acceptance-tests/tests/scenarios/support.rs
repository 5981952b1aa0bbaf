//! What several scenarios need: the example cloud, one cloud's resources and nodes, and what its guests were told.

use std::time::{Duration, Instant};

use acceptance_tests::{
    Call, CallLog, Cli, Deployment, Installation, Running, Simulator, SimulatorOptions, WorkingDirectory,
    paths,
};
use anyhow::{Context as _, Result, ensure};
use rustix::process::Pid;
use serde_json::Value;

/// How long a step of a scenario may take until it is seen, on a machine that is busy with much else.
pub(crate) const SOON: Duration = Duration::from_secs(300);

/// What day 2 adds to `examples/complete`.
pub(crate) const DAY_2: &str = "-var=object_storage=true";

/// The resources of `examples/complete` by address, and the ids that import them.
pub(crate) const RESOURCES: [(&str, &str); 8] = [
    ("vio_management_cluster.this", "prod"),
    ("vio_component.load_balancer", "prod/load_balancer"),
    ("vio_component.database", "prod/database"),
    ("vio_component.message_queue", "prod/message_queue"),
    ("vio_component.memcache", "prod/memcache"),
    ("vio_controller_pool.this", "prod/controllers"),
    ("vio_component.dhcp", "prod/dhcp"),
    ("vio_compute_cluster.this", "prod/compute/dc1/compute-1"),
];

/// The nodes of `examples/complete`.
pub(crate) const NODES: [&str; 14] = [
    "prod-compute-driver-01",
    "prod-controller-01",
    "prod-controller-02",
    "prod-database-01",
    "prod-database-02",
    "prod-database-03",
    "prod-dhcp-01",
    "prod-dhcp-02",
    "prod-load-balancer-01",
    "prod-load-balancer-02",
    "prod-memcache-01",
    "prod-memcache-02",
    "prod-message-queue-01",
    "prod-message-queue-02",
];

/// A vCenter and the configuration of `examples/complete`, nothing applied yet.
pub(crate) fn example(cli: &Cli) -> Result<Deployment> {
    example_with(cli, SimulatorOptions::default())
}

/// The same with a vCenter of the scenario's own making.
pub(crate) fn example_with(cli: &Cli, options: SimulatorOptions) -> Result<Deployment> {
    let cloud = Deployment::with(cli, options)?;
    cloud.copy_example("complete")?;
    Ok(cloud)
}

/// Another working directory with the example, whose provider talks to the same vCenter.
pub(crate) fn another_directory(cli: &Cli, vcenter: &Simulator) -> Result<WorkingDirectory> {
    let directory = WorkingDirectory::new(cli, Installation::DevOverride)?;
    for (name, value) in vcenter.env() {
        directory.set_env(&name, &value);
    }
    directory.copy_example("complete")?;
    Ok(directory)
}

/// What the image of the example's deployment says of who changes it; null when nothing is said.
pub(crate) fn lease(vcenter: &Simulator) -> Result<Value> {
    let vm = vcenter.vm("prod-image")?;
    let text = vm["extra_config"]["vio.lease"].as_str();
    text.map_or(Ok(Value::Null), |text| serde_json::from_str(text).context("reading the lease"))
}

/// Looks again and again until it is as expected.
pub(crate) fn until(what: &str, expected: impl Fn() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !expected()? {
        ensure!(started.elapsed() < SOON, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A change of the example's `main.tf`: a text and what stands there instead.
pub(crate) type Edit<'a> = (&'a str, &'a str);

/// Memory that no profile gives a controller.
pub(crate) const RESIZED: Edit<'_> = (
    "  node_count            = var.controllers\n",
    "  node_count            = var.controllers\n  node_size             = { memory_mib = 12288 }\n",
);

/// Writes the example with these changes.
pub(crate) fn rewrite(cloud: &Deployment, edits: &[Edit<'_>]) -> Result<()> {
    rewrite_in(&cloud.directory, edits)
}

/// The same in a working directory of its own.
pub(crate) fn rewrite_in(directory: &WorkingDirectory, edits: &[Edit<'_>]) -> Result<()> {
    let file = paths::repository().join("examples/complete/main.tf");
    let mut text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    for (from, to) in edits {
        ensure!(text.contains(from), "the example has no {from:?}");
        text = text.replacen(from, to, 1);
    }
    directory.write("main.tf", &text)
}

/// A scenario that is vCenter's and the provider's behaviour runs on one CLI.
pub(crate) fn one_cli() -> Result<Cli> {
    Cli::available()?.into_iter().next().context("no CLI")
}

/// The document that a node's guest was given; fails unless the guest reports that very document applied.
pub(crate) fn applied_document(vcenter: &Simulator, node: &str) -> Result<Value> {
    let guest = vcenter.guest(node)?;
    let status = &guest["status"];
    let applied = status["phase"] == "ready" && status["revision"] == guest["revision"];
    ensure!(applied, "{node} has not applied its document {}: {status}", guest["revision"]);
    Ok(guest["document"].clone())
}

/// The text of one file of a document.
pub(crate) fn file<'a>(document: &'a Value, path: &str) -> Result<&'a str> {
    let mut files = document["files"].as_array().into_iter().flatten();
    let found = files.find(|file| file["path"] == path).and_then(|file| file["content"].as_str());
    found.with_context(|| format!("the document of {} has no {path}", document["node"]))
}

/// Fails unless every session was logged out of, and every request was one that a real vCenter would read.
pub(crate) fn expect_clean(log: &CallLog) -> Result<()> {
    let (logins, logouts) = (&log.raw["logins"], &log.raw["logouts"]);
    ensure!(logins == logouts, "{logins} logins, {logouts} logouts");
    ensure!(log.sessions_open == 0, "{} sessions are left open", log.sessions_open);
    ensure!(log.violations.is_empty(), "a real vCenter would not read {:?}", log.violations);
    Ok(())
}

/// What a run on a deployment that exists has changed, beside taking its lease first and giving it back at the end. Fails
/// unless it did both.
pub(crate) fn work(log: &CallLog) -> Result<&[Call]> {
    let is_lease = |call: &Call| call.method == "ReconfigVM_Task" && call.object == "prod-image";
    match log.mutations.as_slice() {
        [first, work @ .., last] if is_lease(first) && is_lease(last) => Ok(work),
        all => anyhow::bail!("the lease was not taken and given back: {all:#?}"),
    }
}

/// The managed object ids of all nodes, by name.
pub(crate) fn moids(cloud: &Deployment) -> Result<Vec<(String, String)>> {
    Ok(cloud.state()?.nodes().into_iter().map(|node| (node.name, node.moid)).collect())
}

/// The process id of the provider that a CLI has started.
pub(crate) fn provider_of(cli: &Running) -> Result<Pid> {
    let parent = format!("PPid:\t{}", cli.pid());
    for entry in std::fs::read_dir("/proc").context("listing /proc")?.flatten() {
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else { continue };
        // The kernel keeps 15 letters of a name.
        if status.starts_with("Name:\tterraform-provi\n") && status.lines().any(|line| line == parent) {
            let id = entry.file_name().to_string_lossy().parse().context("reading a process id")?;
            return Pid::from_raw(id).context("no process has the id 0");
        }
    }
    anyhow::bail!("the CLI {} has no provider", cli.pid())
}
