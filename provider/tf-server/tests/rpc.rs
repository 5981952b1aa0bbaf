//! Every RPC, seen from the client: answers, and what comes of requests that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{Client, Plugin};
use prost::Message;
use tf_core::{Type, Value, msgpack};
use tf_server::proto::tfplugin6 as proto;

fn object_type() -> Type {
    let members =
        [("id", Type::String), ("name", Type::String), ("size", Type::Number), ("secret_wo", Type::String)];
    Type::Object(members.into_iter().map(|(name, of)| (name.to_owned(), of)).collect())
}

fn thing<const N: usize>(members: [(&str, Value); N]) -> Option<proto::DynamicValue> {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let msgpack = msgpack::encode(&Value::Map(members), &object_type()).unwrap();
    Some(proto::DynamicValue { msgpack, json: Vec::new() })
}

fn read(value: Option<proto::DynamicValue>) -> Value {
    msgpack::decode(&value.unwrap().msgpack, &object_type()).unwrap()
}

fn malformed() -> Option<proto::DynamicValue> {
    Some(proto::DynamicValue { msgpack: b"\x81\xa4name\xdd\xff\xff\xff\xff".to_vec(), json: Vec::new() })
}

async fn apply(
    client: &Client,
    request: proto::apply_resource_change::Request,
) -> proto::apply_resource_change::Response {
    client.call("/tfplugin6.Provider/ApplyResourceChange", request).await.unwrap()
}

#[tokio::test]
async fn create_keeps_private_bytes_and_no_secret() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let config = thing([("name", "a".into()), ("secret_wo", "hunter2".into())]);
    let planned: proto::plan_resource_change::Response = client
        .call(
            "/tfplugin6.Provider/PlanResourceChange",
            proto::plan_resource_change::Request {
                type_name: "thing".into(),
                proposed_new_state: config.clone(),
                config: config.clone(),
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(planned.diagnostics, []);
    let expected = read(thing([("id", Value::Unknown), ("name", "a".into()), ("size", 1.into())]));
    assert_eq!(read(planned.planned_state.clone()), expected);
    let request = proto::apply_resource_change::Request {
        type_name: "thing".into(),
        planned_state: planned.planned_state,
        config,
        planned_private: b"kept".to_vec(),
        ..Default::default()
    };
    let applied = apply(&client, request).await;
    assert_eq!(applied.diagnostics, []);
    assert_eq!(applied.private, b"kept");
    let expected = read(thing([("id", "a".into()), ("name", "a".into()), ("size", 1.into())]));
    assert_eq!(read(applied.new_state), expected);
}

#[tokio::test]
async fn a_panic_in_apply_loses_neither_state_nor_private_bytes() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let prior = thing([("id", "a".into()), ("name", "a".into())]);
    let request = proto::apply_resource_change::Request {
        type_name: "thing".into(),
        prior_state: prior.clone(),
        planned_state: thing([("id", "a".into()), ("name", "panic".into())]),
        planned_private: b"kept".to_vec(),
        ..Default::default()
    };
    let applied = apply(&client, request).await;
    assert_eq!(applied.new_state, prior);
    assert_eq!(applied.private, b"kept");
    assert_eq!(applied.diagnostics[0].summary, "The provider failed in ApplyResourceChange");
}

#[tokio::test]
async fn state_of_the_same_version_is_read_leniently_and_of_another_refused() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let upgrade = async |version, json: &str| -> proto::upgrade_resource_state::Response {
        let raw_state = Some(proto::RawState { json: json.into(), ..Default::default() });
        let request =
            proto::upgrade_resource_state::Request { type_name: "thing".into(), version, raw_state };
        client.call("/tfplugin6.Provider/UpgradeResourceState", request).await.unwrap()
    };
    let same = upgrade(0, r#"{"name":"a","gone":1,"secret_wo":"hunter2"}"#).await;
    assert_eq!(read(same.upgraded_state), read(thing([("name", "a".into())])));
    assert_eq!(upgrade(7, "{}").await.diagnostics[0].summary, "State of an unknown schema version");
    assert_eq!(upgrade(0, "{").await.diagnostics[0].summary, "The stored state cannot be read");
}

