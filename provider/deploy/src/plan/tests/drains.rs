//! What stands behind the load balancers leaves them before it changes.

use super::cloud::{assert_settled, built, converge, sketch};
use super::model::{perform_some, report};
use super::refusals::assert_every_need_counts;
use crate::desired::Desired;
use crate::name::{ComponentId, NodeName};
use crate::observed::Observed;
use crate::plan::{Action, Graph, Scope, check, plan};
use crate::record::Record;
use crate::record::tests::sample;
use crate::release::KindId;
use crate::render::Phase;

fn id(kind: KindId) -> ComponentId {
    ComponentId::of(kind)
}

fn node(kind: KindId, index: u32) -> NodeName {
    NodeName::new("prod", kind, index)
}

/// Load balancers and nodes behind them, as they are built.
fn cloud(balancers: u32, kind: KindId, count: u32) -> Record {
    sample::with(&sample::with(&sample::bare(), KindId::LoadBalancer, balancers), kind, count)
}

/// The nodes of a kind are to be resized.
fn resized(record: &Record, kind: KindId) -> Desired {
    sketch(&sample::changed(record, &sample::Change::Resize(kind, 7)))
}

/// Every node is to have another configuration.
fn renamed(record: &Record) -> Desired {
    sketch(&sample::changed(record, &sample::Change::NameServer(99)))
}

fn planned(desired: &Desired, observed: &Observed, scope: &Scope) -> Graph {
    let graph = plan(desired, observed, scope);
    check(&graph, desired, observed).unwrap();
    graph
}

fn texts(graph: &Graph) -> Vec<String> {
    graph.steps().iter().map(|step| format!("{} {:?}", step.action, step.needs)).collect()
}

/// The nodes that are drained at a load balancer, in this order.
fn drained(graph: &Graph, at: &NodeName) -> Vec<String> {
    let out = graph.steps().iter().filter_map(|step| match &step.action {
        Action::Drain { balancer, node } if balancer == at => Some(node.to_string()),
        _ => None,
    });
    out.collect()
}

/// How often a load balancer is given a configuration.
fn writes(graph: &Graph, at: &NodeName) -> usize {
    let to = |action: &Action| action.node() == Some(at) && !matches!(action, Action::WaitReady(_));
    graph.steps().iter().filter(|step| to(&step.action)).count()
}

#[test]
fn controllers_leave_each_load_balancer_before_they_are_resized_and_come_back_with_the_next() {
    let record = cloud(2, KindId::Controller, 2);
    let mend = Scope::Mend(id(KindId::Controller));
    let graph = planned(&resized(&record, KindId::Controller), &built(&record), &mend);
    assert_eq!(
        texts(&graph),
        [
            "drain `prod-controller-01` at `prod-load-balancer-01` []",
            "wait for `prod-load-balancer-01` to be ready [0]",
            "drain `prod-controller-01` at `prod-load-balancer-02` [1]",
            "wait for `prod-load-balancer-02` to be ready [2]",
            "shut down `prod-controller-01` [3]",
            "resize `prod-controller-01` [4]",
            "power on `prod-controller-01` [5]",
            "wait for `prod-controller-01` to be ready [6]",
            "drain `prod-controller-02` at `prod-load-balancer-01` [7]",
            "wait for `prod-load-balancer-01` to be ready [8]",
            "drain `prod-controller-02` at `prod-load-balancer-02` [9]",
            "wait for `prod-load-balancer-02` to be ready [10]",
            "shut down `prod-controller-02` [11]",
            "resize `prod-controller-02` [12]",
            "power on `prod-controller-02` [13]",
            "wait for `prod-controller-02` to be ready [14]",
            "configure `prod-load-balancer-01` [15]",
            "wait for `prod-load-balancer-01` to be ready [16]",
            "configure `prod-load-balancer-02` [17]",
            "wait for `prod-load-balancer-02` to be ready [18]",
        ]
    );
}

