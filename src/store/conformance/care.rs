use super::behaviours;
use super::harness::*;
use uuid::Uuid;

use crate::domain::{CaseId, InboundId, UnixMillis};
use crate::store::two_way::{Leaves, NewAction};
use crate::store::{
    About, ActionProgress, ActionState, Batch, Between, CaseAct, CaseChange, CaseQuery, CaseReason, CaseRefused,
    CaseState, CaseStep, Enqueue, IdempotencyKey, InboundQuery, MessageQuery, NewCase, NewInbound, NoticeKind,
    NoticeQuery, OpenCase, Prune, Turn, TurnResult,
};

behaviours!(
    a_text_opens_a_case_or_joins_the_open_one,
    a_turn_whose_case_has_moved_is_not_taken_at_all,
    a_text_whose_conversation_a_person_takes_meanwhile_is_decided_upon_again,
    a_case_is_taken_by_one_and_given_up_to_another_only_knowingly,
    only_its_owner_answers_and_solves,
    a_wait_that_is_over_is_told_once,
    cases_are_listed_by_client_state_owner_and_person,
    every_step_of_a_case_is_told_to_its_client,
    what_a_person_texted_and_was_answered_is_found,
    a_case_that_was_solved_long_ago_is_forgotten,
    what_came_of_a_call_is_noted_rather_than_told_over_a_person_who_owns_the_conversation,
    the_same_request_under_a_key_is_done_once,
);

fn between(n: u32) -> Between {
    Between {
        number: number(n).into(),
        address: "12345".into(),
    }
}

fn open(id: u32, n: u32) -> CaseStep {
    CaseStep::Open(new_case(id, n))
}

fn new_case(id: u32, n: u32) -> Box<NewCase> {
    Box::new(NewCase {
        id: CaseId(id),
        between: between(n),
        client: name("hook"),
        reason: CaseReason::NotUnderstood,
        understood: Some("nothing".into()),
        language: "it".into(),
        heard_at: NOW,
        due_at: at(3_600_000),
        note: None,
    })
}

fn join(id: u32) -> CaseStep {
    CaseStep::Join {
        id: CaseId(id),
        heard_at: at(500),
    }
}

/// A turn that handles a text and leaves it to a person.
fn leaves(seq: i64, step: CaseStep) -> Turn {
    let mut turn = Turn::new(Leaves::Text {
        seq,
        parts: Vec::new(),
        outcome: "case".into(),
        whole: None,
    });
    turn.case = Some(step);
    turn
}

fn act(id: u32, change: CaseChange) -> Turn {
    Turn::new(Leaves::Case(Box::new(CaseAct {
        id: CaseId(id),
        client: None,
        change,
    })))
}

fn take(by: &str, from: Option<&str>) -> CaseChange {
    CaseChange::Take {
        by: by.into(),
        from: from.map(Into::into),
    }
}

fn note(by: &str, text: &str) -> CaseChange {
    CaseChange::Note {
        by: by.into(),
        text: text.into(),
    }
}

fn solve(by: &str) -> CaseChange {
    CaseChange::Solve { by: by.into() }
}

fn not_so(state: CaseState, owner: Option<&str>) -> TurnResult {
    TurnResult::Refused(CaseRefused::NotSo {
        state,
        owner: owner.map(Into::into),
    })
}

fn is_done(result: &TurnResult) -> bool {
    matches!(result, TurnResult::Done { .. })
}

async fn turns_at(bench: &Bench, now: UnixMillis, turns: Vec<Turn>) -> Vec<TurnResult> {
    let batch = Batch {
        turns,
        ..Batch::new(now)
    };
    bench.commit(batch).await.turns
}

async fn turn(bench: &Bench, turn: Turn) -> TurnResult {
    turns_at(bench, at(1_000), vec![turn]).await.remove(0)
}

async fn texts(bench: &Bench, n: u8) {
    let inbound = (1..=n).map(|n| text_in(n.into(), n)).collect();
    let batch = Batch {
        inbound,
        ..Batch::new(NOW)
    };
    bench.commit(batch).await;
}

/// A case of the first person's.
async fn opened(bench: &Bench) {
    texts(bench, 1).await;
    assert!(is_done(&turn(bench, leaves(1, open(7, 1))).await));
}

async fn standing(bench: &Bench, n: u32) -> Option<OpenCase> {
    bench.store.standings(&[between(n)]).await.unwrap().remove(0).case
}

