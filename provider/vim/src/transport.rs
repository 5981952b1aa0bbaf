//! SOAP over HTTPS: one envelope, one answer. Knows nothing of faults or retries.

use std::time::Duration;

use https::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use https::{Bytes, HeaderMap, Method, NotSent, Request, TlsPolicy};

use crate::error::Error;

/// The API version spoken: every vCenter from 6.7 on serves it, and it has all that this client uses.
const SOAP_ACTION: &str = "urn:vim25/6.7";
/// Where a vCenter serves its API when the server's URL does not say.
const DEFAULT_PATH: &str = "/sdk";
/// The cookie that carries a vSphere session.
const SESSION_COOKIE: &str = "vmware_soap_session";

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

/// Sends envelopes to one vSphere server.
pub(crate) struct Transport(https::Transport);

impl Transport {
    /// `max_connections` bounds the requests in flight; one more is kept for the long poll.
    pub(crate) fn new(
        server: &str,
        policy: &TlsPolicy,
        max_connections: usize,
        user_agent: &str,
    ) -> Result<Self, Error> {
        let transport = https::Transport::new(server, policy, max_connections.clamp(1, 1024) + 1, user_agent);
        transport.map(Self).map_err(|why| Error::Config(why.to_string()))
    }

    /// `host:port` of the server.
    pub(crate) fn authority(&self) -> String {
        self.0.authority()
    }

    /// Sends one message and reads the whole answer within `limit`, not counting the wait for a free connection.
    pub(crate) async fn send(
        &self,
        envelope: String,
        cookie: Option<&str>,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let path = if self.0.path().is_empty() { DEFAULT_PATH } else { self.0.path() };
        match self.0.send(request(path, cookie, envelope), limit).await {
            Ok(https::Answer { status, headers, body }) => {
                Ok(Answer { status, cookie: session_cookie(&headers), body })
            }
            Err(https::Failure::NotSent(why)) => Err(Failure::NotSent(self.not_sent(why))),
            Err(https::Failure::Broken(reason)) => Err(Failure::Broken(reason)),
            Err(https::Failure::Timeout) => Err(Failure::Timeout),
        }
    }

    fn not_sent(&self, why: NotSent) -> Error {
        let server = self.authority();
        match why {
            NotSent::Config(why) => Error::Config(why),
            NotSent::Connect(reason) => Error::Connect { server, reason },
            NotSent::Certificate { reason, thumbprint } => Error::Certificate { server, reason, thumbprint },
        }
    }
}

fn request(path: &str, cookie: Option<&str>, envelope: String) -> Request {
    let mut headers = vec![
        (CONTENT_TYPE.to_string(), "text/xml; charset=\"utf-8\"".to_owned()),
        ("SOAPAction".to_owned(), SOAP_ACTION.to_owned()),
    ];
    headers.extend(cookie.map(|cookie| (COOKIE.to_string(), cookie.to_owned())));
    Request { method: Method::POST, path: path.to_owned(), headers, body: Bytes::from(envelope) }
}

fn session_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next());
    pairs.map(str::trim).find(|pair| pair.split('=').next() == Some(SESSION_COOKIE)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use https::header::HeaderValue;

    #[test]
    fn the_session_cookie_is_picked_without_its_attributes() {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("other=1; Path=/"));
        headers.append(
            SET_COOKIE,
            HeaderValue::from_static("vmware_soap_session=\"abc\"; Path=/; HttpOnly; Secure"),
        );
        assert_eq!(session_cookie(&headers).as_deref(), Some("vmware_soap_session=\"abc\""));
    }

    #[test]
    fn a_request_carries_cookie_and_action() {
        let request = request("/sdk", Some("vmware_soap_session=1"), "<x/>".into());
        let header = |name: &str| {
            let found = request.headers.iter().find(|(header, _)| header == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!((request.path.as_str(), header("cookie")), ("/sdk", Some("vmware_soap_session=1")));
        assert_eq!(header("SOAPAction"), Some(SOAP_ACTION));
    }
}
