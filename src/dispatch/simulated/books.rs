//! The end of a world: what became of every message, held against what the carriers took.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use super::world::{World, recipient};
use crate::domain::{Flag, Reason, State};
use crate::store::{MessageQuery, MessageRecord, NoticeKind, NoticeQuery, Store};

pub(super) fn close(store: &dyn Store, world: &World) {
    let query = MessageQuery {
        limit: 100_000,
        ..MessageQuery::default()
    };
    let page = store.messages(&query).now_or_never().unwrap().unwrap();
    let mut rows: BTreeMap<Box<str>, MessageRecord> = BTreeMap::new();
    for record in page.rows {
        let before = rows.insert(record.row.to.clone(), record);
        assert!(before.is_none(), "one key, one message");
    }
    for (n, wish) in world.wishes.iter().enumerate() {
        let to = recipient(n);
        let Some(record) = rows.remove(&*to) else {
            assert!(!wish.accepted, "{to} was accepted and is lost");
            continue;
        };
        assert!(wish.accepted, "every answer came in the end");
        let row = &record.row;
        ended(world, &to, &record);
        told(store, &record);
        let copies = |number| world.arrived.get(&(to.clone(), number)).copied().unwrap_or_default();
        // A handset shows a long message once it has all of it.
        let most = (1..=wish.segments).map(copies).min().unwrap_or_default();
        let allowed = 1 + u32::from(row.class.copies_allowed());
        assert!(most <= allowed, "{to}, {}: {most} copies of {allowed}", row.class);
        assert!(
            most <= 1 + u32::from(row.progress.copies),
            "{to}: {most} copies, not all counted"
        );
    }
    assert!(rows.is_empty(), "nothing that nobody wished");
}

/// It has ended, in a state that fits what the carriers took.
fn ended(world: &World, to: &str, record: &MessageRecord) {
    let (row, progress) = (&record.row, &record.row.progress);
    let taken_whole = (1..=row.segments).all(|number| world.taken.contains_key(&(to.to_owned(), number)));
    let taken_at_all = (1..=row.segments).any(|number| world.taken.contains_key(&(to.to_owned(), number)));
    let doubted = progress.flags.has(Flag::WasUncertain);
    match progress.state {
        State::Delivered | State::Unconfirmed => assert!(taken_whole, "{to}: {progress:?}"),
        State::Submitted => assert!(taken_whole && !row.receipt, "{to}: {progress:?}"),
        State::Undelivered => assert!(taken_at_all, "{to}: {progress:?}"),
        State::Failed if progress.reason == Some(Reason::OutcomeUnknown) => {
            assert!(doubted || row.segments > 1, "{to}: {progress:?}");
        }
        // Each process that had it has died.
        State::Quarantined => assert_eq!((doubted, progress.reason), (true, Some(Reason::Poison)), "{to}"),
        // A long message may have been taken in part.
        State::Failed | State::Expired => {
            assert!(
                !taken_whole || doubted || row.segments > 1 || progress.step > 0,
                "{to}: {progress:?}"
            );
        }
        open => panic!("{to} ends as {open}: {progress:?}"),
    }
    assert!(progress.final_at.is_some(), "{to}: {progress:?}");
}

/// Its owner is told of its end, once.
fn told(store: &dyn Store, record: &MessageRecord) {
    let query = NoticeQuery {
        after: Some(0),
        limit: 100_000,
        ..NoticeQuery::default()
    };
    let page = store.notices(&query).now_or_never().unwrap().unwrap();
    let kind = NoticeKind::Message(record.row.progress.state);
    let about = |notice: &&crate::store::NoticeRecord| match &notice.about {
        crate::store::About::Message(message) => message.seq == record.row.seq && notice.notice.kind == kind,
        crate::store::About::Inbound(_) | crate::store::About::Consent(_) | crate::store::About::Case(_) => false,
    };
    assert!(
        page.rows.iter().any(|notice| about(&notice)),
        "{} of {}",
        kind,
        record.row.to
    );
}
