//! Araldo, an SMS gateway daemon: back ends hand it messages over HTTP, it brings them to carriers over SMPP and reports
//! what became of each. Nothing that it has accepted is lost in silence.
//!
//! # Code map
//!
//! | room | what it holds |
//! |---|---|
//! | [`app`] | the wiring: builds the parts, starts tasks, drains them; the one file that names every module |
//! | [`cli`] | the command line, a file a verb group |
//! | [`clock`] | the one place that reads the clock and draws random numbers |
//! | [`command`] | what a customer's text asks for, and with which values |
//! | [`config`] | a struct a section, checked before start |
//! | [`consent`] | STOP, START, HELP; what people want to be sent, and when |
//! | [`domain`] | values and rules that all share: states, classes, addresses, ids |
//! | [`http`] | the API of the back ends and the operators' listener: write a row and answer |
//! | [`accept`] | a message checked, measured and routed, whichever way it came in |
//! | [`notify`] | events in: rules and templates that make messages of them |
//! | [`router`] | which lanes a message takes, in which order |
//! | [`outbox`] | the writer that forms batches by back-pressure, what follows from each outcome, who may claim what |
//! | [`store`] | one trait, two stores (SQLite, memory), one suite that both pass |
//! | [`notice`] | what owners are told, as webhooks and the stream write it |
//! | [`backend`] | webhooks to back ends and calls of them, signed, and the guard over the addresses that they reach |
//! | [`inbound`] | what becomes of a customer's text: put together, understood, acted on, answered |
//! | [`care`] | cases for people: opening hours, and until when one answers |
//! | [`dialogue`] | questions that wait for an answer, and codes |
//! | [`dispatch`] | a bind's pull loop: claim, submit, settle; what comes in; fail-over; calls of back ends |
//! | [`carrier`] | how a message leaves and what comes back, a folder a protocol |
//! | [`receipt`] | what a receipt says, and under which id its message is known |
//! | [`throttle`] | the pace: of a carrier, of a client |
//! | [`simulator`] | a carrier to test against, over real sockets; nothing above knows it |
//! | [`demo`] | all of it at work on one machine, with a page to watch it; a guest that nothing above knows |
//! | [`telemetry`] | logs and metrics |
//!
//! The standards live in crates of their own, which know nothing of the above: `araldo-smpp`, `araldo-sms`, `araldo-rcs`.
//!
//! # Invariants
//!
//! - A positive answer, to a back end or to a carrier, follows a synced commit.
//! - Every accepted message ends in a recorded final state; every transition names the state that it leaves.
//! - A row is claimed, and the claim committed, before its first octet goes to a socket. Rows claimed and not settled in
//!   the store never exceed the window of their bind: that bounds what can be in doubt.
//! - A submit whose answer was lost is *uncertain*; what follows is the policy of its class, and every copy is counted.
//! - Outstanding requests never exceed the window, and no sequence number is outstanding twice.
//! - No secret, number or text appears in a log, a metric, an error or a panic.
//!
//! # Deliberately absent
//!
//! No message is kept in a queue of the memory only. No carrier is called from a request. No timer forms batches. No
//! module but [`clock`] reads the time.

pub mod accept;
pub mod app;
pub mod backend;
pub mod care;
pub mod carrier;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod consent;
pub mod demo;
pub mod dialogue;
pub mod dispatch;
pub mod domain;
#[cfg(test)]
mod fixture;
pub mod http;
pub mod inbound;
pub mod notice;
pub mod notify;
pub mod outbox;
pub mod receipt;
pub mod router;
pub mod simulator;
pub mod store;
pub mod telemetry;
pub mod throttle;
