//! The leases that this process holds, and what it knows that a CLI has heard of.

mod keeper;
mod process;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use deploy::lease::Holder;
use deploy::name::ComponentId;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use vim::{Client, MoRef};

use crate::error::Error;

pub(crate) use process::has_ended;
pub(crate) use store::{BUSY_PAUSE, is_busy, lost_race, read, write};

/// How long a holder may take to answer whether it is still there: longer than vCenter may be busy with the image.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Who has taken a lease away from this process, once somebody has.
pub(crate) type Lost = Arc<OnceLock<String>>;

/// The last refusal of one deployment's lease: whoever waited for the lock meanwhile need not ask again.
pub(crate) type Refusal = Option<(Instant, Holder)>;

/// What this process knows of leases.
pub(crate) struct Leases {
    me: Holder,
    held: Mutex<BTreeMap<String, Held>>,
    claims: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Refusal>>>>,
    heard: Mutex<BTreeMap<String, BTreeSet<ComponentId>>>,
}

/// A lease that this process holds. Dropping it ends the answering.
struct Held {
    image: MoRef,
    lost: Lost,
    keeper: JoinHandle<()>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Leases {
    pub(crate) fn new() -> Self {
        let (held, claims, heard) = Default::default();
        Self { me: process::this(), held, claims, heard }
    }

    /// This process as vCenter knows runs apart.
    pub(crate) fn run(&self) -> &str {
        &self.me.run
    }

    /// This process as a holder from now on.
    pub(crate) async fn holder(&self, client: &Client) -> Result<Holder, Error> {
        let since = client.current_time().await.map_err(Error::read("the time of vCenter"))?;
        Ok(Holder { since, ..self.me.clone() })
    }

    /// One task of this process at a time asks for a deployment's lease, for all.
    pub(crate) fn claim(&self, deployment: &str) -> Arc<tokio::sync::Mutex<Refusal>> {
        Arc::clone(lock(&self.claims).entry(deployment.to_owned()).or_default())
    }

    /// Answers for a lease from now on.
    pub(crate) fn keep(&self, client: &Client, deployment: &str, image: MoRef) {
        let lost = Lost::default();
        let kept = keeper::Kept {
            client: client.clone(),
            deployment: deployment.to_owned(),
            image: image.clone(),
            run: self.me.run.clone(),
            lost: Arc::clone(&lost),
        };
        let keeper = tokio::spawn(kept.answer_for());
        lock(&self.held).insert(deployment.to_owned(), Held { image, lost, keeper });
    }

    /// Who has taken a deployment's lease away; nothing when this process does not hold it.
    pub(crate) fn lost(&self, deployment: &str) -> Option<Lost> {
        lock(&self.held).get(deployment).map(|held| Arc::clone(&held.lost))
    }

    /// Forgets a lease that went with its deployment.
    pub(crate) fn forget(&self, deployment: &str) {
        lock(&self.held).remove(deployment);
    }

    /// Ends all answering; the deployments and images of the leases that are still this process's.
    pub(crate) fn take_all(&self) -> Vec<(String, MoRef)> {
        let all = std::mem::take(&mut *lock(&self.held));
        let mine = all.iter().filter(|(_, held)| held.lost.get().is_none());
        mine.map(|(name, held)| (name.clone(), held.image.clone())).collect()
    }

    /// Notes that a CLI has heard of a component: its state names it, or it is about to be told.
    pub(crate) fn hear(&self, deployment: &str, id: &ComponentId) {
        lock(&self.heard).entry(deployment.to_owned()).or_default().insert(id.clone());
    }

    /// The components of a deployment that a CLI has heard of through this process.
    pub(crate) fn heard(&self, deployment: &str) -> BTreeSet<ComponentId> {
        lock(&self.heard).get(deployment).cloned().unwrap_or_default()
    }

    /// The deployments of which a CLI has heard through this process.
    pub(crate) fn deployments(&self) -> Vec<String> {
        lock(&self.heard).keys().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
