//! A model of vCenter and its guests: performs the steps of a plan on what is observed, and fails a test where the real
//! one would refuse, or where a law of the order of steps is broken.

use std::collections::BTreeSet;

use crate::desired::{Desired, DesiredNode};
use crate::inventory::Entity;
use crate::lease::Lease;
use crate::name::{ComponentId, FIRST_IMAGE, NodeName};
use crate::observed::{Image, LaterImage, Node, Observed, Place, Rule, TransportNode};
use crate::plan::{Action, Graph, StepId};
use crate::registration::Registration;
use crate::release::KindId;
use crate::render::{GuestStatus, Phase};

/// Between a load balancer's revision and the node that it drains.
const OUT: &str = "+";

/// The report of a guest that has applied a revision.
pub(super) fn report(revision: &str, phase: Phase) -> GuestStatus {
    let json = r#"{"version": 1, "phase": "booting"}"#;
    GuestStatus { revision: revision.to_owned(), phase, ..GuestStatus::parse(json).unwrap() }
}

/// Carries steps out in an order that `seed` picks among the allowed ones; at most `limit` of them. Returns what was done.
pub(super) fn perform_some(
    graph: &Graph,
    desired: Option<&Desired>,
    observed: &mut Observed,
    seed: u64,
    limit: usize,
) -> Vec<Action> {
    let mut performed = Vec::new();
    let mut done: BTreeSet<StepId> = BTreeSet::new();
    let mut pick = seed;
    let mut watch = Watch::new(desired, observed);
    while done.len() < limit.min(graph.steps().len()) {
        let free: Vec<StepId> = (0..graph.steps().len())
            .filter(|id| {
                !done.contains(id) && graph.steps()[*id].needs.iter().all(|need| done.contains(need))
            })
            .collect();
        pick = pick.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = free[(pick >> 33) as usize % free.len()];
        let action = &graph.steps()[id].action;
        let before = observed.clone();
        perform(action, desired, observed);
        watch.look(action, &before, observed);
        performed.push(action.clone());
        done.insert(id);
    }
    performed
}

/// Carries a whole plan out. Nothing that it drained is left so.
pub(super) fn perform_all(graph: &Graph, desired: Option<&Desired>, observed: &mut Observed, seed: u64) {
    perform_some(graph, desired, observed, seed, usize::MAX);
    for step in graph.steps() {
        if let Action::Drain { balancer, node } = &step.action {
            let revision = &observed.nodes[balancer].revision;
            assert!(!revision.contains(OUT), "`{node}` is still out at `{balancer}`");
        }
    }
}

/// Carries one action out.
pub(super) fn perform(action: &Action, desired: Option<&Desired>, world: &mut Observed) {
    match action {
        Action::CreateFolder => {
            assert!(!std::mem::replace(&mut world.folder, true));
            world.nodes.values_mut().for_each(|node| node.place.left_folder = true);
            world.later_images.values_mut().for_each(|image| image.left_folder = true);
        }
        Action::CreatePool => {
            assert!(world.folder, "the folder is the claim");
            assert!(!std::mem::replace(&mut world.pool, true));
            world.nodes.values_mut().for_each(|node| node.place.left_pool = true);
        }
        Action::CreateImage
        | Action::AddImage(_)
        | Action::MoveImage(_)
        | Action::SnapshotImage(_)
        | Action::RemoveImage(_)
        | Action::DestroyImage => on_image(action, world),
        Action::SetRule { rule, members } => set_rule(rule, members, world),
        Action::RemoveRule(rule) => drop(world.rules.remove(rule)),
        Action::DestroyPool => assert!(std::mem::replace(&mut world.pool, false)),
        Action::DestroyFolder => {
            assert!(world.nodes.is_empty() && world.image.is_none() && world.foreign.is_empty());
            assert!(std::mem::replace(&mut world.folder, false));
        }
        Action::Clone(name) => clone(name, desired.expect("a clone is wanted"), world),
        Action::Destroy(name) => {
            let node = world.nodes.remove(name).expect("a node to destroy");
            assert!(!node.powered_on, "`{name}` cannot be destroyed while it runs");
            let mut registered = world.transport_nodes.iter().flatten().map(|(_, found)| &found.node);
            assert!(!registered.any(|node| node == name), "`{name}` is still registered");
            world.rules.values_mut().for_each(|rule| rule.members.retain(|member| *member != node.moid));
        }
        Action::Register(name) => register(name, desired.expect("a registration is wanted"), world),
        Action::Deregister { node, id } => {
            let gone = world.transport_nodes.as_mut().and_then(|found| found.remove(id));
            assert_eq!(gone.map(|gone| gone.node).as_ref(), Some(node), "{action}");
        }
        Action::PowerOn(name) => power_on(name, desired, world),
        Action::MoveToFolder(name) => {
            assert!(world.folder, "there is no folder");
            world.nodes.get_mut(name).expect("a node to move").place.left_folder = false;
        }
        Action::MoveToPool(name) => {
            assert!(world.pool, "there is no pool");
            world.nodes.get_mut(name).expect("a node to move").place.left_pool = false;
        }
        Action::Rename(name) => world.nodes.get_mut(name).expect("a node to rename").place.renamed = false,
        Action::Connect(name) => {
            let wanted = &desired.expect("a connection is wanted").nodes[name];
            world.nodes.get_mut(name).expect("a node to connect").place.networks = place(wanted).networks;
        }
        Action::Drain { balancer: name, node: _ }
        | Action::Configure(name)
        | Action::RepairFiles(name)
        | Action::Resize(name)
        | Action::Stop(name)
        | Action::WaitReady(name) => {
            let node = world.nodes.get_mut(name).unwrap_or_else(|| panic!("{action}: it is not there"));
            on_node(action, name, desired, node);
        }
    }
}

