//! Everything that can go wrong between a caller and the NSX Manager.

use std::time::Duration;

/// Why a call to the NSX Manager has no result.
///
/// Cloneable, so that one refusal of the credentials answers every later call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The client's configuration is wrong; nothing was sent.
    #[error("the NSX client is not configured correctly: {0}")]
    Config(String),
    /// The manager cannot be reached.
    #[error(
        "cannot connect to the NSX Manager at `{manager}`: {reason}; check `manager`, the network path and any firewall"
    )]
    Connect {
        /// `host:port` of the manager.
        manager: String,
        /// What the operating system or the TLS library said.
        reason: String,
    },
    /// The manager's certificate is not trusted.
    #[error(
        "the certificate of the NSX Manager at `{manager}` is not trusted: {reason}; its SHA-256 thumbprint is \
         {thumbprint}. Give the certificate of the authority that signed it as `ca_certificate_pem`; a self-signed \
         certificate may be given itself, after comparing the thumbprint on the manager"
    )]
    Certificate {
        /// `host:port` of the manager.
        manager: String,
        /// Why it is not trusted.
        reason: String,
        /// SHA-256 of the presented certificate, upper-case hexadecimal with colons.
        thumbprint: String,
    },
    /// The manager does not take the user and password. It locks an account after a few attempts, so that this client does
    /// not try again.
    #[error(
        "the NSX Manager at `{manager}` refuses the user `{user}`: the password is wrong, or the account is locked for \
         a while after too many attempts"
    )]
    Credentials {
        /// `host:port` of the manager.
        manager: String,
        /// The user.
        user: String,
    },
    /// The manager refused a call.
    #[error("the NSX Manager refused to {call} with status {status} (error code {code}): {message}")]
    Refused {
        /// The call, as a verb phrase.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The manager's `error_code`, 0 when it gave none.
        code: i64,
        /// The manager's `error_message` with those of its `related_errors`.
        message: String,
    },
    /// The connection broke after the request was sent: whether it was carried out is unknown.
    #[error("the connection to the NSX Manager at `{manager}` broke when it was asked to {call}: {reason}")]
    Broken {
        /// `host:port` of the manager.
        manager: String,
        /// The call, as a verb phrase.
        call: String,
        /// What the HTTP library said.
        reason: String,
    },
    /// No answer within the time given to one call.
    #[error("the NSX Manager at `{manager}` was asked to {call} and did not answer within {} s", after.as_secs())]
    Timeout {
        /// `host:port` of the manager.
        manager: String,
        /// The call, as a verb phrase.
        call: String,
        /// The time that was given.
        after: Duration,
    },
    /// The answer is not what the API promises.
    #[error(
        "the answer of the NSX Manager, asked to {call}, is not understood: {reason}; is `manager` an NSX Manager?"
    )]
    Protocol {
        /// The call, as a verb phrase.
        call: String,
        /// What is wrong with the answer.
        reason: String,
    },
}

impl Error {
    /// The HTTP status of a refusal.
    fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the manager said that the object does not exist (any more).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether somebody else changed the object since it was read: read it again.
    pub fn is_stale(&self) -> bool {
        self.status() == Some(412)
    }

    /// Whether the call may have been carried out though no answer said so: read before doing it again.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Timeout { .. } | Self::Protocol { .. })
            || self.status().is_some_and(|status| status >= 500)
    }

    /// Whether an object that is there already is in the way.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(409)
    }
}
