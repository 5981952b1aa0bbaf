//! Many at once: calls of one process, components that join together, deployments side by side in one vCenter.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::thread;

use acceptance_tests::{CallLog, Deployment, Inventory, Mutation, Node, WorkingDirectory};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};

use crate::support::{
    DAY_2, NODES, another_directory, applied_document, example, expect_clean, file, one_cli, rewrite_in,
};

const LOAD_BALANCERS: [&str; 2] = ["prod-load-balancer-01", "prod-load-balancer-02"];
const CONTROLLERS: [&str; 2] = ["prod-controller-01", "prod-controller-02"];

/// What is a cloud's own choice each time it is made: who comes first, gets the first address or host; and secrets.
const CHOSEN: [&str; 6] = ["ip_address", "host", "moid", "ca_certificate_pem", "internal_vip", "public_vip"];

/// What must be the same in every cloud made of one configuration.
#[derive(Debug, PartialEq)]
struct Shape {
    inventory: Inventory,
    state: BTreeMap<String, Value>,
    addresses: BTreeSet<String>,
    /// By node: its files with owner and mode, and its services.
    documents: BTreeMap<String, String>,
    /// What the load balancers are told, with the nodes' names for their addresses.
    front_ends: BTreeMap<String, String>,
}

impl Shape {
    fn of(cloud: &Deployment) -> Result<Self> {
        let state = cloud.state()?;
        let nodes = state.nodes();
        let mut documents = BTreeMap::new();
        for node in &nodes {
            let document = applied_document(&cloud.vcenter, &node.name)?;
            documents.insert(node.name.clone(), outline(&document)?);
        }
        let mut front_ends = BTreeMap::new();
        for balancer in LOAD_BALANCERS {
            let document = applied_document(&cloud.vcenter, balancer)?;
            let told = file(&document, "/etc/haproxy/haproxy.cfg")?;
            front_ends.insert(balancer.to_owned(), with_names(told, &nodes));
        }
        let mut resources = BTreeMap::new();
        for address in state.addresses() {
            let mut values = state.resource(&address)?.clone();
            forget_chosen(&mut values);
            resources.insert(address, values);
        }
        Ok(Self {
            inventory: cloud.vcenter.inventory_without(&[
                "host",
                "mac",
                "extra_config",
                "tools",
                "address",
            ])?,
            state: resources,
            addresses: nodes.into_iter().map(|node| node.ip_address).collect(),
            documents,
            front_ends,
        })
    }
}

/// The files and services of a document, without the files' contents, in which secrets are.
fn outline(document: &Value) -> Result<String> {
    let mut text = String::new();
    for file in document["files"].as_array().context("a document without files")? {
        writeln!(text, "{} {} {}", file["path"], file["owner"], file["mode"])?;
    }
    writeln!(text, "{}", document["services"])?;
    Ok(text)
}

/// The longest addresses first: one may be the beginning of another.
fn with_names(text: &str, nodes: &[Node]) -> String {
    let mut nodes: Vec<&Node> = nodes.iter().collect();
    nodes.sort_by_key(|node| std::cmp::Reverse(node.ip_address.len()));
    nodes.iter().fold(text.to_owned(), |text, node| text.replace(&node.ip_address, &node.name))
}

fn forget_chosen(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !CHOSEN.contains(&name.as_str()));
            members.values_mut().for_each(forget_chosen);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_chosen),
        _ => {}
    }
}

#[test]
fn parallelism_of_1_10_and_50_makes_the_same_cloud() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    let before = cloud.vcenter.inventory()?;
    let mut shapes = Vec::new();
    for parallelism in ["-parallelism=1", "-parallelism=10", "-parallelism=50"] {
        cloud.apply_converges(&[parallelism])?;
        shapes.push(Shape::of(&cloud)?);
        cloud.directory.destroy(&[parallelism])?.expect_success()?;
        cloud.vcenter.inventory()?.expect_same_as(&before)?;
    }
    for shape in &shapes {
        assert_eq!(shape.addresses.len(), NODES.len());
        shape.inventory.expect_same_as(&shapes[0].inventory)?;
        assert_eq!(shape, &shapes[0]);
    }
    Ok(())
}

/// How often each of these was given a configuration.
fn configured(log: &CallLog, nodes: [&str; 2]) -> [usize; 2] {
    nodes.map(|node| {
        let calls = log.mutations.iter();
        calls.filter(|call| call.method == "ReconfigVM_Task" && call.object == node).count()
    })
}

#[test]
fn three_components_that_join_at_once_cost_one_roll() -> Result<()> {
    let cloud = example(&one_cli()?)?;
    cloud.apply_with(&["-target=vio_controller_pool.this"])?;
    let plan = cloud.plan_with(&[DAY_2])?;
    assert_eq!(plan.counts(), (3, 0, 0), "{}", plan.summary());
    // The first of them takes the lease meanwhile, so that the others are there, however slow the machine.
    cloud.vcenter.set_faults(&json!([{"method": "CurrentTime", "kind": "delay", "ms": 2000}]))?;
    let log = cloud.vcenter.log_of(|| cloud.directory.apply_plan()?.expect_success().map(drop))?;
    assert_eq!(log.injected.len(), 1, "{:?}", log.injected);
    // The object store's backends come with the roll of the controllers, which know of all three: one draining each, and
    // one that brings the last one back.
    assert_eq!(configured(&log, CONTROLLERS), [1, 1]);
    assert_eq!(configured(&log, LOAD_BALANCERS), [3, 3]);
    cloud.plan_is_empty_with(&[DAY_2])?;
    expect_clean(&log)
}

