//! The table: which call of which operation fails how, or which guest behaves how, and what must come of it.

use serde_json::{Value, json};

use crate::told::Told;

/// How long the operations of cells in which something hangs may take.
pub(crate) const SHORT: &str = "40s";
/// The same for a removal, which is done again under the same limit.
pub(crate) const SHORT_DELETE: &str = "45s";
/// How long all others may take.
pub(crate) const LONG: &str = "10m";
/// The longest time of one call.
pub(crate) const API_TIMEOUT: &str = "25s";
/// Longer than that.
pub(crate) const TOO_SLOW_MS: u32 = 28_000;
const SLOW_MS: u32 = 1_500;

/// What is done while something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// A deployment is made.
    CreateDeployment,
    /// A component is made in it.
    CreateComponent,
    /// An option of the component changes.
    Update,
    /// The size of its nodes changes.
    Resize,
    /// The component is removed.
    DeleteComponent,
    /// The deployment is removed.
    DeleteDeployment,
}

/// What must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The same run ends well, and the plan after it is empty.
    Converges,
    /// The same run ends well, and the next mends what vCenter did after it.
    Mended,
    /// An error tells what happened.
    Told,
    /// Either, as chance has it.
    Either,
}

/// A cell: something that goes wrong in one deployment.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// In words: `create, CreateFolder of the deployment, 503`.
    pub(crate) title: String,
    /// The fault rule, for a cell about a call.
    pub(crate) fault: Option<Value>,
    /// The guest rule, for a cell about a guest.
    pub(crate) guest: Option<Value>,
    pub(crate) outcome: Outcome,
    pub(crate) told: Told,
    /// Something hangs.
    pub(crate) hangs: bool,
    pub(crate) nodes: u32,
}

/// A call that an operation makes: its method, on what, and what a user calls that. `{}` is the deployment.
struct Step {
    method: &'static str,
    on: &'static str,
    /// The how-manieth of these calls.
    nth: u32,
    named: &'static str,
}

const fn step(method: &'static str, on: &'static str, nth: u32, named: &'static str) -> Step {
    Step { method, on, nth, named }
}

const NODE: &str = "{}-memcache-01";
const IMAGE: &str = "{}-image";
const DEPLOYMENT: &str = "{}";

const CREATE_DEPLOYMENT: [Step; 4] = [
    step("CreateFolder", DEPLOYMENT, 1, DEPLOYMENT),
    step("CreateResourcePool", DEPLOYMENT, 1, DEPLOYMENT),
    step("CloneVM_Task", IMAGE, 1, DEPLOYMENT),
    step("CreateSnapshot_Task", IMAGE, 1, DEPLOYMENT),
];

/// A run writes the lease into the image first, and then the record.
const LEASE: Step = step("ReconfigVM_Task", IMAGE, 1, DEPLOYMENT);
const RECORD: Step = step("ReconfigVM_Task", IMAGE, 2, DEPLOYMENT);

const CREATE_COMPONENT: [Step; 4] = [
    RECORD,
    step("CloneVM_Task", NODE, 1, NODE),
    step("ReconfigureComputeResource_Task", "{}-memcache", 1, "{}-memcache"),
    step("PowerOnVM_Task", NODE, 1, NODE),
];

const UPDATE: [Step; 3] = [LEASE, RECORD, step("ReconfigVM_Task", NODE, 1, NODE)];

const RESIZE: [Step; 4] = [
    step("ShutdownGuest", NODE, 1, NODE),
    step("ReconfigVM_Task", NODE, 1, NODE),
    step("ReconfigVM_Task", NODE, 2, NODE),
    step("PowerOnVM_Task", NODE, 1, NODE),
];

const DELETE_COMPONENT: [Step; 3] =
    [RECORD, step("ShutdownGuest", NODE, 1, NODE), step("Destroy_Task", NODE, 1, NODE)];

const DELETE_DEPLOYMENT: [Step; 3] = [
    step("Destroy_Task", IMAGE, 1, DEPLOYMENT),
    step("Destroy_Task", DEPLOYMENT, 1, DEPLOYMENT),
    step("Destroy_Task", DEPLOYMENT, 2, DEPLOYMENT),
];

