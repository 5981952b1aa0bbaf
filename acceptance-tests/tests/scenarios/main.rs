//! What an operator does and sees, from the first apply to the last destroy: real CLIs, the real provider, a simulated
//! vCenter. Each test is a law; each reads as a transcript.

mod counts;
mod day_two;
mod drift;
mod faults;
mod hosts;
mod interrupted;
mod lease;
mod lifecycle;
mod losses;
mod nsx;
mod peers;
mod privileges;
mod refusals;
mod repairs;
mod rolls;
mod secrets;
mod support;
mod templates;
mod together;
