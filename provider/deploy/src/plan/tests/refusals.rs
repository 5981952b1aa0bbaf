//! Plans changed to be wrong are refused: the check is not empty.

use std::collections::BTreeMap;

use super::cloud::{built, sketch};
use super::model::report;
use crate::desired::Desired;
use crate::error::Error;
use crate::name::{ComponentId, FIRST_IMAGE, NodeName};
use crate::observed::{LaterImage, Observed};
use crate::plan::check::structure;
use crate::plan::{Action, Graph, Scope, Step, StepId, check, plan, plan_nothing};
use crate::record::tests::sample;
use crate::release::{KindId, Network};
use crate::render::{Nic, Phase};

fn database() -> ComponentId {
    ComponentId::of(KindId::Database)
}

fn node(index: u32) -> NodeName {
    NodeName::new("prod", KindId::Database, index)
}

/// Databases as they are built, and as they are wanted: all to be resized.
fn databases(built_count: u32, wanted_count: u32) -> (Desired, Observed) {
    let record = sample::with(&sample::bare(), KindId::Database, built_count);
    let mut component = record.components[&database()].component.clone();
    (component.node_count, component.size.memory_mib) = (wanted_count, 2048);
    let wanted = record.with_component(sample::release(&record), &database(), component).unwrap();
    (sketch(&wanted), built(&record))
}

fn from_steps(steps: impl IntoIterator<Item = Step>) -> Graph {
    let mut graph = Graph::default();
    for step in steps {
        graph.add(step.action, &step.needs);
    }
    graph
}

/// Which steps come before which, however it is said.
fn closure(graph: &Graph) -> Vec<Vec<bool>> {
    let mut all: Vec<Vec<bool>> = Vec::new();
    for step in graph.steps() {
        let mut before = vec![false; graph.steps().len()];
        for need in &step.needs {
            before[*need] = true;
            for (id, earlier) in all[*need].iter().enumerate() {
                before[id] |= *earlier;
            }
        }
        all.push(before);
    }
    all
}

/// Every plan that lacks one of the needs, where that changes the order.
pub(super) fn without_one_need(graph: &Graph) -> Vec<(String, Graph)> {
    let mut weaker = Vec::new();
    for (id, step) in graph.steps().iter().enumerate() {
        for need in &step.needs {
            let mut steps = graph.steps().to_vec();
            steps[id].needs.retain(|other| other != need);
            let what = format!("{} without {}", step.action, graph.steps()[*need].action);
            weaker.push((what, from_steps(steps)));
        }
    }
    weaker.retain(|(_, weak)| closure(weak) != closure(graph));
    assert!(!weaker.is_empty());
    weaker
}

pub(super) fn assert_every_need_counts(desired: &Desired, observed: &Observed, scope: &Scope) {
    let graph = plan(desired, observed, scope);
    check(&graph, desired, observed).unwrap();
    for (what, weak) in without_one_need(&graph) {
        let judged = check(&weak, desired, observed);
        assert!(matches!(judged, Err(Error::UnsafePlan(_))), "{what}");
    }
}

#[test]
fn every_need_counts_when_a_cluster_is_made() {
    let (desired, mut observed) = databases(3, 3);
    (observed.nodes, observed.rules) = (BTreeMap::new(), BTreeMap::new());
    assert_every_need_counts(&desired, &observed, &Scope::Grow(database()));
}

#[test]
fn every_need_counts_when_a_member_is_replaced() {
    let (desired, mut observed) = databases(3, 3);
    observed.nodes.remove(&node(2));
    assert_every_need_counts(&desired, &observed, &Scope::Grow(database()));
}

#[test]
fn every_need_counts_when_a_cluster_is_resized() {
    let (desired, observed) = databases(3, 3);
    assert_every_need_counts(&desired, &observed, &Scope::Mend(database()));
}

#[test]
fn every_need_counts_when_a_cluster_with_a_member_down_is_resized() {
    let (desired, mut observed) = databases(3, 3);
    let down = observed.nodes.get_mut(&node(3)).unwrap();
    (down.powered_on, down.status) = (false, None);
    assert_every_need_counts(&desired, &observed, &Scope::Mend(database()));
}

