//! Writes the fields of one PDU into room made once for all of them.

use crate::field::{EncodeError, Spec};
use crate::value::COctet;

/// Walks over the room for one PDU, as [`crate::decode::Reader`] walks over its octets.
///
/// Each type says first how many octets it takes at most. Writing more than that is a fault of ours, and panics.
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
    /// Most are empty. A short one is copied in whole words where there is room; what is too much is overwritten by what
    /// follows.
    #[inline(always)]
    pub fn c_octet(&mut self, text: &COctet, spec: &Spec) -> Result<(), EncodeError> {
        let length = text.len();
        if length == 0 {
            self.octet(0);
            return Ok(());
        }
        if length < spec.max
            && let Some(words) = text.words()
            && let Some(room) = self.rest.first_chunk_mut()
            && length < words.len()
        {
            *room = *words;
            room[length] = 0;
            self.room(length + 1);
            return Ok(());
        }
        let rest = std::mem::take(&mut self.rest);
        self.rest = long_c_octet(rest, text, spec)?;
        Ok(())
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

/// Puts any string and its NUL at the beginning of `room`, and gives back what is behind it.
///
/// A call that is rare, so that what is common stays in registers.
#[inline(never)]
fn long_c_octet<'o>(room: &'o mut [u8], text: &COctet, spec: &Spec) -> Result<&'o mut [u8], EncodeError> {
    if text.len() >= spec.max {
        return Err(EncodeError::TooLong {
            field: spec.name,
            got: text.len() + 1,
            max: spec.max,
        });
    }
    if text.has_nul() {
        return Err(EncodeError::NulInside { field: spec.name });
    }
    let mut writer = Writer::new(room);
    writer.octets(text.as_bytes());
    writer.octet(0);
    Ok(writer.rest)
}
