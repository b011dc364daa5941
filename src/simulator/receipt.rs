//! Receipts: what becomes of a message, when the ESME hears of it, and in which words.

use std::time::{Duration, Instant};

use araldo_smpp::pdu::DeliverSm;
use araldo_smpp::value::AbsoluteTime;
use araldo_smpp::{Address, EsmClass, MessageState, RegisteredDelivery, SmppTime, TlvTag, TlvsMut};
use araldo_sms::{DeliveryReceipt, LocalDateTime, ReceiptDate, ReceiptState};
use bytes::Bytes;
use rand::RngExt;
use rand::rngs::StdRng;

use super::config::{ReceiptConfig, ReceiptForm, SegmentReceipts};
use super::message_id::IdForm;
use super::submission::Submission;
use crate::domain::UnixMillis;

/// Characters of the message repeated in its receipt.
const PREVIEW: usize = 20;
/// How the network of a `network_error_code` is numbered: 3 is GSM (SMPP 3.4 §5.3.2.31).
const GSM: u8 = 3;

/// What becomes of a message. Decided when it is taken, known to the world once it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) state: MessageState,
    pub(super) error: u16,
    pub(super) due: Instant,
    pub(super) at: UnixMillis,
}

/// Which receipts a message gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) receipt: bool,
    pub(super) before_response: bool,
    pub(super) twice: bool,
    pub(super) intermediate: bool,
}

/// A receipt that waits to be sent.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub(super) number: u64,
    pub(super) phone: Address,
    pub(super) sender: Address,
    pub(super) state: MessageState,
    pub(super) error: u16,
    pub(super) submitted: UnixMillis,
    pub(super) done: UnixMillis,
    pub(super) preview: Box<str>,
    pub(super) reference: Option<u16>,
    /// How id and state are written was settled when the message was taken.
    pub(super) form: ReceiptForm,
    pub(super) id_form: IdForm,
}

/// Draws what becomes of a message taken now. Nothing is drawn for a share of zero.
pub(super) fn fate(
    config: &ReceiptConfig,
    rng: &mut StdRng,
    submission: &Submission<'_>,
    now: Instant,
    at: UnixMillis,
) -> Fate {
    let span = if config.delay_max > config.delay_min {
        rng.random_range(config.delay_min..=config.delay_max)
    } else {
        config.delay_min
    };
    let undelivered = chance(rng, config.undelivered);
    let validity = validity_of(submission, at);
    let (state, error, span) = match (validity, config.after_expiry.message_state()) {
        (Some(validity), Some(expired)) if validity < span => (expired, 0, validity),
        _ if undelivered => (MessageState::UNDELIVERABLE, config.error_code, span),
        _ => (MessageState::DELIVERED, 0, span),
    };
    Fate {
        state,
        error,
        due: now + span,
        at: at.after(span),
    }
}

/// Draws which receipts the message gets.
pub(super) fn wanted(config: &ReceiptConfig, rng: &mut StdRng, submission: &Submission<'_>, fate: &Fate) -> Wanted {
    let delivered = fate.state == MessageState::DELIVERED;
    let asked = match submission.registered_delivery.receipt() {
        RegisteredDelivery::FINAL => true,
        RegisteredDelivery::FAILURE => !delivered,
        RegisteredDelivery::SUCCESS => delivered,
        _ => false,
    };
    let chosen = match (config.segments, submission.concat()) {
        (SegmentReceipts::Each, _) | (_, None) => true,
        (SegmentReceipts::First, Some(concat)) => concat.number == 1,
        (SegmentReceipts::Last, Some(concat)) => concat.number == concat.total,
    };
    if !config.enabled || !asked || !chosen || chance(rng, config.silent) {
        return Wanted::default();
    }
    Wanted {
        receipt: true,
        before_response: chance(rng, config.before_response),
        twice: chance(rng, config.duplicate),
        intermediate: chance(rng, config.intermediate),
    }
}

/// The beginning of a text in characters that mean the same in ASCII and in the GSM alphabet.
pub(super) fn preview(text: &str) -> Box<str> {
    let plain = |c: char| match c {
        ' '..='~'
            if !matches!(
                c,
                '$' | '@' | '_' | '`' | '[' | ']' | '\\' | '^' | '{' | '}' | '|' | '~'
            ) =>
        {
            c
        }
        _ => '?',
    };
    text.chars().take(PREVIEW).map(plain).collect()
}

