//! What a node's first boot is told: its name, its network and its agent, for cloud-init's VMware data source.
//!
//! The interfaces are matched by MAC address and named `eth0`, `eth1`, … in the order of the kind's networks. Nothing
//! else works everywhere: names such as `ens192` depend on the virtual hardware, cloud-init's networkd renderer ignores
//! `match` by name or driver, and `set-name`, by which templates know what to bind a VIP to, demands a MAC address. MAC
//! addresses that vCenter draws are known only after the clone, so the plan gives them out and the clone call sets
//! them: one call makes the VM and says how it boots.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::release::Network;

use super::view::{CloudView, NetworkView, NodeView};

/// A network adapter of a node, in the order of its kind's networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// The network it is connected to.
    pub network: Network,
    /// Its MAC address, lower case with colons.
    pub mac: String,
}

/// The `guestinfo` values of a node's first boot that are its own; the user data has the others.
#[must_use]
pub fn metadata(cloud: &CloudView, node: &NodeView, nics: &[Nic]) -> BTreeMap<String, String> {
    let ethernets: BTreeMap<String, Value> = nics
        .iter()
        .enumerate()
        .map(|(index, nic)| (format!("eth{index}"), ethernet(cloud, node, nic, &format!("eth{index}"))))
        .collect();
    let metadata = json!({
        "instance-id": node.name,
        "local-hostname": node.name,
        "network": { "version": 2, "ethernets": ethernets },
        "redact": ["userdata"],
    });
    BTreeMap::from([
        ("guestinfo.metadata".to_owned(), STANDARD.encode(metadata.to_string())),
        ("guestinfo.metadata.encoding".to_owned(), "base64".to_owned()),
    ])
}

fn ethernet(cloud: &CloudView, node: &NodeView, nic: &Nic, name: &str) -> Value {
    let mut settings = json!({ "match": { "macaddress": nic.mac }, "set-name": name, "dhcp4": false });
    match nic.network {
        Network::Management => {
            let network = &cloud.management;
            settings["addresses"] = json!([format!("{}/{}", node.management_address, network.prefix_len)]);
            settings["nameservers"] = json!({ "addresses": network.dns_servers });
            settings["routes"] = match node.external_address {
                Some(_) => json!(routes_to_servers(network)),
                None => json!(default_route(network)),
            };
        }
        Network::External => {
            let address = node
                .external_address
                .iter()
                .map(|address| format!("{address}/{}", cloud.external.prefix_len));
            settings["addresses"] = json!(address.collect::<Vec<String>>());
            settings["routes"] = json!(default_route(&cloud.external));
        }
        Network::Data => {}
    }
    settings
}

fn default_route(network: &NetworkView) -> Vec<Value> {
    network.gateway.iter().map(|gateway| json!({ "to": "0.0.0.0/0", "via": gateway })).collect()
}

/// A node on both networks answers users through the external gateway; only its own name and time servers are still
/// reached through the management network, where they may be beyond the gateway.
fn routes_to_servers(network: &NetworkView) -> Vec<Value> {
    let Some(gateway) = &network.gateway else { return Vec::new() };
    let servers = network.dns_servers.iter().chain(&network.ntp_servers);
    let addresses = servers.filter_map(|server| server.parse::<Ipv4Addr>().ok());
    let beyond = addresses.filter(|address| !is_within(*address, network));
    let unique: std::collections::BTreeSet<Ipv4Addr> = beyond.collect();
    unique.into_iter().map(|address| json!({ "to": format!("{address}/32"), "via": gateway })).collect()
}

fn is_within(address: Ipv4Addr, network: &NetworkView) -> bool {
    let base = network.cidr.split('/').next().and_then(|base| base.parse::<Ipv4Addr>().ok());
    let mask = u32::MAX.checked_shl(32 - u32::from(network.prefix_len.min(32))).unwrap_or(0);
    base.is_some_and(|base| u32::from(base) & mask == u32::from(address) & mask)
}
