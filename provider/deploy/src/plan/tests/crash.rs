//! A run that dies after any step of any kind: the next one completes it, and a removal leaves nothing. The stories are
//! asked whether every kind of action is in them, so that a new one cannot be forgotten.

use std::collections::BTreeSet;

use super::cloud::Damage;
use super::cloud::{assert_settled, built, converge, damage, scopes, sketch};
use super::laws::remove_everything;
use super::model::{perform, perform_some};
use crate::desired::Desired;
use crate::observed::Observed;
use crate::plan::{Action, Scope, plan, plan_nothing};
use crate::record::Record;
use crate::record::tests::sample::{self, Change};
use crate::release::KindId;

/// What doing an action a second time comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// All is as after the first time.
    Same,
    /// vCenter would refuse it, so that a plan from a fresh look does not have it.
    NotPlanned,
}

/// The registry of kinds: the compiler asks for a new one here, and `every_kind_of_action_is_in_a_story` for its story.
macro_rules! registry {
    ($($kind:ident: $again:ident),* $(,)?) => {
        const KINDS: &[&str] = &[$(stringify!($kind)),*];

        fn kind(action: &Action) -> (&'static str, Again) {
            match action {
                $(Action::$kind { .. } => (stringify!($kind), Again::$again)),*
            }
        }
    };
}

registry! {
    CreateFolder: NotPlanned,
    CreatePool: NotPlanned,
    CreateImage: NotPlanned,
    AddImage: NotPlanned,
    MoveImage: NotPlanned,
    SnapshotImage: Same,
    Clone: NotPlanned,
    SetRule: Same,
    RemoveRule: Same,
    PowerOn: NotPlanned,
    Configure: Same,
    RepairFiles: Same,
    Drain: Same,
    Rename: Same,
    MoveToFolder: NotPlanned,
    MoveToPool: Same,
    Connect: Same,
    Resize: Same,
    Stop: NotPlanned,
    WaitReady: Same,
    Register: Same,
    Deregister: NotPlanned,
    Destroy: NotPlanned,
    RemoveImage: NotPlanned,
    DestroyImage: NotPlanned,
    DestroyPool: NotPlanned,
    DestroyFolder: NotPlanned,
}

/// What there is, and what is wanted; nothing is wanted of a deployment that is removed.
struct Story {
    name: &'static str,
    start: Observed,
    wanted: Option<Desired>,
}

/// How the steps of the first run are ordered, and those of the run after it.
const SEEDS: [(u64, u64); 2] = [(1, 2), (6, 3)];

/// A cloud under NSX in which each kind that is treated in its own way is there, small otherwise.
fn small() -> Record {
    let bare = sample::changed(&sample::bare(), &Change::Zone(Some("overlay".to_owned())));
    let kinds = [
        (KindId::LoadBalancer, 2),
        (KindId::Database, 3),
        (KindId::Memcache, 1),
        (KindId::Controller, 2),
        (KindId::Dhcp, 1),
    ];
    kinds.into_iter().fold(bare, |record, (kind, count)| sample::with(&record, kind, count))
}

fn large() -> Record {
    let kinds = [(KindId::Controller, 3), (KindId::Memcache, 2), (KindId::Dhcp, 2)];
    kinds.into_iter().fold(small(), |record, (kind, count)| sample::with(&record, kind, count))
}

/// The small cloud, whose files were edited on each node that `at` names.
fn edited(at: [usize; 2]) -> Observed {
    let mut observed = built(&small());
    for node in at {
        damage(&mut observed, &Damage::Edited, node);
    }
    observed
}

/// The template of the small cloud changes as it grows.
fn another_template() -> Story {
    let wanted = sketch(&sample::changed(&large(), &Change::Template("debian-13".to_owned())));
    Story { name: "another template", start: built(&small()), wanted: Some(wanted) }
}

/// The small cloud after its template has changed, with the adapters that it has in truth, in which somebody renamed,
/// moved and disconnected VMs.
fn displaced() -> Story {
    let record = sample::changed(&small(), &Change::Template("debian-13".to_owned()));
    let wanted = Desired::from_record(&record).unwrap();
    let mut start = Observed::default();
    converge(&wanted, &mut start, 1);
    let damages = [Damage::Renamed, Damage::LeftFolder, Damage::LeftPool, Damage::LaterImageMoved];
    for (at, what) in damages.iter().enumerate() {
        damage(&mut start, what, at);
    }
    let connected_twice = start.nodes.values_mut().find(|node| node.place.networks.len() > 1);
    connected_twice.unwrap().place.networks.pop();
    Story { name: "put back", start, wanted: Some(wanted) }
}

/// The small cloud after its template has changed twice: the image between is nobody's any more.
fn renewed() -> Observed {
    let mut observed = built(&small());
    let mut record = small();
    for template in ["debian-13", "debian-14"] {
        record = sample::changed(&record, &Change::Template(template.to_owned()));
        converge(&sketch(&record), &mut observed, 1);
    }
    assert_eq!(observed.later_images.len(), 2);
    observed
}

