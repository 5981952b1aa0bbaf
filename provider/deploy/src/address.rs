//! IPv4 networks, ranges and the allocation of addresses. Allocation is a pure function of what is asked for and what
//! is in use, so that a plan can name every address and a second plan names the same.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// An IPv4 network in CIDR notation, without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: u32,
    prefix_len: u8,
}

impl Cidr {
    /// Reads `192.0.2.0/24`.
    ///
    /// # Errors
    /// When it is no network, or has bits set beyond its prefix.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::address(text, why);
        let (address, prefix) = text.split_once('/').ok_or_else(|| invalid("it has no prefix length"))?;
        let address: Ipv4Addr =
            address.parse().map_err(|_| invalid("it does not begin with an IPv4 address"))?;
        let prefix_len: u8 =
            prefix.parse().ok().filter(|p| *p <= 32).ok_or_else(|| invalid("its prefix is not 0 to 32"))?;
        let cidr = Self { network: u32::from(address), prefix_len };
        if cidr.network & !cidr.mask() != 0 {
            return Err(invalid("it has bits set beyond its prefix"));
        }
        Ok(cidr)
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix_len)).unwrap_or(0)
    }

    /// The length of the prefix in bits.
    pub fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// True when a host of this network may have the address: inside, and neither its network nor broadcast address.
    pub fn has_host(self, address: Ipv4Addr) -> bool {
        let value = u32::from(address);
        let inside = value & self.mask() == self.network;
        inside && (self.prefix_len >= 31 || (value != self.network && value != self.network | !self.mask()))
    }
}

/// An inclusive range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address, not below the first.
    pub last: Ipv4Addr,
}

impl Range {
    /// Reads `192.0.2.10-192.0.2.20`.
    ///
    /// # Errors
    /// When either end is no IPv4 address, or the first is above the last.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| Error::address(text, why);
        let (first, last) =
            text.split_once('-').ok_or_else(|| invalid("a range is two addresses joined by a hyphen"))?;
        let first: Ipv4Addr =
            first.trim().parse().map_err(|_| invalid("its first address is no IPv4 address"))?;
        let last: Ipv4Addr =
            last.trim().parse().map_err(|_| invalid("its last address is no IPv4 address"))?;
        if first > last {
            return Err(invalid("its first address is above its last"));
        }
        Ok(Self { first, last })
    }

    /// How many addresses it holds.
    pub fn size(self) -> u64 {
        u64::from(u32::from(self.last) - u32::from(self.first)) + 1
    }

    /// True when the two share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// True when it holds the address.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        self.first <= address && address <= self.last
    }

    fn addresses(self) -> impl Iterator<Item = Ipv4Addr> {
        (u32::from(self.first)..=u32::from(self.last)).map(Ipv4Addr::from)
    }
}

/// The addresses of one network that a deployment may use.
#[derive(Debug, Clone)]
pub struct Pool {
    ranges: Vec<Range>,
    reserved: BTreeSet<Ipv4Addr>,
}

impl Pool {
    /// A pool over the ranges; `reserved` addresses (gateway, virtual addresses) are never handed out.
    pub fn new(ranges: Vec<Range>, reserved: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self { ranges, reserved: reserved.into_iter().collect() }
    }

    /// The lowest address that is neither reserved nor in use.
    pub fn lowest_free(&self, in_use: &BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
        self.ranges
            .iter()
            .flat_map(|range| range.addresses())
            .find(|address| !self.reserved.contains(address) && !in_use.contains(address))
    }

    /// How many addresses it can hand out in all.
    pub fn capacity(&self) -> u64 {
        let all: u64 = self.ranges.iter().map(|range| range.size()).sum();
        let kept = self.reserved.iter().filter(|a| self.ranges.iter().any(|r| r.contains(**a))).count();
        all - kept as u64
    }
}

/// What a node has on each network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddresses {
    /// On the management network.
    pub management: Ipv4Addr,
    /// On the external network, for nodes that stand in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<Ipv4Addr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_and_its_broadcast_address_are_no_hosts() {
        let cidr = Cidr::parse("192.0.2.0/24").unwrap();
        assert!(cidr.has_host(address("192.0.2.1")));
        assert!(!cidr.has_host(address("192.0.2.0")));
        assert!(!cidr.has_host(address("192.0.2.255")));
        assert!(!cidr.has_host(address("192.0.3.1")));
        assert!(Cidr::parse("0.0.0.0/0").unwrap().has_host(address("8.8.8.8")));
        assert!(Cidr::parse("192.0.2.4/31").unwrap().has_host(address("192.0.2.4")));
    }

    #[test]
    fn host_bits_and_bad_prefixes_are_refused() {
        for text in ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0", "x/8"] {
            assert!(Cidr::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_lowest_free_address_skips_reserved_and_used_ones() {
        let pool = Pool::new(
            vec![
                Range::parse("192.0.2.10-192.0.2.12").unwrap(),
                Range::parse("192.0.2.20-192.0.2.20").unwrap(),
            ],
            [address("192.0.2.10")],
        );
        let used = BTreeSet::from([address("192.0.2.11"), address("192.0.2.12")]);
        assert_eq!(pool.lowest_free(&used), Some(address("192.0.2.20")));
        assert_eq!(pool.capacity(), 3);
    }

    #[test]
    fn ranges_that_share_one_address_overlap() {
        let range = |text| Range::parse(text).unwrap();
        assert!(range("192.0.2.1-192.0.2.5").overlaps(range("192.0.2.5-192.0.2.9")));
        assert!(!range("192.0.2.1-192.0.2.4").overlaps(range("192.0.2.5-192.0.2.9")));
        assert!(Range::parse("192.0.2.9-192.0.2.5").is_err());
    }
}
