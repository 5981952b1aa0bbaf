//! Writes values.

use std::collections::BTreeMap;

use super::UNKNOWN;
use crate::codec::CodecError;
use crate::json::{needed, reject_unexpected};
use crate::path::Path;
use crate::types::Type;
use crate::value::{Number, Value};

/// Writes a value of type `of`. Members that an object lacks are written as null.
///
/// # Errors
/// A value that is not of the type: a mistake of the provider.
pub fn encode(value: &Value, of: &Type) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    write(&mut out, value, of, &Path::root())?;
    Ok(out)
}

fn write(out: &mut Vec<u8>, value: &Value, of: &Type, path: &Path) -> Result<(), CodecError> {
    match (of, value) {
        (_, Value::Null) => out.push(0xc0),
        (_, Value::Unknown) => out.extend(UNKNOWN),
        (Type::Dynamic, value) => write_dynamic(out, value, path)?,
        (Type::String, Value::String(text)) => write_str(out, text, path)?,
        (Type::Bool, Value::Bool(value)) => out.push(if *value { 0xc3 } else { 0xc2 }),
        (Type::Number, Value::Number(number)) => write_number(out, number, path)?,
        (Type::List(element) | Type::Set(element), Value::Sequence(items)) => {
            write_items(out, items, |_| element, path)?;
        }
        (Type::Tuple(elements), Value::Sequence(items)) if elements.len() == items.len() => {
            write_items(out, items, |index| &elements[index], path)?;
        }
        (Type::Map(element), Value::Map(members)) => {
            write_map_len(out, members.len(), path)?;
            for (key, member) in members {
                write_str(out, key, path)?;
                write(out, member, element, &path.clone().then_key(key))?;
            }
        }
        (Type::Object(attributes), Value::Map(members)) => write_object(out, members, attributes, path)?,
        _ => return Err(CodecError::mismatch(path, needed(of), value.kind())),
    }
    Ok(())
}

fn write_items<'t>(
    out: &mut Vec<u8>,
    items: &[Value],
    of: impl Fn(usize) -> &'t Type,
    path: &Path,
) -> Result<(), CodecError> {
    infallible(rmp::encode::write_array_len(out, length(items.len(), path)?), path)?;
    for (index, item) in items.iter().enumerate() {
        write(out, item, of(index), &path.clone().then_index(index))?;
    }
    Ok(())
}

fn write_object(
    out: &mut Vec<u8>,
    members: &BTreeMap<String, Value>,
    attributes: &BTreeMap<String, Type>,
    path: &Path,
) -> Result<(), CodecError> {
    reject_unexpected(members, attributes, path)?;
    write_map_len(out, attributes.len(), path)?;
    for (name, of) in attributes {
        write_str(out, name, path)?;
        let member = members.get(name).unwrap_or(&Value::Null);
        write(out, member, of, &path.clone().then_attribute(name))?;
    }
    Ok(())
}

fn write_dynamic(out: &mut Vec<u8>, value: &Value, path: &Path) -> Result<(), CodecError> {
    let own = Type::of(value);
    infallible(rmp::encode::write_array_len(out, 2), path)?;
    infallible(rmp::encode::write_bin(out, own.to_json().to_string().as_bytes()), path)?;
    write(out, value, &own, path)
}

/// Whole numbers that fit as integers, exact binary fractions as floats, the rest as decimal text.
fn write_number(out: &mut Vec<u8>, number: &Number, path: &Path) -> Result<(), CodecError> {
    if let Some(whole) = number.as_i64() {
        return infallible(rmp::encode::write_sint(out, whole).map(|_| ()), path);
    }
    match number.as_exact_fraction() {
        Some(fraction) => infallible(rmp::encode::write_f64(out, fraction), path),
        None => write_str(out, number.as_str(), path),
    }
}

fn write_str(out: &mut Vec<u8>, text: &str, path: &Path) -> Result<(), CodecError> {
    length(text.len(), path)?;
    infallible(rmp::encode::write_str(out, text), path)
}

fn write_map_len(out: &mut Vec<u8>, members: usize, path: &Path) -> Result<(), CodecError> {
    infallible(rmp::encode::write_map_len(out, length(members, path)?).map(|_| ()), path)
}

fn length(count: usize, path: &Path) -> Result<u32, CodecError> {
    u32::try_from(count).map_err(|_| CodecError::new(path, "more than 2^32 elements or bytes"))
}

/// Memory takes every write; the type of the encoder's result does not say so.
fn infallible<T, E>(result: Result<T, E>, path: &Path) -> Result<(), CodecError> {
    result.map(|_| ()).map_err(|_| CodecError::new(path, "out of memory"))
}