#[test]
fn a_roll_of_n_nodes_costs_n_and_one_configurations_of_each_load_balancer() {
    let record = sample::with(&cloud(3, KindId::Controller, 5), KindId::ObjectStorage, 4);
    let graph = planned(&renamed(&record), &built(&record), &Scope::Configuration);
    for index in 1..=3 {
        let balancer = node(KindId::LoadBalancer, index);
        assert_eq!(drained(&graph, &balancer).len(), 9);
        assert_eq!(writes(&graph, &balancer), 10);
    }
}

#[test]
fn the_writer_of_the_database_changes_last_and_alone_is_drained() {
    let record = cloud(1, KindId::Database, 3);
    let mend = Scope::Mend(id(KindId::Database));
    let graph = planned(&resized(&record, KindId::Database), &built(&record), &mend);
    let stopped: Vec<String> = graph.steps().iter().map(|step| step.action.to_string()).collect();
    let stopped: Vec<&String> = stopped.iter().filter(|text| text.starts_with("shut down")).collect();
    assert_eq!(
        stopped,
        ["shut down `prod-database-02`", "shut down `prod-database-03`", "shut down `prod-database-01`"]
    );
    assert_eq!(drained(&graph, &node(KindId::LoadBalancer, 1)), ["prod-database-01"]);
}

#[test]
fn a_standby_is_drained_when_the_load_balancers_may_be_using_it() {
    let record = cloud(1, KindId::Database, 3);
    let mut observed = built(&record);
    let balancer = observed.nodes.get_mut(&node(KindId::LoadBalancer, 1)).unwrap();
    balancer.revision = format!("{}+prod-database-01", balancer.revision);
    balancer.status = Some(report(&balancer.revision, Phase::Ready));
    let mend = Scope::Mend(id(KindId::Database));
    let graph = planned(&resized(&record, KindId::Database), &observed, &mend);
    let out = drained(&graph, &node(KindId::LoadBalancer, 1));
    assert_eq!(out, ["prod-database-02", "prod-database-01"]);
}

#[test]
fn what_is_alone_or_has_no_ready_peer_changes_without_being_drained() {
    let mend = Scope::Mend(id(KindId::Controller));
    let balancer = node(KindId::LoadBalancer, 1);
    let alone = cloud(2, KindId::Controller, 1);
    let graph = planned(&resized(&alone, KindId::Controller), &built(&alone), &mend);
    assert_eq!((graph.steps().len(), writes(&graph, &balancer)), (4, 0));

    let record = cloud(2, KindId::Controller, 2);
    let mut observed = built(&record);
    observed.nodes.remove(&node(KindId::Controller, 2));
    let graph = planned(&resized(&record, KindId::Controller), &observed, &mend);
    assert_eq!((graph.steps().len(), writes(&graph, &balancer)), (4, 0));

    let mut observed = built(&record);
    let starting = observed.nodes.get_mut(&node(KindId::Controller, 2)).unwrap();
    starting.status = None;
    let desired = resized(&record, KindId::Controller);
    // The one that is not ready needs none; it serves by the time that the other one changes.
    assert_eq!(drained(&planned(&desired, &observed, &mend), &balancer), ["prod-controller-01"]);
}

#[test]
fn a_load_balancer_that_is_down_is_not_waited_for_and_one_that_starts_is() {
    let record = cloud(2, KindId::Controller, 2);
    let mut observed = built(&record);
    let (one, two) = (node(KindId::LoadBalancer, 1), node(KindId::LoadBalancer, 2));
    observed.nodes.get_mut(&one).unwrap().status = None;
    let down = observed.nodes.get_mut(&two).unwrap();
    (down.powered_on, down.status) = (false, None);
    let mend = Scope::Mend(id(KindId::Controller));
    let graph = planned(&resized(&record, KindId::Controller), &observed, &mend);
    assert_eq!((writes(&graph, &one), writes(&graph, &two)), (3, 0));
}

