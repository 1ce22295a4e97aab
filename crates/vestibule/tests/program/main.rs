//! The program from outside: what is typed, what it says, how it ends.

mod audit;
mod bench;
mod config;
mod dev;
mod keys;
mod policy;
mod progress;
mod provider;
mod serve;
mod sinks;
