//! Putting segments together again.

mod outcome;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use crate::header::Concat;
use crate::split::MAX_SEGMENTS;

pub use outcome::{Incomplete, Inserted, MessageKey, Outcome, ReassemblyLimits};

/// Segments of concatenated messages until each is whole (3GPP TS 23.040 §9.2.3.24.1), in memory and within bounds.
///
/// `A` is an address and `T` what is kept of a segment, such as its text or the id of its row. Time is handed in, in
/// milliseconds of any clock that does not go back; if it does, the latest counts. Nothing given in is ever lost: each
/// segment comes back once, in a whole message, alone, or as part of an incomplete one.
///
/// References come round: a sender that takes one again for a message of as many segments, within the timeout and
/// before the first is whole, cannot be told from one that sends twice. The first of two segments is kept.
///
/// ```
/// use araldo_sms::{Concat, Outcome, Reassembly, ReassemblyLimits, ReferenceSize};
///
/// let mut reassembly = Reassembly::new(ReassemblyLimits::default());
/// let place = |number| Concat::new(ReferenceSize::Bits8, 42, 2, number).unwrap();
/// let second = reassembly.insert("+391", "4321", place(2), "mondo", 1_000);
/// assert_eq!(second.outcome, Outcome::Kept);
/// let first = reassembly.insert("+391", "4321", place(1), "Ciao ", 2_000);
/// assert_eq!(first.outcome, Outcome::Complete(vec!["Ciao ", "mondo"]));
/// ```
#[derive(Debug, Clone)]
pub struct Reassembly<A, T> {
    limits: ReassemblyLimits,
    /// By the order of their first segments, so the first is the oldest.
    open: BTreeMap<u64, Incomplete<A, T>>,
    by_key: HashMap<MessageKey<A>, u64>,
    by_sender: HashMap<A, Held>,
    segments: usize,
    opened: u64,
    now_millis: u64,
}

impl<A: Clone + Eq + Hash, T> Reassembly<A, T> {
    /// Nothing kept yet.
    ///
    /// ```
    /// # use araldo_sms::{Reassembly, ReassemblyLimits};
    /// let reassembly = Reassembly::<String, String>::new(ReassemblyLimits::default());
    /// assert_eq!((reassembly.segments(), reassembly.next_timeout()), (0, None));
    /// ```
    #[must_use]
    pub fn new(limits: ReassemblyLimits) -> Self {
        Self {
            limits,
            open: BTreeMap::new(),
            by_key: HashMap::new(),
            by_sender: HashMap::new(),
            segments: 0,
            opened: 0,
            now_millis: 0,
        }
    }

    /// Takes a segment. What it makes whole comes back, and with it every message that is given up: those whose time is
    /// over, then the oldest of this sender and of all until the bounds hold.
    ///
    /// ```
    /// # use araldo_sms::{Concat, Outcome, Reassembly, ReassemblyLimits, ReferenceSize};
    /// let mut reassembly = Reassembly::new(ReassemblyLimits::default());
    /// let place = Concat { reference_size: ReferenceSize::Bits8, reference: 1, total: 2, number: 3 };
    /// assert_eq!(reassembly.insert("+391", "4321", place, "?", 0).outcome, Outcome::Refused("?"));
    /// ```
    pub fn insert(&mut self, sender: A, destination: A, place: Concat, segment: T, now_millis: u64) -> Inserted<A, T> {
        let mut incomplete = self.expire(now_millis);
        if !(1..=place.total).contains(&place.number) {
            let outcome = Outcome::Refused(segment);
            return Inserted { outcome, incomplete };
        }
        let key = MessageKey {
            sender,
            destination,
            reference_size: place.reference_size,
            reference: place.reference,
            total: place.total,
        };
        let serial = self.by_key.get(&key).copied();
        let kept = serial
            .and_then(|serial| self.open.get(&serial))
            .map_or(&[][..], |open| &open.segments);
        let at = match kept.binary_search_by_key(&place.number, |(number, _)| *number) {
            Ok(_) => {
                let outcome = Outcome::Duplicate(segment);
                return Inserted { outcome, incomplete };
            }
            Err(at) => at,
        };
        if kept.len() + 1 == usize::from(place.total) {
            let mut segments = serial
                .and_then(|serial| self.close(serial))
                .map_or_else(Vec::new, |open| open.segments);
            segments.insert(at, (place.number, segment));
            let outcome = Outcome::Complete(segments.into_iter().map(|(_, segment)| segment).collect());
            return Inserted { outcome, incomplete };
        }
        incomplete.extend(self.make_room(&key.sender, serial));
        let serial = serial.unwrap_or_else(|| self.open(key.clone()));
        if let Some(open) = self.open.get_mut(&serial) {
            open.segments.insert(at, (place.number, segment));
            self.by_sender.entry(key.sender).or_default().segments += 1;
            self.segments += 1;
        }
        Inserted {
            outcome: Outcome::Kept,
            incomplete,
        }
    }

