//! The fixed words of the catalogue: what a component can be, and the two ready-made shapes of a deployment.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a component is. The order of the variants is the order in which a whole control plane is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindId {
    /// HAProxy and keepalived: holds the internal and the public VIP.
    LoadBalancer,
    /// MariaDB Galera.
    Database,
    /// RabbitMQ.
    MessageQueue,
    /// memcached.
    Memcache,
    /// The OpenStack services that run active-active behind the VIPs.
    Controller,
    /// Neutron's DHCP and metadata agents.
    Dhcp,
    /// Nova's compute service for one vSphere cluster.
    ComputeDriver,
    /// Swift.
    ObjectStorage,
}

/// A word that the catalogue does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {what}; known: {known}")]
pub struct UnknownWord {
    /// What it should have named.
    pub what: &'static str,
    /// The word as it was given.
    pub given: String,
    /// The words that would have done.
    pub known: String,
}

impl KindId {
    /// Every kind, in listing order.
    pub const ALL: [Self; 8] = [
        Self::LoadBalancer,
        Self::Database,
        Self::MessageQueue,
        Self::Memcache,
        Self::Controller,
        Self::Dhcp,
        Self::ComputeDriver,
        Self::ObjectStorage,
    ];

    /// The id that users and files write, for example `message_queue`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoadBalancer => "load_balancer",
            Self::Database => "database",
            Self::MessageQueue => "message_queue",
            Self::Memcache => "memcache",
            Self::Controller => "controller",
            Self::Dhcp => "dhcp",
            Self::ComputeDriver => "compute_driver",
            Self::ObjectStorage => "object_storage",
        }
    }
}

impl fmt::Display for KindId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for KindId {
    type Err = UnknownWord;

    fn from_str(given: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == given);
        found.ok_or_else(|| unknown("kind of component", given, &Self::ALL.map(Self::as_str)))
    }
}

/// The default counts and sizes a deployment starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Every component survives the loss of one node.
    #[default]
    Ha,
    /// One small node of each component; vSphere HA restarts it elsewhere.
    Compact,
}

impl Profile {
    /// Both profiles.
    pub const ALL: [Self; 2] = [Self::Ha, Self::Compact];

    /// The id that users write.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ha => "ha",
            Self::Compact => "compact",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = UnknownWord;

    fn from_str(given: &str) -> Result<Self, UnknownWord> {
        let found = Self::ALL.into_iter().find(|profile| profile.as_str() == given);
        found.ok_or_else(|| unknown("profile", given, &Self::ALL.map(Self::as_str)))
    }
}

fn unknown(what: &'static str, given: &str, known: &[&str]) -> UnknownWord {
    UnknownWord { what, given: given.to_owned(), known: known.join(", ") }
}
