//! From the provider block and the environment to a client of vCenter. Nothing is dialled here.

use std::time::Duration;

use engine::{Engine, Limits, NsxOptions};
use tf_core::{Diagnostics, Field, Path, Secret};
use vim::{Client, ClientConfig, TlsPolicy};

use crate::schema::ProviderModel;

const DEFAULT_API_TIMEOUT: &str = "5m";
const DEFAULT_CLONES: i64 = 8;
/// Room for reads beside the clones.
const EXTRA_CONNECTIONS: usize = 8;

/// How a vCenter is reached, as compute drivers need it too.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) server: String,
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) ca_certificate_pem: Option<String>,
}

/// The engine over the vCenter of the provider block, and how it is reached.
pub(crate) struct Connection {
    pub(crate) engine: Engine,
    pub(crate) access: Access,
    pub(crate) preflight: bool,
}

/// Why there is no connection.
pub(crate) enum Unusable {
    /// Values are missing.
    Missing(Diagnostics),
    /// Values cannot be used.
    Malformed(Diagnostics),
}

/// Where the environment is asked; a test asks a map.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// True when a value that the connection needs is not known yet, so that nothing can be asked of vCenter.
pub(crate) fn is_unknown(model: &ProviderModel) -> bool {
    let ProviderModel {
        vsphere_server,
        user,
        password,
        allow_unverified_ssl,
        ca_certificate_pem,
        server_thumbprint,
        api_timeout,
        max_concurrent_clones,
        preflight,
    } = model;
    vsphere_server.is_unknown()
        || user.is_unknown()
        || password.is_unknown()
        || allow_unverified_ssl.is_unknown()
        || ca_certificate_pem.is_unknown()
        || server_thumbprint.is_unknown()
        || api_timeout.is_unknown()
        || max_concurrent_clones.is_unknown()
        || preflight.is_unknown()
}

/// Makes the connection.
///
/// # Errors
/// [`Unusable::Missing`] when a value is not given at all: an error only for who needs vCenter.
/// [`Unusable::Malformed`] when one cannot be used, on its attribute.
pub(crate) fn connect(
    model: &ProviderModel,
    environment: Environment<'_>,
    user_agent: &str,
) -> Result<Connection, Unusable> {
    let mut missing = Diagnostics::new();
    let mut needed = |attribute: &str, value: Option<String>, variable: &str| {
        let value = value.or_else(|| environment(variable)).filter(|text| !text.is_empty());
        if value.is_none() {
            let detail =
                format!("Set `{attribute}` in the provider block, or the environment variable {variable}.");
            missing.error(Path::root(), "Missing provider configuration", detail);
        }
        value.unwrap_or_default()
    };
    let server = needed("vsphere_server", model.vsphere_server.known().cloned(), "VSPHERE_SERVER");
    let user = needed("user", model.user.known().cloned(), "VSPHERE_USER");
    let password = model.password.known().map(|secret| secret.expose().to_owned());
    let password = Secret::new(needed("password", password, "VSPHERE_PASSWORD"));
    if missing.has_errors() {
        return Err(Unusable::Missing(missing));
    }
    let tls = tls(model, environment).map_err(Unusable::Malformed)?;
    let ca_certificate_pem = setting(&model.ca_certificate_pem, environment, "VIO_CA_CERTIFICATE_PEM");
    let access = Access { server, user, password, ca_certificate_pem };
    let clones = model.max_concurrent_clones.known().copied().unwrap_or(DEFAULT_CLONES);
    let max_concurrent_clones = usize::try_from(clones).unwrap_or(1);
    let client = Client::new(ClientConfig {
        server: access.server.clone(),
        user: access.user.clone(),
        password: vim::Secret::new(access.password.expose()),
        tls,
        api_timeout: api_timeout(model),
        max_connections: max_concurrent_clones + EXTRA_CONNECTIONS,
        user_agent: user_agent.to_owned(),
        vm_watch_paths: Engine::watched_paths(),
    });
    let client = client.map_err(|error| Unusable::Malformed(crate::message::connection(&error)))?;
    let nsx = NsxOptions { api_timeout: api_timeout(model), user_agent: user_agent.to_owned() };
    let engine = Engine::new(client, Limits { max_concurrent_clones }, nsx);
    Ok(Connection { engine, access, preflight: model.preflight.known().copied().unwrap_or(true) })
}

fn api_timeout(model: &ProviderModel) -> Duration {
    let text = model.api_timeout.known().map_or(DEFAULT_API_TIMEOUT, String::as_str);
    tf_core::parse_duration(text).unwrap_or(Duration::from_secs(300))
}

fn setting(field: &Field<String>, environment: Environment<'_>, variable: &str) -> Option<String> {
    field.known().cloned().or_else(|| environment(variable)).filter(|text| !text.is_empty())
}

fn tls(model: &ProviderModel, environment: Environment<'_>) -> Result<TlsPolicy, Diagnostics> {
    const VARIABLE: &str = "VSPHERE_ALLOW_UNVERIFIED_SSL";
    let unverified = match (model.allow_unverified_ssl.known(), environment(VARIABLE).as_deref()) {
        (Some(value), _) => *value,
        (None, None | Some("" | "0" | "false" | "False" | "FALSE")) => false,
        (None, Some("1" | "true" | "True" | "TRUE")) => true,
        (None, Some(other)) => {
            let detail =
                format!("The environment variable {VARIABLE} is `{other}`; set it to `true` or `false`.");
            let mut diagnostics = Diagnostics::new();
            diagnostics.error(Path::attribute("allow_unverified_ssl"), "Not a truth value", detail);
            return Err(diagnostics);
        }
    };
    if unverified {
        return Ok(TlsPolicy::Insecure);
    }
    Ok(match setting(&model.server_thumbprint, environment, "VIO_SERVER_THUMBPRINT") {
        Some(thumbprint) => TlsPolicy::Thumbprint(thumbprint),
        None => TlsPolicy::Verify {
            extra_ca_pem: setting(&model.ca_certificate_pem, environment, "VIO_CA_CERTIFICATE_PEM"),
        },
    })
}
