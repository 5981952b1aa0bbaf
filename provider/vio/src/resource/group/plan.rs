//! What can be said of a component before anything is done.

use std::sync::Arc;

use deploy::name::ComponentId;
use deploy::preflight;
use deploy::release::{KindSpec, Overrides, Release};
use deploy::settings::{Component, Settings};
use tf_core::{Decode as _, Diagnostics, Path, Value};
use tf_server::{PlanRequest, PlanResponse};

use super::{Change, Flavour, size};
use crate::connection::Connection;
use crate::message;
use crate::provider::Shared;
use crate::resource::values::{error, errors, number, set, text};

/// Plans a component.
pub(super) async fn plan<F: Flavour>(shared: &Shared, flavour: &F, request: PlanRequest) -> PlanResponse {
    let PlanRequest { prior, config, mut planned, requires_replace, private } = request;
    let mut diagnostics = Diagnostics::new();
    if !planned.is_null() {
        let replaced = requires_replace.first();
        let before = if replaced.is_none() { &prior } else { &Value::Null };
        let planning = Planning { shared, flavour, prior: before, config: &config };
        diagnostics = match planning.fill(&mut planned).await {
            Ok(found) | Err(found) => found,
        };
        if let Some(attribute) = replaced {
            let nodes = prior.get("nodes").as_sequence().unwrap_or_default().len();
            let detail = format!(
                "{nodes} nodes are removed and new ones made in their place. Meanwhile the service is away, and what the nodes \
                 hold is lost."
            );
            diagnostics.warning(attribute.clone(), "Nodes are replaced", detail);
        }
    }
    PlanResponse { planned, requires_replace, private, diagnostics }
}

struct Planning<'a, F> {
    shared: &'a Shared,
    flavour: &'a F,
    prior: &'a Value,
    config: &'a Value,
}

