//! Fail-over, refusals, and what people do to messages: cancel, requeue.

use std::time::Duration;

use araldo::domain::{Class, State};
use araldo::simulator::{Fault, FaultRule, Status};
use araldo_smpp::CommandStatus;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::support::books::Books;
use crate::support::carrier::Carrier;
use crate::support::daemon::{Daemon, House};
use crate::support::http::Answer;
use crate::support::sample::{Sample, recipient};
use crate::support::{together, until};

const LIMIT: Duration = Duration::from_secs(30);

/// Two carriers, one step each.
async fn two_steps(flags: [&[&str]; 2]) -> (House, Carrier, Carrier, Daemon) {
    let house = House::new("");
    let first = Carrier::start(house.path(), "first", flags[0]);
    let second = Carrier::start(house.path(), "second", flags[1]);
    house.configure(&format!(
        "{}{}[route.all]\nsteps = [{{ carriers = [\"first\"] }}, {{ carriers = [\"second\"] }}]\nfailover_after = \"3s\"\n\
         failover_after_urgent = \"0s\"\n",
        first.section(""),
        second.section("")
    ));
    let daemon = house.start().await;
    first.until(LIMIT, "bound", 1).await;
    second.until(LIMIT, "bound", 1).await;
    (house, first, second, daemon)
}

fn message(token: u32, class: Class) -> Sample {
    let text = format!("{class}#{token} is on its way");
    Sample {
        token,
        class,
        to: recipient(333, token),
        from: "Bank",
        text,
    }
}

