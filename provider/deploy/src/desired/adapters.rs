//! A node's network adapters.

use std::net::Ipv4Addr;

use crate::record::Record;
use crate::release::Network;
use crate::render::Nic;

/// The adapters in the order of the kind's networks, with the network that each is connected to as the user named it.
/// The trunk is there only where the user named one.
pub(super) fn adapters(record: &Record, networks: &[Network], management: Ipv4Addr) -> Vec<(Nic, String)> {
    let settings = &record.settings;
    let mask = record.root_secret.derive_bytes("mac addresses");
    let connected = networks.iter().filter_map(|role| {
        let network = match role {
            Network::Management => Some(settings.management.network.clone()),
            Network::External => Some(settings.external.network.clone()),
            Network::Data => settings.data_network.clone(),
        };
        network.map(|network| (*role, network))
    });
    connected
        .map(|(role, network)| (Nic { network: role, mac: mac(mask, management, role) }, network))
        .collect()
}

/// A MAC address out of the range that vSphere keeps for addresses set by hand (`00:50:56:00:00:00` to
/// `00:50:56:3f:ff:ff`). Its 22 bits are the adapter's role and the last 20 bits of the node's management address, which
/// no other node has, turned by the deployment's secret: within a deployment no two are the same as long as its addresses
/// lie within a million of each other, and deployments in one segment meet as rarely as random ones.
fn mac(mask: [u8; 32], management: Ipv4Addr, role: Network) -> String {
    let role: u32 = match role {
        Network::Management => 0,
        Network::External => 1,
        Network::Data => 2,
    };
    let own = role << 20 | u32::from(management) & 0x000f_ffff;
    let [mask_1, mask_2, mask_3, ..] = mask;
    let [_, byte_1, byte_2, byte_3] = own.to_be_bytes();
    format!("00:50:56:{:02x}:{:02x}:{:02x}", (byte_1 ^ mask_1) & 0x3f, byte_2 ^ mask_2, byte_3 ^ mask_3)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ROLES: [Network; 3] = [Network::Management, Network::External, Network::Data];

    #[test]
    fn no_two_adapters_of_a_deployment_have_one_address() {
        let macs: BTreeSet<String> = (0..10_000_u32)
            .flat_map(|n| ROLES.map(|role| mac([0xa5; 32], Ipv4Addr::from(0x0a0f_f000 + n), role)))
            .collect();
        assert_eq!(macs.len(), 30_000);
        assert!(
            macs.iter().all(|mac| mac.as_str() >= "00:50:56:00:00:00" && mac.as_str() <= "00:50:56:3f:ff:ff")
        );
    }

    #[test]
    fn deployments_of_one_address_differ() {
        let address = Ipv4Addr::new(192, 0, 2, 10);
        assert_ne!(mac([1; 32], address, Network::Management), mac([2; 32], address, Network::Management));
    }
}