fn on_image(action: &Action, world: &mut Observed) {
    match action {
        Action::CreateImage => {
            assert!(world.folder && world.pool && world.image.is_none());
            let lease = Lease::default();
            world.image = Some(Image { has_snapshot: false, record: None, restored: false, lease });
        }
        Action::AddImage(number) => {
            assert!(world.folder && world.pool && world.image.is_some());
            assert_eq!(world.later_images.insert(*number, LaterImage::default()), None, "{action}");
        }
        Action::MoveImage(number) => {
            assert!(world.folder, "there is no folder");
            later_image(*number, world).left_folder = false;
        }
        Action::SnapshotImage(FIRST_IMAGE) => world.image.as_mut().expect("an image").has_snapshot = true,
        Action::SnapshotImage(number) => later_image(*number, world).has_snapshot = true,
        Action::RemoveImage(number) => {
            assert!(world.nodes.is_empty(), "linked clones hang from the image");
            assert!(world.later_images.remove(number).is_some(), "{action}");
        }
        Action::DestroyImage => {
            assert!(world.nodes.is_empty(), "linked clones hang from the image");
            assert!(world.later_images.is_empty(), "the record goes last");
            let registered = world.transport_nodes.iter().flatten().count();
            assert_eq!(registered, 0, "nobody knows any more how to remove them");
            assert!(world.image.take().is_some());
        }
        _ => unreachable!("{action} is not of this kind"),
    }
}

fn later_image(number: u32, world: &mut Observed) -> &mut LaterImage {
    world.later_images.get_mut(&number).expect("a later image")
}

/// The place of a node that is where it shall be.
pub(super) fn place(wanted: &DesiredNode) -> Place {
    let text = || String::new();
    let network =
        |name: &String| Entity { name: name.clone(), moid: text(), path: text(), datacenter: text() };
    let networks: Vec<Entity> = wanted.nics.iter().map(|(_, name)| network(name)).collect();
    Place { adapters: networks.len() as u32, networks, ..Place::default() }
}

fn set_rule(rule: &str, members: &[NodeName], world: &mut Observed) {
    assert!(members.len() > 1, "vCenter refuses a rule of fewer than two");
    let moid = |name: &NodeName| world.nodes.get(name).expect("a member that exists").moid.clone();
    let members = members.iter().map(moid).collect();
    world.rules.insert(rule.to_owned(), Rule { members, enabled: true });
}

