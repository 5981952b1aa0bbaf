//! Calls that all deployments of a run share: login, reads, and the one long poll. Each cell is a run of its own.

use std::time::Duration;

use acceptance_tests::{Deployment, Output};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::cells::{API_TIMEOUT, LONG, TOO_SLOW_MS};
use crate::told::Told;

/// A command that takes longer hangs: a call may take as long as `API_TIMEOUT`, and is made four times at most.
const LIMIT: Duration = Duration::from_secs(600);
const NAME: &str = "c000";
const FAILING: i32 = -1;

/// A way to fail, and the words for it; without words the run ends well.
type Kind = (&'static str, &'static [&'static str]);

/// What passes: reads are made again, and so is the poll.
const PASSING: [Kind; 5] =
    [("503", &[]), ("drop_before", &[]), ("drop_after", &[]), ("delay", &[]), ("expire_session", &[])];
const UNREADABLE: [Kind; 2] = [("truncated", &["is not understood"]), ("malformed", &["is not understood"])];
const POLLING: [&str; 5] =
    ["CreatePropertyCollector", "CreateListView", "CreateFilter", "ModifyListView", "WaitForUpdatesEx"];

/// What is done in turn while something goes wrong.
const OPERATIONS: [&str; 3] = ["Cannot change", "Cannot delete", "Cannot create"];

/// A cell: the rules in force, and the words of the error that must come of it, if one must.
struct Cell {
    title: String,
    rules: Value,
    causes: Vec<&'static str>,
}

impl Cell {
    fn new(method: &str, nth: u32, kind: &str, more: &Value, causes: &[&'static str]) -> Self {
        let mut rule = json!({"method": method, "nth": nth, "kind": kind, "ms": 1500});
        for (name, value) in more.as_object().into_iter().flatten() {
            rule[name] = value.clone();
        }
        let title = format!("{method}, {nth}., {kind} {more}");
        Self { title, rules: json!([rule]), causes: causes.to_vec() }
    }

    /// The same in pages of two objects.
    fn paged(mut self) -> Self {
        let page = json!({"method": "RetrievePropertiesEx", "count": FAILING, "kind": "page", "objects": 2});
        if let Some(rules) = self.rules.as_array_mut() {
            rules.push(page);
        }
        self.title += ", in pages";
        self
    }
}

/// What may go wrong while all is looked at.
fn refreshing() -> Vec<Cell> {
    let none = json!({});
    let fault = |kind: &str| json!({"fault": kind, "detail": {"privilegeId": "System.Read"}});
    let plain = |kind: &str| json!({"fault": kind});
    let mut cells = Vec::new();
    for (method, nth) in [
        ("RetrieveServiceContent", 1),
        ("RetrievePropertiesEx", 1),
        ("RetrievePropertiesEx", 2),
        ("RetrievePropertiesEx", 3),
    ] {
        for (kind, causes) in PASSING.iter().chain(&UNREADABLE) {
            cells.push(Cell::new(method, nth, kind, &none, causes));
        }
        cells.push(Cell::new(method, nth, "503", &json!({"count": FAILING}), &["HTTP status 503"]));
        // The first call needs no session, so that nothing is refused.
        if method == "RetrievePropertiesEx" {
            cells.push(Cell::new(method, nth, "fault", &fault("NoPermission"), &["NoPermission"]));
            cells.push(Cell::new(method, nth, "fault", &plain("InvalidState"), &["InvalidState"]));
            cells.push(Cell::new(method, nth, "fault", &plain("NotAuthenticated"), &[]));
            cells.push(Cell::new(
                method,
                nth,
                "expire_session",
                &json!({"count": FAILING}),
                &["NotAuthenticated"],
            ));
        }
    }
    cells.push(Cell::new(
        "RetrievePropertiesEx",
        1,
        "delay",
        &json!({"ms": TOO_SLOW_MS}),
        &["had no answer within"],
    ));
    cells.push(Cell::new("Login", 1, "fault", &plain("InvalidLogin"), &["InvalidLogin"]));
    for (kind, causes) in UNREADABLE {
        cells.push(Cell::new("Login", 1, kind, &none, causes));
        cells.push(Cell::new("ContinueRetrievePropertiesEx", 1, kind, &none, causes).paged());
    }
    for (kind, causes) in PASSING {
        cells.push(Cell::new("Login", 1, kind, &none, causes));
        cells.push(Cell::new("ContinueRetrievePropertiesEx", 1, kind, &none, causes).paged());
    }
    cells
}

/// What may go wrong while tasks and guests are waited for; a session that ends concerns all, so that it is here. Each
/// way to fail meets each of [`OPERATIONS`], since their number is no divisor of that of the ways.
fn waiting() -> Vec<Cell> {
    let none = json!({});
    let mut cells =
        Vec::from([1, 2].map(|nth| Cell::new("ReconfigVM_Task", nth, "expire_session", &none, &[])));
    for method in POLLING {
        for (kind, _) in PASSING.iter().chain(&UNREADABLE) {
            cells.push(Cell::new(method, 1, kind, &none, &[]));
        }
        for fault in ["InvalidState", "NotAuthenticated", "TaskInProgress"] {
            cells.push(Cell::new(method, 1, "fault", &json!({"fault": fault}), &[]));
        }
    }
    for method in ["ModifyListView", "WaitForUpdatesEx"] {
        cells.push(Cell::new(method, 1, "gone", &none, &[]));
    }
    // Even without a single answer to the poll a run goes on, by what it reads in between.
    for kind in ["503", "malformed"] {
        cells.push(Cell::new("WaitForUpdatesEx", 1, kind, &json!({"count": FAILING}), &[]));
    }
    cells
}

/// A cloud of one deployment.
struct Cloud {
    cloud: Deployment,
}

impl Cloud {
    fn new(cloud: Deployment) -> Result<Self> {
        cloud.write("main.tf", include_str!("cells.tf"))?;
        cloud.directory.limit(LIMIT);
        let cloud = Self { cloud };
        cloud.want(4096, true)?;
        cloud.cloud.apply()?;
        Ok(cloud)
    }

    fn want(&self, connections: usize, component: bool) -> Result<()> {
        let cell = json!({"nodes": 1, "deployment": {"create": LONG, "delete": LONG},
            "component": {"change": LONG, "delete": LONG}});
        let variables = json!({"cells": {NAME: cell}, "connections": connections, "memory_mib": 1024,
            "components": component, "api_timeout": API_TIMEOUT});
        self.cloud.write("cells.auto.tfvars.json", &variables.to_string())
    }

    /// One cell: the command with the failure; after an error the same command without; then the plan is empty.
    fn show(&self, cell: &Cell, operation: &'static str, command: &[&str]) -> Result<()> {
        let vcenter = &self.cloud.vcenter;
        vcenter.reset_log()?;
        vcenter.set_faults(&cell.rules)?;
        let output = self.cloud.directory.run(command);
        vcenter.clear_faults()?;
        let output = output?;
        let log = vcenter.log()?;
        ensure!(!log.injected.is_empty(), "nothing went wrong");
        let reads = operation == "Cannot read";
        if reads {
            ensure!(log.mutations.is_empty(), "a refresh changed {:?}", log.mutations);
        }
        if cell.causes.is_empty() {
            let output = output.expect_success()?;
            if reads {
                ensure!(!output.has_changes(), "the plan should be empty\n{}", output.said());
                return Ok(());
            }
        } else {
            told(&output, operation, &cell.causes)?;
            if !reads {
                self.cloud.directory.run(command)?.expect_success()?;
            }
        }
        self.cloud.plan_is_empty()
    }
}

/// Every error must be one that tells.
fn told(output: &Output, operation: &'static str, causes: &[&'static str]) -> Result<()> {
    let errors: Vec<_> = output.diagnostics().into_iter().filter(|found| found.severity == "error").collect();
    ensure!(!errors.is_empty(), "nothing was told\n{}", output.said());
    for error in &errors {
        let told = |object: &str| {
            Told { operation, object: object.to_owned(), causes: causes.to_vec() }.check(error)
        };
        told(NAME).or_else(|_| told("c000/memcache"))?;
    }
    Ok(())
}

fn all(cells: &[Cell], show: impl Fn(usize, &Cell) -> Result<()>) -> Result<usize> {
    let wrong: Vec<String> = cells
        .iter()
        .enumerate()
        .filter_map(|(number, cell)| Some(format!("{}: {:#}", cell.title, show(number, cell).err()?)))
        .collect();
    if wrong.is_empty() { Ok(cells.len()) } else { bail!("{}", wrong.join("\n\n")) }
}

/// All cells of a refresh.
pub(crate) fn refresh(cloud: Deployment) -> Result<usize> {
    let cloud = Cloud::new(cloud)?;
    let plan = ["plan", "-json", "-input=false", "-detailed-exitcode"];
    all(&refreshing(), |_, cell| cloud.show(cell, "Cannot read", &plan))
}

/// The cells of waiting, over an update, the removal of the component and its making in turn.
pub(crate) fn wait(cloud: Deployment) -> Result<usize> {
    let cloud = Cloud::new(cloud)?;
    let apply = ["apply", "-json", "-input=false", "-auto-approve"];
    all(&waiting(), |number, cell| {
        let operation = OPERATIONS[number % OPERATIONS.len()];
        let round = number / OPERATIONS.len();
        cloud.want(5000 + round, operation != "Cannot delete")?;
        cloud.show(cell, operation, &apply).with_context(|| operation)
    })
}
