//! The handshake: what the client says by environment variables, and the one line that it is answered on standard
//! output.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::error::Error;
use crate::listen::Address;
use crate::serve::ServeOptions;

/// Set by Terraform and OpenTofu to the value below, so that a plugin started by hand can tell. No secret.
const COOKIE: &str = "TF_PLUGIN_MAGIC_COOKIE";
const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const VERSIONS: &str = "PLUGIN_PROTOCOL_VERSIONS";
const CLIENT_CERTIFICATE: &str = "PLUGIN_CLIENT_CERT";
const MIN_PORT: &str = "PLUGIN_MIN_PORT";
const MAX_PORT: &str = "PLUGIN_MAX_PORT";
const SOCKET_FOLDER: &str = "PLUGIN_UNIX_SOCKET_DIR";
const SOCKET_GROUP: &str = "PLUGIN_UNIX_SOCKET_GROUP";

/// The version of the line's own layout.
const CORE_PROTOCOL: u32 = 1;
/// The only version of the provider protocol that we speak.
pub(crate) const PROVIDER_PROTOCOL: u32 = 6;
/// Ports that the client's library takes by default.
const DEFAULT_PORTS: RangeInclusive<u16> = 10_000..=25_000;

/// What the client said.
#[derive(Debug, PartialEq)]
pub(crate) struct Handshake {
    /// Its certificate as PEM; none when the connection is not encrypted.
    pub(crate) client_certificate: Option<String>,
    /// Where to listen.
    pub(crate) place: Place,
}

/// Where the client wants us to listen.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    /// Ports for TCP.
    pub(crate) ports: RangeInclusive<u16>,
    /// Folder for the socket's own folder; none where a socket that only this user can open does not serve.
    pub(crate) socket_folder: Option<PathBuf>,
}

/// Reads what the client said.
pub(crate) fn read(
    options: &ServeOptions,
    variable: impl Fn(&'static str) -> Option<String>,
) -> Result<Handshake, Error> {
    if variable(COOKIE).as_deref() != Some(COOKIE_VALUE) {
        return Err(Error::NotAPlugin { name: options.name.clone(), version: options.version.clone() });
    }
    negotiate(&variable(VERSIONS).unwrap_or_default())?;
    Ok(Handshake { client_certificate: variable(CLIENT_CERTIFICATE), place: place(variable)? })
}

/// Where to listen, from the environment.
pub(crate) fn place(variable: impl Fn(&'static str) -> Option<String>) -> Result<Place, Error> {
    let port = |name, default: &u16| match variable(name) {
        None => Ok(*default),
        Some(text) => text.parse().map_err(|_| Error::Environment {
            variable: name,
            reason: format!("{text:?} is no port number"),
        }),
    };
    let ports = port(MIN_PORT, DEFAULT_PORTS.start())?..=port(MAX_PORT, DEFAULT_PORTS.end())?;
    if ports.is_empty() {
        return Err(Error::Environment { variable: MIN_PORT, reason: format!("it is above {MAX_PORT}") });
    }
    let socket_folder = match variable(SOCKET_GROUP) {
        // A group shares the socket: our folder would lock it out, TCP does not.
        Some(_) => None,
        None => Some(variable(SOCKET_FOLDER).map_or_else(std::env::temp_dir, PathBuf::from)),
    };
    Ok(Place { ports, socket_folder })
}

/// The client lists the versions that it speaks; one that lists none is older than the list.
fn negotiate(offered: &str) -> Result<(), Error> {
    let ours = PROVIDER_PROTOCOL.to_string();
    if offered.split(',').any(|version| version.trim() == ours) {
        Ok(())
    } else {
        Err(Error::Protocol { offered: offered.to_owned() })
    }
}

/// The answer, without the end of the line.
pub(crate) fn line(address: &Address, certificate: Option<&[u8]>) -> String {
    let (network, address) = address.parts();
    let certificate = certificate.map(|der| STANDARD_NO_PAD.encode(der)).unwrap_or_default();
    format!("{CORE_PROTOCOL}|{PROVIDER_PROTOCOL}|{network}|{address}|grpc|{certificate}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ServeOptions {
        ServeOptions { name: "example".into(), version: "1.2.3".into() }
    }

    fn read_with(variables: &[(&str, &str)]) -> Result<Handshake, Error> {
        read(&options(), |name| {
            variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_the_cookie_the_message_is_for_a_human() {
        for variables in [&[][..], &[(COOKIE, "other"), (VERSIONS, "6")]] {
            let error = read_with(variables).unwrap_err();
            assert!(matches!(error, Error::NotAPlugin { .. }));
            assert!(error.to_string().starts_with("example 1.2.3 is a plugin"));
        }
    }

    #[test]
    fn version_6_is_found_in_any_order_and_alone() {
        for offered in ["6", "5,6", "6,5", "4, 6"] {
            assert!(read_with(&[(COOKIE, COOKIE_VALUE), (VERSIONS, offered)]).is_ok(), "{offered}");
        }
        for offered in ["5", "", "16", "66,7"] {
            let error = read_with(&[(COOKIE, COOKIE_VALUE), (VERSIONS, offered)]).unwrap_err();
            assert!(matches!(error, Error::Protocol { .. }), "{offered}");
        }
    }

    #[test]
    fn ports_and_folder_are_the_clients() {
        let variables = [
            (COOKIE, COOKIE_VALUE),
            (VERSIONS, "6"),
            (MIN_PORT, "20000"),
            (MAX_PORT, "20001"),
            (SOCKET_FOLDER, "/run/x"),
        ];
        let place = read_with(&variables).unwrap().place;
        assert_eq!(place, Place { ports: 20_000..=20_001, socket_folder: Some("/run/x".into()) });
    }

    #[test]
    fn a_shared_socket_is_none_of_ours() {
        let place = read_with(&[(COOKIE, COOKIE_VALUE), (VERSIONS, "6"), (SOCKET_GROUP, "g")]).unwrap().place;
        assert_eq!(place, Place { ports: DEFAULT_PORTS, socket_folder: None });
    }

    #[test]
    fn ports_that_are_none_are_errors() {
        for (min, max) in [("x", "1"), ("2", "1"), ("1", "70000")] {
            let variables = [(COOKIE, COOKIE_VALUE), (VERSIONS, "6"), (MIN_PORT, min), (MAX_PORT, max)];
            assert!(matches!(read_with(&variables), Err(Error::Environment { .. })), "{min} {max}");
        }
    }

    #[test]
    fn the_line_has_six_fields_and_no_padding() {
        let address = Address::Tcp("127.0.0.1:12345".parse().unwrap());
        assert_eq!(line(&address, None), "1|6|tcp|127.0.0.1:12345|grpc|");
        assert_eq!(line(&address, Some(b"abcd")), "1|6|tcp|127.0.0.1:12345|grpc|YWJjZA");
        let address = Address::Unix("/tmp/x/plugin".into());
        assert_eq!(line(&address, None), "1|6|unix|/tmp/x/plugin|grpc|");
    }
}
