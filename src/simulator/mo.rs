//! A virtual phone texts the ESME.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use araldo_smpp::pdu::DeliverSm;
use araldo_smpp::{Address, COctet, CommandStatus, DataCoding, EsmClass, Npi, Ton};
use araldo_sms::{DefaultAlphabet, Encoding, Segments, SplitOptions, TextError, split};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::centre::Centre;
use super::delivery::{Delivery, MoSegment, What};
use super::event::SimulatorEvent;

/// A text from a phone. A long one goes in segments with a user data header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mo {
    /// The phone, digits with or without `+`.
    pub from: String,
    /// The number texted: digits, or a name.
    pub to: String,
    /// What.
    pub text: String,
    /// Which ESME gets it; absent takes any that is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_id: Option<String>,
}

/// What the ESME said to a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoAnswer {
    /// The first answer to each segment, in order. A segment refused for a passing reason is sent again later.
    pub statuses: Vec<CommandStatus>,
}

/// Why there is no answer to a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoError {
    /// Nobody is bound that takes deliver_sm.
    #[error("no ESME is bound that takes deliver_sm")]
    NotBound,
    /// The answer did not come in time. The text is still sent, again and again.
    #[error("no deliver_sm_resp within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// The text cannot be sent.
    #[error("{0}")]
    Text(TextError),
    /// An address has more characters than SMPP takes, or none.
    #[error("{0} has 1 to 20 characters of ASCII")]
    Address(&'static str),
}

impl MoAnswer {
    /// The first status that is not ESME_ROK, or ESME_ROK.
    pub fn status(&self) -> CommandStatus {
        self.statuses
            .iter()
            .copied()
            .find(|status| !status.is_ok())
            .unwrap_or(CommandStatus::ESME_ROK)
    }
}

/// Numbers the long texts of all phones.
static REFERENCE: AtomicU16 = AtomicU16::new(1);

pub(super) async fn inject(centre: &Centre, mo: Mo) -> Result<MoAnswer, MoError> {
    let (source, destination) = (address("from", &mo.from)?, address("to", &mo.to)?);
    let options = SplitOptions {
        reference: REFERENCE.fetch_add(1, Ordering::Relaxed),
        ..SplitOptions::default()
    };
    let segments = split_for(centre.config.default_alphabet, &mo.text, options).map_err(MoError::Text)?;
    if !centre.can_deliver() {
        return Err(MoError::NotBound);
    }
    let system_id: Option<Arc<str>> = mo.system_id.as_deref().map(Arc::from);
    let mut answers = Vec::with_capacity(segments.segments.len());
    let coding = DataCoding(segments.encoding.data_coding());
    for segment in segments.segments {
        let (answer, answered) = oneshot::channel();
        let has_header = segment.udhi();
        let octets = match segments.encoding {
            Encoding::Gsm7 => segment.into_alphabet(&mo.text, centre.config.default_alphabet),
            Encoding::Latin1 | Encoding::Ucs2 => Some(segment.data),
        };
        let pdu = DeliverSm {
            source: source.clone(),
            destination: destination.clone(),
            esm_class: if has_header { EsmClass::UDHI } else { EsmClass::DEFAULT },
            data_coding: coding,
            short_message: Bytes::from(octets.unwrap_or_default()),
            ..DeliverSm::default()
        };
        centre.post(Delivery {
            system_id: system_id.clone(),
            tries: 0,
            posted: true,
            what: What::Mo(Box::new(MoSegment {
                pdu,
                answer: Some(answer),
            })),
        });
        answers.push(answered);
    }
    if centre.is_watched() {
        let (at, Mo { from, to, text, .. }) = (centre.now(), mo);
        centre.tell(SimulatorEvent::Mo { at, from, to, text });
    }
    let limit = centre.config.mo_timeout;
    let all = async {
        let mut statuses = Vec::with_capacity(answers.len());
        for answer in answers {
            statuses.push(answer.await.map_err(|_| MoError::Timeout(limit))?);
        }
        Ok(MoAnswer { statuses })
    };
    tokio::time::timeout(limit, all)
        .await
        .unwrap_or(Err(MoError::Timeout(limit)))
}

/// In UCS-2 where the carrier's own alphabet lacks a character.
fn split_for(alphabet: DefaultAlphabet, text: &str, options: SplitOptions) -> Result<Segments, TextError> {
    let segments = split(text, &options)?;
    if segments.encoding != Encoding::Gsm7 || alphabet.has(text) {
        return Ok(segments);
    }
    split(
        text,
        &SplitOptions {
            encoding: Some(Encoding::Ucs2),
            ..options
        },
    )
}

fn address(field: &'static str, text: &str) -> Result<Address, MoError> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || digits.len() > 20 || !digits.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
        return Err(MoError::Address(field));
    }
    let number = digits.bytes().all(|octet| octet.is_ascii_digit());
    Ok(match (number, digits.len()) {
        (true, 7..) => Address::international(digits),
        // A short code.
        (true, _) => Address::new(Ton(3), Npi(0), digits),
        (false, _) => Address::alphanumeric(COctet::from(digits)),
    })
}
