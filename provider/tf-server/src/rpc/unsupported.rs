//! RPCs of features that providers do not have here. Each names what was asked for.

use tf_core::Diagnostics;

use super::look_up::{resource, unknown};
use crate::call::{Context, Failure, note_type};
use crate::proto::tfplugin6 as proto;
use crate::wire::diagnostic::{diagnostics, error};

/// A diagnostic about a type that the provider does not have.
pub(crate) async fn unknown_type<A: Failure>(
    what: &'static str,
    type_name: String,
) -> Result<A, Diagnostics> {
    note_type(&type_name);
    Ok(A::failure(diagnostics(unknown(what, &type_name))))
}

/// MoveResourceState: state of another type.
pub(crate) async fn move_resource_state(
    context: Context,
    request: proto::move_resource_state::Request,
) -> Result<proto::move_resource_state::Response, Diagnostics> {
    resource(&*context.provider, &request.target_type_name)?;
    Err(error(
        "State of this resource cannot be moved",
        format!(
            "A resource of type {:?} cannot become one of type {:?}. Remove the `moved` block; to keep the object, \
             use a `removed` block for the one and an `import` block for the other.",
            request.source_type_name, request.target_type_name
        ),
    ))
}

/// UpgradeResourceIdentity.
pub(crate) async fn upgrade_resource_identity(
    context: Context,
    request: proto::upgrade_resource_identity::Request,
) -> Result<proto::upgrade_resource_identity::Response, Diagnostics> {
    resource(&*context.provider, &request.type_name)?;
    Err(error(
        "The resource has no identity",
        format!(
            "Resources of type {:?} have no identity in this version of the provider.",
            request.type_name
        ),
    ))
}

/// GenerateResourceConfig.
pub(crate) async fn generate_resource_config(
    context: Context,
    request: proto::generate_resource_config::Request,
) -> Result<proto::generate_resource_config::Response, Diagnostics> {
    resource(&*context.provider, &request.type_name)?;
    Err(error(
        "The provider generates no configuration",
        "The provider leaves this to the client and does not offer it in its capabilities.",
    ))
}

/// CallFunction.
pub(crate) fn call_function(request: &proto::call_function::Request) -> proto::call_function::Response {
    let text = format!("This version of the provider has no function {:?}.", request.name);
    let error = Some(proto::FunctionError { text, function_argument: None });
    proto::call_function::Response { result: None, error }
}

/// ListResource: its only event.
pub(crate) fn list_event(request: &proto::list_resource::Request) -> proto::list_resource::Event {
    let diagnostic = diagnostics(unknown("list resource", &request.type_name));
    proto::list_resource::Event { diagnostic, ..Default::default() }
}

/// InvokeAction: its only event.
pub(crate) fn action_event(request: &proto::invoke_action::Request) -> proto::invoke_action::Event {
    use proto::invoke_action::event::{Completed, Type};
    let diagnostics = diagnostics(unknown("action", &request.action_type));
    proto::invoke_action::Event { r#type: Some(Type::Completed(Completed { diagnostics })) }
}
