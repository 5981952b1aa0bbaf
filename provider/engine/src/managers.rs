//! NSX Managers: one client for each that a deployment names, and the transport nodes that are a deployment's there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deploy::observed::TransportNode;
use deploy::record::Record;
use deploy::registration;
use deploy::settings::Backend;
use nsx::{Client, ClientConfig, Realization, Secret, TlsPolicy};

use crate::deployment::Deployment;

/// How the engine speaks to NSX Managers.
#[derive(Debug, Clone)]
pub struct NsxOptions {
    /// The time that one call may take.
    pub api_timeout: Duration,
    /// The `User-Agent` that the managers' logs show.
    pub user_agent: String,
}

/// The clients of this process. Two ways to reach one manager are two clients: each knows whether its password was
/// refused.
pub(crate) struct Managers {
    options: NsxOptions,
    clients: Mutex<Vec<(Backend, Arc<Client>)>>,
    /// Whoever makes or changes a transport node: looking and making are two calls.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Managers {
    pub(crate) fn new(options: NsxOptions) -> Self {
        Self { options, clients: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// The client of a backend; none for the distributed switch.
    pub(crate) fn client(&self, backend: &Backend) -> Result<Option<Arc<Client>>, nsx::Error> {
        let Backend::Nsx { manager, user, password, ca_certificate_pem, transport_zone: _ } = backend else {
            return Ok(None);
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| reached_alike(known, backend)) {
            return Ok(Some(Arc::clone(client)));
        }
        let client = Arc::new(Client::new(ClientConfig {
            manager: manager.clone(),
            user: user.clone(),
            password: Secret::new(password.expose()),
            tls: TlsPolicy::Verify { extra_ca_pem: ca_certificate_pem.clone() },
            api_timeout: self.options.api_timeout,
            user_agent: self.options.user_agent.clone(),
        })?);
        clients.push((backend.clone(), Arc::clone(&client)));
        Ok(Some(client))
    }

    /// Adds to a deployment what NSX has of it. That NSX cannot be read is no reason to see nothing of the deployment: it
    /// may be what the user is about to mend.
    pub(crate) async fn look(&self, deployment: &mut Deployment) {
        let Some(record) = deployment.record() else { return };
        match self.transport_nodes(record).await {
            Ok(found) => deployment.observed.transport_nodes = found,
            Err(error) => {
                tracing::warn!(deployment = deployment.name, %error, "NSX could not be read");
                deployment.nsx_problem = Some(error);
            }
        }
    }

    /// Two calls at most, and none before there is anything to find.
    async fn transport_nodes(
        &self,
        record: &Record,
    ) -> Result<Option<BTreeMap<String, TransportNode>>, nsx::Error> {
        let Some(client) = self.client(&record.settings.backend)? else { return Ok(None) };
        if !registration::may_exist(record) {
            return Ok(Some(BTreeMap::new()));
        }
        let mut found: BTreeMap<String, TransportNode> = BTreeMap::new();
        for node in client.host_transport_nodes().await? {
            found.extend(observe(record, &node).map(|seen| (node.id().to_owned(), seen)));
        }
        if found.is_empty() {
            return Ok(Some(found));
        }
        // The manager answers one such question at a time. Without the answer nothing is known to be wrong.
        let states = client.realizations().await.unwrap_or_default();
        for (id, seen) in &mut found {
            seen.realized = states.get(id).is_none_or(|state| *state == Realization::Success);
        }
        Ok(Some(found))
    }
}

/// Which transport zone is meant does not matter to who answers.
fn reached_alike(one: &Backend, other: &Backend) -> bool {
    match (one, other) {
        (
            Backend::Nsx { manager, user, password, ca_certificate_pem, transport_zone: _ },
            Backend::Nsx {
                manager: other_manager,
                user: other_user,
                password: other_password,
                ca_certificate_pem: other_ca,
                transport_zone: _,
            },
        ) => {
            (manager, user, password, ca_certificate_pem)
                == (other_manager, other_user, other_password, other_ca)
        }
        (Backend::Dvs | Backend::Nsx { .. }, _) => false,
    }
}

/// A transport node as the planner sees it, taken for realized; none when it is not the deployment's.
pub(crate) fn observe(record: &Record, node: &nsx::TransportNode) -> Option<TransportNode> {
    let tags = node.tags();
    let (owner, component) = registration::owner(record, &tags)?;
    let (zone, zone_id) = registration::zone_marks(&tags);
    Some(TransportNode {
        node: owner,
        component,
        name: node.name().to_owned(),
        addresses: node.addresses(),
        zone,
        zone_as_made: node.zone_ids() == [zone_id].into(),
        realized: true,
    })
}