async fn a_text_whose_conversation_a_person_takes_meanwhile_is_decided_upon_again(bench: &Bench) {
    opened(bench).await;
    let inbound = vec![text_in(2, 2), text_in(3, 3)];
    let batch = Batch {
        inbound,
        ..Batch::new(NOW)
    };
    bench.commit(batch).await;
    let answers = |seq: i64, n, is_taken: Option<bool>| {
        let mut turn = Turn::new(Leaves::Text {
            seq,
            parts: Vec::new(),
            outcome: "command.balance".into(),
            whole: None,
        });
        let open = is_taken.map(|is_taken| OpenCase {
            id: CaseId(7),
            is_taken,
        });
        turn.seen = Some((between(n), open));
        turn.messages.push(Enqueue::new(message(n)));
        turn
    };
    let turns = vec![
        answers(2, 1, None),
        act(7, take("anna", None)),
        answers(2, 1, Some(false)),
        answers(3, 2, None),
    ];
    let results = turns_at(bench, at(1_000), turns).await;
    assert_eq!(results[0], TurnResult::NotAsSeen);
    assert!(is_done(&results[1]) && is_done(&results[3]), "{results:?}");
    assert_eq!(results[2], TurnResult::NotAsSeen);
    assert!(
        bench.store.message(id(1), None).await.unwrap().is_none(),
        "nothing was said"
    );
    assert!(is_done(&turn(bench, answers(2, 1, Some(true))).await));
}

async fn a_text_opens_a_case_or_joins_the_open_one(bench: &Bench) {
    texts(bench, 3).await;
    let noted = NewCase {
        note: Some("a back end is silent".into()),
        ..*new_case(7, 1)
    };
    let mut first = leaves(1, CaseStep::Open(Box::new(noted)));
    first.messages.push(Enqueue::new(message(1)));
    let results = turns_at(bench, NOW, vec![first, leaves(2, join(7)), leaves(3, open(9, 2))]).await;
    assert!(results.iter().all(is_done), "{results:?}");
    assert!(bench.store.message(id(1), None).await.unwrap().is_some());
    let case = bench.store.case(CaseId(7)).await.unwrap().unwrap();
    assert_eq!(
        (case.id, case.state, case.joined, case.due_at, case.heard_at),
        (CaseId(7), CaseState::Opened, 1, Some(at(3_600_000)), at(500))
    );
    let notes = bench.store.case_notes(CaseId(7)).await.unwrap();
    assert_eq!((&*notes[0].author, &*notes[0].text), ("araldo", "a back end is silent"));
    let is_open = |id, is_taken| {
        Some(OpenCase {
            id: CaseId(id),
            is_taken,
        })
    };
    assert_eq!(standing(bench, 1).await, is_open(7, false));
    turn(bench, act(7, take("anna", None))).await;
    assert_eq!(standing(bench, 1).await, is_open(7, true));
    assert_eq!(standing(bench, 2).await, is_open(9, false));
    turn(bench, act(7, solve("anna"))).await;
    assert_eq!(standing(bench, 1).await, None);
}

async fn a_turn_whose_case_has_moved_is_not_taken_at_all(bench: &Bench) {
    texts(bench, 4).await;
    let mut second = leaves(2, open(8, 1));
    second.messages.push(Enqueue::new(message(1)));
    let results = turns_at(
        bench,
        NOW,
        vec![
            leaves(1, open(7, 1)),
            second,
            leaves(3, open(7, 2)),
            leaves(4, join(99)),
        ],
    )
    .await;
    assert!(is_done(&results[0]));
    let moved = [TurnResult::NotAsSeen, TurnResult::NotAsSeen, TurnResult::NotAsSeen];
    assert_eq!(results[1..], moved, "one is open; its number is given; there is none");
    assert!(bench.store.message(id(1), None).await.unwrap().is_none());
    let unhandled = bench.store.unhandled_texts(0, 10).await.unwrap();
    let left: Vec<i64> = unhandled.iter().map(|text| text.seq).collect();
    assert_eq!(left, [2, 3, 4]);
    turn(bench, act(7, take("anna", None))).await;
    turn(bench, act(7, solve("anna"))).await;
    assert_eq!(turn(bench, leaves(2, join(7))).await, TurnResult::NotAsSeen, "solved");
    assert!(is_done(&turn(bench, leaves(2, open(8, 1))).await), "a new matter");
}

