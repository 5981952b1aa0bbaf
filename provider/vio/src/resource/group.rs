//! What makes nodes: `vio_component`, `vio_controller_pool` and `vio_compute_cluster`. They differ in which component
//! they are and in a few attributes of their own; the life of their nodes is one.

mod component;
mod compute_cluster;
mod controller_pool;
mod plan;
mod size;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use deploy::name::ComponentId;
use deploy::release::Resource as ReleaseResource;
use deploy::settings::Component;
use tf_core::{Diagnostics, Value};
use tf_server::{
    ApplyRequest, ApplyResponse, Imported, PlanRequest, PlanResponse, ReadRequest, ReadResponse, Resource,
};

use super::timeouts::{Operation, timeout};
use super::values::{set, text};
use crate::connection::Connection;
use crate::message;
use crate::provider::Shared;

pub(crate) use component::Simple;
pub(crate) use compute_cluster::ComputeCluster;
pub(crate) use controller_pool::ControllerPool;

/// What is particular to one of the resources.
pub(crate) trait Flavour: Send + Sync + 'static {
    /// The resource's type.
    const TYPE_NAME: &'static str;
    /// How the release says that a kind is made by it.
    const MADE_BY: ReleaseResource;
    /// Attributes that name other components.
    const LINKS: &'static [&'static str];

    /// Which component a value describes; `None` while that is unknown.
    fn component(&self, value: &Value) -> Option<ComponentId>;

    /// Reads an id that a user gave: the deployment and the component.
    fn parse_id(&self, id: &str) -> Option<(String, ComponentId)>;

    /// What is wrong whatever vCenter holds.
    fn validate(&self, config: &Value) -> Diagnostics;

    /// What the plan can say beyond the common attributes.
    fn plan(
        &self,
        planned: &mut Value,
        connection: Option<&Connection>,
        inventory: Option<&deploy::inventory::Inventory>,
        management: &deploy::settings::Settings,
    ) -> Diagnostics;

    /// Settings of its own, from a known plan; `old` has write-only values in use.
    fn settle(&self, change: &Change<'_>, component: &mut Component) -> Result<(), Diagnostics>;

    /// Attributes of its own, as the record says them.
    fn show(&self, component: &Component, id: &ComponentId, state: &mut Value, before: &Value);

    /// True when it may go only if no tenant runs VMs there: the datacenter and cluster to look at.
    fn tenants(&self, _state: &Value) -> Option<(String, String)> {
        None
    }
}

/// What a change is made from.
pub(crate) struct Change<'a> {
    pub(crate) prior: &'a Value,
    pub(crate) planned: &'a Value,
    pub(crate) config: &'a Value,
    pub(crate) connection: &'a Connection,
    pub(crate) inventory: &'a deploy::inventory::Inventory,
    pub(crate) old: Option<&'a Component>,
}

/// One of the resources.
pub(crate) struct Group<F> {
    shared: Arc<Shared>,
    flavour: F,
}

impl<F: Flavour> Group<F> {
    pub(crate) fn new(shared: Arc<Shared>, flavour: F) -> Self {
        Self { shared, flavour }
    }

    async fn look(&self, state: &Value) -> Result<Value, Diagnostics> {
        let id = text(state.get("id")).unwrap_or_default();
        let Some((name, component)) = self.flavour.parse_id(&id) else { return Ok(Value::Null) };
        let connection = self.shared.connected()?;
        let title = format!("Cannot read `{id}`");
        let found =
            connection.engine.deployment(&name).await.map_err(|error| message::engine(&title, &error))?;
        let fail = |error: engine::Error| message::engine(&title, &error);
        let (seen, lost) = match found {
            Some(deployment) => {
                deployment.refuse_unreadable().map_err(fail)?;
                let seen = state::from_deployment(&self.flavour, &deployment, &component, state);
                let seen = state::remembering(seen, state);
                let lost = state::lost(&deployment, &seen, state);
                (seen, lost)
            }
            None => (Value::Null, state::moids(state)),
        };
        connection.engine.confirm_gone(&id, &lost).await.map_err(fail)?;
        if !seen.is_null() {
            connection.engine.heard_of(&name, &component);
        }
        Ok(seen)
    }

