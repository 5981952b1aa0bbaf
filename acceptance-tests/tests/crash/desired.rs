//! The cloud as it shall be: nothing twice, nothing left over, no address leaked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use acceptance_tests::{Deployment, Inventory};
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::support::{NODES, applied_document};

/// Scales the controllers out.
pub(crate) const THREE: &str = "-var=controllers=3";

/// The node that object storage brings.
pub(crate) const STORAGE: [&str; 1] = ["prod-object-storage-01"];

/// The example's nodes and these.
pub(crate) fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut nodes = [NODES.as_slice(), more].concat();
    nodes.sort_unstable();
    nodes
}

/// What is ours begins with this, and so does what belongs to it.
const OURS: &str = "prod";

/// The plan is empty; the nodes are ready, exist once, do what they were told, have the addresses that the record gives
/// them, and nobody else has one; folder, pool and rules are there once, and nothing else has changed.
pub(crate) fn expect_as_desired(
    cloud: &Deployment,
    before: &Inventory,
    options: &[&str],
    nodes: &[&str],
) -> Result<()> {
    cloud.plan_is_empty_with(options)?;
    let state = cloud.state()?.nodes();
    let names: Vec<&str> = state.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, nodes);
    assert!(state.iter().all(|node| node.state == "ready"), "{state:#?}");

    let (inventory, record) = (cloud.vcenter.inventory()?, record(cloud)?);
    expect_ours(&inventory, before, nodes, &images(&record)?)?;
    expect_addresses(&record, nodes)?;
    for node in &state {
        let address = json!(node.ip_address);
        assert_eq!(cloud.vcenter.vm(&node.name)?["address"], address, "{}", node.name);
        assert_eq!(record["addresses"][&node.name]["management"], address, "{}", node.name);
        applied_document(&cloud.vcenter, &node.name)?;
    }
    Ok(())
}

/// The image that has the record, and one for each time that the template has changed.
fn images(record: &Value) -> Result<Vec<String>> {
    let last = record["image"].as_u64().context("the record names no image")?;
    let later = (2..=last).map(|number| format!("prod-image-{number}"));
    Ok(std::iter::once("prod-image".to_owned()).chain(later).collect())
}

/// Ours are one folder, one pool, the images, these nodes, and a rule over each kind that has more than one.
fn expect_ours(inventory: &Inventory, before: &Inventory, nodes: &[&str], images: &[String]) -> Result<()> {
    let (mut others, mut ours) = (inventory.document.clone(), Vec::new());
    for list in ["folders", "pools"] {
        ours.extend(taken(&mut others[list], |path| {
            path.as_str().is_some_and(|path| path.ends_with("/prod"))
        }));
    }
    assert_eq!(ours.len(), 2, "{ours:?}");
    let named = |value: &Value| value["name"].as_str().is_some_and(|name| name.starts_with(OURS));
    let vms = taken(&mut others["vms"], named);
    let names: BTreeSet<&str> = vms.iter().filter_map(|vm| vm["name"].as_str()).collect();
    assert_eq!(vms.len(), names.len(), "two VMs have one name: {vms:?}");
    assert_eq!(names, nodes.iter().copied().chain(images.iter().map(String::as_str)).collect());
    let mut rules = Vec::new();
    for cluster in others["clusters"].as_array_mut().into_iter().flatten() {
        rules.extend(taken(&mut cluster["rules"], named));
    }
    expect_rules(&rules, nodes);
    Inventory { document: others }.expect_same_as(before)
}

/// Takes what fits out of a list.
fn taken(list: &mut Value, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    let all = list.as_array_mut().map(std::mem::take).unwrap_or_default();
    let (ours, others) = all.into_iter().partition(fits);
    *list = Value::Array(others);
    ours
}

fn expect_rules(rules: &[Value], nodes: &[&str]) {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        kinds.entry(node.rsplit_once('-').map_or("", |(kind, _)| kind)).or_default().push(node);
    }
    kinds.retain(|_, members| members.len() > 1);
    let found: BTreeMap<&str, Vec<&str>> = rules
        .iter()
        .map(|rule| {
            let members = rule["vms"].as_array().into_iter().flatten().filter_map(Value::as_str);
            (rule["name"].as_str().unwrap_or_default(), members.collect())
        })
        .collect();
    assert_eq!(rules.len(), kinds.len(), "{rules:?}");
    assert_eq!(found, kinds);
    assert!(rules.iter().all(|rule| rule["enabled"] == true), "{rules:?}");
}

/// The record of the deployment, as it stands in the image.
fn record(cloud: &Deployment) -> Result<Value> {
    let image = cloud.vcenter.vm("prod-image")?;
    let value =
        |key: &str| image["extra_config"][key].as_str().with_context(|| format!("the image has no {key}"));
    let parts: usize = value("vio.record")?.parse().context("reading the number of parts")?;
    let text: Vec<&str> =
        (1..=parts).map(|part| value(&format!("vio.record.{part}"))).collect::<Result<_>>()?;
    let packed = STANDARD.decode(text.concat()).context("reading the record")?;
    let mut json = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut json).context("unpacking the record")?;
    serde_json::from_str(&json).context("reading the record")
}

/// The nodes have addresses, and nobody who does not exist; none is given twice; every component was whole once.
fn expect_addresses(record: &Value, nodes: &[&str]) -> Result<()> {
    let of_nodes = record["addresses"].as_object().context("the record has no addresses")?;
    assert_eq!(of_nodes.keys().map(String::as_str).collect::<Vec<_>>(), nodes);
    let mut all = vec![&record["internal_vip"], &record["public_vip"]];
    all.extend(of_nodes.values().flat_map(|node| [&node["management"], &node["external"]]));
    let all: Vec<&str> = all.into_iter().filter_map(Value::as_str).collect();
    let unique: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len(), "an address is given twice: {all:?}");
    let components = record["components"].as_object().context("the record has no components")?;
    ensure!(components.values().all(|component| component["complete"] == true), "{components:?}");
    Ok(())
}
