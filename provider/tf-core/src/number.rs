//! Numbers of any precision as decimal text.

use std::fmt;

/// Most digits of a number, before and after the point together. The protocol's other implementations keep 512 bits,
/// about 154 decimal digits; the largest `f64` has 309.
const MAX_DIGITS: usize = 1100;

/// A number as its shortest decimal text: no exponent, no needless zero, `-` only before a number below zero. Two
/// numbers are equal exactly when their texts are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(String);

impl Number {
    /// Reads decimal text such as `-12`, `0.50` or `1e30`. None for other text and for numbers of more than about a
    /// thousand digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
        place_point(negative, &digits, point).map(Self)
    }

    /// The number nearest to the shortest text that reads back as `value`. None for infinities and NaN.
    pub fn from_f64(value: f64) -> Option<Self> {
        if value.is_finite() { Self::parse(&value.to_string()) } else { None }
    }

    /// The decimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value if it is whole and fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest `f64`; infinite when there is none.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The value as an `f64` if it is no whole number and an `f64` holds it without loss.
    pub(crate) fn as_exact_fraction(&self) -> Option<f64> {
        if !self.0.contains('.') {
            return None;
        }
        let value: f64 = self.0.parse().ok()?;
        let exact = format!("{value:.MAX_DIGITS$}");
        (exact.trim_end_matches('0') == self.0).then_some(value)
    }
}

/// `0.DIGITS * 10^point` as text without exponent.
fn place_point(negative: bool, digits: &str, point: i64) -> Option<String> {
    let significant = digits.trim_start_matches('0');
    let point = point - i64::try_from(digits.len() - significant.len()).ok()?;
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let limit = i64::try_from(MAX_DIGITS).ok()?;
    if point > limit || point < -limit {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    let length = i64::try_from(significant.len()).ok()?;
    let text = if point <= 0 {
        format!("{sign}0.{}{significant}", "0".repeat(usize::try_from(-point).ok()?))
    } else if point >= length {
        format!("{sign}{significant}{}", "0".repeat(usize::try_from(point - length).ok()?))
    } else {
        let (whole, fraction) = significant.split_at(usize::try_from(point).ok()?);
        format!("{sign}{whole}.{fraction}")
    };
    Some(text)
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(value.to_string())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(value.to_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: &str) -> Option<String> {
        Number::parse(number).map(|number| number.0)
    }

    #[test]
    fn every_spelling_of_a_number_has_one_text() {
        for (spelling, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.000", "0"),
            ("0e5", "0"),
            ("7", "7"),
            ("+7", "7"),
            ("007", "7"),
            ("-7.50", "-7.5"),
            ("0.1", "0.1"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.25e1", "12.5"),
            ("125E-4", "0.0125"),
            ("1e30", "1000000000000000000000000000000"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(text(spelling).as_deref(), Some(expected), "{spelling}");
        }
    }

    #[test]
    fn other_text_is_no_number() {
        for spelling in
            ["", "-", ".", "e5", "1e", "0x10", "1_000", "NaN", "inf", "1e99999999999", "1e2000", "--1", "1 "]
        {
            assert_eq!(text(spelling), None, "{spelling}");
        }
    }

    #[test]
    fn floats_take_their_shortest_text() {
        assert_eq!(Number::from_f64(0.1).unwrap().as_str(), "0.1");
        assert_eq!(Number::from_f64(1e21).unwrap().as_str(), "1000000000000000000000");
        assert_eq!(Number::from_f64(-0.0).unwrap().as_str(), "0");
        assert_eq!(Number::from_f64(f64::NAN), None);
        assert!(Number::from_f64(f64::MIN_POSITIVE).is_some());
        assert!(Number::from_f64(f64::MAX).is_some());
    }

    #[test]
    fn only_binary_fractions_are_exact() {
        assert_eq!(Number::parse("0.5").unwrap().as_exact_fraction(), Some(0.5));
        assert_eq!(Number::parse("-2.75").unwrap().as_exact_fraction(), Some(-2.75));
        assert_eq!(Number::parse("0.1").unwrap().as_exact_fraction(), None);
        assert_eq!(Number::parse("2").unwrap().as_exact_fraction(), None);
    }
}