#[test]
fn every_need_counts_when_a_cluster_shrinks() {
    let (desired, observed) = databases(5, 3);
    assert_every_need_counts(&desired, &observed, &Scope::Shrink(database()));
}

#[test]
fn every_need_counts_when_the_foundation_is_made() {
    let (mut desired, mut observed) = databases(3, 3);
    assert_every_need_counts(&desired, &Observed::default(), &Scope::Foundation);
    desired.image = 2;
    assert_every_need_counts(&desired, &Observed::default(), &Scope::Foundation);
    observed.folder = false;
    observed.later_images.insert(2, LaterImage::default());
    assert_every_need_counts(&desired, &observed, &Scope::Image);
}

#[test]
fn every_need_counts_when_everything_goes() {
    let (_, mut observed) = databases(3, 3);
    observed.later_images.insert(2, LaterImage::default());
    // When a rule goes is nobody's business.
    observed.rules.clear();
    let graph = plan_nothing(&observed);
    structure(&graph, &observed).unwrap();
    for (what, weak) in without_one_need(&graph) {
        assert!(structure(&weak, &observed).is_err(), "{what}");
    }
}

pub(super) fn refusal(graph: &Graph, desired: &Desired, observed: &Observed) -> String {
    match check(graph, desired, observed) {
        Err(Error::UnsafePlan(why)) => why,
        other => panic!("{other:?} for {graph:?}"),
    }
}

#[test]
fn no_step_is_done_twice() {
    let (desired, observed) = databases(1, 3);
    for scope in [Scope::Grow(database()), Scope::Mend(database())] {
        let graph = plan(&desired, &observed, &scope);
        for id in 0..graph.steps().len() {
            // A second wait, or giving the same configuration again behind the first, harms nobody.
            if matches!(graph.steps()[id].action, Action::WaitReady(_) | Action::Configure(_)) {
                continue;
            }
            let mut steps = graph.steps().to_vec();
            let last = steps.len() - 1;
            steps.push(Step { action: steps[id].action.clone(), needs: (0..=last).collect() });
            refusal(&from_steps(steps), &desired, &observed);
        }
    }
    let mut twice = plan(&desired, &Observed::default(), &Scope::Foundation);
    let all: Vec<StepId> = (0..twice.steps().len()).collect();
    twice.add(Action::CreatePool, &all);
    assert!(refusal(&twice, &desired, &Observed::default()).contains("twice"));
}

#[test]
fn a_step_waits_only_for_earlier_ones() {
    let (desired, observed) = databases(3, 3);
    let mut graph = Graph::default();
    graph.add(Action::Configure(node(1)), &[0]);
    assert!(refusal(&graph, &desired, &observed).contains("later"));
}

#[test]
fn nothing_happens_to_a_node_before_it_exists_or_in_the_wrong_state() {
    let (desired, observed) = databases(1, 3);
    let (present, absent) = (node(1), node(2));
    let wrong = [
        vec![Action::Configure(absent.clone())],
        vec![Action::PowerOn(absent.clone())],
        vec![Action::Destroy(absent.clone())],
        vec![Action::Configure(absent.clone()), Action::Clone(absent.clone())],
        vec![Action::Clone(present.clone())],
        vec![Action::PowerOn(present.clone())],
        vec![Action::Resize(present.clone())],
        vec![Action::Destroy(present.clone())],
        vec![Action::Clone(absent.clone()), Action::WaitReady(absent)],
        vec![Action::Stop(present.clone()), Action::Stop(present)],
    ];
    for actions in wrong {
        let mut graph = Graph::default();
        for (id, action) in actions.into_iter().enumerate() {
            let all: Vec<StepId> = (0..id).collect();
            graph.add(action, &all);
        }
        assert!(refusal(&graph, &desired, &observed).contains("exist"));
    }
}

#[test]
fn a_node_is_not_cloned_without_an_image() {
    let (mut desired, mut observed) = databases(1, 3);
    desired.image = 2;
    let graph = plan(&desired, &observed, &Scope::Grow(database()));
    assert!(refusal(&graph, &desired, &observed).contains("without image 2"));
    (desired.image, observed.image) = (FIRST_IMAGE, None);
    let graph = plan(&desired, &observed, &Scope::Grow(database()));
    assert!(refusal(&graph, &desired, &observed).contains("image"));
}

