//! DHCP nodes in NSX: under NSX each is a transport node of host type, known again by our marks.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::error::Error;
use crate::name::{ComponentId, NodeName};
use crate::observed::{Observed, TransportNode};
use crate::pki;
use crate::record::Record;
use crate::release::{KindId, Network, Release};
use crate::render::interface_name;
use crate::secret::Secret;
use crate::settings::Backend;

/// The deployment that a transport node belongs to.
const DEPLOYMENT: &str = "vio.deployment";
/// Which of the deployments of that name, for an NSX Manager may serve several vCenters.
const INSTANCE: &str = "vio.instance";
/// The component of its node.
const COMPONENT: &str = "vio.component";
/// The index of its node.
const INDEX: &str = "vio.index";
/// Its transport zone as the user named it.
const ZONE: &str = "vio.transport_zone";
/// The id that the name led to.
const ZONE_ID: &str = "vio.transport_zone_id";

/// The account by which the NSX Manager logs in to a node. Templates of the DHCP nodes name it too.
const LOGIN_USER: &str = "vio-nsx";
/// The secret that is the account's password, in the words of `secrets` in a `kind.hcl`.
const LOGIN_SECRET: &str = "nsx_login";

/// A transport node as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The node, whose name is the transport node's.
    pub node: NodeName,
    /// The component of the node.
    pub component: ComponentId,
    /// The address that the NSX Manager reaches the node by.
    pub address: Ipv4Addr,
    /// The transport zone as the user named it: name or id.
    pub transport_zone: String,
    /// The node's adapter on the data network, if it has one.
    pub uplink_device: Option<String>,
    marks: BTreeMap<String, String>,
}

/// How the NSX Manager logs in to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// SHA-256 of the node's public SSH key, in base64.
    pub thumbprint: String,
}

impl Registration {
    /// The tags of the transport node, by scope, when its zone's name leads to this id.
    pub fn tags(&self, zone_id: &str) -> BTreeMap<String, String> {
        let zone = [(ZONE, self.transport_zone.as_str()), (ZONE_ID, zone_id)];
        let zone = zone.into_iter().map(|(scope, tag)| (scope.to_owned(), tag.to_owned()));
        self.marks.iter().map(|(scope, tag)| (scope.clone(), tag.clone())).chain(zone).collect()
    }

    /// True when a transport node is as it shall be.
    pub fn is_met_by(&self, found: &TransportNode) -> bool {
        let TransportNode { node, component, name, addresses, zone, zone_as_made, realized } = found;
        *node == self.node
            && *component == self.component
            && name == self.node.as_str()
            && *addresses == [self.address.to_string()]
            && *zone == self.transport_zone
            && *zone_as_made
            && *realized
    }
}

/// The transport nodes that a record asks for.
pub fn wanted(record: &Record) -> BTreeMap<NodeName, Registration> {
    let Backend::Nsx { transport_zone, .. } = &record.settings.backend else { return BTreeMap::new() };
    let component = ComponentId::of(KindId::Dhcp);
    let indexes = record.components.get(&component).map(|membership| membership.indexes.as_slice());
    let registration = |index: &u32| {
        let node = NodeName::new(&record.settings.name, component.kind, *index);
        let marks = marks(record, &component, *index);
        Some(Registration {
            address: record.addresses.get(&node)?.management,
            component: component.clone(),
            transport_zone: transport_zone.clone(),
            uplink_device: uplink_device(record),
            marks,
            node,
        })
    };
    let all = indexes.unwrap_or_default().iter().filter_map(registration);
    all.map(|registration| (registration.node.clone(), registration)).collect()
}

fn uplink_device(record: &Record) -> Option<String> {
    record.settings.data_network.as_ref()?;
    let kind = Release::find(&record.settings.release)?.kinds.get(&KindId::Dhcp)?;
    interface_name(&kind.networks, Network::Data)
}

fn marks(record: &Record, component: &ComponentId, index: u32) -> BTreeMap<String, String> {
    [
        (DEPLOYMENT, record.settings.name.clone()),
        (INSTANCE, instance(record)),
        (COMPONENT, component.to_string()),
        (INDEX, index.to_string()),
    ]
    .map(|(scope, tag)| (scope.to_owned(), tag))
    .into()
}

/// Follows from the root secret, of which it tells nothing.
fn instance(record: &Record) -> String {
    let bytes = record.root_secret.derive_bytes("instance mark");
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// False when the deployment can have no transport node: one is registered after its node has an address, and the address
/// is given back when both are gone.
pub fn may_exist(record: &Record) -> bool {
    let prefix = format!("{}-{}-", record.settings.name, KindId::Dhcp.as_str());
    record.addresses.keys().any(|node| node.as_str().starts_with(&prefix))
}

/// The node and its component that the tags of a transport node name; none when it is not this deployment's.
pub fn owner(record: &Record, tags: &BTreeMap<String, String>) -> Option<(NodeName, ComponentId)> {
    let tag = |scope: &str| tags.get(scope).map(String::as_str);
    let ours = tag(DEPLOYMENT) == Some(&record.settings.name) && tag(INSTANCE) == Some(&instance(record));
    let component: ComponentId = tag(COMPONENT).filter(|_| ours)?.parse().ok()?;
    let index = tag(INDEX)?.parse().ok()?;
    Some((NodeName::new(&record.settings.name, component.kind, index), component))
}

/// The zone as the user named it when a transport node was registered, and the id that the name then led to.
pub fn zone_marks(tags: &BTreeMap<String, String>) -> (String, String) {
    let tag = |scope: &str| tags.get(scope).cloned().unwrap_or_default();
    (tag(ZONE), tag(ZONE_ID))
}

/// How the NSX Manager logs in to the deployment's DHCP nodes.
///
/// # Errors
/// When no key can be derived, which the input cannot cause.
pub fn login(record: &Record) -> Result<Login, Error> {
    Ok(Login {
        username: LOGIN_USER.to_owned(),
        password: record.root_secret.derive_password(LOGIN_SECRET),
        thumbprint: pki::ssh_host_key(record)?.thumbprint,
    })
}

/// Whether a node is registered as it shall be. True for a node that shall not be, and while nobody knows.
pub fn is_as_wanted(record: &Record, observed: &Observed, node: &NodeName) -> bool {
    let (Some(wanted), Some(found)) = (wanted(record).remove(node), &observed.transport_nodes) else {
        return true;
    };
    let mut own = found.values().filter(|found| found.node == *node);
    own.next().is_some_and(|found| wanted.is_met_by(found)) && own.next().is_none()
}

#[cfg(test)]
mod tests;
