//! The provider's process: started by Terraform or OpenTofu, never by hand.

use std::process::ExitCode;

use tf_server::ServeOptions;

fn main() -> ExitCode {
    let options = ServeOptions { name: "vio".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let provider = vio::VioProvider::default();
    let debug = std::env::args().skip(1).any(|argument| argument == "--debug" || argument == "-debug");
    let served = match debug {
        true => tf_server::serve_for_debugging(provider, options, "registry.terraform.io/vio/vio"),
        false => tf_server::serve(provider, options),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