#[test]
fn two_members_are_not_disturbed_at_once_even_one_after_another() {
    let (desired, observed) = databases(3, 3);
    let mut together = Graph::default();
    for index in [1, 2] {
        let configured = together.add(Action::Configure(node(index)), &[]);
        together.add(Action::WaitReady(node(index)), &[configured]);
    }
    assert!(refusal(&together, &desired, &observed).contains("at the same time"));
    let mut without_waiting = Graph::default();
    let first = without_waiting.add(Action::Configure(node(1)), &[]);
    without_waiting.add(Action::Configure(node(2)), &[first]);
    assert!(refusal(&without_waiting, &desired, &observed).contains("at the same time"));
}

#[test]
fn a_ready_member_is_not_disturbed_while_another_is_not() {
    let (desired, observed) = databases(3, 3);
    let mut graph = Graph::default();
    graph.add(Action::Configure(node(1)), &[]);
    check(&graph, &desired, &observed).unwrap();
    let (mut missing, mut stopped, mut failed) = (observed.clone(), observed.clone(), observed);
    missing.nodes.remove(&node(3));
    stopped.nodes.get_mut(&node(3)).unwrap().powered_on = false;
    failed.nodes.get_mut(&node(3)).unwrap().status = Some(report("", Phase::Failed));
    for hurt in [missing, stopped, failed] {
        assert!(refusal(&graph, &desired, &hurt).contains("is not ready"));
    }
}

#[test]
fn no_address_is_given_twice() {
    let (mut desired, observed) = databases(3, 3);
    let nothing = Graph::default();
    check(&nothing, &desired, &observed).unwrap();
    let taken = desired.nodes[&node(1)].addresses.management;
    let second = desired.nodes.get_mut(&node(2)).unwrap();
    let own = std::mem::replace(&mut second.addresses.management, taken);
    assert!(refusal(&nothing, &desired, &observed).contains(&taken.to_string()));
    desired.nodes.get_mut(&node(2)).unwrap().addresses.management = own;
    desired.internal_vip = own;
    assert!(refusal(&nothing, &desired, &observed).contains("the internal VIP"));
}

#[test]
fn no_two_adapters_have_one_mac_address() {
    let (mut desired, observed) = databases(3, 3);
    for index in [1, 3] {
        let nic = Nic { network: Network::Management, mac: "00:50:56:00:00:01".to_owned() };
        desired.nodes.get_mut(&node(index)).unwrap().nics.push((nic, "net".to_owned()));
    }
    let why = refusal(&Graph::default(), &desired, &observed);
    assert!(why.contains("00:50:56:00:00:01") && why.contains("database-03"), "{why}");
}

#[test]
fn a_rule_names_what_exists_and_what_is_wanted() {
    let (desired, observed) = databases(3, 3);
    let set = |rule: &str, members: &[u32]| {
        let members = members.iter().map(|index| node(*index)).collect();
        let mut graph = Graph::default();
        graph.add(Action::SetRule { rule: rule.to_owned(), members }, &[]);
        graph
    };
    check(&set("prod-database", &[1, 2, 3]), &desired, &observed).unwrap();
    for wrong in [
        set("prod-database", &[1, 2]),
        set("prod-database", &[1]),
        set("prod-database", &[1, 2, 3, 4]),
        set("prod-memcache", &[1, 2, 3]),
    ] {
        refusal(&wrong, &desired, &observed);
    }
}

#[test]
fn a_component_that_goes_as_a_whole_has_no_quorum_to_keep() {
    let (_, observed) = databases(3, 3);
    let desired = sketch(&sample::bare());
    let graph = plan(&desired, &observed, &Scope::Shrink(database()));
    check(&graph, &desired, &observed).unwrap();
    let stops = graph.steps().iter().filter(|step| matches!(step.action, Action::Stop(_)));
    assert!(stops.clone().count() == 3 && stops.clone().all(|step| step.needs.is_empty()));
}
