//! A document as values of a VM's ExtraConfig, and back.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder, read::GzDecoder};
use sha2::{Digest, Sha256};

use super::document::{DOCUMENT_VERSION, Document, hex};
use super::error::RenderError;

/// Key of the revision: SHA-256 of the document's JSON in lower-case hexadecimal. An agent that finds a document of
/// another digest waits: it is being written.
pub const REVISION_KEY: &str = "guestinfo.vio.desired.revision";

/// Key of the document: base64 of gzip of its JSON, or `parts:<n>` where that is longer than [`MAX_VALUE_BYTES`]; the
/// parts are then under this key followed by `.1` to `.<n>`.
pub const DOCUMENT_KEY: &str = "guestinfo.vio.desired";

/// Longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Longest sum of a node's values, in bytes.
pub const MAX_TOTAL_BYTES: usize = 1024 * 1024;

/// Largest JSON that is read back, in bytes: a guard against a value that expands without end.
const MAX_JSON_BYTES: u64 = 64 * 1024 * 1024;

/// A document ready to be written into a VM's ExtraConfig.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// SHA-256 of the document's JSON, lower-case hexadecimal.
    pub revision: String,
    /// [`Document::files_digest`].
    pub files_digest: String,
    /// The values by key.
    pub extra_config: BTreeMap<String, String>,
}

impl fmt::Debug for Encoded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, files_digest: _, extra_config } = self;
        write!(out, "Encoded({revision}, {} values)", extra_config.len())
    }
}

impl Encoded {
    /// The values that clear parts of an earlier, longer document: `""` for each part among the keys that the VM has
    /// which this document does not use.
    #[must_use]
    pub fn keys_to_clear<'a>(&self, existing: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
        let unused = |key: &&str| is_part(key) && !self.extra_config.contains_key(*key);
        existing.into_iter().filter(unused).map(|key| (key.to_owned(), String::new())).collect()
    }
}

fn is_part(key: &str) -> bool {
    let number = key.strip_prefix(DOCUMENT_KEY).and_then(|rest| rest.strip_prefix('.'));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

impl Document {
    /// The document as values for the VM's ExtraConfig.
    ///
    /// # Errors
    /// When the values exceed [`MAX_TOTAL_BYTES`].
    pub fn encode(&self) -> Result<Encoded, RenderError> {
        let cannot = |source| RenderError::Encode { node: self.node.clone(), source };
        let json = serde_json::to_vec(self).map_err(|error| cannot(error.into()))?;
        let revision = hex(&Sha256::digest(&json));
        let text = STANDARD.encode(compress(&json).map_err(cannot)?);
        let mut extra_config = split(text);
        extra_config.insert(REVISION_KEY.to_owned(), revision.clone());
        let size = extra_config.values().map(String::len).sum();
        if size > MAX_TOTAL_BYTES {
            return Err(RenderError::TooLarge { node: self.node.clone(), size, limit: MAX_TOTAL_BYTES });
        }
        Ok(Encoded { revision, files_digest: self.files_digest(), extra_config })
    }

    /// Reads a document back from a VM's ExtraConfig; other keys are ignored.
    ///
    /// # Errors
    /// When a part is missing, or revision and content disagree.
    pub fn decode(extra_config: &BTreeMap<String, String>) -> Result<Self, RenderError> {
        let value = |key: &str| extra_config.get(key).ok_or_else(|| refuse(format!("`{key}` is missing")));
        let head = value(DOCUMENT_KEY)?;
        let text = match head.strip_prefix("parts:") {
            None => head.clone(),
            Some(count) => {
                let count: u32 =
                    count.parse().map_err(|_| refuse(format!("`{head}` is no count of parts")))?;
                (1..=count)
                    .map(|number| value(&format!("{DOCUMENT_KEY}.{number}")).cloned())
                    .collect::<Result<_, _>>()?
            }
        };
        let json = decompress(&text)?;
        if *value(REVISION_KEY)? != hex(&Sha256::digest(&json)) {
            return Err(refuse("its content does not have the revision it should have".to_owned()));
        }
        let document: Self = serde_json::from_slice(&json).map_err(|error| refuse(error.to_string()))?;
        if document.version != DOCUMENT_VERSION {
            return Err(refuse(format!(
                "its format is version {}, not {DOCUMENT_VERSION}",
                document.version
            )));
        }
        Ok(document)
    }
}

fn refuse(reason: String) -> RenderError {
    RenderError::Decode { reason }
}

/// No time and no name in the header, so that equal documents give equal bytes.
pub(super) fn compress(json: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::new(9));
    writer.write_all(json)?;
    writer.finish()
}

fn decompress(text: &str) -> Result<Vec<u8>, RenderError> {
    let packed = STANDARD.decode(text).map_err(|error| refuse(format!("it is no base64: {error}")))?;
    let mut json = Vec::new();
    let mut reader = GzDecoder::new(packed.as_slice()).take(MAX_JSON_BYTES);
    reader.read_to_end(&mut json).map_err(|error| refuse(format!("it is no gzip: {error}")))?;
    Ok(json)
}

fn split(text: String) -> BTreeMap<String, String> {
    if text.len() <= MAX_VALUE_BYTES {
        return BTreeMap::from([(DOCUMENT_KEY.to_owned(), text)]);
    }
    let chunks =
        text.as_bytes().chunks(MAX_VALUE_BYTES).map(|chunk| String::from_utf8_lossy(chunk).into_owned());
    let numbered = chunks.enumerate().map(|(index, chunk)| (format!("{DOCUMENT_KEY}.{}", index + 1), chunk));
    let mut values: BTreeMap<String, String> = numbered.collect();
    values.insert(DOCUMENT_KEY.to_owned(), format!("parts:{}", values.len()));
    values
}
