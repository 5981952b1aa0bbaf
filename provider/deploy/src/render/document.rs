//! What a node shall be: the document that its agent applies.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::release::{Probe, Run};

/// Version of the document's format.
pub const DOCUMENT_VERSION: u32 = 1;

/// Asks the agent, by any value, to apply the document again that it has applied: it puts files back that were changed
/// by hand, treats the services that use them as for any change, and repeats the actions of [`Run::OnChange`]. When no
/// file is changed (any more), it empties the key. Without it, a changed file shows in [`super::GuestStatus::files_digest`] and stays.
pub const REPAIR_KEY: &str = "guestinfo.vio.desired.repair";

/// The whole of a node. Equal inputs give equal bytes.
///
/// The agent applies it in this order: packages (installed without starting their services), services that left (those
/// of the last document that this one does not have: disabled and stopped), files (each written beside its place and
/// renamed; systemd reads its units again when one of them changed), then services in their order. Before a service
/// starts, the actions with `before` of its name run; when it is up, those with `after`. Actions that name no service of
/// the document run before all services, or after all of them when they have `after`. A service is restarted or reloaded
/// for a changed file only if it ran before the document came: what an action has just started is as it should be. A
/// file of the last document that this one does not have is removed, and counts as changed. Other owners or another mode
/// are mended without a restart.
///
/// What fails is tried again, more and more seldom; actions that have succeeded for this document are not repeated.
/// After 20 attempts the agent reports [`super::Phase::Failed`] and goes on trying once a minute. Once a document is
/// applied, the agent starts services that are dead, also after a power cycle, and looks at the checks; actions belong to
/// the application alone. What a service needs at each start, whoever starts it, belongs into its unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Version of the format.
    pub version: u32,
    /// Name of the node.
    pub node: String,
    /// Kind of the node.
    pub kind: String,
    /// Id of the release.
    pub release: String,
    /// Operating system packages.
    pub packages: Vec<String>,
    /// Files, by ascending path.
    pub files: Vec<File>,
    /// Services, enabled and running, in start order.
    pub services: Vec<Service>,
    /// Actions, in order.
    pub actions: Vec<Action>,
    /// Health checks.
    pub checks: Vec<Check>,
}

/// A file of a node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// Owning user.
    pub owner: String,
    /// Owning group.
    pub group: String,
    /// Four octal digits.
    pub mode: String,
    /// The whole text; it may hold secrets.
    pub content: String,
}

impl fmt::Debug for File {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, owner, group, mode, content } = self;
        write!(out, "File({path} {owner}:{group} {mode}, {} bytes)", content.len())
    }
}

/// A service of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Name of the unit.
    pub name: String,
    /// Files whose change restarts it.
    pub restart_on: Vec<String>,
    /// Files whose change reloads it, unless it restarts anyway.
    pub reload_on: Vec<String>,
}

/// An action of a node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Name, unique in the document.
    pub name: String,
    /// What is done or waited for, for the report.
    pub description: String,
    /// How often it runs.
    pub run: Run,
    /// The service before whose start it runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// The service after whose start it runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<String>,
    /// User that runs it.
    pub user: String,
    /// Command for `/bin/sh`; it may hold secrets.
    pub command: String,
    /// Paths of files: the action runs again only when its command or one of these differs from when it last succeeded.
    /// Without any it runs with every document.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reads: Vec<String>,
}

impl fmt::Debug for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, description: _, run, before, after, user: _, command: _, reads: _ } = self;
        write!(out, "Action({name} {run:?} before {before:?} after {after:?})")
    }
}

/// A health check of a node on itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Name, unique in the document.
    pub name: String,
    /// How it is checked.
    pub kind: Probe,
    /// Address to connect to, of `tcp` and `http`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// Port, of `tcp` and `http`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub port: Option<u16>,
    /// Path, of `http`; a status below 400 is healthy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// Service of this document that answers. One that runs and has not answered for long is restarted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service: Option<String>,
    /// Command for `/bin/sh`, of `command`; exit status 0 is healthy. Lines that it prints as `name=value`, or with a tab
    /// between, are facts of the node's cluster: they go into the report.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command: Option<String>,
}

impl Document {
    /// Digest of the files, as the agent computes it over the files that it finds on disk: SHA-256, in lower-case
    /// hexadecimal, over each file in ascending byte order of its path: path, a zero byte, content, a zero byte. A file
    /// that is missing on disk is left out. Owner and mode are not part of it.
    #[must_use]
    pub fn files_digest(&self) -> String {
        let mut files: Vec<&File> = self.files.iter().collect();
        files.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        let mut hasher = Sha256::new();
        for file in files {
            hasher.update(file.path.as_bytes());
            hasher.update([0]);
            hasher.update(file.content.as_bytes());
            hasher.update([0]);
        }
        hex(&hasher.finalize())
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
