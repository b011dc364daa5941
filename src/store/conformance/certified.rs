use super::behaviours;
use super::harness::*;
use crate::domain::{Name, UnixMillis, VerificationId};
use crate::store::two_way::{Leaves, Question, QuestionChange};
use crate::store::{
    Batch, Between, Birth, Certified, CertifiedAct, CertifiedEnd, CertifiedQuery, CertifiedRecord, Enqueue, NewInbound,
    NewVerification, Prune, Turn, Uncertified, VerificationState,
};
use uuid::Uuid;

behaviours!(
    a_code_is_kept_with_the_message_that_brings_it_and_once_a_key,
    a_try_counts_from_where_it_stands_and_the_right_one_certifies,
    a_number_is_certified_for_one_customer_of_each_client,
    what_ends_for_a_customer_is_told_and_what_goes_on_is_not,
    a_question_is_not_answered_by_whoever_has_the_number_next,
    codes_of_late_are_read_back,
    what_is_revoked_stays_in_the_history,
    codes_are_forgotten_and_certified_numbers_are_not,
);

fn ver(n: u32) -> VerificationId {
    VerificationId(Uuid::from_u128(u128::from(n)))
}

fn code(n: u32, customer: &str, profile: Option<&str>) -> NewVerification {
    NewVerification {
        id: ver(n),
        customer: customer.into(),
        profile: profile.map(name),
        code: "{\"hash\":\"x\"}".into(),
        expires_at: at(300_000),
    }
}

/// The n-th message brings the code.
fn brings(n: u32, verification: NewVerification) -> Enqueue {
    Enqueue {
        birth: Some(Box::new(Birth {
            verification: Some(verification),
            ..Birth::default()
        })),
        ..new(message(n))
    }
}

async fn send(bench: &Bench, enqueue: Vec<Enqueue>) {
    let batch = Batch {
        enqueue,
        ..Batch::new(NOW)
    };
    bench.commit(batch).await;
}

async fn certify(bench: &Bench, certified: Vec<CertifiedAct>, now: UnixMillis) -> Vec<bool> {
    let batch = Batch {
        certified,
        ..Batch::new(now)
    };
    bench.commit(batch).await.certified
}

fn tried(n: u32, wrong: u8, becomes: VerificationState) -> CertifiedAct {
    CertifiedAct::Tried {
        id: ver(n),
        wrong,
        becomes,
    }
}

async fn list(bench: &Bench, query: CertifiedQuery) -> Vec<CertifiedRecord> {
    let query = CertifiedQuery { limit: 10, ..query };
    bench.store.certified(&query).await.unwrap().rows
}

async fn a_code_is_kept_with_the_message_that_brings_it_and_once_a_key(bench: &Bench) {
    let first = Enqueue {
        key: Some(key("a", 1, "{}")),
        ..brings(1, code(1, "c-1", Some("gold")))
    };
    let again = Enqueue {
        key: Some(key("a", 1, "{}")),
        ..brings(2, code(2, "c-1", Some("gold")))
    };
    send(bench, vec![first]).await;
    send(bench, vec![again]).await;
    let known = bench.store.verification(ver(1), &name("bank")).await.unwrap().unwrap();
    assert_eq!((&*known.msisdn, known.made_at), (number(1).as_str(), NOW));
    assert_eq!(known.asked, code(1, "c-1", Some("gold")));
    assert_eq!(
        (known.state, known.wrong, known.ended_at),
        (VerificationState::Pending, 0, None)
    );
    for (n, client) in [(2, "bank"), (1, "shop")] {
        assert_eq!(bench.store.verification(ver(n), &name(client)).await.unwrap(), None);
    }
}

async fn a_try_counts_from_where_it_stands_and_the_right_one_certifies(bench: &Bench) {
    use VerificationState::{Pending, Spent, Verified};
    send(
        bench,
        vec![brings(1, code(1, "c-1", None)), brings(2, code(2, "c-2", None))],
    )
    .await;
    // Two at the same moment: the second stands elsewhere than it says.
    let both = vec![
        tried(1, 0, Pending),
        tried(1, 0, Verified),
        tried(1, 1, Verified),
        tried(9, 0, Verified),
    ];
    assert_eq!(certify(bench, both, at(7)).await, [true, false, true, false]);
    let known = bench.store.verification(ver(1), &name("bank")).await.unwrap().unwrap();
    assert_eq!((known.state, known.wrong, known.ended_at), (Verified, 1, Some(at(7))));
    assert_eq!(
        certify(bench, vec![tried(1, 1, Verified)], at(8)).await,
        [false],
        "once"
    );
    assert_eq!(
        certify(bench, vec![tried(2, 0, Spent), tried(2, 1, Verified)], at(8)).await,
        [true, false]
    );
    let rows = list(bench, CertifiedQuery::default()).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&*rows[0].msisdn, &*rows[0].customer, rows[0].at),
        (number(1).as_str(), "c-1", at(7))
    );
}

