//! What a node agent reports.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::RenderError;

/// Key of the report.
pub const STATUS_KEY: &str = "guestinfo.vio.status";

/// Version of the report's format.
const STATUS_VERSION: u32 = 1;

/// The report of a node agent, from `guestinfo.vio.status`. Fields that a newer agent adds are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GuestStatus {
    /// Version of the format.
    pub version: u32,
    /// Revision of the last document that was applied whole; empty before the first.
    #[serde(default)]
    pub revision: String,
    /// Where the node is.
    pub phase: Phase,
    /// What it waits for, in words.
    #[serde(default)]
    pub waiting_for: Option<String>,
    /// Health by service and check.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceHealth>,
    /// Facts of the node's cluster, for example `wsrep_cluster_size`; numbers come as text.
    #[serde(default, deserialize_with = "facts")]
    pub cluster: BTreeMap<String, String>,
    /// Digest of the files as they are on disk, by the rule of [`super::Document::files_digest`].
    #[serde(default)]
    pub files_digest: Option<String>,
    /// The document that it was told of is not whole: its content is not what its revision stands for. The agent
    /// applies nothing of it and reads it again and again.
    #[serde(default)]
    pub unreadable: bool,
    /// The last error, in words.
    #[serde(default)]
    pub error: Option<String>,
}

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The agent runs and has seen no document.
    Booting,
    /// It applies a document.
    Applying,
    /// It waits for another node.
    Waiting,
    /// The document is applied and every check is healthy.
    Ready,
    /// It gave up; [`GuestStatus::error`] says why.
    Failed,
}

/// Health of a service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ServiceHealth {
    /// Whether it is healthy.
    pub healthy: bool,
    /// Why, in words.
    #[serde(default)]
    pub detail: String,
}

impl GuestStatus {
    /// Reads the value of [`STATUS_KEY`].
    ///
    /// # Errors
    /// When it is no report, or one of an unknown version.
    pub fn parse(value: &str) -> Result<Self, RenderError> {
        let status: Self =
            serde_json::from_str(value).map_err(|error| RenderError::Status { reason: error.to_string() })?;
        if status.version == STATUS_VERSION {
            return Ok(status);
        }
        let reason = format!("its format is version {}, not {STATUS_VERSION}", status.version);
        Err(RenderError::Status { reason })
    }

    /// Whether the node has applied that revision and is healthy.
    #[must_use]
    pub fn is_ready(&self, revision: &str) -> bool {
        self.phase == Phase::Ready && self.revision == revision
    }

    /// Whether the files that the node applied with that revision have been changed since. Of `files_digest`, which
    /// they should have, an empty one is not known. While the node applies something, what it reports of its files is
    /// from before.
    #[must_use]
    pub fn has_drifted(&self, revision: &str, files_digest: &str) -> bool {
        let settled = !matches!(self.phase, Phase::Booting | Phase::Applying);
        let differs = self.files_digest.as_deref().is_some_and(|found| found != files_digest);
        settled && self.revision == revision && differs && !files_digest.is_empty()
    }
}

fn facts<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let values = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(values.into_iter().map(|(name, value)| (name, text(value))).collect())
}
