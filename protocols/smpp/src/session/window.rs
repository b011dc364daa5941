//! The requests that wait for their response, in the order they were sent, and the numbers they go under.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::{CommandId, SequenceNumber};

/// A request that waits for its response.
#[derive(Debug)]
pub(super) struct Slot<T> {
    serial: u64,
    pub(super) command: CommandId,
    pub(super) sent: Instant,
    pub(super) ticket: T,
}

/// Outstanding requests. A serial never repeats and gives the sequence_number, so the slots stay sorted across the wrap;
/// all wait equally long, so those overdue are always the first ones.
#[derive(Debug)]
pub(super) struct Window<T> {
    slots: VecDeque<Slot<T>>,
    size: usize,
    overdue: usize,
    next: u64,
}

const LAP: u64 = SequenceNumber::LAST.0 as u64;

impl<T> Window<T> {
    pub(super) fn new(size: u16, first: SequenceNumber) -> Self {
        let first = if (1..=SequenceNumber::LAST.0).contains(&first.0) {
            first.0
        } else {
            1
        };
        Self {
            slots: VecDeque::new(),
            size: size.max(1).into(),
            overdue: 0,
            next: u64::from(first - 1),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn free(&self) -> usize {
        self.size - self.slots.len()
    }

    pub(super) fn overdue(&self) -> usize {
        self.overdue
    }

    /// The number of the next request, which [`Self::advance`] uses up.
    pub(super) fn upcoming(&mut self) -> SequenceNumber {
        while self.next >= LAP && self.position(self.next - LAP).is_some() {
            self.next += 1;
        }
        number(self.next)
    }

    /// Uses up the next number and returns it; for requests that take no slot.
    pub(super) fn advance(&mut self) -> SequenceNumber {
        let sequence = self.upcoming();
        self.next += 1;
        sequence
    }

    /// Takes a slot under the next number. There must be one free.
    pub(super) fn push(&mut self, command: CommandId, ticket: T, sent: Instant) -> SequenceNumber {
        assert!(self.free() > 0, "outstanding requests never exceed the window");
        let sequence = self.upcoming();
        self.slots.push_back(Slot {
            serial: self.next,
            command,
            sent,
            ticket,
        });
        self.next += 1;
        sequence
    }

    /// Frees the slot that a response to `command` under this number answers, and tells whether it was overdue.
    /// `None` for the command takes any.
    pub(super) fn take(&mut self, sequence: SequenceNumber, command: Option<CommandId>) -> Option<(Slot<T>, bool)> {
        let place = self.find(sequence)?;
        if command.is_some_and(|command| self.slots[place].command != command) {
            return None;
        }
        let late = place < self.overdue;
        self.overdue -= usize::from(late);
        self.slots.remove(place).map(|slot| (slot, late))
    }

    /// The slot under this number.
    pub(super) fn get(&self, sequence: SequenceNumber) -> Option<&Slot<T>> {
        self.find(sequence).map(|place| &self.slots[place])
    }

    /// When the next slot becomes overdue.
    pub(super) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        self.slots.get(self.overdue).map(|slot| slot.sent + timeout)
    }

    /// Marks the next slot overdue if it is by now.
    pub(super) fn expire(&mut self, timeout: Duration, now: Instant) -> Option<(SequenceNumber, &Slot<T>)> {
        let slot = self.slots.get(self.overdue).filter(|slot| slot.sent + timeout <= now)?;
        self.overdue += 1;
        Some((number(slot.serial), slot))
    }

    /// Frees every slot, oldest first, telling of each whether it was overdue.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (SequenceNumber, Slot<T>, bool)> + '_ {
        let overdue = std::mem::take(&mut self.overdue);
        self.slots
            .drain(..)
            .enumerate()
            .map(move |(n, slot)| (number(slot.serial), slot, n < overdue))
    }

    /// As if a lap of numbers had been used up since the oldest slot was taken.
    #[cfg(test)]
    pub(super) fn skip_a_lap(&mut self) {
        self.next = self.slots.front().map_or(self.next, |slot| slot.serial) + LAP;
    }

    fn position(&self, serial: u64) -> Option<usize> {
        self.slots.binary_search_by_key(&serial, |slot| slot.serial).ok()
    }

    /// The newest serial under this number is the one meant; a lap earlier only if that one is not outstanding.
    fn find(&self, sequence: SequenceNumber) -> Option<usize> {
        if !(1..=SequenceNumber::LAST.0).contains(&sequence.0) {
            return None;
        }
        let newest = self.next.checked_sub(1)?;
        let back = (newest % LAP + LAP - u64::from(sequence.0 - 1)) % LAP;
        let serial = newest.checked_sub(back)?;
        self.position(serial)
            .or_else(|| self.position(serial.checked_sub(LAP)?))
    }
}

fn number(serial: u64) -> SequenceNumber {
    SequenceNumber((serial % LAP) as u32 + 1)
}
