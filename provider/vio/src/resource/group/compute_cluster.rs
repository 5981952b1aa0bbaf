//! `vio_compute_cluster`: a vSphere cluster for tenants, and the node that drives it.

use std::collections::{BTreeMap, BTreeSet};

use deploy::inventory::{Cluster, Inventory, LookupError};
use deploy::name::ComponentId;
use deploy::preflight::Finding;
use deploy::release::Resource;
use deploy::secret::Secret;
use deploy::settings::{Component, Compute, Settings, Vcenter};
use tf_core::{Diagnostics, Value};

use super::{Change, Flavour};
use crate::connection::Connection;
use crate::message::sentence;
use crate::resource::values::{error, errors, set, text};

/// The flavour of `vio_compute_cluster`.
pub(crate) struct ComputeCluster;

impl Flavour for ComputeCluster {
    const TYPE_NAME: &'static str = "vio_compute_cluster";
    const MADE_BY: Resource = Resource::ComputeCluster;
    const LINKS: &'static [&'static str] = &["controller_pool_id"];

    fn component(&self, value: &Value) -> Option<ComponentId> {
        let (datacenter, cluster) = (text(value.get("datacenter"))?, text(value.get("cluster"))?);
        Some(ComponentId::compute(last(&datacenter), last(&cluster)))
    }

    fn parse_id(&self, id: &str) -> Option<(String, ComponentId)> {
        let (deployment, rest) = id.split_once("/compute/")?;
        let (datacenter, cluster) = rest.split_once('/')?;
        Some((deployment.to_owned(), ComponentId::compute(datacenter, cluster)))
    }

    fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("datastores").as_sequence() {
            Some([]) => {
                error("datastores", "No datastore", "Name at least one datastore for the tenants' disks.")
            }
            Some(_) | None => Diagnostics::new(),
        }
    }

    fn plan(
        &self,
        planned: &mut Value,
        _connection: Option<&Connection>,
        inventory: Option<&Inventory>,
        management: &Settings,
    ) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        let (Some(datacenter), Some(cluster)) =
            (text(planned.get("datacenter")), text(planned.get("cluster")))
        else {
            return diagnostics;
        };
        if last(&datacenter) == last(&management.datacenter) && last(&cluster) == last(&management.cluster) {
            let detail = format!(
                "`{cluster}` is the management cluster, which runs the control plane. Name another cluster for tenants."
            );
            diagnostics.extend(error("cluster", "Not a cluster for tenants", detail));
        }
        let elsewhere = !planned.get("vcenter").is_null();
        if let Some(inventory) = inventory.filter(|_| !elsewhere) {
            match find(inventory, &datacenter, &cluster) {
                Ok(found) => {
                    set(planned, "cluster_moid", found.entity.moid.as_str());
                    diagnostics.extend(errors(check_datastores(inventory, found, planned.get("datastores"))));
                }
                Err((attribute, why)) => {
                    diagnostics.extend(error(
                        attribute,
                        "No such object in vCenter",
                        sentence(&why.to_string()),
                    ));
                }
            }
        }
        diagnostics
    }

    fn settle(&self, change: &Change<'_>, component: &mut Component) -> Result<(), Diagnostics> {
        let planned = change.planned;
        let text_of = |name: &str| text(planned.get(name)).unwrap_or_default();
        let (datacenter, cluster) = (text_of("datacenter"), text_of("cluster"));
        let datastores = planned.get("datastores").as_sequence().unwrap_or_default();
        let elsewhere = planned.get("vcenter");
        let cluster_moid = match elsewhere.is_null() {
            true => {
                let found = find(change.inventory, &datacenter, &cluster);
                let found = found.map_err(|(attribute, why)| {
                    error(attribute, "No such object in vCenter", sentence(&why.to_string()))
                })?;
                found.entity.moid.clone()
            }
            // Nova finds it by its name there; the provider has no session with that vCenter.
            false => String::new(),
        };
        component.compute = Some(Compute {
            datastores: datastores.iter().filter_map(text).collect::<BTreeSet<String>>(),
            availability_zone: text_of("availability_zone"),
            vcenter: vcenter(change, elsewhere)?,
            elsewhere: !elsewhere.is_null(),
            force_delete: planned.get("force_delete").as_bool(),
            datacenter,
            cluster,
            cluster_moid,
        });
        Ok(())
    }

    fn show(&self, component: &Component, _id: &ComponentId, state: &mut Value, before: &Value) {
        let Some(compute) = &component.compute else { return };
        set(state, "datacenter", compute.datacenter.as_str());
        set(state, "cluster", compute.cluster.as_str());
        set(state, "datastores", compute.datastores.iter().cloned().collect::<Vec<String>>());
        set(state, "availability_zone", compute.availability_zone.as_str());
        set(state, "cluster_moid", compute.cluster_moid.as_str());
        set(state, "force_delete", compute.force_delete);
        if compute.elsewhere {
            let version = before.get("vcenter").get("password_wo_version").clone();
            set(state, "vcenter", shown(&compute.vcenter, version));
        }
    }

    fn tenants(&self, state: &Value) -> Option<(String, String)> {
        let forced = state.get("force_delete").as_bool() == Some(true);
        let elsewhere = !state.get("vcenter").is_null();
        let names = text(state.get("datacenter")).zip(text(state.get("cluster")));
        names.filter(|_| !forced && !elsewhere)
    }
}

