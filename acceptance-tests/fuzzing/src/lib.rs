//! Fuzzing that runs wherever tests run: a law is held to every seed of a corpus, and to seeds that were damaged at random.
//!
//! A target lies beside what it attacks, in `fuzz/`, its seeds in `fuzz/corpus/<target>/`. `PROPTEST_CASES=1000000` lets a
//! target run longer. What it finds becomes a seed once it is mended.
#![expect(clippy::panic, reason = "every function here is part of a test")]

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// The longest run of bytes that one kind of damage touches.
const MAX_SPAN: usize = 64;

/// Small texts that formats treat in a way of their own.
const TOKENS: [&[u8]; 16] = [
    b"<",
    b"</",
    b"/>",
    b"&#x0;",
    b"]]>",
    b"\"",
    b"{",
    b"[",
    b"}",
    b"null",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\0",
];

/// One kind of damage. Places are fractions of the input's length, since that changes as damage is done.
#[derive(Debug, Clone)]
enum Damage {
    /// One byte becomes another.
    Set(f64, u8),
    /// Bytes go.
    Cut(f64, usize),
    /// Bytes come twice.
    Repeat(f64, usize),
    /// A token comes in.
    Insert(f64, usize),
    /// Bytes of another seed come in.
    Splice(f64, usize, f64, usize),
    /// The end goes.
    Truncate(f64),
}

/// Holds `law` to every seed in `corpus`, and to at least `cases` damaged ones.
///
/// # Panics
/// When the law panics, with the smallest input found for which it does; when there is no seed.
pub fn check(corpus: &Path, cases: u32, law: impl Fn(&[u8])) {
    let seeds = seeds(corpus);
    for seed in &seeds {
        law(seed);
    }
    let default = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { default.cases } else { cases };
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..default });
    let result = runner.run(&(any::<prop::sample::Index>(), damages()), |(seed, damages)| {
        let input = damaged(&seeds, seed.index(seeds.len()), &damages);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| law(&input)));
        outcome.map_err(|_| TestCaseError::fail(input.escape_ascii().to_string()))
    });
    if let Err(TestError::Fail(input, _)) | Err(TestError::Abort(input)) = result {
        panic!(
            "the law does not hold for b\"{input}\"; once it does, keep these bytes in {}",
            corpus.display()
        );
    }
}

/// The seeds, by name.
fn seeds(corpus: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(corpus).unwrap_or_else(|why| panic!("{}: {why}", corpus.display()));
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no seeds", corpus.display());
    let read = |file: &std::path::PathBuf| {
        std::fs::read(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
    };
    files.iter().map(read).collect()
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let place = || 0.0..1.0;
    let span = || 1..=MAX_SPAN;
    let damage = prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        2 => (place(), span()).prop_map(|(at, span)| Damage::Cut(at, span)),
        2 => (place(), span()).prop_map(|(at, span)| Damage::Repeat(at, span)),
        2 => (place(), 0..TOKENS.len()).prop_map(|(at, token)| Damage::Insert(at, token)),
        2 => (place(), any::<u16>(), place(), span())
            .prop_map(|(at, other, from, span)| Damage::Splice(at, other.into(), from, span)),
        1 => place().prop_map(Damage::Truncate),
    ];
    prop::collection::vec(damage, 1..6)
}

fn damaged(seeds: &[Vec<u8>], seed: usize, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = seeds.get(seed).cloned().unwrap_or_default();
    for damage in damages {
        match *damage {
            Damage::Set(at, new) => {
                let at = place(&bytes, at);
                bytes.splice(at..end(&bytes, at, 1), [new]);
            }
            Damage::Cut(at, span) => {
                let at = place(&bytes, at);
                bytes.drain(at..end(&bytes, at, span));
            }
            Damage::Repeat(at, span) => {
                let at = place(&bytes, at);
                let again = bytes.get(at..end(&bytes, at, span)).unwrap_or_default().to_vec();
                bytes.splice(at..at, again);
            }
            Damage::Insert(at, token) => {
                let at = place(&bytes, at);
                bytes.splice(at..at, TOKENS.get(token).copied().unwrap_or_default().to_vec());
            }
            Damage::Splice(at, other, from, span) => {
                let other = seeds.get(other % seeds.len()).map(Vec::as_slice).unwrap_or_default();
                let (at, from) = (place(&bytes, at), place(other, from));
                let piece = other.get(from..end(other, from, span)).unwrap_or_default().to_vec();
                bytes.splice(at..at, piece);
            }
            Damage::Truncate(at) => bytes.truncate(place(&bytes, at)),
        }
    }
    bytes
}

/// The index at this fraction of the length.
fn place(bytes: &[u8], at: f64) -> usize {
    ((bytes.len() as f64 * at) as usize).min(bytes.len())
}

fn end(bytes: &[u8], at: usize, span: usize) -> usize {
    at.saturating_add(span).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_that_does_not_hold_is_found_out() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let law = |bytes: &[u8]| assert_eq!(bytes, include_bytes!("lib.rs"));
        let broken = std::panic::catch_unwind(|| check(&corpus, 10, law));
        let said = broken.unwrap_err();
        assert!(said.downcast_ref::<String>().is_some_and(|text| text.contains("does not hold for b\"")));
    }

    #[test]
    fn a_law_that_holds_is_silent() {
        check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), 100, |_| ());
    }
}
