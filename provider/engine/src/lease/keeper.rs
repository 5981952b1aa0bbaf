//! Answers whoever asks whether the holder of a lease is still there, and notices when it is the holder no more.

use std::time::Duration;

use deploy::lease::{KEY, Lease};
use vim::{Client, MoRef};

use super::{ANSWER_WITHIN, Lost, read, write};
use crate::error::Error;
use crate::read::deployment::extra;

/// How soon it is tried again when vCenter could not be reached or was busy with the image.
const PAUSE: Duration = Duration::from_millis(500);

/// A lease that is answered for.
pub(super) struct Kept {
    pub(super) client: Client,
    pub(super) deployment: String,
    pub(super) image: MoRef,
    pub(super) run: String,
    pub(super) lost: Lost,
}

impl Kept {
    /// Runs until the lease is somebody else's or went with its image; the long poll that serves every wait serves this one.
    pub(super) async fn answer_for(self) {
        while let Err(error) = self.watch().await {
            if error.vim().is_some_and(vim::Error::is_not_found) {
                return;
            }
            tracing::debug!(deployment = self.deployment, %error, "the lease could not be watched");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn watch(&self) -> Result<(), Error> {
        let watching = || Error::read(format!("the lease of deployment `{}`", self.deployment));
        let mut watch = self.client.watch_vm(&self.image).await.map_err(watching())?;
        loop {
            let values = watch.changed().await.map_err(watching())?;
            let value = values.get(&extra(KEY)).map(|value| value.str().to_owned()).unwrap_or_default();
            let shown = Lease::decode(&self.deployment, &value)?;
            let is_quiet = shown.is_held_by(&self.run) && shown.asked <= shown.answered;
            if !is_quiet && self.is_lost().await? {
                return Ok(());
            }
        }
    }

    /// Looks for itself, since what a watch shows first may be old, and answers if it is asked.
    async fn is_lost(&self) -> Result<bool, Error> {
        let (lease, version) = read(&self.client, &self.deployment, &self.image).await?;
        if !lease.is_held_by(&self.run) {
            let by = lease.holder_name();
            tracing::warn!(deployment = self.deployment, by, "the lease was lost");
            let _ = self.lost.set(by);
            return Ok(true);
        }
        if lease.asked > lease.answered {
            let answered = lease.with_answer();
            let written = write(&self.client, &self.deployment, &self.image, &version, &answered);
            // An answer that comes later is none; the next question is seen all the same.
            if let Ok(result) = tokio::time::timeout(ANSWER_WITHIN, written).await {
                result?;
            }
        }
        Ok(false)
    }
}
