//! What an operator does and sees, from the first apply to the last destroy: real CLIs, the real provider, a simulated
//! vCenter. Each test is a law; each reads as a transcript.

mod counts;
mod faults;
mod lifecycle;
mod refusals;
mod secrets;
mod support;
