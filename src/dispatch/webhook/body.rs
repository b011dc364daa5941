//! What is posted: an event, or an array of such.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::notice::Event;
use crate::store::NoticeRecord;

/// The id of a post of several: the same members have the same.
pub(super) fn batch_id<'a>(members: impl IntoIterator<Item = &'a NoticeRecord>) -> String {
    let mut sha = Sha256::new();
    for member in members {
        sha.update(member.event_id());
        sha.update([b' ']);
    }
    format!("bat_{}", hex::encode(&sha.finalize()[..16]))
}

/// The body of a post: an object, or an array where the client wants batches.
pub(super) fn body(members: &[NoticeRecord], array: bool) -> Bytes {
    let mut out = Vec::with_capacity(512 * members.len());
    let written = match members {
        [one] if !array => serde_json::to_writer(&mut out, &Event::of(one)),
        several => {
            let events: Vec<_> = several.iter().map(Event::of).collect();
            serde_json::to_writer(&mut out, &events)
        }
    };
    debug_assert!(written.is_ok(), "plain values into memory");
    out.into()
}
