//! How a link opens: the bind, its answer, and why there is none.

use std::time::Instant;

use araldo_smpp::pdu::Bind;
use araldo_smpp::session::{CloseReason, EsmeConfig, Event, Settings, SubmitError};
use araldo_smpp::{Address, BindMode, COctet, CommandStatus, Npi, Password, Ton};
use tokio::io::AsyncReadExt;

use super::{Driver, push};
use crate::carrier::smpp::Shared;
use crate::carrier::{LinkMode, OpenError};
use crate::clock::monotonic;
use crate::config::InterfaceVersion;

pub(super) fn esme_config(shared: &Shared) -> EsmeConfig {
    let config = &shared.config;
    EsmeConfig {
        settings: Settings {
            window: config.window,
            response_timeout: config.response_timeout,
            enquire_link_interval: (!config.enquire_link_interval.is_zero()).then_some(config.enquire_link_interval),
            ..Settings::default()
        },
        accept_outbind: false,
    }
}

impl Driver {
    /// Binds, or says why not.
    pub(super) async fn bind(&mut self, mode: LinkMode, now: Instant) -> Result<(), OpenError> {
        let config = &self.shared.config;
        let bind = bind_pdu(&self.shared).map_err(OpenError::Settings)?;
        let mode = match mode {
            LinkMode::Both => BindMode::Transceiver,
            LinkMode::Out => BindMode::Transmitter,
            LinkMode::In => BindMode::Receiver,
        };
        let encode = |error: SubmitError| OpenError::Settings(format!("the bind cannot be written: {error}"));
        self.session.bind(mode, bind, now).map_err(encode)?;
        let deadline = now + config.bind_timeout;
        loop {
            while let Some(event) = self.session.poll_event() {
                match event {
                    Event::Bound { .. } => return Ok(()),
                    Event::Closed(reason) => {
                        self.flush_briefly().await;
                        return Err(not_bound(&reason));
                    }
                    other => self.note(&other),
                }
            }
            self.collect_output();
            let wake = self.session.poll_timeout().map_or(deadline, |at| at.min(deadline));
            tokio::select! {
                read = self.reader.read_buf(&mut self.input) => match read {
                    Ok(0) => return Err(OpenError::Lost("the carrier closed the connection before it answered the bind".into())),
                    Ok(_) => self.session.handle_bytes(&mut self.input, monotonic()),
                    Err(error) => return Err(OpenError::Lost(error.to_string())),
                },
                pushed = push(&mut self.writer, &mut self.output), if self.unflushed || !self.output.is_empty() => match pushed {
                    Ok(octets) => self.pushed(octets),
                    Err(error) => return Err(OpenError::Lost(error.to_string())),
                },
                () = tokio::time::sleep_until(wake.into()) => {
                    let now = monotonic();
                    if now >= deadline {
                        let within = self.shared.config.bind_timeout;
                        return Err(OpenError::Lost(format!("no answer to the bind within {within:?}")));
                    }
                    self.session.handle_timeout(now);
                }
            }
        }
    }
}

fn bind_pdu(shared: &Shared) -> Result<Bind, String> {
    let config = &shared.config;
    let octets = |key: &str, text: &str| {
        COctet::from_latin1(text).ok_or_else(|| format!("{key} has a character that SMPP cannot carry"))
    };
    Ok(Bind {
        system_id: octets("system_id", &config.system_id)?,
        password: Password(octets("password", config.password.expose())?),
        system_type: octets("system_type", &config.system_type)?,
        interface_version: match config.interface_version {
            InterfaceVersion::V3_4 => araldo_smpp::InterfaceVersion::V3_4,
            InterfaceVersion::V5_0 => araldo_smpp::InterfaceVersion::V5_0,
        },
        address_range: Address::new(Ton(0), Npi(0), octets("address_range", &config.address_range)?),
        ..Bind::default()
    })
}

/// Why a bind did not come up, with what to do about it.
fn not_bound(reason: &CloseReason) -> OpenError {
    use CommandStatus as S;
    let CloseReason::BindRefused(status) = reason else {
        return OpenError::Lost(reason.to_string());
    };
    let (hint, permanent) = match *status {
        S::ESME_RINVPASWD => ("; check password or password_file (SMPP 3.4 allows 8 characters)", true),
        S::ESME_RINVSYSID => ("; check system_id with the carrier", true),
        S::ESME_RALYBND => (
            "; another session is bound under this system_id: check binds and bind_mode",
            false,
        ),
        S::ESME_RBINDFAIL => (
            "; check system_type, bind_mode and the number of binds with the carrier",
            false,
        ),
        _ => ("", false),
    };
    OpenError::Refused {
        status: status.0,
        name: status.to_string(),
        hint,
        permanent,
    }
}
