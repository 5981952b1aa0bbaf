//! Reading properties: `RetrievePropertiesEx` and its pages.

use std::collections::BTreeMap;

use crate::fault::{Fault, FaultKind};
use crate::mo_ref::MoRef;
use crate::property::{ObjectContent, ObjectSpec, PropSpec, PropertyValue, Selection};
use crate::proto::request::parse_response_without;
use crate::proto::{El, Refusal, SoapRequest, Writer};

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

/// Reads the answer to [`retrieve`] or [`continue_retrieve`], an object at a time. Nothing found is an empty page.
///
/// # Errors
/// [`Refusal`]. Reads of a session that is not logged in are answered with HTTP status 200 and say it in a `missingSet`: that
/// is a fault too.
pub fn parse_retrieved(method: &str, bytes: &[u8]) -> Result<RetrieveResult, Refusal> {
    let (mut objects, mut malformed) = (Vec::new(), None);
    let mut take = |parents: &[El], el: El| {
        if !is_object(parents, &el) {
            return Some(el);
        }
        match object_content(el) {
            Ok(object) => objects.push(object),
            Err(reason) => malformed = Some(reason),
        }
        None
    };
    let response = parse_response_without(method, bytes, &mut take)?;
    if let Some(reason) = malformed {
        return Err(Refusal::Malformed(reason));
    }
    let mut missing = objects.iter().flat_map(|object: &ObjectContent| object.missing.values());
    if let Some(fault) = missing.find(|fault| fault.kind == FaultKind::NotAuthenticated) {
        return Err(Refusal::Fault(Box::new(fault.clone())));
    }
    let token = response.child("returnval").and_then(|result| result.child_text("token"));
    Ok(RetrieveResult { token: token.map(str::to_owned), objects })
}

/// True for what is found in the result, whatever lies deeper.
fn is_object(parents: &[El], el: &El) -> bool {
    // The document, its envelope and body, and the answer.
    el.name == "objects" && parents.len() == 5 && parents[4].name == "returnval"
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::TraversalSpec;

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

    const PAGE: &str = r#"<returnval><token>t1</token><objects><obj type="VirtualMachine">vm-1</obj><propSet><name>name</name><val xmlns:_XMLSchema-instance="i" _XMLSchema-instance:type="xsd:string">a&lt;b</val></propSet><missingSet><path>config</path><fault><fault xmlns:i="i" i:type="FAULT"><privilegeId>System.Read</privilegeId></fault><localizedMessage></localizedMessage></fault></missingSet></objects></returnval>"#;

    /// An answer with this in it.
    fn page(result: &str) -> Result<RetrieveResult, Refusal> {
        let answer = format!(
            "<E:Envelope xmlns:E=\"e\"><E:Body><RetrievePropertiesExResponse>{result}</RetrievePropertiesExResponse></E:Body></E:Envelope>"
        );
        parse_retrieved("RetrievePropertiesEx", answer.as_bytes())
    }

    #[test]
    fn values_missing_paths_and_the_token_are_read() {
        let page = page(&PAGE.replace("FAULT", "NoPermission")).unwrap();
        assert_eq!(page.token.as_deref(), Some("t1"));
        assert_eq!(page.objects[0].props["name"].str(), "a<b");
        assert!(matches!(&page.objects[0].missing["config"].kind,
            FaultKind::NoPermission { privilege, .. } if privilege == "System.Read"));
    }

    #[test]
    fn a_dead_session_shows_in_the_missing_set() {
        let refusal = page(&PAGE.replace("FAULT", "NotAuthenticated")).unwrap_err();
        assert!(matches!(refusal, Refusal::Fault(fault) if fault.kind == FaultKind::NotAuthenticated));
    }

    #[test]
    fn nothing_found_is_an_empty_page() {
        assert_eq!(page(""), Ok(RetrieveResult::default()));
    }

    #[test]
    fn a_property_of_the_name_of_an_object_is_none() {
        let value = r#"<objects><obj type="Network">network-2</obj></objects>"#;
        let result = format!(
            r#"<returnval><objects><obj type="Folder">group-1</obj><propSet><name>a</name><val>{value}</val></propSet></objects></returnval>"#
        );
        let page = page(&result).unwrap();
        assert_eq!(page.objects.len(), 1);
        assert_eq!(page.objects[0].props["a"].children()[0].name, "objects");
    }

    #[test]
    fn an_object_that_makes_no_sense_spoils_the_answer() {
        for object in ["<objects/>", r#"<objects><obj type="Folder">f</obj><propSet/></objects>"#] {
            let refusal = page(&format!("<returnval>{object}</returnval>")).unwrap_err();
            assert!(matches!(refusal, Refusal::Malformed(_)), "{refusal:?}");
        }
    }
}
