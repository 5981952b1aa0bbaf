//! One connection: TCP, TLS, HTTP/1.1, and one exchange at a time on it.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use super::transport::{Answer, Request};

/// The largest answer accepted. vCenter's to a read of 2,000 whole VMs is some 100 MB.
const MAX_ANSWER_BYTES: usize = 512 * 1024 * 1024;

pub(super) type Message = hyper::Request<Full<Bytes>>;

/// A connection that is ready for a request.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

/// A request as it goes over the wire.
pub(super) fn message(endpoint: &Endpoint, user_agent: &str, request: Request) -> Result<Message, String> {
    let Request { method, path, headers, body } = request;
    let builder = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, endpoint.authority())
        .header(USER_AGENT, user_agent);
    let builder = headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    builder.body(Full::new(body)).map_err(|e| e.to_string())
}

/// Connects; the error says at which step and why it failed.
pub(super) async fn connect(endpoint: &Endpoint, config: Arc<ClientConfig>) -> Result<Connection, String> {
    let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.map_err(|e| e.to_string())?;
    tcp.set_nodelay(true).map_err(|e| e.to_string())?;
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|e| e.to_string())?;
    let tls = TlsConnector::from(config).connect(name, tcp).await.map_err(|e| format!("TLS: {e}"))?;
    let (sender, connection) = http1::handshake(TokioIo::new(tls)).await.map_err(|e| chain(&e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = chain(&error), "a connection ended");
        }
    });
    Ok(Connection { sender })
}

impl Connection {
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and reads the answer. On failure gives back the request if it surely was not sent.
    pub(super) async fn exchange(&mut self, message: Message) -> Result<Answer, (Option<Message>, String)> {
        if let Err(error) = self.sender.ready().await {
            return Err((Some(message), chain(&error)));
        }
        let response = self.sender.try_send_request(message).await.map_err(|mut e| {
            let unsent = e.take_message();
            (unsent, chain(e.error()))
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|e| (None, format!("while the answer was read: {e}")))?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// An error with all its causes: the HTTP library's own text alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Method;
    use hyper::header::COOKIE;

    fn request(path: &str, cookie: &str) -> Request {
        let headers = vec![(COOKIE.to_string(), cookie.to_owned())];
        Request { method: Method::POST, path: path.to_owned(), headers, body: "<x/>".into() }
    }

    #[test]
    fn a_message_carries_host_agent_and_the_given_headers() {
        let endpoint = Endpoint::parse("vc:8989").unwrap();
        let message = message(&endpoint, "agent", request("/sdk", "session=1")).unwrap();
        assert_eq!((message.uri().path(), message.headers()[HOST].to_str().unwrap()), ("/sdk", "vc:8989"));
        assert_eq!(
            (&message.headers()[COOKIE], &message.headers()[USER_AGENT]),
            (&"session=1".parse().unwrap(), &"agent".parse().unwrap())
        );
    }

    #[test]
    fn what_cannot_stand_in_a_message_is_refused() {
        let endpoint = Endpoint::parse("vc").unwrap();
        assert!(message(&endpoint, "agent", request("/sdk", "a\nb")).is_err());
        assert!(message(&endpoint, "agent", request("no path at all", "session=1")).is_err());
    }
}
