//! The record as ExtraConfig values: compressed JSON in numbered parts, none longer than a value may be.
//!
//! The keys do not begin with `guestinfo.`: no guest can read them.

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use serde::Deserialize;
use std::io::Write as _;

use super::Record;
use crate::error::Error;

/// The first key: holds the number of parts.
pub const KEY: &str = "vio.record";
/// The first key of the copy, which is written with the record and read when that is damaged.
pub const COPY: &str = "vio.record.copy";
/// How many part keys a reader asks for; more than any deployment needs.
pub const PARTS: usize = 8;
const PART_CHARS: usize = 60_000;
const MAX_JSON_BYTES: u64 = 16 * 1024 * 1024;

/// The version of the layout that this provider writes.
pub(super) const VERSION: u32 = 1;

/// The part of a record that every version has.
#[derive(Deserialize)]
struct Layout {
    version: u32,
}

/// The keys of the record or of its copy: the first key, then those of the parts.
fn keys_of(first: &str) -> impl Iterator<Item = String> {
    std::iter::once(first.to_owned()).chain((1..=PARTS).map(move |part| part_key(first, part)))
}

/// The key of a part, counted from 1.
fn part_key(first: &str, part: usize) -> String {
    format!("{first}.{part}")
}

impl Record {
    /// Every key that a record and its copy may use: what a clone of the image must clear.
    pub fn all_keys() -> Vec<String> {
        Self::keys().into_iter().chain(Self::copy_keys()).collect()
    }

    /// Every key that a record may use.
    pub fn keys() -> Vec<String> {
        keys_of(KEY).collect()
    }

    /// Every key that the copy of a record may use.
    pub fn copy_keys() -> Vec<String> {
        keys_of(COPY).collect()
    }

    /// The record and its copy as ExtraConfig values; parts that are not used any more are emptied, which deletes them.
    ///
    /// # Errors
    /// When it is larger than what vCenter may be asked to keep.
    pub fn encode(&self) -> Result<BTreeMap<String, String>, Error> {
        let fail = |why: String| Error::Record { deployment: self.settings.name.clone(), why };
        let json = serde_json::to_vec(self).map_err(|e| fail(e.to_string()))?;
        let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
        let packed = gzip.write_all(&json).and_then(|()| gzip.finish()).map_err(|e| fail(e.to_string()))?;
        let text = STANDARD.encode(packed);
        let parts: Vec<&str> = split(&text);
        if parts.len() > PARTS {
            return Err(fail(format!(
                "it takes {} characters, {} are allowed",
                text.len(),
                PARTS * PART_CHARS
            )));
        }
        let mut values: BTreeMap<String, String> =
            Self::all_keys().into_iter().map(|k| (k, String::new())).collect();
        for first in [KEY, COPY] {
            values.insert(first.to_owned(), parts.len().to_string());
            for (index, part) in parts.iter().enumerate() {
                values.insert(part_key(first, index + 1), (*part).to_owned());
            }
        }
        Ok(values)
    }

    /// Reads a record back; `Ok(None)` when there is none.
    ///
    /// # Errors
    /// When parts are missing or damaged, or a newer provider wrote it.
    pub fn decode(deployment: &str, values: &BTreeMap<String, String>) -> Result<Option<Self>, Error> {
        Self::decode_at(KEY, deployment, values)
    }

    /// Reads the copy of a record back; `Ok(None)` when there is none.
    ///
    /// # Errors
    /// As [`Record::decode`].
    pub fn decode_copy(deployment: &str, values: &BTreeMap<String, String>) -> Result<Option<Self>, Error> {
        Self::decode_at(COPY, deployment, values)
    }

    fn decode_at(
        first: &str,
        deployment: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, Error> {
        let fail = |why: String| Error::Record { deployment: deployment.to_owned(), why };
        let Some(count) = values.get(first).filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let count: usize = count.parse().map_err(|_| fail(format!("`{first}` is not a number of parts")))?;
        let mut text = String::new();
        if !(1..=PARTS).contains(&count) {
            return Err(fail(format!("`{first}` says {count} parts, 1 to {PARTS} are possible")));
        }
        for part in 1..=count {
            let key = part_key(first, part);
            text += values.get(&key).ok_or_else(|| fail(format!("`{key}` is missing")))?;
        }
        let damaged = |why: String| fail(format!("`{first}` is damaged: {why}"));
        let packed = STANDARD.decode(&text).map_err(|e| damaged(e.to_string()))?;
        let mut json = Vec::new();
        let mut reader = GzDecoder::new(packed.as_slice()).take(MAX_JSON_BYTES);
        reader.read_to_end(&mut json).map_err(|e| damaged(e.to_string()))?;
        // The version is judged first: a newer layout need not be readable.
        let Layout { version } = serde_json::from_slice(&json).map_err(|e| damaged(e.to_string()))?;
        match version {
            VERSION => serde_json::from_slice(&json).map(Some).map_err(|e| damaged(e.to_string())),
            newer if newer > VERSION => {
                Err(Error::NewerRecord { deployment: deployment.to_owned(), version: newer })
            }
            unknown => Err(damaged(format!("no provider has written a version {unknown}"))),
        }
    }
}

/// Base64 is ASCII, so every byte is a character.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (part, next) = rest.split_at(rest.len().min(PART_CHARS));
        parts.push(part);
        rest = next;
    }
    parts
}
