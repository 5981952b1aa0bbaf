//! Reading properties: `RetrievePropertiesEx` and its pages.

use std::collections::BTreeMap;

use crate::fault::{Fault, FaultKind};
use crate::mo_ref::MoRef;
use crate::property::{ObjectContent, ObjectSpec, PropSpec, PropertyValue, Selection};
use crate::proto::{El, SoapRequest, Writer};

/// One page of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetrieveResult {
    /// The token that fetches the next page, if there is one.
    pub token: Option<String>,
    /// The objects of this page.
    pub objects: Vec<ObjectContent>,
}

/// `RetrievePropertiesEx` with one filter specification.
pub fn retrieve(collector: &MoRef, objects: &[ObjectSpec], props: &[PropSpec]) -> SoapRequest {
    SoapRequest::reading("RetrievePropertiesEx", collector, |w| {
        w.nest("specSet", |w| filter_spec(w, objects, props));
        w.nest("options", |_| {});
    })
}

/// `ContinueRetrievePropertiesEx`: the next page. The token is used up by it, so that it is not sent twice.
pub fn continue_retrieve(collector: &MoRef, token: &str) -> SoapRequest {
    SoapRequest::mutating("ContinueRetrievePropertiesEx", collector, |w| w.field("token", token))
}

/// Writes the fields of a `PropertyFilterSpec`.
pub(super) fn filter_spec(w: &mut Writer, objects: &[ObjectSpec], props: &[PropSpec]) {
    for PropSpec { kind, paths } in props {
        w.nest("propSet", |w| {
            w.field("type", kind);
            for path in paths {
                w.field("pathSet", path);
            }
        });
    }
    for ObjectSpec { obj, skip, select } in objects {
        w.nest("objectSet", |w| {
            w.moref("obj", obj);
            w.field("skip", skip);
            select_set(w, select);
        });
    }
}

fn select_set(w: &mut Writer, select: &[Selection]) {
    for selection in select {
        match selection {
            Selection::Named(name) => w.typed("selectSet", "SelectionSpec", |w| w.field("name", name)),
            Selection::Traverse(spec) => w.typed("selectSet", "TraversalSpec", |w| {
                w.optional("name", spec.name.as_ref());
                w.field("type", &spec.kind);
                w.field("path", &spec.path);
                w.field("skip", spec.skip);
                select_set(w, &spec.select);
            }),
        }
    }
}

/// Reads the answer to [`retrieve`] or [`continue_retrieve`]. Nothing found is an empty page. The answer is taken apart, as
/// one about many objects is large.
///
/// # Errors
/// What is wrong with the answer.
pub fn parse_retrieve_result(response: El) -> Result<RetrieveResult, String> {
    let result = response.children.into_iter().find(|el| el.name == "returnval");
    let Some(result) = result else { return Ok(RetrieveResult::default()) };
    let token = result.child_text("token").map(str::to_owned);
    let objects = result.children.into_iter().filter(|el| el.name == "objects");
    Ok(RetrieveResult { token, objects: objects.map(object_content).collect::<Result<_, _>>()? })
}

fn object_content(el: El) -> Result<ObjectContent, String> {
    let obj = el.child("obj").and_then(El::moref).ok_or("an object without a reference")?;
    let missing = missing_set(&el);
    let mut props = BTreeMap::new();
    for property in el.children.into_iter().filter(|el| el.name == "propSet") {
        let (mut name, mut value) = (None, None);
        for part in property.children {
            match part.name.as_ref() {
                "name" => name = name.or(Some(part.text)),
                "val" => value = value.or(Some(part)),
                _ => {}
            }
        }
        let (Some(name), Some(value)) = (name, value) else {
            return Err(format!("a property of {obj} has no name or no value"));
        };
        props.insert(name, PropertyValue::new(value));
    }
    Ok(ObjectContent { obj, props, missing })
}

