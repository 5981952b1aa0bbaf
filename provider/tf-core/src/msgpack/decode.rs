//! Reads values. The input is not trusted: claimed lengths allocate nothing before the bytes are seen, and nesting
//! is bounded.

use std::collections::BTreeMap;

use rmp::Marker;
use serde_json::Value as Json;

use crate::codec::{CodecError, MAX_DEPTH};
use crate::json::needed;
use crate::path::Path;
use crate::types::Type;
use crate::value::{Number, Value};

/// Most values in one message. A byte of input can make a value of 32 bytes in memory, and messages may have 256 MiB.
const MAX_VALUES: usize = 16 << 20;

/// Reads a value of type `of`, with any refinements of unknown values dropped.
///
/// # Errors
/// Bytes that are no value of the type, or more bytes than the value has.
pub fn decode(bytes: &[u8], of: &Type) -> Result<Value, CodecError> {
    let mut reader = Reader { rest: bytes, values_left: MAX_VALUES };
    let value = reader.value(of, &Path::root(), 0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(CodecError::new(&Path::root(), "bytes follow the end of the value"))
    }
}

struct Reader<'b> {
    rest: &'b [u8],
    values_left: usize,
}

impl<'b> Reader<'b> {
    fn value(&mut self, of: &Type, path: &Path, depth: usize) -> Result<Value, CodecError> {
        if depth > MAX_DEPTH {
            return Err(CodecError::too_deep(path));
        }
        self.values_left = self
            .values_left
            .checked_sub(1)
            .ok_or_else(|| CodecError::new(path, format!("a message holds at most {MAX_VALUES} values")))?;
        let marker = self.marker(path)?;
        if marker == Marker::Null {
            return Ok(Value::Null);
        }
        if let Some(length) = self.extension_length(marker, path)? {
            self.take(length + 1, path)?;
            return Ok(Value::Unknown);
        }
        match of {
            Type::String => self.text(marker, of, path).map(|text| Value::String(text.to_owned())),
            Type::Bool => match marker {
                Marker::True => Ok(Value::Bool(true)),
                Marker::False => Ok(Value::Bool(false)),
                other => Err(mismatch(of, other, path)),
            },
            Type::Number => self.number(marker, path).map(Value::Number),
            Type::List(element) => self.items(marker, of, |_| element, path, depth).map(Value::Sequence),
            Type::Set(element) => self.items(marker, of, |_| element, path, depth).map(Value::distinct),
            Type::Tuple(elements) => self.tuple(marker, elements, path, depth),
            Type::Map(element) => self.map(marker, element, path, depth),
            Type::Object(attributes) => self.object(marker, attributes, path, depth),
            Type::Dynamic => self.dynamic(marker, path, depth),
        }
    }

