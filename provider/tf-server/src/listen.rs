//! Where the client connects: a socket in a folder that only this user can open, or a port of the loopback
//! interface where there are no such sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{self, Stream};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tonic::transport::server::Connected;

use crate::error::Error;
use crate::handshake::Place;

/// How long a connection may take to prove itself. The client connects at once.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that wait to be served; a client opens one or two.
const BACKLOG: usize = 16;
/// Pause after a failed `accept`, which may be a shortage of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where we listen, as the handshake line says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// Network and address.
    pub(crate) fn parts(&self) -> (&'static str, String) {
        match self {
            Self::Tcp(address) => ("tcp", address.to_string()),
            Self::Unix(path) => ("unix", path.display().to_string()),
        }
    }
}

/// A bound listener.
pub(crate) struct Listener {
    accept: Accept,
    pub(crate) address: Address,
    /// The socket's folder, to be kept until the end of the process.
    pub(crate) folder: Option<PrivateFolder>,
}

enum Accept {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

/// Opens the socket or port.
pub(crate) async fn bind(place: &Place) -> Result<Listener, Error> {
    #[cfg(unix)]
    if let Some(listener) = place.socket_folder.as_deref().map(unix::bind).transpose()?.flatten() {
        return Ok(listener);
    }
    bind_tcp(place).await
}

/// The first free port, beginning somewhere that differs between processes started together.
async fn bind_tcp(place: &Place) -> Result<Listener, Error> {
    let (first, last) = (u32::from(*place.ports.start()), u32::from(*place.ports.end()));
    let count = last - first + 1;
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for offset in 0..count {
        let port = first + (std::process::id().wrapping_mul(31).wrapping_add(offset)) % count;
        let port = u16::try_from(port).unwrap_or(u16::MAX);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let address = Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
                return Ok(Listener { accept: Accept::Tcp(listener), address, folder: None });
            }
            Err(error) => failure = error,
        }
    }
    Err(Error::Listen { address: format!("127.0.0.1, ports {first} to {last}"), source: failure })
}

/// A folder that goes when this does.
pub(crate) struct PrivateFolder(PathBuf);

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // Nothing is left to be told that this failed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::DirBuilder;
    use std::os::unix::fs::DirBuilderExt;
    use std::path::Path;
    use std::time::{SystemTime, UNIX_EPOCH};

    use tokio::net::UnixListener;

    use super::{Accept, Address, Listener, PrivateFolder};
    use crate::error::Error;

    /// Longest path that every system takes for a socket.
    const MAX_PATH: usize = 100;

    /// None when the path would be too long.
    pub(super) fn bind(parent: &Path) -> Result<Option<Listener>, Error> {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let folder = parent.join(format!("plugin-{}-{nanos}", std::process::id()));
        let path = folder.join("socket");
        if path.as_os_str().len() > MAX_PATH {
            return Ok(None);
        }
        let failed = |source| Error::Listen { address: path.display().to_string(), source };
        DirBuilder::new().mode(0o700).create(&folder).map_err(failed)?;
        let folder = PrivateFolder(folder);
        let listener = UnixListener::bind(&path).map_err(failed)?;
        Ok(Some(Listener {
            accept: Accept::Unix(listener),
            address: Address::Unix(path),
            folder: Some(folder),
        }))
    }
}

impl Listener {
    /// Connections that have proved themselves. Each does so in a task of its own: one that says nothing holds up
    /// nobody.
    pub(crate) fn connections(
        self,
        tls: Option<Arc<ServerConfig>>,
    ) -> impl Stream<Item = Result<Connection, io::Error>> {
        let (ready, mut connections) = mpsc::channel(BACKLOG);
        let tls = tls.map(TlsAcceptor::from);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = ready.closed() => break,
                    accepted = self.accept.next() => match accepted {
                        Ok(connection) => {
                            tokio::spawn(admit(connection, tls.clone(), ready.clone()));
                        }
                        Err(error) => {
                            tracing::warn!(error = %error, "a connection could not be accepted");
                            tokio::time::sleep(ACCEPT_PAUSE).await;
                        }
                    },
                }
            }
        });
        stream::poll_fn(move |context| connections.poll_recv(context).map(|next| next.map(Ok)))
    }
}

impl Accept {
    async fn next(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Connection(Box::new(stream)))
            }
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Connection(Box::new(listener.accept().await?.0))),
        }
    }
}

async fn admit(connection: Connection, tls: Option<TlsAcceptor>, ready: mpsc::Sender<Connection>) {
    let admitted = match tls {
        None => connection,
        Some(tls) => match tokio::time::timeout(TLS_TIMEOUT, tls.accept(connection)).await {
            Ok(Ok(stream)) => Connection(Box::new(stream)),
            Ok(Err(error)) => return tracing::warn!(error = %error, "a connection was refused"),
            Err(_) => return tracing::warn!("a connection was refused: it did not prove itself in time"),
        },
    };
    // The server may have ended meanwhile.
    let _ = ready.send(admitted).await;
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection of any sort, encrypted or not.
pub(crate) struct Connection(Box<dyn Io>);

impl Connected for Connection {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
