//! The provider: its configuration, and which resource is which.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use engine::End;
use tf_core::{Decode as _, Diagnostics, Path, ProviderSchema, Value};
use tf_server::{Farewell, Provider, Resource};

use crate::connection::{self, Connection, Unusable};
use crate::planned::Planned;
use crate::resource::{ComputeCluster, ControllerPool, Group, ManagementCluster, Simple};
use crate::schema::{self, ProviderModel};

/// What all resources share.
#[derive(Default)]
pub(crate) struct Shared {
    connection: OnceLock<Result<Connection, Diagnostics>>,
    pub(crate) planned: Planned,
}

impl Shared {
    /// The connection; none before the provider is configured with known values.
    ///
    /// # Errors
    /// What is missing in the provider block.
    pub(crate) fn connection(&self) -> Result<Option<&Connection>, Diagnostics> {
        self.connection.get().map(|connection| connection.as_ref().map_err(Clone::clone)).transpose()
    }

    /// Configured twice is not in the protocol; the first configuration then stays.
    fn remember(&self, connection: Result<Connection, Diagnostics>) -> Diagnostics {
        let _ = self.connection.set(connection);
        Diagnostics::new()
    }

    /// The connection, which an operation cannot do without.
    pub(crate) fn connected(&self) -> Result<&Connection, Diagnostics> {
        self.connection()?.ok_or_else(|| {
            let mut diagnostics = Diagnostics::new();
            diagnostics.error(
                Path::root(),
                "The provider is not configured",
                "A value of the provider block is not known yet, so that vCenter cannot be reached. Give the provider \
                 values that do not come from resources of the same run.",
            );
            diagnostics
        })
    }
}

/// The provider `vio`.
pub struct VioProvider {
    shared: Arc<Shared>,
    management_cluster: ManagementCluster,
    component: Group<Simple>,
    controller_pool: Group<ControllerPool>,
    compute_cluster: Group<ComputeCluster>,
}

impl Default for VioProvider {
    fn default() -> Self {
        let shared = Arc::new(Shared::default());
        Self {
            management_cluster: ManagementCluster::new(Arc::clone(&shared)),
            component: Group::new(Arc::clone(&shared), Simple),
            controller_pool: Group::new(Arc::clone(&shared), ControllerPool),
            compute_cluster: Group::new(Arc::clone(&shared), ComputeCluster),
            shared,
        }
    }
}

#[async_trait]
impl Provider for VioProvider {
    fn schema(&self) -> &ProviderSchema {
        schema::provider_schema()
    }

    async fn validate_config(&self, _config: Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, config: Value, terraform_version: String) -> Diagnostics {
        let model = match ProviderModel::decode(&config, &Path::root()) {
            Ok(model) => model,
            Err(error) => return malformed(&error),
        };
        // With unknown values a plan goes on without vCenter: what it would say stays unknown.
        if connection::is_unknown(&model) {
            return Diagnostics::new();
        }
        let user_agent =
            format!("terraform-provider-vio/{} Terraform/{terraform_version}", env!("CARGO_PKG_VERSION"));
        match connection::connect(&model, &|variable| std::env::var(variable).ok(), &user_agent) {
            Ok(connection) => self.shared.remember(Ok(connection)),
            Err(Unusable::Missing(diagnostics)) => self.shared.remember(Err(diagnostics)),
            Err(Unusable::Malformed(diagnostics)) => diagnostics,
        }
    }

    fn resource(&self, type_name: &str) -> Option<&dyn Resource> {
        match type_name {
            schema::ManagementClusterModel::TYPE_NAME => Some(&self.management_cluster),
            schema::ComponentModel::TYPE_NAME => Some(&self.component),
            schema::ControllerPoolModel::TYPE_NAME => Some(&self.controller_pool),
            schema::ComputeClusterModel::TYPE_NAME => Some(&self.compute_cluster),
            _ => None,
        }
    }

    fn stop(&self) {
        if let Ok(Some(connection)) = self.shared.connection() {
            connection.engine.stop();
        }
    }

    async fn close(&self, farewell: Farewell) {
        let end = match farewell {
            Farewell::Goodbye => End::InPeace,
            Farewell::CutOff => End::CutOff,
        };
        if let Ok(Some(connection)) = self.shared.connection() {
            connection.engine.close(end).await;
        }
    }
}

/// A value that does not fit its schema: the client would not have sent it.
pub(crate) fn malformed(error: &tf_core::DecodeError) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(
        error.path().clone(),
        "A value does not fit the schema",
        format!("{error}. This is a bug in the provider or the client, please report it."),
    );
    diagnostics
}