async fn a_number_is_certified_for_one_customer_of_each_client(bench: &Bench) {
    let of = |n: u32, client: &str, verification: NewVerification| {
        let mut item = brings(n, verification);
        item.message.client = name(client);
        item.message.to = message(1).to;
        item
    };
    let sent = vec![
        of(1, "bank", code(1, "c-1", None)),
        of(2, "shop", code(2, "s-1", Some("vip"))),
        of(3, "bank", code(3, "c-9", Some("gold"))),
    ];
    send(bench, sent).await;
    for n in 1..=3 {
        assert_eq!(
            certify(bench, vec![tried(n, 0, VerificationState::Verified)], at(n.into())).await,
            [true]
        );
    }
    let number = Box::<str>::from(number(1));
    let all = list(
        bench,
        CertifiedQuery {
            msisdn: Some(number.clone()),
            ..CertifiedQuery::default()
        },
    )
    .await;
    let told: Vec<_> = all.iter().map(|row| (&*row.customer, row.ended)).collect();
    let replaced = Some((at(3), CertifiedEnd::Replaced));
    assert_eq!(told, [("c-1", replaced), ("s-1", None), ("c-9", None)]);
    let now = list(
        bench,
        CertifiedQuery {
            client: Some(name("bank")),
            ..CertifiedQuery::default()
        },
    )
    .await;
    assert_eq!((now.len(), &*now[0].customer), (1, "c-9"));
    let between = [Between {
        number: number.clone(),
        address: "12345".into(),
    }];
    let standing = bench.store.standings(&between).await.unwrap().remove(0);
    let held = |client: &str, profile: &str| Certified {
        client: name(client),
        profile: Some(name(profile)),
    };
    let mut certified = standing.certified;
    certified.sort_by(|one, other| one.client.cmp(&other.client));
    assert_eq!(certified, [held("bank", "gold"), held("shop", "vip")]);
    let asked: Vec<(Name, Box<str>)> = vec![
        (name("bank"), number.clone()),
        (name("other"), number.clone()),
        (name("bank"), "390".into()),
        (name("shop"), number),
    ];
    assert_eq!(
        bench.store.are_certified(&asked).await.unwrap(),
        [true, false, false, true]
    );
    let page = CertifiedQuery {
        limit: 1,
        ..CertifiedQuery::default()
    };
    let first = bench.store.certified(&page).await.unwrap();
    let rest = bench
        .store
        .certified(&CertifiedQuery {
            after: first.next,
            limit: 5,
            ..page
        })
        .await
        .unwrap();
    assert_eq!((first.rows.len(), rest.rows.len(), rest.next), (1, 1, None));
}

async fn what_ends_for_a_customer_is_told_and_what_goes_on_is_not(bench: &Bench) {
    let customers = ["c-1", "c-1", "c-2"];
    let sent = (1..).zip(customers).map(|(n, customer)| {
        let mut item = brings(n, code(n, customer, None));
        item.message.to = message(1).to;
        item
    });
    send(bench, sent.collect()).await;
    for n in 1..=3 {
        let tried = vec![tried(n, 0, VerificationState::Verified)];
        let batch = Batch {
            certified: tried,
            ..Batch::new(at(n.into()))
        };
        let ended = bench.commit(batch).await.uncertified;
        assert_eq!(
            ended.len(),
            usize::from(n == 3),
            "certified anew for the same one, nothing ends"
        );
    }
    let revoked = CertifiedAct::Revoked {
        client: name("bank"),
        msisdn: number(1).into(),
    };
    let batch = Batch {
        certified: vec![revoked.clone(), revoked],
        ..Batch::new(at(9))
    };
    let ended = bench.commit(batch).await.uncertified;
    let end = |n: i64| Uncertified {
        client: name("bank"),
        msisdn: number(1).into(),
        at: at(n),
    };
    assert_eq!(ended, [end(9)]);
    assert_eq!(bench.store.uncertified(at(1)).await.unwrap(), [end(3), end(9)]);
    assert_eq!(bench.store.uncertified(at(4)).await.unwrap(), [end(9)]);
}

