//! Transport nodes: wrong plans are refused, and right ones touch no more than they must.

use std::collections::BTreeMap;

use super::cloud::{assert_settled, built, converge, sketch};
use super::model::report;
use super::refusals::{assert_every_need_counts, refusal, without_one_need};
use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;
use crate::plan::check::structure;
use crate::plan::{Action, Graph, Scope, check, plan, plan_nothing, plan_unregistered, plan_without};
use crate::record::Record;
use crate::record::tests::sample;
use crate::release::KindId;
use crate::render::Phase;
use crate::settings::Settings;

fn dhcp() -> ComponentId {
    ComponentId::of(KindId::Dhcp)
}

fn node(index: u32) -> NodeName {
    NodeName::new("prod", KindId::Dhcp, index)
}

fn over_nsx(zone: Option<&str>, count: u32) -> Record {
    let settings = Settings { backend: sample::backend(zone), ..sample::settings("prod") };
    let record = sample::bare().with_settings(settings).unwrap();
    let cloud = sample::with(&sample::with(&record, KindId::Controller, 1), KindId::Memcache, 1);
    sample::with(&cloud, KindId::Dhcp, count)
}

fn cloud(built_count: u32, wanted_count: u32) -> (Desired, Observed) {
    (sketch(&over_nsx(Some("overlay"), wanted_count)), built(&over_nsx(Some("overlay"), built_count)))
}

fn actions(graph: &Graph) -> Vec<String> {
    graph.steps().iter().map(|step| step.action.to_string()).collect()
}

#[test]
fn every_need_counts_when_dhcp_nodes_are_made_or_made_anew() {
    let (desired, mut observed) = cloud(2, 2);
    observed.rules.clear();
    observed.nodes.remove(&node(2));
    assert_every_need_counts(&desired, &observed, &Scope::Grow(dhcp()));
}

#[test]
fn every_need_counts_when_dhcp_nodes_go() {
    let (desired, mut observed) = cloud(3, 1);
    // When a rule goes is nobody's business.
    observed.rules.clear();
    assert_every_need_counts(&desired, &observed, &Scope::Shrink(dhcp()));
    let graph = plan_nothing(&observed);
    structure(&graph, &observed).unwrap();
    for (what, weak) in without_one_need(&graph) {
        assert!(structure(&weak, &observed).is_err(), "{what}");
    }
}

#[test]
fn a_registration_that_is_lost_is_made_again_and_nothing_else_is_touched() {
    let (desired, mut observed) = cloud(2, 2);
    observed.transport_nodes.as_mut().unwrap().retain(|_, found| found.node != node(2));
    for scope in [Scope::Mend(dhcp()), Scope::Configuration] {
        let graph = plan(&desired, &observed, &scope);
        assert_eq!(actions(&graph), ["register `prod-dhcp-02` in NSX"]);
        check(&graph, &desired, &observed).unwrap();
    }
    converge(&desired, &mut observed, 1);
    assert_settled(&desired, &observed);
}

#[test]
fn other_components_do_not_wait_for_an_nsx_that_cannot_be_read() {
    let (desired, mut observed) = cloud(2, 2);
    observed.transport_nodes = None;
    let memcache = ComponentId::of(KindId::Memcache);
    for scope in [Scope::Configuration, Scope::Grow(memcache.clone()), Scope::Mend(memcache)] {
        assert!(plan(&desired, &observed, &scope).is_empty(), "{scope:?}");
    }
}

#[test]
fn a_node_is_registered_only_while_it_is_ready_and_wanted_there() {
    let (desired, observed) = cloud(2, 2);
    let register = |name: NodeName| {
        let mut graph = Graph::default();
        graph.add(Action::Register(name), &[]);
        graph
    };
    check(&register(node(1)), &desired, &observed).unwrap();
    let (mut failed, mut stopped) = (observed.clone(), observed.clone());
    failed.nodes.get_mut(&node(1)).unwrap().status = Some(report("", Phase::Failed));
    stopped.nodes.get_mut(&node(1)).unwrap().powered_on = false;
    refusal(&register(node(1)), &desired, &failed);
    refusal(&register(node(1)), &desired, &stopped);
    refusal(&register(NodeName::new("prod", KindId::Memcache, 1)), &desired, &observed);
    refusal(&register(node(1)), &sketch(&over_nsx(None, 2)), &observed);
    let mut before_its_report = Graph::default();
    let configured = before_its_report.add(Action::Configure(node(1)), &[]);
    before_its_report.add(Action::Register(node(1)), &[configured]);
    assert!(refusal(&before_its_report, &desired, &observed).contains("before the node is ready"));
}

#[test]
fn a_transport_node_is_removed_once_and_by_its_own_name() {
    let (desired, observed) = cloud(2, 2);
    let id = observed.transport_nodes.as_ref().unwrap().keys().next().unwrap().clone();
    let remove = |name: NodeName, id: &str, times: usize| {
        let mut graph = Graph::default();
        let mut needs = Vec::new();
        for _ in 0..times {
            needs = vec![graph.add(Action::Deregister { node: name.clone(), id: id.to_owned() }, &needs)];
        }
        graph
    };
    check(&remove(node(1), &id, 1), &desired, &observed).unwrap();
    refusal(&remove(node(1), &id, 2), &desired, &observed);
    refusal(&remove(node(2), &id, 1), &desired, &observed);
    refusal(&remove(node(1), "tn-9", 1), &desired, &observed);
}

#[test]
fn leaving_nsx_removes_what_is_there_and_no_node() {
    let (_, mut observed) = cloud(2, 2);
    let graph = plan_unregistered(&observed);
    assert!(graph.steps().iter().all(|step| matches!(step.action, Action::Deregister { .. })));
    assert_eq!(graph.steps().len(), 2);
    structure(&graph, &observed).unwrap();
    // Of a component that is gone with its VMs, what is in NSX goes too.
    observed.nodes = BTreeMap::new();
    assert_eq!(plan_without(&observed, &dhcp()).steps().len(), 2);
}
