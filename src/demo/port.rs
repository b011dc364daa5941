//! Free ports: the well-known ones, or the next.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

use super::{API_PORT, PAGE_PORT};

/// Ports tried after the wanted one.
const TRIES: u16 = 50;

/// The ports that the demo listens on.
pub(super) struct Ports {
    pub(super) page: u16,
    pub(super) api: u16,
    /// Those that were wanted and taken, with those used instead.
    pub(super) taken: Vec<(u16, u16)>,
}

/// Finds both. The page chooses first: its address is the one that people know.
pub(super) fn choose(any: bool) -> anyhow::Result<Ports> {
    if any {
        // Both are held until both are known, so that they differ.
        let (page, api) = (bind(0)?, bind(0)?);
        return Ok(Ports {
            page: page.local_addr()?.port(),
            api: api.local_addr()?.port(),
            taken: Vec::new(),
        });
    }
    let page = free(PAGE_PORT, API_PORT)?;
    let api = free(API_PORT, page)?;
    let taken = [(PAGE_PORT, page), (API_PORT, api)]
        .into_iter()
        .filter(|(wanted, got)| wanted != got);
    Ok(Ports {
        page,
        api,
        taken: taken.collect(),
    })
}

/// The first free port from `wanted` on that is not `other`.
fn free(wanted: u16, other: u16) -> anyhow::Result<u16> {
    for port in wanted..=wanted.saturating_add(TRIES) {
        if port == other {
            continue;
        }
        match bind(port) {
            Ok(_) => return Ok(port),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).with_context(|| format!("127.0.0.1:{port} cannot be listened on")),
        }
    }
    anyhow::bail!(
        "no free port on 127.0.0.1 from {wanted} to {}",
        wanted.saturating_add(TRIES)
    )
}

fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over_and_so_is_the_other_listener_s() {
        let taken = bind(0).unwrap();
        let port = taken.local_addr().unwrap().port();
        let next = free(port, port.saturating_add(1)).unwrap();
        assert!(next > port.saturating_add(1), "{next} after {port}");
    }
}
