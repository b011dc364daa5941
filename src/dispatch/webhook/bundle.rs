//! Which notices go out together: pure.

use std::collections::{BTreeMap, HashSet};

use crate::store::{About, DuePage, NoticeRecord, Seq};

/// Notices for one post.
pub(super) type Bundle = Vec<NoticeRecord>;

/// Makes posts of a page of due notices. Those that were sent together stay together; others go up to `most` at a time.
/// What is in hand already is passed over.
///
/// Where the page is `full`, a bundle may be cut by its end: the page is shortened by the rows that may be of such, and
/// they are left for the next one.
pub(super) fn bundles(page: &mut DuePage, most: usize, full: bool, in_hand: &HashSet<Seq>) -> Vec<Bundle> {
    if full {
        let end = page.rows.last().and_then(|row| row.notice.delivery.due_at);
        let cut = |row: &NoticeRecord| {
            let delivery = &row.notice.delivery;
            delivery.bundle.is_some() && delivery.due_at == end
        };
        while page.rows.last().is_some_and(cut) {
            page.rows.pop();
        }
    }
    let mut kept: BTreeMap<Seq, Bundle> = BTreeMap::new();
    let mut fresh: Vec<Bundle> = Vec::new();
    for row in &page.rows {
        if in_hand.contains(&row.notice.seq) {
            continue;
        }
        match row.notice.delivery.bundle.filter(|_| most > 1) {
            Some(bundle) => kept.entry(bundle).or_default().push(row.clone()),
            None => match fresh.last_mut() {
                Some(last) if last.len() < most && callback(&last[0]) == callback(row) => last.push(row.clone()),
                _ => fresh.push(vec![row.clone()]),
            },
        }
    }
    kept.into_values().chain(fresh).collect()
}

/// The address that its message names.
pub(super) fn callback(record: &NoticeRecord) -> Option<&str> {
    match &record.about {
        About::Message(message) => message.callback.as_deref(),
        About::Inbound(_) | About::Consent(_) | About::Case(_) => None,
    }
}
