//! Who changes a deployment right now, kept beside its record: one run at a time.
//!
//! A holder that died is recognised without comparing the clocks of two machines: whoever wants the lease asks a
//! question in it, and takes it when the holder does not answer while he watches. So an undisturbed run writes it once
//! when it begins and once when it ends.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::name::ComponentId;

/// The key of the lease in the image's ExtraConfig. It does not begin with `guestinfo.`: no guest can read it.
pub const KEY: &str = "vio.lease";

/// The lease of one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// The run that changes the deployment; none between runs.
    pub holder: Option<Holder>,
    /// How often others have asked this holder whether it is still there.
    pub asked: u64,
    /// The last question that it answered.
    pub answered: u64,
    /// Components that are whole, but of which no CLI is known to have heard: the run that finished them has not ended
    /// in peace.
    pub unheard: BTreeSet<ComponentId>,
}

/// A run that changes a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Drawn at random by each process of the provider.
    pub run: String,
    /// The user of the operating system.
    pub user: String,
    /// The name of the machine.
    pub host: String,
    /// The provider's process id there.
    pub process: u32,
    /// The process that started the provider: the run of the CLI.
    pub client: String,
    /// What the process id is worth, where the operating system tells.
    #[serde(default)]
    pub birth: Option<Birth>,
    /// When it took the lease, by vCenter's clock.
    pub since: String,
}

/// Tells a process from all others that have, had or will have its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// The boot of the machine and the namespace in which the process id counts.
    pub machine: String,
    /// When the process began, in the machine's own count.
    pub started: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run: _, user, host, process, client, birth: _, since } = self;
        write!(f, "`{user}@{host}` (provider process {process}, run of {client}) since {since}")
    }
}

/// What somebody who wants the lease knows beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish<'a> {
    /// The run that wants it.
    pub run: &'a str,
    /// The holder's process is known to have ended.
    pub holder_ended: bool,
    /// What the holder was asked.
    pub question: Option<Question<'a>>,
    /// The holder has been waited for long enough.
    pub is_impatient: bool,
}

/// A question to a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The run that was asked.
    pub run: &'a str,
    /// The question's number.
    pub number: u64,
    /// The time for an answer is over.
    pub is_overdue: bool,
}

/// What to do about a lease that one wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is one's own already.
    Mine,
    /// Take it: nobody has it, or a holder that died.
    Take,
    /// Ask the holder whether it is still there.
    Ask,
    /// Watch it for a while.
    Wait,
    /// Give up: the holder lives.
    Refuse(Holder),
}

impl Lease {
    /// The lease as the value of [`KEY`]: nothing when there is nothing to say, which removes the key.
    ///
    /// # Errors
    /// Never in practice: every part of it has a text.
    pub fn encode(&self) -> Result<String, String> {
        match *self == Self::default() {
            true => Ok(String::new()),
            false => serde_json::to_string(self).map_err(|e| e.to_string()),
        }
    }

    /// Reads it back; without a value nobody holds it.
    ///
    /// # Errors
    /// When it is not as any provider writes it.
    pub fn decode(deployment: &str, value: &str) -> Result<Self, Error> {
        if value.is_empty() {
            return Ok(Self::default());
        }
        let fail =
            |e: serde_json::Error| Error::Lease { deployment: deployment.to_owned(), why: e.to_string() };
        serde_json::from_str(value).map_err(fail)
    }

    /// True when that run holds it.
    pub fn is_held_by(&self, run: &str) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.run == run)
    }

    /// Who holds it, for messages.
    pub fn holder_name(&self) -> String {
        self.holder.as_ref().map_or_else(|| "nobody".to_owned(), Holder::to_string)
    }

    /// What somebody who wants the lease does next.
    pub fn claim(&self, wish: &Wish<'_>) -> Claim {
        let Some(holder) = &self.holder else { return Claim::Take };
        if holder.run == wish.run {
            return Claim::Mine;
        }
        if wish.holder_ended {
            return Claim::Take;
        }
        let question = wish.question.filter(|question| question.run == holder.run);
        match question {
            Some(question) if question.is_overdue && self.answered < question.number => Claim::Take,
            _ if wish.is_impatient => Claim::Refuse(holder.clone()),
            // An answer that is old is asked for again: the holder may have died since.
            Some(question) if !question.is_overdue => Claim::Wait,
            Some(_) | None => Claim::Ask,
        }
    }

    /// The lease in another hand. What nobody has heard of stays so.
    #[must_use]
    pub fn taken_by(&self, holder: Holder) -> Self {
        Self { holder: Some(holder), asked: 0, answered: 0, unheard: self.unheard.clone() }
    }

    /// The lease with one more question.
    #[must_use]
    pub fn with_question(&self) -> Self {
        Self { asked: self.asked + 1, ..self.clone() }
    }

    /// The lease with all questions answered.
    #[must_use]
    pub fn with_answer(&self) -> Self {
        Self { answered: self.asked, ..self.clone() }
    }

    /// The lease in nobody's hand. `heard` is what a CLI has heard of for certain.
    #[must_use]
    pub fn released(&self, heard: &BTreeSet<ComponentId>) -> Self {
        Self { unheard: self.unheard.difference(heard).cloned().collect(), ..Self::default() }
    }

    /// The lease when a component has become whole.
    #[must_use]
    pub fn with_finished(&self, id: &ComponentId) -> Self {
        let mut lease = self.clone();
        lease.unheard.insert(id.clone());
        lease
    }

    /// The lease without components that a CLI has heard of, or that are gone.
    #[must_use]
    pub fn without(&self, ids: &BTreeSet<ComponentId>) -> Self {
        Self { unheard: self.unheard.difference(ids).cloned().collect(), ..self.clone() }
    }
}

#[cfg(test)]
mod tests;
