//! The deployment as the state shows it: what its record says, in the user's spelling.

use deploy::name::image_name;
use deploy::pki;
use deploy::record::Record;
use deploy::settings::{Backend, Network};
use engine::{Deployment, Error};
use tf_core::Value;

use crate::resource::values::{set, text};
use crate::schema::{ManagementClusterModel, provider_schema};

/// What an import knows.
pub(super) fn stub(name: &str) -> Value {
    let mut state = null();
    set(&mut state, "id", name);
    set(&mut state, "name", name);
    state
}

/// The plan of a create that failed, with nothing in place of what is not known.
pub(super) fn begun(planned: &Value) -> Value {
    let Some(members) = planned.as_map() else { return Value::Null };
    let known = |value: &Value| if value.is_wholly_known() { value.clone() } else { Value::Null };
    Value::Map(members.iter().map(|(name, value)| (name.clone(), known(value))).collect())
}

fn null() -> Value {
    let schema = provider_schema().resources.get(ManagementClusterModel::TYPE_NAME);
    let attributes =
        schema.map(|schema| schema.attributes.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    Value::Map(attributes.into_iter().map(|name| (name, Value::Null)).collect())
}

/// The state of a deployment. `before` has what vCenter does not know: versions of write-only values, timeouts, and
/// whether the user wrote out what is the default anyway.
pub(super) fn from_deployment(deployment: &Deployment, before: &Value) -> Result<Value, Error> {
    let Some(record) = deployment.record() else { return Ok(Value::Null) };
    let settings = &record.settings;
    let mut state = null();
    set(&mut state, "id", settings.name.as_str());
    for (name, value) in [
        ("name", &settings.name),
        ("release", &settings.release),
        ("datacenter", &settings.datacenter),
        ("cluster", &settings.cluster),
        ("datastore", &settings.datastore),
        ("template", &settings.template),
    ] {
        set(&mut state, name, value.as_str());
    }
    set(&mut state, "profile", settings.profile.as_str());
    set(&mut state, "linked_clones", settings.linked_clones);
    set(&mut state, "anti_affinity", settings.anti_affinity);
    set(&mut state, "management_network", management_network(&settings.management));
    set(&mut state, "external_network", external_network(record));
    let data = settings.data_network.as_ref().map(|network| object([("network", network.as_str().into())]));
    set(&mut state, "data_network", data);
    set(&mut state, "networking", networking(&settings.backend, before.get("networking")));
    set(&mut state, "certificate", certificate(record, before.get("certificate")));
    set(&mut state, "syslog", syslog(record));
    for name in ["admin_password_wo_version", "timeouts"] {
        set(&mut state, name, before.get(name).clone());
    }
    computed(&mut state, record)?;
    set(&mut state, "folder", deployment.folder_path.as_str());
    set(&mut state, "resource_pool", resource_pool(deployment));
    set(&mut state, "image", format!("{}/{}", deployment.folder_path, image_name(&deployment.name)));
    Ok(state)
}

/// The state of a deployment as vCenter shows it: what was removed there is null, and anti-affinity is what its rules
/// say. Once all is as the record wants it, that is [`from_deployment`].
pub(super) fn as_seen(deployment: &Deployment, before: &Value) -> Result<Value, Error> {
    let mut state = from_deployment(deployment, before)?;
    let observed = &deployment.observed;
    if !observed.folder {
        set(&mut state, "folder", Value::Null);
    }
    if !deployment.has_whole_image() {
        set(&mut state, "image", Value::Null);
    }
    if let (Some(record), Some(desired)) = (deployment.record(), deployment.desired()) {
        let as_wanted = deploy::plan::rules_stand(desired, observed);
        set(&mut state, "anti_affinity", record.settings.anti_affinity == as_wanted);
    }
    Ok(state)
}

/// The state of a deployment that has no image.
pub(super) fn without_image(state: &Value) -> Value {
    let mut state = state.clone();
    set(&mut state, "image", Value::Null);
    state
}

/// What follows from the record alone.
fn computed(state: &mut Value, record: &Record) -> Result<(), Error> {
    set(state, "internal_vip", record.internal_vip.to_string());
    set(state, "public_vip", record.public_vip.to_string());
    for (name, value) in super::plan::addresses(&record.settings, record.public_vip) {
        set(state, name, value);
    }
    set(state, "ca_certificate_pem", pki::ca_certificate_pem(record)?);
    Ok(())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn management_network(network: &Network) -> Value {
    object([
        ("network", network.network.as_str().into()),
        ("cidr", network.cidr.as_str().into()),
        ("gateway", network.gateway.to_string().into()),
        ("dns_servers", network.dns_servers.clone().into()),
        ("ntp_servers", network.ntp_servers.clone().into()),
        ("ip_ranges", network.ip_ranges.clone().into()),
        ("vip", network.vip.map(|vip| vip.to_string()).into()),
    ])
}

fn external_network(record: &Record) -> Value {
    let network = &record.settings.external;
    object([
        ("network", network.network.as_str().into()),
        ("cidr", network.cidr.as_str().into()),
        ("gateway", network.gateway.to_string().into()),
        ("ip_ranges", network.ip_ranges.clone().into()),
        ("vip", network.vip.map(|vip| vip.to_string()).into()),
        ("hostname", record.settings.public_hostname.clone().into()),
    ])
}

/// The distributed switch is the default: it is shown only to who wrote it out.
fn networking(backend: &Backend, before: &Value) -> Value {
    match backend {
        Backend::Dvs if before.is_null() => Value::Null,
        Backend::Dvs => object([("backend", "dvs".into()), ("nsx", Value::Null)]),
        Backend::Nsx { manager, user, password: _, ca_certificate_pem, transport_zone } => {
            let nsx = object([
                ("manager", manager.as_str().into()),
                ("user", user.as_str().into()),
                ("password_wo", Value::Null),
                ("password_wo_version", before.get("nsx").get("password_wo_version").clone()),
                ("ca_certificate_pem", ca_certificate_pem.clone().into()),
                ("transport_zone", transport_zone.as_str().into()),
            ]);
            object([("backend", "nsx".into()), ("nsx", nsx)])
        }
    }
}

fn certificate(record: &Record, before: &Value) -> Value {
    let Some(certificate) = &record.settings.certificate else { return Value::Null };
    object([
        ("certificate_pem", certificate.certificate_pem.as_str().into()),
        ("private_key_pem_wo", Value::Null),
        ("private_key_pem_wo_version", before.get("private_key_pem_wo_version").clone()),
    ])
}

fn syslog(record: &Record) -> Value {
    let Some(syslog) = &record.settings.syslog else { return Value::Null };
    object([
        ("host", syslog.host.as_str().into()),
        ("port", i64::from(syslog.port).into()),
        ("protocol", syslog.protocol.as_str().into()),
    ])
}

/// Inventory path of the pool: a root pool has no name that users see but `Resources`.
fn resource_pool(deployment: &Deployment) -> Value {
    let pool = deployment.inventory.deployment_pool(&deployment.name);
    pool.map(|(cluster, pool)| format!("{}/Resources/{}", cluster.entity.path, pool.name)).into()
}

/// The name that a state or configuration gives.
pub(super) fn name_of(value: &Value) -> Option<String> {
    text(value.get("name"))
}
