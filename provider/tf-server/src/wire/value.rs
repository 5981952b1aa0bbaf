//! Values on the wire.

use tf_core::{Diagnostics, Leniency, Schema, Type, Value, json, msgpack, plan};

use super::diagnostic::error;
use crate::proto::tfplugin6::DynamicValue;

/// The name of a request's value, for messages.
pub(crate) type What = &'static str;

/// Reads a value. Absent and empty mean null.
pub(crate) fn decode(value: Option<&DynamicValue>, of: &Type, what: What) -> Result<Value, Diagnostics> {
    let Some(value) = value else { return Ok(Value::Null) };
    if !value.msgpack.is_empty() {
        msgpack::decode(&value.msgpack, of).map_err(|e| malformed(what, e))
    } else if !value.json.is_empty() {
        let json = serde_json::from_slice(&value.json).map_err(|_| malformed(what, "it is no JSON"))?;
        json::from_json(&json, of, Leniency::Strict).map_err(|e| malformed(what, e))
    } else {
        Ok(Value::Null)
    }
}

/// Reads the object of a schema.
pub(crate) fn decode_object(
    value: Option<&DynamicValue>,
    schema: &Schema,
    what: What,
) -> Result<Value, Diagnostics> {
    let object = decode(value, &schema.object_type(), what)?;
    if object.is_unknown() { Err(malformed(what, "it is unknown as a whole")) } else { Ok(object) }
}

/// Writes the object of a schema, without its write-only values.
pub(crate) fn encode_object(value: Value, schema: &Schema) -> Result<DynamicValue, Diagnostics> {
    let value = plan::without_write_only(schema, value);
    let msgpack = msgpack::encode(&value, &schema.object_type()).map_err(|e| {
        error(
            "The provider answered with a value that does not fit its schema",
            format!("{e}. This is a bug in the provider: please report it with the configuration at hand."),
        )
    })?;
    Ok(DynamicValue { msgpack, json: Vec::new() })
}

/// The bytes to keep beside a state: those of the answer, else those of the request. Bytes that are not sent back
/// are lost.
pub(crate) fn private(answered: Vec<u8>, asked: Vec<u8>) -> Vec<u8> {
    if answered.is_empty() { asked } else { answered }
}

fn malformed(what: What, reason: impl std::fmt::Display) -> Diagnostics {
    error(
        "The request does not fit the provider's schema",
        format!(
            "Reading {what} failed: {reason}. The Terraform or OpenTofu process and the provider disagree about the \
             schema: run `init -upgrade`, and report this if it comes again."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_empty_are_null() {
        assert_eq!(decode(None, &Type::String, "config").unwrap(), Value::Null);
        assert_eq!(decode(Some(&DynamicValue::default()), &Type::String, "config").unwrap(), Value::Null);
    }

    #[test]
    fn json_is_read_when_there_is_no_msgpack() {
        let value = DynamicValue { json: b"\"x\"".to_vec(), ..Default::default() };
        assert_eq!(decode(Some(&value), &Type::String, "config").unwrap(), "x".into());
        let value = DynamicValue { json: b"{".to_vec(), ..Default::default() };
        assert!(decode(Some(&value), &Type::String, "config").is_err());
    }
}
