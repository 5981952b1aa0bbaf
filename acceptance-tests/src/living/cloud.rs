//! A cloud that lives, as its users meet it: by the VIPs, with OpenStack's own command line.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{World, run};
use crate::Deployment;

/// Where the client keeps the authority that signed the public VIP's certificate.
pub(super) const CA: &str = "/root/ca.pem";

/// A deployment whose nodes live, and the client that uses it.
#[derive(Debug)]
pub struct Cloud {
    world: World,
    /// `host:port` of the identity service on the internal VIP.
    pub internal: String,
    /// The same on the public VIP, by the name in its certificate.
    pub public: String,
    /// Where the dashboard answers.
    pub dashboard: String,
    password: String,
}

impl Cloud {
    /// Fits a configuration with the example's names to this machine, before the first plan: an administrator's password
    /// that is known here, and one process of each API instead of four, as all nodes share this machine's cores.
    pub fn prepare(deployment: &Deployment, password: &str) -> Result<()> {
        let variable = "variable \"admin_password\" {\n  type      = string\n  ephemeral = true\n}\n";
        deployment.write("administrator.tf", variable)?;
        deployment.write(
            "living_override.tf",
            "resource \"vio_management_cluster\" \"this\" {\n  admin_password_wo         = var.admin_password\n  \
             admin_password_wo_version = 1\n}\n\nresource \"vio_controller_pool\" \"this\" {\n  options = {\n    \
             api_workers = \"1\"\n  }\n}\n",
        )?;
        deployment.directory.set_env("TF_VAR_admin_password", password);
        Ok(())
    }

    /// Furnishes the client for a cloud that has been applied: names, authority, `clouds.yaml`.
    pub fn enter(deployment: &Deployment, password: &str) -> Result<Self> {
        let world = World::of(&deployment.vcenter)?;
        let state = deployment.state()?;
        let address = "vio_management_cluster.this";
        let public_vip = state.text(address, "public_vip")?;
        let internal = format!("{}:5000", state.text(address, "internal_vip")?);
        let hostname = state.resource(address)?["external_network"]["hostname"].as_str();
        let public = format!("{}:5000", hostname.unwrap_or(public_vip));
        let names = hostname.map(|name| format!("{public_vip} {name}\n")).unwrap_or_default();
        world.write_for_client("/etc/hosts", &format!("127.0.0.1 localhost client\n{names}"))?;
        world.write_for_client(CA, state.text(address, "ca_certificate_pem")?)?;
        let dashboard = state.text(address, "dashboard_url")?.to_owned();
        let cloud = Self { world, internal, public, dashboard, password: password.to_owned() };
        cloud.world.write_for_client("/root/.config/openstack/clouds.yaml", &cloud.clouds_yaml())?;
        Ok(cloud)
    }

    /// The world that the cloud is in, as it was when the client was furnished.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// JSON is YAML: two clouds, `public` over TLS and `internal`.
    fn clouds_yaml(&self) -> String {
        let auth = |url: String| {
            json!({"auth_url": url, "username": "admin", "password": self.password, "project_name": "admin",
                "user_domain_name": "Default", "project_domain_name": "Default"})
        };
        let clouds = json!({"clouds": {
            "public": {"auth": auth(format!("https://{}/v3", self.public)), "cacert": CA, "interface": "public"},
            "internal": {"auth": auth(format!("http://{}/v3", self.internal)), "interface": "internal"},
        }});
        clouds.to_string()
    }

    /// Runs `openstack --os-cloud <cloud>` and returns what it printed.
    pub fn openstack(&self, cloud: &str, arguments: &[&str]) -> Result<String> {
        run(self.world.client("env").args(["HOME=/root", "openstack", "--os-cloud", cloud]).args(arguments))
    }

    /// The same with `-f json`.
    pub fn openstack_json(&self, cloud: &str, arguments: &[&str]) -> Result<Value> {
        let text = self.openstack(cloud, &[arguments, &["-f", "json"]].concat())?;
        serde_json::from_str(&text)
            .with_context(|| format!("`openstack {}` said {text}", arguments.join(" ")))
    }

