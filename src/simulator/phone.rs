//! The virtual phones: what has reached each, long messages put together again, in bounded memory.

use std::collections::{HashMap, VecDeque};

use araldo_sms::{Concat, Content, DefaultAlphabet, UserData};
use serde::Serialize;

use super::submission::Submission;
use crate::domain::UnixMillis;

/// Long messages of which segments are missing that are kept at most; the oldest goes first.
const INCOMPLETE: usize = 1_000;

/// A message as its phone shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhoneMessage {
    /// The id of the first segment, as the response had it.
    pub id: String,
    /// When the last segment came.
    pub at: UnixMillis,
    /// The phone.
    pub to: String,
    /// The sender shown.
    pub from: String,
    /// The whole text; octets that are no text in hexadecimal.
    pub text: String,
    /// Segments it came in.
    pub segments: u8,
    /// `enroute`, `delivered`, `undeliverable`, …: the worst of its segments.
    pub state: &'static str,
    /// The ESME that sent it.
    pub system_id: String,
}

/// A message kept, with the numbers of its segments to look up what became of them.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) at: UnixMillis,
    pub(super) to: String,
    pub(super) from: String,
    pub(super) text: String,
    pub(super) numbers: Vec<u64>,
    pub(super) system_id: String,
}

/// All phones together.
#[derive(Debug)]
pub(super) struct Phones {
    memory: usize,
    default_alphabet: DefaultAlphabet,
    messages: VecDeque<Kept>,
    incomplete: HashMap<PartKey, Parts>,
    order: VecDeque<PartKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PartKey {
    to: String,
    from: String,
    reference: u16,
    total: u8,
}

#[derive(Debug)]
struct Parts(Vec<Option<(u64, String)>>);

impl Phones {
    pub(super) fn new(memory: usize, default_alphabet: DefaultAlphabet) -> Self {
        Self {
            memory,
            default_alphabet,
            messages: VecDeque::new(),
            incomplete: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Whether anything is remembered at all.
    pub(super) fn remember(&self) -> bool {
        self.memory > 0
    }

    /// Takes one segment; the whole message once nothing is missing.
    pub(super) fn take(
        &mut self,
        submission: &Submission<'_>,
        number: u64,
        system_id: &str,
        at: UnixMillis,
    ) -> Option<&Kept> {
        let to = submission.destination.addr.as_str().into_owned();
        let from = submission.source.addr.as_str().into_owned();
        let text = text_of(submission, self.default_alphabet);
        let (text, numbers) = match submission.concat().filter(|concat| concat.total > 1) {
            Some(concat) => {
                let key = PartKey {
                    to: to.clone(),
                    from: from.clone(),
                    reference: concat.reference,
                    total: concat.total,
                };
                self.join(key, concat, number, text)?
            }
            None => (text, vec![number]),
        };
        if self.messages.len() >= self.memory {
            self.messages.pop_front();
        }
        self.messages.push_back(Kept {
            at,
            to,
            from,
            text,
            numbers,
            system_id: system_id.to_owned(),
        });
        self.messages.back()
    }

    /// Oldest first; of one phone, or of all.
    pub(super) fn messages<'a>(&'a self, to: Option<&'a str>) -> impl DoubleEndedIterator<Item = &'a Kept> {
        self.messages
            .iter()
            .filter(move |kept| to.is_none_or(|to| kept.to == to))
    }

    fn join(&mut self, key: PartKey, concat: Concat, number: u64, text: String) -> Option<(String, Vec<u64>)> {
        if !self.incomplete.contains_key(&key) {
            if self.order.len() >= INCOMPLETE
                && let Some(oldest) = self.order.pop_front()
            {
                self.incomplete.remove(&oldest);
            }
            self.order.push_back(key.clone());
            self.incomplete
                .insert(key.clone(), Parts(vec![None; usize::from(concat.total)]));
        }
        let Parts(parts) = self.incomplete.get_mut(&key)?;
        *parts.get_mut(usize::from(concat.number).checked_sub(1)?)? = Some((number, text));
        if parts.iter().any(Option::is_none) {
            return None;
        }
        let parts = self.incomplete.remove(&key)?;
        self.order.retain(|other| *other != key);
        let (numbers, texts): (Vec<u64>, Vec<String>) = parts.0.into_iter().flatten().unzip();
        Some((texts.concat(), numbers))
    }
}

fn text_of(submission: &Submission<'_>, default_alphabet: DefaultAlphabet) -> String {
    let read = UserData::decode(
        submission.data_coding.0,
        submission.esm_class.has_udhi(),
        &submission.octets,
        default_alphabet,
    );
    match read.content {
        Content::Text(text) => text,
        Content::Binary(octets) => hex::encode(octets),
    }
}
