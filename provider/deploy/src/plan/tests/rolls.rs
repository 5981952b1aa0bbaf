//! Changes that roll through a component: who comes first, who waits, who is left alone.

use super::cloud::{built, sketch};
use super::model::report;
use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::{Node, Observed};
use crate::plan::{Action, Graph, Scope, check, plan};
use crate::record::tests::sample;
use crate::release::KindId;
use crate::render::Phase;

fn id(kind: KindId) -> ComponentId {
    ComponentId::of(kind)
}

fn node(kind: KindId, index: u32) -> NodeName {
    NodeName::new("prod", kind, index)
}

/// Three members whose configuration is about to change.
fn stale(kind: KindId) -> (Desired, Observed) {
    let record = sample::with(&sample::bare(), kind, 3);
    let mut settings = record.settings.clone();
    settings.management.dns_servers = vec!["198.18.0.99".to_owned()];
    (sketch(&record.with_settings(settings).unwrap()), built(&record))
}

fn planned(desired: &Desired, observed: &Observed, scope: &Scope) -> Graph {
    let graph = plan(desired, observed, scope);
    check(&graph, desired, observed).unwrap();
    graph
}

fn down(node: &mut Node) {
    (node.powered_on, node.status) = (false, None);
}

fn texts(graph: &Graph) -> Vec<String> {
    graph.steps().iter().map(|step| format!("{} {:?}", step.action, step.needs)).collect()
}

#[test]
fn a_member_that_is_down_comes_back_before_a_ready_one_is_touched() {
    let (desired, mut observed) = stale(KindId::Database);
    down(observed.nodes.get_mut(&node(KindId::Database, 3)).unwrap());
    assert_eq!(
        texts(&planned(&desired, &observed, &Scope::Mend(id(KindId::Database)))),
        [
            "configure `prod-database-03` []",
            "power on `prod-database-03` [0]",
            "wait for `prod-database-03` to be ready [1]",
            "configure `prod-database-02` [2]",
            "wait for `prod-database-02` to be ready [3]",
            "configure `prod-database-01` [4]",
            "wait for `prod-database-01` to be ready [5]",
        ]
    );
}

#[test]
fn a_cluster_that_is_down_as_a_whole_starts_as_a_whole() {
    let (desired, mut observed) = stale(KindId::MessageQueue);
    observed.nodes.values_mut().for_each(down);
    let graph = planned(&desired, &observed, &Scope::Mend(id(KindId::MessageQueue)));
    let first_waits = graph.steps().iter().position(|step| matches!(step.action, Action::WaitReady(_)));
    let of_others = |step: &crate::plan::Step| {
        step.needs.iter().any(|need| graph.steps()[*need].action.node() != step.action.node())
    };
    assert!(first_waits.is_some() && !graph.steps().iter().any(of_others), "{graph:?}");
}

#[test]
fn a_failed_member_is_mended_before_a_ready_one_is_touched() {
    let (desired, mut observed) = stale(KindId::Database);
    let failed = observed.nodes.get_mut(&node(KindId::Database, 2)).unwrap();
    failed.status = Some(report(&failed.revision, Phase::Failed));
    let graph = planned(&desired, &observed, &Scope::Mend(id(KindId::Database)));
    assert_eq!(graph.steps()[0].action, Action::Configure(node(KindId::Database, 2)));
}

#[test]
fn a_quorum_that_lacks_a_member_is_left_alone_by_others() {
    let (desired, observed) = stale(KindId::Database);
    let (mut missing, mut stopped) = (observed.clone(), observed);
    missing.nodes.remove(&node(KindId::Database, 1));
    down(stopped.nodes.get_mut(&node(KindId::Database, 1)).unwrap());
    assert!(planned(&desired, &missing, &Scope::Configuration).is_empty());
    assert!(planned(&desired, &missing, &Scope::Mend(id(KindId::Database))).is_empty());
    assert_eq!(
        texts(&planned(&desired, &stopped, &Scope::Configuration)),
        ["configure `prod-database-01` []"]
    );
}

#[test]
fn others_are_told_although_one_of_them_is_down() {
    let (desired, mut observed) = stale(KindId::LoadBalancer);
    down(observed.nodes.get_mut(&node(KindId::LoadBalancer, 1)).unwrap());
    assert_eq!(
        texts(&planned(&desired, &observed, &Scope::Configuration)),
        [
            "configure `prod-load-balancer-01` []",
            "configure `prod-load-balancer-02` []",
            "wait for `prod-load-balancer-02` to be ready [1]",
            "configure `prod-load-balancer-03` [2]",
            "wait for `prod-load-balancer-03` to be ready [3]",
        ]
    );
}

#[test]
fn a_member_that_is_still_starting_is_awaited_before_a_ready_one_is_told() {
    let (desired, mut observed) = stale(KindId::Database);
    let starting = observed.nodes.get_mut(&node(KindId::Database, 3)).unwrap();
    let document = &desired.nodes[&node(KindId::Database, 3)].document;
    (starting.revision, starting.told) = (document.revision.clone(), document.revision.clone());
    starting.files_digest.clone_from(&document.files_digest);
    starting.status = Some(report(&starting.revision, Phase::Applying));
    let graph = planned(&desired, &observed, &Scope::Configuration);
    assert_eq!(graph.steps()[0].action, Action::WaitReady(node(KindId::Database, 3)));
    assert_eq!(graph.steps()[1].needs, [0]);
}

#[test]
fn members_leave_only_a_cluster_that_is_whole() {
    let built_record = sample::with(&sample::bare(), KindId::Database, 5);
    let desired = sketch(&sample::with(&built_record, KindId::Database, 3));
    let shrink = Scope::Shrink(id(KindId::Database));
    let observed = built(&built_record);
    let (mut missing, mut starting) = (observed.clone(), observed.clone());
    missing.nodes.remove(&node(KindId::Database, 1));
    assert!(planned(&desired, &missing, &shrink).is_empty());
    starting.nodes.get_mut(&node(KindId::Database, 1)).unwrap().status = None;
    let graph = planned(&desired, &starting, &shrink);
    assert_eq!(graph.steps()[0].action, Action::WaitReady(node(KindId::Database, 1)));
    assert_eq!(graph.steps()[1].needs, [0]);
    assert_eq!(planned(&desired, &observed, &shrink).steps().len(), 4);
}

#[test]
fn dependants_learn_of_a_component_after_it_is_mended() {
    let lone = sample::with(&sample::bare(), KindId::LoadBalancer, 2);
    let both = sample::with(&lone, KindId::Memcache, 2);
    let (desired, mut observed) = (sketch(&both), built(&both));
    for name in [node(KindId::LoadBalancer, 1), node(KindId::Memcache, 1)] {
        observed.nodes.get_mut(&name).unwrap().revision = "old".to_owned();
    }
    assert_eq!(
        texts(&planned(&desired, &observed, &Scope::Mend(id(KindId::Memcache)))),
        [
            "configure `prod-memcache-01` []",
            "wait for `prod-memcache-01` to be ready [0]",
            "configure `prod-load-balancer-01` [1]",
            "wait for `prod-load-balancer-01` to be ready [2]",
        ]
    );
}
