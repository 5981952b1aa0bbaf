//! Names are deterministic: whoever knows the deployment, the kind and the index knows the name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::release::KindId;

/// A component of a deployment: a kind, and for compute drivers the vSphere cluster that they serve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ComponentId {
    /// What it is.
    pub kind: KindId,
    /// `<datacenter>/<cluster>` for a compute driver, nothing for the others.
    pub group: Option<String>,
}

impl ComponentId {
    /// The component of a kind that a deployment has once.
    pub fn of(kind: KindId) -> Self {
        Self { kind, group: None }
    }

    /// How users and the links of other components name it.
    pub fn link(&self, deployment: &str) -> String {
        match (self.kind, &self.group) {
            (KindId::Controller, _) => format!("{deployment}/controllers"),
            (_, Some(group)) => format!("{deployment}/compute/{group}"),
            (kind, None) => format!("{deployment}/{kind}"),
        }
    }

    /// The compute driver of a vSphere cluster.
    pub fn compute(datacenter: &str, cluster: &str) -> Self {
        Self { kind: KindId::ComputeDriver, group: Some(format!("{datacenter}/{cluster}")) }
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.group {
            None => write!(f, "{}", self.kind),
            Some(group) => write!(f, "{}:{group}", self.kind),
        }
    }
}

impl FromStr for ComponentId {
    type Err = crate::release::UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, group) = match text.split_once(':') {
            Some((kind, group)) => (kind, Some(group.to_owned())),
            None => (text, None),
        };
        Ok(Self { kind: kind.parse()?, group })
    }
}

impl TryFrom<String> for ComponentId {
    type Error = crate::release::UnknownWord;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ComponentId> for String {
    fn from(id: ComponentId) -> Self {
        id.to_string()
    }
}

/// The name of a node, which is the name of its VM and its host name: `<deployment>-<kind>-<nn>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
    /// The name of a deployment's nth node of a kind; `index` counts from 1.
    pub fn new(deployment: &str, kind: KindId, index: u32) -> Self {
        Self(format!("{deployment}-{}-{index:02}", kind.as_str().replace('_', "-")))
    }

    /// True when a node of this deployment and kind is called so.
    pub fn is_of(&self, deployment: &str, kind: KindId) -> bool {
        self.index_of(deployment, kind).is_some()
    }

    /// The index of a node of this deployment and kind; `None` when the name is not one of theirs.
    pub fn index_of(&self, deployment: &str, kind: KindId) -> Option<u32> {
        let index = self.0.rsplit_once('-').and_then(|(_, index)| index.parse().ok());
        index.filter(|&index| *self == Self::new(deployment, kind, index))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of the image that a deployment is made with.
pub const FIRST_IMAGE: u32 = 1;

/// The name of the VM that keeps the deployment's record, and that nodes are cloned from until the template changes.
pub fn image_name(deployment: &str) -> String {
    format!("{deployment}-image")
}

/// The name of the VM that nodes are cloned from since the template has changed; `number` counts from 2.
pub fn later_image_name(deployment: &str, number: u32) -> String {
    format!("{deployment}-image-{number}")
}

/// The name of the anti-affinity rule of a kind's nodes.
pub fn rule_name(deployment: &str, kind: KindId) -> String {
    format!("{deployment}-{}", kind.as_str().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_reads_back_from_its_text() {
        for id in [ComponentId::of(KindId::MessageQueue), ComponentId::compute("dc1", "compute-1")] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("nonsense".parse::<ComponentId>().is_err());
    }

    #[test]
    fn links_are_the_ids_that_users_see() {
        assert_eq!(ComponentId::of(KindId::MessageQueue).link("prod"), "prod/message_queue");
        assert_eq!(ComponentId::of(KindId::Controller).link("prod"), "prod/controllers");
        assert_eq!(ComponentId::compute("dc1", "compute-1").link("prod"), "prod/compute/dc1/compute-1");
    }

    #[test]
    fn node_names_are_dns_labels_that_sort_by_index() {
        assert_eq!(NodeName::new("prod", KindId::LoadBalancer, 2).as_str(), "prod-load-balancer-02");
    }
}
