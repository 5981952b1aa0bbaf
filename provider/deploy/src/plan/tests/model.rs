//! A model of vCenter and its guests: performs the steps of a plan on what is observed, and fails a test where the real
//! one would refuse, or where a law of the order of steps is broken.

use std::collections::BTreeSet;

use crate::desired::Desired;
use crate::name::NodeName;
use crate::observed::{Image, Node, Observed, Rule};
use crate::plan::{Action, Graph, StepId};
use crate::render::{GuestStatus, Phase};

/// The report of a guest that has applied a revision.
pub(super) fn report(revision: &str, phase: Phase) -> GuestStatus {
    let json = r#"{"version": 1, "phase": "booting"}"#;
    GuestStatus { revision: revision.to_owned(), phase, ..GuestStatus::parse(json).unwrap() }
}

/// Carries steps out in an order that `seed` picks among the allowed ones; at most `limit` of them.
pub(super) fn perform_some(
    graph: &Graph,
    desired: Option<&Desired>,
    observed: &mut Observed,
    seed: u64,
    limit: usize,
) {
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
        done.insert(id);
    }
}

/// Carries a whole plan out.
pub(super) fn perform_all(graph: &Graph, desired: Option<&Desired>, observed: &mut Observed, seed: u64) {
    perform_some(graph, desired, observed, seed, usize::MAX);
}

fn perform(action: &Action, desired: Option<&Desired>, world: &mut Observed) {
    match action {
        Action::CreateFolder => assert!(!std::mem::replace(&mut world.folder, true)),
        Action::CreatePool => {
            assert!(world.folder, "the folder is the claim");
            assert!(!std::mem::replace(&mut world.pool, true));
        }
        Action::CreateImage => {
            assert!(world.folder && world.pool && world.image.is_none());
            world.image = Some(Image { has_snapshot: false, record: None });
        }
        Action::SnapshotImage => world.image.as_mut().expect("an image").has_snapshot = true,
        Action::SetRule { rule, members } => set_rule(rule, members, world),
        Action::RemoveRule(rule) => drop(world.rules.remove(rule)),
        Action::DestroyImage => {
            assert!(world.nodes.is_empty(), "linked clones hang from the image");
            assert!(world.image.take().is_some());
        }
        Action::DestroyPool => assert!(std::mem::replace(&mut world.pool, false)),
        Action::DestroyFolder => {
            assert!(world.nodes.is_empty() && world.image.is_none() && world.foreign.is_empty());
            assert!(std::mem::replace(&mut world.folder, false));
        }
        Action::Clone(name) => clone(name, desired.expect("a clone is wanted"), world),
        Action::Destroy(name) => {
            let node = world.nodes.remove(name).expect("a node to destroy");
            assert!(!node.powered_on, "`{name}` cannot be destroyed while it runs");
            world.rules.values_mut().for_each(|rule| rule.members.retain(|member| *member != node.moid));
        }
        Action::PowerOn(name) => power_on(name, desired, world),
        Action::Configure(name) | Action::Resize(name) | Action::Stop(name) | Action::WaitReady(name) => {
            let node = world.nodes.get_mut(name).unwrap_or_else(|| panic!("{action}: it is not there"));
            on_node(action, name, desired, node);
        }
    }
}

fn set_rule(rule: &str, members: &[NodeName], world: &mut Observed) {
    assert!(members.len() > 1, "vCenter refuses a rule of fewer than two");
    let moid = |name: &NodeName| world.nodes.get(name).expect("a member that exists").moid.clone();
    let members = members.iter().map(moid).collect();
    world.rules.insert(rule.to_owned(), Rule { members, enabled: true });
}

fn clone(name: &NodeName, desired: &Desired, world: &mut Observed) {
    let image = world.image.as_ref().expect("an image to clone");
    assert!(world.folder && world.pool && (image.has_snapshot || !desired.linked_clones));
    assert!(!world.foreign.contains(name.as_str()));
    let wanted = &desired.nodes[name];
    let highest = world.nodes.values().filter_map(|node| node.moid.strip_prefix("vm-")?.parse().ok()).max();
    let node = Node {
        moid: format!("vm-{}", highest.unwrap_or(0_u32) + 1),
        host: String::new(),
        powered_on: false,
        tools_running: false,
        component: wanted.component.clone(),
        revision: wanted.document.revision.clone(),
        document_parts: 0,
        size: wanted.size,
        status: None,
    };
    assert!(world.nodes.insert(name.clone(), node).is_none(), "`{name}` is there already");
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
        Action::Configure(_) => node.revision = wanted().document.revision.clone(),
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
            node.status = Some(report(&node.revision, Phase::Ready));
        }
        _ => unreachable!("{action} is not of this kind"),
    }
}

/// Watches clusters with a quorum while steps are done.
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
        let ready = |world: &Observed, name: &NodeName| world.nodes.get(name).is_some_and(Node::is_ready);
        self.disturbed.retain(|name| after.nodes.contains_key(name) && !ready(after, name));
        let Some(name) = action.node().filter(|name| ready(before, name) && !ready(after, name)) else {
            return;
        };
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
}
