//! `vio_controller_pool`: the nodes that run OpenStack's services.

use std::collections::BTreeMap;

use deploy::inventory::Inventory;
use deploy::name::ComponentId;
use deploy::release::{KindId, Release, Resource};
use deploy::secret::Secret;
use deploy::settings::{Component, Ldap, Settings};
use tf_core::{Diagnostics, Path, Value};

use super::{Change, Flavour};
use crate::connection::Connection;
use crate::resource::values::{error, set};

/// The flavour of `vio_controller_pool`.
pub(crate) struct ControllerPool;

const PASSWORD: &str = "bind_password_wo";
const AUTHORITIES: &str = "ca_certificate_pem";
const VERSION: &str = "bind_password_wo_version";

impl Flavour for ControllerPool {
    const TYPE_NAME: &'static str = "vio_controller_pool";
    const MADE_BY: Resource = Resource::ControllerPool;
    const LINKS: &'static [&'static str] =
        &["load_balancer_id", "database_id", "message_queue_id", "memcache_id"];

    fn component(&self, _value: &Value) -> Option<ComponentId> {
        Some(ComponentId::of(KindId::Controller))
    }

    fn parse_id(&self, id: &str) -> Option<(String, ComponentId)> {
        let deployment = id.strip_suffix("/controllers")?;
        Some((deployment.to_owned(), ComponentId::of(KindId::Controller)))
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        judge_directory(config.get("ldap"))
    }

    fn plan(
        &self,
        planned: &mut Value,
        _connection: Option<&Connection>,
        _inventory: Option<&Inventory>,
        management: &Settings,
    ) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if !planned.get("ldap").is_null() && !uses_directory(&management.release) {
            let detail = format!(
                "The directory is recorded, but this version of the provider does not configure Keystone of the release \
                 `{}` for it: users and groups stay in the database.",
                management.release
            );
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
        // It may have been unknown when the configuration was judged.
        if settings.contains_key("bind_user") && bind_password.is_none() {
            return Err(missing_password());
        }
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

/// What is wrong with the directory, whatever vCenter holds.
fn judge_directory(ldap: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if ldap.get("bind_user").as_str().is_some() && ldap.get(PASSWORD).is_null() {
        diagnostics.extend(missing_password());
    }
    let over_tls =
        |url: &str| url.split(',').any(|one| one.trim().to_ascii_lowercase().starts_with("ldaps://"));
    if *ldap.get("use_tls") == true.into() && ldap.get("url").as_str().is_some_and(over_tls) {
        let detail = "`use_tls` switches a connection to `ldap://` to TLS; one to `ldaps://` has it from the beginning. \
                      Use one of the two.";
        diagnostics.extend(error("ldap", "TLS twice", detail));
    }
    for (name, value) in ldap.as_map().into_iter().flatten().filter(|(name, _)| *name != AUTHORITIES) {
        // In Keystone's file a line break would begin another setting.
        if value.as_str().is_some_and(|text| text.chars().any(char::is_control)) {
            let detail = format!("`{name}` must be one line without control characters.");
            diagnostics.extend(error("ldap", "Not one line", detail));
        }
    }
    diagnostics
}

fn missing_password() -> Diagnostics {
    error("ldap", "Missing password", "With `bind_user`, set `bind_password_wo` too.")
}

/// Whether controllers of the release are given the directory.
fn uses_directory(release: &str) -> bool {
    let controller = Release::find(release).and_then(|release| release.kinds.get(&KindId::Controller));
    controller.is_some_and(|kind| kind.secrets.iter().any(|purpose| purpose == "ldap"))
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(members: &[(&str, Value)]) -> usize {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        judge_directory(&Value::Map(members.collect())).iter().count()
    }

    fn text(text: &str) -> Value {
        Some(text.to_owned()).into()
    }

    #[test]
    fn a_directory_is_judged_before_anything_is_done() {
        let (user, password) = (("bind_user", text("cn=a")), (PASSWORD, text("b")));
        assert_eq!(judged(&[user.clone(), password.clone()]), 0);
        assert_eq!(judged(&[user.clone(), (PASSWORD, Value::Unknown)]), 0);
        assert_eq!(judged(std::slice::from_ref(&user)), 1);
        assert_eq!(judged(&[user, (PASSWORD, text("b\n"))]), 1);
        assert_eq!(judged(&[(AUTHORITIES, text("-----BEGIN CERTIFICATE-----\n"))]), 0);
    }

    #[test]
    fn tls_is_switched_on_in_one_way() {
        let judged = |url: &str, use_tls: bool| judged(&[("url", text(url)), ("use_tls", use_tls.into())]);
        assert_eq!((judged("ldap://a", true), judged("ldaps://a", false)), (0, 0));
        assert_eq!(judged("ldap://a, LDAPS://b", true), 1);
    }

    #[test]
    fn a_directory_is_used_by_releases_that_declare_its_password() {
        assert!(uses_directory("zed") && !uses_directory("no-such-release"));
    }
}
