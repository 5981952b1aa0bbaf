//! Why a provider process could not serve.

use std::io;

/// Why a provider process could not serve. The message is meant for standard error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Started by hand and not by Terraform or OpenTofu.
    #[error(
        "{name} {version} is a plugin: Terraform or OpenTofu starts it, it does nothing on its own. Name it in the \
         `required_providers` block of a configuration and run `terraform init` or `tofu init` there"
    )]
    NotAPlugin {
        /// Name of the provider.
        name: String,
        /// Version of the provider.
        version: String,
    },
    /// The client speaks none of our protocol versions.
    #[error(
        "the client offers plugin protocol versions `{offered}`, and this provider speaks version 6. Use Terraform \
         1.0 or newer, or OpenTofu"
    )]
    Protocol {
        /// What the client offered.
        offered: String,
    },
    /// A variable that the client sets is not understood.
    #[error("environment variable {variable}: {reason}")]
    Environment {
        /// Name of the variable.
        variable: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificates for the connection to the client could not be set up.
    #[error("setting up the encrypted connection to the client failed")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No port or socket could be opened for the client.
    #[error("listening for the client on {address} failed")]
    Listen {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The operating system refused something else.
    #[error("{operation} failed")]
    System {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The server stopped for another reason than the client's goodbye.
    #[error("serving the client failed")]
    Serve(#[source] Box<dyn std::error::Error + Send + Sync>),
}
