//! What a carrier saw and said, read from its ledger.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use araldo_smpp::pdu::SubmitSm;
use araldo_smpp::{MessageState, Mode, Packet, Pdu, TlvTag};
use araldo_sms::{Encoding, UserData};
use serde::Deserialize;

use super::sample::{token_of, token_of_recipient};

/// A ledger, in its order.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) submits: Vec<Handed>,
    pub(crate) receipts: Vec<ReceiptSent>,
    /// Other PDUs and notes: what, and in which direction.
    pub(crate) others: Vec<(String, String)>,
    /// The most submits of one link that waited for their answers at once.
    pub(crate) outstanding: usize,
}

/// A segment that reached the carrier.
#[derive(Clone, Debug)]
pub(crate) struct Handed {
    /// Nanoseconds of the carrier's clock.
    pub(crate) at_ns: u128,
    /// The message, by its recipient.
    pub(crate) token: Option<u32>,
    /// Which segment, from 1, of how many.
    pub(crate) number: u8,
    pub(crate) total: u8,
    pub(crate) reference: Option<u16>,
    /// The status it was answered; `None` was not answered.
    pub(crate) status: Option<u32>,
    /// The id it was answered.
    pub(crate) id: Option<String>,
}

impl Handed {
    /// Whether the carrier has it: it did not say no.
    pub(crate) fn taken(&self) -> bool {
        self.status.is_none_or(|status| status == 0)
    }
}

/// A receipt that left the carrier.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptSent {
    /// The recipient, by its message.
    pub(crate) token: Option<u32>,
    pub(crate) delivered: bool,
    /// Whether it was answered ESME_ROK.
    pub(crate) taken: bool,
}

/// A text, or a segment of one, that the carrier brought.
#[derive(Clone, Debug)]
pub(crate) struct Brought {
    /// The link.
    pub(crate) conn: u64,
    pub(crate) from: String,
    pub(crate) text: String,
    /// What it was answered.
    pub(crate) status: Option<u32>,
    /// How long that took by the carrier's clock.
    pub(crate) took: Option<Duration>,
}

#[derive(Deserialize)]
struct Line {
    at_ns: u128,
    conn: u64,
    dir: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    note: String,
    sequence: u32,
    #[serde(default)]
    status: u32,
    hex: String,
}

