//! The JSON encoding: stored state, and values of clients that do not send MessagePack.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::codec::{CodecError, MAX_DEPTH};
use crate::path::Path;
use crate::types::Type;
use crate::value::{Number, Value};

/// How attributes that the type does not expect, or that are missing, are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// Both are errors.
    Strict,
    /// State that an earlier version of the same schema wrote: missing is null, unexpected is dropped.
    Lenient,
}

/// Reads a value of type `of`.
///
/// # Errors
/// JSON that is no value of the type.
pub fn from_json(json: &Json, of: &Type, leniency: Leniency) -> Result<Value, CodecError> {
    Decoder { leniency }.value(json, of, &Path::root(), 0)
}

/// Writes a value of type `of`.
///
/// # Errors
/// A value that is not of the type, or not known: JSON has no unknowns.
pub fn to_json(value: &Value, of: &Type) -> Result<Json, CodecError> {
    encode(value, of, &Path::root())
}

struct Decoder {
    leniency: Leniency,
}

impl Decoder {
    fn value(&self, json: &Json, of: &Type, path: &Path, depth: usize) -> Result<Value, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::too_deep(path));
        }
        match (of, json) {
            (_, Json::Null) => Ok(Value::Null),
            (Type::String, Json::String(text)) => Ok(Value::String(text.clone())),
            (Type::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
            (Type::Number, Json::Number(number)) => parse_number(&number.to_string(), path),
            (Type::Number, Json::String(text)) => parse_number(text, path),
            (Type::List(element), Json::Array(items)) => {
                self.items(items, |_| element, path, depth).map(Value::Sequence)
            }
            (Type::Set(element), Json::Array(items)) => {
                self.items(items, |_| element, path, depth).map(Value::distinct)
            }
            (Type::Tuple(elements), Json::Array(items)) if elements.len() == items.len() => {
                self.items(items, |index| &elements[index], path, depth).map(Value::Sequence)
            }
            (Type::Map(element), Json::Object(members)) => members
                .iter()
                .map(|(key, json)| {
                    Ok((key.clone(), self.value(json, element, &path.clone().then_key(key), depth + 1)?))
                })
                .collect::<Result<_, _>>()
                .map(Value::Map),
            (Type::Object(attributes), Json::Object(members)) => {
                self.object(members, attributes, path, depth)
            }
            (Type::Dynamic, Json::Object(members)) => self.dynamic(members, path, depth),
            _ => Err(CodecError::mismatch(path, needed(of), found(json))),
        }
    }

    fn items<'t>(
        &self,
        items: &[Json],
        of: impl Fn(usize) -> &'t Type,
        path: &Path,
        depth: usize,
    ) -> Result<Vec<Value>, CodecError> {
        let item = |(index, json)| self.value(json, of(index), &path.clone().then_index(index), depth + 1);
        items.iter().enumerate().map(item).collect()
    }

    fn object(
        &self,
        members: &Map<String, Json>,
        attributes: &BTreeMap<String, Type>,
        path: &Path,
        depth: usize,
    ) -> Result<Value, CodecError> {
        if self.leniency == Leniency::Strict {
            if let Some(name) = members.keys().find(|name| !attributes.contains_key(*name)) {
                return Err(CodecError::new(path, format!("unexpected attribute {name:?}")));
            }
            if let Some(name) = attributes.keys().find(|name| !members.contains_key(*name)) {
                return Err(CodecError::new(path, format!("attribute {name:?} is missing")));
            }
        }
        let member = |(name, of): (&String, &Type)| {
            let json = members.get(name).unwrap_or(&Json::Null);
            Ok((name.clone(), self.value(json, of, &path.clone().then_attribute(name), depth + 1)?))
        };
        attributes.iter().map(member).collect::<Result<_, _>>().map(Value::Map)
    }

    fn dynamic(&self, members: &Map<String, Json>, path: &Path, depth: usize) -> Result<Value, CodecError> {
        let (Some(of), Some(json)) = (members.get("type"), members.get("value")) else {
            return Err(CodecError::mismatch(path, "an object with `type` and `value`", "another object"));
        };
        self.value(json, &Type::from_json(of)?, path, depth + 1)
    }
}

fn parse_number(text: &str, path: &Path) -> Result<Value, CodecError> {
    Number::parse(text).map(Value::Number).ok_or_else(|| CodecError::mismatch(path, "a number", "other text"))
}

