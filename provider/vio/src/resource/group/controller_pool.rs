//! `vio_controller_pool`: the nodes that run OpenStack's services.

use std::collections::BTreeMap;

use deploy::inventory::Inventory;
use deploy::name::ComponentId;
use deploy::release::{KindId, Resource};
use deploy::secret::Secret;
use deploy::settings::{Component, Ldap, Settings};
use tf_core::{Diagnostics, Path, Value};

use super::{Change, Flavour};
use crate::connection::Connection;
use crate::resource::values::{error, set};

/// The flavour of `vio_controller_pool`.
pub(crate) struct ControllerPool;

const PASSWORD: &str = "bind_password_wo";
const VERSION: &str = "bind_password_wo_version";

impl Flavour for ControllerPool {
    const TYPE_NAME: &'static str = "vio_controller_pool";
    const MADE_BY: Resource = Resource::ControllerPool;
    const LINKS: &'static [&'static str] =
        &["load_balancer_id", "database_id", "message_queue_id", "memcache_id"];

    fn component(&self, _value: &Value) -> Option<ComponentId> {
        Some(ComponentId::of(KindId::Controller))
    }

    fn id(&self, deployment: &str, _component: &ComponentId) -> String {
        format!("{deployment}/controllers")
    }

    fn parse_id(&self, id: &str) -> Option<(String, ComponentId)> {
        let deployment = id.strip_suffix("/controllers")?;
        Some((deployment.to_owned(), ComponentId::of(KindId::Controller)))
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let ldap = config.get("ldap");
        let user_alone = ldap.get("bind_user").as_str().is_some() && ldap.get(PASSWORD).is_null();
        match user_alone {
            true => error("ldap", "Missing password", "With `bind_user`, set `bind_password_wo` too."),
            false => Diagnostics::new(),
        }
    }

    fn plan(
        &self,
        planned: &mut Value,
        _connection: Option<&Connection>,
        _inventory: Option<&Inventory>,
        _management: &Settings,
    ) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if !planned.get("ldap").is_null() {
            let detail = "The directory is recorded, but this version of the provider does not configure Keystone for it: \
                          users and groups stay in the database.";
            diagnostics.warning(Path::attribute("ldap"), "Directory not in use", detail);
        }
        diagnostics
    }

    fn settle(&self, change: &Change<'_>, component: &mut Component) -> Result<(), Diagnostics> {
        let Some(planned) = change.planned.get("ldap").as_map() else { return Ok(()) };
        let settings: BTreeMap<String, String> = planned
            .iter()
            .filter(|(name, _)| ![PASSWORD, VERSION].contains(&name.as_str()))
            .filter_map(|(name, value)| Some((name.clone(), plain(value)?)))
            .collect();
        let in_use = change.old.and_then(|old| old.ldap.as_ref()).and_then(|ldap| ldap.bind_password.clone());
        let same = change.planned.get("ldap").get(VERSION) == change.prior.get("ldap").get(VERSION);
        let given = change.config.get("ldap").get(PASSWORD).as_str().map(Secret::new);
        let bind_password = if same { in_use.or(given) } else { given };
        component.ldap = Some(Ldap { bind_password, settings });
        Ok(())
    }

    fn show(&self, component: &Component, _id: &ComponentId, state: &mut Value, before: &Value) {
        let Some(ldap) = &component.ldap else { return };
        let schema = crate::schema::provider_schema().resources.get(Self::TYPE_NAME);
        let names =
            schema.and_then(|schema| schema.attributes.get("ldap")).map(|attribute| attribute.value_type());
        let Some(tf_core::Type::Object(members)) = names else { return };
        let shown = members.into_iter().map(|(name, kind)| {
            let value = match (name.as_str(), ldap.settings.get(&name)) {
                (PASSWORD, _) => Value::Null,
                (VERSION, _) => before.get("ldap").get(VERSION).clone(),
                (_, Some(text)) if kind == tf_core::Type::Bool => (text == "true").into(),
                (_, text) => text.cloned().into(),
            };
            (name, value)
        });
        set(state, "ldap", Value::Map(shown.collect()));
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
