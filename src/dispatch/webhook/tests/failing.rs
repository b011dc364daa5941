//! Endpoints that fail, are gone, or have too much to do.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_is_switched_off_and_its_notices_wait() {
    let mut house = House::new().await;
    house.texts("1", 1..=3).await;
    house.open(1, 1);
    house.next().await.answer(Answer::Gone);
    house.quiet().await;
    let known = house.store.endpoints().await.unwrap().remove(0);
    assert_eq!((known.pending, known.dead), (3, 0));
    assert_eq!(known.off.unwrap().1, OffReason::Gone);
    house.texts("1", 4..=4).await;
    house.quiet().await;
    let on = NoticeAct::SwitchOn {
        endpoint: known.endpoint,
        from: None,
    };
    house.outbox.act_on_notices(on).await.unwrap();
    for _ in 0..4 {
        house.next().await.answer(TAKEN);
    }
    house.settled(0).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_fails_for_days_is_switched_off_and_on_by_the_probe_that_it_takes() {
    let mut house = House::new().await;
    house.texts("1", 1..=12).await;
    house.open(1, 1);
    // Each hour everything is tried that is due by then: the schedule takes 28, and pauses of minutes are over.
    let mut hours = 0;
    let off = async |house: &House| house.store.endpoints().await.unwrap()[0].off;
    while off(&house).await.is_none() {
        hours += 1;
        house.at(Duration::from_hours(hours)).await;
        house.fail_all().await;
    }
    assert!(hours > 28, "{hours}");
    let known = house.store.endpoints().await.unwrap().remove(0);
    assert_eq!((known.pending, known.dead), (2, 10), "what waits is given up no more");
    assert_eq!(known.off.unwrap().1, OffReason::Failing);
    for probe in 1..=20 {
        house.at(Duration::from_hours(hours + probe)).await;
        assert_eq!(house.fail_all().await, 1);
    }
    assert_eq!(house.pending().await, 2, "and loses no try");
    house.at(Duration::from_hours(hours + 21)).await;
    house.next().await.answer(TAKEN);
    house.next().await.answer(TAKEN);
    house.settled(0).await;
    assert_eq!(off(&house).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_wished_pause_holds_for_the_whole_endpoint() {
    let mut house = House::new().await;
    house.texts("1", 1..=2).await;
    house.open(1, 1);
    house.next().await.answer(Answer::Failed {
        failure: Failure::Status(429),
        retry_after: Some(secs(90)),
    });
    house.quiet().await;
    house.at(secs(89)).await;
    house.quiet().await;
    house.at(secs(90)).await;
    house.next().await.answer(TAKEN);
    house.next().await.answer(TAKEN);
    house.settled(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_endpoint_costs_a_post_a_pause_and_what_waits_loses_no_try() {
    let mut house = House::new().await;
    house.texts("1", 1..=50).await;
    house.open(1, 1);
    for _ in 0..5 {
        house.next().await.answer(Failure::Connect.into());
    }
    house.quiet().await;
    let mut now = 0;
    for pause in [5, 10, 20, 40] {
        now += pause;
        house.at(secs(now - 1)).await;
        house.quiet().await;
        house.at(secs(now)).await;
        house.next().await.answer(Failure::Connect.into());
        house.quiet().await;
    }
    let due = crate::store::DueNotices {
        endpoint: Endpoint::of_client(&name("bank")),
        now: NOW.after(Duration::from_hours(1)),
        after: None,
        limit: 100,
    };
    let rows = house.store.due_notices(&due).await.unwrap().rows;
    let untried = rows.iter().filter(|row| row.notice.delivery.attempts == 0).count();
    assert!(rows.len() == 50 && untried >= 41, "{untried}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_shown_and_ends_when_a_person_says_so() {
    let mut house = House::new().await;
    house.texts("1", 1..=1).await;
    house.open(1, 1);
    let wish = Answer::Failed {
        failure: Failure::Status(503),
        retry_after: Some(Duration::from_hours(5)),
    };
    house.next().await.answer(wish);
    house.quiet().await;
    let endpoint = Endpoint::of_client(&name("bank"));
    let pause = house.pauses.of(&endpoint).unwrap();
    assert_eq!(
        (pause.until, pause.failure),
        (NOW.after(Duration::from_hours(1)), Failure::Status(503))
    );
    house.texts("1", 2..=2).await;
    house.quiet().await;
    house.outbox.bell().begin_afresh(endpoint.clone());
    house.next().await.answer(TAKEN);
    house.quiet().await;
    assert_eq!(house.pauses.of(&endpoint), None);
}
