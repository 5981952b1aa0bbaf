//! What stands behind the VIPs of a cloud, as a load balancer's templates see it.

use serde::Serialize;

use crate::release::{BackendProbe, Balance, Endpoint, FrontEnd, Interface, Mode, Release, Vip};

use super::view::{CloudView, NodeView};

/// A service behind the VIPs. A service whose kind has no nodes is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrontEndView {
    /// Its name in the release.
    pub name: String,
    /// What the load balancer understands of it.
    pub mode: Mode,
    /// Port on the VIPs.
    pub port: u16,
    /// Bound to the internal VIP.
    pub internal: bool,
    /// Bound to the public VIP.
    pub public: bool,
    /// Plain-text port on the public VIP that redirects to `port`.
    pub redirect_from: Option<u16>,
    /// How the load balancer knows that a node serves.
    pub probe: BackendProbe,
    /// Path asked for, with `http`.
    pub check_path: Option<String>,
    /// How connections are spread.
    pub balance: Balance,
    /// One server serves, the others stand by.
    pub single_writer: bool,
    /// Longest silence of a connection in seconds, where the general one does not fit.
    pub idle_timeout_s: Option<u32>,
    /// Its servers, by ascending index.
    pub servers: Vec<ServerView>,
    /// Its entries in the catalogue of services.
    pub endpoints: Vec<EndpointView>,
}

/// An entry of the catalogue of services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointView {
    /// Type of the service, for example `image`.
    pub service_type: String,
    /// Path after host and port, with what differs by project.
    pub path: String,
    /// Interfaces that the front end serves.
    pub interfaces: Vec<Interface>,
}

/// A server of a front end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerView {
    /// Name of the node.
    pub name: String,
    /// Address on the management network.
    pub address: String,
    /// Port on the node.
    pub port: u16,
    /// Serves only when those before it do not.
    pub backup: bool,
    /// Gets nothing new: it is about to restart.
    pub draining: bool,
}

/// The services behind the VIPs, in the release's order.
#[must_use]
pub fn front_ends(release: &Release, cloud: &CloudView) -> Vec<FrontEndView> {
    let view = |(name, front_end): (&str, &FrontEnd)| {
        let nodes = cloud.nodes.get(&front_end.kind).filter(|nodes| !nodes.is_empty())?;
        Some(view_of(name, front_end, nodes, cloud))
    };
    release.front_ends.iter().filter_map(view).collect()
}

fn view_of(name: &str, front_end: &FrontEnd, nodes: &[NodeView], cloud: &CloudView) -> FrontEndView {
    let server = |(position, node): (usize, &NodeView)| ServerView {
        name: node.name.clone(),
        address: node.management_address.clone(),
        port: front_end.backend_port.unwrap_or(front_end.port),
        backup: front_end.single_writer && position > 0,
        draining: cloud.draining.contains(&node.name),
    };
    let endpoint = |(service_type, endpoint): (&str, &Endpoint)| EndpointView {
        service_type: service_type.to_owned(),
        path: format!("{}{}", endpoint.path, endpoint.project_path),
        interfaces: endpoint.interfaces.clone(),
    };
    FrontEndView {
        name: name.to_owned(),
        mode: front_end.mode,
        port: front_end.port,
        internal: front_end.vips.contains(&Vip::Internal),
        public: front_end.vips.contains(&Vip::Public),
        redirect_from: front_end.redirect_from,
        probe: front_end.check.probe,
        check_path: front_end.check.path.clone(),
        balance: front_end.balance,
        single_writer: front_end.single_writer,
        idle_timeout_s: front_end.idle_timeout_s,
        servers: nodes.iter().enumerate().map(server).collect(),
        endpoints: front_end.endpoints.iter().map(endpoint).collect(),
    }
}
