//! Anti-affinity rules: when they are set, over whom, and when they go.

use super::cloud::{assert_settled, built, converge, sketch};
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;
use crate::plan::{Action, Graph, Scope, check, plan};
use crate::record::Record;
use crate::record::tests::sample;
use crate::release::KindId;

fn memcache() -> ComponentId {
    ComponentId::of(KindId::Memcache)
}

fn node(index: u32) -> NodeName {
    NodeName::new("prod", KindId::Memcache, index)
}

fn of(count: u32) -> Record {
    sample::with(&sample::bare(), KindId::Memcache, count)
}

fn grow(record: &Record, observed: &Observed) -> Graph {
    let desired = sketch(record);
    let graph = plan(&desired, observed, &Scope::Grow(memcache()));
    check(&graph, &desired, observed).unwrap();
    graph
}

/// The members of the rule that a plan sets.
fn rule_set(graph: &Graph) -> Option<Vec<NodeName>> {
    graph.steps().iter().find_map(|step| match &step.action {
        Action::SetRule { rule, members } => {
            assert_eq!(rule, "prod-memcache");
            Some(members.clone())
        }
        _ => None,
    })
}

fn removes_rule(graph: &Graph) -> bool {
    graph.steps().iter().any(|step| matches!(step.action, Action::RemoveRule(_)))
}

#[test]
fn one_node_has_no_rule() {
    assert_eq!(rule_set(&grow(&of(1), &built(&sample::bare()))), None);
    assert!(built(&of(1)).rules.is_empty());
}

#[test]
fn the_second_node_brings_the_rule_before_it_starts() {
    let graph = grow(&of(2), &built(&of(1)));
    assert_eq!(rule_set(&graph), Some(vec![node(1), node(2)]));
    let at = |wanted: &dyn Fn(&Action) -> bool| graph.steps().iter().position(|step| wanted(&step.action));
    let rule = at(&|action| matches!(action, Action::SetRule { .. })).unwrap();
    let start = at(&|action| *action == Action::PowerOn(node(2))).unwrap();
    assert!(graph.steps()[start].needs.contains(&rule));
}

#[test]
fn a_replaced_member_comes_back_into_the_rule() {
    let mut observed = built(&of(3));
    let gone = observed.nodes.remove(&node(2)).unwrap();
    observed.rules.get_mut("prod-memcache").unwrap().members.remove(&gone.moid);
    assert_eq!(rule_set(&grow(&of(3), &observed)), Some(vec![node(1), node(2), node(3)]));
}

#[test]
fn a_member_replaced_behind_our_back_comes_into_the_rule_without_a_clone() {
    let mut observed = built(&of(2));
    observed.nodes.get_mut(&node(2)).unwrap().moid = "vm-900".to_owned();
    let graph = grow(&of(2), &observed);
    assert_eq!(rule_set(&graph), Some(vec![node(1), node(2)]));
    assert_eq!(graph.steps().len(), 1);
}

#[test]
fn existing_nodes_get_the_rule_that_they_lack() {
    let mut observed = built(&of(2));
    observed.rules.clear();
    assert_eq!(rule_set(&grow(&of(2), &observed)), Some(vec![node(1), node(2)]));
    let mut disabled = built(&of(2));
    disabled.rules.get_mut("prod-memcache").unwrap().enabled = false;
    assert_eq!(rule_set(&grow(&of(2), &disabled)), Some(vec![node(1), node(2)]));
}

#[test]
fn a_rule_that_stands_is_left_alone() {
    assert!(grow(&of(3), &built(&of(3))).is_empty());
}

#[test]
fn the_rule_goes_with_the_second_last_node() {
    assert!(removes_rule(&grow(&of(1), &built(&of(2)))));
}

#[test]
fn the_rule_goes_with_its_component() {
    let (desired, observed) = (sketch(&sample::bare()), built(&of(2)));
    let graph = plan(&desired, &observed, &Scope::Shrink(memcache()));
    check(&graph, &desired, &observed).unwrap();
    assert!(removes_rule(&graph));
}

#[test]
fn turning_anti_affinity_off_and_on_changes_the_rules_at_once() {
    let on = sample::with(&of(3), KindId::Dhcp, 2);
    let mut settings = on.settings.clone();
    settings.anti_affinity = false;
    let off = on.with_settings(settings).unwrap();
    let mut observed = built(&on);
    for (record, rules) in [(off, 0), (on, 2)] {
        let desired = sketch(&record);
        let graph = plan(&desired, &observed, &Scope::Configuration);
        check(&graph, &desired, &observed).unwrap();
        super::model::perform_all(&graph, Some(&desired), &mut observed, 0);
        assert_eq!(observed.rules.len(), rules);
        assert_settled(&desired, &observed);
    }
}

#[test]
fn a_rule_is_left_to_whoever_makes_its_members() {
    let record = of(3);
    let (desired, mut observed) = (sketch(&record), built(&record));
    observed.nodes.remove(&node(3));
    observed.rules.clear();
    assert!(plan(&desired, &observed, &Scope::Configuration).is_empty());
    converge(&desired, &mut observed, 1);
    assert_settled(&desired, &observed);
}
