//! What a node's first boot installs, for cloud-init: the node agent.
//!
//! It is no part of the node's document, so that a provider with another agent changes no node that exists.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::encode::compress;

const AGENT: &str = include_str!("../../agent/vio-agent.py");
const AGENT_UNIT: &str = include_str!("../../agent/vio-agent.service");

/// The agent's unit names the same path.
const AGENT_PATH: &str = "/usr/local/lib/vio/vio-agent.py";
const AGENT_UNIT_PATH: &str = "/etc/systemd/system/vio-agent.service";

/// The `guestinfo` values of the user data; the same for every node.
#[must_use]
pub fn user_data() -> BTreeMap<String, String> {
    static PACKED: OnceLock<String> = OnceLock::new();
    BTreeMap::from([
        ("guestinfo.userdata".to_owned(), PACKED.get_or_init(packed).clone()),
        ("guestinfo.userdata.encoding".to_owned(), "gzip+base64".to_owned()),
    ])
}

#[expect(clippy::expect_used, reason = "writing to memory does not fail")]
fn packed() -> String {
    STANDARD.encode(compress(cloud_config().as_bytes()).expect("memory can be written"))
}

/// `manage_etc_hosts` is for images whose cloud-init would write `/etc/hosts` anew at each boot, over the document's. The
/// agent is started without waiting for it: it starts services that systemd may order after cloud-init.
fn cloud_config() -> String {
    let config = json!({
        "manage_etc_hosts": false,
        "write_files": [
            { "path": AGENT_PATH, "permissions": "0755", "content": AGENT },
            { "path": AGENT_UNIT_PATH, "permissions": "0644", "content": AGENT_UNIT },
        ],
        "runcmd": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "--no-block", "vio-agent.service"],
        ],
    });
    format!("#cloud-config\n{config}\n")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use serde_json::Value;

    use super::*;
    use crate::render::MAX_VALUE_BYTES;

    /// What cloud-init reads.
    fn config() -> Value {
        let values = user_data();
        assert_eq!(values["guestinfo.userdata.encoding"], "gzip+base64");
        let packed = STANDARD.decode(&values["guestinfo.userdata"]).unwrap();
        let mut text = String::new();
        GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        serde_json::from_str(text.strip_prefix("#cloud-config\n").unwrap()).unwrap()
    }

    #[test]
    fn it_installs_the_agent_and_its_unit_and_enables_it() {
        let config = config();
        let files = config["write_files"].as_array().unwrap();
        let paths: Vec<&str> = files.iter().filter_map(|file| file["path"].as_str()).collect();
        assert_eq!(paths, [AGENT_PATH, AGENT_UNIT_PATH]);
        assert_eq!((files[0]["content"].as_str(), &files[0]["permissions"]), (Some(AGENT), &json!("0755")));
        assert!(config["runcmd"].to_string().contains(r#""enable","--now""#));
    }

    #[test]
    fn the_unit_starts_the_agent_where_it_is() {
        assert!(AGENT_UNIT.contains(&format!("ExecStart=/usr/bin/python3 {AGENT_PATH}\n")));
    }

    #[test]
    fn it_fits_into_one_value() {
        assert!(user_data()["guestinfo.userdata"].len() < MAX_VALUE_BYTES / 2);
    }
}
