//! What a deployment remembers, kept in the ExtraConfig of its image VM: vCenter is the only database.
//!
//! A change of the record is a pure function from the old one to the new one, so that a write that lost a race
//! (compare-and-set) is simply computed again.

mod codec;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::address::{NodeAddresses, Pool, Range};
use crate::error::Error;
use crate::name::{ComponentId, FIRST_IMAGE, NodeName};
use crate::release::{KindId, Network as NetworkRole, Release};
use crate::secret::RootSecret;
use crate::settings::{Component, Network, Settings};

pub use codec::{COPY as RECORD_COPY, KEY as RECORD_KEY, PARTS as RECORD_PARTS};

/// The record of one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the layout.
    pub version: u32,
    /// When the deployment was made, seconds since 1970: certificates count from here.
    pub created_s: u64,
    /// What all secrets derive from.
    pub root_secret: RootSecret,
    /// The deployment as a whole.
    pub settings: Settings,
    /// Number of the image that nodes are cloned from, which was made from the template of the settings.
    #[serde(default = "first_image")]
    pub image: u32,
    /// Its components with the indexes of their nodes.
    pub components: BTreeMap<ComponentId, Membership>,
    /// Virtual address on the management network.
    pub internal_vip: Ipv4Addr,
    /// Virtual address on the external network.
    pub public_vip: Ipv4Addr,
    /// Addresses of every node that exists or is to exist.
    pub addresses: BTreeMap<NodeName, NodeAddresses>,
}

/// A component and which nodes are its.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// What its nodes are like.
    #[serde(flatten)]
    pub component: Component,
    /// Indexes of its nodes, ascending, from 1.
    pub indexes: Vec<u32>,
    /// It was whole once. What never was belongs to a run that was interrupted, and goes with the deployment.
    #[serde(default)]
    pub complete: bool,
}

