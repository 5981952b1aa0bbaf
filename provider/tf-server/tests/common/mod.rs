#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
//! A client for the example provider: starts the process, does the handshake, calls RPCs by name.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use prost::Message;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{BoxFuture, Service};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");

/// A certificate with its key, as a client makes it for each process.
pub struct Identity {
    pub pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Identity {
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { pem: certificate.pem(), certificate: certificate.der().clone(), key: key.serialize_der() }
    }
}

pub fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples").join("thing")
}

/// A command with an environment of its own.
pub fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(executable());
    command.env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running provider and the handshake line that it gave.
pub struct Plugin {
    /// For its socket, which a provider that is killed leaves behind.
    _folder: Option<TempDir>,
    pub child: Child,
    pub line: String,
    stdout: BufReader<ChildStdout>,
}

impl Plugin {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut all =
            vec![COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", "5,6"), ("TMPDIR", folder.path().to_str().unwrap())];
        all.extend(variables);
        let mut plugin = Self::of(command(&all).spawn().unwrap());
        plugin._folder = Some(folder);
        plugin
    }

    /// With the connection encrypted for this client.
    pub fn start_for(identity: &Identity) -> Self {
        Self::start(&[("PLUGIN_CLIENT_CERT", &identity.pem)])
    }

    pub fn of(mut child: Child) -> Self {
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        Self { _folder: None, child, line, stdout }
    }

    pub fn field(&self, index: usize) -> &str {
        self.line.trim_end().split('|').nth(index).unwrap()
    }

    /// What came on standard output after the handshake, until its end.
    pub fn rest_of_output(&mut self) -> String {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Waits for the end; how long it took and the exit status' success.
    pub fn wait(&mut self, limit: Duration) -> Option<(Duration, bool)> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some((begun.elapsed(), status.success()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// With the debug flag, which prints another line: the value of the variable in it.
    pub fn start_for_debugging() -> (Self, serde_json::Value) {
        let mut plugin = Self::of(command(&[]).arg("--debug").spawn().unwrap());
        let line = plugin.line.trim_end();
        let json = line.strip_prefix("TF_REATTACH_PROVIDERS='").and_then(|rest| rest.strip_suffix('\''));
        let value: serde_json::Value = serde_json::from_str(json.unwrap()).unwrap();
        let at = &value["registry.terraform.io/x/thing"]["Addr"];
        let text = |name: &str| at[name].as_str().unwrap().to_owned();
        plugin.line = format!("1|6|{}|{}|grpc|", text("Network"), text("String"));
        (plugin, value)
    }

    /// A connection without encryption.
    pub async fn plain(&self) -> Client {
        self.connect(None).await.unwrap()
    }

    /// An encrypted connection, with or without a certificate of our own.
    pub async fn encrypted(&self, identity: Option<&Identity>) -> Result<Client, tonic::transport::Error> {
        let server = CertificateDer::from(STANDARD_NO_PAD.decode(self.field(5)).unwrap());
        let mut roots = RootCertStore::empty();
        roots.add(server).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::try_from(identity.key.clone()).unwrap();
                config.with_client_auth_cert(vec![identity.certificate.clone()], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        self.connect(Some(Arc::new(config))).await
    }

    async fn connect(&self, tls: Option<Arc<ClientConfig>>) -> Result<Client, tonic::transport::Error> {
        let connector =
            Connector { network: self.field(2).to_owned(), address: self.field(3).to_owned(), tls };
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await?;
        Ok(Client(channel))
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls RPCs by their paths.
#[derive(Clone)]
pub struct Client(Channel);

impl Client {
    pub async fn call<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc().await;
        let codec = ProstCodec::<Q, A>::default();
        grpc.unary(Request::new(request), PathAndQuery::from_static(path), codec)
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn stream<Q, A>(&self, path: &'static str, request: Q) -> Result<tonic::Streaming<A>, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = self.grpc().await;
        let codec = ProstCodec::<Q, A>::default();
        grpc.server_streaming(Request::new(request), PathAndQuery::from_static(path), codec)
            .await
            .map(tonic::Response::into_inner)
    }

    async fn grpc(&self) -> Grpc<Channel> {
        let mut grpc =
            Grpc::new(self.0.clone()).max_decoding_message_size(1 << 30).max_encoding_message_size(1 << 30);
        grpc.ready().await.unwrap();
        grpc
    }
}

#[derive(Clone)]
struct Connector {
    network: String,
    address: String,
    tls: Option<Arc<ClientConfig>>,
}

pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Connector {
    async fn connect(self) -> std::io::Result<TokioIo<Pin<Box<dyn Io>>>> {
        let stream: Pin<Box<dyn Io>> = match self.network.as_str() {
            "unix" => Box::pin(tokio::net::UnixStream::connect(&self.address).await?),
            _ => Box::pin(tokio::net::TcpStream::connect(&self.address).await?),
        };
        let Some(config) = self.tls else { return Ok(TokioIo::new(stream)) };
        let name = "localhost".try_into().unwrap();
        let encrypted = TlsConnector::from(config).connect(name, stream).await?;
        Ok(TokioIo::new(Box::pin(encrypted)))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Pin<Box<dyn Io>>>;
    type Error = std::io::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}
