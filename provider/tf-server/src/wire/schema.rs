//! Schemas on the wire.

use std::collections::BTreeMap;

use tf_core::{Attribute, AttributeType, NestedObject, Nesting, Schema};

use crate::proto::tfplugin6::{self as proto, StringKind, schema::object::NestingMode};

pub(crate) fn schema(schema: &Schema) -> proto::Schema {
    let block = proto::schema::Block {
        version: schema.version,
        attributes: attributes(&schema.attributes),
        description: schema.description.clone(),
        description_kind: StringKind::Markdown.into(),
        ..Default::default()
    };
    proto::Schema { version: schema.version, block: Some(block) }
}

fn attributes(attributes: &BTreeMap<String, Attribute>) -> Vec<proto::schema::Attribute> {
    attributes.iter().map(|(name, of)| attribute(name, of)).collect()
}

fn attribute(name: &str, attribute: &Attribute) -> proto::schema::Attribute {
    let Attribute {
        kind,
        description,
        required,
        optional,
        computed,
        sensitive,
        write_only,
        deprecated,
        // What the client is not told: the provider acts on these itself.
        default: _,
        requires_replace: _,
        keep_prior: _,
        validators: _,
    } = attribute;
    let (plain, nested) = match kind {
        AttributeType::Plain(plain) => (plain.to_json().to_string().into_bytes(), None),
        AttributeType::Nested(nested) => (Vec::new(), Some(object(nested))),
    };
    proto::schema::Attribute {
        name: name.to_owned(),
        r#type: plain,
        description: description.clone(),
        required: *required,
        optional: *optional,
        computed: *computed,
        sensitive: *sensitive,
        description_kind: StringKind::Markdown.into(),
        deprecated: deprecated.is_some(),
        nested_type: nested,
        write_only: *write_only,
        deprecation_message: deprecated.clone().unwrap_or_default(),
    }
}

fn object(nested: &NestedObject) -> proto::schema::Object {
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    proto::schema::Object { attributes: attributes(&nested.attributes), nesting: nesting.into() }
}
