//! What a release puts behind the VIPs.

use serde::{Deserialize, Serialize};

use super::entries::Entries;
use super::kind::KindId;

/// A service behind the VIPs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontEnd {
    /// The kind whose nodes serve it; without nodes of it there is no front end.
    pub kind: KindId,
    /// Port on the VIPs.
    pub port: u16,
    /// Port on the nodes; the same unless said otherwise.
    #[serde(default)]
    pub backend_port: Option<u16>,
    /// Plain-text port on the public VIP that redirects to `port`.
    #[serde(default)]
    pub redirect_from: Option<u16>,
    /// VIPs it is bound to.
    pub vips: Vec<Vip>,
    /// What the load balancer understands of it.
    pub mode: Mode,
    /// How the load balancer knows that a node serves.
    pub check: BackendCheck,
    /// How connections are spread.
    #[serde(default)]
    pub balance: Balance,
    /// One node serves, the others stand by.
    #[serde(default)]
    pub single_writer: bool,
    /// Longest silence of a connection in seconds, where the general one does not fit.
    #[serde(default)]
    pub idle_timeout_s: Option<u32>,
    /// Whether every deployment of the release has it. What is not common to all appears when its kind is added, and must
    /// not change what the management cluster shows.
    pub common: bool,
    /// Its entries in the catalogue of services, by service type.
    #[serde(rename = "endpoint", default)]
    pub endpoints: Entries<Endpoint>,
    /// Path of the dashboard, of the front end that serves it.
    #[serde(default)]
    pub dashboard_path: Option<String>,
}

/// One of the two virtual addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vip {
    /// On the management network, plain text.
    Internal,
    /// On the external network, TLS.
    Public,
}

/// What the load balancer understands of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// HTTP requests.
    Http,
    /// Bytes.
    Tcp,
}

/// How the load balancer knows that a node serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendCheck {
    /// What it does.
    #[serde(rename = "type")]
    pub probe: BackendProbe,
    /// Path asked for, with `http`.
    #[serde(default)]
    pub path: Option<String>,
}

/// What the load balancer does to know that a node serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackendProbe {
    /// Connects.
    Tcp,
    /// Asks for a path; a status from 200 to 399 is healthy.
    Http,
    /// Logs in to the database.
    Mysql,
}

/// How connections are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// In turn.
    #[default]
    Roundrobin,
    /// A client stays with its node.
    Source,
    /// To the node with the fewest.
    Leastconn,
}

/// An entry of the catalogue of services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Path after host and port.
    pub path: String,
    /// What the catalogue adds to the path for each project, for example `/%(project_id)s`.
    #[serde(default)]
    pub project_path: String,
    /// Interfaces that this front end serves.
    pub interfaces: Vec<Interface>,
}

/// An interface of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interface {
    /// Through the public VIP.
    Public,
    /// Through the internal VIP.
    Internal,
    /// Through the internal VIP, for operators.
    Admin,
}