impl<F: Flavour> Planning<'_, F> {
    async fn fill(&self, planned: &mut Value) -> Result<Diagnostics, Diagnostics> {
        let (Some(name), Some(id)) =
            (text(planned.get("management_cluster_id")), self.flavour.component(planned))
        else {
            return Ok(Diagnostics::new());
        };
        set(planned, "id", id.link(&name));
        let connection = self.shared.connection()?;
        let found = self.deployment(connection, &name).await?;
        let record = found.as_ref().and_then(|deployment| deployment.record());
        let settings =
            self.shared.planned.settings(&name).or_else(|| record.map(|record| record.settings.clone()));
        let Some(settings) = settings else {
            return Ok(Diagnostics::new());
        };
        let kind = kind_of::<F>(&settings, &id)?;
        let mut diagnostics = judge_config(kind, &settings, self.config);
        let old =
            record.and_then(|record| record.components.get(&id)).map(|membership| &membership.component);
        diagnostics.extend(judge_change(kind, &settings, old, self.config));
        self.decide(planned, kind, &settings);
        let inventory =
            match connection {
                Some(connection) if connection.preflight => {
                    Some(connection.engine.inventory().await.map_err(|error| {
                        message::engine(&format!("Cannot plan `{}`", id.link(&name)), &error)
                    })?)
                }
                Some(_) | None => None,
            };
        diagnostics.extend(self.flavour.plan(planned, connection, inventory.as_deref(), &settings));
        self.settle_nodes(planned, kind, &mut diagnostics);
        if !diagnostics.has_errors() && *planned != *self.prior {
            let sizes = Sizes { id: &id, kind, settings: &settings };
            diagnostics.extend(self.count(planned, &sizes, record, inventory.as_deref()));
        }
        Ok(diagnostics)
    }

    async fn deployment(
        &self,
        connection: Option<&Connection>,
        name: &str,
    ) -> Result<Option<Arc<engine::Deployment>>, Diagnostics> {
        let Some(connection) = connection else { return Ok(None) };
        let found = connection.engine.deployment(name).await;
        found.map_err(|error| message::engine(&format!("Cannot plan a component of `{name}`"), &error))
    }

    /// Counts and sizes that the user left open.
    fn decide(&self, planned: &mut Value, kind: &KindSpec, settings: &Settings) {
        if planned.get("node_count").is_unknown() && self.config.get("node_count").is_null() {
            set(planned, "node_count", i64::from(kind.default_count(settings.profile)));
        }
        let defaults = kind.default_size(settings.profile);
        let size = size::planned(self.config.get("node_size"), self.prior.get("node_size"), defaults);
        set(planned, "node_size", size);
    }

    /// Nodes stay known only while nothing about them changes and all are as they should be.
    fn settle_nodes(&self, planned: &mut Value, kind: &KindSpec, diagnostics: &mut Diagnostics) {
        if self.prior.is_null() {
            return;
        }
        let differs = |name: &str| self.prior.get(name) != planned.get(name);
        let quiet = ["timeouts", "force_delete", "nodes"];
        let members = planned.as_map().into_iter().flatten();
        let changed =
            members.map(|(name, _)| name.as_str()).any(|name| !quiet.contains(&name) && differs(name));
        let broken = broken_nodes(self.prior);
        let count = number(self.prior.get("node_count")).unwrap_or(1);
        let present = self.prior.get("nodes").as_sequence().unwrap_or_default().len();
        if !changed && broken == 0 && present == count as usize {
            return;
        }
        let resized =
            |name: &str| self.prior.get("node_size").get(name) != planned.get("node_size").get(name);
        let restarts = resized("cpus") || resized("memory_mib");
        set(planned, "nodes", Value::Unknown);
        if restarts {
            let available = match (kind.quorum, kind.drained) {
                _ if count == 1 => "and the service is away meanwhile: there is no other node",
                (true, true) => {
                    "each only when the cluster is whole again, and the one that takes writes last, when the load \
                     balancers have turned to another: the service stays available, and connections to the database \
                     are made anew once"
                }
                (true, false) => {
                    "each only when the cluster is whole again, so that the service stays available"
                }
                (false, true) => {
                    "each when the load balancers send it nothing new, so that the others go on serving as long as one \
                     of them is ready"
                }
                (false, false) => "so that the others go on serving",
            };
            let detail = format!("{present} nodes are powered off and on again, one at a time, {available}.");
            diagnostics.warning(Path::attribute("node_size"), "Nodes restart", detail);
        }
    }

    /// Addresses, hosts and space for the nodes that the plan adds.
    fn count(
        &self,
        planned: &Value,
        sizes: &Sizes<'_>,
        record: Option<&deploy::record::Record>,
        inventory: Option<&deploy::inventory::Inventory>,
    ) -> Diagnostics {
        let Some(component) = sizes.component(planned) else { return Diagnostics::new() };
        let before = number(self.prior.get("node_count")).unwrap_or_default();
        let new_nodes = component.node_count.saturating_sub(before);
        let mut diagnostics = Diagnostics::new();
        if let Some(release) = Release::find(&sizes.settings.release) {
            let found = preflight::check_disk(release, sizes.settings, component.size);
            diagnostics.extend(errors(found.into_iter().collect()));
        }
        if let Some(inventory) = inventory {
            let found =
                preflight::check_component(inventory, sizes.settings, sizes.kind, &component, new_nodes);
            diagnostics.extend(errors(found));
        }
        if let Err(why) = self.shared.planned.add(sizes.settings, record, sizes.id, component) {
            diagnostics.extend(error(
                "management_cluster_id",
                "Too few addresses",
                message::sentence(&why.to_string()),
            ));
        }
        diagnostics
    }
}

struct Sizes<'a> {
    id: &'a ComponentId,
    kind: &'a KindSpec,
    settings: &'a Settings,
}

impl Sizes<'_> {
    fn component(&self, planned: &Value) -> Option<Component> {
        if planned.get("node_count").is_unknown() || !planned.get("node_size").is_wholly_known() {
            return None;
        }
        Some(Component {
            node_count: number(planned.get("node_count")).unwrap_or(1),
            size: size::decode(planned.get("node_size"), self.kind, self.settings.profile),
            options: std::collections::BTreeMap::new(),
            overrides: Overrides::new(),
            compute: None,
            links: std::collections::BTreeMap::new(),
            ldap: None,
        })
    }
}

fn broken_nodes(state: &Value) -> usize {
    let nodes = state.get("nodes").as_sequence().unwrap_or_default();
    nodes.iter().filter(|node| node.get("state").as_str() != Some("ready")).count()
}

