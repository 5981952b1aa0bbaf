//! What can be said of a deployment before anything is done.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use deploy::observed::{Node, Observed};
use deploy::preflight;
use deploy::record::{Record, virtual_address};
use deploy::release::Release;
use deploy::settings::{Network, Settings};
use tf_core::{Decode as _, Diagnostics, Path, Value};
use tf_server::{PlanRequest, PlanResponse};

use super::settings::{self, Source};
use super::state;
use crate::connection::Connection;
use crate::message;
use crate::provider::Shared;
use crate::resource::values::{error, errors, set, text};
use crate::schema::{ExternalNetwork, ManagementNetwork};

/// What is wrong whatever vCenter holds.
pub(super) fn validate(config: &Value) -> Diagnostics {
    let mut diagnostics = check_release(config.get("release"));
    diagnostics.extend(check_networks(config));
    diagnostics
}

fn check_release(release: &Value) -> Diagnostics {
    let Some(id) = release.as_str() else { return Diagnostics::new() };
    if Release::find(id).is_some() {
        return Diagnostics::new();
    }
    let known: Vec<String> = Release::all().iter().map(|r| format!("`{}` ({})", r.id, r.title)).collect();
    error(
        "release",
        "Unknown release",
        format!("There is no release `{id}`. There are: {}.", known.join(", ")),
    )
}

fn check_networks(config: &Value) -> Diagnostics {
    let management = known_network(config.get("management_network"), |value| {
        settings::management_network(&ManagementNetwork::decode(value, &Path::root()).ok()?).ok()
    });
    let external = known_network(config.get("external_network"), |value| {
        settings::external_network(&ExternalNetwork::decode(value, &Path::root()).ok()?).ok()
    });
    errors(preflight::check_networks(management.as_ref(), external.as_ref()))
}

fn known_network(value: &Value, read: impl Fn(&Value) -> Option<Network>) -> Option<Network> {
    if value.is_wholly_known() { read(value) } else { None }
}

/// Plans a deployment.
pub(super) async fn plan(shared: &Shared, request: PlanRequest) -> PlanResponse {
    let PlanRequest { prior, config, mut planned, requires_replace, private } = request;
    let mut diagnostics = Diagnostics::new();
    if !planned.is_null() {
        diagnostics = match fill(shared, &prior, &config, &mut planned).await {
            Ok(found) | Err(found) => found,
        };
        match requires_replace.first() {
            None => diagnostics.extend(refused_changes(&prior, &planned)),
            Some(attribute) => {
                let detail = "Folder, resource pool, image and record are removed and made anew, for which every node of the \
                              deployment must be removed. Nothing stays available, and what the nodes hold is lost.";
                diagnostics.warning(attribute.clone(), "The deployment is replaced", detail);
            }
        }
    }
    PlanResponse { planned, requires_replace, private, diagnostics }
}

async fn fill(
    shared: &Shared,
    prior: &Value,
    config: &Value,
    planned: &mut Value,
) -> Result<Diagnostics, Diagnostics> {
    if let Some(name) = state::name_of(planned) {
        set(planned, "id", name);
    }
    let connection = shared.connection()?;
    if !is_decided(planned) {
        return Ok(Diagnostics::new());
    }
    let name = state::name_of(planned).unwrap_or_default();
    let title = format!("Cannot plan the deployment `{name}`");
    let found = match connection {
        Some(connection) => {
            connection.engine.deployment(&name).await.map_err(|e| message::engine(&title, &e))?
        }
        None => None,
    };
    let record = found.as_ref().and_then(|deployment| deployment.record());
    let old = record.map(|record| &record.settings);
    let source = Source { planned, config, prior, old };
    let settings = match settings::decode(&source) {
        Ok(settings) => settings,
        // A write-only value may be unknown until apply; what depends on it is judged then.
        Err(_) if !config.is_wholly_known() => return Ok(Diagnostics::new()),
        Err(diagnostics) => return Err(diagnostics),
    };
    if connection.is_some() {
        mend(prior, planned, record.is_some());
    }
    promise(planned, record, &settings)?;
    shared.planned.remember(settings.clone());
    let mut diagnostics = Diagnostics::new();
    if let Some(deployment) = &found {
        diagnostics.extend(reconnections(prior, planned, &deployment.observed));
        diagnostics.extend(kept_template(prior, planned, &deployment.observed));
    }
    if *planned != *prior {
        if let Some(taken) = found.as_ref().and_then(|deployment| deployment.refuse_foreign().err()) {
            diagnostics.extend(error("name", "Folder of another", message::sentence(&taken.to_string())));
        }
        if let Some(connection) = connection.filter(|connection| connection.preflight) {
            let makes_image = match (&found, old) {
                (Some(deployment), Some(old)) => {
                    !deployment.has_source() || old.template != settings.template
                }
                (_, _) => true,
            };
            diagnostics.extend(judge(connection, &settings, makes_image, &title).await?);
        }
    }
    Ok(diagnostics)
}

