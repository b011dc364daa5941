//! Trials that try to prove us wrong from below: the system calls of the daemon as it is shipped are traced, made to fail,
//! and cut short; its disk is filled, its listeners are besieged, its words are searched for what they must not say.
//!
//! `ARALDO_SEED` repeats a run, `ARALDO_LONG=1` takes the long form. Under `CI` nothing is skipped.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the journeys through the daemon use the rest")]
mod support;

mod busy;
mod canary;
mod disk;
mod power;
mod process;
mod rcs;
mod shim;
mod slow;
mod soak;
mod synced;
mod texts;
mod torture;
mod trace;
mod two_way;
