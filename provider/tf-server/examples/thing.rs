//! A provider with one resource, `thing`, that lives nowhere but in the state. The tests of this crate run it as a
//! process; it also shows how little a provider has to say.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::OnceLock;

use async_trait::async_trait;
use tf_core::{Attribute, AttributeType, Diagnostics, Path, ProviderSchema, Schema, Type, Value};
use tf_server::{
    ApplyRequest, ApplyResponse, Imported, PlanRequest, PlanResponse, Provider, ReadRequest, ReadResponse,
    Resource, ServeOptions, serve, serve_for_debugging,
};

#[derive(Default)]
struct Things {
    schema: OnceLock<ProviderSchema>,
}

struct Thing;

fn attribute(kind: Type) -> Attribute {
    Attribute {
        kind: AttributeType::Plain(kind),
        description: String::new(),
        required: false,
        optional: false,
        computed: false,
        sensitive: false,
        write_only: false,
        deprecated: None,
        default: None,
        requires_replace: false,
        keep_prior: false,
        validators: Vec::new(),
    }
}

fn schema() -> ProviderSchema {
    let attributes = [
        ("id", Attribute { computed: true, keep_prior: true, ..attribute(Type::String) }),
        ("name", Attribute { required: true, requires_replace: true, ..attribute(Type::String) }),
        (
            "size",
            Attribute { optional: true, computed: true, default: Some(1.into()), ..attribute(Type::Number) },
        ),
        ("secret_wo", Attribute { optional: true, write_only: true, ..attribute(Type::String) }),
    ];
    let attributes = attributes.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
    let thing = Schema { version: 0, description: "A thing.".to_owned(), attributes };
    ProviderSchema {
        provider: Schema { version: 0, description: String::new(), attributes: BTreeMap::new() },
        resources: [("thing".to_owned(), thing)].into(),
        data_sources: BTreeMap::new(),
    }
}

#[async_trait]
impl Provider for Things {
    fn schema(&self) -> &ProviderSchema {
        self.schema.get_or_init(schema)
    }

    async fn validate_config(&self, _: Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, _: Value, _: String) -> Diagnostics {
        Diagnostics::new()
    }

    fn resource(&self, type_name: &str) -> Option<&dyn Resource> {
        (type_name == "thing").then_some(&Thing)
    }

    fn stop(&self) {}

    async fn close(&self, _farewell: tf_server::Farewell) {}
}

/// What the tests provoke by the name of a thing.
fn provoke(state: &Value) {
    assert_ne!(state.get("name").as_str(), Some("panic"), "the name is panic");
}

#[async_trait]
impl Resource for Thing {
    async fn validate(&self, _: Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn read(&self, request: ReadRequest) -> ReadResponse {
        provoke(&request.state);
        ReadResponse { state: request.state, ..ReadResponse::default() }
    }

    async fn plan(&self, request: PlanRequest) -> PlanResponse {
        provoke(&request.planned);
        PlanResponse {
            planned: request.planned,
            requires_replace: request.requires_replace,
            ..PlanResponse::default()
        }
    }

    async fn apply(&self, request: ApplyRequest) -> ApplyResponse {
        provoke(&request.planned);
        let Value::Map(mut members) = request.planned else { return ApplyResponse::default() };
        // On purpose: what the schema calls write-only must not get out even so.
        members.insert("secret_wo".to_owned(), request.config.get("secret_wo").clone());
        let name = members.get("name").cloned().unwrap_or_default();
        members.insert("id".to_owned(), name);
        ApplyResponse { state: Value::Map(members), ..ApplyResponse::default() }
    }

    async fn import(&self, id: String) -> Result<Imported, Diagnostics> {
        if id == "missing" {
            let mut diagnostics = Diagnostics::new();
            diagnostics.error(Path::root(), "No such thing", "There is no thing with this id.");
            return Err(diagnostics);
        }
        let members = [("id", id.as_str().into()), ("name", id.into()), ("size", 1.into())];
        let members =
            members.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect();
        Ok(Imported { state: Value::Map(members), ..Imported::default() })
    }
}

fn main() -> ExitCode {
    let options = ServeOptions { name: "thing".to_owned(), version: "0.1.0".to_owned() };
    let served = match std::env::args().nth(1).as_deref() {
        Some("--debug") => serve_for_debugging(Things::default(), options, "registry.terraform.io/x/thing"),
        _ => serve(Things::default(), options),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
