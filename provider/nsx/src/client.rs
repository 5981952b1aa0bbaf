//! The client: one method for each thing that is asked of the manager.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use https::{Method, NotSent, TlsPolicy, Transport};
use serde_json::Value;
use tokio::time::Instant;

use crate::call::Call;
use crate::error::Error;
use crate::node::{Realization, TransportNode};
use crate::spec::{HostSpec, Secret};
use crate::zone::TransportZone;

/// The API's largest page.
const PAGE_SIZE: u32 = 1000;
/// Cursors with this beginning come after the last page; Neutron's own client of the API knows it too.
const NULL_CURSOR: &str = "0000";
const NODES: &str = "/api/v1/transport-nodes";
const ZONES: &str = "/api/v1/transport-zones";

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The manager: a host, `host:port` or URL.
    pub manager: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// How the manager proves who it is.
    pub tls: TlsPolicy,
    /// The time that one call may take.
    pub api_timeout: Duration,
    /// The `User-Agent` that the manager's logs show.
    pub user_agent: String,
}

/// A client of one NSX Manager.
///
/// Each call carries the user and password (basic authentication), so that there is no session to keep or to leave behind.
/// What the manager surely did not take (429, 503) is asked again, after the pause that it asks for; reads also after a
/// broken connection. Credentials that were refused once are not sent again, and a manager that could not be reached is left
/// alone for a while: many ask in a row.
pub struct Client {
    pub(crate) transport: Transport,
    pub(crate) user: String,
    pub(crate) authorization: Secret,
    pub(crate) api_timeout: Duration,
    pub(crate) refused: OnceLock<Error>,
    /// When the manager could not be reached last, and why.
    pub(crate) unreachable: Mutex<Option<(Instant, Error)>>,
}

