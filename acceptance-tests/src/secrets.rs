//! Looks for a canary in everything that a run leaves behind.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use flate2::read::DeflateDecoder;
use memchr::memmem;

use crate::paths;

/// Where a secret was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Which of the secrets, by its place in the list: a report does not repeat a secret.
    pub secret: usize,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {} in {}", self.secret, self.file.display())
    }
}

/// Fails if one of the secrets is in a file below the directory: as text, in Base64, or inside a plan file, which is a
/// ZIP archive. Choose canaries of letters and digits, at least eight, so that no other encoding hides them.
pub fn expect_absent(dir: &Path, secrets: &[&str]) -> Result<()> {
    let found = find(dir, secrets)?;
    if found.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = found.iter().map(Finding::to_string).collect();
    bail!("secrets were written down:\n{}", list.join("\n"))
}

/// All places below the directory where one of the secrets is. The harness' own copy of the provider is left out.
pub fn find(dir: &Path, secrets: &[&str]) -> Result<Vec<Finding>> {
    let needles: Vec<Vec<Vec<u8>>> = secrets.iter().map(|secret| spellings(secret)).collect();
    let mut found = Vec::new();
    for file in paths::files_below(dir)? {
        if file.starts_with(dir.join("plugins")) {
            continue;
        }
        let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let mut texts = inflated_members(&bytes);
        texts.push(bytes);
        for (secret, spellings) in needles.iter().enumerate() {
            if spellings.iter().any(|needle| texts.iter().any(|text| memmem::find(text, needle).is_some())) {
                found.push(Finding { file: file.clone(), secret });
            }
        }
    }
    Ok(found)
}

/// The secret as it is, and the three ways in which it can lie inside Base64.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let mut all = vec![secret.as_bytes().to_vec()];
    for shift in 0..3 {
        let shifted = [&vec![0; shift], secret.as_bytes()].concat();
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        // The first and the last characters also hold bits of what stands before and after the secret.
        let first = (shift * 8).div_ceil(6);
        let last = shifted.len() * 8 / 6;
        all.extend(encoded.get(first..last).map(|inner| inner.as_bytes().to_vec()));
    }
    all
}

/// The members of a ZIP archive: what inflates after each of its local headers.
fn inflated_members(bytes: &[u8]) -> Vec<Vec<u8>> {
    const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
    const HEADER_LEN: usize = 30;
    if !bytes.starts_with(LOCAL_HEADER) {
        return Vec::new();
    }
    let starts = memmem::find_iter(bytes, LOCAL_HEADER);
    starts
        .filter_map(|at| {
            let header = bytes.get(at..at + HEADER_LEN)?;
            let length =
                |at: usize| Some(usize::from(u16::from_le_bytes([*header.get(at)?, *header.get(at + 1)?])));
            let data = bytes.get(at + HEADER_LEN + length(26)? + length(28)?..)?;
            let mut member = Vec::new();
            // A member that is stored, not compressed, does not inflate; it is found as plain text.
            DeflateDecoder::new(data).read_to_end(&mut member).ok()?;
            Some(member)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const CANARY: &str = "Canary7fKq2Lw9";

    fn found_in(content: &[u8]) -> bool {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), content).unwrap();
        let found = find(dir.path(), &["AnotherSecret", CANARY]).unwrap();
        assert!(found.iter().all(|finding| finding.secret == 1));
        !found.is_empty()
    }

    #[test]
    fn plain_text_is_found_and_other_text_is_not() {
        assert!(found_in(format!("password = {CANARY}\n").as_bytes()));
        assert!(!found_in(b"password = (sensitive value)\n"));
    }

    #[test]
    fn base64_is_found_at_every_alignment() {
        for before in ["", "a", "ab", "abc"] {
            assert!(
                found_in(STANDARD.encode(format!("{before}{CANARY}, and more")).as_bytes()),
                "after {before:?}"
            );
        }
    }

    #[test]
    fn a_member_of_a_zip_archive_is_found() {
        let mut archive = b"PK\x03\x04".to_vec();
        archive.extend([0; 22]);
        archive.extend([1, 0, 0, 0, b'f']);
        let mut member = flate2::write::DeflateEncoder::new(archive, flate2::Compression::best());
        member.write_all(format!("{{\"private\": \"{CANARY}\"}}").repeat(20).as_bytes()).unwrap();
        let mut archive = member.finish().unwrap();
        // Deflate writes the first occurrence byte by byte in its own code: not in the clear.
        assert_eq!(memmem::find(&archive, CANARY.as_bytes()), None);
        archive.extend(b"PK\x01\x02");
        assert!(found_in(&archive));
    }

    #[test]
    fn a_report_does_not_repeat_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), CANARY).unwrap();
        let error = expect_absent(dir.path(), &[CANARY]).unwrap_err().to_string();
        assert!(error.contains("secret 0") && !error.contains(CANARY), "{error}");
    }
}
