//! Writes the struct of each schema and of each nested object, with its decoding and encoding.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::parse::camel_case;
use super::spec::{AttributeSpec, Nested, Nesting, PlainType, Role, SchemaSpec, Shape};

/// The structs by name. One of the same name and attributes is written once.
#[derive(Default)]
struct Structs<'a>(BTreeMap<String, Struct<'a>>);

#[derive(PartialEq)]
struct Struct<'a> {
    description: &'a str,
    attributes: &'a [AttributeSpec],
    /// The type that Terraform knows it by, for resources.
    type_name: Option<&'a str>,
}

/// The code of all structs.
pub(super) fn write(schemas: &[SchemaSpec]) -> Result<String> {
    let mut structs = Structs::default();
    for schema in schemas {
        let (name, type_name) = match schema.role {
            Role::Provider => ("ProviderModel".to_owned(), None),
            Role::Resource => (model_name(&schema.name), Some(schema.name.as_str())),
        };
        structs.add(
            name,
            Struct { description: &schema.description, attributes: &schema.attributes, type_name },
        )?;
    }
    Ok(structs.0.iter().map(|(name, of)| code(name, of)).collect())
}

impl<'a> Structs<'a> {
    fn add(&mut self, name: String, new: Struct<'a>) -> Result<()> {
        for attribute in new.attributes {
            if let Shape::Nested(Nested { nesting: _, object, attributes }) = &attribute.shape {
                let description = attribute.description.as_str();
                self.add(object.clone(), Struct { description, attributes, type_name: None })?;
            }
        }
        let known = self.0.get(&name);
        ensure!(
            known.is_none_or(|known| *known == new),
            "two different objects `{name}`: name one with `object`"
        );
        self.0.insert(name, new);
        Ok(())
    }
}

/// `vio_component` as `ComponentModel`.
fn model_name(resource: &str) -> String {
    let (_, short) = resource.split_once('_').unwrap_or(("", resource));
    format!("{}Model", camel_case(short))
}

fn code(name: &str, of: &Struct<'_>) -> String {
    let Struct { description, attributes, type_name } = of;
    let each = |line: fn(&AttributeSpec) -> String| attributes.iter().map(line).collect::<String>();
    let (members, decoded, encoded) = (each(member), each(decode), each(encode));
    let constant = type_name.map(|type_name| type_constant(name, type_name)).unwrap_or_default();
    format!(
        "#[doc = {description:?}]\n#[derive(Debug, Clone, PartialEq, Default)]\npub struct {name} {{\n{members}}}\n\n\
         {constant}\
         impl Decode for {name} {{\nfn decode(value: &Value, path: &Path) -> Result<Self, DecodeError> {{\n\
         let members = Members::of(value, path)?;\nOk(Self {{\n{decoded}}})\n}}\n}}\n\n\
         impl Encode for {name} {{\nfn encode(self) -> Value {{\n\
         Value::Map(BTreeMap::from([\n{encoded}]))\n}}\n}}\n\n"
    )
}

fn type_constant(name: &str, type_name: &str) -> String {
    format!(
        "impl {name} {{\n/// The resource's type in a configuration.\n\
         pub const TYPE_NAME: &'static str = {type_name:?};\n}}\n\n"
    )
}

fn member(attribute: &AttributeSpec) -> String {
    let AttributeSpec { name, description, .. } = attribute;
    format!("#[doc = {description:?}]\npub {name}: Field<{}>,\n", rust_type(attribute))
}

fn decode(attribute: &AttributeSpec) -> String {
    format!("{name}: members.field({name:?})?,\n", name = attribute.name)
}

fn encode(attribute: &AttributeSpec) -> String {
    format!("({name:?}.to_owned(), self.{name}.encode()),\n", name = attribute.name)
}

fn rust_type(attribute: &AttributeSpec) -> String {
    match &attribute.shape {
        Shape::Plain(PlainType::String) if attribute.sensitive => "Secret".to_owned(),
        Shape::Plain(plain) => plain_type(plain),
        Shape::Nested(Nested { nesting, object, attributes: _ }) => match nesting {
            Nesting::Single => object.clone(),
            Nesting::List | Nesting::Set => format!("Vec<{object}>"),
            Nesting::Map => format!("BTreeMap<String, {object}>"),
        },
    }
}

fn plain_type(plain: &PlainType) -> String {
    match plain {
        PlainType::String => "String".to_owned(),
        PlainType::Number => "i64".to_owned(),
        PlainType::Bool => "bool".to_owned(),
        PlainType::List(element) => format!("Vec<{}>", plain_type(element)),
        PlainType::Set(element) => format!("std::collections::BTreeSet<{}>", plain_type(element)),
        PlainType::Map(element) => format!("BTreeMap<String, {}>", plain_type(element)),
    }
}
