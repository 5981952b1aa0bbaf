//! The type of a value, as the protocol names it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::codec::{CodecError, MAX_DEPTH};
use crate::path::Path;
use crate::value::Value;

/// A type. Objects hold every attribute, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A number of any precision.
    Number,
    /// True or false.
    Bool,
    /// Any type, carried with the value. Values in here are written with the type that they have in themselves: a
    /// sequence as a tuple, a map as an object.
    Dynamic,
    /// An ordered sequence of one type.
    List(Box<Type>),
    /// A collection of distinct values of one type.
    Set(Box<Type>),
    /// Values of one type by string key.
    Map(Box<Type>),
    /// A sequence of known length with a type per position.
    Tuple(Vec<Type>),
    /// Named attributes.
    Object(BTreeMap<String, Type>),
}

impl Type {
    /// The type in the protocol's JSON notation, such as `["list","string"]`.
    pub fn to_json(&self) -> Json {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Tuple(elements) => json!(["tuple", elements.iter().map(Self::to_json).collect::<Vec<_>>()]),
            Self::Object(attributes) => {
                let members: serde_json::Map<_, _> =
                    attributes.iter().map(|(name, member)| (name.clone(), member.to_json())).collect();
                json!(["object", members])
            }
        }
    }

    /// Reads the protocol's JSON notation. A third element of an object, which lists optional attributes, is
    /// ignored: it never arises for values.
    ///
    /// # Errors
    /// Anything else.
    pub fn from_json(json: &Json) -> Result<Self, CodecError> {
        Self::from_json_at(json, 0)
    }

    fn from_json_at(json: &Json, depth: usize) -> Result<Self, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::too_deep(&Path::root()));
        }
        let malformed = || CodecError::new(&Path::root(), "the type of a dynamic value is malformed");
        let element = |json: &Json| Self::from_json_at(json, depth + 1);
        match json {
            Json::String(name) => Self::primitive(name).ok_or_else(malformed),
            Json::Array(parts) => match (parts.first().and_then(Json::as_str), parts.get(1)) {
                (Some("list"), Some(of)) => Ok(Self::List(Box::new(element(of)?))),
                (Some("set"), Some(of)) => Ok(Self::Set(Box::new(element(of)?))),
                (Some("map"), Some(of)) => Ok(Self::Map(Box::new(element(of)?))),
                (Some("tuple"), Some(Json::Array(of))) => {
                    of.iter().map(element).collect::<Result<_, _>>().map(Self::Tuple)
                }
                (Some("object"), Some(Json::Object(of))) => of
                    .iter()
                    .map(|(name, of)| Ok((name.clone(), element(of)?)))
                    .collect::<Result<_, _>>()
                    .map(Self::Object),
                _ => Err(malformed()),
            },
            _ => Err(malformed()),
        }
    }

    fn primitive(name: &str) -> Option<Self> {
        match name {
            "string" => Some(Self::String),
            "number" => Some(Self::Number),
            "bool" => Some(Self::Bool),
            "dynamic" => Some(Self::Dynamic),
            _ => None,
        }
    }

    /// The type that a value has in itself.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null | Value::Unknown => Self::Dynamic,
            Value::String(_) => Self::String,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::Sequence(items) => Self::Tuple(items.iter().map(Self::of).collect()),
            Value::Map(members) => {
                Self::Object(members.iter().map(|(name, value)| (name.clone(), Self::of(value))).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_reads_back_from_its_notation() {
        let notation =
            r#"["object",{"a":["list",["set","string"]],"b":["tuple",["bool",["map","number"],"dynamic"]]}]"#;
        let parsed = Type::from_json(&serde_json::from_str(notation).unwrap()).unwrap();
        assert_eq!(parsed.to_json().to_string(), notation);
    }

    #[test]
    fn malformed_types_are_errors() {
        for notation in
            ["null", "1", r#""strin""#, "[]", r#"["list"]"#, r#"["tuple","string"]"#, r#"["object",[]]"#]
        {
            assert!(Type::from_json(&serde_json::from_str(notation).unwrap()).is_err(), "{notation}");
        }
        let deep = format!("{}\"string\"{}", "[\"list\",".repeat(100), "]".repeat(100));
        assert!(Type::from_json(&serde_json::from_str(&deep).unwrap()).is_err());
    }
}
