//! What the encodings share: their error and their bounds.

use crate::path::Path;

/// Deepest nesting of values and types. Schemas nest a handful of levels; deeper input is hostile.
pub(crate) const MAX_DEPTH: usize = 64;

/// Why bytes are no value of the type, or a value cannot be written as the type. Says where and what kind of thing
/// was found, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", prefix(.path))]
pub struct CodecError {
    /// Where in the value.
    pub path: Path,
    /// What was needed and what was found.
    pub reason: String,
}

impl CodecError {
    pub(crate) fn new(path: &Path, reason: impl Into<String>) -> Self {
        Self { path: path.clone(), reason: reason.into() }
    }

    pub(crate) fn mismatch(path: &Path, needed: &str, found: &str) -> Self {
        Self::new(path, format!("{needed} is required, found {found}"))
    }

    pub(crate) fn too_deep(path: &Path) -> Self {
        Self::new(path, format!("values nest at most {MAX_DEPTH} levels deep"))
    }
}

fn prefix(path: &Path) -> String {
    if path.is_root() { String::new() } else { format!("{path}: ") }
}