/// The last part of a name or path: what ids are made of.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn find<'a>(
    inventory: &'a Inventory,
    datacenter: &str,
    cluster: &str,
) -> Result<&'a Cluster, (&'static str, LookupError)> {
    let datacenter = inventory.datacenter(datacenter).map_err(|why| ("datacenter", why))?;
    inventory.cluster(datacenter, cluster).map_err(|why| ("cluster", why))
}

fn check_datastores(inventory: &Inventory, cluster: &Cluster, names: &Value) -> Vec<Finding> {
    let names = names.as_sequence().unwrap_or_default().iter().filter_map(Value::as_str);
    let problems = names.filter_map(|name| inventory.datastore(cluster, name).err());
    problems
        .map(|why| Finding {
            attribute: vec!["datastores"],
            summary: "No such object in vCenter".to_owned(),
            detail: sentence(&why.to_string()),
        })
        .collect()
}

/// The vCenter that Nova talks to: the one named, else the provider's own.
fn vcenter(change: &Change<'_>, planned: &Value) -> Result<Vcenter, Diagnostics> {
    if planned.is_null() {
        let access = &change.connection.access;
        return Ok(Vcenter {
            server: access.server.clone(),
            user: access.user.clone(),
            password: Secret::new(access.password.expose()),
            ca_certificate_pem: access.ca_certificate_pem.clone(),
        });
    }
    let version = |value: &Value| value.get("vcenter").get("password_wo_version").clone();
    let in_use =
        change.old.and_then(|old| old.compute.as_ref()).map(|compute| compute.vcenter.password.clone());
    let given = change.config.get("vcenter").get("password_wo").as_str().map(Secret::new);
    let same = version(change.planned) == version(change.prior) && !change.prior.get("vcenter").is_null();
    let password = if same { in_use.or(given) } else { given };
    let password = password.ok_or_else(|| {
        error("vcenter", "Missing password", "Set `vcenter.password_wo`: Nova cannot work without it.")
    })?;
    Ok(Vcenter {
        server: text(planned.get("server")).unwrap_or_default(),
        user: text(planned.get("user")).unwrap_or_default(),
        password,
        ca_certificate_pem: text(planned.get("ca_certificate_pem")),
    })
}

fn shown(vcenter: &Vcenter, version: Value) -> Value {
    let members: BTreeMap<String, Value> = [
        ("server", vcenter.server.as_str().into()),
        ("user", vcenter.user.as_str().into()),
        ("password_wo", Value::Null),
        ("password_wo_version", version),
        ("ca_certificate_pem", vcenter.ca_certificate_pem.clone().into()),
    ]
    .into_iter()
    .map(|(name, value): (&str, Value)| (name.to_owned(), value))
    .collect();
    Value::Map(members)
}
