//! The background task: keeps the server's list view in step with what is waited for, reads after every loss, and polls.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use https::Pauses;
use tokio::time::{Instant, sleep, timeout};

use super::state::{Bound, Sync};
use crate::client::{Inner, Session, protocol};
use crate::error::Error;
use crate::fault::FaultKind;
use crate::mo_ref::MoRef;
use crate::property::{ObjectSpec, Selection, TraversalSpec};
use crate::proto::{self, El, SoapRequest, returned_moref};

/// How long the server holds a poll in which nothing happens.
const MAX_WAIT: Duration = Duration::from_secs(20);
/// How long a cancelled poll may take to come back.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
/// An update that was lost on the way would be missed for ever. A poll in which nothing happens ends with a look at everything;
/// where always something happens, there is one so often.
const LOOK_EVERY: Duration = Duration::from_secs(120);
/// What happens at about the same time is told in one call: the more is waited for, the longer it is gathered. The first is
/// for each task and VM, the second the most.
const GATHER: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

type Poll = Pin<Box<dyn Future<Output = (SoapRequest, Result<El, Error>)> + Send>>;

struct Driver {
    inner: Arc<Inner>,
    poll: Option<Poll>,
    trouble: Option<Trouble>,
    /// When everything wanted was read last, or the task began.
    looked: Instant,
}

/// An unbroken run of failures.
struct Trouble {
    since: Instant,
    /// The attempt that comes next.
    next: u32,
}

/// Runs until nothing is waited for.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut driver = Driver { inner, poll: None, trouble: None, looked: Instant::now() };
    loop {
        if let Err(error) = driver.sync().await {
            driver.recover(error).await;
            continue;
        }
        if driver.inner.hub.lock().closing {
            driver.cancel_poll().await;
        }
        if driver.poll.is_none() {
            if driver.inner.hub.ends() {
                return;
            }
            driver.poll = driver.start_poll();
        }
        driver.wait().await;
        gather(&driver.inner).await;
    }
}

impl Driver {
    /// Waits for the poll's answer or for something to do.
    async fn wait(&mut self) {
        let Some(poll) = &mut self.poll else { return };
        tokio::select! {
            (request, result) = poll => {
                self.poll = None;
                match result.and_then(|response| self.take_updates(&request, &response)) {
                    Ok(()) => self.trouble = None,
                    Err(error) => {
                        // The server may still hold the broken poll, which would swallow the next update.
                        self.inner.hub.lock().unbind();
                        self.recover(error).await;
                    }
                }
            }
            () = self.inner.hub.wake.notified() => {}
        }
    }

    fn start_poll(&self) -> Option<Poll> {
        let inner = self.inner.clone();
        let Bound { session, collector, view: _, version } = inner.hub.lock().bound.clone()?;
        let request = proto::wait_for_updates(&collector, &version, MAX_WAIT.as_secs());
        Some(Box::pin(async move {
            let result = inner.long_poll(&session, &request, MAX_WAIT).await;
            (request, result)
        }))
    }

    fn take_updates(&self, request: &SoapRequest, response: &El) -> Result<(), Error> {
        let updates = proto::parse_update_set(response).map_err(|reason| protocol(request, reason))?;
        let mut state = self.inner.hub.lock();
        let Some(updates) = updates else {
            state.must_read();
            return Ok(());
        };
        if self.looked.elapsed() > LOOK_EVERY {
            state.must_read();
        }
        if let Some(fault) = updates.not_authenticated {
            let (operation, object) = (request.method.to_owned(), request.this.to_string());
            return Err(Error::Fault { operation, object, fault: Box::new(fault) });
        }
        if let Some(bound) = &mut state.bound {
            bound.version = updates.version;
        }
        for update in updates.objects {
            state.update(update);
        }
        Ok(())
    }

    /// Lists and reads until everything wanted is listed and read.
    async fn sync(&mut self) -> Result<(), Error> {
        loop {
            let Some(sync) = self.inner.hub.lock().next_sync() else { return Ok(()) };
            if let Err(error) = self.list(&sync).await {
                // As when it is read: a task that a restart of vCenter has lost must not keep the others from being listed.
                let missing = missing_object(&error).filter(|object| sync.wanted.contains(object));
                self.inner.hub.lock().gone(missing.ok_or_else(|| error.clone())?);
                continue;
            }
            if self.inner.hub.lock().is_unread() {
                self.read(sync.wanted).await?;
            }
            self.leave_dead_session().await?;
        }
    }

    async fn list(&mut self, sync: &Sync) -> Result<(), Error> {
        let bound = self.inner.hub.lock().bound.clone();
        match bound {
            None => {
                self.poll = None;
                let bound = bind(&self.inner, &sync.wanted).await?;
                let mut state = self.inner.hub.lock();
                state.bound = Some(bound);
                // A new list view says nothing of what is gone.
                state.must_read();
            }
            Some(_) if sync.add.is_empty() => return Ok(()),
            Some(Bound { session, view, .. }) => {
                let request = proto::modify_list_view(&view, &sync.add, &sync.remove);
                let response = self.in_session(&session, &request).await?;
                let mut state = self.inner.hub.lock();
                for unknown in response.children_named("returnval").filter_map(El::moref) {
                    state.gone(&unknown);
                }
            }
        }
        self.inner.hub.lock().list_is(&sync.wanted);
        Ok(())
    }

