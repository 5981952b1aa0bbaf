//! Names that lead to nothing, and places too small for what is to stand in them.

use super::Finding;
use crate::inventory::{Cluster, Inventory, LookupError, Template};
use crate::release::{KindSpec, Release, Size};
use crate::settings::{Component, Settings};

const GIB: u64 = 1024 * 1024 * 1024;

/// Judges where a deployment is to be placed.
pub fn check_placement(inventory: &Inventory, settings: &Settings) -> Vec<Finding> {
    let datacenter = match inventory.datacenter(&settings.datacenter) {
        Ok(datacenter) => datacenter,
        Err(error) => return vec![not_found(&["datacenter"], error)],
    };
    let cluster = match inventory.cluster(datacenter, &settings.cluster) {
        Ok(cluster) => cluster,
        Err(error) => return vec![not_found(&["cluster"], error)],
    };
    let networks = [
        (&["management_network", "network"], Some(&settings.management.network)),
        (&["external_network", "network"], Some(&settings.external.network)),
        (&["data_network", "network"], settings.data_network.as_ref()),
    ];
    let mut findings: Vec<Finding> = networks
        .into_iter()
        .filter_map(|(attribute, name)| Some((attribute, inventory.network(cluster, name?).err()?)))
        .map(|(attribute, error)| not_found(attribute, error))
        .collect();
    if let Err(error) = inventory.datastore(cluster, &settings.datastore) {
        findings.push(not_found(&["datastore"], error));
    }
    if usable_hosts(cluster) == 0 {
        let detail = format!(
            "No host of the cluster `{}` is connected and out of maintenance. Nodes could not be started there.",
            cluster.entity.name
        );
        findings.push(Finding::new(&["cluster"], "No usable host", detail));
    }
    findings
}

/// Judges the template.
pub fn check_template(template: &Template) -> Option<Finding> {
    let detail = "The template has no VMware Tools, without which a node cannot read its configuration nor report. \
                  Install `open-vm-tools` in it.";
    (!template.has_tools).then(|| Finding::new(&["template"], "No VMware Tools in the template", detail))
}

/// Judges whether a component's nodes have room: hosts for anti-affinity, memory, and the datastore for `new_nodes`.
pub fn check_component(
    inventory: &Inventory,
    settings: &Settings,
    kind: &KindSpec,
    component: &Component,
    new_nodes: u32,
) -> Vec<Finding> {
    let Ok(datacenter) = inventory.datacenter(&settings.datacenter) else { return Vec::new() };
    let Ok(cluster) = inventory.cluster(datacenter, &settings.cluster) else { return Vec::new() };
    let mut findings = Vec::new();
    let hosts = usable_hosts(cluster);
    // Nodes that are there need no new place: a change of theirs may be made while hosts are serviced.
    let places = new_nodes > 0 && settings.anti_affinity && kind.anti_affinity;
    if places && component.node_count as usize > hosts {
        let detail = format!(
            "{} nodes are to run on different hosts, and {hosts} of the cluster `{}` are connected and out of maintenance. \
             Add hosts, use fewer nodes, or set `anti_affinity = false` on the management cluster.",
            component.node_count, cluster.entity.name
        );
        findings.push(Finding::new(&["node_count"], "Too few hosts for anti-affinity", detail));
    }
    let largest =
        cluster.hosts.iter().filter(|host| host.usable).map(|host| (host.memory_mib, host.cores)).max();
    if let Some((memory_mib, cores)) = largest
        && (u64::from(component.size.memory_mib) > memory_mib || component.size.cpus > cores)
    {
        let detail = format!(
            "A node of {} processors and {} MiB fits on no host of the cluster `{}`: the largest has {cores} cores and \
             {memory_mib} MiB.",
            component.size.cpus, component.size.memory_mib, cluster.entity.name
        );
        findings.push(Finding::new(&["node_size"], "Node larger than any host", detail));
    }
    findings.extend(check_space(inventory, settings, cluster, component, new_nodes));
    findings
}

/// Linked clones cannot have a larger disk than the image, which has the largest that a kind asks for by default.
pub fn check_disk(release: &Release, settings: &Settings, size: Size) -> Option<Finding> {
    let kinds = release.kinds.values();
    let largest = kinds.map(|kind| kind.default_size(settings.profile).disk_gib).max().unwrap_or_default();
    if !settings.linked_clones || size.disk_gib <= largest {
        return None;
    }
    let detail = format!(
        "Nodes are linked clones of the deployment's image, whose disk has {largest} GiB; {} GiB are more. Ask for at most \
         {largest} GiB, or set `linked_clones = false` on the management cluster.",
        size.disk_gib
    );
    Some(Finding::new(&["node_size", "disk_gib"], "Disk larger than the image's", detail))
}

/// Full clones take their whole disk; linked clones take what they write, which nobody knows.
fn check_space(
    inventory: &Inventory,
    settings: &Settings,
    cluster: &Cluster,
    component: &Component,
    new_nodes: u32,
) -> Option<Finding> {
    let datastore = inventory.datastore(cluster, &settings.datastore).ok()?;
    let needed = u64::from(component.size.disk_gib) * u64::from(new_nodes) * GIB;
    if settings.linked_clones || needed <= datastore.free_bytes {
        return None;
    }
    let detail = format!(
        "{new_nodes} new nodes need {} GiB, and the datastore `{}` has {} GiB free. Free space, or use linked clones.",
        needed / GIB,
        datastore.entity.name,
        datastore.free_bytes / GIB
    );
    Some(Finding::new(&["node_size"], "Too little space on the datastore", detail))
}

fn usable_hosts(cluster: &Cluster) -> usize {
    cluster.hosts.iter().filter(|host| host.usable).count()
}

fn not_found(attribute: &[&'static str], error: LookupError) -> Finding {
    let detail = error.to_string();
    let mut letters = detail.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    Finding::new(attribute, "No such object in vCenter", format!("{first}{}.", letters.as_str()))
}