async fn a_question_is_not_answered_by_whoever_has_the_number_next(bench: &Bench) {
    let between = Between {
        number: number(1).into(),
        address: "12345".into(),
    };
    let asked = async |seq: u8| {
        let text = NewInbound {
            from: between.number.clone(),
            ..text_in(seq.into(), seq)
        };
        let batch = Batch {
            inbound: vec![text],
            ..Batch::new(NOW)
        };
        bench.commit(batch).await;
        let mut turn = Turn::new(Leaves::Text {
            seq: seq.into(),
            parts: Vec::new(),
            outcome: "asked.code".into(),
            whole: None,
        });
        turn.question = Some(QuestionChange::Ask(Question {
            between: between.clone(),
            said: "{\"kind\":\"code\"}".into(),
            asked_at: NOW,
            expires_at: at(300_000),
        }));
        let batch = Batch {
            turns: vec![turn],
            ..Batch::new(NOW)
        };
        bench.commit(batch).await;
    };
    let waits = async || {
        let pair = std::slice::from_ref(&between);
        bench.store.standings(pair).await.unwrap().remove(0).question.is_some()
    };
    let sent = (1..).zip(["c-1", "c-1", "c-2"]).map(|(n, customer)| {
        let mut item = brings(n, code(n, customer, None));
        item.message.to = message(1).to;
        item
    });
    send(bench, sent.collect()).await;
    asked(1).await;
    for (n, is_left) in [(1, true), (2, true), (3, false)] {
        certify(bench, vec![tried(n, 0, VerificationState::Verified)], at(n.into())).await;
        assert_eq!(waits().await, is_left, "{n}");
    }
    asked(2).await;
    let revoked = CertifiedAct::Revoked {
        client: name("bank"),
        msisdn: number(1).into(),
    };
    certify(bench, vec![revoked], at(9)).await;
    assert!(!waits().await, "its certification has ended");
}

async fn codes_of_late_are_read_back(bench: &Bench) {
    for n in 1..=3 {
        let batch = Batch {
            enqueue: vec![brings(n, code(n, "c-1", None))],
            ..Batch::new(at(n.into()))
        };
        bench.commit(batch).await;
    }
    let sent = |n: u32| (Box::from(number(n)), at(n.into()));
    assert_eq!(bench.store.codes(at(2), 9).await.unwrap(), [sent(2), sent(3)]);
    assert_eq!(bench.store.codes(at(0), 2).await.unwrap(), [sent(2), sent(3)]);
}

async fn what_is_revoked_stays_in_the_history(bench: &Bench) {
    send(bench, vec![brings(1, code(1, "c-1", None))]).await;
    certify(bench, vec![tried(1, 0, VerificationState::Verified)], at(1)).await;
    let revoked = |client: &str| CertifiedAct::Revoked {
        client: name(client),
        msisdn: number(1).into(),
    };
    let acts = vec![revoked("shop"), revoked("bank"), revoked("bank")];
    assert_eq!(certify(bench, acts, at(5)).await, [false, true, false]);
    assert!(list(bench, CertifiedQuery::default()).await.is_empty());
    let of_number = CertifiedQuery {
        msisdn: Some(number(1).into()),
        ..CertifiedQuery::default()
    };
    let rows = list(bench, of_number).await;
    assert_eq!(rows[0].ended, Some((at(5), CertifiedEnd::Revoked)));
    assert_eq!(
        bench
            .store
            .are_certified(&[(name("bank"), number(1).into())])
            .await
            .unwrap(),
        [false]
    );
}

async fn codes_are_forgotten_and_certified_numbers_are_not(bench: &Bench) {
    send(bench, vec![brings(1, code(1, "c-1", None))]).await;
    certify(bench, vec![tried(1, 0, VerificationState::Verified)], at(1)).await;
    let prune = Prune {
        after: 0,
        step: 100,
        ended_before: at(1),
        keys_before: NOW,
        parked_before: NOW,
        notices_after: 0,
    };
    let batch = Batch {
        prune: Some(prune),
        ..Batch::new(at(2))
    };
    bench.commit(batch).await;
    assert_eq!(bench.store.verification(ver(1), &name("bank")).await.unwrap(), None);
    assert_eq!(list(bench, CertifiedQuery::default()).await.len(), 1);
}