impl Client {
    /// Makes a client. Sends nothing and reads no file.
    ///
    /// # Errors
    /// [`Error::Config`] when the manager's address or a certificate cannot be used.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        let ClientConfig { manager, user, password, tls, api_timeout, user_agent } = config;
        let transport = Transport::new(&manager, &tls, 4, &user_agent);
        let transport = transport.map_err(|why: NotSent| Error::Config(why.to_string()))?;
        let pair = STANDARD.encode(format!("{user}:{}", password.expose()));
        let authorization = Secret::new(format!("Basic {pair}"));
        let (refused, unreachable) = (OnceLock::new(), Mutex::default());
        Ok(Self { transport, user, authorization, api_timeout, refused, unreachable })
    }

    /// Every transport zone.
    ///
    /// # Errors
    /// When the manager cannot be read.
    pub async fn transport_zones(&self) -> Result<Vec<TransportZone>, Error> {
        let zones = self.list("list the transport zones", ZONES, "").await?;
        Ok(zones.iter().filter_map(TransportZone::parse).collect())
    }

    /// Every transport node of host type, in one call for each thousand.
    ///
    /// # Errors
    /// When the manager cannot be read.
    pub async fn host_transport_nodes(&self) -> Result<Vec<TransportNode>, Error> {
        let nodes = self.list("list the transport nodes", NODES, "node_types=HostNode&").await?;
        Ok(nodes.iter().filter_map(TransportNode::parse).collect())
    }

    /// How far the manager has come with each of its transport nodes, by their ids.
    ///
    /// # Errors
    /// When the manager cannot be read. It answers one such question at a time and refuses others meanwhile.
    pub async fn realizations(&self) -> Result<BTreeMap<String, Realization>, Error> {
        let path = format!("{NODES}/state");
        let states = self.list("list the states of the transport nodes", &path, "").await?;
        let known = |state: &Value| {
            let id = state.get("transport_node_id")?.as_str()?;
            Some((id.to_owned(), Realization::parse(state)))
        };
        Ok(states.iter().filter_map(known).collect())
    }

    /// How far the manager has come with a transport node.
    ///
    /// # Errors
    /// When there is no such node or the manager cannot be read.
    pub async fn realization(&self, id: &str) -> Result<Realization, Error> {
        let path = format!("{NODES}/{}/state", escaped(id));
        let state = self.call(&Call::new("read a transport node's state", Method::GET, path)).await?;
        Ok(Realization::parse(&state))
    }

    /// Makes a host transport node; the manager then installs its modules on the host.
    ///
    /// # Errors
    /// [`Error::is_conflict`] when a node of its address is there already; when the manager refuses.
    pub async fn create_host(&self, spec: &HostSpec) -> Result<TransportNode, Error> {
        let what = format!("create the transport node `{}`", spec.name);
        self.node(&Call::new(what, Method::POST, NODES).with(spec.creation())).await
    }

    /// Changes a host transport node that was read before.
    ///
    /// # Errors
    /// [`Error::is_stale`] when somebody changed it since; when the manager refuses.
    pub async fn update_host(&self, node: &TransportNode, spec: &HostSpec) -> Result<TransportNode, Error> {
        let what = format!("update the transport node `{}`", spec.name);
        let path = format!("{NODES}/{}", escaped(node.id()));
        self.node(&Call::new(what, Method::PUT, path).with(node.updated(spec))).await
    }

    /// Removes a transport node and the record of its host, whether or not the host can be reached; nothing is uninstalled
    /// on the host.
    ///
    /// # Errors
    /// [`Error::is_not_found`] when it is gone already; when the manager refuses.
    pub async fn delete_host(&self, id: &str) -> Result<(), Error> {
        let path = format!("{NODES}/{}?force=true&unprepare_host=false", escaped(id));
        let what = format!("delete the transport node `{id}`");
        self.call(&Call::new(what, Method::DELETE, path)).await.map(drop)
    }

    async fn node(&self, call: &Call) -> Result<TransportNode, Error> {
        let answer = self.call(call).await?;
        TransportNode::parse(&answer).ok_or_else(|| call.protocol("the transport node has no id"))
    }

    async fn list(&self, what: &str, path: &str, filter: &str) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let call = Call::new(what, Method::GET, format!("{path}?{filter}page_size={PAGE_SIZE}{cursor}"));
            let page = self.call(&call).await?;
            let results = page.get("results").and_then(Value::as_array);
            all.extend(results.ok_or_else(|| call.protocol("it has no `results`"))?.iter().cloned());
            match page.get("cursor").and_then(Value::as_str) {
                Some(next) if !next.is_empty() && !next.starts_with(NULL_CURSOR) => {
                    cursor = format!("&cursor={}", escaped(next));
                }
                Some(_) | None => return Ok(all),
            }
        }
    }
}

/// What may stand in a path's segment or a query's value.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
pub(crate) fn test_client() -> Client {
    Client::new(tests::config("nsx", None)).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn config(manager: &str, pem: Option<&str>) -> ClientConfig {
        ClientConfig {
            manager: manager.to_owned(),
            user: "admin".to_owned(),
            password: Secret::new("canary"),
            tls: TlsPolicy::Verify { extra_ca_pem: pem.map(str::to_owned) },
            api_timeout: Duration::from_secs(1),
            user_agent: "test".to_owned(),
        }
    }

    #[test]
    fn nothing_leaves_a_segment() {
        assert_eq!(escaped("a1-._~"), "a1-._~");
        assert_eq!(escaped("../x?y&z=ü"), "..%2Fx%3Fy%26z%3D%C3%BC");
    }

    #[test]
    fn a_client_is_refused_before_anything_is_sent() {
        assert!(Client::new(config("nsx.example.com", None)).is_ok());
        for (manager, pem) in [("http://nsx", None), ("nsx", Some("nonsense"))] {
            assert!(matches!(Client::new(config(manager, pem)), Err(Error::Config(_))), "{manager}");
        }
        assert!(!format!("{:?}", config("nsx", None)).contains("canary"));
    }
}
