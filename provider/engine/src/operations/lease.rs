//! One run at a time changes a deployment: the lease is taken before its first change and given back at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use deploy::lease::{Claim, Holder, Lease, Question, Wish};
use deploy::name::ComponentId;
use futures::future::join_all;
use tokio::time::Instant;
use vim::{MoRef, VmWatch};

use super::Engine;
use crate::deployment::Deployment;
use crate::error::Error;
use crate::lease::{ANSWER_WITHIN, BUSY_PAUSE, Refusal, has_ended, is_busy, lost_race, read, write};
use crate::steps::Deadline;

/// How long a holder that lives is waited for. Short runs are waited out; of a long one the user shall hear.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often a write is tried again when somebody else was faster, or vCenter was busy with the image.
const ATTEMPTS: usize = 10;

/// How long leases are given back: CLIs kill a provider that has not ended after two seconds.
const SETTLE_WITHIN: Duration = Duration::from_millis(1500);

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The CLI has every answer.
    InPeace,
    /// Answers may not have reached the CLI.
    CutOff,
}

/// What a holder was asked, and until when it may answer.
struct Asked {
    run: String,
    number: u64,
    until: Instant,
}

impl Asked {
    /// What a lease with a new question asks its holder.
    fn of(lease: &Lease) -> Option<Self> {
        let run = lease.holder.as_ref()?.run.clone();
        Some(Self { run, number: lease.asked, until: Instant::now() + ANSWER_WITHIN })
    }

    fn question(&self) -> Question<'_> {
        Question { run: &self.run, number: self.number, is_overdue: Instant::now() >= self.until }
    }
}

impl Engine {
    /// Takes the lease of a deployment for this process, once. Where there is no image yet there is no lease: the image's
    /// maker brings it.
    pub(super) async fn hold(&self, name: &str, deadline: Deadline) -> Result<(), Error> {
        let wanted_at = Instant::now();
        let claim = self.leases.claim(name);
        let mut refusal = claim.lock().await;
        if self.leases.lost(name).is_some() {
            return self.refuse_lost(name);
        }
        if let Some((_, holder)) = refusal.as_ref().filter(|(at, _)| *at >= wanted_at) {
            return Err(held(name, holder));
        }
        self.acquire(name, deadline, &mut refusal).await
    }

