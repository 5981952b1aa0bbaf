//! Where users find the services of a deployment.

use std::collections::{BTreeMap, BTreeSet};

use super::front_end::{FrontEnd, Interface};
use super::kind::KindId;
use super::spec::Release;

/// The port that a URL of the public VIP need not name.
const HTTPS_PORT: u16 = 443;

impl Release {
    /// Public URLs by service type: those that every deployment of the release has, and those of the kinds that this
    /// one has beside them. `host` is the public VIP's address or name.
    #[must_use]
    pub fn endpoints(&self, host: &str, kinds: &BTreeSet<KindId>) -> BTreeMap<String, String> {
        let shown = |front_end: &FrontEnd| front_end.common || kinds.contains(&front_end.kind);
        let front_ends = self.front_ends.iter().map(|(_, front_end)| front_end).filter(|it| shown(it));
        let entries =
            front_ends.flat_map(|it| it.endpoints.iter().map(|(name, endpoint)| (it.port, name, endpoint)));
        let public = entries.filter(|(_, _, endpoint)| endpoint.interfaces.contains(&Interface::Public));
        public
            .map(|(port, name, endpoint)| (name.to_owned(), public_url(host, port, &endpoint.path)))
            .collect()
    }

    /// URL of the dashboard; none if the release has no dashboard.
    #[must_use]
    pub fn dashboard_url(&self, host: &str) -> Option<String> {
        let mut front_ends = self.front_ends.iter().map(|(_, front_end)| front_end);
        front_ends.find_map(|it| it.dashboard_path.as_ref().map(|path| public_url(host, it.port, path)))
    }
}

fn public_url(host: &str, port: u16, path: &str) -> String {
    match port {
        HTTPS_PORT => format!("https://{host}{path}"),
        other => format!("https://{host}:{other}{path}"),
    }
}
