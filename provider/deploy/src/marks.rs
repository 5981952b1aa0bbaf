//! What the deployment writes on its VMs so that it knows them again, whoever asks and whatever was lost.
//!
//! Keys that a guest must not read do not begin with `guestinfo.`.

use std::collections::BTreeMap;

use crate::desired::DesiredNode;
use crate::record::Record;

/// The deployment that a VM belongs to.
pub const DEPLOYMENT: &str = "vio.deployment";
/// What a VM is: [`ROLE_IMAGE`] or [`ROLE_NODE`].
pub const ROLE: &str = "vio.role";
/// The role of the VM that nodes are cloned from.
pub const ROLE_IMAGE: &str = "image";
/// The role of a node.
pub const ROLE_NODE: &str = "node";
/// The component of a node.
pub const COMPONENT: &str = "vio.component";
/// The index of a node in its kind.
pub const INDEX: &str = "vio.index";
/// The addresses of a node, management first.
pub const ADDRESSES: &str = "vio.addresses";
/// The revision of the configuration that a node was last given.
pub const REVISION: &str = "vio.revision";
/// How many numbered keys carried that configuration.
pub const PARTS: &str = "vio.parts";

/// The marks of an image.
pub fn image(deployment: &str) -> BTreeMap<String, String> {
    pairs([(DEPLOYMENT, deployment), (ROLE, ROLE_IMAGE)])
}

/// Everything that a node's clone call writes: marks, configuration, first boot; and the record's keys emptied, which
/// a clone would inherit with the secrets in them.
pub fn node(deployment: &str, node: &DesiredNode) -> BTreeMap<String, String> {
    let addresses = [Some(node.addresses.management), node.addresses.external];
    let addresses: Vec<String> = addresses.into_iter().flatten().map(|address| address.to_string()).collect();
    let mut values: BTreeMap<String, String> =
        Record::keys().into_iter().map(|key| (key, String::new())).collect();
    values.extend(pairs([
        (DEPLOYMENT, deployment),
        (ROLE, ROLE_NODE),
        (COMPONENT, &node.component.to_string()),
        (INDEX, &node.index.to_string()),
        (ADDRESSES, &addresses.join(",")),
    ]));
    values.extend(configuration(node, 0));
    values.extend(node.metadata.clone());
    values
}

/// What gives a node another configuration; parts that the one before had and this has not are emptied.
pub fn configuration(node: &DesiredNode, parts_before: usize) -> BTreeMap<String, String> {
    let part_key = |part: usize| format!("{}.{part}", crate::render::DOCUMENT_KEY);
    let before: Vec<String> = (1..=parts_before).map(part_key).collect();
    let mut values = node.document.keys_to_clear(before.iter().map(String::as_str));
    values.extend(node.document.extra_config.clone());
    let parts = (1..).take_while(|part| values.get(&part_key(*part)).is_some_and(|v| !v.is_empty())).count();
    values.extend(pairs([(REVISION, node.document.revision.as_str()), (PARTS, &parts.to_string())]));
    values
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests;