impl Receipt {
    /// The notification on the way, at this time, of what is not yet decided.
    pub(super) fn enroute(&self, at: UnixMillis) -> Self {
        Self {
            state: MessageState::ENROUTE,
            error: 0,
            done: at,
            ..self.clone()
        }
    }

    /// The deliver_sm that carries it.
    pub(super) fn deliver_sm(&self) -> DeliverSm {
        let id = self.id();
        let mut tlvs = TlvsMut::new();
        if self.form != ReceiptForm::Text {
            // An id of ours is far below the 65,535 octets that a TLV holds.
            let _ = tlvs.push_c_octet(TlvTag::RECEIPTED_MESSAGE_ID, id.as_bytes());
            tlvs.push_u8(TlvTag::MESSAGE_STATE, self.state.0);
            if self.error != 0 {
                let [high, low] = self.error.to_be_bytes();
                let _ = tlvs.push_octets(TlvTag::NETWORK_ERROR_CODE, &[GSM, high, low]);
            }
        }
        if let Some(reference) = self.reference {
            tlvs.push_u16(TlvTag::USER_MESSAGE_REFERENCE, reference);
        }
        DeliverSm {
            source: self.phone.clone(),
            destination: self.sender.clone(),
            esm_class: if self.is_final() {
                EsmClass::RECEIPT
            } else {
                EsmClass::INTERMEDIATE_NOTIFICATION
            },
            short_message: if self.form == ReceiptForm::Tlv {
                Bytes::new()
            } else {
                Bytes::from(self.text(&id))
            },
            tlvs: tlvs.freeze(),
            ..DeliverSm::default()
        }
    }

    /// The message's id as the receipt has it.
    pub(super) fn id(&self) -> String {
        self.id_form.in_receipt(self.number)
    }

    /// Whether it is the message's last.
    pub(super) fn is_final(&self) -> bool {
        self.state != MessageState::ENROUTE
    }

    fn text(&self, id: &str) -> String {
        let error = format!("{:03}", self.error);
        let receipt = DeliveryReceipt {
            id: Some(id),
            sub: Some(1),
            dlvrd: Some(u32::from(self.state == MessageState::DELIVERED)),
            submit_date: local(self.submitted).map(ReceiptDate::from),
            done_date: local(self.done).map(ReceiptDate::from),
            state: Some(ReceiptState::from_message_state(self.state.0)),
            err: Some(&error),
            text: Some(&self.preview),
            ..DeliveryReceipt::default()
        };
        let mut text = String::with_capacity(140);
        let written = receipt.write(&mut text);
        debug_assert!(written.is_ok(), "a String takes everything");
        text
    }
}

/// The word for a state in JSON.
pub(super) fn word(state: MessageState) -> &'static str {
    ReceiptState::from_message_state(state.0).as_str()
}

fn chance(rng: &mut StdRng, share: f64) -> bool {
    share > 0.0 && rng.random::<f64>() < share
}

/// How long the message may wait, from now; `None` when it does not say, or not in a way that can be read.
fn validity_of(submission: &Submission<'_>, now: UnixMillis) -> Option<Duration> {
    match SmppTime::parse(submission.validity_period.as_bytes()).ok()?? {
        SmppTime::Relative(span) => {
            let days = u64::from(span.years) * 365 + u64::from(span.months) * 30 + u64::from(span.days);
            let hours = days * 24 + u64::from(span.hours);
            Some(Duration::from_secs(
                (hours * 60 + u64::from(span.minutes)) * 60 + u64::from(span.seconds),
            ))
        }
        SmppTime::Absolute(end) => Some(unix(end)?.since(now)),
    }
}

fn unix(time: AbsoluteTime) -> Option<UnixMillis> {
    let part = |value: u8| i8::try_from(value).ok();
    let civil = jiff::civil::DateTime::new(
        2000 + i16::from(time.year),
        part(time.month)?,
        part(time.day)?,
        part(time.hour)?,
        part(time.minute)?,
        part(time.second)?,
        i32::from(time.tenths) * 100_000_000,
    );
    let utc = civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(UnixMillis(
        UnixMillis::from(utc).0 - i64::from(time.quarters) * 15 * 60_000,
    ))
}

fn local(at: UnixMillis) -> Option<LocalDateTime> {
    let at = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).ok();
    LocalDateTime::new(
        u16::try_from(at.year()).ok()?,
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )
}