impl Record {
    /// The record of a new deployment.
    ///
    /// # Errors
    /// When a range cannot be read or holds no address for a virtual address.
    pub fn new(settings: Settings, root_secret: RootSecret, created_s: u64) -> Result<Self, Error> {
        let internal_vip = virtual_address(&settings.management, "management")?;
        let public_vip = virtual_address(&settings.external, "external")?;
        let (components, addresses) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self {
            version: codec::VERSION,
            created_s,
            root_secret,
            settings,
            image: FIRST_IMAGE,
            components,
            internal_vip,
            public_vip,
            addresses,
        })
    }

    /// True when both ask for the same nodes: which components were whole once does not matter to these.
    pub fn asks_for_the_same(&self, other: &Self) -> bool {
        let Self {
            version,
            created_s,
            root_secret,
            settings,
            image,
            components,
            internal_vip,
            public_vip,
            addresses,
        } = self;
        let alike = |(one, other): (&Membership, &Membership)| {
            (&one.component, &one.indexes) == (&other.component, &other.indexes)
        };
        (version, created_s, image) == (&other.version, &other.created_s, &other.image)
            && (root_secret, settings) == (&other.root_secret, &other.settings)
            && (internal_vip, public_vip) == (&other.internal_vip, &other.public_vip)
            && *addresses == other.addresses
            && components.keys().eq(other.components.keys())
            && components.values().zip(other.components.values()).all(alike)
    }

    /// The record with other settings; addresses in use stay.
    ///
    /// # Errors
    /// As [`Record::new`]; when a gateway or virtual address is one that a node has.
    pub fn with_settings(&self, settings: Settings) -> Result<Self, Error> {
        let mut record = self.clone();
        let old = &self.settings;
        record.internal_vip =
            kept_vip(self.internal_vip, &old.management, &settings.management, "management")?;
        record.public_vip = kept_vip(self.public_vip, &old.external, &settings.external, "external")?;
        record.settings = settings;
        record.refuse_taken()?;
        Ok(record)
    }

    /// The record of which new nodes are cloned from another image.
    #[must_use]
    pub fn with_image(&self, number: u32) -> Self {
        Self { image: number, ..self.clone() }
    }

    /// An address of a node stays its own for as long as the node exists.
    fn refuse_taken(&self) -> Result<(), Error> {
        let reserved = [
            (self.internal_vip, "the internal virtual address", "`vip`"),
            (self.public_vip, "the public virtual address", "`vip`"),
            (self.settings.management.gateway, "the gateway of the management network", "`gateway`"),
            (self.settings.external.gateway, "the gateway of the external network", "`gateway`"),
        ];
        for (address, what, attribute) in reserved {
            let holder = self.addresses.iter().find(|(_, node)| {
                node.management == address || node.external.is_some_and(|external| external == address)
            });
            if let Some((node, _)) = holder {
                let why = format!("as {what}, the node `{node}` has it: set {attribute} to another address");
                return Err(Error::address(&address.to_string(), &why));
            }
        }
        Ok(())
    }

    /// The record with a component added or changed; new nodes get addresses, nodes that go keep theirs until
    /// [`Record::released`] hears that they are gone.
    ///
    /// # Errors
    /// When a network has no address left.
    pub fn with_component(
        &self,
        release: &Release,
        id: &ComponentId,
        component: Component,
    ) -> Result<Self, Error> {
        self.with_returning(release, id, component, &BTreeSet::new())
    }

    /// The same for a component that may have been forgotten while these nodes of its own were there: a removal was
    /// interrupted. It returns to them.
    ///
    /// # Errors
    /// When a network has no address left.
    pub fn with_returning(
        &self,
        release: &Release,
        id: &ComponentId,
        component: Component,
        left: &BTreeSet<NodeName>,
    ) -> Result<Self, Error> {
        let kind = release
            .kinds
            .get(&id.kind)
            .ok_or_else(|| Error::UnknownKind { release: self.settings.release.clone(), kind: id.kind })?;
        let mut record = self.clone();
        let indexes = self.indexes_for(id, component.node_count, left);
        for index in &indexes {
            let name = NodeName::new(&self.settings.name, id.kind, *index);
            record.allocate(name, kind.networks.contains(&NetworkRole::External))?;
        }
        let complete = self.components.get(id).is_some_and(|membership| membership.complete);
        record.components.insert(id.clone(), Membership { component, indexes, complete });
        Ok(record)
    }

    /// The record without a component; its nodes' addresses stay taken until they are gone.
    #[must_use]
    pub fn without_component(&self, id: &ComponentId) -> Self {
        let mut record = self.clone();
        record.components.remove(id);
        record
    }

    /// The record with the addresses of nodes given back that are neither wanted nor present.
    #[must_use]
    pub fn released(&self, present: &BTreeSet<NodeName>) -> Self {
        let wanted: BTreeSet<NodeName> = self.node_names().collect();
        let mut record = self.clone();
        record.addresses.retain(|name, _| wanted.contains(name) || present.contains(name));
        record
    }

    /// Nodes of a kind whose addresses an interrupted run has not given back: neither wanted nor present.
    pub fn unreleased(&self, kind: KindId, is_present: impl Fn(&NodeName) -> bool) -> Vec<NodeName> {
        let absent = self.addresses.keys().filter(|name| !is_present(name));
        let mut gone: Vec<NodeName> =
            absent.filter(|name| name.is_of(&self.settings.name, kind)).cloned().collect();
        if !gone.is_empty() {
            let wanted: BTreeSet<NodeName> = self.node_names().collect();
            gone.retain(|name| !wanted.contains(name));
        }
        gone
    }

    /// The record that says that a component is whole.
    #[must_use]
    pub fn completed(&self, id: &ComponentId) -> Self {
        let mut record = self.clone();
        if let Some(membership) = record.components.get_mut(id) {
            membership.complete = true;
        }
        record
    }

    /// The components that stand on this one, by themselves or through others.
    pub fn dependants(&self, id: &ComponentId) -> BTreeSet<ComponentId> {
        let mut found = BTreeSet::new();
        let mut looked_at = vec![id.clone()];
        while let Some(next) = looked_at.pop() {
            let link = next.link(&self.settings.name);
            let on_it = self
                .components
                .iter()
                .filter(|(_, membership)| membership.component.links.values().any(|name| *name == link));
            let new = on_it.map(|(id, _)| id.clone()).filter(|id| found.insert(id.clone()));
            looked_at.extend(new.collect::<Vec<_>>());
        }
        found
    }

    /// The nodes that are wanted.
    pub fn node_names(&self) -> impl Iterator<Item = NodeName> {
        self.components.iter().flat_map(|(id, membership)| {
            membership.indexes.iter().map(|index| NodeName::new(&self.settings.name, id.kind, *index))
        })
    }

    /// The nodes of one component.
    pub fn nodes_of(&self, id: &ComponentId) -> Vec<NodeName> {
        let indexes =
            self.components.get(id).map(|membership| membership.indexes.as_slice()).unwrap_or_default();
        indexes.iter().map(|index| NodeName::new(&self.settings.name, id.kind, *index)).collect()
    }

    /// Existing members keep their index; new ones take the lowest that no component of the kind has. Of a kind that
    /// serves several vSphere clusters a node that is still to go may be anybody's: its index is not free before its
    /// address is.
    fn indexes_for(&self, id: &ComponentId, count: u32, left: &BTreeSet<NodeName>) -> Vec<u32> {
        let of_left = || left.iter().filter_map(|node| node.index_of(&self.settings.name, id.kind)).collect();
        let mut own = self.components.get(id).map_or_else(of_left, |membership| membership.indexes.clone());
        let others: BTreeSet<u32> = self
            .components
            .iter()
            .filter(|(other, _)| other.kind == id.kind && *other != id)
            .flat_map(|(_, membership)| membership.indexes.iter().copied())
            .collect();
        own.retain(|index| !others.contains(index));
        own.truncate(count as usize);
        let going = |index: u32| {
            let name = NodeName::new(&self.settings.name, id.kind, index);
            id.group.is_some() && self.addresses.contains_key(&name)
        };
        let free = (1..).filter(|index| !others.contains(index) && !own.contains(index) && !going(*index));
        let missing = (count as usize).saturating_sub(own.len());
        let new: Vec<u32> = free.take(missing).collect();
        own.extend(new);
        own.sort_unstable();
        own
    }

    fn allocate(&mut self, name: NodeName, external: bool) -> Result<(), Error> {
        if self.addresses.contains_key(&name) {
            return Ok(());
        }
        let management = self.free(&self.settings.management, "management", |node| Some(node.management))?;
        let external = match external {
            true => Some(self.free(&self.settings.external, "external", |node| node.external)?),
            false => None,
        };
        self.addresses.insert(name, NodeAddresses { management, external });
        Ok(())
    }

    fn free(
        &self,
        network: &Network,
        role: &'static str,
        of: impl Fn(&NodeAddresses) -> Option<Ipv4Addr>,
    ) -> Result<Ipv4Addr, Error> {
        let pool = pool(network, [self.internal_vip, self.public_vip])?;
        let in_use: BTreeSet<Ipv4Addr> = self.addresses.values().filter_map(of).collect();
        pool.lowest_free(&in_use).ok_or(Error::NoAddress {
            network: role,
            capacity: pool.capacity(),
            needed: in_use.len() as u64 + 1,
        })
    }
}

