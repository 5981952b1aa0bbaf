//! The simulated vCenter: one process for each scenario.

mod control;
mod holds;
mod nsx;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::tools;

pub use control::{Call, CallLog, Inventory, Mutation};
pub use holds::{HeldCall, Holds};
pub use nsx::{Nsx, NsxLog, TransportNode};

/// How long the simulator may take to end.
const GRACE: Duration = Duration::from_secs(3);

/// How a simulated vCenter starts.
#[derive(Debug, Clone, Default)]
pub struct SimulatorOptions {
    /// More arguments of the program: `simulator --help` lists them.
    pub arguments: Vec<String>,
    /// It may outlive this program: see [`Simulator::leave_running`]. Otherwise it ends even if this program is killed.
    pub may_outlive: bool,
    /// Where its messages go; without a file they go to standard error.
    pub log_file: Option<PathBuf>,
}

impl SimulatorOptions {
    /// The usual vCenter, with these arguments of the program: `["--password", "..."]`.
    pub fn with(arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|&text| text.to_owned()).collect(), ..Self::default() }
    }
}

/// A running simulated vCenter. Dropping it ends it.
#[derive(Debug)]
pub struct Simulator {
    child: Child,
    /// The program ends when this closes, so it cannot outlive the tests even if they are killed.
    stdin: Option<ChildStdin>,
    left_running: bool,
    ready: Ready,
    http: ureq::Agent,
}

/// What the program says of itself once it listens.
#[derive(Debug, Clone)]
struct Ready {
    server: String,
    user: String,
    password: String,
    ca_pem: String,
    ca_pem_file: String,
    thumbprint: String,
    control: String,
    nsx: Option<nsx::Ready>,
}

impl Simulator {
    /// Starts a simulated vCenter on a free port of the loopback interface and waits until it listens.
    pub fn start(options: &SimulatorOptions) -> Result<Self> {
        let mut command = Command::new(tools::simulator()?);
        command.process_group(0).args(&options.arguments).stdout(Stdio::piped());
        if options.may_outlive {
            command.stdin(Stdio::null());
        } else {
            command.arg("--exit-with-stdin").stdin(Stdio::piped());
        }
        if let Some(file) = &options.log_file {
            let log = File::create(file).with_context(|| format!("creating {}", file.display()))?;
            command.stderr(log);
        }
        let mut child = command.spawn().context("starting the simulated vCenter")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the simulated vCenter has no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("waiting for the simulated vCenter")?;
        let ready = Ready::parse(&line).with_context(|| {
            let ended = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            let place = options
                .log_file
                .as_ref()
                .map_or_else(|| "above".into(), |file| format!("in {}", file.display()));
            format!("the simulated vCenter did not start ({ended}); its messages are {place}")
        })?;
        let http = client(&ready)?;
        Ok(Self { child, stdin, left_running: false, ready, http })
    }

    /// `host:port` of the API.
    pub fn server(&self) -> &str {
        &self.ready.server
    }

    /// The user that may log in.
    pub fn user(&self) -> &str {
        &self.ready.user
    }

    /// The password of that user.
    pub fn password(&self) -> &str {
        &self.ready.password
    }

    /// The certificate authority that signed the API's certificate.
    pub fn ca_certificate_pem(&self) -> &str {
        &self.ready.ca_pem
    }

    /// The same in a file, for other programs.
    pub fn ca_certificate_file(&self) -> &str {
        &self.ready.ca_pem_file
    }

    /// The SHA-256 thumbprint of the API's certificate.
    pub fn thumbprint(&self) -> &str {
        &self.ready.thumbprint
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Dropping it does not end it any more; the user stops it by its process id. For one started with
    /// [`SimulatorOptions::may_outlive`].
    pub fn leave_running(&mut self) {
        self.left_running = true;
    }

    /// The provider's environment variables that point at this vCenter.
    pub fn env(&self) -> BTreeMap<String, String> {
        [
            ("VSPHERE_SERVER", self.server()),
            ("VSPHERE_USER", self.user()),
            ("VSPHERE_PASSWORD", self.password()),
            ("VIO_CA_CERTIFICATE_PEM", self.ca_certificate_pem()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
}

impl Ready {
    fn parse(line: &str) -> Result<Self> {
        let value: Value =
            serde_json::from_str(line).with_context(|| format!("reading its ready line {line:?}"))?;
        let text = |name: &str| {
            let text = value[name].as_str().with_context(|| format!("its ready line has no `{name}`"))?;
            Ok::<_, anyhow::Error>(text.to_owned())
        };
        Ok(Self {
            server: text("server")?,
            user: text("user")?,
            password: text("password")?,
            ca_pem: text("ca_pem")?,
            ca_pem_file: text("ca_pem_file")?,
            thumbprint: text("thumbprint")?,
            control: text("control")?,
            nsx: nsx::Ready::parse(&value["nsx"]),
        })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if self.left_running {
            return;
        }
        // Asked to end, it removes its temporary files; it has no other reason to take long.
        drop(self.stdin.take());
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP client that trusts this vCenter only.
fn client(ready: &Ready) -> Result<ureq::Agent> {
    let ca = Certificate::from_pem(ready.ca_pem.as_bytes())
        .map_err(|error| anyhow!(error).context("reading the simulated vCenter's CA"))?;
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::from(vec![ca]))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    let config = ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        // The user's HTTP proxy knows nothing of our loopback interface.
        .proxy(None);
    Ok(config.build().new_agent())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"server":"127.0.0.1:1","user":"u","password":"p","ca_pem":"c","ca_pem_file":"f",
        "thumbprint":"t","control":"https://127.0.0.1:1/_ctl"}"#;

    #[test]
    fn ready_line_is_read_whole() {
        let ready = Ready::parse(LINE).unwrap();
        assert_eq!(
            (ready.server.as_str(), ready.control.as_str()),
            ("127.0.0.1:1", "https://127.0.0.1:1/_ctl")
        );
    }

    #[test]
    fn a_ready_line_that_lacks_something_names_it() {
        let error = Ready::parse(r#"{"server":"s"}"#).unwrap_err();
        assert!(error.to_string().contains("`user`"), "{error}");
    }
}
