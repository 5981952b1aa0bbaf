//! `vio_management_cluster`: the deployment.

mod plan;
mod settings;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use tf_core::{Diagnostics, Path, Value};
use tf_server::{
    ApplyRequest, ApplyResponse, Imported, PlanRequest, PlanResponse, ReadRequest, ReadResponse, Resource,
};

use super::timeouts::{Operation, timeout};
use super::values::text;
use crate::message;
use crate::provider::Shared;

/// The resource.
pub(crate) struct ManagementCluster {
    shared: Arc<Shared>,
}

impl ManagementCluster {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The state now; null when there is no such deployment.
    async fn look(&self, state: &Value) -> Result<Value, Diagnostics> {
        let name = text(state.get("id")).unwrap_or_default();
        let connection = self.shared.connected()?;
        let title = format!("Cannot read the deployment `{name}`");
        let found =
            connection.engine.deployment(&name).await.map_err(|error| message::engine(&title, &error))?;
        match found {
            Some(deployment) if deployment.record().is_some() => {
                let seen = state::as_seen(&deployment, state);
                seen.map_err(|error| message::engine(&title, &error))
            }
            // The beginning of one, which a create that failed left, or what is left of one without nodes whose image was
            // removed: it must be seen, to be removed or made whole.
            Some(deployment) if deployment.is_ours() => Ok(state::without_image(state)),
            Some(_) | None => Ok(Value::Null),
        }
    }

    /// A deployment is shown although NSX cannot be read: its settings there may be what the user is about to mend.
    async fn warn_of_unread(&self, state: &Value) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        let (Some(name), Ok(connection)) = (text(state.get("id")), self.shared.connected()) else {
            return diagnostics;
        };
        let found = connection.engine.deployment(&name).await.ok().flatten();
        if let Some(why) = found.and_then(|deployment| deployment.unread_nsx()) {
            let detail = format!("Whether the DHCP nodes are registered is not known: {why}");
            diagnostics.warning(
                Path::attribute("networking"),
                "NSX could not be read",
                message::sentence(&detail),
            );
        }
        diagnostics
    }

    async fn change(&self, request: &ApplyRequest) -> Result<Value, Diagnostics> {
        let connection = self.shared.connected()?;
        let name = text(request.planned.get("name")).unwrap_or_default();
        let create = request.prior.is_null();
        let title = match create {
            true => format!("Cannot create the deployment `{name}`"),
            false => format!("Cannot change the deployment `{name}`"),
        };
        let fail = |error: engine::Error| message::engine(&title, &error);
        let old = connection.engine.deployment(&name).await.map_err(fail)?;
        let old = old.as_ref().and_then(|deployment| deployment.record()).map(|record| &record.settings);
        // A deployment without nodes that has lost its record is made anew in what is left of it.
        let makes = create || old.is_none();
        let source = settings::Source {
            planned: &request.planned,
            config: &request.config,
            prior: &request.prior,
            old,
        };
        let settings = settings::decode(&source)?;
        let operation = if create { Operation::Create } else { Operation::Update };
        let time = timeout(&request.planned, operation);
        let deployment = match makes {
            true => connection.engine.create_deployment(settings, time).await.map_err(fail)?,
            false => connection.engine.update_deployment(settings, time).await.map_err(fail)?,
        };
        state::from_deployment(&deployment, &request.planned).map_err(fail)
    }

    /// The state after a failure: what was, or of a create that failed what it has begun, so that it can be removed. What
    /// another run is at is that run's.
    async fn left_behind(&self, request: &ApplyRequest) -> Value {
        let name = text(request.planned.get("name"));
        let (true, Some(name), Ok(connection)) = (request.prior.is_null(), name, self.shared.connected())
        else {
            return request.prior.clone();
        };
        match connection.engine.deployment(&name).await {
            Ok(Some(found)) if found.is_ours() && !connection.engine.is_held_elsewhere(&found) => {
                state::begun(&request.planned)
            }
            Ok(_) | Err(_) => Value::Null,
        }
    }

    async fn delete(&self, prior: &Value) -> Result<Diagnostics, Diagnostics> {
        let connection = self.shared.connected()?;
        let name = text(prior.get("id")).unwrap_or_default();
        let deleted = connection.engine.delete_deployment(&name, timeout(prior, Operation::Delete)).await;
        let fail = |error| message::engine(&format!("Cannot delete the deployment `{name}`"), &error);
        deleted.map(|unheard| message::unheard(&name, &unheard)).map_err(fail)
    }
}

#[async_trait]
impl Resource for ManagementCluster {
    async fn validate(&self, config: Value) -> Diagnostics {
        plan::validate(&config)
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        let private = request.private;
        match self.look(&request.state).await {
            Ok(state) => {
                let diagnostics = self.warn_of_unread(&state).await;
                ReadResponse { state, private, diagnostics }
            }
            Err(diagnostics) => ReadResponse { state: request.state, private, diagnostics },
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan::plan(&self.shared, request).await
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let private = request.private.clone();
        let result = match request.planned.is_null() {
            true => self.delete(&request.prior).await.map(|diagnostics| (Value::Null, diagnostics)),
            false => self.change(&request).await.map(|state| (state, Diagnostics::new())),
        };
        match result {
            Ok((state, diagnostics)) => ApplyResponse { state, private, diagnostics },
            Err(diagnostics) => {
                ApplyResponse { state: self.left_behind(&request).await, private, diagnostics }
            }
        }
    }

    async fn import(&self, id: String) -> Result<Imported, Diagnostics> {
        let state = state::stub(&id);
        let connection = self.shared.connected()?;
        let title = format!("Cannot import the deployment `{id}`");
        let found =
            connection.engine.deployment(&id).await.map_err(|error| message::engine(&title, &error))?;
        match found {
            Some(deployment) if deployment.record().is_some() => Ok(Imported { state, private: Vec::new() }),
            Some(_) | None => Err(message::engine(&title, &engine::Error::NoDeployment(id))),
        }
    }
}
