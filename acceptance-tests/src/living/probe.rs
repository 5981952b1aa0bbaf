//! How long a cloud does not serve: a token is asked for ten times a second, through the public VIP.

use std::fmt;
use std::io::Read as _;
use std::process::{Child, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;

use super::Cloud;

const PROGRAM: &str = include_str!("probe.py");

/// A probe that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Probe {
    child: Child,
    lines: Option<JoinHandle<std::io::Result<String>>>,
}

/// What a probe has seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// How many tokens were asked for.
    pub asked: usize,
    /// How many were not had.
    pub failed: usize,
    /// The longest time between one token that was had and the next, although ten a second were asked for. It counts
    /// requests that had to wait, too: a client's system repeats what was lost when a VIP moved. Time in which the machine
    /// stood still is left out: nothing could answer then, nor ask.
    pub longest_s: f64,
    /// The longest time between two questions: much more than the tenth of a second when the machine stood still.
    pub stood_still_s: f64,
    /// What the failed ones were told, each thing once, with when they asked.
    pub reasons: Vec<Reason>,
}

/// The time between two questions from which on it is the machine that did not let the second be asked.
const STANDS_STILL_S: f64 = 1.0;

/// Why tokens were not had.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    what: String,
    /// Seconds from the first question to each that was told this.
    asked_s: Vec<f64>,
}

impl Probe {
    /// Starts to ask.
    pub fn start(cloud: &Cloud) -> Result<Self> {
        let token = cloud.token_from(&cloud.public_identity())?;
        cloud.world().write_for_client("/root/probe.token", &token.id)?;
        cloud.world().write_for_client("/root/probe.py", PROGRAM)?;
        let (host, port) = cloud.public.split_once(':').context("the public VIP has no port")?;
        let mut command = cloud.world().client("python3");
        command.args(["/root/probe.py", host, port, super::cloud::CA, "/root/probe.token"]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("starting the probe")?;
        let mut stdout = child.stdout.take().context("the probe has no standard output")?;
        let lines = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).map(|_| text)
        });
        Ok(Self { child, lines: Some(lines) })
    }

    /// Ends it and says what it has seen.
    pub fn stop(mut self) -> Result<Outage> {
        self.child.kill().context("ending the probe")?;
        let lines = self.lines.take().context("the probe has ended before")?;
        let text = lines.join().map_err(|_| anyhow!("the probe's reader panicked"))??;
        Outage::read(&text)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outage {
    fn read(text: &str) -> Result<Self> {
        let mut outage =
            Self { asked: 0, failed: 0, longest_s: 0.0, stood_still_s: 0.0, reasons: Vec::new() };
        let (mut served, mut begin, mut end): (Vec<f64>, Option<f64>, f64) = (Vec::new(), None, 0.0);
        let mut still: Vec<(f64, f64)> = Vec::new();
        // The last line may have been cut by the end.
        for line in text.lines().filter(|line| line.ends_with(']')) {
            let value: Value =
                serde_json::from_str(line).with_context(|| format!("the probe said {line}"))?;
            let (Some(at), Some(took)) = (value[0].as_f64(), value[3].as_f64()) else {
                bail!("no times in {line}")
            };
            outage.asked += 1;
            let (since, late) =
                (value[4].as_f64().unwrap_or_default(), value[5].as_f64().unwrap_or_default());
            outage.stood_still_s = outage.stood_still_s.max(since);
            still.extend((since >= STANDS_STILL_S).then_some((at + late - since, at + late)));
            // Who asked first may have waited longest: the silence before the first answer counts too.
            served.extend((outage.asked == 1).then_some(at));
            let asked_s = at - *begin.get_or_insert(at);
            if value[1] == true {
                served.push(at + took);
                continue;
            }
            outage.failed += 1;
            outage.blame(value[2].as_str().unwrap_or_default(), asked_s);
            end = end.max(at + took);
        }
        ensure!(outage.asked > 0, "the probe has asked for nothing");
        // A failure to the end: the silence goes on until then.
        served.extend(served.iter().all(|&answer| answer < end).then_some(end));
        served.sort_by(f64::total_cmp);
        let without = |from: f64, to: f64| {
            let common = still.iter().map(|(begin, end)| (end.min(to) - begin.max(from)).max(0.0));
            to - from - common.sum::<f64>()
        };
        let gaps = served.windows(2).map(|pair| without(pair[0], pair[1]));
        outage.longest_s = gaps.fold(0.0, f64::max);
        Ok(outage)
    }

    fn blame(&mut self, what: &str, asked_s: f64) {
        match self.reasons.iter_mut().find(|reason| reason.what == what) {
            Some(reason) => reason.asked_s.push(asked_s),
            None => self.reasons.push(Reason { what: what.to_owned(), asked_s: vec![asked_s] }),
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} failed, at most {:.1} s without an answer",
            self.failed, self.asked, self.longest_s
        )?;
        if self.stood_still_s >= STANDS_STILL_S {
            write!(f, ", the machine stood still for {:.1} s", self.stood_still_s)?;
        }
        if self.reasons.is_empty() {
            return Ok(());
        }
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        write!(f, " ({})", reasons.join("; "))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: Vec<String> = self.asked_s.iter().take(3).map(|at| format!("{at:.1}")).collect();
        write!(f, "{} times {}, after {} s", self.asked_s.len(), self.what, first.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_time_between_two_tokens() {
        let text = "[0.0, true, \"201\", 0.1]\n[0.2, false, \"503\", 0.1]\n[0.1, false, \"503\", 0.1]\n\
                    [0.5, true, \"201\", 0.1]\n[0.6, false, \"502\", 0.1]\n[0.7, true, \"201\", 0.1]\n[0.8, tr";
        let outage = Outage::read(text).unwrap();
        assert_eq!((outage.asked, outage.failed, outage.reasons.len()), (6, 3, 2));
        assert!((outage.longest_s - 0.5).abs() < 1e-9, "{outage}");
    }

    #[test]
    fn a_token_that_took_long_is_silence_without_a_failure() {
        let outage = Outage::read("[1.0, true, \"201\", 0.1]\n[1.1, true, \"201\", 3.0]\n").unwrap();
        assert_eq!(outage.failed, 0);
        assert!((outage.longest_s - 3.0).abs() < 1e-9, "{outage}");
    }

    #[test]
    fn no_silence_is_counted_while_the_machine_stood_still() {
        // It stood still from 1.5 to 6.5; what failed had been asked before.
        let text = "[1.0, true, \"201\", 0.1, 0.1, 0.0]\n[1.5, false, \"503\", 6.0, 0.1, 0.0]\n\
                    [1.6, true, \"201\", 6.5, 5.0, 4.9]\n[1.7, true, \"201\", 6.5, 0.0, 4.8]\n";
        let outage = Outage::read(text).unwrap();
        assert!((outage.longest_s - 2.0).abs() < 1e-9, "{outage}");
        assert!(outage.to_string().contains("the machine stood still for 5.0 s"), "{outage}");
    }

    #[test]
    fn a_failure_to_the_end_counts_to_the_end() {
        let outage = Outage::read("[1.0, false, \"503\", 0.1]\n[3.0, false, \"503\", 0.5]\n").unwrap();
        assert!((outage.longest_s - 2.5).abs() < 1e-9, "{outage}");
    }

    #[test]
    fn a_probe_that_said_nothing_is_an_error() {
        assert!(Outage::read("").is_err());
    }
}
