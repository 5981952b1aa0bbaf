//! Networks that contradict themselves or each other.

use std::net::Ipv4Addr;

use super::Finding;
use crate::address::{Cidr, Range};
use crate::settings::Network;

/// Judges both networks of a deployment. Text that cannot be read at all is left to whoever reads it.
pub fn check_networks(management: Option<&Network>, external: Option<&Network>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, network) in [("management_network", management), ("external_network", external)] {
        if let Some(network) = network {
            check_network(name, network, &mut findings);
        }
    }
    if let (Some(management), Some(external)) = (management, external) {
        check_between(management, external, &mut findings);
    }
    findings
}

fn check_network(name: &'static str, network: &Network, findings: &mut Vec<Finding>) {
    let Ok(cidr) = Cidr::parse(&network.cidr) else { return };
    let mut outside = |attribute: &'static str, what: &str, address: Ipv4Addr| {
        if !cidr.has_host(address) {
            let detail = format!(
                "The {what} `{address}` is no host address of the network `{}`. Correct the address or the `cidr`.",
                network.cidr
            );
            findings.push(Finding::new(&[name, attribute], "Address outside its network", detail));
        }
    };
    outside("gateway", "gateway", network.gateway);
    if let Some(vip) = network.vip {
        outside("vip", "virtual address", vip);
    }
    if network.vip == Some(network.gateway) {
        let detail = format!("`{}` is both the gateway and the virtual address.", network.gateway);
        findings.push(Finding::new(&[name, "vip"], "Address used twice", detail));
    }
    let ranges: Vec<Range> = network.ip_ranges.iter().filter_map(|text| Range::parse(text).ok()).collect();
    for range in &ranges {
        findings.extend(check_range(name, &cidr, &network.cidr, *range));
    }
    for (position, one) in ranges.iter().enumerate() {
        for other in ranges.iter().skip(position + 1).filter(|other| one.overlaps(**other)) {
            let detail = format!(
                "The ranges `{}-{}` and `{}-{}` share addresses. Let every address stand in one range only.",
                one.first, one.last, other.first, other.last
            );
            findings.push(Finding::new(&[name, "ip_ranges"], "Overlapping ranges", detail));
        }
    }
}

/// Judges one range against its network.
fn check_range(name: &'static str, cidr: &Cidr, cidr_text: &str, range: Range) -> Option<Finding> {
    let inside = cidr.has_host(range.first) && cidr.has_host(range.last);
    let detail = format!(
        "The range `{}-{}` has addresses that are no host addresses of the network `{cidr_text}`. Correct the range or \
         the `cidr`.",
        range.first, range.last
    );
    (!inside).then(|| Finding::new(&[name, "ip_ranges"], "Range outside its network", detail))
}

fn check_between(management: &Network, external: &Network, findings: &mut Vec<Finding>) {
    if management.vip.is_some() && management.vip == external.vip {
        let detail =
            "The management and the external network have the same virtual address. Give each its own.";
        findings.push(Finding::new(&["external_network", "vip"], "Address used twice", detail));
    }
    let read = |network: &Network| -> Vec<Range> {
        network.ip_ranges.iter().filter_map(|text| Range::parse(text).ok()).collect()
    };
    let (ours, theirs) = (read(management), read(external));
    for range in theirs.iter().filter(|range| ours.iter().any(|own| own.overlaps(**range))) {
        let detail = format!(
            "The range `{}-{}` overlaps a range of the management network. Let every address stand in one range only.",
            range.first, range.last
        );
        findings.push(Finding::new(&["external_network", "ip_ranges"], "Overlapping ranges", detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(cidr: &str, gateway: &str, ranges: &[&str], vip: Option<&str>) -> Network {
        Network {
            network: "n".into(),
            cidr: cidr.into(),
            gateway: gateway.parse().unwrap(),
            dns_servers: vec![],
            ntp_servers: vec![],
            ip_ranges: ranges.iter().map(|r| (*r).to_owned()).collect(),
            vip: vip.map(|v| v.parse().unwrap()),
        }
    }

    fn attributes(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|finding| finding.attribute.join(".")).collect()
    }

    #[test]
    fn a_sound_pair_of_networks_has_no_findings() {
        let management = network("192.0.2.0/24", "192.0.2.1", &["192.0.2.10-192.0.2.50"], None);
        let external = network(
            "198.51.100.0/24",
            "198.51.100.1",
            &["198.51.100.10-198.51.100.12"],
            Some("198.51.100.9"),
        );
        assert_eq!(check_networks(Some(&management), Some(&external)), vec![]);
    }

    #[test]
    fn every_contradiction_is_found_on_its_attribute() {
        let management = network(
            "192.0.2.0/24",
            "192.0.3.1",
            &["192.0.2.10-192.0.2.50", "192.0.2.50-192.0.2.60"],
            Some("192.0.9.9"),
        );
        let external = network("192.0.2.0/24", "192.0.2.1", &["192.0.2.40-192.0.3.1"], Some("192.0.2.1"));
        let found = check_networks(Some(&management), Some(&external));
        assert_eq!(
            attributes(&found),
            [
                "management_network.gateway",
                "management_network.vip",
                "management_network.ip_ranges",
                "external_network.vip",
                "external_network.ip_ranges",
                "external_network.ip_ranges",
            ]
        );
    }
}
