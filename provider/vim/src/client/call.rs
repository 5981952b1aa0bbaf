//! One call: sending, classifying, repeating, counting. The only place that repeats anything.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Inner, Session};
use crate::error::Error;
use crate::fault::Fault;
use crate::proto::{El, Refusal, SoapRequest, parse_response, says_not_authenticated};
use crate::transport::{Answer, Failure};

/// How calls that only read are repeated after HTTP 429, 502, 503, 504, a refused or a broken connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadRetry {
    /// How often the call is made at most; 1 means never to repeat.
    pub attempts: u32,
    /// The pause before the second attempt; doubles with each further one.
    pub first_pause: Duration,
}

impl Default for ReadRetry {
    /// Four attempts within 3.5 seconds of pauses: vCenter's proxy answers 503 for moments, not minutes.
    fn default() -> Self {
        Self { attempts: 4, first_pause: Duration::from_millis(500) }
    }
}

impl ReadRetry {
    /// The pause before attempt `next` (from 2), or none if `error` or the number of attempts forbids it.
    fn pause_before(&self, next: u32, request: &SoapRequest, error: &Error) -> Option<Duration> {
        let again = !request.mutates && error.is_transient() && next <= self.attempts;
        again.then(|| self.first_pause.saturating_mul(1 << (next - 2).min(16)))
    }
}

impl Inner {
    /// Calls in the client's session, logging in before or again where needed.
    pub(crate) async fn call(&self, request: &SoapRequest) -> Result<El, Error> {
        let session = self.session().await?;
        match self.call_in(&session, request).await {
            Err(error) if error.is_not_authenticated() => {
                let renewed = self.renew(&session).await?;
                self.call_in(&renewed, request).await
            }
            other => other,
        }
    }

    /// Calls in this very session: for objects that live and die with it.
    pub(crate) async fn call_in(&self, session: &Session, request: &SoapRequest) -> Result<El, Error> {
        self.call_with(Some(session.cookie()), request, self.api_timeout).await.map(|(el, _)| el)
    }

    /// Calls with a cookie or none; returns the answer and the session cookie that it sets.
    pub(super) async fn call_with(
        &self,
        cookie: Option<&str>,
        request: &SoapRequest,
        limit: Duration,
    ) -> Result<(El, Option<String>), Error> {
        let mut next = 2;
        loop {
            let error = match self.call_once(cookie, request, limit).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let Some(pause) = self.read_retry.pause_before(next, request, &error) else { return Err(error) };
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
        self.call_once(Some(session.cookie()), request, limit).await.map(|(el, _)| el)
    }

    pub(crate) fn api_timeout(&self) -> Duration {
        self.api_timeout
    }

    async fn call_once(
        &self,
        cookie: Option<&str>,
        request: &SoapRequest,
        limit: Duration,
    ) -> Result<(El, Option<String>), Error> {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(request.method).or_default() += 1;
        let started = Instant::now();
        let answer = self.transport.send(request.envelope(), cookie, limit).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(method = request.method, object = %request.this, status, elapsed_ms, "called");
        match answer {
            Ok(Answer { status: 200 | 500, cookie, body }) => {
                Ok((self.read(request, status, &body)?, cookie))
            }
            Ok(Answer { status, .. }) => Err(http(request, status)),
            Err(failure) => Err(self.failed(request, failure, limit)),
        }
    }

    fn read(&self, request: &SoapRequest, status: u16, body: &[u8]) -> Result<El, Error> {
        match parse_response(request.method, body) {
            Ok(response) => match says_not_authenticated(&response) {
                Some(fault) => Err(refused(request, Box::new(fault))),
                None => Ok(response),
            },
            Err(Refusal::Fault(fault)) => Err(refused(request, fault)),
            // A 500 that is no SOAP comes from a proxy on the way.
            Err(Refusal::Malformed(_)) if status == 500 => Err(http(request, status)),
            Err(Refusal::Malformed(reason)) => Err(protocol(request, reason)),
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

    fn unavailable() -> Error {
        Error::Http { operation: String::new(), object: String::new(), status: 503 }
    }

    #[test]
    fn a_read_is_repeated_with_doubling_pauses_up_to_the_limit() {
        let retry = ReadRetry::default();
        let pauses: Vec<_> =
            (2..=5).map(|next| retry.pause_before(next, &proto::current_time(), &unavailable())).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(500), ms(1000), ms(2000), None]);
    }

    #[test]
    fn a_change_is_never_repeated() {
        let request = proto::power_on(&MoRef::new("VirtualMachine", "vm-1"));
        assert_eq!(ReadRetry::default().pause_before(2, &request, &unavailable()), None);
    }

    #[test]
    fn neither_faults_nor_other_statuses_are_repeated() {
        let not_found = Error::Http { operation: String::new(), object: String::new(), status: 404 };
        let timeout =
            Error::Timeout { operation: String::new(), object: String::new(), after: Duration::from_secs(1) };
        for error in [not_found, timeout] {
            assert_eq!(ReadRetry::default().pause_before(2, &proto::current_time(), &error), None);
        }
    }
}