impl Ledger {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut ledger = Self::default();
        let mut asked = HashMap::new();
        let mut reported = HashMap::new();
        let mut outstanding: HashMap<u64, usize> = HashMap::new();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            match (line.dir.as_str(), line.command.as_str()) {
                ("in", "submit_sm") => {
                    let Pdu::SubmitSm(submit) = frame(&line) else {
                        panic!("no submit_sm: {}", line.hex)
                    };
                    asked.insert((line.conn, line.sequence), ledger.submits.len());
                    let open = outstanding.entry(line.conn).or_default();
                    *open += 1;
                    ledger.outstanding = ledger.outstanding.max(*open);
                    ledger.submits.push(handed(&line, &submit));
                }
                ("out", "submit_sm_resp") => {
                    // A fault may answer under a number that nobody asked under.
                    let Some(at) = asked.get(&(line.conn, line.sequence)) else {
                        continue;
                    };
                    if ledger.submits[*at].status.replace(line.status).is_none() {
                        *outstanding.entry(line.conn).or_default() -= 1;
                    }
                    if let Pdu::SubmitSmResp(answer) = frame(&line) {
                        ledger.submits[*at].id =
                            Some(String::from_utf8_lossy(answer.message_id.as_bytes()).into_owned());
                    }
                }
                ("out", "deliver_sm") => {
                    let Pdu::DeliverSm(deliver) = frame(&line) else {
                        panic!("no deliver_sm: {}", line.hex)
                    };
                    let text = String::from_utf8_lossy(&deliver.short_message).into_owned();
                    let mut receipt = araldo_sms::DeliveryReceipt::parse(&text);
                    let id = deliver.tlvs.get_c_octet(TlvTag::RECEIPTED_MESSAGE_ID);
                    let id = id.as_ref().map(|id| id.as_str());
                    let state = deliver
                        .tlvs
                        .get_int(TlvTag::MESSAGE_STATE)
                        .and_then(|state| u8::try_from(state).ok());
                    receipt.fill(id.as_deref(), state);
                    let Some(state) = receipt.state else { continue };
                    let state = state.message_state().map(MessageState);
                    reported.insert((line.conn, line.sequence), ledger.receipts.len());
                    ledger.receipts.push(ReceiptSent {
                        token: token_of_recipient(&String::from_utf8_lossy(deliver.source.addr.as_bytes())),
                        delivered: state == Some(MessageState::DELIVERED),
                        taken: false,
                    });
                }
                ("in", "deliver_sm_resp") => {
                    if let Some(at) = reported.get(&(line.conn, line.sequence)) {
                        ledger.receipts[*at].taken = line.status == 0;
                    }
                }
                ("note", _) => ledger.others.push((line.dir, line.note)),
                _ => ledger.others.push((line.dir, line.command)),
            }
        }
        ledger
    }

    /// The recipient and text of every short message that came, in order.
    pub(crate) fn texts(path: &Path) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap());
        lines
            .filter(|line| (line.dir.as_str(), line.command.as_str()) == ("in", "submit_sm"))
            .map(|line| {
                let Pdu::SubmitSm(submit) = frame(&line) else {
                    panic!("no submit_sm: {}", line.hex)
                };
                let udhi = submit.esm_class.has_udhi();
                let data = UserData::decode(submit.data_coding.0, udhi, &submit.short_message, Encoding::Gsm7);
                let to = String::from_utf8_lossy(submit.destination.addr.as_bytes()).into_owned();
                (to, data.text().unwrap_or_default().to_owned())
            })
            .collect()
    }

    /// Every text that the carrier brought, as often as it did, in order.
    pub(crate) fn brought(path: &Path) -> Vec<Brought> {
        let text = std::fs::read_to_string(path).unwrap();
        let mut brought: Vec<(u128, Brought)> = Vec::new();
        let mut open = HashMap::new();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).unwrap();
            match (line.dir.as_str(), line.command.as_str()) {
                ("out", "deliver_sm") => {
                    let Pdu::DeliverSm(deliver) = frame(&line) else {
                        panic!("no deliver_sm: {}", line.hex)
                    };
                    if deliver.esm_class.is_receipt() {
                        continue;
                    }
                    let udhi = deliver.esm_class.has_udhi();
                    let data = UserData::decode(deliver.data_coding.0, udhi, &deliver.short_message, Encoding::Gsm7);
                    open.insert((line.conn, line.sequence), brought.len());
                    let text = Brought {
                        conn: line.conn,
                        from: String::from_utf8_lossy(deliver.source.addr.as_bytes()).into_owned(),
                        text: data.text().unwrap_or_default().to_owned(),
                        status: None,
                        took: None,
                    };
                    brought.push((line.at_ns, text));
                }
                ("in", "deliver_sm_resp") => {
                    let Some(at) = open.remove(&(line.conn, line.sequence)) else {
                        continue;
                    };
                    let (begun, text) = &mut brought[at];
                    let took = u64::try_from(line.at_ns.saturating_sub(*begun)).unwrap();
                    (text.status, text.took) = (Some(line.status), Some(Duration::from_nanos(took)));
                }
                _ => {}
            }
        }
        brought.into_iter().map(|(_, text)| text).collect()
    }

    /// How often something else than submits and receipts went that way.
    pub(crate) fn others(&self, direction: &str, what: &str) -> usize {
        self.others
            .iter()
            .filter(|(dir, name)| dir == direction && name == what)
            .count()
    }
}

fn frame(line: &Line) -> Pdu {
    Packet::decode(hex::decode(&line.hex).unwrap().into(), Mode::Tolerant)
        .unwrap()
        .packet
        .pdu
}

fn handed(line: &Line, submit: &SubmitSm) -> Handed {
    let udhi = submit.esm_class.has_udhi();
    let data = UserData::decode(submit.data_coding.0, udhi, &submit.short_message, Encoding::Gsm7);
    let token = token_of_recipient(&String::from_utf8_lossy(submit.destination.addr.as_bytes()));
    let concat = data.concat;
    let (number, total) = concat.map_or((1, 1), |concat| (concat.number, concat.total));
    if number == 1 {
        // Two ways to tell a message, and they agree.
        let text = data.text().unwrap_or_default();
        assert_eq!(token_of(text), token, "the text of another message: {text}");
    }
    Handed {
        at_ns: line.at_ns,
        token,
        number,
        total,
        reference: concat.map(|concat| concat.reference),
        status: None,
        id: None,
    }
}
