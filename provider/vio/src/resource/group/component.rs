//! `vio_component`: the kinds that need nothing of their own.

use deploy::inventory::Inventory;
use deploy::name::ComponentId;
use deploy::release::{KindId, Resource};
use deploy::settings::{Component, Settings};
use tf_core::{Diagnostics, Path, Value};

use super::{Change, Flavour};
use crate::connection::Connection;
use crate::resource::values::{error, set};

/// The flavour of `vio_component`.
pub(crate) struct Simple;

/// Kinds that register with Keystone or Neutron, and so need controllers.
const NEED_CONTROLLERS: [KindId; 2] = [KindId::ObjectStorage, KindId::Dhcp];
/// Kinds that stand behind the VIPs, and so need load balancers.
const NEED_LOAD_BALANCER: [KindId; 2] = [KindId::Database, KindId::ObjectStorage];

impl Flavour for Simple {
    const TYPE_NAME: &'static str = "vio_component";
    const MADE_BY: Resource = Resource::Component;
    const LINKS: &'static [&'static str] = &["controller_pool_id", "load_balancer_id"];

    fn component(&self, value: &Value) -> Option<ComponentId> {
        value.get("kind").as_str()?.parse().ok().map(ComponentId::of)
    }

    fn parse_id(&self, id: &str) -> Option<(String, ComponentId)> {
        let (deployment, kind) = id.split_once('/')?;
        let kind: KindId = kind.parse().ok()?;
        let other = matches!(kind, KindId::Controller | KindId::ComputeDriver);
        (!other).then(|| (deployment.to_owned(), ComponentId::of(kind)))
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        let Some(text) = config.get("kind").as_str() else { return Diagnostics::new() };
        let kind = match text.parse::<KindId>() {
            Ok(kind) => kind,
            Err(_) => return unknown_kind(text),
        };
        let mut diagnostics = Diagnostics::new();
        let other = match kind {
            KindId::Controller => Some("vio_controller_pool"),
            KindId::ComputeDriver => Some("vio_compute_cluster"),
            _ => None,
        };
        if let Some(other) = other {
            let detail = format!("A `{kind}` is made by the resource `{other}`.");
            diagnostics.extend(error("kind", "Another resource makes this kind", detail));
        }
        let needs = [
            ("controller_pool_id", NEED_CONTROLLERS.contains(&kind), "registers with the controllers"),
            ("load_balancer_id", NEED_LOAD_BALANCER.contains(&kind), "stands behind the virtual addresses"),
        ];
        for (attribute, needed, why) in needs {
            if needed && config.get(attribute).is_null() {
                let detail = format!("A `{kind}` {why}: set `{attribute}`.");
                diagnostics.error(Path::attribute(attribute), "Missing value", detail);
            }
        }
        diagnostics
    }

    fn plan(
        &self,
        _planned: &mut Value,
        _connection: Option<&Connection>,
        _inventory: Option<&Inventory>,
        _management: &Settings,
    ) -> Diagnostics {
        Diagnostics::new()
    }

    fn settle(&self, _change: &Change<'_>, _component: &mut Component) -> Result<(), Diagnostics> {
        Ok(())
    }

    fn show(&self, _component: &Component, id: &ComponentId, state: &mut Value, _before: &Value) {
        set(state, "kind", id.kind.as_str());
    }
}

fn unknown_kind(text: &str) -> Diagnostics {
    let made_here = |kind: &KindId| !matches!(kind, KindId::Controller | KindId::ComputeDriver);
    let kinds: Vec<String> =
        KindId::ALL.iter().filter(|kind| made_here(kind)).map(|kind| format!("`{kind}`")).collect();
    let detail = format!("`{text}` is not a kind of component. There are: {}.", kinds.join(", "));
    error("kind", "Unknown kind", detail)
}
