//! The deployment as it shall be: whole, known, and a function of its record alone.

mod adapters;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::address::NodeAddresses;
use crate::error::Error;
use crate::name::{ComponentId, NodeName, rule_name};
use crate::record::Record;
use crate::registration::{self, Registration};
use crate::release::{KindId, KindSpec, Release, Size};
use crate::render::{CloudView, Encoded, Nic, NodeView, Renderer, SecretSource, metadata};

const NO_ADDRESS: &str = "the record has no address for it";

/// A deployment as it shall be.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The deployment's name.
    pub deployment: String,
    /// Nodes share the image's disk.
    pub linked_clones: bool,
    /// Number of the image that nodes are cloned from.
    pub image: u32,
    /// Virtual address on the management network.
    pub internal_vip: Ipv4Addr,
    /// Virtual address on the external network.
    pub public_vip: Ipv4Addr,
    /// Every node.
    pub nodes: BTreeMap<NodeName, DesiredNode>,
    /// Members of every anti-affinity rule, by the rule's name.
    pub rules: BTreeMap<String, BTreeSet<NodeName>>,
    /// Transport nodes in NSX, by their node.
    pub registrations: BTreeMap<NodeName, Registration>,
    members: BTreeMap<ComponentId, Vec<NodeName>>,
    order: Vec<ComponentId>,
    quorum: BTreeSet<KindId>,
    drained: BTreeSet<KindId>,
    single_writer: BTreeSet<KindId>,
}

/// A node as it shall be.
#[derive(Debug, Clone)]
pub struct DesiredNode {
    /// Its name.
    pub name: NodeName,
    /// The component that it belongs to.
    pub component: ComponentId,
    /// Its index in its kind, from 1.
    pub index: u32,
    /// Processors, memory, disk.
    pub size: Size,
    /// Its adapters in order, with the network that each is connected to as the user named it.
    pub nics: Vec<(Nic, String)>,
    /// Its addresses.
    pub addresses: NodeAddresses,
    /// What its guest is told to be.
    pub document: Encoded,
    /// What its first boot is told of itself.
    pub metadata: BTreeMap<String, String>,
}

impl Desired {
    /// What a record asks for.
    ///
    /// # Errors
    /// When the release is unknown, or a node's configuration cannot be made.
    pub fn from_record(record: &Record) -> Result<Self, Error> {
        let release = release_of(record)?;
        let secrets = view::Secrets::new(record)?;
        let cloud = view::cloud(record, release, &secrets)?;
        let renderer = Renderer::new(release, &cloud);
        let mut nodes = BTreeMap::new();
        for node in cloud.nodes.values().flatten() {
            let desired = desired_node(record, release, &cloud, &renderer, node, &secrets)?;
            nodes.insert(desired.name.clone(), desired);
        }
        Self::assemble(record, release, nodes)
    }

    /// A wanted node that could not be made must be an error: a plan would take it for one too many, and remove it.
    pub(crate) fn assemble(
        record: &Record,
        release: &Release,
        nodes: BTreeMap<NodeName, DesiredNode>,
    ) -> Result<Self, Error> {
        if let Some(name) = record.node_names().find(|name| !nodes.contains_key(name)) {
            return Err(Error::Render { node: name.to_string(), why: NO_ADDRESS.to_owned() });
        }
        // Without files of their own, load balancers know no nodes.
        let balances = release.kinds.get(&KindId::LoadBalancer).is_some_and(|spec| !spec.files.is_empty());
        Ok(Self {
            deployment: record.settings.name.clone(),
            linked_clones: record.settings.linked_clones,
            image: record.image,
            internal_vip: record.internal_vip,
            public_vip: record.public_vip,
            rules: rules(record, release),
            registrations: registration::wanted(record),
            members: record.components.keys().map(|id| (id.clone(), record.nodes_of(id))).collect(),
            order: order(record, release),
            quorum: kinds(release, |spec| spec.quorum),
            drained: kinds(release, |spec| spec.drained && balances),
            single_writer: single_writers(release),
            nodes,
        })
    }

    /// The components in the order in which they depend on each other.
    pub fn components(&self) -> &[ComponentId] {
        &self.order
    }

    /// The nodes of a component, by index.
    pub fn nodes_of(&self, id: &ComponentId) -> impl Iterator<Item = &DesiredNode> {
        self.members.get(id).into_iter().flatten().filter_map(|name| self.nodes.get(name))
    }

