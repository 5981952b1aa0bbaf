//! A second opinion on every plan, by other means than the planner's. It runs before execution and in every test of
//! the planner.
//!
//! Each rule asks few questions about the order of steps, and nearly all are answered by a step's own needs, so that
//! the check stays linear in the size of a plan.

mod disturbance;
mod drain;
mod lifecycle;
mod order;
mod quorum;
mod registration;
mod rules;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::Graph;
use crate::desired::Desired;
use crate::error::Error;
use crate::observed::Observed;

/// Judges a plan: steps wait only for earlier ones, no address is given twice, no node is touched by two steps at once
/// or before it exists, a node is registered in NSX only while it is up, anti-affinity rules stand before the nodes that
/// they part are started, a cluster with a quorum never loses it by this plan, and nodes behind the load balancers change
/// when these send them nothing new.
///
/// # Errors
/// [`Error::UnsafePlan`] with the first rule that is broken.
pub fn check(graph: &Graph, desired: &Desired, observed: &Observed) -> Result<(), Error> {
    addresses(desired)?;
    structure(graph, observed)?;
    lifecycle::check_image(graph, desired, observed)?;
    rules::check(graph, desired, observed)?;
    registration::check(graph, desired, observed)?;
    quorum::check(graph, desired, observed)?;
    drain::check(graph, desired, observed)
}

/// What must hold of every plan, whatever is wanted.
pub(super) fn structure(graph: &Graph, observed: &Observed) -> Result<(), Error> {
    order::check(graph)?;
    lifecycle::check(graph, observed)?;
    lifecycle::check_foundation(graph, observed)?;
    registration::check_removal(graph, observed)
}

fn unsafe_plan<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(Error::UnsafePlan(why.into()))
}

fn addresses(desired: &Desired) -> Result<(), Error> {
    let mut addresses: BTreeMap<Ipv4Addr, &str> = BTreeMap::new();
    let mut macs: BTreeMap<&str, &str> = BTreeMap::new();
    let virtual_ones = [(desired.internal_vip, "the internal VIP"), (desired.public_vip, "the public VIP")];
    let of_nodes = desired.nodes.values().flat_map(|node| {
        let of_node = std::iter::once(node.addresses.management).chain(node.addresses.external);
        of_node.map(|address| (address, node.name.as_str()))
    });
    for (address, owner) in of_nodes.chain(virtual_ones) {
        if let Some(other) = addresses.insert(address, owner) {
            return unsafe_plan(format!("`{address}` is given to both {other} and {owner}"));
        }
    }
    for node in desired.nodes.values() {
        for (nic, _) in &node.nics {
            if let Some(other) = macs.insert(&nic.mac, node.name.as_str()) {
                let mac = &nic.mac;
                return unsafe_plan(format!(
                    "the MAC address `{mac}` is given to both {other} and {}",
                    node.name
                ));
            }
        }
    }
    Ok(())
}
