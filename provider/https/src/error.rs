//! Why there is no answer.

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// An address, a certificate, a thumbprint or a header cannot be used.
    #[error("{0}")]
    Config(String),
    /// The server's name does not resolve, it refuses, or the connection broke.
    #[error("{0}")]
    Connect(String),
    /// The server's certificate is not trusted.
    #[error("its certificate is not trusted: {reason}; its SHA-256 thumbprint is {thumbprint}")]
    Certificate {
        /// Why it is not trusted.
        reason: String,
        /// SHA-256 of the presented certificate, upper-case hexadecimal with colons.
        thumbprint: String,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing was sent.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// The request was, or may have been, sent; this is what the HTTP library said.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// No answer in time; the request may have been carried out.
    #[error("no answer in time")]
    Timeout,
}
