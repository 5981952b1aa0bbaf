//! Clouds as they are wanted and as they are found.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use proptest::prelude::*;

use super::model::{perform_all, place, registered, report};
use crate::desired::{Desired, DesiredNode};
use crate::name::{ComponentId, FIRST_IMAGE, NodeName};
use crate::observed::{Node, Observed, Rule, TransportNode};
use crate::plan::{Scope, check, plan};
use crate::record::Record;
use crate::record::tests::sample;
use crate::release::{KindId, Release};
use crate::render::{Encoded, GuestStatus, Phase};

/// What a record asks for, with the gist of each document in place of the document: rendering is tested elsewhere, and
/// planning reads only the revision.
pub(super) fn sketch(record: &Record) -> Desired {
    let release = sample::release(record);
    let mut nodes = BTreeMap::new();
    for (id, membership) in &record.components {
        let revision = gist(record, release, id);
        for (index, name) in membership.indexes.iter().zip(record.nodes_of(id)) {
            let document = Encoded {
                revision: revision.clone(),
                files_digest: files_digest(&revision),
                extra_config: BTreeMap::new(),
            };
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

/// The digest of the files of a document.
fn files_digest(revision: &str) -> String {
    format!("files of {revision}")
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
    let registered = observed.transport_nodes.iter().flatten().map(|(_, found)| found.component.clone());
    let all: BTreeSet<ComponentId> =
        wanted.chain(observed.nodes.values().map(|node| node.component.clone())).chain(registered).collect();
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
    let mut scopes = if seed.is_multiple_of(5) { vec![Scope::Image] } else { Vec::new() };
    scopes.push(Scope::Foundation);
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
    if desired.image != FIRST_IMAGE {
        let image = &observed.later_images[&desired.image];
        assert!((image.has_snapshot || !desired.linked_clones) && !image.left_folder, "{image:?}");
    }
    let names = |names: Vec<&NodeName>| names.into_iter().cloned().collect::<BTreeSet<NodeName>>();
    assert_eq!(names(observed.nodes.keys().collect()), names(desired.nodes.keys().collect()));
    for (name, node) in &observed.nodes {
        let wanted = &desired.nodes[name];
        assert!(node.is_ready(), "`{name}` is {:?}", node.state());
        assert_eq!(node.place, place(wanted), "{name}");
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
    let found = observed.transport_nodes.iter().flatten().map(|(_, found)| found.clone());
    let wanted = desired.registrations.values().map(registered);
    assert_eq!(by_node(found), by_node(wanted));
}

fn by_node(all: impl Iterator<Item = TransportNode>) -> BTreeMap<NodeName, TransportNode> {
    let mut map = BTreeMap::new();
    for one in all {
        let twice = map.insert(one.node.clone(), one);
        assert_eq!(twice, None, "registered twice");
    }
    map
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
    Edited,
    EditedUntilUnhealthy,
    ToldOtherwise,
    Unreadable,
    RuleGone,
    RuleDisabled,
    RuleEmptied,
    SnapshotGone,
    PoolGone,
    ImageGone,
    LaterSnapshotGone,
    LaterImageGone,
    LaterImageMoved,
    Stranger,
    Renamed,
    LeftFolder,
    LeftPool,
    Deregistered,
    RegistrationEdited,
    RegisteredTwice,
    RegistrationFailed,
}

pub(super) fn any_damage() -> impl Strategy<Value = (Damage, usize)> {
    use Damage::{
        Delete, Deregistered, Edited, EditedUntilUnhealthy, ImageGone, LaterImageGone, LaterImageMoved,
        LaterSnapshotGone, LeftFolder, LeftPool, OldRevision, PoolGone, PowerOff, RegisteredTwice,
        RegistrationEdited, RegistrationFailed, Renamed, Resize, RuleDisabled, RuleEmptied, RuleGone, Silent,
        SnapshotGone, Stranger, ToldOtherwise, Unhealthy, Unreadable,
    };
    let machines = [Delete, PowerOff, Resize].map(|damage| (4, Just(damage)));
    let guests = [OldRevision, Unhealthy, Silent, Edited, EditedUntilUnhealthy, ToldOtherwise, Unreadable];
    let rest = [RuleGone, RuleDisabled, RuleEmptied, SnapshotGone, PoolGone, ImageGone, Stranger];
    let later = [LaterSnapshotGone, LaterImageGone, LaterImageMoved];
    let places = [Renamed, LeftFolder, LeftPool].map(|damage| (2, Just(damage)));
    let nsx = [Deregistered, RegistrationEdited, RegisteredTwice, RegistrationFailed];
    let all: Vec<(u32, Just<Damage>)> = machines
        .into_iter()
        .chain(guests.map(|damage| (4, Just(damage))))
        .chain(rest.into_iter().chain(later).map(|damage| (1, Just(damage))))
        .chain(nsx.map(|damage| (2, Just(damage))))
        .chain(places)
        .collect();
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
            Damage::Renamed => node.place.renamed = true,
            Damage::LeftFolder => node.place.left_folder = true,
            Damage::LeftPool => node.place.left_pool = true,
            Damage::OldRevision => {
                node.revision = "old".to_owned();
                node.status = node.status.as_ref().map(|_| report("old", Phase::Ready));
            }
            Damage::Unhealthy => node.status = Some(report(&node.revision, Phase::Failed)),
            Damage::Silent => node.status = None,
            Damage::Edited => edit(node, Phase::Ready),
            Damage::EditedUntilUnhealthy => edit(node, Phase::Waiting),
            Damage::ToldOtherwise => node.told = "somebody's".to_owned(),
            Damage::Unreadable => {
                let unread = GuestStatus { unreadable: true, ..report(&node.revision, Phase::Failed) };
                node.status = node.powered_on.then_some(unread);
            }
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
    damage_registration(observed, damage, at);
    match damage {
        Damage::SnapshotGone => observed.image.iter_mut().for_each(|image| image.has_snapshot = false),
        Damage::PoolGone => {
            observed.pool = false;
            observed.nodes.values_mut().for_each(|node| node.place.left_pool = false);
        }
        Damage::ImageGone => observed.image = None,
        Damage::LaterSnapshotGone => {
            observed.later_images.values_mut().for_each(|image| image.has_snapshot = false)
        }
        Damage::LaterImageGone => observed.later_images.clear(),
        Damage::LaterImageMoved => {
            observed.later_images.values_mut().for_each(|image| image.left_folder = true)
        }
        Damage::Stranger => observed.foreign.extend(["somebody's".to_owned()]),
        _ => {}
    }
}

/// A file of a running node is changed by hand.
pub(super) fn edit(node: &mut Node, phase: Phase) {
    let files_digest = Some("edited".to_owned());
    node.status = node.powered_on.then(|| GuestStatus { files_digest, ..report(&node.revision, phase) });
}

fn damage_registration(observed: &mut Observed, damage: &Damage, at: usize) {
    let Some(all) = &mut observed.transport_nodes else { return };
    let Some(id) = all.keys().nth(at % all.len().max(1)).cloned() else { return };
    match damage {
        Damage::Deregistered => drop(all.remove(&id)),
        Damage::RegistrationEdited => all.get_mut(&id).unwrap().addresses.clear(),
        Damage::RegistrationFailed => all.get_mut(&id).unwrap().realized = false,
        Damage::RegisteredTwice => drop(all.insert(format!("{id}-again"), all[&id].clone())),
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
