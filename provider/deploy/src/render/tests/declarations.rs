//! What a kind declares is used: an option that does nothing deceives its user, a secret that nothing needs lies about.

use super::*;
use crate::release::{KindSpec, OptionSpec, OptionType, OptionValue};

/// Another valid value than the default.
fn another(spec: &OptionSpec) -> OptionValue {
    let default = spec.default.as_str();
    let value = match spec.kind {
        OptionType::String => "Europe/Paris".to_owned(),
        OptionType::Bool => (default != "true").to_string(),
        OptionType::Enum => spec.values.iter().find(|value| *value != default).unwrap().clone(),
        OptionType::Int => {
            let bounds = [spec.min.unwrap(), spec.max.unwrap()];
            bounds.map(|bound| bound.to_string()).into_iter().find(|bound| bound != default).unwrap()
        }
    };
    spec.parse(&value).unwrap()
}

fn text(document: &Document) -> String {
    serde_json::to_string(document).unwrap()
}

fn kinds() -> impl Iterator<Item = (KindId, &'static KindSpec)> {
    release().kinds.iter().map(|(kind, spec)| (*kind, spec))
}

#[test]
fn every_option_changes_the_nodes_of_its_kind() {
    let usual = whole_cloud();
    for (kind, spec) in kinds() {
        let before = render(&usual, kind, 1);
        for (name, option) in spec.options.iter() {
            let mut cloud = usual.clone();
            let component = cloud.components.get_mut(&node(&usual, kind, 1).component()).unwrap();
            component.options.insert(name.to_owned(), another(option));
            assert_ne!(
                render(&cloud, kind, 1),
                before,
                "`{kind}` has the option `{name}` and does not use it"
            );
        }
    }
}

#[test]
fn options_change_no_other_kind() {
    let usual = whole_cloud();
    let mut cloud = usual.clone();
    for (kind, spec) in kinds().filter(|(kind, _)| *kind != KindId::Database) {
        let component = cloud.components.get_mut(&node(&usual, kind, 1).component()).unwrap();
        component.options =
            spec.options.iter().map(|(name, option)| (name.to_owned(), another(option))).collect();
    }
    assert_eq!(render(&cloud, KindId::Database, 1), render(&usual, KindId::Database, 1));
}

#[test]
fn every_declared_secret_is_in_some_node_of_the_kind() {
    let clouds = [whole_cloud(), nsx_cloud(), ldap_cloud()];
    for (kind, spec) in kinds() {
        let all: String = clouds.iter().map(|cloud| text(&render(cloud, kind, 1))).collect();
        for purpose in &spec.secrets {
            let shown = match purpose.as_str() {
                "tls_private_key" => "BEGIN PRIVATE KEY".to_owned(),
                "keystone_fernet" => "<keystone_fernet_1>".to_owned(),
                "vcenter" => format!("<vcenter:{CLUSTER}>"),
                other => format!("<{other}>"),
            };
            assert!(all.contains(&shown), "`{kind}` declares the secret `{purpose}` and does not use it");
        }
    }
}

#[test]
fn every_action_belongs_to_a_service_of_the_document() {
    for cloud in [whole_cloud(), nsx_cloud(), ldap_cloud()] {
        for (kind, _) in kinds() {
            let document = render(&cloud, kind, 1);
            let services: BTreeSet<&String> = document.services.iter().map(|service| &service.name).collect();
            for action in &document.actions {
                let service = action.before.as_ref().or(action.after.as_ref()).unwrap();
                assert!(services.contains(service), "{kind}: {} waits for {service}", action.name);
            }
        }
    }
}

/// The same laws for a release: options are used, secrets are used, actions belong to services.
pub(super) fn judge(release: &Release, usual: &CloudView, nsx: &CloudView) {
    let rendered = |cloud: &CloudView, kind: KindId| {
        render_node(release, cloud, &node(cloud, kind, 1), &Overrides::new(), &Named).unwrap()
    };
    for (kind, spec) in &release.kinds {
        let (before, over_nsx) = (rendered(usual, *kind), rendered(nsx, *kind));
        for (name, option) in spec.options.iter() {
            let mut cloud = usual.clone();
            let component = cloud.components.get_mut(&node(usual, *kind, 1).component()).unwrap();
            component.options.insert(name.to_owned(), another(option));
            assert_ne!(rendered(&cloud, *kind), before, "{} {kind} {name}", release.id);
        }
        let all = text(&before) + &text(&over_nsx);
        for purpose in
            spec.secrets.iter().filter(|purpose| !["tls_private_key", "vcenter"].contains(&purpose.as_str()))
        {
            assert!(all.contains(&format!("<{purpose}>")), "{} {kind} {purpose}", release.id);
        }
        for document in [&before, &over_nsx] {
            let services: BTreeSet<&String> = document.services.iter().map(|service| &service.name).collect();
            for action in &document.actions {
                let service = action.before.as_ref().or(action.after.as_ref()).unwrap();
                assert!(services.contains(service), "{} {kind}: {}", release.id, action.name);
            }
        }
    }
}