    async fn acquire(&self, name: &str, deadline: Deadline, refusal: &mut Refusal) -> Result<(), Error> {
        let found = self.view.fresh(&self.client, name).await?;
        let image = found.as_ref().and_then(|found| found.refs.image.as_ref()).map(|image| image.vm.clone());
        let Some(image) = image else { return Ok(()) };
        match self.contend(name, &image, deadline).await {
            Ok(None) => {
                self.leases.keep(&self.client, name, image);
                Ok(())
            }
            Ok(Some(holder)) => {
                let error = held(name, &holder);
                *refusal = Some((Instant::now(), holder));
                Err(error)
            }
            // Who held it has removed the deployment.
            Err(error) if error.vim().is_some_and(vim::Error::is_not_found) => {
                self.view.forget(name).await;
                self.view.forget_inventory().await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Takes a lease; returns who holds it when it cannot be had.
    async fn contend(&self, name: &str, image: &MoRef, deadline: Deadline) -> Result<Option<Holder>, Error> {
        let patience = deadline.at.min(Instant::now() + PATIENCE);
        let (mut asked, mut watch, mut races): (Option<Asked>, _, _) = (None, None, 0);
        while races < ATTEMPTS {
            let (lease, version) = read(&self.client, name, image).await?;
            let wish = Wish {
                run: self.leases.run(),
                holder_ended: lease.holder.as_ref().is_some_and(has_ended),
                question: asked.as_ref().map(Asked::question),
                is_impatient: Instant::now() >= patience,
            };
            let next = match lease.claim(&wish) {
                Claim::Mine => return Ok(None),
                Claim::Refuse(holder) => return Ok(Some(holder)),
                Claim::Wait => {
                    let until = asked.as_ref().map_or(patience, |asked| asked.until.min(patience));
                    self.await_change(image, &mut watch, until).await?;
                    continue;
                }
                Claim::Take => lease.taken_by(self.leases.holder(&self.client).await?),
                Claim::Ask => lease.with_question(),
            };
            let what = format!("to write the lease of deployment `{name}`");
            let written = Box::pin(write(&self.client, name, image, &version, &next));
            match deadline.bound(what, written).await {
                Ok(()) if next.is_held_by(self.leases.run()) => {
                    // What the holder has made meanwhile is in no inventory that was read before.
                    if asked.is_some() {
                        self.view.forget_inventory().await;
                    }
                    return Ok(None);
                }
                Ok(()) => asked = Asked::of(&next),
                // Whether it was written shows when it is read again.
                Err(error) if lost_race(&error) || error.vim().is_some_and(vim::Error::is_ambiguous) => {
                    races += 1;
                }
                // The holder is cloning the image.
                Err(error) if is_busy(&error) => {
                    races += 1;
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended(name.to_owned()))
    }

    /// Waits until something about the image changes, but no longer than this.
    async fn await_change(
        &self,
        image: &MoRef,
        watch: &mut Option<VmWatch>,
        until: Instant,
    ) -> Result<(), Error> {
        let what = "the lease";
        let watch = match watch {
            Some(watch) => watch,
            None => watch.insert(self.client.watch_vm(image).await.map_err(Error::read(what))?),
        };
        tokio::select! {
            changed = watch.changed() => changed.map(drop).map_err(Error::read(what)),
            () = tokio::time::sleep_until(until) => Ok(()),
            () = self.stop.cancelled() => Err(Error::Interrupted),
        }
    }

    /// A run whose lease was taken away changes nothing any more.
    pub(super) fn refuse_lost(&self, name: &str) -> Result<(), Error> {
        match self.leases.lost(name).as_deref().and_then(|lost| lost.get()) {
            Some(by) => Err(Error::LeaseLost { deployment: name.to_owned(), by: by.clone() }),
            None => Ok(()),
        }
    }

    /// The same, judged by what was just read.
    pub(super) fn refuse_not_held(&self, deployment: &Deployment) -> Result<(), Error> {
        let lease = deployment.refs.image.as_ref().and(deployment.observed.image.as_ref());
        let Some(lease) = lease.map(|image| &image.lease) else { return Ok(()) };
        if lease.is_held_by(self.leases.run()) {
            return Ok(());
        }
        Err(Error::LeaseLost { deployment: deployment.name.clone(), by: lease.holder_name() })
    }

    /// True when another run held the lease as the deployment was read.
    pub fn is_held_elsewhere(&self, deployment: &Deployment) -> bool {
        let holder = deployment.observed.image.as_ref().and_then(|image| image.lease.holder.as_ref());
        holder.is_some_and(|holder| holder.run != self.leases.run())
    }

    /// Notes that a CLI's state names a component. What a run that died has finished is then no leftover any more.
    pub fn heard_of(&self, deployment: &str, id: &ComponentId) {
        self.leases.hear(deployment, id);
    }

    /// Components that are whole, but that no CLI is known to have heard of.
    pub(super) fn unheard(&self, deployment: &Deployment) -> BTreeSet<ComponentId> {
        let image = deployment.observed.image.as_ref();
        let unheard = image.map(|image| image.lease.unheard.clone()).unwrap_or_default();
        &unheard - &self.leases.heard(&deployment.name)
    }

    /// Gives every lease back and ends the session. Errors are logged alone: nobody is left to be told, and whoever comes
    /// next recognises that this process has ended.
    pub async fn close(&self, end: End) {
        // The session ends whatever becomes of the leases.
        if tokio::time::timeout(SETTLE_WITHIN, self.settle_leases(end)).await.is_err() {
            tracing::warn!("vCenter did not take all leases back in time");
        }
        self.client.logout().await;
    }

    async fn settle_leases(&self, end: End) {
        let held = self.leases.take_all();
        join_all(held.iter().map(|(name, image)| self.settle_lease(name, image, end))).await;
        if end == End::InPeace {
            let others = self.leases.deployments().into_iter();
            for name in others.filter(|name| held.iter().all(|(held, _)| held != name)) {
                self.settle_unheard(&name).await;
            }
        }
    }

    /// A process that has only read confirms what a run that died has finished, if there is any.
    async fn settle_unheard(&self, name: &str) {
        let Some(deployment) = self.view.known(name).await else { return };
        let image = deployment.refs.image.as_ref().map(|image| image.vm.clone());
        let unheard = deployment.observed.image.as_ref().map(|image| image.lease.unheard.clone());
        let (Some(image), Some(unheard)) = (image, unheard) else { return };
        if !unheard.is_disjoint(&self.leases.heard(name)) {
            self.settle_lease(name, &image, End::InPeace).await;
        }
    }

    async fn settle_lease(&self, name: &str, image: &MoRef, end: End) {
        let heard = match end {
            End::InPeace => self.leases.heard(name),
            End::CutOff => BTreeSet::new(),
        };
        for _ in 0..ATTEMPTS {
            match self.settle_once(name, image, &heard).await {
                Err(error) if lost_race(&error) => {}
                Err(error) => {
                    return tracing::warn!(deployment = name, %error, "the lease was not given back");
                }
                Ok(()) => return,
            }
        }
    }

    async fn settle_once(
        &self,
        name: &str,
        image: &MoRef,
        heard: &BTreeSet<ComponentId>,
    ) -> Result<(), Error> {
        let (lease, version) = read(&self.client, name, image).await?;
        let next = match lease.is_held_by(self.leases.run()) {
            true => lease.released(heard),
            false => lease.without(heard),
        };
        if next == lease {
            return Ok(());
        }
        write(&self.client, name, image, &version, &next).await
    }
}

fn held(deployment: &str, holder: &Holder) -> Error {
    Error::Held { deployment: deployment.to_owned(), holder: holder.to_string() }
}
