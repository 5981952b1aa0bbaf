//! One vCenter with a deployment for each cell, so that one run of the CLI shows all cells of an operation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acceptance_tests::{CallLog, Deployment, Diagnostic, Inventory, Output};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::cells::{API_TIMEOUT, Cell, LONG, Operation, Outcome, SHORT, SHORT_DELETE};

/// A command that takes longer hangs: operations that may hang end within a minute, and all others in two minutes on
/// a machine that does nothing else.
const LIMIT: Duration = Duration::from_secs(900);
/// Many at once while things go wrong, since some wait for their end; few while all is mended.
const WIDE: &str = "-parallelism=32";
const NARROW: &str = "-parallelism=8";

/// The cells of all operations; the n-th of each share a deployment.
pub(crate) struct Matrix {
    cloud: Deployment,
    before: Inventory,
    cells: BTreeMap<Operation, Vec<Cell>>,
}

/// The variables of one run.
#[derive(Clone, Copy)]
struct Wanted {
    connections: u32,
    memory_mib: u32,
    components: bool,
}

impl Operation {
    fn wanted(self) -> Wanted {
        let first = Wanted { connections: 4096, memory_mib: 1024, components: true };
        let updated = Wanted { connections: 5000, ..first };
        match self {
            Self::CreateDeployment => Wanted { components: false, ..first },
            Self::CreateComponent => first,
            Self::Update => updated,
            Self::Resize => Wanted { memory_mib: 2048, ..updated },
            Self::DeleteComponent | Self::DeleteDeployment => Wanted { components: false, ..updated },
        }
    }
}

impl Matrix {
    /// The matrix over this cloud, in which nothing is yet.
    pub(crate) fn new(cloud: Deployment) -> Result<Self> {
        cloud.write("main.tf", include_str!("cells.tf"))?;
        cloud.directory.limit(LIMIT);
        let cells = Operation::ALL.map(|operation| {
            let cells = crate::cells::of(operation).into_iter().enumerate();
            (operation, cells.map(|(number, cell)| cell.at(&name(number))).collect())
        });
        Ok(Self { before: cloud.vcenter.inventory()?, cells: cells.into(), cloud })
    }

    fn cells(&self, operation: Operation) -> &[Cell] {
        self.cells.get(&operation).map(Vec::as_slice).unwrap_or_default()
    }

    /// How many deployments there are.
    fn count(&self) -> usize {
        self.cells.values().map(Vec::len).max().unwrap_or_default()
    }

    /// All cells of an operation: one run in which all of them go wrong, one that mends all, and the empty plan. Returns
    /// how many there are.
    pub(crate) fn show(&self, operation: Operation) -> Result<usize> {
        self.write_variables(operation, true)?;
        self.let_go_wrong(operation)?;
        // The plan before was empty: the state is as vCenter is.
        let failed = self.run(operation, &[WIDE, "-refresh=false"])?;
        let log = self.cloud.vcenter.log()?;
        self.mend()?;
        self.write_variables(operation, false)?;
        let mended = self.run(operation, &[NARROW])?.expect_success()?;
        if operation == Operation::DeleteDeployment {
            self.cloud.vcenter.inventory()?.expect_same_as(&self.before)?;
        } else {
            self.cloud.plan_is_empty()?;
            self.nothing_is_doubled(operation.wanted().components)?;
        }
        let wrong = self.judge(operation, &failed, &log, &touched(&mended))?;
        ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        Ok(self.cells(operation).len())
    }

    fn run(&self, operation: Operation, options: &[&str]) -> Result<Output> {
        let verb = if operation == Operation::DeleteDeployment { "destroy" } else { "apply" };
        self.cloud.directory.run(&[&[verb, "-json", "-input=false", "-auto-approve"], options].concat())
    }

    /// While things go wrong, what may hang has a short time.
    fn write_variables(&self, operation: Operation, short: bool) -> Result<()> {
        let cell = |number: usize| {
            let time = |operation, short| {
                let hangs = self.cells(operation).get(number).is_some_and(|cell| cell.hangs);
                if hangs { short } else { LONG }
            };
            let value = json!({
                "nodes": self.nodes(number),
                "deployment": {
                    "create": time(Operation::CreateDeployment, SHORT),
                    "delete": time(Operation::DeleteDeployment, SHORT_DELETE),
                },
                "component": {
                    "change": if short { time(operation, SHORT) } else { LONG },
                    "delete": time(Operation::DeleteComponent, SHORT_DELETE),
                },
            });
            (name(number), value)
        };
        let cells: Map<String, Value> = (0..self.count()).map(cell).collect();
        let Wanted { connections, memory_mib, components } = operation.wanted();
        let variables = json!({"cells": cells, "connections": connections, "memory_mib": memory_mib,
            "components": components, "api_timeout": API_TIMEOUT});
        self.cloud.write("cells.auto.tfvars.json", &variables.to_string())
    }