#[test]
fn what_goes_is_out_of_every_load_balancer_first() {
    let record = cloud(2, KindId::Controller, 3);
    let observed = built(&record);
    let desired = sketch(&sample::with(&record, KindId::Controller, 2));
    assert_eq!(
        texts(&planned(&desired, &observed, &Scope::Shrink(id(KindId::Controller)))),
        [
            "configure `prod-load-balancer-01` []",
            "wait for `prod-load-balancer-01` to be ready [0]",
            "configure `prod-load-balancer-02` [1]",
            "wait for `prod-load-balancer-02` to be ready [2]",
            "shut down `prod-controller-03` [3]",
            "destroy `prod-controller-03` [4]",
        ]
    );
}

#[test]
fn a_roll_that_ends_anywhere_is_healed_by_the_next() {
    let record = sample::with(&cloud(2, KindId::Controller, 2), KindId::Database, 3);
    let desired = resized(&sample::changed(&record, &sample::Change::NameServer(99)), KindId::Controller);
    let built = built(&record);
    let scopes = [Scope::Configuration, Scope::Mend(id(KindId::Controller))];
    for scope in scopes {
        let graph = planned(&desired, &built, &scope);
        for steps in 0..graph.steps().len() {
            let mut observed = built.clone();
            perform_some(&graph, Some(&desired), &mut observed, 3, steps);
            converge(&desired, &mut observed, 2);
            assert_settled(&desired, &observed);
        }
    }
}

#[test]
fn every_need_of_a_roll_counts() {
    let record = cloud(2, KindId::Controller, 2);
    let desired = resized(&record, KindId::Controller);
    assert_every_need_counts(&desired, &built(&record), &Scope::Mend(id(KindId::Controller)));
    assert_every_need_counts(&renamed(&record), &built(&record), &Scope::Configuration);
}

fn from(actions: &[Action]) -> Graph {
    let mut graph = Graph::default();
    for (id, action) in actions.iter().enumerate() {
        graph.add(action.clone(), &(0..id).collect::<Vec<_>>());
    }
    graph
}

#[test]
fn plans_that_disturb_what_users_are_sent_to_are_refused() {
    let record = cloud(1, KindId::Controller, 2);
    let (desired, observed) = (resized(&record, KindId::Controller), built(&record));
    let (balancer, one, two) =
        (node(KindId::LoadBalancer, 1), node(KindId::Controller, 1), node(KindId::Controller, 2));
    let drain = |node: &NodeName| Action::Drain { balancer: balancer.clone(), node: node.clone() };
    let (wait, heal) = (Action::WaitReady(balancer.clone()), Action::Configure(balancer.clone()));
    let change = |node: &NodeName| [Action::Configure(node.clone()), Action::WaitReady(node.clone())];
    let roll = |first: &[Action], last: &[Action]| from(&[first, &change(&one), last].concat());
    let good = roll(&[drain(&one), wait.clone()], &[heal.clone(), wait.clone()]);
    check(&good, &desired, &observed).unwrap();
    let early = [drain(&one), wait.clone(), heal.clone(), wait.clone()];
    let at_once = [change(&one), change(&two)].concat();
    for (wrong, why) in [
        (roll(&[], &[]), "before it is drained"),
        (roll(&[drain(&one)], &[wait.clone(), heal.clone(), wait.clone()]), "may send it something"),
        (roll(&[drain(&two), wait.clone()], &[heal.clone(), wait.clone()]), "before it is drained"),
        (roll(&early, &[]), "before it is drained"),
        (roll(&[drain(&one), wait.clone()], &[]), "left with a node drained"),
        (from(&[drain(&balancer), wait.clone(), heal.clone(), wait.clone()]), "not behind it"),
        (from(&at_once), "before it is drained"),
    ] {
        let refused = check(&wrong, &desired, &observed).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused} for {wrong:?}");
    }
    let alone = cloud(1, KindId::Controller, 1);
    let graph = roll(&[drain(&one), wait.clone()], &[heal, wait]);
    let refused = check(&graph, &sketch(&alone), &built(&alone)).unwrap_err().to_string();
    assert!(refused.contains("no other serves"), "{refused}");
}
