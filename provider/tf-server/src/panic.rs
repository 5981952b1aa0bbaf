//! What is printed when the provider's code panics.

use std::any::Any;
use std::io::Write;

/// Prints a panic in the form that the client collects and shows, without its message unless that is a literal of
/// the program: a formatted one may hold a secret.
pub(crate) fn install_hook(name: &str, version: &str) {
    let who = format!("{name} {version}");
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let line = format!("panic: {who}: {} at {place}\n", message(panic.payload()));
        // Standard error may be closed; there is nowhere else to say it.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }));
}

fn message(payload: &dyn Any) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("a bug in the provider")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literals_are_printed() {
        assert_eq!(message(&"index out of range"), "index out of range");
        assert_eq!(message(&String::from("password hunter2 is wrong")), "a bug in the provider");
    }
}
