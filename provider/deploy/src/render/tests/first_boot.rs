use super::*;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn nics(networks: &[Network]) -> Vec<Nic> {
    let nic = |network: &Network| Nic {
        network: *network,
        mac: derived_mac("vc", "prod-load-balancer-01", *network),
    };
    networks.iter().map(nic).collect()
}

fn readable(cloud: &CloudView, kind: KindId, networks: &[Network]) -> String {
    let values = metadata(cloud, &node(cloud, kind, 1), &nics(networks));
    assert_eq!(values["guestinfo.metadata.encoding"], "base64");
    let json = STANDARD.decode(&values["guestinfo.metadata"]).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    serde_json::to_string_pretty(&json).unwrap()
}

#[test]
fn a_load_balancer_answers_users_through_the_external_gateway() {
    insta::assert_snapshot!(readable(
        &cloud(),
        KindId::LoadBalancer,
        &[Network::Management, Network::External]
    ));
}

#[test]
fn a_node_of_one_network_uses_its_gateway() {
    insta::assert_snapshot!(readable(&cloud(), KindId::Memcache, &[Network::Management]));
}

#[test]
fn a_trunk_has_no_address() {
    let text = readable(&cloud(), KindId::Memcache, &[Network::Management, Network::Data]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(json["network"]["ethernets"]["eth1"].get("addresses").is_none());
}

#[test]
fn derived_macs_are_in_the_range_for_addresses_set_by_hand() {
    let macs: BTreeSet<String> =
        (0..500).map(|index| derived_mac("vc", &format!("node-{index}"), Network::Management)).collect();
    assert_eq!(macs.len(), 500);
    for mac in &macs {
        let fourth = u8::from_str_radix(&mac[9..11], 16).unwrap();
        assert!(mac.starts_with("00:50:56:") && fourth <= 0x3f, "{mac}");
    }
}

#[test]
fn derived_macs_differ_by_realm_node_and_network() {
    let all = [
        derived_mac("vc", "a", Network::Management),
        derived_mac("vc", "a", Network::External),
        derived_mac("vc", "b", Network::Management),
        derived_mac("other", "a", Network::Management),
    ];
    assert_eq!(BTreeSet::from(all).len(), 4);
}