    /// Reads everything wanted in one call. One missing object faults the call: it is dropped, and the rest read again.
    async fn read(&mut self, mut wanted: Vec<MoRef>) -> Result<(), Error> {
        self.looked = Instant::now();
        let hub = &self.inner.hub;
        while !wanted.is_empty() {
            let objects: Vec<_> = wanted.iter().cloned().map(ObjectSpec::one).collect();
            match self.inner.retrieve(&objects, &hub.props).await {
                Ok(found) => {
                    let mut state = hub.lock();
                    for object in found {
                        state.read(&object.obj, object.props);
                    }
                    state.all_read();
                    return Ok(());
                }
                Err(error) => {
                    let Some(missing) = missing_object(&error) else { return Err(error) };
                    let before = wanted.len();
                    wanted.retain(|object| object != missing);
                    if wanted.len() == before {
                        return Err(error);
                    }
                    hub.lock().gone(missing);
                }
            }
        }
        hub.lock().all_read();
        Ok(())
    }

    /// The poll of a dead session may hang to its end: start anew if another call has found the session dead.
    async fn leave_dead_session(&mut self) -> Result<(), Error> {
        let bound = self.inner.hub.lock().bound.as_ref().map(|bound| bound.session.generation);
        if let Some(generation) = bound
            && self.inner.session().await?.generation != generation
        {
            self.inner.hub.lock().unbind();
        }
        Ok(())
    }

    /// Calls on an object of the watch. If that object is gone, so are the others.
    async fn in_session(&mut self, session: &Session, request: &SoapRequest) -> Result<El, Error> {
        let result = self.inner.call_in(session, request).await;
        if matches!(&result, Err(Error::Fault { .. })) {
            self.inner.hub.lock().unbind();
        }
        result
    }

    /// After a failure: makes ready for another attempt, or ends all waits if there is no hope or no more patience.
    async fn recover(&mut self, error: Error) {
        tracing::debug!(%error, "the watch is in trouble");
        self.inner.hub.lock().must_read();
        let trouble = self.trouble.get_or_insert(Trouble { since: Instant::now(), next: 2 });
        if is_hopeless(&error) || trouble.since.elapsed() > self.inner.api_timeout() {
            self.trouble = None;
            self.inner.hub.lock().end_all(|_| error.clone());
            return;
        }
        sleep(Pauses::POLL.before(trouble.next)).await;
        trouble.next += 1;
    }

    /// Tells the server to give up the poll, and waits until it has.
    async fn cancel_poll(&mut self) {
        let Some(poll) = self.poll.take() else { return };
        let bound = self.inner.hub.lock().bound.clone();
        let Some(Bound { session, collector, .. }) = bound else { return };
        let request = proto::cancel_wait(&collector);
        let both = async { tokio::join!(self.inner.call_in(&session, &request), poll) };
        if timeout(CANCEL_TIMEOUT, both).await.is_err() {
            tracing::debug!("the poll was not cancelled in time");
        }
    }
}

/// Lets more happen before the server is asked again.
async fn gather(inner: &Inner) {
    let (waited_for, closing) = {
        let mut state = inner.hub.lock();
        (state.waited_for(), state.closing)
    };
    if !closing {
        sleep(GATHER.0.saturating_mul(waited_for).min(GATHER.1)).await;
    }
}

/// Nothing that another attempt could mend.
fn is_hopeless(error: &Error) -> bool {
    match error {
        Error::Config(_) | Error::Certificate { .. } | Error::LoggedOut(_) => true,
        Error::Fault { fault, .. } => matches!(
            fault.kind,
            FaultKind::InvalidLogin | FaultKind::NoPermission { .. } | FaultKind::InvalidProperty
        ),
        Error::Connect { .. }
        | Error::Broken { .. }
        | Error::Timeout { .. }
        | Error::Http { .. }
        | Error::Protocol { .. } => false,
    }
}

fn missing_object(error: &Error) -> Option<&MoRef> {
    match error.fault() {
        Some(FaultKind::ManagedObjectNotFound { object }) => object.as_ref(),
        _ => None,
    }
}

/// Makes a collector, a list view of these objects, and the filter that joins them. A dead session is renewed, for the next
/// attempt.
async fn bind(inner: &Inner, objects: &[MoRef]) -> Result<Bound, Error> {
    let session = inner.session().await?;
    let bound = bind_in(inner, &session, objects).await;
    if bound.as_ref().is_err_and(Error::is_not_authenticated) {
        inner.renew(&session).await?;
    }
    bound
}

async fn bind_in(inner: &Inner, session: &Arc<Session>, objects: &[MoRef]) -> Result<Bound, Error> {
    let content = inner.content().await?;
    let collector = make(inner, session, &proto::create_collector(&content.property_collector)).await?;
    let view = make(inner, session, &proto::create_list_view(&content.view_manager, objects)).await?;
    let traversal = TraversalSpec {
        name: None,
        kind: "ListView".to_owned(),
        path: "view".to_owned(),
        skip: false,
        select: Vec::new(),
    };
    let through_view =
        [ObjectSpec { obj: view.clone(), skip: true, select: vec![Selection::Traverse(traversal)] }];
    inner.call_in(session, &proto::create_filter(&collector, &through_view, &inner.hub.props)).await?;
    Ok(Bound { session: session.clone(), collector, view, version: String::new() })
}

async fn make(inner: &Inner, session: &Session, request: &SoapRequest) -> Result<MoRef, Error> {
    let response = inner.call_in(session, request).await?;
    returned_moref(&response).map_err(|reason| protocol(request, reason))
}

/// Destroys what the server keeps for the watch. A failure is of no account: the session's end does the same.
pub(super) async fn unbind_on_server(inner: &Inner) {
    let bound = inner.hub.lock().unbind();
    let Some(Bound { session, collector, view, version: _ }) = bound else { return };
    let (view, collector) = (proto::destroy_view(&view), proto::destroy_collector(&collector));
    let results = tokio::join!(inner.call_in(&session, &view), inner.call_in(&session, &collector));
    if let (Err(error), _) | (_, Err(error)) = results {
        tracing::debug!(%error, "the watch was left to the end of its session");
    }
}