/// What a record means that was written before templates could change.
fn first_image() -> u32 {
    FIRST_IMAGE
}

/// The addresses that nodes of a network may have.
///
/// # Errors
/// When a range cannot be read.
pub fn pool(network: &Network, reserved: impl IntoIterator<Item = Ipv4Addr>) -> Result<Pool, Error> {
    let ranges: Vec<Range> =
        network.ip_ranges.iter().map(|text| Range::parse(text)).collect::<Result<_, _>>()?;
    Ok(Pool::new(ranges, reserved.into_iter().chain([network.gateway]).chain(network.vip)))
}

/// A virtual address that was taken from the ranges stays where clients know it.
fn kept_vip(now: Ipv4Addr, old: &Network, new: &Network, role: &'static str) -> Result<Ipv4Addr, Error> {
    match new.vip {
        None if new.ip_ranges == old.ip_ranges => Ok(now),
        _ => virtual_address(new, role),
    }
}

/// The virtual address of a network: the one that the user chose, else the first of its ranges.
///
/// # Errors
/// When a range cannot be read, or no address is left.
pub fn virtual_address(network: &Network, role: &'static str) -> Result<Ipv4Addr, Error> {
    if let Some(vip) = network.vip {
        return Ok(vip);
    }
    let pool = pool(network, [])?;
    let missing = Error::NoAddress { network: role, capacity: pool.capacity(), needed: 1 };
    pool.lowest_free(&BTreeSet::new()).ok_or(missing)
}

#[cfg(test)]
pub(crate) mod tests;
