//! Forms of text that configurations are full of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Forms of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A DNS label (RFC 1123): lower-case letters, digits and hyphens, neither first nor last a hyphen.
    DnsLabel,
    /// A DNS name.
    Hostname,
    /// A host name or an IP address with an optional `:port`.
    HostPort,
    /// An IPv4 address.
    Ipv4,
    /// An IPv4 network such as `192.0.2.0/24`, with no host bits set.
    Ipv4Cidr,
    /// An inclusive range of IPv4 addresses such as `192.0.2.10-192.0.2.20`, first not above last.
    Ipv4Range,
    /// A duration such as `90s`, `5m` or `1h30m`.
    Duration,
    /// One or more PEM certificates.
    PemCertificate,
    /// A PEM private key.
    PemPrivateKey,
    /// A SHA-256 fingerprint: 64 hexadecimal digits, colons allowed between pairs.
    Sha256Thumbprint,
}

impl Format {
    /// Whether the text has this form.
    pub fn matches(self, text: &str) -> bool {
        match self {
            Self::DnsLabel => is_label(text) && !text.bytes().any(|b| b.is_ascii_uppercase()),
            Self::Hostname => is_hostname(text),
            Self::HostPort => is_host_port(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv4Cidr => is_cidr(text),
            Self::Ipv4Range => is_range(text),
            Self::Duration => parse_duration(text).is_some(),
            Self::PemCertificate => is_pem(text, &["CERTIFICATE"], usize::MAX),
            Self::PemPrivateKey => is_pem(text, &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"], 1),
            Self::Sha256Thumbprint => is_thumbprint(text),
        }
    }

    /// What text of this form is, to follow "it must be".
    pub fn description(self) -> &'static str {
        match self {
            Self::DnsLabel => {
                "a DNS label: at most 63 lower-case letters, digits and hyphens, not beginning or ending with a hyphen"
            }
            Self::Hostname => "a DNS name such as `host.example.com`",
            Self::HostPort => {
                "a host name or IP address with an optional port, such as `host.example.com:443`"
            }
            Self::Ipv4 => "an IPv4 address such as `192.0.2.10`",
            Self::Ipv4Cidr => "an IPv4 network such as `192.0.2.0/24`, with no host bits set",
            Self::Ipv4Range => {
                "a range of IPv4 addresses such as `192.0.2.10-192.0.2.20`, the first not above the last"
            }
            Self::Duration => "a duration such as `90s`, `5m` or `1h30m`",
            Self::PemCertificate => "one or more certificates in PEM form (`-----BEGIN CERTIFICATE-----`)",
            Self::PemPrivateKey => "one unencrypted private key in PEM form (`-----BEGIN PRIVATE KEY-----`)",
            Self::Sha256Thumbprint => {
                "a SHA-256 thumbprint: 64 hexadecimal digits, with or without colons between pairs"
            }
        }
    }
}

/// Reads a duration: whole numbers with the units `h`, `m`, `s` and `ms`, one after the other. None for other text
/// and for durations that do not fit.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, after) = rest.split_at(digits);
        let unit_length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_length);
        let unit_ms: u64 = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        let part_ms = count.parse::<u64>().ok()?.checked_mul(unit_ms)?;
        total = total.checked_add(Duration::from_millis(part_ms))?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The last label of a name is never a number: such text is a mistyped address.
fn is_hostname(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(is_label)
        && !text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}

