//! What surrounds every call: its own task, so that neither a client that goes away nor a panic takes the work down;
//! log lines; and errors that become diagnostics.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tf_core::Diagnostics;
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::proto::tfplugin6 as proto;
use crate::provider::Provider;
use crate::wire::diagnostic::{diagnostics, error};

/// What a handler works with, for as long as the call lives.
pub(crate) struct Context {
    pub(crate) provider: Arc<dyn Provider>,
    /// Never sends: that all of them are gone is how the end of the last call is seen.
    pub(crate) _running: Option<mpsc::Sender<()>>,
}

/// Runs a handler to its end, in a task of its own.
pub(crate) async fn run<A: Send + 'static>(
    rpc: &'static str,
    work: impl Future<Output = Result<A, Diagnostics>> + Send + 'static,
) -> Result<A, Vec<proto::Diagnostic>> {
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    let request = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let span = tracing::info_span!(
        "rpc",
        tf_rpc = rpc,
        tf_req_id = format!("{}-{request}", std::process::id()),
        tf_resource_type = tracing::field::Empty,
    );
    let timed = async move {
        let begun = Instant::now();
        tracing::trace!("received request");
        let answer = work.await;
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(tf_req_duration_ms = duration_ms, tf_failed = answer.is_err(), "served request");
        answer
    };
    match tokio::spawn(timed.instrument(span)).await {
        Ok(answer) => answer.map_err(diagnostics),
        Err(_) => Err(diagnostics(error(
            format!("The provider failed in {rpc}"),
            "This is a bug in the provider: please report it with the provider's log, which names the place. What \
             the operation had done by then may not be in the state.",
        ))),
    }
}

/// Notes what kind of resource the call is about.
pub(crate) fn note_type(type_name: &str) {
    tracing::Span::current().record("tf_resource_type", type_name);
}

/// A response that says only what went wrong.
pub(crate) trait Failure {
    fn failure(diagnostics: Vec<proto::Diagnostic>) -> Self;
}

/// Sets the one field that all responses share; some have no other.
macro_rules! failures {
    ($($rpc:ident),* $(,)?) => {
        $(impl Failure for proto::$rpc::Response {
            fn failure(diagnostics: Vec<proto::Diagnostic>) -> Self {
                let mut response = Self::default();
                response.diagnostics = diagnostics;
                response
            }
        })*
    };
}

failures!(
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    validate_provider_config,
    configure_provider,
    validate_resource_config,
    upgrade_resource_state,
    upgrade_resource_identity,
    read_resource,
    plan_resource_change,
    import_resource_state,
    move_resource_state,
    generate_resource_config,
    validate_data_resource_config,
    read_data_source,
    validate_ephemeral_resource_config,
    open_ephemeral_resource,
    renew_ephemeral_resource,
    close_ephemeral_resource,
    get_functions,
    validate_list_resource_config,
    validate_action_config,
    plan_action,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_diagnostic_that_names_the_call() {
        let answer: Result<(), _> = run("ReadResource", async { panic!("secret") }).await;
        let diagnostics = answer.unwrap_err();
        assert_eq!(diagnostics[0].summary, "The provider failed in ReadResource");
        assert!(diagnostics[0].detail.contains("bug in the provider"));
        assert!(!diagnostics[0].detail.contains("secret"));
    }

    #[tokio::test]
    async fn work_ends_though_nobody_waits() {
        let (done, mut seen) = mpsc::channel(1);
        let (begin, begun) = tokio::sync::oneshot::channel();
        let call = tokio::spawn(run("ApplyResourceChange", async move {
            let _ = begun.await;
            done.send(()).await.map_err(|_| Diagnostics::new())
        }));
        tokio::task::yield_now().await;
        call.abort();
        let _ = call.await;
        let _ = begin.send(());
        assert_eq!(seen.recv().await, Some(()));
    }
}
