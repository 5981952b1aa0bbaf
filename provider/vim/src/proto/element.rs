//! XML in: a document becomes a tree of [`El`].

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::mo_ref::MoRef;

/// The deepest nesting accepted: vSphere's own answers stay below 30; a deeper one is an attack or a mistake.
const MAX_DEPTH: usize = 128;

/// The most elements accepted. One takes some two hundred bytes of memory and may have come as four; what vCenter says of ten
/// thousand VMs is a million.
const MAX_ELEMENTS: usize = 4 << 20;

/// Names and types that an answer about many objects repeats for each of their properties: they take no memory of their own.
const COMMON: [&str; 18] = [
    "objects",
    "obj",
    "propSet",
    "missingSet",
    "name",
    "val",
    "key",
    "value",
    "path",
    "string",
    "int",
    "boolean",
    "OptionValue",
    "ManagedObjectReference",
    "ArrayOfManagedObjectReference",
    "VirtualMachine",
    "VirtualMachinePowerState",
    "Network",
];

/// One XML element of an answer. Namespaces are dropped: vSphere's answers need local names only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct El {
    /// The element's local name.
    pub name: Cow<'static, str>,
    /// The value of the `type` attribute *with* a prefix (`xsi:type`, whatever the prefix): the value's dynamic type,
    /// without its own namespace prefix.
    pub xsi_type: Option<Cow<'static, str>>,
    /// The value of the bare `type` attribute: the managed object type of a reference.
    pub moref_type: Option<Cow<'static, str>>,
    /// The element's own text, entities and CDATA decoded; white space of elements that have children is dropped.
    pub text: String,
    /// The child elements in order.
    pub children: Vec<El>,
}

impl El {
    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&El> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// All children of this name, in order.
    pub fn children_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a El> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The descendant at a path of names, each the first child of its name.
    pub fn at(&self, path: &[&str]) -> Option<&El> {
        path.iter().try_fold(self, |el, name| el.child(name))
    }

    /// The element as a managed object reference, if it carries a bare `type` attribute.
    pub fn moref(&self) -> Option<MoRef> {
        let kind = self.moref_type.as_ref()?;
        Some(MoRef::new(kind.as_ref(), self.text.clone()))
    }
}

/// Parses a whole document and returns its root element.
///
/// # Errors
/// A text that says what is wrong, when the bytes are not one well-formed document or nest deeper than any vSphere answer.
pub fn parse_xml(bytes: &[u8]) -> Result<El, String> {
    parse_xml_without(bytes, &mut |_, el| Some(el))
}

/// The same without the elements that `take` keeps for itself: it is given each one that is whole, with those that it lies
/// in, from the outermost, which are not whole yet. So the tree of a long answer never stands as a whole.
pub(super) fn parse_xml_without(
    bytes: &[u8],
    take: &mut dyn FnMut(&[El], El) -> Option<El>,
) -> Result<El, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"))?;
    let mut reader = Reader::from_str(text);
    let mut open: Vec<El> = vec![El::default()];
    let mut left = MAX_ELEMENTS;
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return Err(format!("nested deeper than {MAX_DEPTH} elements"));
                }
                open.push(element(&start, &mut left)?);
            }
            Event::Empty(start) => {
                let done = take(&open, element(&start, &mut left)?);
                append(&mut open, done);
            }
            Event::End(_) => {
                let mut done = open.pop().unwrap_or_default();
                if !done.children.is_empty() && done.text.trim().is_empty() {
                    done.text = String::new();
                }
                // Most have one child or two; a list that grows makes room for more.
                done.children.shrink_to_fit();
                let done = take(&open, done);
                append(&mut open, done);
            }
            Event::Text(text) => push_text(&mut open, &text.xml10_content()),
            Event::CData(text) => push_text(&mut open, &text.xml10_content()),
            Event::GeneralRef(entity) => push_text(&mut open, &resolve(&entity)?),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::DocType(_) => return Err("a document type declaration is not allowed".to_owned()),
            Event::Eof => break,
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(mut document), true) if document.children.len() == 1 => Ok(document.children.remove(0)),
        (_, true) => Err("not exactly one root element".to_owned()),
        _ => Err("the document ends inside an element".to_owned()),
    }
}

fn append(open: &mut [El], done: Option<El>) {
    if let (Some(parent), Some(done)) = (open.last_mut(), done) {
        parent.children.push(done);
    }
}

fn push_text(open: &mut [El], text: &str) {
    if let Some(parent) = open.last_mut() {
        parent.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>, left: &mut usize) -> Result<El, String> {
    *left = left.checked_sub(1).ok_or_else(|| format!("more than {MAX_ELEMENTS} elements"))?;
    let mut el = El { name: common(start.local_name().as_ref()), ..El::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let (local, prefix) = attribute.key.decompose();
        if local.as_ref() != "type" {
            continue;
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| e.to_string())?;
        if prefix.is_some() {
            el.xsi_type = Some(common(value.rsplit(':').next().unwrap_or_default()));
        } else {
            el.moref_type = Some(common(&value));
        }
    }
    Ok(el)
}

fn common(name: &str) -> Cow<'static, str> {
    match COMMON.iter().find(|common| **common == name) {
        Some(common) => Cow::Borrowed(common),
        None => Cow::Owned(name.to_owned()),
    }
}

fn resolve(entity: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = entity.resolve_char_ref().map_err(|e| e.to_string())? {
        return Ok(character.to_string());
    }
    let name = entity.xml10_content();
    resolve_predefined_entity(&name).map(str::to_owned).ok_or_else(|| format!("unknown entity `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(xml: &str) -> El {
        parse_xml(xml.as_bytes()).unwrap()
    }

    #[test]
    fn any_prefixed_type_is_the_dynamic_type_and_the_bare_one_is_the_references() {
        let el = parse(
            r#"<val xmlns:_XMLSchema-instance="i" _XMLSchema-instance:type="ManagedObjectReference" type="Task">task-1</val>"#,
        );
        assert_eq!(el.xsi_type.as_deref(), Some("ManagedObjectReference"));
        assert_eq!(el.moref(), Some(MoRef::new("Task", "task-1")));
    }

    #[test]
    fn a_prefixed_value_of_the_dynamic_type_loses_its_prefix() {
        assert_eq!(parse(r#"<a xsi:type="xsd:string">x</a>"#).xsi_type.as_deref(), Some("string"));
    }

    #[test]
    fn entities_character_references_and_cdata_are_decoded() {
        assert_eq!(
            parse("<a>1 &lt; 2 &amp;&#x41;&#66;<![CDATA[<raw>&amp;]]></a>").text,
            "1 < 2 &AB<raw>&amp;"
        );
    }

    #[test]
    fn white_space_is_kept_in_leaves_and_dropped_between_elements() {
        let el = parse("<a>\n <b> x </b>\n</a>");
        assert_eq!((el.text.as_str(), el.child_text("b")), ("", Some(" x ")));
    }

    #[test]
    fn malformed_documents_are_refused() {
        let deep = format!("{}x{}", "<a>".repeat(200), "</a>".repeat(200));
        for bad in ["", "<a>", "<a></b>", "<a/><b/>", "<a>&nope;</a>", "<!DOCTYPE a><a/>", deep.as_str()] {
            assert!(parse_xml(bad.as_bytes()).is_err(), "{bad:.40}");
        }
        assert!(parse_xml(&[b'<', 0xff]).is_err());
    }
}
