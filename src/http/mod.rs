//! The listeners: the API of the back-end systems, and the operators' own. A request is checked, written to the
//! outbox and answered after its commit; no carrier is ever called from here.
//!
//! | module | what it holds |
//! |---|---|
//! | `server` | [`bind`] and [`serve`]: connections, TLS, deadlines, the planned stop |
//! | `edge` | what every request passes: its id, its time, the number at once, the form of its problems |
//! | `api` | `/v1`: messages, inbound texts; `GET /openapi.json` |
//! | `rcs` | `/rcs/{carrier}`: what RCS platforms tell |
//! | `admin` | health, metrics, and what the command line asks for |
//! | `auth` | who calls, and what it may do |
//! | `body`, `json` | bodies with their bounds; JSON read strictly, with faults that name their place |
//! | `problem` | [`Code`], [`Problem`], [`Fault`]: RFC 9457 |

pub mod admin;
pub mod api;
mod auth;
mod body;
mod edge;
mod json;
mod problem;
mod rcs;
mod server;
mod stall;

pub use admin::{AdminState, CarrierControl, admin_router};
pub(crate) use api::code_words;
pub use api::{ASYNCAPI_DOCUMENT, ApiState, StateError, api_router, openapi_document};
pub use auth::{Client, Clients, DuplicateKey, Secret256};
pub use problem::{Code, Fault, Problem};
pub use rcs::{RcsHooks, rcs_router};
pub use server::{ServeError, ServeSettings, bind, serve};

#[cfg(test)]
mod tests;
