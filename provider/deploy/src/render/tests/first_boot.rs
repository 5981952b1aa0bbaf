use super::*;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn nics(networks: &[Network]) -> Vec<Nic> {
    let nic = |(index, network): (usize, &Network)| Nic {
        network: *network,
        mac: format!("00:50:56:00:00:0{index}"),
    };
    networks.iter().enumerate().map(nic).collect()
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
