//! Clouds as they are wanted and as they are found.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use proptest::prelude::*;

use super::model::{perform_all, report};
use crate::desired::{Desired, DesiredNode};
use crate::name::{ComponentId, NodeName};
use crate::observed::{Observed, Rule};
use crate::plan::{Scope, check, plan};
use crate::record::Record;
use crate::record::tests::sample;
use crate::release::{KindId, Release};
use crate::render::{Encoded, Phase};

/// What a record asks for, with the gist of each document in place of the document: rendering is tested elsewhere, and
/// planning reads only the revision.
pub(super) fn sketch(record: &Record) -> Desired {
    let release = sample::release(record);
    let mut nodes = BTreeMap::new();
    for (id, membership) in &record.components {
        let revision = gist(record, release, id);
        for (index, name) in membership.indexes.iter().zip(record.nodes_of(id)) {
            let document = Encoded { revision: revision.clone(), extra_config: BTreeMap::new() };
            let node = DesiredNode {
                name: name.clone(),
                component: id.clone(),
                index: *index,
                size: membership.component.size,
                nics: Vec::new(),
                addresses: record.addresses[&name].clone(),
                document,
                metadata: BTreeMap::new(),
            };
            nodes.insert(name, node);
        }
    }
    Desired::assemble(record, release, nodes).unwrap()
}

