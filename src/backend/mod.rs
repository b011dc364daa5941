//! What is asked of back-end systems: signed webhooks, and the guard that keeps them from addresses of the inside.
//!
//! A URL is taken apart once ([`Target`]), its name is resolved by us, every address is judged ([`AddressGuard`]), and
//! the connection goes to an address that was judged: there is nothing that could change in between.

mod action;
mod connect;
mod guard;
mod pauses;
mod signature;
mod sim_swap;
mod target;
mod webhook;

pub use action::{Call, Called, Said};
pub use connect::{Resolver, SystemResolver, TrustError};
pub use guard::{AddressGuard, Refusal};
pub use pauses::{Pause, Pauses};
pub use signature::{InvalidKey, Keys};
pub use sim_swap::{SimSwap, Swapped, Token as SimSwapToken};
pub use target::{Host, InvalidTarget, Target};
pub use webhook::{Answer, Failure, MAX_RETRY_AFTER, Post, Webhooks};
