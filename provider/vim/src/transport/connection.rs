//! One connection: TCP, TLS, HTTP/1.1, and one exchange at a time on it.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, USER_AGENT};
use hyper::{HeaderMap, Method};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Answer, Endpoint};

/// The largest answer accepted. A read of 2,000 whole VMs is some 100 MB.
const MAX_ANSWER_BYTES: usize = 512 * 1024 * 1024;
/// The API version spoken: every vCenter from 6.7 on serves it, and it has all that this client uses.
const SOAP_ACTION: &str = "urn:vim25/6.7";
/// The cookie that carries a vSphere session.
const SESSION_COOKIE: &str = "vmware_soap_session";

pub(super) type Request = hyper::Request<Full<Bytes>>;

/// A connection that is ready for a request.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

/// Makes the HTTP request that carries a SOAP message.
pub(super) fn request(
    endpoint: &Endpoint,
    user_agent: &str,
    cookie: Option<&str>,
    envelope: String,
) -> Result<Request, String> {
    let mut builder = hyper::Request::builder()
        .method(Method::POST)
        .uri(endpoint.path.as_str())
        .header(HOST, endpoint.authority())
        .header(USER_AGENT, user_agent)
        .header(CONTENT_TYPE, "text/xml; charset=\"utf-8\"")
        .header("SOAPAction", SOAP_ACTION);
    if let Some(cookie) = cookie {
        builder = builder.header(COOKIE, cookie);
    }
    builder.body(Full::new(Bytes::from(envelope))).map_err(|e| e.to_string())
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
            tracing::debug!(error = chain(&error), "a connection to vSphere ended");
        }
    });
    Ok(Connection { sender })
}

impl Connection {
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and reads the answer. On failure gives back the request if it surely was not sent.
    pub(super) async fn exchange(&mut self, request: Request) -> Result<Answer, (Option<Request>, String)> {
        if let Err(error) = self.sender.ready().await {
            return Err((Some(request), chain(&error)));
        }
        let response = self.sender.try_send_request(request).await.map_err(|mut e| {
            let unsent = e.take_message();
            (unsent, chain(e.error()))
        })?;
        let status = response.status().as_u16();
        let cookie = session_cookie(response.headers());
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|e| (None, format!("while the answer was read: {e}")))?.to_bytes();
        Ok(Answer { status, cookie, body })
    }
}

fn session_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next());
    pairs.map(str::trim).find(|pair| pair.split('=').next() == Some(SESSION_COOKIE)).map(str::to_owned)
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
    use hyper::header::HeaderValue;

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
    fn a_request_carries_cookie_host_and_action() {
        let endpoint = Endpoint::parse("vc:8989").unwrap();
        let request = request(&endpoint, "vim", Some("vmware_soap_session=1"), "<x/>".into()).unwrap();
        assert_eq!((request.uri().path(), request.headers()[HOST].to_str().unwrap()), ("/sdk", "vc:8989"));
        assert_eq!(request.headers()[COOKIE], "vmware_soap_session=1");
        assert_eq!(request.headers()["SOAPAction"], SOAP_ACTION);
    }
}
