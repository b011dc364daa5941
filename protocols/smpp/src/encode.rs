//! Writes the fields of one PDU into room of the right size, made once.

use crate::value::COctet;

/// Walks over the room for one PDU, as [`crate::decode::Reader`] walks over its octets.
///
/// Each type says first how many octets it takes. Writing more than that is a fault of ours, and panics.
#[derive(Debug)]
pub struct Writer<'o> {
    rest: &'o mut [u8],
}

impl<'o> Writer<'o> {
    /// A writer into this room.
    pub fn new(room: &'o mut [u8]) -> Self {
        Self { rest: room }
    }

    /// Octets of room left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// One octet.
    #[inline(always)]
    pub fn octet(&mut self, value: u8) {
        self.room(1)[0] = value;
    }

    /// Four octets, big end first.
    #[inline(always)]
    pub fn quad(&mut self, value: u32) {
        self.octets(&value.to_be_bytes());
    }

    /// Octets as they are.
    #[inline(always)]
    pub fn octets(&mut self, octets: &[u8]) {
        self.room(octets.len()).copy_from_slice(octets);
    }

    /// A string and its NUL.
    ///
    /// A short one is copied in whole words where there is room; what is too much is overwritten by what follows.
    #[inline(always)]
    pub fn c_octet(&mut self, text: &COctet) {
        let length = text.len();
        match (text.words(), self.rest.first_chunk_mut()) {
            (Some(words), Some(room)) => *room = *words,
            _ => self.rest[..length].copy_from_slice(text.as_bytes()),
        }
        self.room(length + 1)[length] = 0;
    }

    /// The same room in a writer of the caller's own, which stays in registers; this one is left without any.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Self {
        Self::new(std::mem::take(&mut self.rest))
    }

    #[inline(always)]
    fn room(&mut self, length: usize) -> &mut [u8] {
        let (room, rest) = std::mem::take(&mut self.rest).split_at_mut(length);
        self.rest = rest;
        room
    }
}
