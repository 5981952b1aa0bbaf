//! The service that the client calls: hands each request to its handler and never answers with a gRPC error, which
//! the client would show as a crash and which would lose a new object.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures::stream;
use tf_core::Diagnostics;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use crate::call::{Context, Failure, run};
use crate::proto::tfplugin6::{self as proto, provider_server};
use crate::provider::Provider;
use crate::rpc::{self, unsupported};

/// The provider as a gRPC service.
pub(crate) struct Service {
    provider: Arc<dyn Provider>,
    /// Weak, because a connection that stays open holds the service and is no call.
    running: mpsc::WeakSender<()>,
}

type Events<E> = Pin<Box<dyn stream::Stream<Item = Result<E, Status>> + Send>>;
type Answer<A> = Result<Response<A>, Status>;

impl Service {
    /// `running` is cloned for the time of each call.
    pub(crate) fn new(provider: Arc<dyn Provider>, running: &mpsc::Sender<()>) -> Self {
        Self { provider, running: running.downgrade() }
    }

    fn context(&self) -> Context {
        Context { provider: Arc::clone(&self.provider), _running: self.running.upgrade() }
    }

    async fn answer<Q, A, F>(
        &self,
        rpc: &'static str,
        request: Request<Q>,
        handle: impl FnOnce(Context, Q) -> F,
    ) -> Answer<A>
    where
        A: Failure + Send + 'static,
        F: Future<Output = Result<A, Diagnostics>> + Send + 'static,
    {
        let answer = run(rpc, handle(self.context(), request.into_inner())).await;
        Ok(Response::new(answer.unwrap_or_else(A::failure)))
    }

    async fn unknown_type<A: Failure + Send + 'static>(
        &self,
        rpc: &'static str,
        what: &'static str,
        type_name: String,
    ) -> Answer<A> {
        self.answer(rpc, Request::new(()), |_, ()| unsupported::unknown_type(what, type_name)).await
    }
}

fn only<E: Send + 'static>(event: E) -> Answer<Events<E>> {
    Ok(Response::new(Box::pin(stream::iter([Ok(event)]))))
}

/// Methods that hand over to the handler of their name.
macro_rules! handled {
    ($($name:ident: $rpc:literal => $handler:path),* $(,)?) => {
        $(fn $name<'s, 'a>(
            &'s self,
            request: Request<proto::$name::Request>,
        ) -> Pin<Box<dyn Future<Output = Answer<proto::$name::Response>> + Send + 'a>>
        where
            's: 'a,
            Self: 'a,
        {
            Box::pin(self.answer($rpc, request, $handler))
        })*
    };
}

/// Methods about types that the provider does not have.
macro_rules! unknown_types {
    ($($name:ident: $rpc:literal, $what:literal, $field:ident),* $(,)?) => {
        $(fn $name<'s, 'a>(
            &'s self,
            request: Request<proto::$name::Request>,
        ) -> Pin<Box<dyn Future<Output = Answer<proto::$name::Response>> + Send + 'a>>
        where
            's: 'a,
            Self: 'a,
        {
            Box::pin(self.unknown_type($rpc, $what, request.into_inner().$field))
        })*
    };
}

#[tonic::async_trait]
impl provider_server::Provider for Service {
    type ListResourceStream = Events<proto::list_resource::Event>;
    type InvokeActionStream = Events<proto::invoke_action::Event>;

    handled! {
        get_metadata: "GetMetadata" => rpc::get_metadata::handle,
        get_provider_schema: "GetProviderSchema" => rpc::get_provider_schema::handle,
        validate_provider_config: "ValidateProviderConfig" => rpc::validate_provider_config::handle,
        configure_provider: "ConfigureProvider" => rpc::configure_provider::handle,
        validate_resource_config: "ValidateResourceConfig" => rpc::validate_resource_config::handle,
        upgrade_resource_state: "UpgradeResourceState" => rpc::upgrade_resource_state::handle,
        upgrade_resource_identity: "UpgradeResourceIdentity" => unsupported::upgrade_resource_identity,
        read_resource: "ReadResource" => rpc::read_resource::handle,
        plan_resource_change: "PlanResourceChange" => rpc::plan_resource_change::handle,
        import_resource_state: "ImportResourceState" => rpc::import_resource_state::handle,
        move_resource_state: "MoveResourceState" => unsupported::move_resource_state,
        generate_resource_config: "GenerateResourceConfig" => unsupported::generate_resource_config,
        validate_data_resource_config: "ValidateDataResourceConfig" => rpc::validate_data_resource_config::handle,
        read_data_source: "ReadDataSource" => rpc::read_data_source::handle,
    }

    unknown_types! {
        validate_ephemeral_resource_config: "ValidateEphemeralResourceConfig", "ephemeral resource", type_name,
        open_ephemeral_resource: "OpenEphemeralResource", "ephemeral resource", type_name,
        renew_ephemeral_resource: "RenewEphemeralResource", "ephemeral resource", type_name,
        close_ephemeral_resource: "CloseEphemeralResource", "ephemeral resource", type_name,
        validate_list_resource_config: "ValidateListResourceConfig", "list resource", type_name,
        validate_action_config: "ValidateActionConfig", "action", action_type,
        plan_action: "PlanAction", "action", action_type,
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Answer<proto::apply_resource_change::Response> {
        let request = request.into_inner();
        let unchanged = rpc::apply_resource_change::Unchanged::of(&request);
        let work = rpc::apply_resource_change::handle(self.context(), request);
        let answer = run("ApplyResourceChange", work).await;
        Ok(Response::new(answer.unwrap_or_else(|diagnostics| unchanged.response(diagnostics))))
    }

    async fn stop_provider(
        &self,
        _: Request<proto::stop_provider::Request>,
    ) -> Answer<proto::stop_provider::Response> {
        let context = self.context();
        let stopped = run("StopProvider", async move {
            context.provider.stop();
            Ok(())
        });
        let error = match stopped.await {
            Ok(()) => String::new(),
            Err(diagnostics) => diagnostics.into_iter().map(|diagnostic| diagnostic.summary).collect(),
        };
        Ok(Response::new(proto::stop_provider::Response { error }))
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<proto::get_resource_identity_schemas::Request>,
    ) -> Answer<proto::get_resource_identity_schemas::Response> {
        Ok(Response::new(Default::default()))
    }

    async fn get_functions(
        &self,
        _: Request<proto::get_functions::Request>,
    ) -> Answer<proto::get_functions::Response> {
        Ok(Response::new(Default::default()))
    }

    async fn call_function(
        &self,
        request: Request<proto::call_function::Request>,
    ) -> Answer<proto::call_function::Response> {
        Ok(Response::new(unsupported::call_function(request.get_ref())))
    }

    async fn list_resource(
        &self,
        request: Request<proto::list_resource::Request>,
    ) -> Answer<Self::ListResourceStream> {
        only(unsupported::list_event(request.get_ref()))
    }

    async fn invoke_action(
        &self,
        request: Request<proto::invoke_action::Request>,
    ) -> Answer<Self::InvokeActionStream> {
        only(unsupported::action_event(request.get_ref()))
    }
}
