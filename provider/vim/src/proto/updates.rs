//! Waiting: a property collector of our own, a list view, one filter, and `WaitForUpdatesEx`.

use std::collections::BTreeMap;

use crate::fault::{Fault, FaultKind};
use crate::mo_ref::MoRef;
use crate::property::{ObjectSpec, PropSpec, PropertyValue};
use crate::proto::property::{filter_spec, missing_set};
use crate::proto::{El, SoapRequest};

/// What a wait brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateSet {
    /// The version to wait from next.
    pub version: String,
    /// The objects that changed.
    pub objects: Vec<ObjectUpdate>,
    /// Whether the session was found dead while properties were read.
    pub not_authenticated: Option<Fault>,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateKind {
    /// The object came under the filter; all its properties are given.
    Enter,
    /// Properties changed.
    Modify,
    /// The object left: it was destroyed or removed from the view.
    Leave,
}

/// A change of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUpdate {
    /// The object.
    pub obj: MoRef,
    /// What happened to it.
    pub kind: UpdateKind,
    /// New values by path; `None` where the property is unset now.
    pub changes: BTreeMap<String, Option<PropertyValue>>,
}

/// `CreatePropertyCollector`: one of our own, so that nobody else's filters mix with ours.
pub fn create_collector(default_collector: &MoRef) -> SoapRequest {
    SoapRequest::reading("CreatePropertyCollector", default_collector, |_| {})
}

/// `DestroyPropertyCollector`, with its filters.
pub fn destroy_collector(collector: &MoRef) -> SoapRequest {
    SoapRequest::mutating("DestroyPropertyCollector", collector, |_| {})
}

/// `CreateListView` of these objects.
pub fn create_list_view(view_manager: &MoRef, objects: &[MoRef]) -> SoapRequest {
    SoapRequest::reading("CreateListView", view_manager, |w| w.morefs("obj", objects))
}

/// `ModifyListView`.
pub fn modify_list_view(view: &MoRef, add: &[MoRef], remove: &[MoRef]) -> SoapRequest {
    SoapRequest::reading("ModifyListView", view, |w| {
        w.morefs("add", add);
        w.morefs("remove", remove);
    })
}

/// `DestroyView`.
pub fn destroy_view(view: &MoRef) -> SoapRequest {
    SoapRequest::mutating("DestroyView", view, |_| {})
}

/// `CreateFilter` without partial updates: a changed path comes with its whole value.
pub fn create_filter(collector: &MoRef, objects: &[ObjectSpec], props: &[PropSpec]) -> SoapRequest {
    SoapRequest::reading("CreateFilter", collector, |w| {
        w.nest("spec", |w| filter_spec(w, objects, props));
        w.field("partialUpdates", false);
    })
}

/// `WaitForUpdatesEx`: answers at the first change since `version`, or with nothing after `max_wait_s` seconds.
pub fn wait_for_updates(collector: &MoRef, version: &str, max_wait_s: u64) -> SoapRequest {
    SoapRequest::reading("WaitForUpdatesEx", collector, |w| {
        w.field("version", version);
        w.nest("options", |w| w.field("maxWaitSeconds", max_wait_s));
    })
}

/// `CancelWaitForUpdates`: the wait in flight ends with `RequestCanceled`.
pub fn cancel_wait(collector: &MoRef) -> SoapRequest {
    SoapRequest::mutating("CancelWaitForUpdates", collector, |_| {})
}

/// Reads the answer to [`wait_for_updates`]; `None` if nothing changed within the time.
///
/// # Errors
/// What is wrong with the answer.
pub fn parse_update_set(response: &El) -> Result<Option<UpdateSet>, String> {
    let Some(set) = response.child("returnval") else { return Ok(None) };
    let version = set.child_text("version").ok_or("an update without a version")?.to_owned();
    let updates = || set.children_named("filterSet").flat_map(|filter| filter.children_named("objectSet"));
    let objects = updates().map(object_update).collect::<Result<_, _>>()?;
    let mut missing = updates().flat_map(|object| missing_set(object).into_values());
    let not_authenticated = missing.find(|fault| fault.kind == FaultKind::NotAuthenticated);
    Ok(Some(UpdateSet { version, objects, not_authenticated }))
}

fn object_update(el: &El) -> Result<ObjectUpdate, String> {
    let obj = el.child("obj").and_then(El::moref).ok_or("an update without a reference")?;
    let kind = match el.child_text("kind") {
        Some("enter") => UpdateKind::Enter,
        Some("modify") => UpdateKind::Modify,
        Some("leave") => UpdateKind::Leave,
        other => return Err(format!("an update of {obj} of kind {other:?}")),
    };
    let change = |change: &El| {
        let value = change.child("val").map(|value| PropertyValue::new(value.clone()));
        Some((change.child_text("name")?.to_owned(), value))
    };
    Ok(ObjectUpdate { obj, kind, changes: el.children_named("changeSet").filter_map(change).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::parse_xml;

    fn parse(xml: &str) -> Option<UpdateSet> {
        parse_update_set(&parse_xml(xml.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn additions_come_before_removals() {
        let (one, two) = (MoRef::new("Task", "task-1"), MoRef::new("Task", "task-2"));
        let request = modify_list_view(&MoRef::new("ListView", "lv"), &[one], &[two]);
        assert!(request.body.ends_with(
            r#"<add type="Task">task-1</add><remove type="Task">task-2</remove></ModifyListView>"#
        ));
    }

    #[test]
    fn changes_unset_values_and_leaves_are_read() {
        let set = parse(
            r#"<R><returnval><version>7</version><filterSet><filter type="PropertyFilter">f</filter><objectSet><kind>modify</kind><obj type="Task">task-1</obj><changeSet><name>info.state</name><op>assign</op><val>success</val></changeSet><changeSet><name>info.error</name><op>assign</op></changeSet></objectSet><objectSet><kind>leave</kind><obj type="VirtualMachine">vm-1</obj></objectSet></filterSet></returnval></R>"#,
        )
        .unwrap();
        assert_eq!((set.version.as_str(), set.objects.len()), ("7", 2));
        assert_eq!(set.objects[0].changes["info.state"].as_ref().unwrap().str(), "success");
        assert_eq!(set.objects[0].changes["info.error"], None);
        assert_eq!(set.objects[1].kind, UpdateKind::Leave);
    }

    #[test]
    fn a_wait_that_ran_out_brings_nothing() {
        assert_eq!(parse("<R/>"), None);
    }
}
