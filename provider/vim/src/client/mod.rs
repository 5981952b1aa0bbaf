//! The client: one session, typed methods, one watch.

mod call;
mod cluster;
mod inventory;
mod read;
mod session;
mod tasks;
mod vm;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use https::TlsPolicy;

use crate::error::Error;
use crate::secret::Secret;
use crate::transport::Transport;
use crate::watch::Hub;

pub(crate) use call::protocol;
pub(crate) use session::Session;
use session::Sessions;

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The server: a host, `host:port`, or a URL such as `https://vc.example.com/sdk`.
    pub server: String,
    /// The user, e.g. `administrator@vsphere.local`.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// How the server proves who it is.
    pub tls: TlsPolicy,
    /// The time that one call may take; a wait for a task is many calls and may take any time.
    pub api_timeout: Duration,
    /// The most requests in flight; the long poll comes on top. At least one is allowed.
    pub max_connections: usize,
    /// The `User-Agent` that the server's logs and session list show.
    pub user_agent: String,
    /// The properties of VMs that [`Client::watch_vm`] gives, e.g. `runtime.powerState`,
    /// `config.extraConfig["guestinfo.status"]`.
    pub vm_watch_paths: Vec<String>,
}

/// A vSphere client. Cloning gives another handle to the same session, pool and watch.
///
/// Nothing is sent before the first call; the first call logs in, whoever makes it. A session that the server ended is
/// renewed once for all callers, and the call that noticed it is repeated once. Calls that only read are repeated when
/// the network fails ([`https::Retry::VCENTER`]); calls that change something are only if nothing was sent: after
/// [`Error::is_ambiguous`] the caller must look first.
///
/// Dropping a call's future gives up its answer, not its effect. Methods named after a task return when the task has
/// been *started*: pass the task to [`Client::wait_task`].
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    transport: Transport,
    sessions: Sessions,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    api_timeout: Duration,
    pub(crate) hub: Arc<Hub>,
}

impl Client {
    /// Makes a client. Sends nothing and reads no file.
    ///
    /// # Errors
    /// [`Error::Config`] when the server, a certificate or a thumbprint cannot be parsed.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        let ClientConfig {
            server,
            user,
            password,
            tls,
            api_timeout,
            max_connections,
            user_agent,
            vm_watch_paths,
        } = config;
        let inner = Inner {
            transport: Transport::new(&server, &tls, max_connections, &user_agent)?,
            sessions: Sessions::new(user, password),
            counts: Mutex::default(),
            api_timeout,
            hub: Arc::new(Hub::new(vm_watch_paths)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The number of requests sent so far, by method; repetitions count.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(method, count)| ((*method).to_owned(), *count)).collect()
    }

    /// Ends the watch and the session. Waits that are still open end with [`Error::LoggedOut`]. Makes no call if there is
    /// no session, never fails, and may be called again; a later call logs in anew.
    pub async fn logout(&self) {
        crate::watch::stop(&self.inner).await;
        self.inner.logout().await;
    }
}
