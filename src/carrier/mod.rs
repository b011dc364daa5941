//! Carriers: how a message leaves and what comes back. One trait, a folder for each protocol.
//!
//! A carrier does not know the outbox. It takes [`Message`]s and says of each submit what became of it; texts and
//! receipts leave by one bounded channel, each with a slot for its answer, so that the carrier is answered only after
//! our commit.

pub mod rcs;
pub mod smpp;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::domain::{BindRef, Class, Concat, Encoding, MessageId, Reason, SenderId, Shape, UnixMillis};
use crate::throttle::CarrierPace;

/// A carrier that can be bound to.
pub trait Carrier: Send + Sync + 'static {
    /// Opens one bind. Done once the carrier has accepted it.
    fn open(&self, bind: BindRef, mode: LinkMode) -> BoxFuture<'_, Result<Link, OpenError>>;

    /// The pace of one that slows itself; `None` has that of its configuration, slowed by what it answers.
    fn pace(&self) -> Option<Arc<CarrierPace>> {
        None
    }
}

/// Which way a bind carries traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkMode {
    /// Both ways.
    Both,
    /// Messages out only.
    Out,
    /// Texts and receipts in only.
    In,
}

impl LinkMode {
    /// Whether messages may go out.
    pub const fn submits(self) -> bool {
        matches!(self, Self::Both | Self::Out)
    }

    /// The word shown to people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "transceiver",
            Self::Out => "transmitter",
            Self::In => "receiver",
        }
    }
}

/// A bind that is up.
pub struct Link {
    /// Takes messages. Closed when the link is down.
    pub submits: mpsc::UnboundedSender<Vec<Message>>,
    /// Says what became of each submit; the last is [`LinkReport::Down`]. Never more than the window holds.
    pub reports: mpsc::UnboundedReceiver<LinkReport>,
    /// Texts, receipts and PDUs that could not be read.
    pub inbound: mpsc::Receiver<Inbound>,
    /// The address and port of the other end.
    pub peer: Box<str>,
    /// Ends the link in good order: what is outstanding is awaited, then it unbinds.
    pub stop: CancellationToken,
    /// Whether the carrier took nothing when it was up last: it is given one message at a time, and counts as down, until it
    /// says [`LinkReport::Proven`].
    pub on_trial: bool,
}

/// A message to submit. Cheap to make: what is long is shared.
#[derive(Clone, Debug)]
pub struct Message {
    /// The caller's key for it.
    pub key: i64,
    /// The recipient's digits.
    pub to: Box<str>,
    /// The sender.
    pub from: SenderId,
    /// The text.
    pub text: Arc<str>,
    /// The alphabet.
    pub encoding: Encoding,
    /// How it is written besides.
    pub shape: Shape,
    /// Not to be delivered after.
    pub expires_at: UnixMillis,
    /// Whether a receipt is wanted.
    pub receipt: bool,
    /// Comes back with receipts on carriers that keep it.
    pub reference: u16,
    /// Ties the segments of a long message together.
    pub concat_reference: u16,
    /// Segments that this carrier has taken already.
    pub skip: Vec<u8>,
    /// How it goes by RCS; `None` to a carrier of SMS.
    pub rcs: Option<ByRcs>,
}

/// What a message has for RCS beside its text.
#[derive(Clone, Debug)]
pub struct ByRcs {
    /// Under which the platform knows it, the same for all tries.
    pub id: MessageId,
    /// What it is for.
    pub class: Class,
    /// Whether it is the one confirmation of a STOP.
    pub acknowledges: bool,
    /// What it shows, as JSON; `None` is the text.
    pub rich: Option<Arc<str>>,
    /// How long the platform is to try.
    pub ttl: Duration,
    /// Until when we try to hand it to the platform.
    pub until: UnixMillis,
}

/// What a link says.
#[derive(Debug)]
pub enum LinkReport {
    /// What became of submits.
    Submits(Vec<SubmitReport>),
    /// On trial, it has taken a message: it is as good as any.
    Proven,
    /// Something that only a person can mend keeps messages from going this way; the link stays up. Cause and cure.
    Fault(String),
    /// It submits nothing more; answers to what is out may still come.
    Closing,
    /// A delivery waited too long for its commit and was answered busy: it may be stored all the same, and the carrier
    /// brings it again.
    AnsweredBusy,
    /// The link is down; every submit was reported on before.
    Down(DownReason),
}

/// What became of one segment.
#[derive(Debug)]
pub struct SubmitReport {
    /// The message's key.
    pub key: i64,
    /// The segment, from 1.
    pub number: u8,
    /// How many segments the message has on this carrier.
    pub total: u8,
    /// What became of it.
    pub result: SubmitResult,
}