async fn a_case_is_taken_by_one_and_given_up_to_another_only_knowingly(bench: &Bench) {
    opened(bench).await;
    let both = vec![act(7, take("anna", None)), act(7, take("bruno", None))];
    let results = turns_at(bench, at(1_000), both).await;
    assert!(is_done(&results[0]));
    assert_eq!(results[1], not_so(CaseState::Taken, Some("anna")));
    assert!(
        is_done(&turn(bench, act(7, take("anna", None))).await),
        "twice the same"
    );
    assert!(is_done(&turn(bench, act(7, take("bruno", Some("anna")))).await));
    let case = bench.store.case(CaseId(7)).await.unwrap().unwrap();
    assert_eq!((case.owner.as_deref(), case.taken_at), (Some("bruno"), Some(at(1_000))));
    let nothing = TurnResult::Refused(CaseRefused::NotFound);
    assert_eq!(turn(bench, act(99, take("anna", None))).await, nothing);
    let of_other = Turn::new(Leaves::Case(Box::new(CaseAct {
        id: CaseId(7),
        client: Some(name("mute")),
        change: take("anna", Some("bruno")),
    })));
    assert_eq!(turn(bench, of_other).await, nothing);
}

async fn only_its_owner_answers_and_solves(bench: &Bench) {
    opened(bench).await;
    let answer = |by: &str| {
        let mut turn = act(7, CaseChange::Answer { by: by.into() });
        turn.messages.push(Enqueue::new(message(1)));
        turn
    };
    let nobody_s = not_so(CaseState::Opened, None);
    assert_eq!(turn(bench, act(7, solve("anna"))).await, nobody_s);
    assert_eq!(turn(bench, answer("anna")).await, nobody_s);
    assert!(bench.store.message(id(1), None).await.unwrap().is_none());
    turn(bench, act(7, take("anna", None))).await;
    assert_eq!(
        turn(bench, answer("bruno")).await,
        not_so(CaseState::Taken, Some("anna"))
    );
    assert!(is_done(&turn(bench, answer("anna")).await));
    assert!(bench.store.message(id(1), None).await.unwrap().is_some());
    turn(bench, act(7, note("bruno", "knows the customer"))).await;
    assert!(is_done(&turn(bench, act(7, solve("anna"))).await));
    let case = bench.store.case(CaseId(7)).await.unwrap().unwrap();
    assert_eq!((case.due_at, case.solved_at), (None, Some(at(1_000))));
    let over = not_so(CaseState::Solved, Some("anna"));
    assert_eq!(turn(bench, act(7, solve("anna"))).await, over);
    assert!(is_done(&turn(bench, act(7, note("anna", "called"))).await));
    let notes = bench.store.case_notes(CaseId(7)).await.unwrap();
    let signed: Vec<_> = notes.iter().map(|note| (&*note.author, &*note.text)).collect();
    assert_eq!(signed, [("bruno", "knows the customer"), ("anna", "called")]);
}

async fn a_wait_that_is_over_is_told_once(bench: &Bench) {
    opened(bench).await;
    let due = |now| async move { bench.store.due_cases(now, 10).await.unwrap().len() };
    assert_eq!((due(at(3_599_999)).await, due(at(3_600_000)).await), (0, 1));
    let overdue = async |now| turns_at(bench, now, vec![act(7, CaseChange::Overdue)]).await.remove(0);
    let refused = not_so(CaseState::Opened, None);
    assert_eq!(overdue(at(3_599_999)).await, refused);
    assert!(is_done(&overdue(at(3_600_001)).await));
    assert_eq!(overdue(at(3_600_002)).await, refused);
    assert_eq!(due(at(9_999_999)).await, 0);
    let case = bench.store.case(CaseId(7)).await.unwrap().unwrap();
    assert_eq!((case.due_at, case.overdue_at), (None, Some(at(3_600_001))));
}