    /// The names of the nodes of a component, by index.
    pub(crate) fn members(&self, id: &ComponentId) -> &[NodeName] {
        self.members.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// The name of a kind's anti-affinity rule.
    pub fn rule_of(&self, kind: KindId) -> String {
        rule_name(&self.deployment, kind)
    }

    /// True when members of the kind vote, so that they change one at a time.
    pub fn is_quorum(&self, kind: KindId) -> bool {
        self.quorum.contains(&kind)
    }

    /// True when the load balancers must send a node of the kind nothing new before it changes.
    pub fn is_drained(&self, kind: KindId) -> bool {
        self.drained.contains(&kind)
    }

    /// True when the load balancers use one node of the kind, the first that serves, and the others stand by.
    pub fn is_single_writer(&self, kind: KindId) -> bool {
        self.single_writer.contains(&kind)
    }
}

/// A load balancer as it shall be while another node is out of service: it sends that node nothing new.
///
/// # Errors
/// When the record has no such load balancer, or its configuration cannot be made.
pub fn draining(record: &Record, balancer: &NodeName, node: &NodeName) -> Result<DesiredNode, Error> {
    let release = release_of(record)?;
    let secrets = view::Secrets::new(record)?;
    let mut cloud = view::cloud(record, release, &secrets)?;
    cloud.draining.insert(node.to_string());
    let found = cloud.nodes.values().flatten().find(|known| known.name == balancer.as_str());
    let view = found.ok_or_else(|| Error::Render {
        node: balancer.to_string(),
        why: "the record does not have it".into(),
    })?;
    desired_node(record, release, &cloud, &Renderer::new(release, &cloud), view, &secrets)
}

fn release_of(record: &Record) -> Result<&'static Release, Error> {
    let id = &record.settings.release;
    Release::find(id).ok_or_else(|| Error::UnknownRelease(id.clone()))
}

fn kinds(release: &Release, is: impl Fn(&KindSpec) -> bool) -> BTreeSet<KindId> {
    release.kinds.iter().filter(|(_, spec)| is(spec)).map(|(kind, _)| *kind).collect()
}

fn single_writers(release: &Release) -> BTreeSet<KindId> {
    let front_ends = release.front_ends.iter().map(|(_, front_end)| front_end);
    front_ends.filter(|front_end| front_end.single_writer).map(|front_end| front_end.kind).collect()
}

fn desired_node(
    record: &Record,
    release: &Release,
    cloud: &CloudView,
    renderer: &Renderer<'_>,
    node: &NodeView,
    secrets: &dyn SecretSource,
) -> Result<DesiredNode, Error> {
    let name = NodeName::new(&record.settings.name, node.kind, node.index);
    let fail = |why: String| Error::Render { node: name.to_string(), why };
    let component = ComponentId { kind: node.kind, group: node.group.clone() };
    let membership =
        record.components.get(&component).ok_or_else(|| fail("it belongs to no component".into()))?;
    let spec = release
        .kinds
        .get(&node.kind)
        .ok_or_else(|| Error::UnknownKind { release: record.settings.release.clone(), kind: node.kind })?;
    let overrides = &membership.component.overrides;
    let document = renderer
        .render(node, overrides, secrets)
        .and_then(|document| document.encode())
        .map_err(|error| fail(crate::error::chain(&error)))?;
    let addresses = record.addresses.get(&name).cloned().ok_or_else(|| fail(NO_ADDRESS.into()))?;
    let nics = adapters::adapters(record, &spec.networks, addresses.management);
    let adapters: Vec<Nic> = nics.iter().map(|(nic, _)| nic.clone()).collect();
    let metadata = metadata(cloud, node, &adapters);
    let (index, size) = (node.index, membership.component.size);
    Ok(DesiredNode { component, index, size, nics, addresses, document, metadata, name })
}

/// A rule of one member means nothing to vCenter, so it begins with the second.
fn rules(record: &Record, release: &Release) -> BTreeMap<String, BTreeSet<NodeName>> {
    let mut rules = BTreeMap::new();
    if !record.settings.anti_affinity {
        return rules;
    }
    for (kind, _) in release.kinds.iter().filter(|(_, spec)| spec.anti_affinity) {
        let members: BTreeSet<NodeName> = record
            .components
            .keys()
            .filter(|id| id.kind == *kind)
            .flat_map(|id| record.nodes_of(id))
            .collect();
        if members.len() > 1 {
            rules.insert(rule_name(&record.settings.name, *kind), members);
        }
    }
    rules
}

/// Components whose requirements come first; kinds are listed so that few rounds are needed.
fn order(record: &Record, release: &Release) -> Vec<ComponentId> {
    let mut left: Vec<&ComponentId> = record.components.keys().collect();
    let mut ordered: Vec<ComponentId> = Vec::new();
    while !left.is_empty() {
        let waits = |id: &&ComponentId, others: &[&ComponentId]| {
            let requires =
                release.kinds.get(&id.kind).map(|spec| spec.requires.as_slice()).unwrap_or_default();
            others.iter().any(|other| other.kind != id.kind && requires.contains(&other.kind))
        };
        let (blocked, free): (Vec<_>, Vec<_>) = left.iter().partition(|id| waits(id, &left));
        // Kinds that require each other have no order; the catalogue's is as good as any.
        let progress = if free.is_empty() { blocked.clone() } else { free.clone() };
        ordered.extend(progress.into_iter().cloned());
        left = if free.is_empty() { Vec::new() } else { blocked };
    }
    ordered
}