/// Says what another network means for the nodes that are connected to the present one.
fn reconnections(prior: &Value, planned: &Value, observed: &Observed) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for name in ["management_network", "external_network", "data_network"] {
        let network = |value: &Value| text(value.get(name).get("network"));
        let (Some(before), Some(after)) = (network(prior), network(planned)) else { continue };
        let connected = |node: &&Node| node.place.networks.iter().any(|network| network.is_called(&before));
        let nodes = observed.nodes.values().filter(connected).count();
        if before != after && nodes > 0 {
            let detail = format!(
                "The adapters that {nodes} nodes have in `{before}` are connected to `{after}` while the nodes run, all at \
                 once. No node restarts; what stays available depends on `{after}` reaching what `{before}` reached."
            );
            let path = Path::attribute(name).then_attribute("network");
            diagnostics.warning(path, "Nodes are connected to another network", detail);
        }
    }
    diagnostics
}

/// Says whom another template does not concern.
fn kept_template(prior: &Value, planned: &Value, observed: &Observed) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let template = |value: &Value| text(value.get("template"));
    let (Some(before), Some(after)) = (template(prior), template(planned)) else { return diagnostics };
    let nodes = observed.nodes.len();
    if before != after && nodes > 0 {
        let detail = format!(
            "{nodes} nodes keep what they were made from; new nodes are made from `{after}`, and so is a node whose VM was \
             removed."
        );
        diagnostics.warning(Path::attribute("template"), "Existing nodes keep their template", detail);
    }
    diagnostics
}

/// True when everything but computed values is known.
fn is_decided(planned: &Value) -> bool {
    let computed = [
        "id",
        "internal_vip",
        "public_vip",
        "endpoints",
        "dashboard_url",
        "ca_certificate_pem",
        "folder",
        "resource_pool",
        "image",
    ];
    let members = planned.as_map().into_iter().flatten();
    members.filter(|(name, _)| !computed.contains(&name.as_str())).all(|(_, value)| value.is_wholly_known())
}

/// What a refresh did not find is made again; an authority follows from the record's secret, and a new record has another.
fn mend(prior: &Value, planned: &mut Value, has_record: bool) {
    if prior.is_null() {
        return;
    }
    for name in ["folder", "resource_pool", "image"] {
        if prior.get(name).is_null() {
            set(planned, name, Value::Unknown);
        }
    }
    if !has_record {
        set(planned, "ca_certificate_pem", Value::Unknown);
    }
}

/// Addresses follow from the networks, so that they are known before anything is made.
fn promise(planned: &mut Value, record: Option<&Record>, settings: &Settings) -> Result<(), Diagnostics> {
    let fail = |network: &'static str| {
        move |why: deploy::Error| {
            error(network, "Address cannot be used", message::sentence(&why.to_string()))
        }
    };
    let (internal, public) = match record {
        Some(record) => {
            let next = record.with_settings(settings.clone()).map_err(fail("management_network"))?;
            (next.internal_vip, next.public_vip)
        }
        None => (
            virtual_address(&settings.management, "management").map_err(fail("management_network"))?,
            virtual_address(&settings.external, "external").map_err(fail("external_network"))?,
        ),
    };
    set(planned, "internal_vip", internal.to_string());
    set(planned, "public_vip", public.to_string());
    for (name, value) in addresses(settings, public) {
        set(planned, name, value);
    }
    Ok(())
}

/// The endpoints that every deployment of the release has, and the dashboard's address.
pub(super) fn addresses(settings: &Settings, public: Ipv4Addr) -> [(&'static str, Value); 2] {
    let host = settings.public_hostname.clone().unwrap_or_else(|| public.to_string());
    let release = Release::find(&settings.release);
    let endpoints = release.map(|release| release.endpoints(&host, &BTreeSet::new())).unwrap_or_default();
    let dashboard = release.map(|release| release.dashboard_url(&host));
    [("endpoints", endpoints.into()), ("dashboard_url", dashboard.into())]
}

/// Everything that vCenter can say against it. The template matters only while an image is to be made of it.
async fn judge(
    connection: &Connection,
    settings: &Settings,
    makes_image: bool,
    title: &str,
) -> Result<Diagnostics, Diagnostics> {
    let fail = |error: engine::Error| message::engine(title, &error);
    let inventory = connection.engine.inventory().await.map_err(fail)?;
    let mut findings = errors(preflight::check_placement(&inventory, settings));
    if makes_image && inventory.datacenter(&settings.datacenter).is_ok() {
        match connection.engine.template(&settings.datacenter, &settings.template).await {
            Ok(template) => {
                findings.extend(errors(preflight::check_template(&template).into_iter().collect()))
            }
            Err(why @ engine::Error::NoTemplate(_)) => {
                findings.extend(error(
                    "template",
                    "No such object in vCenter",
                    message::sentence(&why.to_string()),
                ));
            }
            Err(why) => return Err(fail(why)),
        }
    }
    findings.extend(errors(connection.engine.check_nsx(&settings.backend).await));
    Ok(findings)
}

/// Changes that cannot be made to a deployment that exists.
fn refused_changes(prior: &Value, planned: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    if prior.is_null() {
        return diagnostics;
    }
    let changed = |name: &str| {
        let (before, after) = (text(prior.get(name)), text(planned.get(name)));
        before.filter(|before| after.as_ref().is_some_and(|after| after != before))
    };
    if let Some(before) = changed("release") {
        let detail = format!(
            "The deployment runs `{before}`. Its databases would have to be migrated from release to release, which this \
             version of the provider does not do. Keep `release = \"{before}\"`, or make a new deployment and move to it."
        );
        diagnostics.extend(error("release", "A release cannot be changed in place", detail));
    }
    diagnostics
}
