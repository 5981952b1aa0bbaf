//! What can go wrong between a view and a node.

/// A document that cannot be made, sent or read. No variant quotes a file's content: it may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template failed: a fault in the release, or a view that lacks what the template needs.
    #[error("cannot render `{file}` of node `{node}`")]
    Template {
        /// Name of the node.
        node: String,
        /// Path of the file, or name of the action.
        file: String,
        /// What the template engine says.
        #[source]
        source: minijinja::Error,
    },
    /// The release has no such kind.
    #[error("release `{release}` has no kind `{kind}`")]
    NoKind {
        /// Id of the release.
        release: String,
        /// The kind.
        kind: String,
    },
    /// The view does not have the node's component.
    #[error("node `{node}` belongs to component `{component}`, which the deployment does not have")]
    NoComponent {
        /// Name of the node.
        node: String,
        /// Key of the component.
        component: String,
    },
    /// A file of `config_overrides` that the node does not have, or that refuses overrides.
    #[error("cannot override `{file}` of node `{node}`: {reason}")]
    Override {
        /// Name of the node.
        node: String,
        /// The file, as the user wrote it.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A document larger than a VM's ExtraConfig should carry.
    #[error(
        "the document of node `{node}` takes {size} bytes in the VM's configuration, more than {limit}: shorten its config_overrides"
    )]
    TooLarge {
        /// Name of the node.
        node: String,
        /// Size of all values, in bytes.
        size: usize,
        /// Largest size, in bytes.
        limit: usize,
    },
    /// The document could not be written as JSON or compressed.
    #[error("cannot encode the document of node `{node}`")]
    Encode {
        /// Name of the node.
        node: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The values in a VM's ExtraConfig are no document of ours.
    #[error("cannot read the document in the VM's configuration: {reason}")]
    Decode {
        /// What is wrong.
        reason: String,
    },
    /// The value of `guestinfo.vio.status` is no report of the node agent.
    #[error("cannot read the node agent's report: {reason}")]
    Status {
        /// What is wrong.
        reason: String,
    },
}
