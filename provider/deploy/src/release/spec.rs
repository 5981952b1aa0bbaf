//! What a release declares. The same types are filled from HCL by the build script and from the embedded JSON at
//! run time, so a field exists once.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::entries::Entries;
use super::front_end::FrontEnd;
use super::kind::{KindId, Profile};
use super::options::OptionSpec;

/// The id of a release, for example `zed`: the name of its folder in `schemas/releases`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// The id as users write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An OpenStack release as VIO ships it. Code asks it questions and never compares ids or versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// One line for people, for example `VIO 1.0 (OpenStack Icehouse)`.
    pub title: String,
    /// What a user should know before choosing it.
    pub description: String,
    /// Operating system packages of every node.
    pub packages: Vec<String>,
    /// Packages that a node needs only in some deployments, by name.
    #[serde(rename = "package", default)]
    pub optional_packages: Entries<PackageSpec>,
    /// Files of every node, by absolute path.
    #[serde(rename = "file", default)]
    pub files: Entries<FileSpec>,
    /// Services of every node, by unit name, in start order.
    #[serde(rename = "service", default)]
    pub services: Entries<ServiceSpec>,
    /// What stands behind the VIPs, by name.
    #[serde(rename = "front_end", default)]
    pub front_ends: Entries<FrontEnd>,
    /// What the release knows of each kind; the build script fills it from the folders of the kinds.
    #[serde(default)]
    pub kinds: BTreeMap<KindId, KindSpec>,
}

/// One value for each profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerProfile<T> {
    /// The value in the `ha` profile.
    pub ha: T,
    /// The value in the `compact` profile.
    pub compact: T,
}

impl<T: Copy> PerProfile<T> {
    /// The value for a profile.
    pub const fn get(&self, profile: Profile) -> T {
        match profile {
            Profile::Ha => self.ha,
            Profile::Compact => self.compact,
        }
    }
}

/// The size of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// System disk in GiB.
    pub disk_gib: u32,
}

/// How many nodes a component may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountSpec {
    /// Default in the `ha` profile.
    pub ha: u32,
    /// Default in the `compact` profile.
    pub compact: u32,
    /// Fewest nodes.
    pub min: u32,
    /// Most nodes.
    pub max: u32,
    /// Whether an even count is refused.
    #[serde(default)]
    pub parity: Parity,
}

/// A rule about the count of nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parity {
    /// Every count within the bounds.
    #[default]
    Any,
    /// Odd counts only: an even member adds no fault tolerance to a majority.
    Odd,
}

/// The resource by which users make a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// `vio_component`.
    Component,
    /// `vio_controller_pool`.
    ControllerPool,
    /// `vio_compute_cluster`.
    ComputeCluster,
}

/// A network role of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Where nodes talk to each other and to vCenter.
    Management,
    /// Where users reach the public VIP.
    External,
    /// The trunk to the tenants' networks; it carries no address of ours.
    Data,
}

impl Network {
    /// The word that files and templates use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::External => "external",
            Self::Data => "data",
        }
    }
}

/// What a release knows of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindSpec {
    /// Which kind.
    pub kind: KindId,
    /// Its name for people.
    pub title: String,
    /// What it does, in a sentence or two.
    pub description: String,
    /// How users make it.
    pub resource: Resource,
    /// How many nodes; of a compute cluster's driver: per vSphere cluster.
    pub count: CountSpec,
    /// Default size by profile.
    pub size: PerProfile<Size>,
    /// Networks of a node, in the order of its network adapters.
    pub networks: Vec<Network>,
    /// Whether peers belong on different hosts.
    pub anti_affinity: bool,
    /// Whether members change one at a time, each only when the cluster is whole again.
    pub quorum: bool,
    /// Whether a node is taken out of the load balancers before it restarts.
    pub drained: bool,
    /// Kinds that must be ready before this one can be.
    pub requires: Vec<KindId>,
    /// Kinds whose nodes are written into `/etc/hosts` of a node of this kind. No more than it needs: a node's document
    /// changes when one of them is added or removed.
    #[serde(default)]
    pub hosts: Vec<KindId>,
    /// Secrets that the templates of the kind may ask for; any other purpose is an error, so that a node cannot come to
    /// hold what it does not need.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Operating system packages beside those of every node.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Packages that a node needs only in some deployments, by name.
    #[serde(rename = "package", default)]
    pub optional_packages: Entries<PackageSpec>,
    /// Files by absolute path; a path is a template like a file's content.
    #[serde(rename = "file", default)]
    pub files: Entries<FileSpec>,
    /// Services by unit name, in start order.
    #[serde(rename = "service", default)]
    pub services: Entries<ServiceSpec>,
    /// Actions by name, in the order in which they run.
    #[serde(rename = "action", default)]
    pub actions: Entries<ActionSpec>,
    /// Health checks by name.
    #[serde(rename = "check", default)]
    pub checks: Entries<CheckSpec>,
    /// Options that users may set, by name.
    #[serde(rename = "option", default)]
    pub options: Entries<OptionSpec>,
}