#[cfg(test)]
mod tests {
    use araldo_smpp::pdu::SubmitSm;
    use rand::SeedableRng;

    use super::*;
    use crate::simulator::config::ExpiredState;

    fn receipt(form: ReceiptForm, state: MessageState, error: u16) -> Receipt {
        Receipt {
            number: 0x1F,
            phone: Address::international("393471234567"),
            sender: Address::alphanumeric("BANK"),
            state,
            error,
            submitted: UnixMillis(1_767_225_600_000),
            done: UnixMillis(1_767_225_660_000),
            preview: preview("Ciao €5"),
            reference: Some(7),
            form,
            id_form: IdForm::HexThenDecimal,
        }
    }

    fn submit(validity: &str) -> SubmitSm {
        SubmitSm {
            registered_delivery: RegisteredDelivery::FINAL,
            validity_period: validity.into(),
            ..SubmitSm::default()
        }
    }

    #[test]
    fn text_form_is_the_classic_line_and_carries_no_tlv_of_the_receipt() {
        let pdu = receipt(ReceiptForm::Text, MessageState::DELIVERED, 0).deliver_sm();
        assert_eq!(
            pdu.short_message,
            "id:31 sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:Ciao ?5"
        );
        assert_eq!(
            (pdu.tlvs.receipted_message_id(), pdu.tlvs.message_state()),
            (None, None)
        );
        assert!(pdu.esm_class.is_receipt());
        assert_eq!(pdu.source.addr, "393471234567");
        assert_eq!(pdu.destination.addr, "BANK");
    }

    #[test]
    fn tlv_form_has_no_text() {
        let pdu = receipt(ReceiptForm::Tlv, MessageState::UNDELIVERABLE, 27).deliver_sm();
        assert!(pdu.short_message.is_empty());
        assert_eq!(pdu.tlvs.receipted_message_id().expect("id"), "31");
        assert_eq!(pdu.tlvs.message_state(), Some(MessageState::UNDELIVERABLE));
        assert_eq!(pdu.tlvs.network_error_code().expect("code").error_code, 27);
        assert_eq!(pdu.tlvs.user_message_reference(), Some(7));
    }

    #[test]
    fn an_enroute_notification_is_no_receipt() {
        let pdu = receipt(ReceiptForm::Both, MessageState::ENROUTE, 0).deliver_sm();
        assert!(pdu.esm_class.is_intermediate());
        assert!(String::from_utf8_lossy(&pdu.short_message).contains("stat:ENROUTE"));
    }

    #[test]
    fn a_message_whose_validity_is_over_first_expires_at_that_time() {
        let (now, at) = (crate::clock::monotonic(), UnixMillis(1_767_225_600_000));
        let config = ReceiptConfig {
            delay_min: Duration::from_secs(60),
            delay_max: Duration::from_secs(60),
            ..ReceiptConfig::default()
        };
        let rng = &mut StdRng::seed_from_u64(1);
        for validity in ["000000000010000R", "260101000010000+", "260101010010004+"] {
            let submit = submit(validity);
            let fate = fate(&config, rng, &Submission::of_submit_sm(&submit), now, at);
            assert_eq!(
                (fate.state, fate.due),
                (MessageState::EXPIRED, now + Duration::from_secs(10)),
                "{validity}"
            );
        }
        let ignoring = ReceiptConfig {
            after_expiry: ExpiredState::Ignored,
            ..config
        };
        let submit = submit("000000000010000R");
        assert_eq!(
            fate(&ignoring, rng, &Submission::of_submit_sm(&submit), now, at).state,
            MessageState::DELIVERED
        );
    }

    #[test]
    fn a_receipt_for_failures_only_stays_away_from_a_delivered_message() {
        let (now, at) = (crate::clock::monotonic(), UnixMillis(0));
        let rng = &mut StdRng::seed_from_u64(1);
        let mut submit = submit("");
        submit.registered_delivery = RegisteredDelivery::FAILURE;
        for (undelivered, comes) in [(0.0, false), (1.0, true)] {
            let config = ReceiptConfig {
                undelivered,
                ..ReceiptConfig::default()
            };
            let submission = Submission::of_submit_sm(&submit);
            let fate = fate(&config, rng, &submission, now, at);
            assert_eq!(wanted(&config, rng, &submission, &fate).receipt, comes);
        }
    }
}