#[tokio::test]
async fn import_gives_one_object_or_a_message() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let import = async |id: &str| -> proto::import_resource_state::Response {
        let request = proto::import_resource_state::Request {
            type_name: "thing".into(),
            id: id.to_owned(),
            ..Default::default()
        };
        client.call("/tfplugin6.Provider/ImportResourceState", request).await.unwrap()
    };
    let found = import("a").await;
    assert_eq!(found.imported_resources.len(), 1);
    assert_eq!(found.imported_resources[0].type_name, "thing");
    assert_eq!(import("missing").await.diagnostics[0].summary, "No such thing");
    assert_eq!(import("").await.diagnostics[0].summary, "Import needs an id");
}

#[tokio::test]
async fn messages_of_many_megabytes_pass() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let state = thing([("name", "x".repeat(10 << 20).into())]);
    let request = proto::read_resource::Request {
        type_name: "thing".into(),
        current_state: state.clone(),
        ..Default::default()
    };
    let answer: proto::read_resource::Response =
        client.call("/tfplugin6.Provider/ReadResource", request).await.unwrap();
    assert_eq!(answer.new_state, state);
}

#[tokio::test]
async fn the_schema_says_what_the_provider_can() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let schema: proto::get_provider_schema::Response = client
        .call("/tfplugin6.Provider/GetProviderSchema", proto::get_provider_schema::Request {})
        .await
        .unwrap();
    let can = schema.server_capabilities.unwrap();
    assert!(can.plan_destroy && can.get_provider_schema_optional);
    assert!(!can.move_resource_state && !can.generate_resource_config);
    assert!(schema.provider.is_some());
    let attributes = &schema.resource_schemas["thing"].block.as_ref().unwrap().attributes;
    let size = attributes.iter().find(|attribute| attribute.name == "size").unwrap();
    assert_eq!((size.r#type.as_slice(), size.optional, size.computed), (&b"\"number\""[..], true, true));
    assert!(attributes.iter().any(|attribute| attribute.name == "secret_wo" && attribute.write_only));
}

#[tokio::test]
async fn what_is_not_in_the_service_is_unimplemented() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let answer: Result<(), _> = client.call("/tfplugin6.Provider/LockState", ()).await;
    assert_eq!(answer.unwrap_err().code(), tonic::Code::Unimplemented);
}

/// The diagnostics of one call, which must not be answered by a gRPC error.
macro_rules! diagnostics {
    ($client:expr, $rpc:literal, $module:ident, $($field:ident: $value:expr),*) => {{
        let request = proto::$module::Request { $($field: $value,)* ..Default::default() };
        let path = concat!("/tfplugin6.Provider/", $rpc);
        let answer: proto::$module::Response = $client.call(path, request).await.expect($rpc);
        ($rpc, answer.diagnostics)
    }};
}

fn all_errors(answers: &[(&str, Vec<proto::Diagnostic>)]) {
    for (rpc, diagnostics) in answers {
        assert!(!diagnostics.is_empty(), "{rpc}");
        for diagnostic in diagnostics {
            assert_eq!(diagnostic.severity(), proto::diagnostic::Severity::Error, "{rpc}");
            assert!(!diagnostic.summary.is_empty() && !diagnostic.detail.is_empty(), "{rpc}");
        }
    }
}

#[tokio::test]
#[expect(clippy::needless_update, reason = "some requests have no other fields than those set")]
async fn malformed_values_give_a_diagnostic() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let name = || "thing".to_owned();
    let good = || thing([("name", "a".into())]);
    all_errors(&[
        diagnostics!(client, "ValidateProviderConfig", validate_provider_config, config: malformed()),
        diagnostics!(client, "ConfigureProvider", configure_provider, config: malformed()),
        diagnostics!(client, "ValidateResourceConfig", validate_resource_config, type_name: name(), config: malformed()),
        diagnostics!(client, "UpgradeResourceState", upgrade_resource_state, type_name: name()),
        diagnostics!(client, "ReadResource", read_resource, type_name: name(), current_state: malformed()),
        diagnostics!(client, "PlanResourceChange", plan_resource_change, type_name: name(), config: malformed()),
        diagnostics!(client, "PlanResourceChange", plan_resource_change, type_name: name(), config: good(), prior_state: malformed()),
        diagnostics!(client, "PlanResourceChange", plan_resource_change, type_name: name(), config: good(), proposed_new_state: malformed()),
        diagnostics!(client, "ApplyResourceChange", apply_resource_change, type_name: name(), planned_state: malformed()),
        diagnostics!(client, "ApplyResourceChange", apply_resource_change, type_name: name(), prior_state: malformed()),
        diagnostics!(client, "ApplyResourceChange", apply_resource_change, type_name: name(), config: malformed()),
    ]);
}

