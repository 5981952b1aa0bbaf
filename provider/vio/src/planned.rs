//! What this process has planned so far. A first plan of a whole cloud has no record in vCenter yet: components take
//! the deployment's settings from here, and addresses are counted for all nodes together.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use deploy::Error;
use deploy::name::ComponentId;
use deploy::record::Record;
use deploy::release::Release;
use deploy::secret::RootSecret;
use deploy::settings::{Component, Settings};

/// Deployments by name.
#[derive(Default)]
pub(crate) struct Planned(Mutex<BTreeMap<String, Deployment>>);

#[derive(Default)]
struct Deployment {
    settings: Option<Settings>,
    components: BTreeMap<ComponentId, Component>,
    /// What the components were last counted from, and the record with all of them.
    counted: Option<Counted>,
}

struct Counted {
    settings: Settings,
    existing: Option<Record>,
    record: Record,
}

impl Planned {
    /// Remembers a deployment's planned settings.
    pub(crate) fn remember(&self, settings: Settings) {
        self.with(&settings.name.clone(), |deployment| deployment.settings = Some(settings));
    }

    /// The settings that were planned for a deployment in this process.
    pub(crate) fn settings(&self, name: &str) -> Option<Settings> {
        self.with(name, |deployment| deployment.settings.clone())
    }

    /// Remembers a planned component, and judges whether the addresses suffice for it and all before it.
    pub(crate) fn add(
        &self,
        settings: &Settings,
        existing: Option<&Record>,
        id: &ComponentId,
        component: Component,
    ) -> Result<(), Error> {
        self.with(&settings.name, |deployment| {
            let before = deployment.components.insert(id.clone(), component.clone());
            let counted = deployment.counted.take();
            let counted = counted
                .filter(|last| last.settings == *settings && last.existing.as_ref() == existing)
                // A component that shrinks gives addresses back, which only a new count knows.
                .filter(|_| before.is_none_or(|before| before == component));
            let record = match counted {
                Some(last) => last.record.with_component(release(settings)?, id, component)?,
                None => count(settings, existing, &deployment.components)?,
            };
            let (settings, existing) = (settings.clone(), existing.cloned());
            deployment.counted = Some(Counted { settings, existing, record });
            Ok(())
        })
    }

    fn with<T>(&self, name: &str, use_deployment: impl FnOnce(&mut Deployment) -> T) -> T {
        let mut deployments = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_deployment(deployments.entry(name.to_owned()).or_default())
    }
}

fn release(settings: &Settings) -> Result<&'static Release, Error> {
    Release::find(&settings.release).ok_or_else(|| Error::UnknownRelease(settings.release.clone()))
}

/// The record with all these components. Only addresses are counted: any secret does.
fn count(
    settings: &Settings,
    existing: Option<&Record>,
    components: &BTreeMap<ComponentId, Component>,
) -> Result<Record, Error> {
    let mut record = match existing {
        Some(record) => record.with_settings(settings.clone())?,
        None => Record::new(settings.clone(), RootSecret::from_random([0; 32]), 0)?,
    };
    for (id, component) in components {
        record = record.with_component(release(settings)?, id, component.clone())?;
    }
    Ok(record)
}