async fn cases_are_listed_by_client_state_owner_and_person(bench: &Bench) {
    texts(bench, 4).await;
    let four = (1..=4).map(|n| leaves(n.into(), open(n, n))).collect();
    turns_at(bench, NOW, four).await;
    turn(bench, act(2, take("anna", None))).await;
    let ids = async |query: CaseQuery| -> Vec<u32> {
        let query = CaseQuery { limit: 10, ..query };
        let rows = bench.store.cases(&query).await.unwrap().rows;
        rows.iter().map(|case| case.id.0).collect()
    };
    let all = CaseQuery::default;
    let taken = CaseQuery {
        state: Some(CaseState::Taken),
        ..all()
    };
    let anna_s = CaseQuery {
        owner: Some("anna".into()),
        ..all()
    };
    let third = CaseQuery {
        number: Some(number(3).into()),
        ..all()
    };
    let other_s = CaseQuery {
        client: Some(name("mute")),
        ..all()
    };
    assert_eq!(ids(all()).await, [4, 3, 2, 1]);
    assert_eq!(ids(taken).await, [2]);
    assert_eq!(ids(anna_s).await, [2]);
    assert_eq!(ids(third).await, [3]);
    assert!(ids(other_s).await.is_empty());
    let page = bench.store.cases(&CaseQuery { limit: 2, ..all() }).await.unwrap();
    assert_eq!(page.next, Some(3));
    let rest = CaseQuery {
        before: page.next,
        ..all()
    };
    assert_eq!(ids(rest).await, [2, 1]);
}

async fn every_step_of_a_case_is_told_to_its_client(bench: &Bench) {
    texts(bench, 2).await;
    turn(bench, leaves(1, open(7, 1))).await;
    turn(bench, leaves(2, join(7))).await;
    turn(bench, act(7, take("anna", None))).await;
    turns_at(bench, at(3_600_001), vec![act(7, CaseChange::Overdue)]).await;
    turn(bench, act(7, solve("anna"))).await;
    let query = NoticeQuery {
        after: Some(0),
        client: Some(name("hook")),
        limit: 10,
        ..NoticeQuery::default()
    };
    let page = bench.store.notices(&query).await.unwrap();
    let of_cases: Vec<_> = page
        .rows
        .iter()
        .filter_map(|row| match &row.about {
            About::Case(case) => Some((row.notice.kind, case.id, case.between.number.clone())),
            About::Message(_) | About::Inbound(_) | About::Consent(_) => None,
        })
        .collect();
    let told = [
        NoticeKind::CaseOpened,
        NoticeKind::CaseTaken,
        NoticeKind::CaseOverdue,
        NoticeKind::CaseSolved,
    ];
    assert_eq!(of_cases, told.map(|kind| (kind, CaseId(7), number(1).into())));
}

async fn what_a_person_texted_and_was_answered_is_found(bench: &Bench) {
    let from = |n: u8, from: &str| NewInbound {
        from: from.into(),
        ..text_in(n.into(), n)
    };
    let mut reply = message(1);
    reply.class = crate::domain::Class::Reply;
    let to = reply.to.clone();
    let batch = Batch {
        inbound: vec![
            from(1, "393330000001"),
            from(2, "+393330000001"),
            from(3, "393330000002"),
        ],
        enqueue: vec![Enqueue::new(reply), Enqueue::new(message(2))],
        ..Batch::new(NOW)
    };
    bench.commit(batch).await;
    let query = InboundQuery {
        from: Some("393330000001".into()),
        limit: 10,
        ..InboundQuery::default()
    };
    let rows = bench.store.inbound(&query).await.unwrap().rows;
    let froms: Vec<&str> = rows.iter().map(|text| &*text.from).collect();
    assert_eq!(froms, ["+393330000001", "393330000001"]);
    let query = MessageQuery {
        class: Some(crate::domain::Class::Reply),
        to: Some(to),
        limit: 10,
        ..MessageQuery::default()
    };
    let page = bench.store.messages(&query).await.unwrap();
    let ids: Vec<_> = page.rows.iter().map(|row| row.row.id).collect();
    assert_eq!((ids, page.next), (vec![id(1)], None));
}

async fn a_case_that_was_solved_long_ago_is_forgotten(bench: &Bench) {
    texts(bench, 2).await;
    turn(bench, leaves(1, open(7, 1))).await;
    turn(bench, leaves(2, open(8, 2))).await;
    for id in [7, 8] {
        turn(bench, act(id, take("anna", None))).await;
        turn(bench, act(id, note("anna", "called"))).await;
        turn(bench, act(id, solve("anna"))).await;
    }
    let prune = |ended_before| Prune {
        after: 0,
        step: 100,
        ended_before,
        keys_before: NOW,
        parked_before: NOW,
        notices_after: 0,
    };
    let kept = async |before| {
        let batch = Batch {
            prune: Some(prune(before)),
            ..Batch::new(at(9_000))
        };
        bench.commit(batch).await;
        let case = bench.store.case(CaseId(7)).await.unwrap();
        (case.is_some(), bench.store.case_notes(CaseId(7)).await.unwrap().len())
    };
    assert_eq!(kept(at(1_000)).await, (true, 1));
    assert_eq!(kept(at(1_001)).await, (false, 0));
    let newest = bench.store.case(CaseId(8)).await.unwrap();
    assert!(
        newest.is_some(),
        "its place is not given again while notices may speak of it"
    );
}