#[tokio::test]
async fn types_that_are_not_there_give_a_diagnostic() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let name = || "nothing".to_owned();
    all_errors(&[
        diagnostics!(client, "ValidateResourceConfig", validate_resource_config, type_name: name()),
        diagnostics!(client, "UpgradeResourceState", upgrade_resource_state, type_name: name()),
        diagnostics!(client, "UpgradeResourceIdentity", upgrade_resource_identity, type_name: name()),
        diagnostics!(client, "UpgradeResourceIdentity", upgrade_resource_identity, type_name: "thing".into()),
        diagnostics!(client, "ReadResource", read_resource, type_name: name()),
        diagnostics!(client, "PlanResourceChange", plan_resource_change, type_name: name()),
        diagnostics!(client, "ApplyResourceChange", apply_resource_change, type_name: name()),
        diagnostics!(client, "ImportResourceState", import_resource_state, type_name: name()),
        diagnostics!(client, "MoveResourceState", move_resource_state, target_type_name: name()),
        diagnostics!(client, "MoveResourceState", move_resource_state, target_type_name: "thing".into()),
        diagnostics!(client, "GenerateResourceConfig", generate_resource_config, type_name: "thing".into()),
        diagnostics!(client, "ValidateDataResourceConfig", validate_data_resource_config, type_name: name()),
        diagnostics!(client, "ReadDataSource", read_data_source, type_name: name()),
        diagnostics!(client, "ValidateEphemeralResourceConfig", validate_ephemeral_resource_config, type_name: name()),
        diagnostics!(client, "OpenEphemeralResource", open_ephemeral_resource, type_name: name()),
        diagnostics!(client, "RenewEphemeralResource", renew_ephemeral_resource, type_name: name()),
        diagnostics!(client, "CloseEphemeralResource", close_ephemeral_resource, type_name: name()),
        diagnostics!(client, "ValidateListResourceConfig", validate_list_resource_config, type_name: name()),
        diagnostics!(client, "ValidateActionConfig", validate_action_config, action_type: name()),
        diagnostics!(client, "PlanAction", plan_action, action_type: name()),
    ]);
}

#[tokio::test]
async fn streams_and_functions_that_are_not_there_say_so() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    let request = proto::list_resource::Request { type_name: "nothing".into(), ..Default::default() };
    let mut events: tonic::Streaming<proto::list_resource::Event> =
        client.stream("/tfplugin6.Provider/ListResource", request).await.unwrap();
    assert_eq!(events.message().await.unwrap().unwrap().diagnostic.len(), 1);
    assert!(events.message().await.unwrap().is_none());

    let request = proto::invoke_action::Request { action_type: "nothing".into(), ..Default::default() };
    let mut events: tonic::Streaming<proto::invoke_action::Event> =
        client.stream("/tfplugin6.Provider/InvokeAction", request).await.unwrap();
    use proto::invoke_action::event::Type;
    let Some(Type::Completed(completed)) = events.message().await.unwrap().unwrap().r#type else {
        panic!("an action has to end with its completion")
    };
    assert_eq!(completed.diagnostics.len(), 1);

    let request = proto::call_function::Request { name: "nothing".into(), ..Default::default() };
    let answer: proto::call_function::Response =
        client.call("/tfplugin6.Provider/CallFunction", request).await.unwrap();
    assert!(answer.error.unwrap().text.contains("nothing"));
}

#[tokio::test]
async fn empty_requests_are_answered_by_every_rpc() {
    let plugin = Plugin::start(&[]);
    let client = plugin.plain().await;
    for path in [
        "/tfplugin6.Provider/GetMetadata",
        "/tfplugin6.Provider/GetProviderSchema",
        "/tfplugin6.Provider/GetResourceIdentitySchemas",
        "/tfplugin6.Provider/GetFunctions",
        "/tfplugin6.Provider/ValidateProviderConfig",
        "/tfplugin6.Provider/ConfigureProvider",
        "/tfplugin6.Provider/StopProvider",
    ] {
        let answer: Result<Anything, _> = client.call(path, ()).await;
        assert!(answer.is_ok(), "{path}");
    }
}

/// Takes any message.
#[derive(Clone, PartialEq, Message)]
struct Anything {}
