//! What the deployment writes on its VMs so that it knows them again, whoever asks and whatever was lost.
//!
//! Keys that a guest must not read do not begin with `guestinfo.`.

use std::collections::BTreeMap;

use crate::desired::DesiredNode;
use crate::lease;
use crate::record::Record;
use crate::render::user_data;

/// The deployment that a VM belongs to.
pub const DEPLOYMENT: &str = "vio.deployment";
/// What a VM is: [`ROLE_IMAGE`], [`ROLE_LATER_IMAGE`] or [`ROLE_NODE`].
pub const ROLE: &str = "vio.role";
/// The role of the VM that keeps the record, and that nodes are cloned from until the template changes.
pub const ROLE_IMAGE: &str = "image";
/// The role of a VM that nodes are cloned from since the template has changed. It is another one than that of the first
/// image, which alone keeps a record.
pub const ROLE_LATER_IMAGE: &str = "later_image";
/// The role of a node.
pub const ROLE_NODE: &str = "node";
/// The component of a node.
pub const COMPONENT: &str = "vio.component";
/// The index of a node in its kind, or the number of a later image.
pub const INDEX: &str = "vio.index";
/// The template that a later image was cloned from, as the user named it.
pub const TEMPLATE: &str = "vio.template";
/// The addresses of a node, management first.
pub const ADDRESSES: &str = "vio.addresses";
/// The revision of the configuration that a node was last given.
pub const REVISION: &str = "vio.revision";
/// [`crate::render::Document::files_digest`] of that configuration.
pub const FILES_DIGEST: &str = "vio.files_digest";
/// How many numbered keys carried that configuration.
pub const PARTS: &str = "vio.parts";

/// The marks of an image.
pub fn image(deployment: &str) -> BTreeMap<String, String> {
    pairs([(DEPLOYMENT, deployment), (ROLE, ROLE_IMAGE)])
}

/// Everything that the clone call of a later image writes: its marks; and the keys of a record emptied, since the template
/// may be a VM that has one.
pub fn later_image(deployment: &str, number: u32, template: &str) -> BTreeMap<String, String> {
    let mut values = emptied();
    values.extend(pairs([
        (DEPLOYMENT, deployment),
        (ROLE, ROLE_LATER_IMAGE),
        (INDEX, &number.to_string()),
        (TEMPLATE, template),
    ]));
    values
}

/// The keys of record, copy and lease emptied, which a clone would inherit with the secrets in them.
fn emptied() -> BTreeMap<String, String> {
    let keys = Record::all_keys().into_iter().chain([lease::KEY.to_owned()]);
    keys.map(|key| (key, String::new())).collect()
}

/// The marks by which a node is known.
pub fn identity(deployment: &str, node: &DesiredNode) -> BTreeMap<String, String> {
    pairs([
        (DEPLOYMENT, deployment),
        (ROLE, ROLE_NODE),
        (COMPONENT, &node.component.to_string()),
        (INDEX, &node.index.to_string()),
    ])
}

/// Everything that a node's clone call writes: marks, configuration, first boot; and what it would inherit emptied.
pub fn node(deployment: &str, node: &DesiredNode) -> BTreeMap<String, String> {
    let addresses = [Some(node.addresses.management), node.addresses.external];
    let addresses: Vec<String> = addresses.into_iter().flatten().map(|address| address.to_string()).collect();
    let mut values = emptied();
    values.insert(TEMPLATE.to_owned(), String::new());
    values.extend(identity(deployment, node));
    values.insert(ADDRESSES.to_owned(), addresses.join(","));
    values.extend(configuration(node, 0));
    values.extend(user_data());
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
    values.extend(pairs([
        (REVISION, node.document.revision.as_str()),
        (FILES_DIGEST, &node.document.files_digest),
        (PARTS, &parts.to_string()),
    ]));
    values
}

/// What makes a node put files back that were changed by hand.
pub fn repair() -> BTreeMap<String, String> {
    pairs([(crate::render::REPAIR_KEY, "requested")])
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests;