/// Typed faults, each of which a call and a task may end with.
const TYPED: [&str; 10] = [
    "ConcurrentAccess",
    "TaskInProgress",
    "InvalidState",
    "NoPermission",
    "NotAuthenticated",
    "ResourceInUse",
    "DuplicateName",
    "InsufficientResourcesFault",
    "FileAlreadyExists",
    "NoDiskSpace",
];

/// Those that say that the image may be written a moment later.
const PASSING: [&str; 2] = ["ConcurrentAccess", "TaskInProgress"];

/// Other ways in which a call fails, and the words for each.
const KINDS: [(&str, &str, &[&str]); 9] = [
    ("drop_before", "drop_before", &["broke during"]),
    ("drop_after", "drop_after", &["broke during"]),
    ("503", "503", &["HTTP status 503"]),
    ("slow", "delay", &[]),
    ("too slow", "delay", &["had no answer within"]),
    ("truncated", "truncated", &["is not understood"]),
    ("malformed", "malformed", &["is not understood"]),
    ("fault_after", "fault_after", &["GenericVmConfigFault"]),
    ("task_hangs", "task_hangs", &["took longer than the time allowed"]),
];

/// Ways in which nobody knows what became of a call.
const LOST: [&str; 5] = ["drop_before", "drop_after", "503", "truncated", "malformed"];

const NEVER_BOOTS: &str = "never_boots";

/// How a guest behaves, and what is told of it; where nothing is, the run may end well.
const GUESTS: [(&str, &[&str]); 8] = [
    (NEVER_BOOTS, &["its guest has not reported"]),
    ("never_ready", &["waiting for other nodes"]),
    ("garbage_status", &["nothing intelligible"]),
    ("other_revision", &["another configuration"]),
    ("failed", &["the node could not be configured"]),
    ("unhealthy", &["memcached: does not answer"]),
    ("drifted", &["files that were changed by hand"]),
    ("flapping", &["took longer than the time allowed"]),
];

/// The cells of an operation.
pub(crate) fn of(operation: Operation) -> Vec<Cell> {
    let steps = operation.steps();
    let mut cells = Vec::new();
    for (title, kind, causes) in KINDS {
        for step in steps.iter().filter(|step| step.may(kind)) {
            cells.push(cell(operation, step, title, kind, None, causes));
        }
    }
    let tasks: Vec<&Step> = steps.iter().filter(|step| step.is_task()).collect();
    for (i, fault) in TYPED.into_iter().enumerate() {
        let (call, task) = (&steps[i % steps.len()], tasks[(i + 1) % tasks.len()]);
        cells.push(cell(operation, call, fault, "fault", Some(fault), &[]));
        let title = format!("{fault} of the task");
        cells.push(cell(operation, task, &title, "task_fault", Some(fault), &[]));
    }
    let guests = GUESTS.into_iter().filter(|(behaviour, _)| operation.may_meet(behaviour));
    cells.extend(guests.map(|(behaviour, causes)| guest(operation, behaviour, causes)));
    cells
}