fn progress(state: ActionState) -> ActionProgress {
    ActionProgress {
        state,
        asks: false,
        doubt: false,
        attempts: 1,
        lease: (state == ActionState::Running).then_some(LEASE),
        next_at: None,
        late_at: None,
        outcome: None,
    }
}

/// A turn that ends the call at a version, and tells its customer with message `n`.
fn ends(version: u32, n: u32) -> Turn {
    let mut turn = Turn::new(Leaves::Action {
        seq: 1,
        version,
        becomes: Box::new(progress(ActionState::Done)),
        refunds: false,
    });
    turn.messages.push(Enqueue::new(message(n)));
    turn
}

async fn what_came_of_a_call_is_noted_rather_than_told_over_a_person_who_owns_the_conversation(bench: &Bench) {
    texts(bench, 2).await;
    let mut asks = leaves(1, open(7, 1));
    asks.action = Some(Box::new(NewAction {
        id: Uuid::from_u128(1),
        inbound: InboundId(Uuid::from_u128(7)),
        between: between(1),
        client: name("hook"),
        command: name("topup"),
        language: "it".into(),
        slots: "{}".into(),
        text: "ricarica".into(),
        spend: None,
        at: NOW,
        progress: progress(ActionState::Running),
    }));
    assert!(is_done(&turn(bench, asks).await));
    // Taken in the very batch in which the call ends.
    let both = vec![act(7, take("anna", None)), ends(1, 1)];
    assert_eq!(turns_at(bench, NOW, both).await[1], TurnResult::Owned(CaseId(7)));
    assert_eq!(turn(bench, ends(1, 1)).await, TurnResult::Owned(CaseId(7)));
    assert!(bench.store.message(id(1), None).await.unwrap().is_none());
    let mut noted = ends(1, 1);
    noted.messages.clear();
    noted.case = Some(CaseStep::Note {
        id: CaseId(7),
        text: "it is done".into(),
    });
    assert!(is_done(&turn(bench, noted).await));
    let notes = bench.store.case_notes(CaseId(7)).await.unwrap();
    assert_eq!((&*notes[0].author, &*notes[0].text), ("araldo", "it is done"));
    assert_eq!(bench.store.case(CaseId(7)).await.unwrap().unwrap().joined, 0);
    turn(bench, act(7, solve("anna"))).await;
    assert!(is_done(&turn(bench, ends(2, 2)).await), "nobody owns it any more");
}

async fn the_same_request_under_a_key_is_done_once(bench: &Bench) {
    opened(bench).await;
    let keyed = |change: CaseChange, print: u8| {
        let mut turn = act(7, change);
        let key = IdempotencyKey {
            key: "k".into(),
            fingerprint: [print; 32],
            answer: "TK-7".into(),
        };
        turn.key = Some((name("hook"), key));
        turn
    };
    let refused = turn(bench, keyed(solve("anna"), 1)).await;
    assert_eq!(refused, not_so(CaseState::Opened, None), "and the key is free");
    let twice = vec![keyed(note("anna", "once"), 2), keyed(note("anna", "once"), 2)];
    let results = turns_at(bench, NOW, twice).await;
    assert!(is_done(&results[0]), "{results:?}");
    assert_eq!(results[1], TurnResult::Replayed("TK-7".into()));
    let replayed = turn(bench, keyed(note("anna", "once"), 2)).await;
    assert_eq!(replayed, TurnResult::Replayed("TK-7".into()));
    assert_eq!(
        turn(bench, keyed(note("anna", "other"), 3)).await,
        TurnResult::KeyReused
    );
    let known = bench.store.key(&name("hook"), "k").await.unwrap().unwrap();
    assert_eq!((&*known.answer, known.fingerprint), ("TK-7", [2; 32]));
    let notes = bench.store.case_notes(CaseId(7)).await.unwrap();
    assert_eq!(notes.iter().filter(|note| &*note.text == "once").count(), 1);
}
