//! How templates come by secrets: they ask for a purpose, and nothing else in a view is secret.

use std::collections::BTreeMap;

use crate::release::KindSpec;

use super::view::NodeView;

/// Where secrets come from. The same purpose gives the same secret until it is rotated.
pub trait SecretSource {
    /// The secret for a purpose, for example `database_root`; none if the deployment has no such secret. Purposes are
    /// those that the kinds declare (`secrets` in their `kind.hcl`): derived ones, and the given ones `admin` (password of
    /// the cloud administrator, derived where none is given), `nsx` (password of the NSX manager) and `vcenter:<id>`
    /// (password of a compute cluster's vCenter; declared as `vcenter`). A derived secret is 32 bytes in URL-safe base64
    /// without padding, so that it can stand in a URL, in SQL and, padded, as a Fernet key.
    fn secret(&self, purpose: &str) -> Option<String>;

    /// The private key of the public VIP's certificate, PEM. Purpose `tls_private_key` in a kind's `secrets`.
    fn tls_private_key_pem(&self) -> Option<String>;
}

/// Declared where a template needs [`SecretSource::tls_private_key_pem`].
const TLS_PRIVATE_KEY: &str = "tls_private_key";

/// Declared where a template needs the passwords of vCenters.
const VCENTER: &str = "vcenter";

/// The secrets that a node may hold, by purpose.
pub(super) fn allowed(
    spec: &KindSpec,
    node: &NodeView,
    compute_clusters: impl Iterator<Item = String>,
    source: &dyn SecretSource,
) -> BTreeMap<String, String> {
    let mut purposes: Vec<String> =
        spec.secrets.iter().filter(|purpose| *purpose != VCENTER).cloned().collect();
    if spec.secrets.iter().any(|purpose| purpose == VCENTER) {
        let serves = |id: &String| node.group.as_ref().is_none_or(|group| group == id);
        purposes.extend(compute_clusters.filter(serves).map(|id| format!("{VCENTER}:{id}")));
    }
    let reveal = |purpose: String| {
        let secret = match purpose.as_str() {
            TLS_PRIVATE_KEY => source.tls_private_key_pem(),
            other => source.secret(other),
        };
        Some((purpose, secret?))
    };
    purposes.into_iter().filter_map(reveal).collect()
}
