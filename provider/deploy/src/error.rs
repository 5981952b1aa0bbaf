//! The one error type of this room.

use crate::release::KindId;

/// Why a deployment cannot be as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Text that is no address, network or range.
    #[error("`{text}` cannot be used: {why}")]
    Address {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A network has no address left.
    #[error(
        "the {network} network's `ip_ranges` hold {capacity} usable addresses and {needed} are needed: add a range"
    )]
    NoAddress {
        /// `management` or `external`.
        network: &'static str,
        /// Addresses that the ranges can give in all.
        capacity: u64,
        /// Addresses that the deployment needs.
        needed: u64,
    },
    /// The release is not in the catalogue.
    #[error("the release `{0}` is not in this provider's catalogue")]
    UnknownRelease(String),
    /// The release has no such kind.
    #[error("the release `{release}` has no `{kind}`")]
    UnknownKind {
        /// The release asked.
        release: String,
        /// The kind asked for.
        kind: KindId,
    },
    /// The record that the deployment keeps in vCenter cannot be read.
    #[error("the record of deployment `{deployment}` cannot be read: {why}")]
    Record {
        /// The deployment.
        deployment: String,
        /// What is wrong with it.
        why: String,
    },
    /// The lease that the deployment keeps in vCenter cannot be read.
    #[error(
        "the lease of deployment `{deployment}` cannot be read: {why}; if no other run is at work there, remove the key \
         `vio.lease` from the configuration of the VM `{deployment}-image`, then run again"
    )]
    Lease {
        /// The deployment.
        deployment: String,
        /// What is wrong with it.
        why: String,
    },
    /// The record is of a version that this provider does not know.
    #[error(
        "the record of deployment `{deployment}` has the version {version}, which a newer provider wrote; upgrade this one"
    )]
    NewerRecord {
        /// The deployment.
        deployment: String,
        /// The version of the record.
        version: u32,
    },
    /// A node's files could not be made.
    #[error("the configuration of `{node}` cannot be made: {why}")]
    Render {
        /// The node.
        node: String,
        /// What is wrong.
        why: String,
    },
    /// A certificate or key cannot be used or made.
    #[error("the certificate of the public address cannot be used: {0}")]
    Certificate(String),
    /// The plan breaks one of its own rules; a bug of the provider.
    #[error("the plan is not safe to carry out: {0}; this is a bug in the provider, please report it")]
    UnsafePlan(String),
}

impl Error {
    pub(crate) fn address(text: &str, why: &str) -> Self {
        Self::Address { text: text.to_owned(), why: why.to_owned() }
    }
}

/// An error and its causes on one line; each `Display` leaves its source to its source.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
