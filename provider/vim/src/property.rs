//! What to read (object and property specifications) and what was read.

use std::collections::BTreeMap;

use crate::fault::Fault;
use crate::mo_ref::MoRef;
use crate::proto::El;

/// An object to start reading from, and where to go on from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectSpec {
    /// The object to start from.
    pub obj: MoRef,
    /// Whether to leave the object itself out of the answer.
    pub skip: bool,
    /// How to reach further objects.
    pub select: Vec<Selection>,
}

impl ObjectSpec {
    /// Exactly one object.
    pub fn one(obj: MoRef) -> Self {
        Self { obj, skip: false, select: Vec::new() }
    }
}

/// A way from an object to further ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Follow a property.
    Traverse(TraversalSpec),
    /// Follow the traversal of this name, given elsewhere in the same request; makes recursion possible.
    Named(String),
}

/// Follows one property of one type of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraversalSpec {
    /// The name by which [`Selection::Named`] refers to it.
    pub name: Option<String>,
    /// The managed object type that has the property, e.g. `Folder`.
    pub kind: String,
    /// The property that holds references, e.g. `childEntity`.
    pub path: String,
    /// Whether to leave the objects reached out of the answer.
    pub skip: bool,
    /// How to go on from the objects reached.
    pub select: Vec<Selection>,
}

/// Which properties to read of which type of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropSpec {
    /// The managed object type; a base type such as `ManagedEntity` matches its subtypes.
    pub kind: String,
    /// Property paths, e.g. `name`, `runtime.powerState`, `config.extraConfig["guestinfo.x"]`.
    pub paths: Vec<String>,
}

impl PropSpec {
    /// A type and its paths.
    pub fn new(kind: impl Into<String>, paths: &[&str]) -> Self {
        Self { kind: kind.into(), paths: paths.iter().map(|&path| path.to_owned()).collect() }
    }
}

/// One object as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectContent {
    /// The object.
    pub obj: MoRef,
    /// The properties that have a value, by path. An unset property is absent.
    pub props: BTreeMap<String, PropertyValue>,
    /// The properties that could not be read, by path, e.g. for want of a privilege.
    pub missing: BTreeMap<String, Fault>,
}

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyValue(El);

impl PropertyValue {
    /// Wraps the element that holds a value.
    pub fn new(el: El) -> Self {
        Self(el)
    }

    /// A plain string value, as a server would send it.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(El { name: "val".into(), text: text.into(), ..El::default() })
    }

    /// The value as text. Of an `OptionValue` (a keyed `extraConfig` path), the option's value.
    pub fn str(&self) -> &str {
        match self.0.child("value") {
            Some(value) if self.0.child("key").is_some() => &value.text,
            _ => &self.0.text,
        }
    }

    /// The value as an integer.
    pub fn i64(&self) -> Option<i64> {
        self.str().trim().parse().ok()
    }

    /// The value as a truth value.
    pub fn bool(&self) -> Option<bool> {
        match self.str().trim() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// The value as a reference.
    pub fn moref(&self) -> Option<MoRef> {
        self.0.moref()
    }

    /// The value as a list of references; a single reference is a list of one.
    pub fn morefs(&self) -> Vec<MoRef> {
        match self.0.moref() {
            Some(one) => vec![one],
            None => self.0.children.iter().filter_map(El::moref).collect(),
        }
    }

    /// The value as a list of texts, e.g. of an `ArrayOfString`.
    pub fn strings(&self) -> Vec<String> {
        self.0.children.iter().map(|child| child.text.clone()).collect()
    }

    /// The value as options, e.g. of `config.extraConfig`; a single `OptionValue` is a list of one.
    pub fn option_values(&self) -> BTreeMap<String, String> {
        let option = |el: &El| Some((el.child_text("key")?.to_owned(), el.child_text("value")?.to_owned()));
        match option(&self.0) {
            Some(one) => BTreeMap::from([one]),
            None => self.0.children.iter().filter_map(option).collect(),
        }
    }

    /// The elements of the value: the items of an array, the fields of an object.
    pub fn children(&self) -> &[El] {
        &self.0.children
    }

    /// The element itself.
    pub fn element(&self) -> &El {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::parse_xml;

    fn value(xml: &str) -> PropertyValue {
        PropertyValue::new(parse_xml(xml.as_bytes()).unwrap())
    }

    #[test]
    fn options_are_read_from_the_list_and_from_the_keyed_path() {
        let list = value(
            r#"<val x:type="ArrayOfOptionValue"><OptionValue x:type="OptionValue"><key>a</key><value x:type="xsd:string">1</value></OptionValue><OptionValue><key>b</key><value/></OptionValue></val>"#,
        );
        assert_eq!(
            list.option_values(),
            BTreeMap::from([("a".into(), "1".into()), ("b".into(), String::new())])
        );
        let keyed = value(r#"<val x:type="OptionValue"><key>a</key><value>7</value></val>"#);
        assert_eq!((keyed.str(), keyed.i64()), ("7", Some(7)));
        assert_eq!(keyed.option_values(), BTreeMap::from([("a".into(), "7".into())]));
    }

    #[test]
    fn references_are_read_singly_and_in_lists() {
        let one = value(r#"<val type="HostSystem" x:type="ManagedObjectReference">host-1</val>"#);
        assert_eq!(one.morefs(), [MoRef::new("HostSystem", "host-1")]);
        let many = value(
            r#"<val><ManagedObjectReference type="VirtualMachine">vm-1</ManagedObjectReference><ManagedObjectReference type="VirtualMachine">vm-2</ManagedObjectReference></val>"#,
        );
        assert_eq!(many.morefs().len(), 2);
        assert_eq!(many.moref(), None);
    }

    #[test]
    fn truth_values_have_two_spellings() {
        assert_eq!(value("<val>true</val>").bool(), Some(true));
        assert_eq!(value("<val>0</val>").bool(), Some(false));
        assert_eq!(value("<val>yes</val>").bool(), None);
    }
}
