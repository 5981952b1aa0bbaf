//! What the user wrote as the deployment's settings.

use deploy::release::Profile;
use deploy::secret::Secret;
use deploy::settings::{Backend, Certificate, Network, Settings, Syslog};
use tf_core::{Decode as _, Diagnostics, Field, Path, Value};

use crate::provider::malformed;
use crate::resource::values::error;
use crate::schema::{ExternalNetwork, ManagementClusterModel, ManagementNetwork};

/// Where settings come from: the plan has the values, the configuration has the write-only ones, and those that do
/// not change are in the record.
pub(super) struct Source<'a> {
    pub(super) planned: &'a Value,
    pub(super) config: &'a Value,
    pub(super) prior: &'a Value,
    pub(super) old: Option<&'a Settings>,
}

/// The settings of a wholly known plan.
pub(super) fn decode(source: &Source<'_>) -> Result<Settings, Diagnostics> {
    let root = Path::root();
    let model = ManagementClusterModel::decode(source.planned, &root).map_err(|e| malformed(&e))?;
    let management = known(model.management_network.clone(), "management_network")?;
    let external = known(model.external_network.clone(), "external_network")?;
    let profile: Profile = text(&model.profile).parse().unwrap_or_default();
    Ok(Settings {
        name: text(&model.name),
        release: text(&model.release),
        profile,
        datacenter: text(&model.datacenter),
        cluster: text(&model.cluster),
        datastore: text(&model.datastore),
        template: text(&model.template),
        linked_clones: model.linked_clones.known().copied().unwrap_or(true),
        anti_affinity: model.anti_affinity.known().copied().unwrap_or(true),
        public_hostname: external.hostname.known().cloned(),
        management: management_network(&management)?,
        external: external_network(&external)?,
        data_network: model.data_network.known().and_then(|data| data.network.known().cloned()),
        backend: backend(&model, source)?,
        admin_password: write_only(
            source,
            &["admin_password_wo"],
            source.old.and_then(|old| old.admin_password.clone()),
        ),
        certificate: certificate(&model, source)?,
        syslog: syslog(&model),
    })
}

fn known<T>(field: Field<T>, attribute: &str) -> Result<T, Diagnostics> {
    field.into_known().ok_or_else(|| error(attribute, "Missing value", format!("Set `{attribute}`.")))
}

fn text(field: &Field<String>) -> String {
    field.known().cloned().unwrap_or_default()
}

fn list(field: &Field<Vec<String>>) -> Vec<String> {
    field.known().cloned().unwrap_or_default()
}

pub(super) fn management_network(network: &ManagementNetwork) -> Result<Network, Diagnostics> {
    Ok(Network {
        network: text(&network.network),
        cidr: text(&network.cidr),
        gateway: address("management_network", &text(&network.gateway))?,
        dns_servers: list(&network.dns_servers),
        ntp_servers: list(&network.ntp_servers),
        ip_ranges: list(&network.ip_ranges),
        vip: network.vip.known().map(|vip| address("management_network", vip)).transpose()?,
    })
}

pub(super) fn external_network(network: &ExternalNetwork) -> Result<Network, Diagnostics> {
    Ok(Network {
        network: text(&network.network),
        cidr: text(&network.cidr),
        gateway: address("external_network", &text(&network.gateway))?,
        dns_servers: Vec::new(),
        ntp_servers: Vec::new(),
        ip_ranges: list(&network.ip_ranges),
        vip: network.vip.known().map(|vip| address("external_network", vip)).transpose()?,
    })
}

fn address(attribute: &str, text: &str) -> Result<std::net::Ipv4Addr, Diagnostics> {
    text.parse().map_err(|_| error(attribute, "Not an address", format!("`{text}` is not an IPv4 address.")))
}

fn backend(model: &ManagementClusterModel, source: &Source<'_>) -> Result<Backend, Diagnostics> {
    let Some(networking) = model.networking.known() else { return Ok(Backend::Dvs) };
    if text(&networking.backend) != "nsx" {
        return Ok(Backend::Dvs);
    }
    let Some(nsx) = networking.nsx.known() else {
        let detail = "With `backend = \"nsx\"`, say where the NSX Manager is: set `networking.nsx`.";
        return Err(error("networking", "Missing NSX Manager", detail));
    };
    let old = match source.old.map(|old| &old.backend) {
        Some(Backend::Nsx { password, .. }) => Some(password.clone()),
        Some(Backend::Dvs) | None => None,
    };
    let password = write_only(source, &["networking", "nsx", "password_wo"], old).ok_or_else(|| {
        error(
            "networking",
            "Missing password",
            "Set `networking.nsx.password_wo`: NSX Manager cannot be used without it.",
        )
    })?;
    Ok(Backend::Nsx {
        manager: text(&nsx.manager),
        user: text(&nsx.user),
        password,
        ca_certificate_pem: nsx.ca_certificate_pem.known().cloned(),
        transport_zone: text(&nsx.transport_zone),
    })
}

fn certificate(
    model: &ManagementClusterModel,
    source: &Source<'_>,
) -> Result<Option<Certificate>, Diagnostics> {
    let Some(certificate) = model.certificate.known() else { return Ok(None) };
    let old = source.old.and_then(|old| old.certificate.as_ref()).map(|old| old.private_key_pem.clone());
    let key = write_only(source, &["certificate", "private_key_pem_wo"], old).ok_or_else(|| {
        error(
            "certificate",
            "Missing private key",
            "Set `certificate.private_key_pem_wo`, the certificate's key.",
        )
    })?;
    Ok(Some(Certificate { certificate_pem: text(&certificate.certificate_pem), private_key_pem: key }))
}

fn syslog(model: &ManagementClusterModel) -> Option<Syslog> {
    let syslog = model.syslog.known()?;
    Some(Syslog {
        host: text(&syslog.host),
        port: syslog.port.known().and_then(|port| u16::try_from(*port).ok()).unwrap_or(514),
        protocol: syslog.protocol.known().cloned().unwrap_or_else(|| "udp".to_owned()),
    })
}

/// A write-only value: the configuration's when its version changed or there is none yet, else the one in use. A
/// value that is drawn anew at every run would otherwise change at every run.
fn write_only(source: &Source<'_>, path: &[&str], in_use: Option<Secret>) -> Option<Secret> {
    let (name, outer) = path.split_last()?;
    let within = |value: &Value| outer.iter().fold(value.clone(), |value, step| value.get(step).clone());
    let given = within(source.config).get(name).as_str().map(Secret::new);
    let version = format!("{name}_version");
    let same = within(source.planned).get(&version) == within(source.prior).get(&version);
    match (in_use, given) {
        (Some(in_use), Some(_)) if same && !source.prior.is_null() => Some(in_use),
        (_, Some(given)) => Some(given),
        // Taking the value out of the configuration takes it out of the deployment where that is possible.
        (in_use, None) => in_use.filter(|_| *name != "admin_password_wo" || same && !source.prior.is_null()),
    }
}
