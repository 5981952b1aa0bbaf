//! From process start to process end.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::transport::Server;

use crate::error::Error;
use crate::handshake::{self, PROVIDER_PROTOCOL};
use crate::listen::{self, Address, Listener};
use crate::plugin::{Plugin, Shutdown};
use crate::proto::health::health_server::HealthServer;
use crate::proto::plugin::{
    grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer,
    grpc_stdio_server::GrpcStdioServer,
};
use crate::proto::tfplugin6::provider_server::ProviderServer;
use crate::provider::{Farewell, Provider};
use crate::service::Service;
use crate::signals::{self, Master};
use crate::tls::{self, Tls};
use crate::{log, panic};

/// Largest message in either direction. The library's own limit of 4 MiB is smaller than a large state.
const MAX_MESSAGE_BYTES: usize = 256 << 20;
/// Threads for waiting on the client and the network; hardly any work is done on them.
const WORKER_THREADS: usize = 4;
/// How long connections may take to end once the end is ordered.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);
/// How long calls may take to end after the client has gone or the system wants the process to end.
const CALLS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the provider may take to close its sessions.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Who is served, for messages and logs.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Name as in the provider's address, such as `random`. The log level is read from `TF_LOG_PROVIDER_<NAME>`,
    /// else from `TF_LOG_PROVIDER`, else from `TF_LOG`.
    pub name: String,
    /// Version of the provider.
    pub version: String,
}

/// Serves the provider to the client that started this process, until it says goodbye or goes away. Blocks; builds
/// its own runtime.
///
/// # Errors
/// Started by hand, an unusable environment, or the operating system. Print the error and exit with 1.
pub fn serve(provider: impl Provider, options: ServeOptions) -> Result<(), Error> {
    let handshake = handshake::read(&options, variable)?;
    panic::install_hook(&options.name, &options.version);
    log::install(&options.name, variable);
    let tls = handshake.client_certificate.as_deref().map(tls::for_client).transpose()?;
    on_runtime(async move {
        let shutdown = Shutdown::new();
        signals::watch(&shutdown, Master::Client)?;
        let listener = listen::bind(&handshake.place).await?;
        let certificate = tls.as_ref().map(|tls| tls.certificate.as_ref());
        print_line(&handshake::line(&listener.address, certificate))?;
        until_ordered(provider, listener, tls, Plugin::new(shutdown, true)).await
    })
}

/// Serves the provider under a debugger: prints the variable that makes a client use this process, and ends on
/// Ctrl-C. The connection is not encrypted; its socket is open to this user alone. `address` is the provider's full
/// source address, such as `registry.terraform.io/hashicorp/random`.
///
/// # Errors
/// An unusable environment, or the operating system. Print the error and exit with 1.
pub fn serve_for_debugging(
    provider: impl Provider,
    options: ServeOptions,
    address: &str,
) -> Result<(), Error> {
    panic::install_hook(&options.name, &options.version);
    log::install(&options.name, variable);
    let place = handshake::place(variable)?;
    on_runtime(async move {
        let shutdown = Shutdown::new();
        signals::watch(&shutdown, Master::User)?;
        let listener = listen::bind(&place).await?;
        print_line(&format!("TF_REATTACH_PROVIDERS='{}'", reattach(address, &listener.address)))?;
        until_ordered(provider, listener, None, Plugin::new(shutdown, false)).await
    })
}

fn reattach(address: &str, listening: &Address) -> serde_json::Value {
    let (network, at) = listening.parts();
    json!({ address: {
        "Protocol": "grpc",
        "ProtocolVersion": PROVIDER_PROTOCOL,
        "Pid": std::process::id(),
        "Test": true,
        "Addr": { "Network": network, "String": at },
    }})
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn on_runtime(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime: Runtime = Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .enable_all()
        .build()
        .map_err(|source| Error::System { operation: "starting the threads of the server", source })?;
    let result = runtime.block_on(work);
    // What still blocks a thread must not hold up the end: the client kills after two seconds.
    runtime.shutdown_background();
    result
}

/// Standard output carries this line and nothing else.
fn print_line(line: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|source| Error::System { operation: "writing the handshake to standard output", source })
}

async fn until_ordered(
    provider: impl Provider,
    mut listener: Listener,
    tls: Option<Tls>,
    plugin: Plugin,
) -> Result<(), Error> {
    let provider: Arc<dyn Provider> = Arc::new(provider);
    // Kept here and not by a task: the runtime does not wait for tasks, and the folder must not outlive us.
    let _folder = listener.folder.take();
    let shutdown = plugin.shutdown.clone();
    let (running, mut ended) = mpsc::channel(1);
    let service = Service::new(Arc::clone(&provider), &running);
    let in_peace = AtomicBool::new(false);
    let ordered = async {
        let farewell = shutdown.ordered().await;
        // Judged now: what still runs ends after the client has stopped listening.
        let is_idle = running.strong_count() == 1;
        in_peace.store(is_idle && farewell == Farewell::Goodbye, Ordering::Relaxed);
    };
    let server = Server::builder()
        .add_service(
            ProviderServer::new(service)
                .max_decoding_message_size(MAX_MESSAGE_BYTES)
                .max_encoding_message_size(MAX_MESSAGE_BYTES),
        )
        .add_service(GrpcControllerServer::new(plugin.clone()))
        .add_service(GrpcStdioServer::new(plugin.clone()))
        .add_service(GrpcBrokerServer::new(plugin.clone()))
        .add_service(HealthServer::new(plugin))
        .serve_with_incoming_shutdown(listener.connections(tls.map(|tls| tls.config)), ordered);
    let drained = async {
        shutdown.ordered().await;
        tokio::time::sleep(DRAIN_TIMEOUT).await;
    };
    let served = tokio::select! {
        served = server => served.map_err(|error| Error::Serve(error.into())),
        () = drained => Ok(()),
    };
    provider.stop();
    // Each call holds a sender of its own, so the channel ends with the last of them.
    drop(running);
    let _ = timeout(CALLS_TIMEOUT, ended.recv()).await;
    let farewell = match in_peace.load(Ordering::Relaxed) {
        true => Farewell::Goodbye,
        false => Farewell::CutOff,
    };
    tracing::debug!(?farewell, "the provider is closed");
    let _ = timeout(CLOSE_TIMEOUT, provider.close(farewell)).await;
    served
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reattach_value_is_what_clients_read() {
        let listening = Address::Tcp("127.0.0.1:4711".parse().unwrap());
        let value = reattach("registry.terraform.io/a/b", &listening);
        let entry = &value["registry.terraform.io/a/b"];
        assert_eq!(entry["Protocol"], "grpc");
        assert_eq!(entry["ProtocolVersion"], 6);
        assert_eq!(entry["Addr"]["Network"], "tcp");
        assert_eq!(entry["Addr"]["String"], "127.0.0.1:4711");
    }
}
