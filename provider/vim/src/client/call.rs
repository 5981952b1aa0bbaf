//! One call: sending, classifying, repeating as [`https::Retry`] says, counting.

use std::sync::PoisonError;
use std::time::Duration;

use https::{Effect, Retry};
use tokio::time::{Instant, sleep};

use super::{Inner, Session};
use crate::error::Error;
use crate::fault::Fault;
use crate::proto::{El, Refusal, SoapRequest, parse_response};
use crate::transport::{Answer, Failure};

/// The pause before attempt `next` (from 2), or none when the call must not be made again.
pub(super) fn pause_before(next: u32, request: &SoapRequest, error: &Error) -> Option<Duration> {
    let effect = if request.mutates { Effect::Changes } else { Effect::Reads };
    Retry::VCENTER.pause_before(next, effect, error.setback())
}

/// How many new sessions a call may need: whoever ends one session of the user may end the next as well.
pub(super) const RENEWALS: u32 = 3;

/// How the answer to a method is read.
type Parse<T> = fn(&str, &[u8]) -> Result<T, Refusal>;

impl Inner {
    /// Calls in the client's session, logging in before or again where needed.
    pub(crate) async fn call(&self, request: &SoapRequest) -> Result<El, Error> {
        let mut session = self.session().await?;
        for _ in 0..RENEWALS {
            match self.call_in(&session, request).await {
                Err(error) if error.is_not_authenticated() => session = self.renew(&session).await?,
                other => return other,
            }
        }
        self.call_in(&session, request).await
    }

    /// Calls in this very session: for objects that live and die with it.
    pub(crate) async fn call_in(&self, session: &Session, request: &SoapRequest) -> Result<El, Error> {
        self.ask_in(session, request, parse_response).await
    }

    /// The same with an answer that is read in a way of its own.
    pub(super) async fn ask_in<T>(
        &self,
        session: &Session,
        request: &SoapRequest,
        parse: Parse<T>,
    ) -> Result<T, Error> {
        self.call_with(Some(session.cookie()), request, self.api_timeout, parse).await.map(|(found, _)| found)
    }

    /// Calls with a cookie or none; returns the answer and the session cookie that it sets.
    pub(super) async fn call_with<T>(
        &self,
        cookie: Option<&str>,
        request: &SoapRequest,
        limit: Duration,
        parse: Parse<T>,
    ) -> Result<(T, Option<String>), Error> {
        let mut next = 2;
        loop {
            let error = match self.call_once(cookie, request, limit, parse).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let Some(pause) = pause_before(next, request, &error) else { return Err(error) };
            tracing::debug!(method = request.method, attempt = next, %error, "will be tried again");
            sleep(pause).await;
            next += 1;
        }
    }

    /// One long poll: may take `max_wait` longer than other calls, and is not repeated here.
    pub(crate) async fn long_poll(
        &self,
        session: &Session,
        request: &SoapRequest,
        max_wait: Duration,
    ) -> Result<El, Error> {
        let limit = self.api_timeout.saturating_add(max_wait);
        self.call_once(Some(session.cookie()), request, limit, parse_response).await.map(|(el, _)| el)
    }

    pub(crate) fn api_timeout(&self) -> Duration {
        self.api_timeout
    }

    async fn call_once<T>(
        &self,
        cookie: Option<&str>,
        request: &SoapRequest,
        limit: Duration,
        parse: Parse<T>,
    ) -> Result<(T, Option<String>), Error> {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(request.method).or_default() += 1;
        let started = Instant::now();
        // Boxed, as every operation of the engine has this one's size several times in its own.
        let answer = Box::pin(self.transport.send(request.envelope(), cookie, limit)).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(method = request.method, object = %request.this, status, elapsed_ms, "called");
        match answer {
            Ok(Answer { status: 200 | 500, cookie, body }) => {
                Ok((read(request, status, parse(request.method, &body))?, cookie))
            }
            Ok(Answer { status, .. }) => Err(http(request, status)),
            Err(failure) => Err(self.failed(request, failure, limit)),
        }
    }

    fn failed(&self, request: &SoapRequest, failure: Failure, limit: Duration) -> Error {
        let (operation, object) = (request.method.to_owned(), request.this.to_string());
        match failure {
            Failure::NotSent(error) => error,
            Failure::Broken(reason) => {
                Error::Broken { server: self.transport.authority(), operation, object, reason }
            }
            Failure::Timeout => Error::Timeout { operation, object, after: limit },
        }
    }
}

fn read<T>(request: &SoapRequest, status: u16, parsed: Result<T, Refusal>) -> Result<T, Error> {
    parsed.map_err(|refusal| match refusal {
        Refusal::Fault(fault) => refused(request, fault),
        // A 500 that is no SOAP comes from a proxy on the way.
        Refusal::Malformed(_) if status == 500 => http(request, status),
        Refusal::Malformed(reason) => protocol(request, reason),
    })
}

fn refused(request: &SoapRequest, fault: Box<Fault>) -> Error {
    Error::Fault { operation: request.method.to_owned(), object: request.this.to_string(), fault }
}

fn http(request: &SoapRequest, status: u16) -> Error {
    Error::Http { operation: request.method.to_owned(), object: request.this.to_string(), status }
}

/// An answer whose content is not what the API promises.
pub(crate) fn protocol(request: &SoapRequest, reason: String) -> Error {
    Error::Protocol { operation: request.method.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mo_ref::MoRef;
    use crate::proto;

    fn http(status: u16) -> Error {
        Error::Http { operation: String::new(), object: String::new(), status }
    }

    fn reading(next: u32, error: &Error) -> Option<Duration> {
        pause_before(next, &proto::current_time(), error)
    }

    fn changing(next: u32, error: &Error) -> Option<Duration> {
        pause_before(next, &proto::power_on(&MoRef::new("VirtualMachine", "vm-1")), error)
    }

    #[test]
    fn a_read_is_repeated_up_to_the_limit_of_the_policy() {
        let broken = Error::Broken {
            server: String::new(),
            operation: String::new(),
            object: String::new(),
            reason: String::new(),
        };
        for error in [http(429), http(502), http(503), http(504), broken] {
            let repeated = (2..).map_while(|next| reading(next, &error)).count() as u32;
            assert_eq!(repeated + 1, Retry::VCENTER.attempts, "{error}");
        }
    }

    #[test]
    fn a_change_is_repeated_only_if_it_was_not_sent() {
        let unreached = Error::Connect { server: String::new(), reason: String::new() };
        assert!(changing(2, &unreached).is_some());
        for status in [429, 502, 503, 504] {
            assert_eq!(changing(2, &http(status)), None);
        }
    }

    #[test]
    fn neither_faults_nor_other_statuses_are_repeated() {
        let timeout =
            Error::Timeout { operation: String::new(), object: String::new(), after: Duration::from_secs(1) };
        for error in [http(404), timeout] {
            assert_eq!(reading(2, &error), None);
        }
    }
}
