//! The life of a provider's process, seen from the client: start, admission, end.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Client, Identity, Plugin, command, executable};
use rustix::process::{Pid, Signal, kill_process};
use tf_server::proto::health::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
};
use tf_server::proto::plugin::{Empty, StdioData};
use tf_server::proto::tfplugin6::{get_metadata, stop_provider};

const COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");
const SECOND: Duration = Duration::from_secs(1);

async fn metadata(client: &Client) -> Result<get_metadata::Response, tonic::Status> {
    client.call("/tfplugin6.Provider/GetMetadata", get_metadata::Request {}).await
}

async fn shutdown(client: &Client) {
    let _: Result<Empty, _> = client.call("/plugin.GRPCController/Shutdown", Empty {}).await;
}

/// Exit code, standard output and standard error of a process that ends by itself.
fn outcome(variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = command(variables).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a process that has ended wrote to standard error.
fn errors_of(plugin: &mut Plugin) -> String {
    let mut text = String::new();
    plugin.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

fn socket_folder(plugin: &Plugin) -> &Path {
    Path::new(plugin.field(3)).parent().unwrap()
}

#[test]
fn started_by_hand_it_explains_itself() {
    let (code, stdout, stderr) = outcome(&[("PLUGIN_PROTOCOL_VERSIONS", "6")]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("is a plugin"), "{stderr}");
}

#[test]
fn a_client_without_version_6_is_refused() {
    let (code, stdout, stderr) = outcome(&[COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", "4,5")]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("`4,5`"), "{stderr}");
}

#[tokio::test]
async fn without_a_client_certificate_nothing_is_encrypted() {
    let mut plugin = Plugin::start(&[]);
    assert!(plugin.line.starts_with("1|6|unix|/"), "{}", plugin.line);
    assert_eq!(plugin.field(5), "");
    let client = plugin.plain().await;
    assert_eq!(metadata(&client).await.unwrap().resources[0].type_name, "thing");
    shutdown(&client).await;
    assert_eq!(plugin.rest_of_output(), "", "only the handshake line may be on standard output");
}

#[tokio::test]
async fn only_the_client_that_was_named_is_admitted() {
    let identity = Identity::new();
    let plugin = Plugin::start_for(&identity);
    let client = plugin.encrypted(Some(&identity)).await.unwrap();
    assert!(metadata(&client).await.is_ok());
    for other in [None, Some(&Identity::new())] {
        // The refusal comes after the client's side of the handshake, so it may show only in the first call.
        let refused = match plugin.encrypted(other).await {
            Err(_) => true,
            Ok(client) => match tokio::time::timeout(SECOND, metadata(&client)).await {
                Ok(answer) => answer.is_err(),
                Err(_) => true,
            },
        };
        assert!(refused);
    }
    assert!(metadata(&client).await.is_ok(), "the refusals must not disturb the client");
}

#[tokio::test]
async fn tcp_serves_where_sockets_do_not() {
    let plugin = Plugin::start(&[
        ("PLUGIN_UNIX_SOCKET_GROUP", "users"),
        ("PLUGIN_MIN_PORT", "21000"),
        ("PLUGIN_MAX_PORT", "21999"),
    ]);
    assert!(plugin.line.starts_with("1|6|tcp|127.0.0.1:21"), "{}", plugin.line);
    assert!(metadata(&plugin.plain().await).await.is_ok());
    let long = tempfile::tempdir().unwrap();
    let long = long.path().join("x".repeat(100));
    std::fs::create_dir(&long).unwrap();
    let plugin = Plugin::start(&[("PLUGIN_UNIX_SOCKET_DIR", long.to_str().unwrap())]);
    assert!(plugin.line.starts_with("1|6|tcp|127.0.0.1:"), "{}", plugin.line);
}

#[tokio::test]
async fn the_socket_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let plugin = Plugin::start(&[]);
    let mode = std::fs::metadata(socket_folder(&plugin)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn shutdown_ends_the_process_at_once_and_leaves_nothing() {
    let identity = Identity::new();
    let mut plugin = Plugin::start_for(&identity);
    let client = plugin.encrypted(Some(&identity)).await.unwrap();
    let _idle: tonic::Streaming<StdioData> =
        client.stream("/plugin.GRPCStdio/StreamStdio", ()).await.unwrap();
    shutdown(&client).await;
    let (took, success) = plugin.wait(2 * SECOND).unwrap();
    assert!(success);
    assert!(took < SECOND / 2, "{took:?}");
    assert!(!socket_folder(&plugin).exists());
}

#[tokio::test]
async fn an_interrupt_is_the_clients_to_handle() {
    let mut plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    kill_process(Pid::from_child(&plugin.child), Signal::INT).unwrap();
    assert_eq!(plugin.wait(SECOND / 5), None);
    assert!(metadata(&client).await.is_ok());
}

#[tokio::test]
async fn the_system_can_end_the_process() {
    let mut plugin = Plugin::start(&[]);
    kill_process(Pid::from_child(&plugin.child), Signal::TERM).unwrap();
    let (_, success) = plugin.wait(2 * SECOND).unwrap();
    assert!(success);
    assert!(!socket_folder(&plugin).exists());
}

#[tokio::test]
async fn a_goodbye_is_told_apart_from_an_order_of_the_system() {
    for (is_goodbye, told) in [(true, "Goodbye"), (false, "CutOff")] {
        let mut plugin = Plugin::start(&[("TF_LOG_PROVIDER_THING", "debug"), ("TF_LOG", "off")]);
        let client = plugin.plain().await;
        metadata(&client).await.unwrap();
        match is_goodbye {
            true => shutdown(&client).await,
            false => kill_process(Pid::from_child(&plugin.child), Signal::TERM).unwrap(),
        }
        plugin.wait(2 * SECOND).unwrap();
        let log = errors_of(&mut plugin);
        assert!(log.contains(&format!("\"farewell\":\"{told}\"")), "{log}");
    }
}

#[test]
fn it_ends_when_its_parent_was_killed() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$0\" & wait"]).arg(executable()).env_clear();
    shell.envs([COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", "6")]);
    let parent = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut plugin = Plugin::of(parent);
    assert!(plugin.line.starts_with("1|6|"));
    plugin.child.kill().unwrap();
    // The provider holds the other end: this returns when it has ended.
    assert_eq!(plugin.rest_of_output(), "");
    assert!(!socket_folder(&plugin).exists());
}

#[tokio::test]
async fn calls_go_on_after_stop() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let answer: stop_provider::Response =
        client.call("/tfplugin6.Provider/StopProvider", stop_provider::Request {}).await.unwrap();
    assert_eq!(answer.error, "");
    assert!(metadata(&client).await.is_ok());
}

#[tokio::test]
async fn under_a_debugger_the_user_ends_the_process() {
    let (mut plugin, value) = Plugin::start_for_debugging();
    assert_eq!(value["registry.terraform.io/x/thing"]["Pid"], plugin.child.id());
    let client = plugin.plain().await;
    shutdown(&client).await;
    assert_eq!(plugin.wait(SECOND / 5), None);
    assert!(metadata(&client).await.is_ok());
    kill_process(Pid::from_child(&plugin.child), Signal::INT).unwrap();
    let (_, success) = plugin.wait(2 * SECOND).unwrap();
    assert!(success);
    assert!(!socket_folder(&plugin).exists());
}

#[tokio::test]
async fn the_plugin_is_healthy() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let ask = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let answer: HealthCheckResponse =
        client.call("/grpc.health.v1.Health/Check", ask("plugin")).await.unwrap();
    assert_eq!(answer.status(), ServingStatus::Serving);
    let other: Result<HealthCheckResponse, _> =
        client.call("/grpc.health.v1.Health/Check", ask("other")).await;
    assert_eq!(other.unwrap_err().code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn log_lines_are_json_and_come_only_when_asked_for() {
    for (variables, lines) in
        [(&[][..], false), (&[("TF_LOG_PROVIDER_THING", "trace"), ("TF_LOG", "off")][..], true)]
    {
        let mut plugin = Plugin::start(variables);
        let client = plugin.plain().await;
        metadata(&client).await.unwrap();
        shutdown(&client).await;
        plugin.wait(2 * SECOND).unwrap();
        let stderr = errors_of(&mut plugin);
        assert_eq!(!stderr.is_empty(), lines, "{stderr}");
        for line in stderr.lines() {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(object["@module"], "provider");
        }
        assert_eq!(stderr.contains("\"tf_rpc\":\"GetMetadata\""), lines);
    }
}
