//! The seam: what a provider implements and this crate serves.
//!
//! Values have been decoded by the schema when they arrive here and are encoded by it when they leave. Calls may run
//! at the same time, and a call is never cancelled half-way: the server lets it finish even when the client has gone.

use async_trait::async_trait;
use tf_core::{Diagnostics, Path, ProviderSchema, Value};

/// A provider: its schemas, its configuration and its resources.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// All schemas. Built when first asked for: most processes answer a few calls and start-up is paid each time.
    fn schema(&self) -> &ProviderSchema;

    /// Checks the provider block beyond the schema's own validators, which the server runs first. Values that come
    /// from other resources are unknown here.
    async fn validate_config(&self, config: Value) -> Diagnostics;

    /// Takes the provider block, once per process and before any call about a resource but `validate`, `upgrade`
    /// and functions. May hold unknowns while planning. `terraform_version` is the client's, for its user agent.
    async fn configure(&self, config: Value, terraform_version: String) -> Diagnostics;

    /// The resource of that type, if there is one.
    fn resource(&self, type_name: &str) -> Option<&dyn Resource>;

    /// The data source of that type, if there is one.
    fn data_source(&self, _type_name: &str) -> Option<&dyn DataSource> {
        None
    }

    /// The user interrupted: cancel waits, finish what must be finished, and answer at once. Later calls may follow.
    fn stop(&self);

    /// Called once before the process exits: close sessions. The server waits for it five seconds at most; the client
    /// kills the process two seconds after its goodbye.
    async fn close(&self, farewell: Farewell);
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// The client has said goodbye while no call was running: it has every answer.
    Goodbye,
    /// The client has gone, or the system wants the process to end, or calls were running: answers may be lost.
    CutOff,
}

/// A managed resource.
#[async_trait]
pub trait Resource: Send + Sync {
    /// Checks a configuration beyond the schema's own validators, which the server runs first. Unknown values must
    /// be skipped.
    async fn validate(&self, config: Value) -> Diagnostics;

    /// State written by schema version `version`, as JSON, in the layout of the current version. Called only when
    /// the versions differ. The server decodes the result leniently: missing attributes become null.
    ///
    /// # Errors
    /// A version that it does not know.
    async fn upgrade(
        &self,
        version: i64,
        _state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics> {
        let mut diagnostics = Diagnostics::new();
        diagnostics.error(
            Path::root(),
            "State of an unknown schema version",
            format!(
                "The state was written with schema version {version}, from which this version of the provider cannot \
                 upgrade. Upgrade in smaller steps, or remove the resource from the state and import it."
            ),
        );
        Err(diagnostics)
    }

    /// The state as it is now.
    async fn read(&self, request: ReadRequest) -> ReadResponse;

    /// Refines the plan that the schema alone yields. Called for create, update, replacement and destroy, more than
    /// once for the same change, with the same result for the same input.
    async fn plan(&self, request: PlanRequest) -> PlanResponse;

    /// Makes it so.
    async fn apply(&self, request: ApplyRequest) -> ApplyResponse;

    /// State from which `read` can find the object called `id` by the user.
    ///
    /// # Errors
    /// An id that is malformed or of which there is no object.
    async fn import(&self, id: String) -> Result<Imported, Diagnostics>;
}

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Checks a configuration beyond the schema's own validators. Unknown values must be skipped.
    async fn validate(&self, config: Value) -> Diagnostics;

    /// Reads it. The configuration is wholly known.
    async fn read(&self, config: Value) -> DataSourceResponse;
}

/// What `read` is asked.
#[derive(Clone, Default)]
pub struct ReadRequest {
    /// The state as last stored.
    pub state: Value,
    /// The provider's own bytes beside the state.
    pub private: Vec<u8>,
}

/// What `read` found.
#[derive(Clone, Default)]
#[must_use]
pub struct ReadResponse {
    /// The state now, wholly known; null when the object is gone.
    pub state: Value,
    /// The bytes to keep beside the state; empty to keep those of the request.
    pub private: Vec<u8>,
    /// Messages. With an error the stored state stays.
    pub diagnostics: Diagnostics,
}

/// What `plan` is asked.
#[derive(Clone, Default)]
pub struct PlanRequest {
    /// The state before; null on create.
    pub prior: Value,
    /// The configuration, with its write-only values; null on destroy.
    pub config: Value,
    /// What the schema alone yields: defaults, unknowns, values kept from before; null on destroy.
    pub planned: Value,
    /// What the schema alone says must be replaced.
    pub requires_replace: Vec<Path>,
    /// The bytes beside the prior state.
    pub private: Vec<u8>,
}

/// What `plan` decided.
#[derive(Clone, Default)]
#[must_use]
pub struct PlanResponse {
    /// The plan. Known values are promises; null exactly on destroy.
    pub planned: Value,
    /// Attributes whose change makes a new object.
    pub requires_replace: Vec<Path>,
    /// The bytes handed to `apply`; empty to hand on those of the request.
    pub private: Vec<u8>,
    /// Messages. With an error nothing is planned.
    pub diagnostics: Diagnostics,
}

/// What `apply` is asked.
#[derive(Clone, Default)]
pub struct ApplyRequest {
    /// The state before; null on create.
    pub prior: Value,
    /// The plan; null on delete.
    pub planned: Value,
    /// The configuration, with its write-only values; null on delete.
    pub config: Value,
    /// The bytes that `plan` returned. On the delete leg of a replacement they belong to the new object.
    pub private: Vec<u8>,
}

/// What `apply` did.
#[derive(Clone, Default)]
#[must_use]
pub struct ApplyResponse {
    /// The state now, wholly known; null exactly when the object is gone. With an error: what there is, null to keep
    /// the prior state. As soon as the object exists its id belongs in here, or it is lost.
    pub state: Value,
    /// The bytes to keep beside the state; empty to keep those of the request.
    pub private: Vec<u8>,
    /// Messages. An error on create with a state marks the object as tainted.
    pub diagnostics: Diagnostics,
}

/// What a data source read.
#[derive(Clone, Default)]
#[must_use]
pub struct DataSourceResponse {
    /// The value, wholly known and not null.
    pub state: Value,
    /// Messages.
    pub diagnostics: Diagnostics,
}

/// An object found by `import`.
#[derive(Clone, Default)]
pub struct Imported {
    /// State with at least what `read` needs; not null.
    pub state: Value,
    /// The bytes to keep beside the state; empty for none.
    pub private: Vec<u8>,
}