/// Reads the `missingSet` of an object or of an update.
pub(super) fn missing_set(el: &El) -> BTreeMap<String, Fault> {
    let entry = |missing: &El| {
        let fault = Fault::from_localized(missing.child("fault")?);
        Some((missing.child_text("path")?.to_owned(), fault))
    };
    el.children_named("missingSet").filter_map(entry).collect()
}

/// Whether an answer says in a `missingSet` that the session is not logged in: reads of a dead session answer so, with
/// HTTP status 200.
pub(crate) fn says_not_authenticated(response: &El) -> Option<Fault> {
    let objects = response.child("returnval")?.children_named("objects");
    objects
        .flat_map(|object| missing_set(object).into_values())
        .find(|f| f.kind == FaultKind::NotAuthenticated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::TraversalSpec;
    use crate::proto::parse_xml;

    #[test]
    fn a_token_is_never_sent_twice() {
        assert!(continue_retrieve(&MoRef::new("PropertyCollector", "pc"), "t1").mutates);
    }

    #[test]
    fn fields_are_in_schema_order_and_traversals_nest() {
        let deeper = Selection::Named("folders".into());
        let traversal = TraversalSpec {
            name: Some("folders".into()),
            kind: "Folder".into(),
            path: "childEntity".into(),
            skip: false,
            select: vec![deeper],
        };
        let objects = [ObjectSpec {
            obj: MoRef::new("Folder", "group-d1"),
            skip: true,
            select: vec![Selection::Traverse(traversal)],
        }];
        let request = retrieve(
            &MoRef::new("PropertyCollector", "pc"),
            &objects,
            &[PropSpec::new("VirtualMachine", &["name", "config.extraConfig[\"a\"]"])],
        );
        assert_eq!(
            request.body,
            concat!(
                r#"<RetrievePropertiesEx xmlns="urn:vim25"><_this type="PropertyCollector">pc</_this><specSet>"#,
                "<propSet><type>VirtualMachine</type><pathSet>name</pathSet>",
                "<pathSet>config.extraConfig[&quot;a&quot;]</pathSet></propSet>",
                r#"<objectSet><obj type="Folder">group-d1</obj><skip>true</skip><selectSet xsi:type="TraversalSpec">"#,
                "<name>folders</name><type>Folder</type><path>childEntity</path><skip>false</skip>",
                r#"<selectSet xsi:type="SelectionSpec"><name>folders</name></selectSet></selectSet></objectSet>"#,
                "</specSet><options></options></RetrievePropertiesEx>"
            )
        );
    }

    const PAGE: &str = r#"<R><returnval><token>t1</token><objects><obj type="VirtualMachine">vm-1</obj><propSet><name>name</name><val xmlns:_XMLSchema-instance="i" _XMLSchema-instance:type="xsd:string">a&lt;b</val></propSet><missingSet><path>config</path><fault><fault xmlns:i="i" i:type="FAULT"><privilegeId>System.Read</privilegeId></fault><localizedMessage></localizedMessage></fault></missingSet></objects></returnval></R>"#;

    #[test]
    fn values_missing_paths_and_the_token_are_read() {
        let el = parse_xml(PAGE.replace("FAULT", "NoPermission").as_bytes()).unwrap();
        let page = parse_retrieve_result(el.clone()).unwrap();
        assert_eq!(page.token.as_deref(), Some("t1"));
        assert_eq!(page.objects[0].props["name"].str(), "a<b");
        assert!(matches!(&page.objects[0].missing["config"].kind,
            FaultKind::NoPermission { privilege, .. } if privilege == "System.Read"));
        assert_eq!(says_not_authenticated(&el), None);
    }

    #[test]
    fn a_dead_session_shows_in_the_missing_set() {
        let el = parse_xml(PAGE.replace("FAULT", "NotAuthenticated").as_bytes()).unwrap();
        assert!(says_not_authenticated(&el).is_some());
    }

    #[test]
    fn nothing_found_is_an_empty_page() {
        assert_eq!(parse_retrieve_result(parse_xml(b"<R/>").unwrap()), Ok(RetrieveResult::default()));
    }
}
