//! How a component's nodes stand, which decides the order in which they may be touched.

use crate::desired::{Desired, DesiredNode};
use crate::name::ComponentId;
use crate::observed::{Node, Observed};

/// The wanted nodes of a component that exist, by index within each group.
pub(super) struct Standing<'a> {
    /// Powered off.
    pub(super) stopped: Vec<(&'a DesiredNode, &'a Node)>,
    /// Running, but not serving by their own report.
    pub(super) unready: Vec<(&'a DesiredNode, &'a Node)>,
    /// Serving, although their files may have been changed by hand.
    pub(super) ready: Vec<(&'a DesiredNode, &'a Node)>,
    /// A wanted node does not exist.
    pub(super) missing: bool,
    /// The members vote.
    pub(super) quorum: bool,
    /// The load balancers use the first of them that serves.
    single_writer: bool,
}

impl<'a> Standing<'a> {
    pub(super) fn of(desired: &'a Desired, observed: &'a Observed, id: &'a ComponentId) -> Self {
        let (stopped, unready, ready) = (Vec::new(), Vec::new(), Vec::new());
        let quorum = desired.is_quorum(id.kind);
        let single_writer = desired.is_single_writer(id.kind);
        let mut standing = Self { stopped, unready, ready, missing: false, quorum, single_writer };
        for node in desired.nodes_of(id) {
            match observed.nodes.get(&node.name) {
                None => standing.missing = true,
                Some(present) => standing.group(present).push((node, present)),
            }
        }
        standing
    }

    fn group(&mut self, present: &Node) -> &mut Vec<(&'a DesiredNode, &'a Node)> {
        match (present.powered_on, present.serves()) {
            (false, _) => &mut self.stopped,
            (true, false) => &mut self.unready,
            (true, true) => &mut self.ready,
        }
    }

    /// Every one of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &(&'a DesiredNode, &'a Node)> {
        self.stopped.iter().chain(&self.unready).chain(&self.ready)
    }

    /// The ready ones in the order in which they may change. A single writer is the last: it moves once, and to a node
    /// that is done.
    pub(super) fn roll(&self) -> Vec<(&'a DesiredNode, &'a Node)> {
        let mut nodes = self.ready.clone();
        if self.single_writer && !nodes.is_empty() {
            nodes.rotate_left(1);
        }
        nodes
    }

    /// True when ready nodes may be disturbed. A member of a quorum may only when every other one is there or, as
    /// `whole` says, will be by then: losing one more could stop the cluster.
    pub(super) fn may_disturb_ready(&self, whole: bool) -> bool {
        !self.quorum || whole
    }
}
