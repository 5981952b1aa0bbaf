//! Transport nodes in NSX: registered, brought to what is wanted, removed.

use std::sync::Arc;
use std::time::Duration;

use deploy::name::NodeName;
use deploy::plan::Action;
use deploy::preflight::{Zone, find_zone};
use deploy::registration::{Registration, login};
use nsx::{Client, HostCredential, HostSpec, Realization, Secret, TransportNode};

use super::{Context, bug};
use crate::error::Error;
use crate::managers::observe;
use crate::operations::zone;

/// How often a registration is looked at anew when an answer was lost or somebody else was faster.
const ATTEMPTS: usize = 4;
/// How often NSX is asked whether it has configured a node: it has no call that waits.
const POLL_PAUSE: Duration = Duration::from_millis(500);

impl Context<'_> {
    /// The transport node of a node is made or changed where it is not as wanted; then NSX is waited for.
    pub(super) async fn register(&self, name: &NodeName) -> Result<(), Error> {
        let action = Action::Register(name.clone());
        let wanted = self.desired.and_then(|desired| desired.registrations.get(name));
        let wanted = wanted.ok_or_else(|| bug(format!("`{name}` is not to be registered")))?;
        let client = self.nsx(&action)?;
        let id = {
            let _turn = self.view.managers.turn.lock().await;
            self.settle_registration(&client, wanted, &action).await?
        };
        self.wait_realized(&client, &id, &action).await
    }

    /// Nobody need know whether it is there: what is gone is as wanted.
    pub(super) async fn deregister(&self, id: &str, action: &Action) -> Result<(), Error> {
        let client = self.nsx(action)?;
        let mut result = client.delete_host(id).await;
        for _ in 1..ATTEMPTS {
            match result {
                Err(error) if error.is_ambiguous() => result = client.delete_host(id).await,
                _ => break,
            }
        }
        match result {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map_err(Error::nsx(action)),
        }
    }

    fn nsx(&self, action: &Action) -> Result<Arc<Client>, Error> {
        let client = self.view.managers.client(&self.settings()?.backend).map_err(Error::nsx(action))?;
        client.ok_or_else(|| bug("the deployment has no NSX".to_owned()))
    }

    /// Looked for by our marks each time: an answer that was lost may have made it.
    async fn settle_registration(
        &self,
        client: &Client,
        wanted: &Registration,
        action: &Action,
    ) -> Result<String, Error> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match self.settle_once(client, wanted, action).await? {
                Ok(id) => return Ok(id),
                Err(error) if error.is_ambiguous() || error.is_stale() || error.is_conflict() => {
                    last = Some(error)
                }
                Err(error) => return Err(Error::nsx(action)(error)),
            }
        }
        Err(last.map_or_else(|| bug("no attempt was made".to_owned()), Error::nsx(action)))
    }

    /// The inner error is that of the change alone, which may be tried again.
    async fn settle_once(
        &self,
        client: &Client,
        wanted: &Registration,
        action: &Action,
    ) -> Result<Result<String, nsx::Error>, Error> {
        let (found, met) = self.present(client, wanted).await.map_err(Error::nsx(action))?;
        if let Some(node) = found.as_ref().filter(|_| met) {
            return Ok(Ok(node.id().to_owned()));
        }
        let spec = self.host_spec(client, wanted, action).await?;
        let changed = match &found {
            Some(node) => client.update_host(node, &spec).await,
            None => client.create_host(&spec).await,
        };
        Ok(changed.map(|node| node.id().to_owned()))
    }

    /// The transport node of a node, and whether it is as wanted: one that NSX gave up on is to be asked for again.
    async fn present(
        &self,
        client: &Client,
        wanted: &Registration,
    ) -> Result<(Option<TransportNode>, bool), nsx::Error> {
        let Ok(record) = self.record() else { return Ok((None, false)) };
        let nodes = client.host_transport_nodes().await?;
        let seen = |node: &TransportNode| observe(record, node).filter(|seen| seen.node == wanted.node);
        let own = nodes.into_iter().filter_map(|node| seen(&node).map(|seen| (node, seen)));
        let Some((node, seen)) = own.min_by(|(one, _), (other, _)| one.id().cmp(other.id())) else {
            return Ok((None, false));
        };
        let met = wanted.is_met_by(&seen)
            && !matches!(client.realization(node.id()).await?, Realization::Failed(_));
        Ok((Some(node), met))
    }

    async fn host_spec(
        &self,
        client: &Client,
        wanted: &Registration,
        action: &Action,
    ) -> Result<HostSpec, Error> {
        let all = client.transport_zones().await.map_err(Error::nsx(action))?;
        let zones: Vec<Zone> = all.iter().map(zone).collect();
        let zone = find_zone(&zones, &wanted.transport_zone);
        let zone = zone.map_err(|source| Error::TransportZone { step: action.to_string(), source })?;
        let login = login(self.record()?)?;
        let switch = all.iter().find(|found| found.id == zone.id);
        Ok(HostSpec {
            name: wanted.node.to_string(),
            description: format!("{} of the VIO deployment `{}`", wanted.component, self.deployment.name),
            address: wanted.address.to_string(),
            tags: wanted.tags(&zone.id),
            zone_id: zone.id.clone(),
            host_switch_name: switch.and_then(|zone| zone.host_switch_name.clone()),
            uplink_device: wanted.uplink_device.clone(),
            credential: HostCredential {
                username: login.username,
                password: Secret::new(login.password.expose()),
                thumbprint: login.thumbprint,
            },
        })
    }

    async fn wait_realized(&self, client: &Client, id: &str, action: &Action) -> Result<(), Error> {
        loop {
            match client.realization(id).await.map_err(Error::nsx(action))? {
                Realization::Success => return Ok(()),
                Realization::Failed(reason) => {
                    let node = action.node().map(ToString::to_string).unwrap_or_default();
                    return Err(Error::NotRealized { node, reason });
                }
                Realization::Pending(state) => tracing::debug!(step = %action, state, "NSX is at work"),
            }
            tokio::select! {
                () = tokio::time::sleep(POLL_PAUSE) => {}
                () = self.stop.cancelled() => return Err(Error::Interrupted),
            }
        }
    }
}
