//! Everything that can go wrong between a caller and vSphere.

use std::time::Duration;

use https::Setback;

use crate::fault::{Fault, FaultKind};

/// Why a call to vSphere has no result.
///
/// Cloneable, so that one failure (a refused login, a lost connection) can answer everybody who waits for it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The client's configuration is wrong; nothing was sent.
    #[error("the vSphere client is not configured correctly: {0}")]
    Config(String),
    /// The server cannot be reached: its name does not resolve, or it refuses. Nothing was sent.
    #[error(
        "cannot connect to vSphere at `{server}`: {reason}; check `server`, the network path and any firewall"
    )]
    Connect {
        /// `host:port` of the server.
        server: String,
        /// What the operating system or the TLS library said.
        reason: String,
    },
    /// The connection broke after the request was sent: whether it was carried out is unknown.
    #[error("the connection to vSphere at `{server}` broke during {operation} on {object}: {reason}")]
    Broken {
        /// `host:port` of the server.
        server: String,
        /// The vSphere method.
        operation: String,
        /// The object it was called on.
        object: String,
        /// What the HTTP library said.
        reason: String,
    },
    /// The server's certificate is not trusted.
    #[error(
        "the certificate of vSphere at `{server}` is not trusted: {reason}; its SHA-256 thumbprint is {thumbprint}. \
         Give the certificate of the authority that signed it as `ca_certificate_pem`, or pin this very certificate \
         with `server_thumbprint` after checking the thumbprint on the server, or, for a laboratory only, set \
         `allow_unverified_ssl`"
    )]
    Certificate {
        /// `host:port` of the server.
        server: String,
        /// Why it is not trusted.
        reason: String,
        /// SHA-256 of the presented certificate, upper-case hexadecimal with colons.
        thumbprint: String,
    },
    /// No answer within the time given to one call.
    #[error("{operation} on {object} had no answer within {} s", after.as_secs())]
    Timeout {
        /// The vSphere method.
        operation: String,
        /// The object it was called on.
        object: String,
        /// The time that was given.
        after: Duration,
    },
    /// An HTTP status that is not an answer of the vSphere API.
    #[error(
        "{operation} on {object} was answered with HTTP status {status} instead of a vSphere answer; 503 means that \
         vCenter or its proxy is overloaded or starting, 404 that `server` is no vSphere endpoint"
    )]
    Http {
        /// The vSphere method.
        operation: String,
        /// The object it was called on.
        object: String,
        /// The HTTP status.
        status: u16,
    },
    /// vSphere refused the call, or the task that it started failed.
    #[error("{operation} on {object} failed")]
    Fault {
        /// The vSphere method, or the description id of the failed task, e.g. `VirtualMachine.clone`.
        operation: String,
        /// The object it was called on.
        object: String,
        /// What vSphere said.
        #[source]
        fault: Box<Fault>,
    },
    /// The answer is not what the vSphere API promises.
    #[error("the answer to {operation} is not understood: {reason}")]
    Protocol {
        /// The vSphere method.
        operation: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The client was logged out while somebody still waited.
    #[error("the vSphere client was logged out while waiting for {0}")]
    LoggedOut(String),
}

impl Error {
    /// The fault's kind, if vSphere answered with a fault.
    pub fn fault(&self) -> Option<&FaultKind> {
        match self {
            Self::Fault { fault, .. } => Some(&fault.kind),
            _ => None,
        }
    }

    /// Whether vSphere said that the object does not exist (any more).
    pub fn is_not_found(&self) -> bool {
        matches!(self.fault(), Some(FaultKind::ManagedObjectNotFound { .. }))
    }

    /// Whether vSphere said that the session is not logged in.
    pub fn is_not_authenticated(&self) -> bool {
        matches!(self.fault(), Some(FaultKind::NotAuthenticated))
    }

    /// Whether the call may have been carried out though no answer came: read before doing it again.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Timeout { .. } | Self::Http { .. } | Self::Protocol { .. })
    }

    /// What it is to the policy of repetition.
    pub(crate) fn setback(&self) -> Setback {
        match self {
            Self::Connect { .. } => Setback::Unreached,
            Self::Broken { .. } => Setback::Unknown,
            Self::Http { status, .. } => Setback::of_status(*status),
            Self::Config(_)
            | Self::Certificate { .. }
            | Self::Timeout { .. }
            | Self::Fault { .. }
            | Self::Protocol { .. }
            | Self::LoggedOut(_) => Setback::Final,
        }
    }
}