    /// Gives up the messages whose first segment came the timeout ago or longer, oldest first.
    ///
    /// ```
    /// # use araldo_sms::{Concat, Reassembly, ReassemblyLimits, ReferenceSize};
    /// let mut reassembly = Reassembly::new(ReassemblyLimits { timeout_millis: 60_000, ..ReassemblyLimits::default() });
    /// let place = Concat::new(ReferenceSize::Bits8, 42, 2, 2).unwrap();
    /// reassembly.insert("+391", "4321", place, "mondo", 1_000);
    /// assert!(reassembly.expire(60_999).is_empty());
    /// assert_eq!(reassembly.expire(61_000)[0].segments, [(2, "mondo")]);
    /// ```
    #[must_use = "the segments of what is given up are in it"]
    pub fn expire(&mut self, now_millis: u64) -> Vec<Incomplete<A, T>> {
        self.now_millis = self.now_millis.max(now_millis);
        let mut expired = Vec::new();
        while self.next_timeout().is_some_and(|at| at <= self.now_millis) {
            expired.extend(self.close_oldest(None));
        }
        expired
    }

    /// When the oldest message will have waited long enough; `None` when nothing is kept.
    ///
    /// ```
    /// # use araldo_sms::{Concat, Reassembly, ReassemblyLimits, ReferenceSize};
    /// let mut reassembly = Reassembly::new(ReassemblyLimits { timeout_millis: 60_000, ..ReassemblyLimits::default() });
    /// let place = Concat::new(ReferenceSize::Bits8, 42, 2, 2).unwrap();
    /// reassembly.insert("+391", "4321", place, "mondo", 1_000);
    /// assert_eq!(reassembly.next_timeout(), Some(61_000));
    /// ```
    #[must_use]
    pub fn next_timeout(&self) -> Option<u64> {
        let (_, oldest) = self.open.first_key_value()?;
        Some(oldest.opened_at_millis.saturating_add(self.limits.timeout_millis))
    }

    /// Gives up everything, oldest first.
    ///
    /// ```
    /// # use araldo_sms::{Concat, Reassembly, ReassemblyLimits, ReferenceSize};
    /// let mut reassembly = Reassembly::new(ReassemblyLimits::default());
    /// let place = Concat::new(ReferenceSize::Bits8, 42, 2, 2).unwrap();
    /// reassembly.insert("+391", "4321", place, "mondo", 1_000);
    /// assert_eq!(reassembly.drain().len(), 1);
    /// assert_eq!(reassembly.segments(), 0);
    /// ```
    #[must_use = "the segments of what is given up are in it"]
    pub fn drain(&mut self) -> Vec<Incomplete<A, T>> {
        std::iter::from_fn(|| self.close_oldest(None)).collect()
    }

    /// Segments kept now.
    ///
    /// ```
    /// # use araldo_sms::{Reassembly, ReassemblyLimits};
    /// assert_eq!(Reassembly::<u64, ()>::new(ReassemblyLimits::default()).segments(), 0);
    /// ```
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments
    }

    fn open(&mut self, key: MessageKey<A>) -> u64 {
        let serial = self.opened;
        self.opened += 1;
        self.by_sender
            .entry(key.sender.clone())
            .or_default()
            .open
            .insert(serial);
        self.by_key.insert(key.clone(), serial);
        let open = Incomplete {
            key,
            segments: Vec::new(),
            opened_at_millis: self.now_millis,
        };
        self.open.insert(serial, open);
        serial
    }

    /// Closes the oldest messages until one more segment of `sender` is within the bounds; never the one that it is of.
    fn make_room(&mut self, sender: &A, its_own: Option<u64>) -> Vec<Incomplete<A, T>> {
        let mut closed = Vec::new();
        while let Some(held) = self.by_sender.get(sender)
            && held.segments >= self.limits.segments_per_sender.max(MAX_SEGMENTS)
            && let Some(oldest) = held.open.iter().copied().find(|serial| Some(*serial) != its_own)
        {
            closed.extend(self.close(oldest));
        }
        while self.segments >= self.limits.segments.max(MAX_SEGMENTS)
            && let Some(oldest) = self.close_oldest(its_own)
        {
            closed.push(oldest);
        }
        closed
    }

    fn close_oldest(&mut self, but: Option<u64>) -> Option<Incomplete<A, T>> {
        let oldest = self.open.keys().copied().find(|serial| Some(*serial) != but)?;
        self.close(oldest)
    }

    fn close(&mut self, serial: u64) -> Option<Incomplete<A, T>> {
        let closed = self.open.remove(&serial)?;
        self.by_key.remove(&closed.key);
        self.segments -= closed.segments.len();
        if let Some(held) = self.by_sender.get_mut(&closed.key.sender) {
            held.open.remove(&serial);
            held.segments -= closed.segments.len();
            if held.open.is_empty() {
                self.by_sender.remove(&closed.key.sender);
            }
        }
        Some(closed)
    }
}

/// What is kept of one sender.
#[derive(Debug, Clone, Default)]
struct Held {
    segments: usize,
    open: BTreeSet<u64>,
}

#[cfg(test)]
mod tests;