/// Sends, and gives the id.
async fn send(house: &House, books: &Books, sample: &Sample) -> String {
    books.ask(sample);
    let answer = house.client().send(sample).await.unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    books.accept(sample.token, &answer.json());
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn show(house: &House, id: &str) -> Value {
    house.client().get(&format!("/v1/messages/{id}")).await.unwrap().json()
}

/// Waits until a message is in a state, and shows it.
async fn in_state(house: &House, id: &str, state: State) -> Value {
    let mut last = Value::Null;
    until(LIMIT, &format!("{id} is {state}"), async || {
        last = show(house, id).await;
        (last["state"] == state.as_str()).then_some(())
    })
    .await;
    last
}

/// Asserts that a document has these members, whatever else it has.
#[track_caller]
fn has(document: &Value, members: Value) {
    for (name, value) in members.as_object().unwrap() {
        assert_eq!(document[name], *value, "{name} in {document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_carrier_is_down_the_next_one_takes_its_messages_urgent_ones_at_once() {
    let _stage = together().await;
    let (house, first, second, daemon) = two_steps([&[], &[]]).await;
    let books = Books::default();
    let by_first = send(&house, &books, &message(1, Class::Service)).await;
    assert_eq!(in_state(&house, &by_first, State::Delivered).await["carrier"], "first");

    first.set_up(false).await;
    let alert = send(&house, &books, &message(2, Class::Alert)).await;
    let service = send(&house, &books, &message(3, Class::Service)).await;
    assert_eq!(in_state(&house, &alert, State::Delivered).await["carrier"], "second");
    assert_eq!(
        show(&house, &service).await["state"],
        "queued",
        "it waits for its own carrier a while"
    );
    assert_eq!(in_state(&house, &service, State::Delivered).await["carrier"], "second");

    first.set_up(true).await;
    first.until(LIMIT, "bound", 1).await;
    let back = send(&house, &books, &message(4, Class::Service)).await;
    assert_eq!(in_state(&house, &back, State::Delivered).await["carrier"], "first");
    assert!(daemon.stop().await.success());
    books
        .account(&house, &[&first, &second])
        .await
        .must_balance("fail-over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_goes_on_waits_or_ends_as_its_status_says() {
    let _stage = together().await;
    let (house, first, second, daemon) = two_steps([&[], &[]]).await;
    let status = |status, token: &str| FaultRule::always(Fault::Status(Status(status))).saying(token);
    first
        .set_faults(&[
            status(CommandStatus::ESME_RSUBMITFAIL, "#1 "),
            status(CommandStatus::ESME_RINVDSTADR, "#2 "),
            status(CommandStatus::ESME_RSYSERR, "#3 ").times(2),
            status(CommandStatus::ESME_RSYSERR, "#4 "),
        ])
        .await;
    let books = Books::default();
    let mut ids = Vec::new();
    for token in 1..=4 {
        ids.push(send(&house, &books, &message(token, Class::Service)).await);
    }
    let next = in_state(&house, &ids[0], State::Delivered).await;
    has(&next, json!({ "carrier": "second", "step": 1 }));
    let ended = in_state(&house, &ids[1], State::Failed).await;
    has(&ended, json!({ "reason": "invalid_destination", "code": 0x0B }));
    let later = in_state(&house, &ids[2], State::Delivered).await;
    has(&later, json!({ "carrier": "first", "attempts": 3 }));
    let tired = in_state(&house, &ids[3], State::Delivered).await;
    has(&tired, json!({ "carrier": "second", "attempts": 6 }));
    assert!(daemon.stop().await.success());
    books.account(&house, &[&first, &second]).await.must_balance("refusals");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negative_receipt_for_the_network_goes_on_and_one_for_the_number_ends() {
    let _stage = together().await;
    let (house, first, second, daemon) = two_steps([&["--undelivered", "1", "--error-code", "36"], &[]]).await;
    let books = Books::default();
    let network = send(&house, &books, &message(1, Class::Service)).await;
    let shown = in_state(&house, &network, State::Delivered).await;
    assert_eq!(shown["carrier"], "second", "{shown}");
    first.set_receipts(json!({ "error_code": 1 })).await;
    let number = send(&house, &books, &message(2, Class::Service)).await;
    let shown = in_state(&house, &number, State::Undelivered).await;
    has(&shown, json!({ "reason": "invalid_destination", "code": 1 }));
    assert!(daemon.stop().await.success());
    // The first message is with both carriers, and one of them said that it would not come.
    let taken = |carrier: &Carrier| carrier.ledger().submits.len();
    assert_eq!((taken(&first), taken(&second)), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_can_be_taken_back_expires_in_time_and_can_be_sent_again_by_a_person() {
    let _stage = together().await;
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "only", &[]);
    carrier.set_up(false).await;
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"only\"] }}]\n",
        carrier.section("")
    ));
    let daemon = house.start().await;
    let books = Books::default();

    let canceled = send(&house, &books, &message(1, Class::Service)).await;
    let answer = house
        .client()
        .delete(&format!("/v1/messages/{canceled}"))
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    has(&answer.json(), json!({ "state": "canceled" }));

    let brief = message(2, Class::Otp);
    books.ask(&brief);
    let mut body = brief.body();
    let over_at = Timestamp::from_millisecond(araldo::clock::Clock::system().now().0).unwrap() + 2.seconds();
    body["expires_at"] = over_at.to_string().into();
    let headers = [("content-type", "application/json".to_owned())];
    let answer = house
        .client()
        .request(
            hyper::Method::POST,
            "/v1/messages",
            &headers,
            body.to_string().into_bytes(),
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    books.accept(2, &answer.json());
    let expired = answer.json()["id"].as_str().unwrap().to_owned();
    let shown = in_state(&house, &expired, State::Expired).await;
    assert_eq!(shown["reason"], "validity_over", "{shown}");

    let answer = requeue(&house, &expired).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    has(&answer.json(), json!({ "state": "queued" }));
    carrier.set_up(true).await;
    let shown = in_state(&house, &expired, State::Delivered).await;
    let events: Vec<&str> = shown["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["event"].as_str().unwrap())
        .collect();
    assert!(events.contains(&"requeued"), "{events:?}");

    let answer = house.client().delete(&format!("/v1/messages/{expired}")).await.unwrap();
    assert_eq!(answer.status, 409, "{answer:?}");
    has(&answer.json(), json!({ "code": "already_submitted" }));
    let answer = requeue(&house, &expired).await;
    assert_eq!(answer.status, 409, "{answer:?}");
    has(&answer.json(), json!({ "code": "cannot_requeue" }));
    assert!(daemon.stop().await.success());
    assert_eq!(
        show_states(&house).await,
        [("canceled".to_owned(), 1), ("delivered".to_owned(), 1)]
    );
    books
        .account(&house, &[&carrier])
        .await
        .must_balance("cancel, expire, requeue");
}

async fn requeue(house: &House, id: &str) -> Answer {
    let path = format!("/admin/v1/messages/{id}/requeue");
    house.operator().post(&path).await.unwrap()
}

async fn show_states(house: &House) -> Vec<(String, i64)> {
    house.database().states().await.into_iter().collect()
}
