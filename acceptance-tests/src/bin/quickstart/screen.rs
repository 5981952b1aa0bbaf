//! What the tour looks like: steps with their time, progress while a command works, a table of nodes.

use std::time::{Duration, Instant};

use acceptance_tests::Node;

/// A step of the tour, from its headline to its result.
pub(crate) struct Step {
    started: Instant,
}

impl Step {
    /// Prints the headline.
    pub(crate) fn begin(title: &str) -> Self {
        println!("\n== {title}");
        Self { started: Instant::now() }
    }

    /// Prints the result and the time it took.
    pub(crate) fn end(self, result: &str) {
        println!("   {result} ({})", seconds(self.started.elapsed()));
    }
}

/// Prints text, indented below the headline of its step.
pub(crate) fn show(text: &str) {
    for line in text.lines() {
        println!("   {line}");
    }
}

/// Prints those lines of a CLI that tell of progress, each with the time since the command began.
pub(crate) fn progress() -> impl FnMut(&str) + Send + 'static {
    let started = Instant::now();
    move |line| {
        if tells_of_progress(line) {
            println!("   {:>7}  {line}", seconds(started.elapsed()));
        }
    }
}

/// A CLI prints the whole plan again when it applies; what has happened is in these lines only.
fn tells_of_progress(line: &str) -> bool {
    const WORDS: [&str; 6] = [
        ": Creation complete",
        ": Modifications complete",
        ": Destruction complete",
        ": Still creating",
        ": Still modifying",
        ": Still destroying",
    ];
    WORDS.iter().any(|word| line.contains(word))
}

/// The nodes as a table with a headline.
pub(crate) fn node_table(nodes: &[Node]) -> String {
    let head = ["NODE", "ADDRESS", "HOST", "STATE"].map(str::to_owned);
    let rows = nodes.iter().map(|node| {
        let Node { name, ip_address, host, moid: _, state } = node;
        [name.clone(), ip_address.clone(), host.clone(), state.clone()]
    });
    table(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

/// Rows in columns, each as wide as its widest cell.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let node = |name: &str, ip: &str| Node {
            name: name.to_owned(),
            ip_address: ip.to_owned(),
            host: "esx-1".to_owned(),
            moid: String::new(),
            state: "ready".to_owned(),
        };
        let text = node_table(&[node("cloud-database-01", "10.0.0.1"), node("x", "10.0.0.20")]);
        assert_eq!(
            text,
            "NODE               ADDRESS    HOST   STATE\n\
             cloud-database-01  10.0.0.1   esx-1  ready\n\
             x                  10.0.0.20  esx-1  ready"
        );
    }

    #[test]
    fn the_plan_inside_an_apply_is_no_progress() {
        assert!(tells_of_progress("vio_component.db: Creation complete after 3s [id=c/database]"));
        assert!(!tells_of_progress("  # vio_component.db will be created"));
    }
}