fn clone(name: &NodeName, desired: &Desired, world: &mut Observed) {
    let has_snapshot = match desired.image {
        FIRST_IMAGE => world.image.as_ref().expect("an image to clone").has_snapshot,
        number => world.later_images.get(&number).expect("a later image to clone").has_snapshot,
    };
    assert!(world.folder && world.pool && (has_snapshot || !desired.linked_clones));
    assert!(!world.foreign.contains(name.as_str()));
    let mut registered = world.transport_nodes.iter().flatten().map(|(_, found)| &found.node);
    assert!(!registered.any(|node| node == name), "NSX takes `{name}` for the guest that it knows");
    let wanted = &desired.nodes[name];
    let highest = world.nodes.values().filter_map(|node| node.moid.strip_prefix("vm-")?.parse().ok()).max();
    let node = Node {
        moid: format!("vm-{}", highest.unwrap_or(0_u32) + 1),
        host: String::new(),
        place: place(wanted),
        powered_on: false,
        tools_running: false,
        component: wanted.component.clone(),
        revision: wanted.document.revision.clone(),
        files_digest: wanted.document.files_digest.clone(),
        told: wanted.document.revision.clone(),
        document_parts: 0,
        size: wanted.size,
        status: None,
    };
    assert!(world.nodes.insert(name.clone(), node).is_none(), "`{name}` is there already");
}

/// NSX logs in to the node, and has one transport node for an address.
fn register(name: &NodeName, desired: &Desired, world: &mut Observed) {
    let node = world.nodes.get(name).expect("a node to register");
    assert!(node.is_ready(), "`{name}` does not let NSX in");
    let wanted = &desired.registrations[name];
    let all = world.transport_nodes.get_or_insert_default();
    let found = registered(wanted);
    match all.values_mut().find(|other| other.node == *name) {
        Some(present) => *present = found,
        None => {
            let id = (1..).map(|n| format!("tn-{n}")).find(|id| !all.contains_key(id)).unwrap();
            all.insert(id, found);
        }
    }
}

/// A transport node as it shall be.
pub(super) fn registered(wanted: &Registration) -> TransportNode {
    TransportNode {
        node: wanted.node.clone(),
        component: wanted.component.clone(),
        name: wanted.node.to_string(),
        addresses: vec![wanted.address.to_string()],
        zone: wanted.transport_zone.clone(),
        zone_as_made: true,
        realized: true,
    }
}

/// A node whose peers exist starts only when the rule over them names it.
fn power_on(name: &NodeName, desired: Option<&Desired>, world: &mut Observed) {
    for (rule, members) in desired.into_iter().flat_map(|desired| &desired.rules) {
        let existing = members.iter().filter(|member| world.nodes.contains_key(member)).count();
        if existing > 1 && members.contains(name) {
            let moid = &world.nodes[name].moid;
            let named = world.rules.get(rule).is_some_and(|rule| rule.enabled && rule.members.contains(moid));
            assert!(named, "`{name}` starts where the scheduler likes");
        }
    }
    let node = world.nodes.get_mut(name).expect("a node to start");
    assert!(!std::mem::replace(&mut node.powered_on, true), "`{name}` runs already");
}

fn on_node(action: &Action, name: &NodeName, desired: Option<&Desired>, node: &mut Node) {
    let wanted = || &desired.expect("a deployment").nodes[name];
    match action {
        Action::Configure(_) => configure(wanted(), node),
        Action::Drain { balancer: _, node: out } => {
            assert!(node.powered_on && node.component.kind == KindId::LoadBalancer, "{action}");
            configure(wanted(), node);
            let revision = format!("{}{OUT}{out}", wanted().document.revision);
            (node.revision, node.told) = (revision.clone(), revision);
        }
        Action::RepairFiles(_) => repair_files(name, node),
        Action::Resize(_) => {
            assert!(!node.powered_on, "`{name}` cannot be resized while it runs");
            node.size = wanted().size;
        }
        Action::Stop(_) => {
            assert!(std::mem::replace(&mut node.powered_on, false), "`{name}` does not run");
            node.status = None;
        }
        Action::WaitReady(_) => {
            assert!(node.powered_on, "`{name}` never becomes ready: it does not run");
            assert_eq!(node.told, node.revision, "`{name}` never becomes ready: it was told otherwise");
            assert!(!node.is_unreadable(), "`{name}` never becomes ready: it cannot read its document");
            assert!(!node.has_drifted(&node.files_digest), "`{name}` never becomes ready: it has drifted");
            let files_digest = Some(node.files_digest.clone());
            node.status = Some(GuestStatus { files_digest, ..report(&node.revision, Phase::Ready) });
        }
        _ => unreachable!("{action} is not of this kind"),
    }
}

