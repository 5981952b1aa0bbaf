//! Which process this is, and whether another one has ended.
//!
//! Only a process of this very machine, boot and namespace can be looked for; of any other nothing is concluded.

use aws_lc_rs::rand;
use deploy::lease::{Birth, Holder};

/// This process. When it took a lease is not known yet.
pub(super) fn this() -> Holder {
    let process = std::process::id();
    let mut drawn = [0; 16];
    // Drawing fails only where the system has no source of randomness; the process id is then all there is.
    let _ = rand::fill(&mut drawn);
    let run: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
    Holder {
        run: format!("{run}-{process}"),
        user: user(),
        host: host(),
        process,
        client: client(),
        birth: machine()
            .zip(Process::look(process))
            .map(|(machine, found)| Birth { machine, started: found.started }),
        since: String::new(),
    }
}

/// True when it is certain that the holder's process has ended.
pub(crate) fn has_ended(holder: &Holder) -> bool {
    let Some(birth) = &holder.birth else { return false };
    if machine().as_ref() != Some(&birth.machine) {
        return false;
    }
    match Process::look(holder.process) {
        Some(found) => found.started != birth.started || found.is_dead,
        None => true,
    }
}

/// A process as Linux describes it.
struct Process {
    started: u64,
    is_dead: bool,
}

impl Process {
    fn look(id: u32) -> Option<Self> {
        Self::parse(&line(&format!("/proc/{id}/stat"))?)
    }

    /// The program's name, the second field, may hold anything, also brackets: the fields are counted behind it.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let is_dead = matches!(*fields.first()?, "Z" | "X");
        Some(Self { started: fields.get(19)?.parse().ok()?, is_dead })
    }
}

/// This boot of this machine, and the namespace of process ids in it; nothing where the system does not tell.
fn machine() -> Option<String> {
    let boot = line("/proc/sys/kernel/random/boot_id")?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{boot} {}", namespace.display()))
}

fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    let numbered = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?;
        Some(format!("uid-{uid}"))
    };
    named.or_else(numbered).unwrap_or_else(|| "unknown".to_owned())
}

fn host() -> String {
    let asked = || ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(variable);
    line("/proc/sys/kernel/hostname").or_else(asked).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(unix)]
fn client() -> String {
    let id = std::os::unix::process::parent_id();
    match line(&format!("/proc/{id}/comm")) {
        Some(name) => format!("`{name}`, process {id}"),
        None => format!("process {id}"),
    }
}

#[cfg(not(unix))]
fn client() -> String {
    "an unknown process".to_owned()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A file of one line.
fn line(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_when_it_began_whatever_its_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 19 20";
        for name in ["tofu", "a) Z (b", "x y"] {
            let found = Process::parse(&format!("77 ({name}) {rest}")).unwrap();
            assert_eq!((found.started, found.is_dead), (4242, false), "{name}");
        }
        assert!(Process::parse(&format!("77 (tofu) {}", rest.replacen('S', "Z", 1))).unwrap().is_dead);
        assert!(Process::parse("77 (tofu) S 1").is_none());
    }

    #[test]
    fn only_what_runs_on_this_machine_is_declared_dead() {
        let me = this();
        assert!(!has_ended(&me));
        assert!(!has_ended(&Holder { birth: None, ..me.clone() }));
        // Without birth certificates, as on systems other than Linux, nothing is concluded at all.
        let Some(birth) = me.birth.clone() else { return };
        let elsewhere = Birth { machine: "another boot".to_owned(), ..birth.clone() };
        assert!(!has_ended(&Holder { birth: Some(elsewhere), ..me.clone() }));
        let before = Birth { started: birth.started + 1, ..birth };
        assert!(has_ended(&Holder { birth: Some(before), ..me }));
    }

    #[test]
    fn two_processes_of_one_id_are_two_runs() {
        assert_ne!(this().run, this().run);
    }
}
