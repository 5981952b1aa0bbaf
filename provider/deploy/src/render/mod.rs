//! From the plan's view of a cloud to what each node shall be: pure functions, the same bytes for the same input.

mod context;
mod document;
mod encode;
mod error;
mod front_end;
mod metadata;
mod secrets;
mod status;
mod user_data;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use context::interface_name;
pub use context::{Renderer, render_node};
pub use document::{Action, Check, DOCUMENT_VERSION, Document, File, REPAIR_KEY, Service};
pub use encode::{DOCUMENT_KEY, Encoded, MAX_TOTAL_BYTES, MAX_VALUE_BYTES, REVISION_KEY};
pub use error::RenderError;
pub use front_end::{EndpointView, FrontEndView, ServerView, front_ends};
pub use metadata::{Nic, metadata};
pub use secrets::SecretSource;
pub use status::{GuestStatus, Phase, STATUS_KEY, ServiceHealth};
pub use user_data::user_data;
pub use view::{
    CloudView, ComponentView, ComputeClusterView, LdapView, NetworkView, NetworkingView, NodeView, NsxView,
    SyslogView, TlsView, VcenterView,
};