    async fn change(&self, request: &ApplyRequest) -> (Value, Diagnostics) {
        let create = request.prior.is_null();
        let (deployment, component) = match self.target(&request.planned) {
            Ok(target) => target,
            Err(diagnostics) => return (request.prior.clone(), diagnostics),
        };
        let id = component.link(&deployment);
        let title = if create { format!("Cannot create `{id}`") } else { format!("Cannot change `{id}`") };
        let settled = self.settle(request, &deployment, &component, &title).await;
        let (connection, wanted) = match settled {
            Ok(settled) => settled,
            Err(diagnostics) => return (request.prior.clone(), diagnostics),
        };
        let operation = if create { Operation::Create } else { Operation::Update };
        let time = timeout(&request.planned, operation);
        let outcome = connection.engine.apply_component(&deployment, &component, wanted, time).await;
        let diagnostics =
            outcome.error.as_ref().map(|error| message::engine(&title, error)).unwrap_or_default();
        let state = match &outcome.deployment {
            // The CLI takes what is kept of a failed create for damaged, and would remove it and make it anew; the
            // next create goes on from it. Until then it belongs to the deployment alone.
            Some(_) if create && outcome.error.is_some() => Value::Null,
            Some(found) => {
                let state = state::from_deployment(&self.flavour, found, &component, &request.planned);
                state::remembering(state, &request.prior)
            }
            None => request.prior.clone(),
        };
        (state, diagnostics)
    }

    async fn settle(
        &self,
        request: &ApplyRequest,
        deployment: &str,
        id: &ComponentId,
        title: &str,
    ) -> Result<(&Connection, Component), Diagnostics> {
        let fail = |error: engine::Error| message::engine(title, &error);
        let connection = self.shared.connected()?;
        let inventory = connection.engine.inventory().await.map_err(fail)?;
        let found = connection.engine.deployment(deployment).await.map_err(fail)?;
        let record = found.as_ref().and_then(|deployment| deployment.record());
        let old = record.and_then(|record| record.components.get(id)).map(|membership| &membership.component);
        let change = Change {
            prior: &request.prior,
            planned: &request.planned,
            config: &request.config,
            connection,
            inventory: &inventory,
            old,
        };
        let component = plan::component::<F>(&self.flavour, &change)?;
        Ok((connection, component))
    }

    fn target(&self, planned: &Value) -> Result<(String, ComponentId), Diagnostics> {
        let deployment = text(planned.get("management_cluster_id"));
        deployment.zip(self.flavour.component(planned)).ok_or_else(|| {
            let detail = "The value is not known, and everything else depends on it.";
            super::values::error("management_cluster_id", "Missing value", detail)
        })
    }

    async fn delete(&self, prior: &Value) -> Result<Diagnostics, Diagnostics> {
        let id = text(prior.get("id")).unwrap_or_default();
        let Some((deployment, component)) = self.flavour.parse_id(&id) else { return Ok(Diagnostics::new()) };
        let connection = self.shared.connected()?;
        let fail = |error: engine::Error| message::engine(&format!("Cannot delete `{id}`"), &error);
        if let Some((datacenter, cluster)) = self.flavour.tenants(prior) {
            connection.engine.refuse_tenants(&datacenter, &cluster).await.map_err(fail)?;
        }
        let time = timeout(prior, Operation::Delete);
        let unheard =
            connection.engine.delete_component(&deployment, &component, time).await.map_err(fail)?;
        Ok(message::unheard(&deployment, &unheard))
    }
}

#[async_trait]
impl<F: Flavour> Resource for Group<F> {
    async fn validate(&self, config: Value) -> Diagnostics {
        self.flavour.validate(&config)
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        let private = request.private;
        match self.look(&request.state).await {
            Ok(state) => ReadResponse { state, private, diagnostics: Diagnostics::new() },
            Err(diagnostics) => ReadResponse { state: request.state, private, diagnostics },
        }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        plan::plan(&self.shared, &self.flavour, request).await
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        let private = request.private.clone();
        let (state, diagnostics) = match request.planned.is_null() {
            true => match self.delete(&request.prior).await {
                Ok(diagnostics) => (Value::Null, diagnostics),
                Err(diagnostics) => (request.prior.clone(), diagnostics),
            },
            false => self.change(&request).await,
        };
        ApplyResponse { state, private, diagnostics }
    }

    async fn import(&self, id: String) -> Result<Imported, Diagnostics> {
        let mut state = state::null(F::TYPE_NAME);
        set(&mut state, "id", id.as_str());
        let found = self.look(&state).await?;
        if found.is_null() {
            let detail = format!(
                "There is no `{id}` in this vCenter. An id looks like `{}`, and the deployment must exist.",
                F::MADE_BY.example_id()
            );
            return Err(super::values::error("id", "Nothing to import", detail));
        }
        Ok(Imported { state, private: Vec::new() })
    }
}

/// How the ids of a resource look.
trait ExampleId {
    fn example_id(self) -> &'static str;
}

impl ExampleId for ReleaseResource {
    fn example_id(self) -> &'static str {
        match self {
            Self::Component => "prod/database",
            Self::ControllerPool => "prod/controllers",
            Self::ComputeCluster => "prod/compute/dc1/compute-a",
        }
    }
}