/// What became of a submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitResult {
    /// The carrier took it.
    Accepted {
        /// Its id, where it gave one.
        carrier_message_id: Option<Box<str>>,
    },
    /// The carrier refused it.
    Refused {
        /// The command_status.
        status: u32,
        /// What follows from it.
        action: RefusalAction,
    },
    /// Not one octet of it left.
    NotWritten,
    /// The answer is overdue; it may still come.
    Overdue,
    /// The link was lost before the answer.
    Lost,
    /// It cannot be encoded.
    Unsendable,
}

/// What follows from a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalAction {
    /// Too fast: the pace halves, no try is burned.
    Throttle,
    /// Tried again later.
    Retry,
    /// Tried by the next step of the plan.
    NextStep,
    /// The handset has no RCS, or cannot show it: the next step at once.
    NotReachable,
    /// A fault of the message or of the agent, by RCS: the next step at once, and if there is none this is the end.
    Rejected {
        /// Why.
        reason: Reason,
        /// The member at fault, where it is known.
        field: Option<Box<str>>,
    },
    /// The end.
    Final(Reason),
}

/// What a carrier brings.
#[derive(Debug)]
pub enum Inbound {
    /// What became of a message.
    Receipt(InboundReceipt, AnswerSlot),
    /// A text from a handset.
    Text(InboundText, AnswerSlot),
    /// A PDU that could not be read.
    Unreadable {
        /// What is wrong with it.
        reason: String,
        /// The status with which it was answered.
        status: u32,
        /// The octets.
        octets: Bytes,
        /// Where the answer goes, for one that is only answered once it is kept.
        slot: Option<AnswerSlot>,
    },
}

/// A delivery receipt as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundReceipt {
    /// The carrier's id of the message; empty where the receipt names none.
    pub carrier_message_id: Box<str>,
    /// Its source address: the recipient of our message.
    pub source: Box<str>,
    /// Its destination address: our sender.
    pub destination: Box<str>,
    /// What it says, in the words of the text or TLV.
    pub state: Option<araldo_sms::ReceiptState>,
    /// The carrier's error code.
    pub error: Option<u32>,
    /// Our `user_message_reference`.
    pub reference: Option<u16>,
    /// When the message came to its end, by the carrier's clock.
    pub done_at: Option<UnixMillis>,
}

/// A text as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundText {
    /// The sender's address.
    pub source: Box<str>,
    /// Our address.
    pub destination: Box<str>,
    /// As it came.
    pub data_coding: u8,
    /// As it came.
    pub esm_class: u8,
    /// The octets of the text, with the header if it has one.
    pub octets: Bytes,
    /// What they say; `None` where they are no text.
    pub text: Option<Box<str>>,
    /// Whether reading lost something.
    pub lossy: bool,
    /// The place of a segment in its message.
    pub segment: Option<Concat>,
    /// The carrier's own id for it.
    pub carrier_message_id: Option<Box<str>>,
    /// What was forgiven in reading the PDU.
    pub note: Option<Box<str>>,
}

/// How an inbound PDU is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is ours now: the commit is done.
    Taken,
    /// Not now: the carrier tries again.
    Busy,
}

/// Where the answer to an inbound PDU goes. Dropped without one, it answers that we are busy.
#[derive(Debug)]
pub struct AnswerSlot {
    to: Option<mpsc::UnboundedSender<(u64, Verdict)>>,
    ticket: u64,
}

impl AnswerSlot {
    /// A slot whose answer arrives at `to` under `ticket`.
    pub fn new(to: mpsc::UnboundedSender<(u64, Verdict)>, ticket: u64) -> Self {
        Self { to: Some(to), ticket }
    }

    /// Answers.
    pub fn answer(mut self, verdict: Verdict) {
        if let Some(to) = self.to.take() {
            to.send((self.ticket, verdict)).ok();
        }
    }
}

impl Drop for AnswerSlot {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to.send((self.ticket, Verdict::Busy)).ok();
        }
    }
}

/// Why a bind could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host could not be reached.
    #[error("{host}:{port} cannot be reached: {error}; check host, port and firewall")]
    Unreachable {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
        /// Why.
        error: String,
    },
    /// TLS failed: no plain text is tried instead.
    #[error("TLS with {host} failed: {error}; check tls_server_name, tls_ca_file and the carrier's certificate")]
    Tls {
        /// As configured.
        host: String,
        /// Why.
        error: String,
    },
    /// The carrier refused the bind.
    #[error("bind refused, {name} (0x{status:02X}){hint}")]
    Refused {
        /// The command_status.
        status: u32,
        /// Its name.
        name: String,
        /// What to do.
        hint: &'static str,
        /// Whether asking again cannot help: a wrong name or password.
        permanent: bool,
    },
    /// The link broke, or the carrier did not answer.
    #[error("the bind did not come up: {0}")]
    Lost(String),
    /// The configuration cannot work.
    #[error("{0}")]
    Settings(String),
}

impl OpenError {
    /// Whether asking again with the same password may lock the account.
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused { permanent: true, .. })
    }
}

/// Why a link went down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// We ended it, and nothing was outstanding or the wait for it was over.
    Stopped,
    /// The carrier or the network ended it.
    Lost(String),
}
