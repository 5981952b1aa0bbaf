//! HTTP/1.1 over TLS with a pool of kept connections. Knows nothing of sessions, faults or retries.

mod connection;
mod endpoint;
mod tls;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

pub use tls::TlsPolicy;

use connection::Connection;
pub(crate) use endpoint::Endpoint;
use tls::Tls;

use crate::error::Error;

/// A kept connection older than this is not used again: the server or a firewall between may have forgotten it.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// The time to reach a server, so that a silent firewall is told apart from a slow answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The session cookie as `name=value`, if the answer sets one.
    pub(crate) cookie: Option<String>,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nothing was sent; the error says why.
    NotSent(Error),
    /// The request was, or may have been, sent.
    Broken(String),
    /// No answer in time.
    Timeout,
}

/// Sends requests to one server.
pub(crate) struct Transport {
    endpoint: Endpoint,
    tls: Tls,
    user_agent: String,
    idle: Mutex<Vec<(Instant, Connection)>>,
    permits: Semaphore,
}

impl Transport {
    /// `max_connections` bounds the requests in flight; one more is kept for the long poll.
    pub(crate) fn new(
        server: &str,
        policy: &TlsPolicy,
        max_connections: usize,
        user_agent: &str,
    ) -> Result<Self, Error> {
        if hyper::header::HeaderValue::from_str(user_agent).is_err() {
            return Err(Error::Config(format!("the user agent `{user_agent}` is no HTTP header value")));
        }
        Ok(Self {
            endpoint: Endpoint::parse(server)?,
            tls: Tls::new(policy)?,
            user_agent: user_agent.to_owned(),
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(max_connections.clamp(1, 1024) + 1),
        })
    }

    /// `host:port` of the server.
    pub(crate) fn authority(&self) -> String {
        self.endpoint.authority()
    }

    /// Sends one message and reads the whole answer within `limit`, not counting the wait for a free connection.
    pub(crate) async fn send(
        &self,
        envelope: String,
        cookie: Option<&str>,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let closed = |_| Failure::NotSent(Error::Config("the connection pool is closed".to_owned()));
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let request = connection::request(&self.endpoint, &self.user_agent, cookie, envelope)
            .map_err(|e| Failure::NotSent(Error::Config(e)))?;
        timeout(limit, self.exchange(request)).await.map_err(|_| Failure::Timeout)?
    }

    async fn exchange(&self, mut request: connection::Request) -> Result<Answer, Failure> {
        while let Some(mut kept) = self.take_idle() {
            match kept.exchange(request).await {
                Ok(answer) => return Ok(self.keep(kept, answer)),
                // The server had closed the kept connection: nothing left this machine, so another may be tried.
                Err((Some(unsent), _)) => request = unsent,
                Err((None, reason)) => return Err(Failure::Broken(reason)),
            }
        }
        let mut fresh = self.connect().await.map_err(Failure::NotSent)?;
        match fresh.exchange(request).await {
            Ok(answer) => Ok(self.keep(fresh, answer)),
            Err((_, reason)) => Err(Failure::Broken(reason)),
        }
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let unreachable = |reason: String| Error::Connect { server: self.authority(), reason };
        let (config, verifier) = self.tls.config()?;
        match timeout(CONNECT_TIMEOUT, connection::connect(&self.endpoint, config)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(reason)) => Err(match verifier.take_refused() {
                Some(tls::Refused { reason, thumbprint }) => {
                    Error::Certificate { server: self.authority(), reason, thumbprint }
                }
                None => unreachable(reason),
            }),
            Err(_) => Err(unreachable(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(since, connection)| since.elapsed() < MAX_IDLE && !connection.is_closed());
        idle.pop().map(|(_, connection)| connection)
    }

    fn keep(&self, connection: Connection, answer: Answer) -> Answer {
        if !connection.is_closed() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((Instant::now(), connection));
        }
        answer
    }
}
