use std::sync::Arc;

use uuid::Uuid;

use super::behaviours;
use super::harness::*;
use crate::domain::{Concat, InboundId, Name, ReferenceSize, Source, State, UnixMillis, Will};
use crate::store::two_way::{Leaves, NewAction, Person, Question, QuestionChange, Spend, Whole};
use crate::store::{
    ActionProgress, ActionQuery, ActionRecord, ActionState, Batch, Between, Enqueue, InboundQuery, NewConsent,
    NewInbound, NoticeQuery, Prune, Turn, TurnResult,
};

behaviours!(
    a_text_is_unhandled_until_its_turn_is_taken_and_that_once,
    a_text_of_which_all_is_made_is_handled_as_it_is_stored,
    a_stop_for_everything_ends_the_question_that_waits,
    a_turn_notes_what_people_want_before_it_answers,
    what_a_turn_changes_is_read_back,
    a_turn_is_whole_or_not_at_all,
    a_call_moves_on_from_the_version_that_it_stands_at,
    a_day_s_limit_holds_over_the_turns_of_one_batch_and_of_many,
    a_long_text_is_told_once_it_is_whole,
    what_is_over_is_forgotten,
);

fn between() -> Between {
    Between {
        number: "393331234567".into(),
        address: "12345".into(),
    }
}

fn handles(seq: i64) -> Turn {
    Turn::new(Leaves::Text {
        seq,
        parts: Vec::new(),
        outcome: "command.balance".into(),
        whole: None,
    })
}

fn question() -> Question {
    Question {
        between: between(),
        said: "{\"kind\":\"code\"}".into(),
        asked_at: NOW,
        expires_at: at(300_000),
    }
}

fn person() -> Person {
    Person {
        language: Some("it".into()),
        passive: 2,
        wrong: vec![at(-9), NOW],
        locked_until: Some(at(7)),
        said: Some(i64::MIN),
        said_times: 3,
        said_since: Some(at(-5)),
    }
}

fn action(n: u128, spend: Option<Spend>) -> NewAction {
    NewAction {
        id: Uuid::from_u128(n),
        inbound: InboundId(Uuid::from_u128(7)),
        between: between(),
        client: name("bank"),
        command: name("topup"),
        language: "it".into(),
        slots: "{\"amount\":\"10.00\"}".into(),
        text: "ricarica 10".into(),
        spend,
        at: NOW,
        progress: ActionProgress {
            state: ActionState::Running,
            asks: false,
            doubt: false,
            attempts: 1,
            lease: Some(LEASE),
            next_at: None,
            late_at: Some(at(5_000)),
            outcome: None,
        },
    }
}

async fn texts(bench: &Bench, n: u8) {
    let inbound = (1..=n).map(|n| text_in(n.into(), n)).collect();
    bench
        .commit(Batch {
            inbound,
            ..Batch::new(NOW)
        })
        .await;
}

async fn take(bench: &Bench, turns: Vec<Turn>) -> Vec<TurnResult> {
    bench
        .commit(Batch {
            turns,
            ..Batch::new(NOW)
        })
        .await
        .turns
}

fn done(action: Option<i64>, messages: &[i64]) -> TurnResult {
    TurnResult::Done {
        action,
        messages: messages.to_vec(),
    }
}

async fn running(bench: &Bench) -> Vec<ActionRecord> {
    bench
        .store
        .actions(ActionQuery::Running { after: 0, limit: 9 })
        .await
        .unwrap()
}

async fn a_text_is_unhandled_until_its_turn_is_taken_and_that_once(bench: &Bench) {
    texts(bench, 3).await;
    let unhandled = async |after, limit| {
        let texts = bench.store.unhandled_texts(after, limit).await.unwrap();
        texts.into_iter().map(|text| text.seq).collect::<Vec<_>>()
    };
    assert_eq!(unhandled(0, 9).await, [1, 2, 3]);
    assert_eq!(unhandled(1, 1).await, [2]);
    let text = bench.store.unhandled_texts(0, 1).await.unwrap().remove(0);
    assert_eq!(text, crate::store::UnhandledText::of(1, &text_in(1, 1)));
    assert_eq!(
        take(bench, vec![handles(2), handles(2), handles(9)]).await,
        [done(None, &[]), TurnResult::Gone, TurnResult::Gone]
    );
    assert_eq!(take(bench, vec![handles(2)]).await, [TurnResult::Gone]);
    assert_eq!(unhandled(0, 9).await, [1, 3]);
}