/// The guest turns to another configuration, which brings its files, and reads one again that it could not read.
fn configure(wanted: &DesiredNode, node: &mut Node) {
    let document = &wanted.document;
    if node.is_unreadable() {
        node.status = Some(report(&node.revision, Phase::Applying));
    }
    node.revision.clone_from(&document.revision);
    node.told.clone_from(&document.revision);
    node.files_digest.clone_from(&document.files_digest);
}

/// The guest puts its files back; services that use them do not serve meanwhile.
fn repair_files(name: &NodeName, node: &mut Node) {
    let status = node.status.as_mut().unwrap_or_else(|| panic!("nobody knows of files of `{name}`"));
    assert!(node.powered_on && status.files_digest.is_some(), "`{name}` has nothing to repair");
    status.phase = Phase::Applying;
}

/// Watches clusters with a quorum, and what stands behind the load balancers, while steps are done.
struct Watch<'a> {
    desired: Option<&'a Desired>,
    /// Members that were ready and are not whole yet.
    disturbed: BTreeSet<NodeName>,
    start: Observed,
}

impl<'a> Watch<'a> {
    fn new(desired: Option<&'a Desired>, observed: &Observed) -> Self {
        Self { desired, disturbed: BTreeSet::new(), start: observed.clone() }
    }

    fn look(&mut self, action: &Action, before: &Observed, after: &Observed) {
        let Some(desired) = self.desired else { return };
        let ready = |world: &Observed, name: &NodeName| world.nodes.get(name).is_some_and(Node::serves);
        self.disturbed.retain(|name| after.nodes.contains_key(name) && !ready(after, name));
        let Some(name) = action.node().filter(|name| ready(before, name) && !ready(after, name)) else {
            return;
        };
        self.look_behind_balancers(desired, action, name, before);
        let component = &before.nodes[name].component;
        let members: Vec<&NodeName> = desired.nodes_of(component).map(|node| &node.name).collect();
        if !desired.is_quorum(component.kind) || members.is_empty() {
            return;
        }
        for other in &members {
            assert!(*other == name || ready(before, other), "{action} while `{other}` is not ready");
        }
        let peer = self.disturbed.iter().find(|other| before.nodes[*other].component == *component);
        assert_eq!(peer, None, "{action} while another member is disturbed");
        let serving = |world: &Observed| members.iter().filter(|member| ready(world, member)).count();
        assert!(serving(after) >= serving(&self.start).min(members.len() - 1), "{action} breaks the quorum");
        self.disturbed.insert(name.clone());
    }

    /// A ready node goes out of service: no load balancer that runs may send it anything, as long as another node can
    /// take it.
    fn look_behind_balancers(&self, desired: &Desired, action: &Action, name: &NodeName, before: &Observed) {
        let component = &before.nodes[name].component;
        let serves = |name: &NodeName| before.nodes.get(name).is_some_and(Node::serves);
        let whole: Vec<&NodeName> =
            desired.nodes_of(component).map(|node| &node.name).filter(|name| serves(name)).collect();
        let alone = whole.iter().all(|other| *other == name);
        if !desired.is_drained(component.kind) || whole.is_empty() || alone && whole.contains(&name) {
            return;
        }
        for balancer in desired.nodes_of(&ComponentId::of(KindId::LoadBalancer)) {
            let Some(present) = before.nodes.get(&balancer.name) else { continue };
            let ran = self.start.nodes.get(&balancer.name).is_some_and(|node| node.powered_on);
            if !ran && !present.is_ready() {
                continue;
            }
            assert!(present.is_ready(), "{action} while `{}` changes", balancer.name);
            let wanted = &balancer.document.revision;
            let (base, out) = present.revision.split_once(OUT).unwrap_or((&present.revision, ""));
            assert_eq!(base, wanted, "{action} while `{}` may send it something", balancer.name);
            let serving: Vec<&&NodeName> = whole.iter().filter(|other| other.as_str() != out).collect();
            assert!(!serving.is_empty());
            let used = match desired.is_single_writer(component.kind) {
                true => serving.first() == Some(&&name),
                false => serving.contains(&&name),
            };
            assert!(!used, "{action} while `{}` sends it something", balancer.name);
        }
    }
}