/// A package that a node needs only in some deployments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSpec {
    /// Template expression: the node has the package only where it is true.
    pub when: String,
}

/// A file of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Template, relative to the release's folder; what begins with `common/` is shared by all releases.
    pub template: String,
    /// Owning user.
    #[serde(default = "root")]
    pub owner: String,
    /// Owning group.
    #[serde(default = "root")]
    pub group: String,
    /// Four octal digits.
    #[serde(default = "world_readable")]
    pub mode: String,
    /// How `config_overrides` are merged into it.
    #[serde(default)]
    pub format: Format,
    /// Why overrides are refused; required when `format` is `none`.
    #[serde(default)]
    pub fixed_because: Option<String>,
    /// Template expression: the node has the file only where it is true.
    #[serde(default)]
    pub when: Option<String>,
}

fn root() -> String {
    "root".to_owned()
}

fn world_readable() -> String {
    "0644".to_owned()
}

/// The syntax of a file, as far as overriding a setting needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `[section]` and `key = value`, as oslo.config reads it.
    Ini,
    /// The same for MariaDB, where `-` and `_` in a key are one.
    Mysql,
    /// HAProxy: a section begins at the margin, its settings are indented.
    Haproxy,
    /// `key = value` without sections; the section of an override is then `""`.
    Flat,
    /// Not to be overridden.
    #[default]
    None,
}

/// A service of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// Files whose change restarts it.
    #[serde(default)]
    pub restart_on: Vec<String>,
    /// Files whose change reloads it.
    #[serde(default)]
    pub reload_on: Vec<String>,
    /// Template expression: the node runs it only where it is true.
    #[serde(default)]
    pub when: Option<String>,
}

/// A command of a node's start, tied to one of its services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSpec {
    /// What is done or waited for: shown in the node's report.
    pub description: String,
    /// How often it runs.
    pub run: Run,
    /// On which of the component's nodes.
    #[serde(default)]
    pub on: Members,
    /// Runs before this service is started.
    #[serde(default)]
    pub before: Option<String>,
    /// Runs once this service is up.
    #[serde(default)]
    pub after: Option<String>,
    /// User that runs it.
    #[serde(default = "root")]
    pub user: String,
    /// Shell command; a template with the context of the files.
    pub command: String,
    /// Paths of the files that decide what the command does, besides its own text: it runs again only when one of these
    /// has changed. Without any it runs with every document.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Template expression: the action is there only where it is true.
    #[serde(default)]
    pub when: Option<String>,
}

/// How often an action runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    /// Until it succeeded once on this disk. The command is safe to repeat: the node may die before its success is noted.
    Once,
    /// At each application of a document that differs from the last, or from the last in what the action reads.
    OnChange,
    /// As `on_change`, and repeated until it succeeds: the node waits for somebody else.
    Wait,
}

/// Which nodes of a component take part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Members {
    /// Every node.
    #[default]
    All,
    /// The node of the lowest index.
    Leader,
    /// All others.
    Followers,
}

/// A health check that a node runs on itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    /// How it is checked.
    #[serde(rename = "type")]
    pub probe: Probe,
    /// Port on the node's management address, for `tcp` and `http`.
    #[serde(default)]
    pub port: Option<u16>,
    /// Path, for `http`: a status below 400 is healthy.
    #[serde(default)]
    pub path: Option<String>,
    /// Service of the kind that answers: the node restarts it when it runs and has not answered for long. Only for what may be
    /// restarted at any time and keeps no state of its own.
    #[serde(default)]
    pub service: Option<String>,
    /// Shell command, for `command`: exit status 0 is healthy.
    #[serde(default)]
    pub command: Option<String>,
    /// Template expression: the check is there only where it is true.
    #[serde(default)]
    pub when: Option<String>,
}

/// How health is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// A connection is accepted.
    Tcp,
    /// A GET is answered well.
    Http,
    /// A command succeeds.
    Command,
}