async fn what_a_turn_changes_is_read_back(bench: &Bench) {
    texts(bench, 2).await;
    let mut turn = handles(1);
    turn.question = Some(QuestionChange::Ask(question()));
    turn.person = Some(("393331234567".into(), person()));
    let spend = Spend {
        day: 20_833,
        hundredths: 1_000,
        limit: 5_000,
    };
    turn.action = Some(Box::new(action(5, Some(spend))));
    turn.messages = vec![new(message(1)), new(message(2))];
    assert_eq!(take(bench, vec![turn]).await, [done(Some(1), &[1, 2])]);
    let stranger = Between {
        number: "393331234567".into(),
        address: "999".into(),
    };
    let standings = bench.store.standings(&[between(), stranger]).await.unwrap();
    assert_eq!(standings[0].question, Some(question()));
    assert_eq!(standings[0].person, Some(person()));
    assert_eq!((&standings[1].question, &standings[1].person), (&None, &Some(person())));
    let calls = running(bench).await;
    let mut expected = action(5, None);
    expected.spend = Some(Spend {
        day: 20_833,
        hundredths: 1_000,
        limit: i64::MAX,
    });
    assert_eq!(
        calls,
        [ActionRecord {
            seq: 1,
            version: 1,
            action: expected
        }]
    );
    assert_eq!(bench.store.message(id(2), None).await.unwrap().unwrap().row.seq, 2);
    let mut turn = handles(2);
    turn.question = Some(QuestionChange::Drop(between()));
    take(bench, vec![turn]).await;
    assert_eq!(bench.store.standings(&[between()]).await.unwrap()[0].question, None);
}

async fn a_turn_is_whole_or_not_at_all(bench: &Bench) {
    texts(bench, 1).await;
    take(bench, vec![handles(1)]).await;
    let mut turn = handles(1);
    turn.question = Some(QuestionChange::Ask(question()));
    turn.person = Some(("393331234567".into(), person()));
    turn.action = Some(Box::new(action(5, None)));
    turn.messages = vec![new(message(1))];
    assert_eq!(take(bench, vec![turn]).await, [TurnResult::Gone]);
    assert_eq!(
        bench.store.standings(&[between()]).await.unwrap()[0],
        Default::default()
    );
    assert!(running(bench).await.is_empty());
    assert!(bench.store.message(id(1), None).await.unwrap().is_none());
}

async fn a_call_moves_on_from_the_version_that_it_stands_at(bench: &Bench) {
    texts(bench, 1).await;
    let mut turn = handles(1);
    turn.action = Some(Box::new(action(5, None)));
    take(bench, vec![turn]).await;
    let moves = |version, becomes: &ActionProgress| {
        Turn::new(Leaves::Action {
            seq: 1,
            version,
            becomes: Box::new(becomes.clone()),
            refunds: false,
        })
    };
    let waits = ActionProgress {
        state: ActionState::Waiting,
        asks: true,
        doubt: true,
        attempts: 2,
        lease: None,
        next_at: Some(at(1_000)),
        late_at: None,
        outcome: Some("status_503".into()),
    };
    assert_eq!(
        take(bench, vec![moves(2, &waits), moves(1, &waits), moves(1, &waits)]).await,
        [TurnResult::Gone, done(None, &[]), TurnResult::Gone]
    );
    let due = async |now| bench.store.actions(ActionQuery::Due { now, limit: 9 }).await.unwrap();
    assert!(due(at(999)).await.is_empty());
    let call = due(at(1_000)).await.remove(0);
    assert_eq!((call.version, &call.action.progress), (2, &waits));
    assert!(running(bench).await.is_empty());
    let over = ActionProgress {
        state: ActionState::Done,
        next_at: None,
        outcome: Some("ok".into()),
        ..waits
    };
    assert_eq!(take(bench, vec![moves(2, &over)]).await, [done(None, &[])]);
    assert!(due(at(9_000)).await.is_empty());
}

async fn a_day_s_limit_holds_over_the_turns_of_one_batch_and_of_many(bench: &Bench) {
    texts(bench, 9).await;
    let spends = |seq: i64, day, hundredths| {
        let spend = Spend {
            day,
            hundredths,
            limit: 1_000,
        };
        let mut turn = handles(seq);
        turn.action = Some(Box::new(action(seq.unsigned_abs().into(), Some(spend))));
        turn
    };
    assert_eq!(
        take(bench, vec![spends(1, 1, 600), spends(2, 1, 401), spends(3, 1, 400)]).await,
        [done(Some(1), &[]), TurnResult::OverLimit, done(Some(2), &[])]
    );
    assert_eq!(
        take(bench, vec![spends(2, 1, 1), spends(4, 2, 1_000)]).await,
        [TurnResult::OverLimit, done(Some(3), &[])]
    );
    // What came to nothing is taken off the day again.
    let nothing = Turn::new(Leaves::Action {
        seq: 1,
        version: 1,
        becomes: Box::new(ActionProgress {
            state: ActionState::Done,
            lease: None,
            late_at: None,
            outcome: Some("refused".into()),
            ..action(1, None).progress
        }),
        refunds: true,
    });
    assert_eq!(take(bench, vec![nothing]).await, [done(None, &[])]);
    assert_eq!(
        take(bench, vec![spends(2, 1, 601), spends(5, 1, 600)]).await,
        [TurnResult::OverLimit, done(Some(4), &[])]
    );
}

