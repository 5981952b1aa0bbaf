//! Laws of planning over random clouds.

use proptest::prelude::*;

use super::cloud::{Case, any_case, assert_settled, built, converge, scopes, sketch};
use super::model::{perform_all, perform_some};
use crate::desired::Desired;
use crate::name::{ComponentId, FIRST_IMAGE};
use crate::observed::{LaterImage, Observed};
use crate::plan::check::structure;
use crate::plan::{Action, Scope, check, is_as_wanted, is_settled, plan, plan_nothing};
use crate::record::Record;
use crate::record::tests::sample::{self, Change};
use crate::release::KindId;

/// The largest number of steps that an interrupted run may have done.
const STEPS: usize = 120;

fn assert_nothing_left(observed: &Observed) {
    assert!(observed.nodes.is_empty() && observed.rules.is_empty());
    assert!(observed.image.is_none() && observed.later_images.is_empty() && !observed.pool);
    assert_eq!(observed.transport_nodes.iter().flatten().count(), 0);
    assert_eq!(observed.folder, !observed.foreign.is_empty());
}

/// Removes everything; what is somebody else's keeps the folder.
pub(super) fn remove_everything(observed: &mut Observed, seed: u64) {
    let had_folder = observed.folder;
    let graph = plan_nothing(observed);
    structure(&graph, observed).unwrap();
    perform_all(&graph, None, observed, seed);
    if had_folder {
        assert_nothing_left(observed);
    }
}

/// Carries the scopes out, and stops after so many steps in all.
fn converge_some(case: &Case, observed: &mut Observed, mut steps: usize) {
    for scope in scopes(&case.desired, observed, case.seed) {
        let graph = plan(&case.desired, observed, &scope);
        perform_some(&graph, Some(&case.desired), observed, case.seed, steps);
        steps = steps.saturating_sub(graph.steps().len());
        if steps == 0 {
            return;
        }
    }
}

#[test]
fn a_cloud_with_its_real_documents_becomes_as_wanted_and_is_then_left_alone() {
    let kinds = [(KindId::LoadBalancer, 2), (KindId::Database, 3), (KindId::MessageQueue, 2)];
    let small = kinds.into_iter().fold(sample::bare(), |record, (kind, n)| sample::with(&record, kind, n));
    let large = sample::with(&sample::with(&small, KindId::Memcache, 2), KindId::Database, 5);
    let mut observed = Observed::default();
    for record in [&small, &large, &small] {
        let desired = Desired::from_record(record).unwrap();
        converge(&desired, &mut observed, 4);
        assert_settled(&desired, &observed);
        assert!(scopes(&desired, &observed, 3).iter().all(|s| plan(&desired, &observed, s).is_empty()));
        // A VM that has left one of its networks is connected again, and nothing else is done.
        let (name, node) = observed.nodes.iter_mut().find(|(_, node)| node.place.networks.len() > 1).unwrap();
        let name = name.clone();
        node.place.networks.pop();
        assert!(!is_as_wanted(&desired.nodes[&name], &observed.nodes[&name]));
        let graph = plan(&desired, &observed, &Scope::Foundation);
        check(&graph, &desired, &observed).unwrap();
        assert_eq!(graph.steps().iter().map(|s| &s.action).collect::<Vec<_>>(), [&Action::Connect(name)]);
        perform_all(&graph, Some(&desired), &mut observed, 1);
        assert_settled(&desired, &observed);
    }
}

#[test]
fn a_node_is_settled_when_it_is_too_many_but_not_when_its_component_is_forgotten() {
    let record = sample::with(&sample::bare(), KindId::Memcache, 2);
    let observed = built(&record);
    let settled = |record: &Record| {
        let desired = sketch(record);
        observed.nodes.iter().map(|(name, node)| is_settled(&desired, name, node)).collect::<Vec<_>>()
    };
    assert_eq!(settled(&record), [true, true]);
    assert!(settled(&sample::with(&record, KindId::Memcache, 1))[1]);
    assert_eq!(settled(&record.without_component(&ComponentId::of(KindId::Memcache))), [false, false]);
}

#[test]
fn another_template_makes_an_image_for_new_nodes_and_touches_none_that_is_there() {
    let record = sample::with(&sample::bare(), KindId::Memcache, 2);
    let mut observed = built(&record);
    let nodes = format!("{:?}", observed.nodes);
    let record = sample::changed(&record, &Change::Template("debian-13".to_owned()));
    let desired = sketch(&record);
    let graph = plan(&desired, &observed, &Scope::Image);
    check(&graph, &desired, &observed).unwrap();
    let actions: Vec<&Action> = graph.steps().iter().map(|step| &step.action).collect();
    assert_eq!(actions, [&Action::AddImage(2), &Action::SnapshotImage(2)]);
    perform_all(&graph, Some(&desired), &mut observed, 1);
    for scope in scopes(&desired, &observed, 3) {
        assert!(plan(&desired, &observed, &scope).is_empty(), "{scope:?}");
    }
    assert_eq!(format!("{:?}", observed.nodes), nodes);
}

