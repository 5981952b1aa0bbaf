//! How a component's nodes stand, which decides the order in which they may be touched.

use crate::desired::{Desired, DesiredNode};
use crate::name::ComponentId;
use crate::observed::{Node, NodeState, Observed};

/// The wanted nodes of a component that exist, by index within each group.
pub(super) struct Standing<'a> {
    /// Powered off.
    pub(super) stopped: Vec<(&'a DesiredNode, &'a Node)>,
    /// Running, but not as they should be by their own report.
    pub(super) unready: Vec<(&'a DesiredNode, &'a Node)>,
    /// Serving.
    pub(super) ready: Vec<(&'a DesiredNode, &'a Node)>,
    /// A wanted node does not exist.
    pub(super) missing: bool,
    /// The members vote.
    pub(super) quorum: bool,
}

impl<'a> Standing<'a> {
    pub(super) fn of(desired: &'a Desired, observed: &'a Observed, id: &'a ComponentId) -> Self {
        let (stopped, unready, ready) = (Vec::new(), Vec::new(), Vec::new());
        let quorum = desired.is_quorum(id.kind);
        let mut standing = Self { stopped, unready, ready, missing: false, quorum };
        for node in desired.nodes_of(id) {
            match observed.nodes.get(&node.name) {
                None => standing.missing = true,
                Some(present) => standing.group(present.state()).push((node, present)),
            }
        }
        standing
    }

    fn group(&mut self, state: NodeState) -> &mut Vec<(&'a DesiredNode, &'a Node)> {
        match state {
            NodeState::Ready => &mut self.ready,
            NodeState::Stopped => &mut self.stopped,
            NodeState::Degraded | NodeState::Missing => &mut self.unready,
        }
    }

    /// True when ready nodes may be disturbed. A member of a quorum may only when every other one is there or, as
    /// `whole` says, will be by then: losing one more could stop the cluster.
    pub(super) fn may_disturb_ready(&self, whole: bool) -> bool {
        !self.quorum || whole
    }
}