/// Changes when the settings, the component, its members or those of a kind that it needs change.
fn gist(record: &Record, release: &Release, id: &ComponentId) -> String {
    let spec = &release.kinds[&id.kind];
    let mut hasher = DefaultHasher::new();
    record.settings.management.dns_servers.hash(&mut hasher);
    format!("{:?}", record.components[id].component.options).hash(&mut hasher);
    for other in record.components.keys() {
        let kind = other.kind;
        if kind == id.kind || spec.requires.contains(&kind) || id.kind == KindId::LoadBalancer {
            format!("{:?}", record.nodes_of(other)).hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}

/// Every component that is wanted or there, in an order that `seed` picks.
pub(super) fn components(desired: &Desired, observed: &Observed, seed: u64) -> Vec<ComponentId> {
    let wanted = desired.components().iter().cloned();
    let all: BTreeSet<ComponentId> =
        wanted.chain(observed.nodes.values().map(|node| node.component.clone())).collect();
    let mut all: Vec<ComponentId> = all.into_iter().collect();
    if !all.is_empty() {
        let middle = seed as usize % all.len();
        all.rotate_left(middle);
    }
    if seed.is_multiple_of(2) {
        all.reverse();
    }
    all
}

/// What users' applies come to: the deployment, then each component.
pub(super) fn scopes(desired: &Desired, observed: &Observed, seed: u64) -> Vec<Scope> {
    let mut scopes = vec![Scope::Foundation];
    if seed.is_multiple_of(3) {
        scopes.push(Scope::Configuration);
    }
    for id in components(desired, observed, seed) {
        match desired.components().contains(&id) {
            true => scopes.extend([Scope::Grow(id.clone()), Scope::Mend(id.clone()), Scope::Shrink(id)]),
            false => scopes.extend([Scope::Configuration, Scope::Shrink(id)]),
        }
    }
    scopes
}

/// Plans each scope from a fresh look, judges the plan and carries it out.
pub(super) fn converge(desired: &Desired, observed: &mut Observed, seed: u64) {
    for scope in scopes(desired, observed, seed) {
        let graph = plan(desired, observed, &scope);
        check(&graph, desired, observed).unwrap_or_else(|error| panic!("{scope:?}: {error}"));
        perform_all(&graph, Some(desired), observed, seed);
    }
}

/// A deployment as it is once a record has been carried out.
pub(super) fn built(record: &Record) -> Observed {
    let (desired, mut observed) = (sketch(record), Observed::default());
    converge(&desired, &mut observed, 1);
    assert_settled(&desired, &observed);
    observed
}

pub(super) fn assert_settled(desired: &Desired, observed: &Observed) {
    assert!(observed.folder && observed.pool);
    let image = observed.image.as_ref().unwrap();
    assert!(image.has_snapshot || !desired.linked_clones);
    let names = |names: Vec<&NodeName>| names.into_iter().cloned().collect::<BTreeSet<NodeName>>();
    assert_eq!(names(observed.nodes.keys().collect()), names(desired.nodes.keys().collect()));
    for (name, node) in &observed.nodes {
        let wanted = &desired.nodes[name];
        assert!(node.is_ready(), "`{name}` is {:?}", node.state());
        assert_eq!(node.component, wanted.component, "{name}");
        assert_eq!(node.revision, wanted.document.revision, "{name}");
        assert_eq!((node.size.cpus, node.size.memory_mib), (wanted.size.cpus, wanted.size.memory_mib));
    }
    let moids =
        |members: &BTreeSet<NodeName>| members.iter().map(|n| observed.nodes[n].moid.clone()).collect();
    let rules: BTreeMap<String, Rule> = desired
        .rules
        .iter()
        .map(|(name, members)| (name.clone(), Rule { members: moids(members), enabled: true }))
        .collect();
    assert_eq!(observed.rules, rules);
}

/// What happens to a deployment behind our back.
#[derive(Debug, Clone)]
pub(super) enum Damage {
    Delete,
    PowerOff,
    Resize,
    OldRevision,
    Unhealthy,
    Silent,
    RuleGone,
    RuleDisabled,
    RuleEmptied,
    SnapshotGone,
    PoolGone,
    ImageGone,
    Stranger,
}

pub(super) fn any_damage() -> impl Strategy<Value = (Damage, usize)> {
    use Damage::{
        Delete, ImageGone, OldRevision, PoolGone, PowerOff, Resize, RuleDisabled, RuleEmptied, RuleGone,
        Silent, SnapshotGone, Stranger, Unhealthy,
    };
    let nodes = [Delete, PowerOff, Resize, OldRevision, Unhealthy, Silent].map(|damage| (4, Just(damage)));
    let rest = [RuleGone, RuleDisabled, RuleEmptied, SnapshotGone, PoolGone, ImageGone, Stranger];
    let all: Vec<(u32, Just<Damage>)> =
        nodes.into_iter().chain(rest.map(|damage| (1, Just(damage)))).collect();
    (proptest::strategy::Union::new_weighted(all), any::<usize>())
}

pub(super) fn damage(observed: &mut Observed, damage: &Damage, at: usize) {
    let nodes: Vec<NodeName> = observed.nodes.keys().cloned().collect();
    let node = nodes.get(at % nodes.len().max(1));
    if let Some(name) = node
        && let Some(node) = observed.nodes.get_mut(name)
    {
        match damage {
            Damage::PowerOff => (node.powered_on, node.status) = (false, None),
            Damage::Resize => node.size.memory_mib += 1024,
            Damage::OldRevision => {
                node.revision = "old".to_owned();
                node.status = node.status.as_ref().map(|_| report("old", Phase::Ready));
            }
            Damage::Unhealthy => node.status = Some(report(&node.revision, Phase::Failed)),
            Damage::Silent => node.status = None,
            Damage::Delete => {
                let moid = node.moid.clone();
                observed.nodes.remove(name);
                observed.rules.values_mut().for_each(|rule| rule.members.retain(|member| *member != moid));
            }
            _ => {}
        }
    }
    let rules: Vec<String> = observed.rules.keys().cloned().collect();
    if let Some(name) = rules.get(at % rules.len().max(1)) {
        match damage {
            Damage::RuleGone => drop(observed.rules.remove(name)),
            Damage::RuleDisabled => observed.rules.get_mut(name).unwrap().enabled = false,
            Damage::RuleEmptied => observed.rules.get_mut(name).unwrap().members.clear(),
            _ => {}
        }
    }
    match damage {
        Damage::SnapshotGone => observed.image.iter_mut().for_each(|image| image.has_snapshot = false),
        Damage::PoolGone => observed.pool = false,
        Damage::ImageGone => observed.image = None,
        Damage::Stranger => observed.foreign.extend(["somebody's".to_owned()]),
        _ => {}
    }
}

/// A deployment that was built, then changed in its record and behind our back.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) desired: Desired,
    pub(super) observed: Observed,
    pub(super) seed: u64,
}

pub(super) fn any_case() -> impl Strategy<Value = Case> {
    let changes = proptest::collection::vec(sample::any_change(), 0..4);
    let damages = proptest::collection::vec(any_damage(), 0..6);
    (sample::any_record(), any::<bool>(), changes, damages, any::<u64>()).prop_map(
        |(record, exists, changes, damages, seed)| {
            let mut observed = if exists { built(&record) } else { Observed::default() };
            let wanted = changes.iter().fold(record, |record, change| sample::changed(&record, change));
            for (kind, at) in &damages {
                damage(&mut observed, kind, *at);
            }
            Case { desired: sketch(&wanted), observed, seed }
        },
    )
}
