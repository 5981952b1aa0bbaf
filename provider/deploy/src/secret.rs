//! Secrets that cannot print, and how each service's is derived from the deployment's one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A text that no formatter shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that must send or write it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The one secret that a deployment stores; every service's is derived from it with HKDF-SHA-256 (RFC 5869).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RootSecret(Secret);

impl RootSecret {
    /// A root secret of 32 random bytes; where they come from is the caller's business.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Bytes for one purpose; different purposes tell nothing about each other.
    pub fn derive_bytes(&self, purpose: &str) -> [u8; 32] {
        let mut bytes = [0; 32];
        let kdf = Hkdf::<Sha256>::new(Some(b"vio deployment"), self.0.expose().as_bytes());
        // Expanding fails only beyond 255 blocks of the hash; one is asked for.
        let expanded = kdf.expand(purpose.as_bytes(), &mut bytes);
        debug_assert!(expanded.is_ok());
        bytes
    }

    /// A password of 43 URL-safe characters (256 bits) for one purpose.
    pub fn derive_password(&self, purpose: &str) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.derive_bytes(purpose)))
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_give_different_passwords_and_the_same_purpose_the_same() {
        let root = RootSecret::from_random([7; 32]);
        assert_eq!(root.derive_password("a"), root.derive_password("a"));
        assert_ne!(root.derive_password("a"), root.derive_password("b"));
        assert_ne!(root.derive_password("a"), RootSecret::from_random([8; 32]).derive_password("a"));
    }

    #[test]
    fn no_formatter_shows_a_secret() {
        let root = RootSecret::from_random([7; 32]);
        let password = root.derive_password("a");
        let shown = format!("{root:?} {password:?}");
        assert_eq!(shown, "*** ***");
    }
}