#[test]
fn an_image_that_nodes_may_hang_from_is_never_taken_for_another_template() {
    let record = sample::bare();
    let mut observed = built(&record);
    assert_eq!(observed.image_for(&record, &record.settings.template), FIRST_IMAGE);
    assert_eq!(observed.image_for(&record, "debian-13"), 2);
    // A run made it and died before its record said so: it is finished for that template, and left for any other.
    let left = LaterImage { template: "debian-13".to_owned(), ..LaterImage::default() };
    observed.later_images.insert(2, left);
    assert_eq!(observed.image_for(&record, "debian-13"), 2);
    assert_eq!(observed.image_for(&record, "debian-14"), 3);
    observed.foreign.insert("prod-image-3".to_owned());
    assert_eq!(observed.image_for(&record, "debian-14"), 4);
    // Back to a template that was left is forward to another image: it may have changed meanwhile.
    let renewed = sample::changed(&record, &Change::Template("debian-13".to_owned()));
    observed.foreign.clear();
    assert_eq!(observed.image_for(&renewed, &record.settings.template), 3);
    assert_eq!(observed.image_for(&renewed.with_image(u32::MAX), "debian-14"), u32::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_cloud_becomes_as_wanted_and_is_then_left_alone(case in any_case()) {
        let Case { desired, mut observed, seed } = case;
        converge(&desired, &mut observed, seed);
        assert_settled(&desired, &observed);
        let mut all = scopes(&desired, &observed, seed);
        all.push(Scope::Configuration);
        for scope in all {
            let again = plan(&desired, &observed, &scope);
            prop_assert!(again.is_empty(), "{:?}: {:?}", scope, again);
        }
    }

    #[test]
    fn every_scope_of_any_cloud_is_safe_by_itself(case in any_case()) {
        let Case { desired, observed, seed } = case;
        for scope in scopes(&desired, &observed, seed).into_iter().chain([Scope::Configuration]) {
            let graph = plan(&desired, &observed, &scope);
            if observed.has_image(desired.image) || !matches!(scope, Scope::Grow(_)) {
                check(&graph, &desired, &observed).unwrap();
            }
        }
    }

    #[test]
    fn nothing_is_left_of_any_cloud(case in any_case()) {
        let Case { desired: _, mut observed, seed } = case;
        remove_everything(&mut observed, seed);
        prop_assert!(plan_nothing(&observed).is_empty());
    }

    #[test]
    fn an_interrupted_run_goes_on_or_goes_away(case in any_case(), steps in 0..STEPS) {
        let mut observed = case.observed.clone();
        converge_some(&case, &mut observed, steps);
        let mut removed = observed.clone();
        remove_everything(&mut removed, case.seed);
        converge(&case.desired, &mut observed, case.seed.wrapping_add(1));
        assert_settled(&case.desired, &observed);
    }

    #[test]
    fn wherever_a_run_was_interrupted_nodes_that_are_all_as_wanted_have_nothing_to_come(
        case in any_case(),
        steps in 0..STEPS,
    ) {
        let mut observed = case.observed.clone();
        converge_some(&case, &mut observed, steps);
        let Case { desired, seed, .. } = case;
        let judged = |(name, wanted)| observed.nodes.get(name).is_some_and(|node| is_as_wanted(wanted, node));
        let whole = desired.nodes.iter().all(judged);
        let changes = |action: &Action| {
            action.node().is_some_and(|name| desired.nodes.contains_key(name))
                && !matches!(action, Action::Register(_) | Action::Deregister { .. })
        };
        for scope in scopes(&desired, &observed, seed).into_iter().chain([Scope::Configuration]) {
            let graph = plan(&desired, &observed, &scope);
            let busy = graph.steps().iter().any(|step| changes(&step.action));
            prop_assert!(!(whole && busy), "{:?}: {:?}", scope, graph);
        }
    }

    #[test]
    fn an_interrupted_removal_goes_on(case in any_case(), steps in 0..STEPS) {
        let mut observed = case.observed.clone();
        perform_some(&plan_nothing(&observed), None, &mut observed, case.seed, steps);
        remove_everything(&mut observed, case.seed.wrapping_add(1));
    }
}
