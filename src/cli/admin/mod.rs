//! Verbs that talk to a running daemon over its admin listener.

mod carriers;
mod cases;
mod certified;
mod client;
mod consent;
mod inbound;
mod messages;
mod problem;
mod queue;
mod send;
mod status;
mod webhooks;

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;

pub use carriers::CarriersVerb;
pub use cases::CasesVerb;
pub use certified::CertifiedVerb;
pub use consent::ConsentVerb;
pub use inbound::InboundVerb;
pub use messages::MessagesVerb;
pub use queue::QueueVerb;
pub use send::SendArgs;
pub use status::StatusArgs;
pub use webhooks::WebhooksVerb;

use super::table::Screen;
use super::{Exit, Global};
use client::AdminClient;
use problem::AdminError;

/// Where the daemon is, and in which form to answer.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AdminOptions {
    /// The daemon's admin listener, on this host [default: http.admin.listen of the configuration].
    #[arg(long, global = true, value_name = "ADDR", value_parser = loopback)]
    pub admin: Option<SocketAddr>,
    /// The file with the admin token [default: admin.token in the daemon's state directory].
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Print one JSON document, for scripts.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The token goes there in the clear, so it stays on this host.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let addr: SocketAddr = text.parse().map_err(|_| "write it as 127.0.0.1:8481".to_owned())?;
    if addr.ip().is_loopback() {
        Ok(addr)
    } else {
        Err("must be an address of this host, e.g. 127.0.0.1:8481: the token would cross the network".to_owned())
    }
}

/// Runs one verb against the daemon and turns what went wrong into words and an exit code.
fn converse<F>(global: &Global, options: &AdminOptions, verb: F) -> Exit
where
    F: AsyncFnOnce(&mut AdminClient, &mut Screen) -> Result<Exit, AdminError>,
{
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return AdminError::Output(error).report(&mut io::stderr().lock()),
    };
    let done = runtime.block_on(async {
        let mut client = AdminClient::connect(global, options).await?;
        let mut screen = Screen::of_stdout(options.json);
        let exit = verb(&mut client, &mut screen).await?;
        screen.flush()?;
        Ok(exit)
    });
    done.unwrap_or_else(|error: AdminError| error.report(&mut io::stderr().lock()))
}

/// Asks a person. In a pipe there is nobody to ask: `--yes` has to be there.
fn confirm(question: &str, yes: bool) -> Result<(), AdminError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(AdminError::Usage(format!(
            "{question}: needs --yes where nobody can be asked"
        )));
    }
    let mut err = io::stderr();
    let mut answer = String::new();
    write!(err, "{question}. Go on? [y/N] ")
        .and_then(|()| err.flush())
        .map_err(AdminError::Output)?;
    io::stdin().read_line(&mut answer).map_err(AdminError::Output)?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        Ok(())
    } else {
        Err(AdminError::Refused("nothing was done".to_owned()))
    }
}

/// The rows of a list.
fn rows(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// The member as a cell: text as it is, nothing for null.
fn cell(row: &Value, name: &str) -> String {
    match row.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" "),
        Some(other) => other.to_string(),
    }
}