async fn a_long_text_is_told_once_it_is_whole(bench: &Bench) {
    let part = |n: u8| NewInbound {
        segment: Concat::new(ReferenceSize::Bits8, 7, 2, n),
        text: Some(if n == 1 { "Ciao " } else { "mondo" }.into()),
        ..text_in(n.into(), n)
    };
    let inbound = vec![part(2), part(1)];
    bench
        .commit(Batch {
            inbound,
            ..Batch::new(NOW)
        })
        .await;
    let query = NoticeQuery {
        after: Some(0),
        limit: 9,
        ..Default::default()
    };
    assert!(bench.store.notices(&query).await.unwrap().rows.is_empty());
    let whole = Whole {
        text: Some("Ciao mondo".into()),
        to: "12345".into(),
        carrier: name("tim"),
        at: at(3),
    };
    let turn = Turn::new(Leaves::Text {
        seq: 2,
        parts: vec![1],
        outcome: "none".into(),
        whole: Some(Box::new(whole)),
    });
    assert_eq!(take(bench, vec![turn]).await, [done(None, &[])]);
    assert!(bench.store.unhandled_texts(0, 9).await.unwrap().is_empty());
    let told = bench.store.notices(&query).await.unwrap().rows;
    let crate::store::About::Inbound(about) = &told[0].about else {
        panic!()
    };
    assert_eq!((told.len(), about.seq, about.segment), (1, 2, None));
    assert_eq!(about.text.as_deref(), Some("Ciao mondo"));
    let listed = InboundQuery {
        limit: 9,
        ..Default::default()
    };
    let rows = bench.store.inbound(&listed).await.unwrap().rows;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].text.as_deref(), rows[0].segment), (Some("Ciao mondo"), None));
}

async fn what_is_over_is_forgotten(bench: &Bench) {
    texts(bench, 1).await;
    let mut turn = handles(1);
    turn.question = Some(QuestionChange::Ask(question()));
    turn.person = Some(("393331234567".into(), person()));
    take(bench, vec![turn]).await;
    let prune = async |ended_before: UnixMillis| {
        bench
            .commit(Batch {
                prune: Some(Prune {
                    after: 0,
                    step: 9,
                    ended_before,
                    keys_before: NOW,
                    parked_before: NOW,
                    notices_after: 0,
                }),
                ..Batch::new(NOW)
            })
            .await;
        bench.store.standings(&[between()]).await.unwrap().remove(0)
    };
    assert_eq!(prune(NOW).await.person, Some(person()));
    let left = prune(at(1)).await;
    assert_eq!((left.person, left.question.is_some()), (None, true));
    assert_eq!(prune(at(300_001)).await.question, None);
}

async fn a_text_of_which_all_is_made_is_handled_as_it_is_stored(bench: &Bench) {
    let stop = NewInbound {
        handled: Some("stop"),
        ..text_in(1, 1)
    };
    let inbound = vec![stop, text_in(2, 2)];
    bench
        .commit(Batch {
            inbound,
            ..Batch::new(NOW)
        })
        .await;
    let left = bench.store.unhandled_texts(0, 9).await.unwrap();
    assert_eq!(left.iter().map(|text| text.seq).collect::<Vec<_>>(), [2]);
    assert_eq!(take(bench, vec![handles(1)]).await, [TurnResult::Gone]);
}

async fn a_stop_for_everything_ends_the_question_that_waits(bench: &Bench) {
    texts(bench, 1).await;
    let mut turn = handles(1);
    turn.question = Some(QuestionChange::Ask(question()));
    take(bench, vec![turn]).await;
    let after = async |n: u8, topic: Option<&str>, to: &str| {
        let stop = NewConsent {
            msisdn: between().number,
            topic: topic.map(|topic| Name::parse(topic).unwrap()),
            ..stop()
        };
        let text = NewInbound {
            to: to.into(),
            handled: Some("stop"),
            consents: vec![stop],
            ..text_in(n.into(), n)
        };
        let inbound = vec![text];
        bench
            .commit(Batch {
                inbound,
                ..Batch::new(NOW)
            })
            .await;
        bench.store.standings(&[between()]).await.unwrap().remove(0).question
    };
    assert!(after(2, Some("offers"), "12345").await.is_some(), "one topic");
    assert!(after(3, None, "54321").await.is_some(), "another address");
    assert_eq!(after(4, None, "12345").await, None);
}

fn stop() -> NewConsent {
    NewConsent {
        msisdn: number(1).into(),
        brand: message(1).client,
        topic: None,
        will: Will::OptedOut,
        source: Source::Sms,
        at: NOW,
        note: None,
        told: Arc::new([]),
    }
}

async fn a_turn_notes_what_people_want_before_it_answers(bench: &Bench) {
    bench.enqueue([message(1)]).await;
    texts(bench, 1).await;
    let stop = stop();
    let stops = || Turn {
        consents: vec![stop.clone()],
        ..handles(1)
    };
    let answers = Turn {
        messages: vec![Enqueue::new(message(2))],
        ..stops()
    };
    let batch = Batch {
        turns: vec![answers, stops()],
        ..Batch::new(NOW)
    };
    let applied = bench.commit(batch).await;
    assert_eq!(applied.turns, [done(None, &[2]), TurnResult::Gone]);
    assert_eq!(applied.wants.len(), 1, "of a turn that is not taken nothing is noted");
    assert_eq!(bench.state(1).await, State::Suppressed);
    assert_eq!(bench.state(2).await, State::Queued);
}