/// What the release knows of the kind, if users make it by this resource.
fn kind_of<F: Flavour>(settings: &Settings, id: &ComponentId) -> Result<&'static KindSpec, Diagnostics> {
    let release = Release::find(&settings.release);
    let made_here = || {
        let kinds = release.into_iter().flat_map(|release| release.kinds.values());
        let names: Vec<String> =
            kinds.filter(|kind| kind.resource == F::MADE_BY).map(|kind| format!("`{}`", kind.kind)).collect();
        names.join(", ")
    };
    match release.and_then(|release| release.kinds.get(&id.kind)) {
        Some(kind) if kind.resource == F::MADE_BY => Ok(kind),
        Some(_) | None => {
            let detail = format!(
                "The release `{}` has no `{}` that `{}` makes. It makes: {}.",
                settings.release,
                id.kind,
                F::TYPE_NAME,
                made_here()
            );
            Err(error("kind", "Unknown kind", detail))
        }
    }
}

/// What the release says against the count, the options and the overrides.
fn judge_config(kind: &KindSpec, settings: &Settings, config: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if let Some(count) = number(config.get("node_count"))
        && let Err(problem) = kind.check_count(count)
    {
        diagnostics.extend(error(
            "node_count",
            "Not a possible number of nodes",
            message::sentence(&problem.0),
        ));
    }
    if config.get("options").is_wholly_known()
        && let Ok(options) = decode_map(config.get("options"))
    {
        for problem in kind.check_options(&options) {
            let path = Path::attribute("options").then_key(&problem.name);
            diagnostics.error(path, "Not a possible option", message::sentence(&problem.message));
        }
    }
    let overrides = config.get("config_overrides");
    if overrides.is_wholly_known()
        && let (Some(release), Ok(overrides)) =
            (Release::find(&settings.release), decode_overrides(overrides))
    {
        for problem in kind.check_overrides(release, &overrides) {
            let path = Path::attribute("config_overrides").then_key(&problem.file);
            diagnostics.error(path, "Not a possible override", message::sentence(&problem.message));
        }
    }
    diagnostics
}

/// What the release says against going from the options in use to those that are wanted.
fn judge_change(
    kind: &KindSpec,
    settings: &Settings,
    old: Option<&Component>,
    config: &Value,
) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if let Some(old) = old
        && config.get("options").is_wholly_known()
        && let Ok(options) = decode_map(config.get("options"))
    {
        for problem in kind.check_changes(settings.profile, &old.options, &options) {
            let path = Path::attribute("options").then_key(&problem.name);
            diagnostics.error(path, "Not a possible change", message::sentence(&problem.message));
        }
    }
    diagnostics
}

type Map = std::collections::BTreeMap<String, String>;

fn decode_map(value: &Value) -> Result<Map, tf_core::DecodeError> {
    if value.is_null() { Ok(Map::new()) } else { Map::decode(value, &Path::attribute("options")) }
}

fn decode_overrides(value: &Value) -> Result<Overrides, tf_core::DecodeError> {
    if value.is_null() {
        Ok(Overrides::new())
    } else {
        Overrides::decode(value, &Path::attribute("config_overrides"))
    }
}

/// The component of a plan that is wholly known.
pub(super) fn component<F: Flavour>(flavour: &F, change: &Change<'_>) -> Result<Component, Diagnostics> {
    let malformed = |e: tf_core::DecodeError| crate::provider::malformed(&e);
    let planned = change.planned;
    let size = planned.get("node_size");
    let links =
        F::LINKS.iter().filter_map(|link| Some(((*link).to_owned(), text(planned.get(link))?))).collect();
    let whole = |name: &str| number(size.get(name)).unwrap_or_default();
    let mut component = Component {
        node_count: number(planned.get("node_count")).unwrap_or(1),
        size: deploy::release::Size {
            cpus: whole("cpus"),
            memory_mib: whole("memory_mib"),
            disk_gib: whole("disk_gib"),
        },
        options: decode_map(planned.get("options")).map_err(malformed)?,
        overrides: decode_overrides(planned.get("config_overrides")).map_err(malformed)?,
        compute: None,
        links,
        ldap: None,
    };
    flavour.settle(change, &mut component)?;
    Ok(component)
}