    fn let_go_wrong(&self, operation: Operation) -> Result<()> {
        let rules = |rule: fn(&Cell) -> Option<&Value>| -> Value {
            self.cells(operation).iter().filter_map(rule).cloned().collect()
        };
        self.cloud.vcenter.reset_log()?;
        self.cloud.vcenter.set_faults(&rules(|cell| cell.fault.as_ref()))?;
        self.cloud.vcenter.set_guests(&rules(|cell| cell.guest.as_ref()))
    }

    fn mend(&self) -> Result<()> {
        self.cloud.vcenter.clear_faults()?;
        self.cloud.vcenter.set_guests(&json!([]))
    }

    /// What is wrong with each cell's outcome.
    fn judge(
        &self,
        operation: Operation,
        run: &Output,
        log: &CallLog,
        touched: &BTreeSet<String>,
    ) -> Result<Vec<String>> {
        let mut errors: BTreeMap<String, Diagnostic> = BTreeMap::new();
        for message in run.diagnostics().into_iter().filter(|message| message.severity == "error") {
            // Of a removal the CLI does not say which resource it was.
            let deployment =
                message.address.as_deref().and_then(deployment).or_else(|| named(&message.summary));
            let deployment = deployment.with_context(|| format!("an error of no cell: {message:?}"))?;
            ensure!(
                errors.insert(deployment.clone(), message).is_none(),
                "two errors of {deployment}: {}",
                run.said()
            );
        }
        let mut wrong = Vec::new();
        for (number, cell) in self.cells(operation).iter().enumerate() {
            let deployment = name(number);
            let result = outcome(cell, errors.remove(&deployment).as_ref(), touched.contains(&deployment))
                .and_then(|()| went_wrong(cell, log));
            wrong.extend(result.err().map(|error| format!("{deployment} ({}): {error:#}", cell.title)));
        }
        wrong.extend(errors.values().map(|error| format!("an error where nothing went wrong: {error:?}")));
        Ok(wrong)
    }

    /// Every deployment has its image and, if so asked, its nodes, and nothing is beside them.
    fn nothing_is_doubled(&self, components: bool) -> Result<()> {
        let mut wanted: Vec<String> = self.before.vm_names();
        for number in 0..self.count() {
            let name = name(number);
            let nodes = if components { self.nodes(number) } else { 0 };
            wanted.push(format!("{name}-image"));
            wanted.extend((1..=nodes).map(|index| format!("{name}-memcache-{index:02}")));
        }
        wanted.sort();
        let mut found = self.cloud.vcenter.inventory()?.vm_names();
        found.sort();
        ensure!(found == wanted, "the machines are {found:?} instead of {wanted:?}");
        Ok(())
    }

    /// How many nodes the component of a deployment has.
    fn nodes(&self, number: usize) -> u32 {
        self.cells(Operation::CreateComponent).get(number).map_or(1, |cell| cell.nodes)
    }
}

fn name(number: usize) -> String {
    format!("c{number:03}")
}

/// The deployment of an address: `vio_component.memcache["c007"]`.
fn deployment(address: &str) -> Option<String> {
    address.split('"').nth(1).map(str::to_owned)
}

/// The deployment that a title names: `Cannot delete `c007/memcache``.
fn named(summary: &str) -> Option<String> {
    summary.split(['`', '/']).nth(1).map(str::to_owned)
}

/// The deployments that an apply found something to do for.
fn touched(run: &Output) -> BTreeSet<String> {
    let messages = run.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["type"] == "planned_change")
        .filter_map(|message| deployment(message["change"]["resource"]["addr"].as_str()?))
        .collect()
}

fn outcome(cell: &Cell, error: Option<&Diagnostic>, touched: bool) -> Result<()> {
    match (cell.outcome, error) {
        (Outcome::Converges | Outcome::Mended, Some(error)) => bail!("it should have converged: {error:?}"),
        (Outcome::Told, None) => bail!("nothing was told"),
        (Outcome::Told | Outcome::Either, Some(error)) => cell.told.check(error),
        (Outcome::Mended, None) => Ok(()),
        // A guest that comes and goes may do so at the moment of the plan.
        (Outcome::Converges | Outcome::Either, None) => {
            ensure!(!touched || cell.guest.is_some(), "it ended well, and the next plan was not empty");
            Ok(())
        }
    }
}

/// A rule that never took effect shows nothing.
fn went_wrong(cell: &Cell, log: &CallLog) -> Result<()> {
    let Some(rule) = &cell.fault else { return Ok(()) };
    let text = |name: &str| rule[name].as_str().unwrap_or_default();
    let (method, on, kind) = (text("method"), text("object_name"), text("kind"));
    let hit = |line: &&String| {
        line.starts_with(method)
            && line.ends_with(&format!(": {kind}"))
            && line.split([' ', ':']).any(|word| word == on)
    };
    ensure!(log.injected.iter().any(|line| hit(&line)), "the rule {rule} did not take effect");
    Ok(())
}
