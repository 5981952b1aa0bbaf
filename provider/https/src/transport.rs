//! A pool of kept connections to one server. Knows nothing of sessions, contents or retries.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::connection::{self, Connection, Message};
use crate::endpoint::Endpoint;
use crate::error::{Failure, NotSent};
use crate::tls::{self, Tls, TlsPolicy};

/// A kept connection older than this is not used again: the server or a firewall between may have forgotten it.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// The time to reach a server, so that a silent firewall is told apart from a slow answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// What is asked of a server. Has no `Debug`: headers and body may carry secrets.
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// Headers beside `Host` and `User-Agent`.
    pub headers: Vec<(String, String)>,
    /// The body, which may be empty.
    pub body: Bytes,
}

/// What a server answered. Has no `Debug`: headers may carry a session.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Sends requests to one server.
pub struct Transport {
    endpoint: Endpoint,
    tls: Tls,
    user_agent: String,
    idle: Mutex<Vec<(Instant, Connection)>>,
    permits: Semaphore,
}

impl Transport {
    /// A transport to a host, `host:port` or URL. Sends nothing and reads no file. `max_connections` bounds the requests
    /// in flight.
    ///
    /// # Errors
    /// [`NotSent::Config`] when the server, the user agent, a certificate or a thumbprint cannot be used.
    pub fn new(
        server: &str,
        policy: &TlsPolicy,
        max_connections: usize,
        user_agent: &str,
    ) -> Result<Self, NotSent> {
        if hyper::header::HeaderValue::from_str(user_agent).is_err() {
            return Err(NotSent::Config(format!("the user agent `{user_agent}` is no HTTP header value")));
        }
        Ok(Self {
            endpoint: Endpoint::parse(server)?,
            tls: Tls::new(policy)?,
            user_agent: user_agent.to_owned(),
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(max_connections.clamp(1, 1025)),
        })
    }

    /// `host:port` of the server.
    pub fn authority(&self) -> String {
        self.endpoint.authority()
    }

    /// The path of the URL that was given as the server, with its leading slash; empty when there was none.
    pub fn path(&self) -> &str {
        &self.endpoint.path
    }

    /// Sends one request and reads the whole answer within `limit`, not counting the wait for a free connection.
    ///
    /// # Errors
    /// When there is no answer; the failure says whether the request may have been carried out.
    pub async fn send(&self, request: Request, limit: Duration) -> Result<Answer, Failure> {
        let closed = |_| NotSent::Config("the connection pool is closed".to_owned());
        let _permit = self.permits.acquire().await.map_err(closed)?;
        let message =
            connection::message(&self.endpoint, &self.user_agent, request).map_err(NotSent::Config)?;
        timeout(limit, self.exchange(message)).await.map_err(|_| Failure::Timeout)?
    }

    async fn exchange(&self, mut message: Message) -> Result<Answer, Failure> {
        while let Some(mut kept) = self.take_idle() {
            match kept.exchange(message).await {
                Ok(answer) => return Ok(self.keep(kept, answer)),
                // The server had closed the kept connection: nothing left this machine, so another may be tried.
                Err((Some(unsent), _)) => message = unsent,
                Err((None, reason)) => return Err(Failure::Broken(reason)),
            }
        }
        let mut fresh = self.connect().await?;
        match fresh.exchange(message).await {
            Ok(answer) => Ok(self.keep(fresh, answer)),
            Err((_, reason)) => Err(Failure::Broken(reason)),
        }
    }

    async fn connect(&self) -> Result<Connection, NotSent> {
        let (config, verifier) = self.tls.config()?;
        match timeout(CONNECT_TIMEOUT, connection::connect(&self.endpoint, config)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(reason)) => Err(match verifier.take_refused() {
                Some(tls::Refused { reason, thumbprint }) => NotSent::Certificate { reason, thumbprint },
                None => NotSent::Connect(reason),
            }),
            Err(_) => Err(NotSent::Connect(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))),
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
