//! Bad input against the daemon as it is shipped: carriers, files, clients and people who get it wrong.
//!
//! `catalogue.json` is the list of everything that can come; each of its rows points to the fixture or test that shows
//! the answer, or says why it cannot come yet. Fixtures are data: `smpp.json` here, `http.json` for the API.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed and shows why; it may tell the time"
)]

mod answer;
mod bind;
mod canary;
mod carrier;
mod catalogue;
mod daemon;
mod database;
mod half_open;
mod link;
mod long_text;
mod pdu;
mod thousand;
mod tls;