    fn items<'t>(
        &mut self,
        marker: Marker,
        of: &Type,
        element: impl Fn(usize) -> &'t Type,
        path: &Path,
        depth: usize,
    ) -> Result<Vec<Value>, CodecError> {
        let count = self.array_length(marker, path)?.ok_or_else(|| mismatch(of, marker, path))?;
        let mut items = Vec::new();
        for index in 0..count {
            items.push(self.value(element(index), &path.clone().then_index(index), depth + 1)?);
        }
        Ok(items)
    }

    fn tuple(
        &mut self,
        marker: Marker,
        elements: &[Type],
        path: &Path,
        depth: usize,
    ) -> Result<Value, CodecError> {
        let of = Type::Tuple(Vec::new());
        let count = self.array_length(marker, path)?.ok_or_else(|| mismatch(&of, marker, path))?;
        if count != elements.len() {
            let reason = format!("a tuple of {} elements is required, found {count}", elements.len());
            return Err(CodecError::new(path, reason));
        }
        let mut items = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            items.push(self.value(element, &path.clone().then_index(index), depth + 1)?);
        }
        Ok(Value::Sequence(items))
    }

    fn map(
        &mut self,
        marker: Marker,
        element: &Type,
        path: &Path,
        depth: usize,
    ) -> Result<Value, CodecError> {
        let of = Type::Map(Box::new(Type::Dynamic));
        let count = self.map_length(marker, path)?.ok_or_else(|| mismatch(&of, marker, path))?;
        let mut members = BTreeMap::new();
        for _ in 0..count {
            let key = self.key(path)?;
            let member = self.value(element, &path.clone().then_key(key), depth + 1)?;
            members.insert(key.to_owned(), member);
        }
        Ok(Value::Map(members))
    }

    fn object(
        &mut self,
        marker: Marker,
        attributes: &BTreeMap<String, Type>,
        path: &Path,
        depth: usize,
    ) -> Result<Value, CodecError> {
        let of = Type::Object(BTreeMap::new());
        let count = self.map_length(marker, path)?.ok_or_else(|| mismatch(&of, marker, path))?;
        let mut members = BTreeMap::new();
        for _ in 0..count {
            let name = self.key(path)?;
            let member = attributes
                .get(name)
                .ok_or_else(|| CodecError::new(path, format!("unexpected attribute {name:?}")))?;
            let member = self.value(member, &path.clone().then_attribute(name), depth + 1)?;
            if members.insert(name.to_owned(), member).is_some() {
                return Err(CodecError::new(path, format!("attribute {name:?} comes twice")));
            }
        }
        match attributes.keys().find(|name| !members.contains_key(*name)) {
            Some(name) => Err(CodecError::new(path, format!("attribute {name:?} is missing"))),
            None => Ok(Value::Map(members)),
        }
    }

    fn dynamic(&mut self, marker: Marker, path: &Path, depth: usize) -> Result<Value, CodecError> {
        if self.array_length(marker, path)? != Some(2) {
            return Err(mismatch(&Type::Dynamic, marker, path));
        }
        let length = match self.marker(path)? {
            Marker::Bin8 => self.unsigned(1, path)?,
            Marker::Bin16 => self.unsigned(2, path)?,
            Marker::Bin32 => self.unsigned(4, path)?,
            other => return Err(mismatch(&Type::Dynamic, other, path)),
        };
        let notation = self.take(to_length(length, path)?, path)?;
        let json: Json = serde_json::from_slice(notation)
            .map_err(|_| CodecError::new(path, "the type of a dynamic value is malformed"))?;
        self.value(&Type::from_json(&json)?, path, depth + 1)
    }

    fn number(&mut self, marker: Marker, path: &Path) -> Result<Number, CodecError> {
        let of = &Type::Number;
        match marker {
            Marker::FixPos(value) => Ok(i64::from(value).into()),
            Marker::FixNeg(value) => Ok(i64::from(value).into()),
            Marker::U8 => Ok(self.unsigned(1, path)?.into()),
            Marker::U16 => Ok(self.unsigned(2, path)?.into()),
            Marker::U32 => Ok(self.unsigned(4, path)?.into()),
            Marker::U64 => Ok(self.unsigned(8, path)?.into()),
            Marker::I8 => Ok(self.signed(1, path)?.into()),
            Marker::I16 => Ok(self.signed(2, path)?.into()),
            Marker::I32 => Ok(self.signed(4, path)?.into()),
            Marker::I64 => Ok(self.signed(8, path)?.into()),
            Marker::F32 => {
                let bits = u32::try_from(self.unsigned(4, path)?).unwrap_or_default();
                Number::parse(&f32::from_bits(bits).to_string()).ok_or_else(|| not_finite(path))
            }
            Marker::F64 => {
                Number::from_f64(f64::from_bits(self.unsigned(8, path)?)).ok_or_else(|| not_finite(path))
            }
            other => Number::parse(self.text(other, of, path)?)
                .ok_or_else(|| CodecError::mismatch(path, needed(of), "other text")),
        }
    }

    fn key(&mut self, path: &Path) -> Result<&'b str, CodecError> {
        let marker = self.marker(path)?;
        self.text(marker, &Type::String, path)
    }

    fn text(&mut self, marker: Marker, of: &Type, path: &Path) -> Result<&'b str, CodecError> {
        let length = match marker {
            Marker::FixStr(length) => u64::from(length),
            Marker::Str8 => self.unsigned(1, path)?,
            Marker::Str16 => self.unsigned(2, path)?,
            Marker::Str32 => self.unsigned(4, path)?,
            other => return Err(mismatch(of, other, path)),
        };
        let bytes = self.take(to_length(length, path)?, path)?;
        std::str::from_utf8(bytes).map_err(|_| CodecError::new(path, "the text is not UTF-8"))
    }

    /// Length of the payload without its type byte, when the marker begins an extension. Every extension means
    /// unknown, with refinements or without.
    fn extension_length(&mut self, marker: Marker, path: &Path) -> Result<Option<usize>, CodecError> {
        let length = match marker {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.unsigned(1, path)?,
            Marker::Ext16 => self.unsigned(2, path)?,
            Marker::Ext32 => self.unsigned(4, path)?,
            _ => return Ok(None),
        };
        to_length(length, path).map(Some)
    }

    fn array_length(&mut self, marker: Marker, path: &Path) -> Result<Option<usize>, CodecError> {
        let length = match marker {
            Marker::FixArray(length) => u64::from(length),
            Marker::Array16 => self.unsigned(2, path)?,
            Marker::Array32 => self.unsigned(4, path)?,
            _ => return Ok(None),
        };
        to_length(length, path).map(Some)
    }

    fn map_length(&mut self, marker: Marker, path: &Path) -> Result<Option<usize>, CodecError> {
        let length = match marker {
            Marker::FixMap(length) => u64::from(length),
            Marker::Map16 => self.unsigned(2, path)?,
            Marker::Map32 => self.unsigned(4, path)?,
            _ => return Ok(None),
        };
        to_length(length, path).map(Some)
    }

    fn marker(&mut self, path: &Path) -> Result<Marker, CodecError> {
        self.take(1, path).map(|byte| Marker::from_u8(byte[0]))
    }

    fn unsigned(&mut self, width: usize, path: &Path) -> Result<u64, CodecError> {
        let bytes = self.take(width, path)?;
        Ok(bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    fn signed(&mut self, width: usize, path: &Path) -> Result<i64, CodecError> {
        let unused_bits = 64 - 8 * width;
        let value = self.unsigned(width, path)?;
        Ok((value << unused_bits).cast_signed() >> unused_bits)
    }

    fn take(&mut self, count: usize, path: &Path) -> Result<&'b [u8], CodecError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| CodecError::new(path, "the value ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }
}

fn to_length(length: u64, path: &Path) -> Result<usize, CodecError> {
    usize::try_from(length).map_err(|_| CodecError::new(path, "the value ends too early"))
}

fn not_finite(path: &Path) -> CodecError {
    CodecError::mismatch(path, "a finite number", "infinity or no number")
}

fn mismatch(of: &Type, marker: Marker, path: &Path) -> CodecError {
    CodecError::mismatch(path, needed(of), kind(marker))
}

fn kind(marker: Marker) -> &'static str {
    match marker {
        Marker::Null => "null",
        Marker::True | Marker::False => "a boolean",
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => "a string",
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "an array of another length or kind",
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "a map",
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => "binary data",
        Marker::Reserved => "a reserved byte",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_of(element: Type) -> Type {
        Type::List(Box::new(element))
    }

    #[test]
    fn claimed_lengths_allocate_nothing() {
        for bytes in [
            &[0xdd, 0xff, 0xff, 0xff, 0xff][..],
            &[0xdb, 0xff, 0xff, 0xff, 0xff],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
        ] {
            for of in [list_of(Type::String), Type::String, Type::Map(Box::new(Type::Bool))] {
                assert!(decode(bytes, &of).is_err());
            }
        }
        assert!(decode(&[0xc9, 0xff, 0xff, 0xff, 0xff, 0x0c], &Type::String).is_err());
    }

    #[test]
    fn endless_nesting_is_an_error() {
        let mut bytes = Vec::new();
        for _ in 0..1_000_000 {
            bytes.extend(b"\x92\xc4\x09\"dynamic\"");
        }
        assert!(decode(&bytes, &Type::Dynamic).is_err());
    }

    #[test]
    fn an_object_has_every_attribute_once_and_no_other() {
        let of = Type::Object([("a".to_owned(), Type::Bool), ("b".to_owned(), Type::Bool)].into());
        assert!(decode(b"\x82\xa1a\xc3\xa1b\xc3", &of).is_ok());
        for bytes in [
            &b"\x81\xa1a\xc3"[..],
            b"\x82\xa1a\xc3\xa1c\xc3",
            b"\x82\xa1a\xc3\xa1a\xc3",
            b"\x83\xa1a\xc3\xa1b\xc3\xa1a\xc3",
        ] {
            assert!(decode(bytes, &of).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn truncated_and_trailing_bytes_are_errors() {
        let bytes = b"\x92\xa1a\xa1b";
        let of = list_of(Type::String);
        assert!(decode(bytes, &of).is_ok());
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end], &of).is_err());
        }
        assert!(decode(b"\xc0\xc0", &of).is_err());
    }

    #[test]
    fn errors_name_the_place_and_never_the_value() {
        let of = Type::Object([("a".to_owned(), list_of(Type::Number))].into());
        let error = decode(b"\x81\xa1a\x92\x01\xa6secret", &of).unwrap_err().to_string();
        assert_eq!(error, "a[1]: a number is required, found other text");
    }
}
