//! Crash anywhere: the provider, the CLI or vCenter die at a moment that is chosen exactly, and one more command comes to
//! its end as if nothing had happened. Each kill point is a call of the API, before or after it has acted.

mod desired;
mod kill;
mod outage;
mod samples;
mod signals;
#[expect(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/support.rs"]
mod support;
mod walks;
