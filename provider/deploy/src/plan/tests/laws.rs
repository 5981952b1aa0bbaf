//! Laws of planning over random clouds.

use proptest::prelude::*;

use super::cloud::{Case, any_case, assert_settled, converge, scopes};
use super::model::{perform_all, perform_some};
use crate::desired::Desired;
use crate::observed::Observed;
use crate::plan::check::structure;
use crate::plan::{Scope, check, plan, plan_nothing};
use crate::record::tests::sample;
use crate::release::KindId;

/// The largest number of steps that an interrupted run may have done.
const STEPS: usize = 120;

fn assert_nothing_left(observed: &Observed) {
    assert!(observed.nodes.is_empty() && observed.rules.is_empty());
    assert!(observed.image.is_none() && !observed.pool);
    assert_eq!(observed.folder, !observed.foreign.is_empty());
}

/// Removes everything; what is somebody else's keeps the folder.
fn remove_everything(observed: &mut Observed, seed: u64) {
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
    }
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
            if observed.image.is_some() || !matches!(scope, Scope::Grow(_)) {
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
    fn an_interrupted_removal_goes_on(case in any_case(), steps in 0..STEPS) {
        let mut observed = case.observed.clone();
        perform_some(&plan_nothing(&observed), None, &mut observed, case.seed, steps);
        remove_everything(&mut observed, case.seed.wrapping_add(1));
    }
}
