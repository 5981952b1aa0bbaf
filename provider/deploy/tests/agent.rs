//! The node agent, which is Python: its own tests, and that it and this crate mean the same.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use deploy::render::{
    DOCUMENT_KEY, DOCUMENT_VERSION, Document, File, GuestStatus, Phase, REPAIR_KEY, REVISION_KEY, STATUS_KEY,
};

fn agent_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("agent")
}

fn python(arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new("python3").arg("-B").args(arguments).current_dir(folder).output();
    output.expect("the node agent is Python: install python3, 3.8 or later, so that it is on PATH")
}

/// What a program of Python prints, with the agent loaded as `agent`.
fn ask(program: &str, arguments: &[&str]) -> String {
    let program = format!("import sys\nfrom fakes import agent\n{program}");
    let output = python(&[&["-c", &program], arguments].concat(), &agent_folder().join("tests"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn document() -> Document {
    let file = |path: &str, content: &str| File {
        path: path.to_owned(),
        owner: "root".to_owned(),
        group: "root".to_owned(),
        mode: "0644".to_owned(),
        content: content.to_owned(),
    };
    let files = vec![
        file("/etc/b", "second\n"),
        file("/etc/a/z", ""),
        file("/etc/a-b", "größer ✓ 𝄞"),
        file("/etc/ä", "1"),
    ];
    Document {
        version: DOCUMENT_VERSION,
        node: "prod-memcache-01".to_owned(),
        kind: "memcache".to_owned(),
        release: "zed".to_owned(),
        packages: Vec::new(),
        files,
        services: Vec::new(),
        actions: Vec::new(),
        checks: Vec::new(),
    }
}

#[test]
fn the_agents_own_tests_pass() {
    let output = python(&["-m", "unittest"], &agent_folder().join("tests"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Ran 0 tests"), "{said}");
}

#[test]
fn the_agent_needs_no_newer_python_than_3_8() {
    let program = "import ast; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 8))";
    ask(program, &[agent_folder().join("vio-agent.py").to_str().unwrap()]);
}

#[test]
fn agent_and_provider_digest_files_alike() {
    let document = document();
    let json = serde_json::to_string(&document).unwrap();
    let digest = ask("print(agent.Document('r', sys.argv[1].encode()).digest)", &[&json]);
    assert_eq!(digest, document.files_digest());
}

#[test]
fn agent_and_provider_use_the_same_keys_and_versions() {
    let program = "print(agent.REVISION_KEY, agent.DOCUMENT_KEY, agent.REPAIR_KEY, agent.STATUS_KEY, \
                   agent.DOCUMENT_VERSION)";
    let keys = format!("{REVISION_KEY} {DOCUMENT_KEY} {REPAIR_KEY} {STATUS_KEY} {DOCUMENT_VERSION}");
    assert_eq!(ask(program, &[]), keys);
}

#[test]
fn what_the_provider_encodes_the_agent_applies_and_reports() {
    let mut document = document();
    let owner = ask("import fakes; print(fakes.USER, fakes.GROUP)", &[]);
    let (user, group) = owner.split_once(' ').unwrap();
    for file in &mut document.files {
        (file.owner, file.group) = (user.to_owned(), group.to_owned());
    }
    let encoded = document.encode().unwrap();
    let program = "import fakes, json, tempfile
with tempfile.TemporaryDirectory() as folder:
    machine = fakes.Machine(folder)
    machine.guestinfo = json.loads(sys.argv[1])
    running = agent.Agent(machine)
    for _ in range(5):
        running.step()
    print(machine.guestinfo[agent.STATUS_KEY])";
    let report = ask(program, &[&serde_json::to_string(&encoded.extra_config).unwrap()]);
    let status = GuestStatus::parse(&report).unwrap();
    assert!(status.is_ready(&encoded.revision), "{report}");
    assert_eq!((status.phase, status.files_digest), (Phase::Ready, Some(document.files_digest())));
}
