//! What clouds of several sizes cost, as a table: `cargo bench -p acceptance-tests --bench scale -- --nodes 14,100`.
//!
//! The optimised build on the first CLI, against the simulated vCenter with paper guests. What the columns mean stands
//! under the table.
#![expect(clippy::print_stdout, reason = "a bench whose output is a table")]

mod cloud;

use std::time::Duration;

use acceptance_tests::measure::MemoryWatch;
use acceptance_tests::{CallLog, Cli, Deployment, Output, SimulatorOptions};
use anyhow::{Context as _, Result, bail};

use cloud::Cloud;

const USAGE: &str = "--nodes 14,100 --latency-ms 0,20 --boot-ms 2000 --parallelism 10 --methods";

const LEGEND: &str = "\
calls     API calls of all kinds; waits are those that only wait: WaitForUpdatesEx and ModifyListView
bytes     of all API calls and their answers, without HTTP and TLS
peak      the provider's largest resident memory
state     what the CLI stores, for each node
critical  of a create: the longest chain of components, each with its clones (eight at a time), their power-on, their guests'
          boot and their guests' first configuration, every call at the latency; and how many times that the create took
rolled    the same, and after each other the nodes that serve already and learn of new ones: load balancers, and controllers that
          are drained for it";

/// What is measured, from the command line.
struct Options {
    nodes: Vec<u32>,
    latencies_ms: Vec<u64>,
    boot_ms: u64,
    parallelism: u32,
    methods: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            nodes: vec![14, 100],
            latencies_ms: vec![0, 20],
            boot_ms: 2000,
            parallelism: 10,
            methods: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("usage: {USAGE}"));
            match argument.as_str() {
                "--nodes" => options.nodes = numbers(&value()?)?,
                "--latency-ms" => options.latencies_ms = numbers(&value()?)?,
                "--boot-ms" => options.boot_ms = value()?.parse()?,
                "--parallelism" => options.parallelism = value()?.parse()?,
                "--methods" => options.methods = true,
                // Cargo says it to every bench.
                "--bench" => {}
                other => bail!("unknown argument {other:?}; usage: {USAGE}"),
            }
        }
        Ok(options)
    }
}

fn numbers<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    list: &str,
) -> Result<Vec<T>> {
    list.split(',').map(|number| Ok(number.trim().parse()?)).collect()
}

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let cli = Cli::available()?.into_iter().next().context("no CLI")?;
    println!("{}, guests boot in {} ms, parallelism {}\n", cli.name, options.boot_ms, options.parallelism);
    println!(
        "{:>5} {:>7} {:11} {:>9} {:>6} {:>6} {:>10} {:>8} {:>9} {:>16} {:>16}",
        "nodes",
        "latency",
        "operation",
        "seconds",
        "calls",
        "waits",
        "bytes",
        "peak",
        "state",
        "critical",
        "rolled"
    );
    for nodes in &options.nodes {
        for latency_ms in &options.latencies_ms {
            Run::new(&cli, &options, *nodes, *latency_ms)?.all()?;
        }
    }
    println!("\n{LEGEND}");
    Ok(())
}

/// The life of one cloud.
struct Run<'a> {
    options: &'a Options,
    cloud: Cloud,
    deployment: Deployment,
    latency_ms: u64,
}

/// What one command cost.
struct Cost {
    output: Output,
    log: CallLog,
    peak_kib: u64,
}

impl<'a> Run<'a> {
    fn new(cli: &Cli, options: &'a Options, nodes: u32, latency_ms: u64) -> Result<Self> {
        let cloud = Cloud::of(nodes)?;
        let clusters = cloud.compute_clusters.max(1).to_string();
        let (boot, latency) = (format!("{}ms", options.boot_ms), format!("{latency_ms}ms"));
        let simulator = SimulatorOptions::with(&[
            "--compute-clusters",
            &clusters,
            "--hosts",
            "1",
            "--hosts-in-mgmt",
            "16",
            "--guest-boot",
            &boot,
            "--latency",
            &latency,
        ]);
        let deployment = Deployment::with(cli, simulator)?;
        deployment.directory.limit(Duration::from_secs(3 * 3600));
        deployment.write("main.tf", &cloud.configuration()?)?;
        Ok(Self { options, cloud, deployment, latency_ms })
    }

    fn all(&self) -> Result<()> {
        let create = self.measured(&["apply", "-auto-approve"])?;
        let state = self.deployment.state()?.nodes().len();
        if state != self.cloud.nodes() as usize {
            bail!("{state} nodes were made, not {}", self.cloud.nodes());
        }
        let latency = Duration::from_millis(self.latency_ms);
        let boot = Duration::from_millis(self.options.boot_ms);
        let critical = self.cloud.critical_path(latency, boot, self.options.parallelism);
        let times = |path: Duration| {
            let ratio = create.output.wall.as_secs_f64() / path.as_secs_f64();
            format!("{:.1} s {ratio:.2}x", path.as_secs_f64())
        };
        let paths = format!("{:>16} {:>16}", times(critical), times(critical + self.cloud.rolls(latency)));
        self.row("create", &create, &paths)?;
        let empty = self.measured(&["plan", "-detailed-exitcode"])?;
        if empty.output.has_changes() {
            bail!("the plan should be empty\n{}", empty.output.said());
        }
        self.row("empty plan", &empty, "")?;
        self.row("refresh", &self.measured(&["apply", "-refresh-only", "-auto-approve"])?, "")?;
        self.row("destroy", &self.measured(&["destroy", "-auto-approve"])?, "")
    }

    fn measured(&self, arguments: &[&str]) -> Result<Cost> {
        let parallelism = format!("-parallelism={}", self.options.parallelism);
        let arguments = [arguments, &["-input=false", "-no-color", &parallelism]].concat();
        self.deployment.vcenter.reset_log()?;
        let running = self.deployment.directory.start(&arguments)?;
        let memory = MemoryWatch::start(&running);
        let output = running.wait()?.expect_success()?;
        Ok(Cost { output, log: self.deployment.vcenter.log()?, peak_kib: memory.peak_kib()? })
    }

    fn row(&self, operation: &str, cost: &Cost, critical: &str) -> Result<()> {
        let Cost { output, log, peak_kib } = cost;
        let bytes = |name: &str| log.raw[name].as_u64().unwrap_or_default();
        let waits = log.count("WaitForUpdatesEx") + log.count("ModifyListView");
        let state = self.deployment.directory.path().join("terraform.tfstate");
        let state = state.metadata().context("reading the size of the state")?.len();
        println!(
            "{:>5} {:>4} ms {:11} {:>9.2} {:>6} {:>6} {:>10} {:>4.1} MiB {:>7} B {}",
            self.cloud.nodes(),
            self.latency_ms,
            operation,
            output.wall.as_secs_f64(),
            log.calls,
            waits,
            bytes("bytes_in") + bytes("bytes_out"),
            *peak_kib as f64 / 1024.0,
            state / u64::from(self.cloud.nodes()),
            critical
        );
        if self.options.methods {
            println!(
                "      {:?}; {} connections, {} calls in flight at most",
                log.methods, log.raw["connections"], log.raw["max_in_flight"]
            );
        }
        Ok(())
    }
}
