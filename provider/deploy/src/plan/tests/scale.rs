//! Large deployments: planning and judging stay linear.

use std::collections::BTreeMap;

use super::cloud::{built, converge, sketch};
use crate::address::NodeAddresses;
use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed};
use crate::plan::{Scope, check, plan, plan_nothing};
use crate::record::tests::sample;
use crate::release::KindId;

/// A controller pool of so many nodes, which no release allows: the planner does not care.
fn controllers(count: u32) -> (Desired, Observed) {
    let record = sample::with(&sample::bare(), KindId::Controller, 2);
    let id = ComponentId::of(KindId::Controller);
    let mut large = record.clone();
    large.components.get_mut(&id).unwrap().indexes = (1..=count).collect();
    for index in 3..=count {
        let management = std::net::Ipv4Addr::from(0x0a00_0000 + index);
        let name = NodeName::new("prod", KindId::Controller, index);
        large.addresses.insert(name, NodeAddresses { management, external: None });
    }
    (sketch(&large), built(&record))
}

#[test]
fn ten_thousand_nodes_are_made_mended_and_removed() {
    let (desired, observed) = controllers(10_000);
    let id = ComponentId::of(KindId::Controller);
    let graph = plan(&desired, &observed, &Scope::Grow(id.clone()));
    assert_eq!(graph.steps().len(), 3 * 9_998 + 1);
    check(&graph, &desired, &observed).unwrap();
    let node = observed.nodes.values().next().unwrap();
    let stale = |name: &NodeName| Node { moid: name.to_string(), revision: String::new(), ..node.clone() };
    let nodes: BTreeMap<NodeName, Node> =
        desired.nodes.keys().map(|name| (name.clone(), stale(name))).collect();
    let all = Observed { nodes, ..observed };
    for scope in [Scope::Mend(id), Scope::Configuration] {
        check(&plan(&desired, &all, &scope), &desired, &all).unwrap();
    }
    assert_eq!(plan_nothing(&all).steps().len(), 2 * 10_000 + 4);
}

#[test]
fn hundreds_of_compute_clusters_are_as_wanted() {
    let mut record = sample::bare();
    for cluster in 0..150 {
        record = sample::with_compute(&record, &format!("c{cluster}"));
    }
    let (desired, mut observed) = (sketch(&record), Observed::default());
    assert_eq!(desired.components().len(), 150);
    converge(&desired, &mut observed, 1);
    super::cloud::assert_settled(&desired, &observed);
}
