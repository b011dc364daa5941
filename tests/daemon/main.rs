//! Journeys through the daemon as it is shipped: the real binary, real sockets, a real file. The clients' word, the
//! carriers' ledgers and the tables are held against each other; the daemon's own opinion counts for nothing.
//!
//! `ARALDO_SEED` repeats a run, `ARALDO_LONG=1` takes the long form. Under `CI` nothing is skipped.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the trials use the rest")]
mod support;

mod cases;
mod certified;
mod codes;
mod consent;
mod doubt;
mod events;
mod everyday;
mod kill;
mod loops;
mod pace;
mod rcs;
mod receipts;
mod restart;
mod routes;
mod start;
mod texts;
mod two_way;
mod webhooks;
