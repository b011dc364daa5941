//! Messages that bring out a fault of ours: one that the link falls over, and one that the whole process falls over,
//! each time that it is sent. Each ends after a few tries, and its neighbours go on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;

use super::world::{Faults, Wish, World, recipient};
use super::{AWAY, DAWN, Life, Line, back_end, runtime};
use crate::clock::seeded;
use crate::domain::{Class, Reason, State};
use crate::outbox::Hearing;
use crate::store::{MessageQuery, MessageRecord};

/// What a message brings down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fall {
    Link,
    Process,
}

/// Messages of the trial; the eleventh is poison.
const MESSAGES: usize = 40;
const POISON: usize = 10;
/// Tries of a message that brings the process down.
const TRIES: usize = 5;

/// Lives through it; gives the messages as they ended, the tries of the poison, and the processes that died of it.
fn live(class: Class, fall: Fall) -> (Vec<MessageRecord>, usize, usize) {
    seeded::begin(13);
    let line = |id| Line {
        id,
        binds: 1,
        window: 10,
        throughput: 0,
    };
    // An alert in doubt goes over the next carrier.
    let lines = vec![line("tim"), line("backup")];
    let mut world = World::new(13, &lines, Faults::NONE);
    world.wishes = (0..MESSAGES).map(|_| Wish::plain(class)).collect();
    world.poison = Some((recipient(POISON), fall));
    let world = Arc::new(Mutex::new(world));
    let life = Life::new(&world, &lines, Hearing::default, Duration::from_secs(1));
    let (mut begins, horizon) = (DAWN, DAWN.after(Duration::from_mins(10)));
    let mut deaths = 0;
    loop {
        let runtime = runtime();
        let ended = runtime.block_on(async {
            let alive = life.begin(begins).await;
            tokio::spawn(back_end(alive.outbox.clone(), alive.clock.clone(), world.clone()));
            let fallen = world.lock().unwrap().fallen.clone();
            tokio::select! {
                biased;
                () = fallen.notified() => false,
                () = tokio::time::sleep(horizon.since(alive.clock.now())) => true,
            }
        });
        drop(runtime);
        life.watched.died();
        if ended {
            break;
        }
        deaths += 1;
        assert!(deaths <= TRIES, "{class}: the process falls again and again");
        begins = world.lock().unwrap().clock_stopped().after(AWAY);
    }
    let query = MessageQuery {
        limit: 1_000,
        ..MessageQuery::default()
    };
    let rows = life.store.messages(&query).now_or_never().unwrap().unwrap().rows;
    let tries = world.lock().unwrap().poison_tries;
    seeded::end();
    (rows, tries, deaths)
}

/// Set aside for a person; marketing is never tried again, and so never known for what it is.
fn end(class: Class) -> (State, Option<Reason>) {
    match class {
        Class::Marketing => (State::Failed, Some(Reason::OutcomeUnknown)),
        Class::Otp | Class::Alert | Class::Reply | Class::Transaction | Class::Service => {
            (State::Quarantined, Some(Reason::Poison))
        }
    }
}

#[test]
fn a_message_that_brings_the_process_down_is_set_aside_after_five_tries_at_most_and_its_neighbours_go_on() {
    for class in Class::ALL {
        let (rows, tries, deaths) = live(class, Fall::Process);
        assert_eq!(rows.len(), MESSAGES);
        let mut harmed = 0;
        for record in rows {
            let progress = &record.row.progress;
            if *record.row.to == *recipient(POISON) {
                let ends = (progress.state, progress.reason);
                assert_eq!(ends, end(class), "{class}");
            } else {
                harmed += usize::from(progress.state != State::Submitted);
            }
        }
        eprintln!(
            "{class}: {tries} tries, {deaths} processes, {harmed} of {} neighbours in doubt to the end",
            MESSAGES - 1
        );
        assert!(
            (1..=TRIES).contains(&tries) && deaths == tries,
            "{class}: {tries} tries, {deaths} deaths"
        );
        // Marketing, which is never sent again, has a tenth of the window: here the poison alone.
        assert_eq!(harmed, 0, "{class}");
    }
}

#[test]
fn a_message_that_brings_its_link_down_is_set_aside_and_others_go_on() {
    for class in Class::ALL {
        let (rows, tries, deaths) = live(class, Fall::Link);
        assert_eq!((rows.len(), deaths), (MESSAGES, 0));
        assert!((1..=TRIES).contains(&tries), "{class}: {tries} tries");
        for record in rows {
            let progress = &record.row.progress;
            let poison = *record.row.to == *recipient(POISON);
            let wanted = if poison { end(class) } else { (State::Submitted, None) };
            assert_eq!((progress.state, progress.reason), wanted, "{class}: {progress:?}");
        }
    }
}
