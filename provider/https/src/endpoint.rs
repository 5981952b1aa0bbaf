//! Where a server is: a host, `host:port`, or a URL.

use crate::error::NotSent;

/// The address of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Name or address, IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The path of the URL with its leading slash; empty when none was given.
    pub(crate) path: String,
}

impl Endpoint {
    /// Parses what a user gives as the server.
    pub(crate) fn parse(server: &str) -> Result<Self, NotSent> {
        let wrong = |why: &str| NotSent::Config(format!("`server` is `{server}`, {why}"));
        let rest = match server.trim().split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some(_) => return Err(wrong("but only https is spoken, since the password is sent over it")),
            None => server.trim(),
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) if !path.is_empty() => (authority, format!("/{path}")),
            Some((authority, _)) => (authority, String::new()),
            None => (rest, String::new()),
        };
        if authority.contains('@') {
            return Err(wrong("which holds a user: give it as `user`"));
        }
        let (host, port) =
            split_port(authority).ok_or_else(|| wrong("which has no valid port after the host"))?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong("which names no host"));
        }
        Ok(Self { host: host.to_owned(), port, path })
    }

    /// `host:port`, as it stands in messages and in the `Host` header.
    pub(crate) fn authority(&self) -> String {
        let Self { host, port, path: _ } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

fn split_port(authority: &str) -> Option<(&str, u16)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok()?)),
            None => after.is_empty().then_some((host, 443)),
        };
    }
    match authority.split_once(':') {
        Some((_, more)) if more.contains(':') => Some((authority, 443)),
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((authority, 443)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(server: &str) -> (String, String) {
        let endpoint = Endpoint::parse(server).unwrap();
        (endpoint.authority(), endpoint.path)
    }

    #[test]
    fn hosts_ports_and_urls_are_understood() {
        for (server, authority, path) in [
            ("vc.example.com", "vc.example.com:443", ""),
            ("vc.example.com:8989", "vc.example.com:8989", ""),
            ("https://vc.example.com/sdk", "vc.example.com:443", "/sdk"),
            ("HTTPS://10.0.0.1:8989/", "10.0.0.1:8989", ""),
            ("https://vc/sdk/vimService", "vc:443", "/sdk/vimService"),
            ("[2001:db8::1]:8989", "[2001:db8::1]:8989", ""),
            ("2001:db8::1", "[2001:db8::1]:443", ""),
        ] {
            assert_eq!(parsed(server), (authority.to_owned(), path.to_owned()), "{server}");
        }
    }

    #[test]
    fn plain_http_users_in_urls_and_nonsense_are_refused() {
        for server in
            ["http://vc/sdk", "https://root@vc/sdk", "", "https://", "vc:port", "vc example", "[::1]x"]
        {
            assert!(matches!(Endpoint::parse(server), Err(NotSent::Config(_))), "{server}");
        }
    }
}
