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

/// The name of the VM that nodes are cloned from and that keeps the deployment's record.
pub fn image_name(deployment: &str) -> String {
    format!("{deployment}-image")
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
    fn node_names_are_dns_labels_that_sort_by_index() {
        assert_eq!(NodeName::new("prod", KindId::LoadBalancer, 2).as_str(), "prod-load-balancer-02");
    }
}