fn cell(
    operation: Operation,
    step: &Step,
    title: &str,
    kind: &'static str,
    fault: Option<&'static str>,
    causes: &[&'static str],
) -> Cell {
    let mut causes = causes.to_vec();
    causes.extend(fault);
    if step.method == "CloneVM_Task" && fault == Some("DuplicateName") {
        causes.push("has the name of a node");
    }
    let ms = if title == "too slow" { TOO_SLOW_MS } else { SLOW_MS };
    let mut rule = json!({"method": step.method, "object_name": step.on, "nth": step.nth, "kind": kind, "ms": if kind == "delay" { ms } else { 0 }});
    if let Some(fault) = fault {
        rule["fault"] = json!(fault);
    }
    if fault == Some("NoPermission") {
        rule["detail"] = json!({"privilegeId": "VirtualMachine.Interact.PowerOn"});
    }
    Cell {
        title: format!("{}, {} of {}, {title}", operation.verb(), step.method, step.named),
        fault: Some(rule),
        guest: None,
        outcome: outcome(step, title, kind, fault),
        told: Told { operation: operation.says(), object: step.named.to_owned(), causes },
        hangs: kind == "task_hangs",
        // A rule is for two.
        nodes: if step.method.starts_with("ReconfigureCompute") { 2 } else { 1 },
    }
}

/// Whoever takes the lease reads it again, whoever shuts a guest down has another way, and whoever clones looks before it
/// gives up.
fn outcome(step: &Step, title: &str, kind: &str, fault: Option<&str>) -> Outcome {
    match (step.method, kind) {
        // The guest is told to shut down when its node has long been started again.
        ("ShutdownGuest", _) if title == "too slow" => Outcome::Mended,
        ("ShutdownGuest", _) => Outcome::Converges,
        _ if title == "slow" => Outcome::Converges,
        (_, "fault") if fault == Some("NotAuthenticated") => Outcome::Converges,
        ("ReconfigVM_Task", _) if step.on == IMAGE && fault.is_some_and(|fault| PASSING.contains(&fault)) => {
            Outcome::Converges
        }
        _ if step.is_lease() && LOST.contains(&kind) => Outcome::Converges,
        _ if step.is_lease() && title == "too slow" => Outcome::Converges,
        // The image has its record: another run may have been about to snapshot it, so that this one takes over.
        ("CreateSnapshot_Task", _) if fault == Some("DuplicateName") => Outcome::Converges,
        ("CloneVM_Task", "drop_after" | "truncated" | "malformed") if step.on == NODE => Outcome::Either,
        _ => Outcome::Told,
    }
}

fn guest(operation: Operation, behaviour: &'static str, causes: &[&'static str]) -> Cell {
    let outcome = if behaviour == "flapping" { Outcome::Either } else { Outcome::Told };
    Cell {
        title: format!("{}, a guest that is {behaviour}", operation.verb()),
        fault: None,
        guest: Some(json!({"name": NODE, "behaviour": behaviour})),
        outcome,
        told: Told { operation: operation.says(), object: NODE.to_owned(), causes: causes.to_vec() },
        hangs: true,
        nodes: 1,
    }
}

impl Cell {
    /// The cell with its deployment's name.
    pub(crate) fn at(mut self, deployment: &str) -> Self {
        let name = |text: &str| text.replace("{}", deployment);
        self.title = name(&self.title);
        self.told.object = name(&self.told.object);
        if let Some(rule) = &mut self.fault {
            rule["object_name"] = json!(name(rule["object_name"].as_str().unwrap_or_default()));
        }
        if let Some(rule) = &mut self.guest {
            rule["name"] = json!(name(rule["name"].as_str().unwrap_or_default()));
        }
        self
    }
}

impl Step {
    fn is_task(&self) -> bool {
        self.method.ends_with("_Task")
    }

    /// Whether the lease was written shows when it is read again.
    fn is_lease(&self) -> bool {
        self.on == LEASE.on && self.method == LEASE.method && self.nth == LEASE.nth
    }

    /// Only a task can hang.
    fn may(&self, kind: &str) -> bool {
        kind != "task_hangs" || self.is_task()
    }
}

impl Operation {
    /// In the order in which they are shown.
    pub(crate) const ALL: [Self; 6] = [
        Self::CreateDeployment,
        Self::CreateComponent,
        Self::Update,
        Self::Resize,
        Self::DeleteComponent,
        Self::DeleteDeployment,
    ];

    fn steps(self) -> &'static [Step] {
        match self {
            Self::CreateDeployment => &CREATE_DEPLOYMENT,
            Self::CreateComponent => &CREATE_COMPONENT,
            Self::Update => &UPDATE,
            Self::Resize => &RESIZE,
            Self::DeleteComponent => &DELETE_COMPONENT,
            Self::DeleteDeployment => &DELETE_DEPLOYMENT,
        }
    }

    /// Guests matter where nodes are made or changed. One that never boots is met where nodes start; how the others are
    /// waited for does not depend on why.
    fn may_meet(self, behaviour: &str) -> bool {
        match self {
            Self::CreateComponent => true,
            Self::Update => behaviour != NEVER_BOOTS,
            Self::Resize => behaviour == NEVER_BOOTS,
            Self::CreateDeployment | Self::DeleteComponent | Self::DeleteDeployment => false,
        }
    }

    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::CreateDeployment => "create a deployment",
            Self::CreateComponent => "create a component",
            Self::Update => "update",
            Self::Resize => "resize",
            Self::DeleteComponent => "delete a component",
            Self::DeleteDeployment => "delete a deployment",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::CreateDeployment | Self::CreateComponent => "Cannot create",
            Self::Update | Self::Resize => "Cannot change",
            Self::DeleteComponent | Self::DeleteDeployment => "Cannot delete",
        }
    }
}
