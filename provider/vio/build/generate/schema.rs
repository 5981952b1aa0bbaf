//! Writes the function that makes the served schema.

use super::spec::{AttributeSpec, Literal, Nested, PlainType, Role, Rule, SchemaSpec, Shape};

/// The code of `build_provider_schema` and of what it needs: one function for each schema.
pub(super) fn write(schemas: &[SchemaSpec]) -> String {
    let of_role = |role: Role| schemas.iter().filter(move |schema| schema.role == role);
    let provider: String = of_role(Role::Provider).map(|schema| format!("{}()", function(schema))).collect();
    let resources: String = of_role(Role::Resource)
        .map(|resource| format!("({:?}.to_owned(), {}()),\n", resource.name, function(resource)))
        .collect();
    let functions: String = schemas.iter().map(schema).collect();
    format!(
        "use std::collections::BTreeMap;\n\
         use tf_core::validate::Format;\n\
         use tf_core::{{Attribute, AttributeType, Decode, DecodeError, Encode, Field, Members, NestedObject, Nesting}};\n\
         use tf_core::{{Path, ProviderSchema, Schema, Secret, Type, Validator, Value}};\n\n\
         pub(super) fn build_provider_schema() -> ProviderSchema {{\n\
         ProviderSchema {{\nprovider: {provider},\nresources: BTreeMap::from([\n{resources}]),\n\
         data_sources: BTreeMap::new(),\n}}\n}}\n\n{functions}"
    )
}

fn function(schema: &SchemaSpec) -> String {
    match schema.role {
        Role::Provider => format!("provider_{}", schema.name),
        Role::Resource => format!("resource_{}", schema.name),
    }
}

fn schema(schema: &SchemaSpec) -> String {
    let SchemaSpec { version, description, attributes: members, file: _, role: _, name: _ } = schema;
    let (function, members) = (function(schema), attributes(members));
    format!(
        "fn {function}() -> Schema {{\n\
         Schema {{ version: {version}, description: {description:?}.to_owned(), attributes: {members} }}\n}}\n\n"
    )
}

fn attributes(members: &[AttributeSpec]) -> String {
    let members: String = members
        .iter()
        .map(|member| format!("({:?}.to_owned(), {}),\n", member.name, attribute(member)))
        .collect();
    format!("BTreeMap::from([\n{members}])")
}

fn attribute(attribute: &AttributeSpec) -> String {
    let AttributeSpec {
        name: _,
        shape,
        description,
        required,
        optional,
        computed,
        sensitive,
        write_only,
        deprecated,
        default,
        requires_replace,
        keep_prior,
        validators,
    } = attribute;
    let kind = match shape {
        Shape::Plain(plain) => format!("AttributeType::Plain({})", plain_type(plain)),
        Shape::Nested(nested) => format!("AttributeType::Nested({})", nested_object(nested)),
    };
    let deprecated = option(deprecated.as_ref().map(|message| format!("{message:?}.to_owned()")));
    let default = option(default.as_ref().map(literal));
    let validators: Vec<String> = validators.iter().map(validator).collect();
    format!(
        "Attribute {{ kind: {kind}, description: {description:?}.to_owned(), required: {required}, \
         optional: {optional}, computed: {computed}, sensitive: {sensitive}, write_only: {write_only}, \
         deprecated: {deprecated}, default: {default}, requires_replace: {requires_replace}, \
         keep_prior: {keep_prior}, validators: vec![{}] }}",
        validators.join(", ")
    )
}

fn nested_object(nested: &Nested) -> String {
    let Nested { nesting, object: _, attributes: members } = nested;
    format!("NestedObject {{ nesting: Nesting::{nesting:?}, attributes: {} }}", attributes(members))
}

fn plain_type(plain: &PlainType) -> String {
    let of = |word: &str, element: &PlainType| format!("Type::{word}(Box::new({}))", plain_type(element));
    match plain {
        PlainType::String => "Type::String".to_owned(),
        PlainType::Number => "Type::Number".to_owned(),
        PlainType::Bool => "Type::Bool".to_owned(),
        PlainType::List(element) => of("List", element),
        PlainType::Set(element) => of("Set", element),
        PlainType::Map(element) => of("Map", element),
    }
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::String(text) => format!("Value::from({text:?})"),
        Literal::Number(number) => format!("Value::from({number}_i64)"),
        Literal::Bool(flag) => format!("Value::from({flag})"),
    }
}

fn validator(rule: &Rule) -> String {
    match rule {
        Rule::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("{word:?}.to_owned()")).collect();
            format!("Validator::OneOf(vec![{}])", words.join(", "))
        }
        Rule::Range { min, max } => format!("Validator::Range {{ min: {min}, max: {max} }}"),
        Rule::Length { min, max } => format!("Validator::Length {{ min: {min}, max: {max} }}"),
        Rule::Format(variant) => format!("Validator::Format(Format::{variant})"),
    }
}

fn option(code: Option<String>) -> String {
    code.map_or_else(|| "None".to_owned(), |code| format!("Some({code})"))
}