    /// A token for the administrator from the identity service at this `scheme://host:port`.
    pub fn token_from(&self, base: &str) -> Result<Token> {
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "admin", "domain": {"id": "default"}, "password": self.password}}},
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
        }});
        self.world.write_for_client("/root/login.json", &body.to_string())?;
        let arguments = ["-d", "@/root/login.json", "-H", "Content-Type: application/json"];
        let answer = self.curl(&format!("{base}/v3/auth/tokens"), &arguments)?;
        ensure!(answer.status == 201, "{base} gave no token: {} {}", answer.status, answer.body);
        let document: Value = serde_json::from_str(&answer.body).context("reading the token's document")?;
        let expires = document["token"]["expires_at"].as_str().context("the token has no expiry")?.to_owned();
        let id = answer.header("x-subject-token").context("the answer has no token")?.to_owned();
        Ok(Token { id, expires })
    }

    /// `scheme://host:port` of the identity service on the public VIP.
    pub fn public_identity(&self) -> String {
        format!("https://{}", self.public)
    }

    /// The same on the internal VIP.
    pub fn internal_identity(&self) -> String {
        format!("http://{}", self.internal)
    }

    /// Asks the identity service at this `scheme://host:port` whose token it is; fails unless it is the administrator's.
    pub fn validate_at(&self, base: &str, token: &Token) -> Result<()> {
        let asking = format!("X-Auth-Token: {}", token.id);
        let subject = format!("X-Subject-Token: {}", token.id);
        let answer = self.curl(&format!("{base}/v3/auth/tokens"), &["-H", &asking, "-H", &subject])?;
        ensure!(
            answer.status == 200 && answer.body.contains("\"admin\""),
            "{base} does not take the token: {} {}",
            answer.status,
            answer.body
        );
        Ok(())
    }

    /// The page with which the dashboard meets a user, on the public VIP.
    pub fn login_page(&self) -> Result<String> {
        let answer = self.curl(&self.dashboard, &["--location", "--cookie", ""])?;
        ensure!(answer.status == 200, "{} answers {}: {}", self.dashboard, answer.status, answer.body);
        Ok(answer.body)
    }

    /// Puts an object of 1 MiB into a new container of object storage and reads it back; returns the digest of both.
    pub fn object_round_trip(&self) -> Result<String> {
        self.client_script("head -c 1048576 /dev/urandom >/root/object && rm -f /root/object.back")?;
        self.openstack("public", &["container", "create", "round-trip"])?;
        self.openstack("public", &["object", "create", "--name", "object", "round-trip", "/root/object"])?;
        self.openstack("public", &["object", "save", "--file", "/root/object.back", "round-trip", "object"])?;
        let sums = self.client_script("sha256sum </root/object && sha256sum </root/object.back")?;
        let sums: Vec<&str> = sums.split_whitespace().filter(|word| *word != "-").collect();
        ensure!(sums.len() == 2 && sums[0] == sums[1], "the object came back changed: {sums:?}");
        self.openstack("public", &["container", "delete", "--recursive", "round-trip"])?;
        Ok(sums[0].to_owned())
    }

    /// Runs a shell script of the client.
    pub fn client_script(&self, script: &str) -> Result<String> {
        run(self.world.client("sh").args(["-ec", script]))
    }

    /// A command line that becomes a shell of the client.
    pub fn client_shell(&self) -> String {
        let mut command = self.world.client("env");
        command.args(["HOME=/root", "OS_CLOUD=public", "bash"]);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }

    /// One request of the client, whatever its status is.
    pub fn curl(&self, url: &str, arguments: &[&str]) -> Result<Answer> {
        let mut command = self.world.client("curl");
        command.args(["--silent", "--show-error", "--include", "--max-time", "60", "--cacert", CA]);
        Answer::parse(&run(command.args(arguments).arg(url))?)
    }
}

/// A token of the identity service.
#[derive(Debug)]
pub struct Token {
    /// What is sent with a request.
    pub id: String,
    /// Until when it counts, as the service says it.
    pub expires: String,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    /// Reads what `curl --include` printed.
    fn parse(text: &str) -> Result<Self> {
        let Some((head, body)) = text.split_once("\r\n\r\n") else { bail!("no HTTP answer: {text}") };
        // `100 Continue` and redirections that were followed come before the answer itself.
        let interim = head.split(' ').nth(1).is_some_and(|status| status == "100" || status.starts_with('3'));
        if interim && body.starts_with("HTTP/") {
            return Self::parse(body);
        }
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status line")?;
        let headers = lines.filter_map(|line| line.split_once(": "));
        Ok(Self {
            status: status.parse().with_context(|| format!("reading the status {status}"))?,
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect(),
            body: body.to_owned(),
        })
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interim_answer_is_not_the_answer() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 CREATED\r\nX-Subject-Token: t\r\n\r\n{}";
        let answer = Answer::parse(text).unwrap();
        assert_eq!(
            (answer.status, answer.header("x-subject-token"), answer.body.as_str()),
            (201, Some("t"), "{}")
        );
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(Answer::parse("").is_err());
    }
}
