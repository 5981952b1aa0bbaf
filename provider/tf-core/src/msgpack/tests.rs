//! The byte table of the protocol, and laws that hold for all values.

use proptest::prelude::*;

use super::{decode, encode};
use crate::types::Type;
use crate::value::{Number, Value};

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).unwrap())
}

fn set_of(element: Type) -> Type {
    Type::Set(Box::new(element))
}

#[test]
fn bytes_are_those_of_the_protocol() {
    let object = Type::Object([("a".to_owned(), Type::String), ("b".to_owned(), Type::Bool)].into());
    let rows: Vec<(Value, Type, &[u8])> = vec![
        (Value::Null, Type::String, b"\xc0"),
        (Value::Null, Type::Dynamic, b"\xc0"),
        (Value::Unknown, Type::String, b"\xd4\x00\x00"),
        (Value::Unknown, Type::Dynamic, b"\xd4\x00\x00"),
        ("hi".into(), Type::String, b"\xa2hi"),
        ("".into(), Type::String, b"\xa0"),
        (true.into(), Type::Bool, b"\xc3"),
        (false.into(), Type::Bool, b"\xc2"),
        (0.into(), Type::Number, b"\x00"),
        (127.into(), Type::Number, b"\x7f"),
        (128.into(), Type::Number, b"\xcc\x80"),
        (Value::from(-1), Type::Number, b"\xff"),
        (Value::from(-33), Type::Number, b"\xd0\xdf"),
        (i64::MAX.into(), Type::Number, b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
        (i64::MIN.into(), Type::Number, b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
        (number("9223372036854775808"), Type::Number, b"\xb39223372036854775808"),
        (number("0.5"), Type::Number, b"\xcb\x3f\xe0\x00\x00\x00\x00\x00\x00"),
        (number("0.1"), Type::Number, b"\xa30.1"),
        (Value::Sequence(vec![1.into(), Value::Null]), Type::List(Box::new(Type::Number)), b"\x92\x01\xc0"),
        (
            Value::Map([("k".to_owned(), Value::Unknown)].into()),
            Type::Map(Box::new(Type::Bool)),
            b"\x81\xa1k\xd4\x00\x00",
        ),
        (Value::Map([("a".to_owned(), "x".into())].into()), object, b"\x82\xa1a\xa1x\xa1b\xc0"),
        ("x".into(), Type::Dynamic, b"\x92\xc4\x08\"string\"\xa1x"),
    ];
    for (value, of, bytes) in rows {
        assert_eq!(encode(&value, &of).unwrap(), bytes, "{value:?}");
        let read = decode(bytes, &of).unwrap();
        assert_eq!(encode(&read, &of).unwrap(), bytes, "{value:?}");
    }
}

#[test]
fn every_form_of_unknown_is_accepted() {
    for bytes in [
        &b"\xd4\x00\x00"[..],
        b"\xc7\x00\x00",
        b"\xc7\x03\x0c\x81\x01\xc2",
        b"\xd5\x0c\x81\x01",
        b"\xd6\x0c\x81\x01\xc2\xc0",
        b"\xc8\x00\x03\x0c\x81\x01\xc2",
        b"\xc9\x00\x00\x00\x00\x05",
    ] {
        for of in [Type::String, Type::Dynamic, set_of(Type::Bool)] {
            assert_eq!(decode(bytes, &of).unwrap(), Value::Unknown, "{bytes:?}");
        }
    }
}

#[test]
fn every_form_of_number_is_accepted() {
    for (bytes, expected) in [
        (&b"\xcd\x01\x00"[..], "256"),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\xd1\xff\x00", "-256"),
        (b"\xd2\xff\xff\xff\xfe", "-2"),
        (b"\xca\x3d\xcc\xcc\xcd", "0.1"),
        (b"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1"),
        (b"\xcb\x40\x00\x00\x00\x00\x00\x00\x00", "2"),
        (b"\xa51e+30", "1000000000000000000000000000000"),
        (b"\xa40.10", "0.1"),
    ] {
        assert_eq!(decode(bytes, &Type::Number).unwrap(), number(expected), "{bytes:?}");
    }
    for bytes in [
        &b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"[..],
        b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01",
        b"\xa3abc",
        b"\xc3",
    ] {
        assert!(decode(bytes, &Type::Number).is_err(), "{bytes:?}");
    }
}

#[test]
fn sets_keep_each_known_element_once_in_one_order() {
    let of = set_of(Type::String);
    let value = decode(b"\x95\xa1b\xa1a\xd4\x00\x00\xa1b\xd4\x00\x00", &of).unwrap();
    assert_eq!(value, Value::Sequence(vec![Value::Unknown, Value::Unknown, "a".into(), "b".into()]));
}

#[test]
fn values_of_another_type_are_not_written() {
    assert!(encode(&"x".into(), &Type::Number).is_err());
    assert!(encode(&Value::Sequence(vec![true.into()]), &Type::List(Box::new(Type::String))).is_err());
    let of = Type::Object([("a".to_owned(), Type::String)].into());
    assert!(encode(&Value::Map([("b".to_owned(), "x".into())].into()), &of).is_err());
}

fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |value| Number::from_f64(value).map(Value::Number)),
        (any::<i64>(), 0u32..40, 0u32..40).prop_map(|(digits, zeros, scale)| number(&format!(
            "{digits}{}e-{scale}",
            "0".repeat(zeros as usize)
        ))),
    ]
}

/// A type with a value of it.
fn typed_value() -> impl Strategy<Value = (Type, Value)> {
    let leaf = prop_oneof![
        any::<String>().prop_map(|text| (Type::String, text.into())),
        any::<bool>().prop_map(|value| (Type::Bool, value.into())),
        any_number().prop_map(|value| (Type::Number, value)),
        Just((Type::String, Value::Null)),
        Just((Type::Number, Value::Unknown)),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let copies = (inner.clone(), 0usize..4);
        prop_oneof![
            copies.clone().prop_map(|((of, value), count)| {
                (Type::List(Box::new(of)), Value::Sequence(vec![value; count]))
            }),
            copies.clone().prop_map(|((of, value), count)| {
                (Type::Set(Box::new(of)), Value::distinct(vec![value; count]))
            }),
            copies.prop_map(|((of, value), count)| {
                let members = (0..count).map(|index| (format!("k{index}"), value.clone())).collect();
                (Type::Map(Box::new(of)), Value::Map(members))
            }),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|pairs| {
                let (types, values) = pairs.into_iter().unzip();
                (Type::Tuple(types), Value::Sequence(values))
            }),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4).prop_map(|members| {
                let types = members.iter().map(|(name, (of, _))| (name.clone(), of.clone())).collect();
                let values = members.into_iter().map(|(name, (_, value))| (name, value)).collect();
                (Type::Object(types), Value::Map(values))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back((of, value) in typed_value()) {
        let bytes = encode(&value, &of).unwrap();
        prop_assert_eq!(decode(&bytes, &of).unwrap(), value);
    }

    #[test]
    fn known_values_read_back_from_json((of, value) in typed_value()) {
        if value.is_wholly_known() {
            let json = crate::json::to_json(&value, &of).unwrap().to_string();
            let json = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(crate::json::from_json(&json, &of, crate::json::Leniency::Strict).unwrap(), value);
        }
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error((of, value) in typed_value(), noise in prop::collection::vec(any::<u8>(), 0..64), at in any::<usize>()) {
        let _ = decode(&noise, &of);
        let mut bytes = encode(&value, &of).unwrap();
        let at = at % bytes.len();
        bytes.splice(at..at, noise);
        let _ = decode(&bytes, &of);
    }
}