fn stories() -> Vec<Story> {
    let changed = |change: &Change| sketch(&sample::changed(&small(), change));
    let change =
        |name, change: &Change| Story { name, start: built(&small()), wanted: Some(changed(change)) };
    vec![
        Story { name: "create", start: Observed::default(), wanted: Some(sketch(&small())) },
        Story { name: "scale out", start: built(&small()), wanted: Some(sketch(&large())) },
        Story { name: "scale in", start: built(&large()), wanted: Some(sketch(&small())) },
        change("resize controllers", &Change::Resize(KindId::Controller, 7)),
        change("resize databases", &Change::Resize(KindId::Database, 7)),
        change("other name server", &Change::NameServer(9)),
        change("other zone", &Change::Zone(Some("other".to_owned()))),
        change("remove", &Change::Remove(KindId::Memcache)),
        another_template(),
        Story { name: "repair", start: edited([0, 4]), wanted: Some(sketch(&small())) },
        displaced(),
        Story { name: "destroy", start: built(&large()), wanted: None },
        Story { name: "destroy after another template", start: renewed(), wanted: None },
    ]
}

impl Story {
    /// A run that dies after so many steps: where it was, and what it did.
    fn run(&self, observed: &mut Observed, seed: u64, steps: usize) -> Vec<(Option<Scope>, Action)> {
        let mut done = Vec::new();
        let Some(desired) = &self.wanted else {
            let all = perform_some(&plan_nothing(observed), None, observed, seed, steps);
            return all.into_iter().map(|action| (None, action)).collect();
        };
        for scope in scopes(desired, observed, seed) {
            let graph = plan(desired, observed, &scope);
            let more = perform_some(&graph, Some(desired), observed, seed, steps - done.len());
            done.extend(more.into_iter().map(|action| (Some(scope.clone()), action)));
            if done.len() == steps {
                break;
            }
        }
        done
    }

    /// What the next plan has to do in a scope.
    fn planned(&self, scope: Option<&Scope>, observed: &Observed) -> Vec<Action> {
        let graph = match (&self.wanted, scope) {
            (Some(desired), Some(scope)) => plan(desired, observed, scope),
            _ => plan_nothing(observed),
        };
        graph.steps().iter().map(|step| step.action.clone()).collect()
    }

    /// A run that comes to its end, after which nothing is left to do.
    fn complete(&self, observed: &mut Observed, seed: u64) {
        let Some(desired) = &self.wanted else { return remove_everything(observed, seed) };
        converge(desired, observed, seed);
        assert_settled(desired, observed);
        for scope in scopes(desired, observed, seed) {
            assert!(plan(desired, observed, &scope).is_empty(), "{}: {scope:?}", self.name);
        }
    }
}

/// Each story, each order and each step: what the run did that died after that step, and what there was then.
fn after_each_step(look: impl Fn(&Story, &[(Option<Scope>, Action)], Observed, u64)) {
    for story in stories() {
        for (seed, next) in SEEDS {
            let all = story.run(&mut story.start.clone(), seed, usize::MAX).len();
            assert!(all > 0, "{}", story.name);
            for steps in 0..=all {
                let mut observed = story.start.clone();
                let done = story.run(&mut observed, seed, steps);
                look(&story, &done, observed, next);
            }
        }
    }
}

#[test]
fn every_kind_of_action_is_in_a_story() {
    let mut seen = BTreeSet::new();
    for story in stories() {
        let done = story.run(&mut story.start.clone(), SEEDS[0].0, usize::MAX);
        seen.extend(done.iter().map(|(_, action)| kind(action).0));
    }
    assert_eq!(seen, KINDS.iter().copied().collect());
}

#[test]
fn a_run_that_died_after_any_step_is_completed_by_the_next() {
    after_each_step(|story, _, mut observed, next| story.complete(&mut observed, next));
}

#[test]
fn what_a_run_left_that_died_after_any_step_goes_with_the_deployment() {
    after_each_step(|_, _, mut observed, next| remove_everything(&mut observed, next));
}

/// A run that dies before it can note a step does it again, unless the next look shows that it is done.
#[test]
fn a_step_done_twice_is_as_if_done_once() {
    after_each_step(|story, done, observed, _| {
        let Some((scope, action)) = done.last() else { return };
        match kind(action).1 {
            Again::Same => {
                let mut twice = observed.clone();
                perform(action, story.wanted.as_ref(), &mut twice);
                assert_eq!(format!("{twice:?}"), format!("{observed:?}"), "{}: {action}", story.name);
            }
            Again::NotPlanned => {
                let again = story.planned(scope.as_ref(), &observed);
                assert!(!again.contains(action), "{}: {action}", story.name);
            }
        }
    });
}
