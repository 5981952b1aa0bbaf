//! The planner and the renderer alone, at the size of `examples/complete` and at 10,000 nodes:
//! `cargo bench -p deploy`.
#![expect(clippy::print_stdout, reason = "a bench whose output is a table")]
#![expect(clippy::unwrap_used, reason = "what a bench cannot measure is worth no message")]

// The samples are the crate's own, and say `crate`.
use deploy::{name, record, release, secret, settings};

#[allow(dead_code, reason = "the crate's own tests use the rest")]
#[path = "../src/record/tests/sample.rs"]
mod sample;

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use deploy::address::NodeAddresses;
use deploy::desired::{Desired, DesiredNode};
use deploy::inventory::Entity;
use deploy::observed::{Image, Node, Observed, Place};
use deploy::plan::{Scope, check, plan, plan_nothing};
use deploy::render::{GuestStatus, Phase};
use name::{ComponentId, NodeName};
use record::Record;
use release::KindId;

/// Times each thing is done.
const ROUNDS: usize = 7;

/// Nodes of the large cloud, nearly all of one kind.
const NODES: u32 = 10_000;

fn main() {
    let small = cloud(2);
    row("render 14 nodes", small.node_names().count(), || Desired::from_record(&small));
    let large = cloud(NODES - 12);
    row("render 10,000 nodes", large.node_names().count(), || Desired::from_record(&large));
    row("write a record of 10,000 nodes", 0, || large.encode());

    let desired = Desired::from_record(&large).unwrap();
    let many = ComponentId::of(KindId::Memcache);
    let before = observed(&desired, &large, |node| node.component != many);
    planned("plan to make 9,988 nodes", &desired, &before, &Scope::Grow(many.clone()));
    let stale = observed(&desired, &large, |_| true);
    planned("plan to mend 9,988 nodes", &desired, &stale, &Scope::Mend(many));
    planned("plan to configure 10,000 nodes", &desired, &stale, &Scope::Configuration);
    row("plan to remove 10,000 nodes", 0, || plan_nothing(&stale));
}

/// A plan, and its second opinion.
fn planned(what: &str, desired: &Desired, observed: &Observed, scope: &Scope) {
    row(what, 0, || plan(desired, observed, scope));
    let graph = plan(desired, observed, scope);
    row(&format!("  check its {} steps", graph.steps().len()), 0, || check(&graph, desired, observed));
}

/// The median time of doing something; with a number of nodes, for each of them too.
fn row<T>(what: &str, nodes: usize, mut work: impl FnMut() -> T) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            black_box(work());
            started.elapsed()
        })
        .collect();
    times.sort();
    let median = times[ROUNDS / 2];
    let each = if nodes == 0 { Duration::ZERO } else { median / u32::try_from(nodes).unwrap() };
    let each =
        if nodes == 0 { String::new() } else { format!("  {:8.1} us a node", each.as_secs_f64() * 1e6) };
    println!("{what:32} {:10.2} ms{each}", median.as_secs_f64() * 1e3);
}

/// The kinds of `examples/complete`, with so many nodes of one of them, which no release allows.
fn cloud(memcaches: u32) -> Record {
    let mut record = sample::bare();
    for (kind, count) in [
        (KindId::LoadBalancer, 2),
        (KindId::Database, 3),
        (KindId::MessageQueue, 2),
        (KindId::Memcache, 2),
        (KindId::Controller, 2),
        (KindId::Dhcp, 2),
    ] {
        record = sample::with(&record, kind, count);
    }
    record = sample::with_compute(&record, "c1");
    record.components.get_mut(&ComponentId::of(KindId::Memcache)).unwrap().indexes =
        (1..=memcaches).collect();
    for index in 3..=memcaches {
        let management = Ipv4Addr::from(0x0a00_0000 + index);
        let name = NodeName::new("prod", KindId::Memcache, index);
        record.addresses.insert(name, NodeAddresses { management, external: None });
    }
    record
}

/// The deployment with some of its nodes, ready but with an old configuration.
fn observed(desired: &Desired, record: &Record, is_there: impl Fn(&DesiredNode) -> bool) -> Observed {
    let nodes = desired.nodes.values().filter(|node| is_there(node));
    let lease = deploy::lease::Lease::default();
    let image = Some(Image { has_snapshot: true, record: Some(record.clone()), restored: false, lease });
    let nodes = nodes.map(|node| (node.name.clone(), present(node))).collect();
    Observed { folder: true, pool: true, image, nodes, ..Observed::default() }
}

fn present(node: &DesiredNode) -> Node {
    let report = r#"{"version": 1, "phase": "ready", "revision": "old"}"#;
    let status = GuestStatus::parse(report).unwrap();
    assert_eq!(status.phase, Phase::Ready);
    Node {
        moid: node.name.to_string(),
        host: "esx-1".to_owned(),
        place: place(node),
        component: node.component.clone(),
        revision: "old".to_owned(),
        files_digest: String::new(),
        told: "old".to_owned(),
        document_parts: 1,
        size: node.size,
        powered_on: true,
        tools_running: true,
        status: Some(status),
    }
}

/// Where it shall be.
fn place(node: &DesiredNode) -> Place {
    let text = || String::new();
    let entity =
        |name: &String| Entity { name: name.clone(), moid: text(), path: text(), datacenter: text() };
    let networks: Vec<Entity> = node.nics.iter().map(|(_, name)| entity(name)).collect();
    Place { adapters: networks.len() as u32, networks, ..Place::default() }
}