fn encode(value: &Value, of: &Type, path: &Path) -> Result<Json, CodecError> {
    match (of, value) {
        (_, Value::Null) => Ok(Json::Null),
        (Type::Dynamic, value) if !value.is_unknown() => {
            let own = Type::of(value);
            Ok(json!({ "type": own.to_json(), "value": encode(value, &own, path)? }))
        }
        (Type::String, Value::String(text)) => Ok(json!(text)),
        (Type::Bool, Value::Bool(value)) => Ok(json!(value)),
        (Type::Number, Value::Number(number)) => serde_json::from_str(number.as_str())
            .map_err(|_| CodecError::mismatch(path, "a number", "other text")),
        (Type::List(element) | Type::Set(element), Value::Sequence(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| encode(item, element, &path.clone().then_index(index)))
            .collect(),
        (Type::Tuple(elements), Value::Sequence(items)) if elements.len() == items.len() => elements
            .iter()
            .zip(items)
            .enumerate()
            .map(|(index, (element, item))| encode(item, element, &path.clone().then_index(index)))
            .collect(),
        (Type::Map(element), Value::Map(members)) => members
            .iter()
            .map(|(key, member)| Ok((key.clone(), encode(member, element, &path.clone().then_key(key))?)))
            .collect::<Result<Map<_, _>, _>>()
            .map(Json::Object),
        (Type::Object(attributes), Value::Map(members)) => {
            reject_unexpected(members, attributes, path)?;
            let member = |(name, of): (&String, &Type)| {
                Ok((name.clone(), encode(value.get(name), of, &path.clone().then_attribute(name))?))
            };
            attributes.iter().map(member).collect::<Result<Map<_, _>, _>>().map(Json::Object)
        }
        _ => Err(CodecError::mismatch(path, needed(of), value.kind())),
    }
}

/// An error for a member that the type does not have.
pub(crate) fn reject_unexpected(
    members: &BTreeMap<String, Value>,
    attributes: &BTreeMap<String, Type>,
    path: &Path,
) -> Result<(), CodecError> {
    match members.keys().find(|name| !attributes.contains_key(*name)) {
        Some(name) => Err(CodecError::new(path, format!("unexpected attribute {name:?}"))),
        None => Ok(()),
    }
}

/// What a type needs, for messages.
pub(crate) fn needed(of: &Type) -> &'static str {
    match of {
        Type::String => "a string",
        Type::Number => "a number",
        Type::Bool => "a boolean",
        Type::Dynamic => "a value with its type",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Tuple(_) => "a tuple of the right length",
        Type::Object(_) => "an object",
    }
}

fn found(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Type {
        Type::Object([("a".to_owned(), Type::String), ("b".to_owned(), Type::Number)].into())
    }

    #[test]
    fn old_state_may_lack_and_exceed_the_attributes() {
        let state = json!({ "a": "x", "gone": [1] });
        let expected = Value::Map([("a".to_owned(), "x".into()), ("b".to_owned(), Value::Null)].into());
        assert_eq!(from_json(&state, &object(), Leniency::Lenient).unwrap(), expected);
        assert!(from_json(&state, &object(), Leniency::Strict).is_err());
        assert!(from_json(&json!({ "a": "x" }), &object(), Leniency::Strict).is_err());
    }

    #[test]
    fn numbers_lose_no_digit() {
        let json: Json = serde_json::from_str("[9007199254740993, 0.1, 1e30, -0]").unwrap();
        let value = from_json(&json, &Type::List(Box::new(Type::Number)), Leniency::Strict).unwrap();
        let texts = ["9007199254740993", "0.1", "1000000000000000000000000000000", "0"];
        let expected = texts.iter().filter_map(|text| Number::parse(text).map(Value::Number)).collect();
        assert_eq!(value, Value::Sequence(expected));
    }

    #[test]
    fn a_dynamic_value_carries_its_type() {
        let json = json!({ "type": ["list", "bool"], "value": [true] });
        assert_eq!(
            from_json(&json, &Type::Dynamic, Leniency::Strict).unwrap(),
            Value::Sequence(vec![true.into()])
        );
        assert!(from_json(&json!({ "type": "string" }), &Type::Dynamic, Leniency::Lenient).is_err());
    }

    #[test]
    fn unknown_has_no_json() {
        assert!(to_json(&Value::Unknown, &Type::String).is_err());
        assert!(to_json(&Value::Unknown, &Type::Dynamic).is_err());
    }

    #[test]
    fn another_type_is_an_error() {
        assert!(from_json(&json!(1), &Type::String, Leniency::Lenient).is_err());
        assert!(from_json(&json!("x"), &Type::Number, Leniency::Lenient).is_err());
        assert!(from_json(&json!({}), &Type::List(Box::new(Type::Bool)), Leniency::Lenient).is_err());
        assert!(from_json(&json!([1]), &Type::Tuple(vec![]), Leniency::Lenient).is_err());
    }
}
