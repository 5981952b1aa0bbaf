//! The services beside the provider's own: goodbye, idle streams, health.

use std::pin::Pin;

use futures::stream::{self, Stream, StreamExt};
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

use crate::proto::health::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server::Health,
};
use crate::proto::plugin::{
    ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker, grpc_controller_server::GrpcController,
    grpc_stdio_server::GrpcStdio,
};

use crate::provider::Farewell;

/// A client that asks for the health of the plugin asks for this service.
const PLUGIN: &str = "plugin";

type Idle<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// When to stop serving. Clones see the same order.
#[derive(Clone)]
pub(crate) struct Shutdown(watch::Sender<Option<Farewell>>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Orders the end. The first order counts.
    pub(crate) fn order(&self, farewell: Farewell) {
        self.0.send_if_modified(|order| {
            let is_first = order.is_none();
            order.get_or_insert(farewell);
            is_first
        });
    }

    /// Returns when the end has been ordered, with the manner of it.
    pub(crate) async fn ordered(&self) -> Farewell {
        let mut orders = self.0.subscribe();
        // The sender lives in `self`, so the wait cannot fail.
        let order = orders.wait_for(Option::is_some).await;
        order.ok().and_then(|order| *order).unwrap_or(Farewell::CutOff)
    }

    /// A stream without items that ends with the server: one that stayed open would keep the server from ending.
    fn idle<T: Send + 'static>(&self) -> Idle<T> {
        let shutdown = self.clone();
        Box::pin(stream::pending().take_until(async move {
            let _ = shutdown.ordered().await;
        }))
    }
}

/// All of these services.
#[derive(Clone)]
pub(crate) struct Plugin {
    pub(crate) shutdown: Shutdown,
    /// False in debug mode, where the user and not the client ends the process.
    obeys_client: bool,
}

impl Plugin {
    pub(crate) fn new(shutdown: Shutdown, obeys_client: bool) -> Self {
        Self { shutdown, obeys_client }
    }
}

#[tonic::async_trait]
impl GrpcController for Plugin {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        if self.obeys_client {
            self.shutdown.order(Farewell::Goodbye);
        }
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcStdio for Plugin {
    type StreamStdioStream = Idle<StdioData>;

    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(self.shutdown.idle()))
    }
}

#[tonic::async_trait]
impl GrpcBroker for Plugin {
    type StartStreamStream = Idle<ConnInfo>;

    async fn start_stream(
        &self,
        _: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(Response::new(self.shutdown.idle()))
    }
}

fn health_of(service: &str) -> Result<HealthCheckResponse, Status> {
    if service.is_empty() || service == PLUGIN {
        Ok(HealthCheckResponse { status: ServingStatus::Serving.into() })
    } else {
        Err(Status::not_found("no such service"))
    }
}

#[tonic::async_trait]
impl Health for Plugin {
    type WatchStream = Idle<HealthCheckResponse>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        health_of(&request.get_ref().service).map(Response::new)
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let now = health_of(&request.get_ref().service)?;
        let rest = self.shutdown.idle();
        Ok(Response::new(Box::pin(stream::iter([Ok(now)]).chain(rest))))
    }
}
