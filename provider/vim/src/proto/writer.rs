//! XML out: elements in the order they are written, texts escaped.

use std::fmt::Display;

use crate::mo_ref::MoRef;
use crate::proto::El;

/// Writes the inside of a request. vCenter refuses fields out of schema order, so callers write them in that order.
#[derive(Default)]
pub(crate) struct Writer {
    out: String,
}

impl Writer {
    pub(crate) fn finish(self) -> String {
        self.out
    }

    fn raw(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.push_str(part);
        }
    }

    /// A carriage return is escaped too: XML readers turn a bare one into a line feed.
    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\r' => self.out.push_str("&#13;"),
                other => self.out.push(other),
            }
        }
    }

    fn leaf(&mut self, name: &str, attribute: &str, value: &str, text: &str) {
        self.raw(&["<", name]);
        if !attribute.is_empty() {
            self.raw(&[" ", attribute, "=\""]);
            self.escaped(value);
            self.raw(&["\""]);
        }
        self.raw(&[">"]);
        self.escaped(text);
        self.raw(&["</", name, ">"]);
    }

    /// An element with child elements.
    pub(crate) fn nest(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.raw(&["<", name, ">"]);
        inside(self);
        self.raw(&["</", name, ">"]);
    }

    /// An element of a type that the schema leaves open, with child elements.
    pub(crate) fn typed(&mut self, name: &str, xsi_type: &str, inside: impl FnOnce(&mut Self)) {
        self.raw(&["<", name, " xsi:type=\"", xsi_type, "\">"]);
        inside(self);
        self.raw(&["</", name, ">"]);
    }

    /// A plain field.
    pub(crate) fn field(&mut self, name: &str, value: impl Display) {
        self.leaf(name, "", "", &value.to_string());
    }

    /// A plain field that is left out when there is no value.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.field(name, value);
        }
    }

    /// A field of the schema's `anyType`, which must say its type, e.g. `xsd:string`.
    pub(crate) fn any(&mut self, name: &str, xsd_type: &str, value: impl Display) {
        self.leaf(name, "xsi:type", xsd_type, &value.to_string());
    }

    /// A managed object reference.
    pub(crate) fn moref(&mut self, name: &str, object: &MoRef) {
        self.leaf(name, "type", &object.kind, &object.value);
    }

    /// A managed object reference that may be absent.
    pub(crate) fn optional_moref(&mut self, name: &str, object: Option<&MoRef>) {
        if let Some(object) = object {
            self.moref(name, object);
        }
    }

    /// A list of managed object references: the element once for each.
    pub(crate) fn morefs(&mut self, name: &str, objects: &[MoRef]) {
        for object in objects {
            self.moref(name, object);
        }
    }

    /// An element as the server sent it, to be sent back.
    pub(crate) fn element(&mut self, el: &El) {
        self.raw(&["<", &el.name]);
        for (attribute, value) in [("xsi:type", el.xsi_type.as_deref()), ("type", el.moref_type.as_deref())] {
            if let Some(value) = value {
                self.raw(&[" ", attribute, "=\""]);
                self.escaped(value);
                self.raw(&["\""]);
            }
        }
        self.raw(&[">"]);
        self.escaped(&el.text);
        for child in &el.children {
            self.element(child);
        }
        self.raw(&["</", &el.name, ">"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::parse_xml;

    #[test]
    fn texts_and_references_are_escaped() {
        let mut w = Writer::default();
        w.field("name", "a<b>&\"'\r");
        w.moref("obj", &MoRef::new("View", "session[1]<2>"));
        w.any("value", "xsd:string", "]]>");
        assert_eq!(
            w.finish(),
            "<name>a&lt;b&gt;&amp;&quot;'&#13;</name><obj type=\"View\">session[1]&lt;2&gt;</obj>\
             <value xsi:type=\"xsd:string\">]]&gt;</value>"
        );
    }

    #[test]
    fn an_element_that_came_in_goes_out_the_same() {
        let xml =
            "<d xsi:type=\"Virtual&quot;Disk\"><key>2000</key><b><s type=\"Datastore\">ds-1&amp;</s></b></d>";
        let mut w = Writer::default();
        w.element(&parse_xml(xml.as_bytes()).unwrap());
        assert_eq!(w.finish(), xml);
    }
}
