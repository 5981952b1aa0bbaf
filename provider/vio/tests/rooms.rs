//! The crate graph is the architecture: each room may know the rooms named here, and some libraries never.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what is wrong by failing")]

use std::collections::BTreeSet;
use std::path::Path;

/// A room, the rooms that it may know, and libraries that would break its promise.
const ROOMS: [(&str, &[&str], &[&str]); 8] = [
    ("tf-core", &[], &["tokio", "tonic", "prost", "hyper", "rand", "tracing"]),
    ("tf-server", &["tf-core"], &[]),
    ("https", &[], &["tonic", "prost", "serde"]),
    ("vim", &["https"], &["tonic", "prost", "hyper", "rustls"]),
    ("nsx", &["https"], &["tonic", "prost", "hyper", "rustls"]),
    ("deploy", &[], &["tokio", "hyper", "tonic", "rand", "aws-lc-rs", "tracing"]),
    ("engine", &["deploy", "nsx", "vim"], &["tonic", "prost", "hyper"]),
    ("vio", &["tf-core", "tf-server", "deploy", "engine", "vim"], &["tonic", "prost", "hyper"]),
];

/// The names in the `[dependencies]` table of a room's manifest.
fn dependencies(room: &str) -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(room).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).expect("every room has a manifest");
    let table = text.split("[dependencies]").nth(1).expect("every room has dependencies");
    let table = table.split("\n[").next().unwrap_or_default();
    let names = table.lines().filter_map(|line| line.split(['=', '.']).next());
    names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_room_knows_only_the_rooms_below_it() {
    let rooms: BTreeSet<&str> = ROOMS.iter().map(|(room, _, _)| *room).collect();
    for (room, below, _) in ROOMS {
        let known = dependencies(room);
        for other in known.iter().filter(|name| rooms.contains(name.as_str())) {
            assert!(below.contains(&other.as_str()), "`{room}` may not know `{other}`");
        }
    }
}

#[test]
fn no_room_uses_a_library_that_breaks_its_promise() {
    for (room, _, banned) in ROOMS {
        let known = dependencies(room);
        for library in banned {
            assert!(!known.contains(*library), "`{room}` may not use `{library}`");
        }
    }
}

#[test]
fn every_folder_of_the_provider_is_a_room() {
    let provider = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = std::fs::read_dir(provider).expect("the provider's folder");
    for folder in folders.filter_map(Result::ok).filter(|entry| entry.path().is_dir()) {
        let name = folder.file_name().to_string_lossy().into_owned();
        assert!(ROOMS.iter().any(|(room, _, _)| *room == name), "`{name}` has no place in the architecture");
    }
}
