//! Sessions: log in once for all, renew once for all, log out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell};

use super::call::protocol;
use super::{Client, Inner};
use crate::error::Error;
use crate::fault::FaultKind;
use crate::proto::{self, ServiceContent, parse_response};
use crate::secret::Secret;

/// How long leaving may take: nobody waits for a server that does not answer a good-bye.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// A session on the server.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Counts the sessions of a client, to tell them apart.
    pub(crate) generation: u64,
    cookie: Secret,
}

impl Session {
    /// A session that no server knows.
    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self { generation: 1, cookie: Secret::new("vmware_soap_session=test") }
    }

    pub(super) fn cookie(&self) -> &str {
        self.cookie.expose()
    }
}

/// The session of a client, and what is needed for the next.
pub(super) struct Sessions {
    user: String,
    password: Secret,
    content: OnceCell<ServiceContent>,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    session: Option<Arc<Session>>,
    logins: u64,
    /// A refused login: asking again with the same password would only lock the account.
    refused: Option<Error>,
}

impl Sessions {
    pub(super) fn new(user: String, password: Secret) -> Self {
        Self { user, password, content: OnceCell::new(), slot: Mutex::default() }
    }
}

impl Inner {
    /// The entry points of the server; asked for once.
    pub(crate) async fn content(&self) -> Result<&ServiceContent, Error> {
        let ask = || async {
            let request = proto::retrieve_service_content();
            let (response, _) = self.call_with(None, &request, self.api_timeout, parse_response).await?;
            proto::parse_service_content(&response).map_err(|reason| protocol(&request, reason))
        };
        self.sessions.content.get_or_try_init(ask).await
    }

    /// The present session; logs in if there is none. Concurrent callers wait for one login.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, Error> {
        let mut slot = self.sessions.slot.lock().await;
        match &slot.session {
            Some(session) => Ok(session.clone()),
            None => self.login(&mut slot).await,
        }
    }

    /// A session other than `dead`: the one that somebody else has made meanwhile, or a new one.
    pub(crate) async fn renew(&self, dead: &Session) -> Result<Arc<Session>, Error> {
        let mut slot = self.sessions.slot.lock().await;
        match &slot.session {
            Some(session) if session.generation != dead.generation => Ok(session.clone()),
            _ => {
                slot.session = None;
                self.login(&mut slot).await
            }
        }
    }

    async fn login(&self, slot: &mut Slot) -> Result<Arc<Session>, Error> {
        if let Some(refused) = &slot.refused {
            return Err(refused.clone());
        }
        let manager = &self.content().await?.session_manager;
        let request = proto::login(manager, &self.sessions.user, &self.sessions.password);
        let cookie = match self.call_with(None, &request, self.api_timeout, parse_response).await {
            Ok((_, Some(cookie))) => Secret::new(cookie),
            Ok((_, None)) => return Err(protocol(&request, "it sets no session cookie".to_owned())),
            Err(error) => {
                if matches!(error.fault(), Some(FaultKind::InvalidLogin | FaultKind::NoPermission { .. })) {
                    slot.refused = Some(error.clone());
                }
                return Err(error);
            }
        };
        slot.logins += 1;
        let session = Arc::new(Session { generation: slot.logins, cookie });
        slot.session = Some(session.clone());
        Ok(session)
    }

    /// Forgets the session and tells the server, which may not answer.
    pub(super) async fn logout(&self) {
        let Some(session) = self.sessions.slot.lock().await.session.take() else { return };
        let Some(content) = self.sessions.content.get() else { return };
        let request = proto::logout(&content.session_manager);
        if let Err(error) =
            self.call_with(Some(session.cookie()), &request, LOGOUT_TIMEOUT, parse_response).await
        {
            tracing::debug!(%error, "the session was not logged out");
        }
    }
}

impl Client {
    /// The entry points of the server and what it is. Needs no login.
    ///
    /// # Errors
    /// Those of every call: [`Error`].
    pub async fn service_content(&self) -> Result<ServiceContent, Error> {
        self.inner.content().await.cloned()
    }
}
