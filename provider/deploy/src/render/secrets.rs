//! How templates come by secrets: they ask for a purpose, and nothing else in a view is secret.

use std::collections::BTreeMap;

use crate::release::{KindSpec, OptionValue};

use super::view::NodeView;

/// Where secrets come from. The same purpose gives the same secret until it is rotated.
pub trait SecretSource {
    /// The secret for a purpose, for example `database_root`; none if the deployment has no such secret. Purposes are
    /// those that the kinds declare (`secrets` in their `kind.hcl`): derived ones, and the given ones `admin` (password of
    /// the cloud administrator, derived where none is given), `ldap` (password of the directory's bind user), `nsx`
    /// (password of the NSX manager) and `vcenter:<id>` (password of a compute cluster's vCenter; declared as
    /// `vcenter`). `keystone_fernet` stands for a key for each generation, see [`fernet_purpose`]. `ssh_host_key` is the
    /// key, PEM, by which the NSX Manager knows the DHCP nodes. A derived secret is 32 bytes in URL-safe base64 without
    /// padding, so that it can stand in a URL, in SQL and, padded, as a Fernet key.
    fn secret(&self, purpose: &str) -> Option<String>;

    /// The private key of the public VIP's certificate, PEM. Purpose `tls_private_key` in a kind's `secrets`.
    fn tls_private_key_pem(&self) -> Option<String>;
}

/// Declared where a template needs [`SecretSource::tls_private_key_pem`].
const TLS_PRIVATE_KEY: &str = "tls_private_key";

/// Declared where a template needs the passwords of vCenters.
const VCENTER: &str = "vcenter";

/// Declared where a template needs the keys of Keystone's tokens; it asks for `keystone_fernet:<generation>`.
const FERNET: &str = "keystone_fernet";

/// The option that says which generation's key signs tokens.
const GENERATION: &str = "fernet_key_generation";

/// What the key of a generation is derived for. Deployments that knew no generations yet have the keys
/// `keystone_fernet_1`, which signs, and `keystone_fernet_0`, the next one: that is the second generation's.
fn fernet_purpose(generation: &str) -> String {
    let label = if generation == "2" { "0" } else { generation };
    format!("{FERNET}_{label}")
}

/// Names of the keys that a node needs: the one that signs, the one before, whose tokens are still about, and the next
/// one, which a node that is ahead in a rolling change signs with already.
fn fernet_keys(options: &BTreeMap<String, OptionValue>) -> Vec<String> {
    let Some(OptionValue::Int(generation)) = options.get(GENERATION) else { return Vec::new() };
    let first = generation.saturating_sub(1).max(1);
    (first..=generation.saturating_add(1)).map(|each| format!("{FERNET}:{each}")).collect()
}

/// The secrets that a node may hold, by purpose.
pub(super) fn allowed(
    spec: &KindSpec,
    node: &NodeView,
    options: &BTreeMap<String, OptionValue>,
    compute_clusters: impl Iterator<Item = String>,
    source: &dyn SecretSource,
) -> BTreeMap<String, String> {
    let mut purposes: Vec<String> = spec
        .secrets
        .iter()
        .filter(|purpose| ![VCENTER, FERNET].contains(&purpose.as_str()))
        .cloned()
        .collect();
    if spec.secrets.iter().any(|purpose| purpose == VCENTER) {
        let serves = |id: &String| node.group.as_ref().is_none_or(|group| group == id);
        purposes.extend(compute_clusters.filter(serves).map(|id| format!("{VCENTER}:{id}")));
    }
    if spec.secrets.iter().any(|purpose| purpose == FERNET) {
        purposes.extend(fernet_keys(options));
    }
    let reveal = |purpose: String| {
        let secret = match (purpose.as_str(), purpose.split_once(':')) {
            (TLS_PRIVATE_KEY, _) => source.tls_private_key_pem(),
            (_, Some((FERNET, generation))) => source.secret(&fernet_purpose(generation)),
            (other, _) => source.secret(other),
        };
        Some((purpose, secret?))
    };
    purposes.into_iter().filter_map(reveal).collect()
}
