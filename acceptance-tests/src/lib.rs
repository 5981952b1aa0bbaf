//! The harness of the acceptance tests: real OpenTofu and Terraform, the real provider binary, a simulated vCenter.
//!
//! A scenario reads as a transcript of what an operator does and sees:
//!
//! ```no_run
//! # use acceptance_tests::{Deployment, on_every_cli};
//! on_every_cli(|cli| {
//!     let cloud = Deployment::new(cli)?;
//!     cloud.copy_example("complete")?;
//!     cloud.apply()?;
//!     cloud.plan_is_empty()?;
//!     cloud.destroy()?;
//!     Ok(())
//! })?;
//! # anyhow::Ok(())
//! ```
//!
//! Rooms, from the outside in:
//! - [`Deployment`]: one simulated vCenter plus one working directory that points at it.
//! - [`Simulator`]: the vCenter: start, stop, look inside, do things behind the provider's back.
//! - [`WorkingDirectory`]: one configuration and the commands run on it, in an environment of its own.
//! - [`Cli`], [`Running`], [`Output`]: a program, a run of it, what it said.
//! - [`Plan`], [`State`], [`Diagnostic`]: what the CLIs say in JSON, as values.
//! - [`living`]: guests that are real systems: whether this machine can run them, and how to enter them.
//! - [`secrets`]: looks for a canary in everything that a run leaves behind.
//! - [`generated`]: the files of the repository that are made from what the provider says.
//! - [`tiers`]: what became of the tests that need more than every machine has, told at the end of a run.
//! - [`measure`]: start-up time, memory and size of the provider.
//! - [`tools`]: builds what is run: OpenTofu, the simulator, tfplugindocs, the provider.

mod cli;
mod deployment;
pub mod generated;
mod installation;
pub mod living;
pub mod measure;
mod output;
pub mod paths;
mod plan;
mod running;
pub mod secrets;
mod simulator;
mod state;
pub mod tiers;
pub mod tools;
mod working_directory;

pub use cli::{Cli, on_every_cli};
pub use deployment::{Deployment, MOST_NODES};
pub use installation::Installation;
pub use output::{Diagnostic, Output};
pub use plan::{Change, Plan};
pub use running::Running;
pub use simulator::{
    Call, CallLog, HeldCall, Holds, Inventory, Mutation, Nsx, NsxLog, Simulator, SimulatorOptions,
    TransportNode,
};
pub use state::{Node, State};
pub use working_directory::WorkingDirectory;