/// A deployment as this scenario names and places it.
struct Place {
    name: &'static str,
    edits: &'static [(&'static str, &'static str)],
}

const PLACES: [Place; 2] = [
    Place { name: "prod", edits: &[] },
    // The first one's name begins this one's: what is told apart by prefixes is not told apart.
    Place {
        name: "prod-database",
        edits: &[
            ("198.18.10.10-198.18.10.99", "198.18.10.110-198.18.10.199"),
            ("198.18.20.11-198.18.20.19", "198.18.20.31-198.18.20.39"),
            ("198.18.20.10\"", "198.18.20.30\""),
            ("\"compute-1\"", "\"compute-2\""),
            ("ds-compute-1", "ds-compute-2"),
        ],
    },
];

const KINDS: [&str; 8] = [
    "compute-driver",
    "controller",
    "database",
    "dhcp",
    "load-balancer",
    "memcache",
    "message-queue",
    "object-storage",
];

/// From nothing to a cloud, a larger and a smaller one, and to nothing.
fn live(directory: &WorkingDirectory, name: &str) -> Result<()> {
    let name = format!("-var=name={name}");
    for controllers in ["-var=controllers=2", "-var=controllers=3", "-var=controllers=2"] {
        directory.apply(&[name.as_str(), controllers])?.expect_success()?;
    }
    let nodes = directory.show_state()?.nodes();
    ensure!(nodes.len() == NODES.len() && nodes.iter().all(|node| node.state == "ready"), "{nodes:?}");
    directory.destroy(&[name.as_str()])?.expect_success().map(drop)
}

/// Whether a call changes nothing but what is this deployment's. Parents in which it makes something are lent by
/// everybody: the datacenter's VM folder, the cluster's root pool, the template, the cluster that keeps the rules.
fn is_within(mutation: &Mutation, deployment: &str) -> bool {
    let folder = format!("/dc1/vm/{deployment}");
    let pool = format!("/dc1/host/mgmt/Resources/{deployment}");
    let image = format!("{folder}/{deployment}-image");
    let Mutation { session: _, method, path, makes, rules } = mutation;
    let is_in_folder = |path: &str| path.strip_prefix(&folder).is_some_and(|rest| rest.starts_with('/'));
    match method.as_str() {
        "CreateFolder" => path == "/dc1/vm" && *makes == folder,
        "CreateResourcePool" => path == "/dc1/host/mgmt/Resources" && *makes == pool,
        "CloneVM_Task" if *makes == image => path == "/dc1/vm/templates/vio-node-template",
        "CloneVM_Task" => *path == image && is_in_folder(makes),
        "ReconfigureComputeResource_Task" => {
            let is_ours = |rule: &String| {
                KINDS
                    .contains(&rule.strip_prefix(deployment).and_then(|r| r.strip_prefix('-')).unwrap_or("-"))
            };
            path == "/dc1/host/mgmt" && !rules.is_empty() && rules.iter().all(is_ours)
        }
        "Destroy_Task" if *path == folder || *path == pool => true,
        _ => is_in_folder(path),
    }
}

/// Each session is one process of a provider, and so one run on one deployment.
fn sessions_of(mutations: &[Mutation], deployment: &str) -> BTreeSet<u64> {
    mutations.iter().filter(|it| is_within(it, deployment)).map(|it| it.session).collect()
}

#[test]
fn two_deployments_in_one_vcenter_touch_nothing_but_their_own_while_both_change() -> Result<()> {
    let cli = one_cli()?;
    let cloud = example(&cli)?;
    // Others' machines that are named as ours will be.
    cloud.vcenter.create_foreign("prod-database-04", "/dc1/vm/other-team")?;
    cloud.vcenter.create_foreign("prod-database-image", "/dc1/vm/other-team")?;
    let before = cloud.vcenter.inventory()?;
    cloud.vcenter.reset_log()?;
    thread::scope(|scope| {
        let runs: Vec<_> = PLACES
            .iter()
            .map(|place| {
                let directory = another_directory(&cli, &cloud.vcenter)?;
                rewrite_in(&directory, place.edits)?;
                Ok(scope.spawn(move || live(&directory, place.name)))
            })
            .collect::<Result<_>>()?;
        runs.into_iter().try_for_each(|run| run.join().map_err(|_| anyhow!("a run panicked"))?)
    })?;
    cloud.vcenter.inventory()?.expect_same_as(&before)?;
    expect_clean(&cloud.vcenter.log()?)?;

    let mutations = cloud.vcenter.mutations()?;
    let [first, second] = PLACES.each_ref().map(|place| sessions_of(&mutations, place.name));
    // Three applies and a destroy each.
    assert_eq!((first.len(), second.len()), (4, 4));
    ensure!(first.is_disjoint(&second), "a run touched both deployments: {first:?} {second:?}");
    for mutation in &mutations {
        let owner =
            PLACES.iter().zip([&first, &second]).find(|(_, sessions)| sessions.contains(&mutation.session));
        let (place, _) = owner.with_context(|| format!("nobody's run has made {mutation:?}"))?;
        ensure!(is_within(mutation, place.name), "a run on {} has made {mutation:?}", place.name);
    }
    ensure!(first.first() < second.last() && second.first() < first.last(), "they ran one after the other");
    Ok(())
}
