//! What a value must satisfy beyond its type, checked where the user wrote it.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostics;
pub use crate::format::Format;
use crate::path::Path;
use crate::schema::{Attribute, AttributeType, NestedObject, Nesting, Schema};
use crate::types::Type;
use crate::value::Value;

/// Longest part of a given value that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// A rule for a known, non-null value. On a collection of plain values, all but `Length` are rules for each element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validator {
    /// One of these texts.
    OneOf(Vec<String>),
    /// A whole number from `min` to `max`, both included.
    Range {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// Text of `min` to `max` characters, or a collection of that many elements.
    Length {
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// Text of a known form.
    Format(Format),
}

impl Validator {
    /// Whether the value satisfies the rule. Null and unknown values do.
    pub fn accepts(&self, value: &Value) -> bool {
        if value.is_null() || value.is_unknown() {
            return true;
        }
        match self {
            Self::OneOf(allowed) => value.as_str().is_some_and(|text| allowed.iter().any(|a| a == text)),
            Self::Range { min, max } => value.as_i64().is_some_and(|number| (*min..=*max).contains(&number)),
            Self::Length { min, max } => length(value).is_some_and(|length| (*min..=*max).contains(&length)),
            Self::Format(format) => value.as_str().is_some_and(|text| format.matches(text)),
        }
    }

    /// What is allowed, to follow "it must be".
    fn allowed(&self) -> String {
        match self {
            Self::OneOf(allowed) => {
                let quoted: Vec<_> = allowed.iter().map(|text| format!("{text:?}")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::Range { min, max } => format!("a whole number from {min} to {max}"),
            Self::Length { min, max } if *max == usize::MAX => format!("at least {min} long"),
            Self::Length { min, max } => format!("from {min} to {max} long"),
            Self::Format(format) => format.description().to_owned(),
        }
    }
}

/// Characters of a text, elements of a collection.
fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Sequence(items) => Some(items.len()),
        Value::Map(members) => Some(members.len()),
        Value::Null | Value::Unknown | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Checks every value that is known against the schema's validators. What is
/// required is the client's to check.
pub fn validate_config(schema: &Schema, config: &Value) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    check_object(&schema.attributes, config, &Path::root(), &mut diagnostics);
    diagnostics
}

fn check_object(
    attributes: &BTreeMap<String, Attribute>,
    object: &Value,
    path: &Path,
    diagnostics: &mut Diagnostics,
) {
    for (name, attribute) in attributes {
        let value = object.get(name);
        if value.is_null() || value.is_unknown() {
            continue;
        }
        let path = path.clone().then_attribute(name);
        for validator in &attribute.validators {
            check_value(validator, attribute, value, &path, diagnostics);
        }
        if let AttributeType::Nested(nested) = &attribute.kind {
            check_nested(nested, value, &path, diagnostics);
        }
    }
}

fn check_nested(nested: &NestedObject, value: &Value, path: &Path, diagnostics: &mut Diagnostics) {
    for (path, element) in elements(nested.nesting, value, path) {
        check_object(&nested.attributes, element, &path, diagnostics);
    }
}

/// The elements of a collection with their paths. Elements of a set have the set's.
fn elements<'v>(nesting: Nesting, value: &'v Value, path: &Path) -> Vec<(Path, &'v Value)> {
    match (nesting, value) {
        (Nesting::Single, value) => vec![(path.clone(), value)],
        (Nesting::List, Value::Sequence(items)) => {
            items.iter().enumerate().map(|(index, item)| (path.clone().then_index(index), item)).collect()
        }
        (Nesting::Set, Value::Sequence(items)) => items.iter().map(|item| (path.clone(), item)).collect(),
        (Nesting::Map, Value::Map(members)) => {
            members.iter().map(|(key, member)| (path.clone().then_key(key), member)).collect()
        }
        _ => Vec::new(),
    }
}

fn check_value(
    validator: &Validator,
    attribute: &Attribute,
    value: &Value,
    path: &Path,
    diagnostics: &mut Diagnostics,
) {
    let nesting = match (&attribute.kind, validator) {
        (
            AttributeType::Plain(Type::List(_)),
            Validator::OneOf(_) | Validator::Range { .. } | Validator::Format(_),
        ) => Nesting::List,
        (
            AttributeType::Plain(Type::Set(_)),
            Validator::OneOf(_) | Validator::Range { .. } | Validator::Format(_),
        ) => Nesting::Set,
        (
            AttributeType::Plain(Type::Map(_)),
            Validator::OneOf(_) | Validator::Range { .. } | Validator::Format(_),
        ) => Nesting::Map,
        _ => Nesting::Single,
    };
    for (path, value) in elements(nesting, value, path) {
        if !validator.accepts(value) {
            let given = given(value, attribute.sensitive || attribute.write_only, validator);
            let detail = format!("{given} is not allowed here: it must be {}.", validator.allowed());
            diagnostics.error(path, "Invalid attribute value", detail);
        }
    }
}

/// The given value for a message, unless it is secret.
fn given(value: &Value, secret: bool, validator: &Validator) -> String {
    match (validator, value) {
        (Validator::Length { .. }, value) => match length(value) {
            Some(length) if !secret => format!("A value of length {length}"),
            _ => "The given value".to_owned(),
        },
        (Validator::Format(Format::PemCertificate | Format::PemPrivateKey), _) => "The given text".to_owned(),
        _ if secret => "The given value".to_owned(),
        (_, Value::String(text)) if text.chars().count() > MAX_QUOTED => {
            format!("{:?}...", text.chars().take(MAX_QUOTED).collect::<String>())
        }
        (_, Value::String(text)) => format!("{text:?}"),
        (_, Value::Number(number)) => number.to_string(),
        (_, Value::Bool(value)) => value.to_string(),
        _ => "The given value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: AttributeType, validators: Vec<Validator>) -> Attribute {
        Attribute {
            kind,
            description: String::new(),
            required: false,
            optional: true,
            computed: false,
            sensitive: false,
            write_only: false,
            deprecated: None,
            default: None,
            requires_replace: false,
            keep_prior: false,
            validators,
        }
    }

    fn check(attribute: Attribute, value: Value) -> Vec<(String, String)> {
        let attributes = [("a".to_owned(), attribute)].into();
        let schema = Schema { version: 0, description: String::new(), attributes };
        validate_config(&schema, &Value::Map([("a".to_owned(), value)].into()))
            .into_iter()
            .map(|found| (found.path.to_string(), found.detail))
            .collect()
    }

    fn plain(kind: Type, validator: Validator) -> Attribute {
        attribute(AttributeType::Plain(kind), vec![validator])
    }

    #[test]
    fn the_message_says_what_was_given_and_what_is_allowed() {
        let one_of = || Validator::OneOf(vec!["x".into(), "y".into()]);
        assert_eq!(check(plain(Type::String, one_of()), "x".into()), []);
        let found = check(plain(Type::String, one_of()), "z".into());
        assert_eq!(
            found,
            [("a".to_owned(), "\"z\" is not allowed here: it must be one of \"x\", \"y\".".to_owned())]
        );
        let found = check(plain(Type::Number, Validator::Range { min: 1, max: 3 }), 4.into());
        assert_eq!(found[0].1, "4 is not allowed here: it must be a whole number from 1 to 3.");
        let found = check(plain(Type::String, Validator::Length { min: 1, max: 2 }), "abc".into());
        assert_eq!(found[0].1, "A value of length 3 is not allowed here: it must be from 1 to 2 long.");
    }

    #[test]
    fn bounds_are_included_and_fractions_are_no_whole_numbers() {
        let range = Validator::Range { min: 1, max: 3 };
        for (number, accepted) in [("0", false), ("1", true), ("3", true), ("2.5", false), ("4", false)] {
            let value = crate::Number::parse(number).map_or(Value::Null, Value::Number);
            assert_eq!(range.accepts(&value), accepted, "{number}");
        }
    }

    #[test]
    fn null_and_unknown_values_are_not_judged() {
        for value in [Value::Null, Value::Unknown] {
            assert_eq!(check(plain(Type::String, Validator::Format(Format::Ipv4)), value), []);
        }
        let list = Type::List(Box::new(Type::String));
        let items = Value::Sequence(vec![Value::Unknown]);
        assert_eq!(check(plain(list, Validator::Format(Format::Ipv4)), items), []);
    }

    #[test]
    fn each_element_is_judged_at_its_own_place() {
        let items = Value::Sequence(vec!["192.0.2.1".into(), "x".into()]);
        let at = |kind| check(plain(kind, Validator::Format(Format::Ipv4)), items.clone())[0].0.clone();
        assert_eq!(at(Type::List(Box::new(Type::String))), "a[1]");
        assert_eq!(at(Type::Set(Box::new(Type::String))), "a");
        let found =
            check(plain(Type::List(Box::new(Type::String)), Validator::Length { min: 3, max: 9 }), items);
        assert_eq!(found[0].0, "a");
    }

    #[test]
    fn nested_attributes_are_judged() {
        let inner = attribute(AttributeType::Plain(Type::Number), vec![Validator::Range { min: 0, max: 1 }]);
        let object = || Value::Map([("n".to_owned(), 2.into())].into());
        for (nesting, value, path) in [
            (Nesting::Single, object(), "a.n"),
            (Nesting::List, Value::Sequence(vec![object()]), "a[0].n"),
            (Nesting::Set, Value::Sequence(vec![object()]), "a.n"),
            (Nesting::Map, Value::Map([("k".to_owned(), object())].into()), "a[\"k\"].n"),
        ] {
            let attributes = [("n".to_owned(), inner.clone())].into();
            let nested = AttributeType::Nested(NestedObject { nesting, attributes });
            assert_eq!(check(attribute(nested, vec![]), value)[0].0, path);
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let rule = || Validator::OneOf(vec!["x".into()]);
        for (sensitive, write_only) in [(true, false), (false, true)] {
            let secret = Attribute { sensitive, write_only, ..plain(Type::String, rule()) };
            assert!(!check(secret, "hunter2".into())[0].1.contains("hunter2"));
        }
        let key = plain(Type::String, Validator::Format(Format::PemPrivateKey));
        assert!(!check(key, "hunter2".into())[0].1.contains("hunter2"));
    }
}