fn is_host_port(text: &str) -> bool {
    let is_host = |host: &str| is_hostname(host) || host.parse::<Ipv4Addr>().is_ok();
    if let Some((bracketed, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return bracketed.parse::<Ipv6Addr>().is_ok() && port_fits;
    }
    match text.split_once(':') {
        None => is_host(text),
        Some((host, port)) => (is_host(host) && is_port(port)) || text.parse::<IpAddr>().is_ok(),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let (Ok(address), Ok(length)) = (address.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
    length <= 32 && address.to_bits() & !mask == 0
}

fn is_range(text: &str) -> bool {
    let ends =
        text.split_once('-').map(|(first, last)| (first.parse::<Ipv4Addr>(), last.parse::<Ipv4Addr>()));
    matches!(ends, Some((Ok(first), Ok(last))) if first <= last)
}

/// Blocks of one of these labels with nothing but white space between them. Whether the content is sound is for
/// those who decode it.
fn is_pem(text: &str, labels: &[&str], most: usize) -> bool {
    let mut rest = text.trim();
    let mut blocks = 0;
    while !rest.is_empty() {
        let Some(after) = labels.iter().find_map(|label| pem_block(rest, label)) else { return false };
        rest = after.trim_start();
        blocks += 1;
    }
    (1..=most).contains(&blocks)
}

/// What follows the block that the text begins with.
fn pem_block<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let body = text.strip_prefix(&format!("-----BEGIN {label}-----"))?;
    let (content, after) = body.split_once(&format!("-----END {label}-----"))?;
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b) || b.is_ascii_whitespace();
    (!content.trim().is_empty() && content.bytes().all(is_base64)).then_some(after)
}

fn is_thumbprint(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if text.contains(':') {
        text.split(':').count() == 32 && text.split(':').all(|pair| pair.len() == 2 && is_hex(pair))
    } else {
        text.len() == 64 && is_hex(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, right: &[&str], wrong: &[&str]) {
        for text in right {
            assert!(format.matches(text), "{format:?} {text:?}");
        }
        for text in wrong.iter().chain(&["", " ", "\n", "ä", "\0"]) {
            assert!(!format.matches(text), "{format:?} {text:?}");
        }
    }

    #[test]
    fn names() {
        let long = "a".repeat(64);
        check(Format::DnsLabel, &["a", "a-1", "0a"], &["A", "-a", "a-", "a.b", "a_b", &long]);
        check(
            Format::Hostname,
            &["a", "A.b-c.example", "1.a"],
            &["a..b", ".a", "a.", "1.2.3.4", "300.1.1.1", "a b"],
        );
        check(
            Format::HostPort,
            &["a", "a.b:443", "192.0.2.1", "192.0.2.1:8443", "[2001:db8::1]:443", "[::1]", "2001:db8::1"],
            &["a:", "a:0", "a:65536", "a:+1", "a:1:2", "[::1", "[::1]x", "[a]:1", "https://a", "192.0.2.999"],
        );
    }

    #[test]
    fn addresses() {
        check(Format::Ipv4, &["192.0.2.1", "0.0.0.0"], &["192.0.2", "192.0.2.01", "192.0.2.256", "::1"]);
        check(
            Format::Ipv4Cidr,
            &["192.0.2.0/24", "0.0.0.0/0", "192.0.2.1/32", "192.0.2.128/25"],
            &[
                "192.0.2.1/24",
                "192.0.2.0",
                "192.0.2.0/33",
                "192.0.2.0/-1",
                "192.0.2.0/",
                "0.0.0.1/0",
                "192.0.2.0/99999999999",
            ],
        );
        check(
            Format::Ipv4Range,
            &["192.0.2.1-192.0.2.1", "192.0.2.9-192.0.2.10"],
            &["192.0.2.10-192.0.2.9", "192.0.2.1", "192.0.2.1-", "192.0.2.1-20", "192.0.2.1 - 192.0.2.2"],
        );
    }

    #[test]
    fn durations() {
        check(
            Format::Duration,
            &["90s", "5m", "1h30m", "250ms", "0s"],
            &["5", "m", "1.5h", "-1s", "1d", "1h 2m", "99999999999999999999s", "18446744073709551615h"],
        );
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
    }

    #[test]
    fn certificates_and_keys() {
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let two = certificate.repeat(2);
        check(Format::PemCertificate, &[certificate, &two], &[key, "AAAA", &two[1..], &format!("{two}x")]);
        check(
            Format::PemPrivateKey,
            &[key],
            &[certificate, &key.repeat(2), &key.replace("AAAA", "A?A"), &key.replace("AAAA", "")],
        );
        let plain = "0aF1".repeat(16);
        let pairs = vec!["aB"; 32].join(":");
        check(
            Format::Sha256Thumbprint,
            &[&plain, &pairs],
            &[&plain[1..], &pairs[1..], &plain.replace('0', "g")],
        );
    }
}
