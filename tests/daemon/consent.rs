//! STOP by text: from the commit of the text on nothing but its answer goes to that person, whatever dies.

use std::time::Duration;

use araldo::consent::Words;
use hyper::Method;
use rand::RngExt;
use serde_json::{Value, json};

use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::http::Http;
use crate::support::ledger::Ledger;
use crate::support::seed::{rng, seed};
use crate::support::{alone, together, until};

const LIMIT: Duration = Duration::from_secs(30);
const ADDRESS: &str = "[address.\"12345\"]\nclient = \"bank\"\n";

async fn send(client: &mut Http, to: &str, class: &str) -> Value {
    let wish = json!({ "to": to, "from": "12345", "text": "Sconti", "class": class });
    let headers = [("content-type", "application/json".to_owned())];
    let answer = client.request(Method::POST, "/v1/messages", &headers, wish.to_string().into_bytes());
    let answer = answer.await.unwrap();
    assert_eq!(answer.status.as_u16(), 202, "{answer:?}");
    answer.json()
}

async fn states(client: &mut Http, to: &str) -> Vec<(String, String)> {
    let page = client
        .get(&format!("/v1/messages?to=%2B{to}&limit=1000"))
        .await
        .unwrap()
        .json();
    let words = |row: &Value| ["class", "state"].map(|word| row[word].as_str().unwrap().to_owned());
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(words).map(|[class, state]| (class, state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_by_text_ends_what_waits_and_what_comes_and_is_answered_once() {
    let _stage = together().await;
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "c", &[]);
    // A slow carrier, so that offers wait.
    house.configure(&format!(
        "{ADDRESS}{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
        carrier.section("throughput = 5\nwindow = 20")
    ));
    let daemon = house.start().await;
    carrier.until(LIMIT, "bound", 1).await;
    let (person, other) = ("393331234567", "393337654321");
    let mut client = house.client();
    for _ in 0..60 {
        send(&mut client, &format!("+{person}"), "marketing").await;
    }
    send(&mut client, &format!("+{other}"), "marketing").await;
    assert!(carrier.text(person, "12345", "Stop!!").await.is_some());
    // The carrier was answered: what is sent from here on is what was on its way, and the answer.
    let told = states(&mut client, person).await;
    let waiting = told
        .iter()
        .filter(|(class, state)| class == "marketing" && (state == "queued" || state == "scheduled"));
    assert_eq!(waiting.count(), 0, "{told:?}");
    assert!(
        told.iter().filter(|(_, state)| state == "suppressed").count() > 30,
        "{told:?}"
    );
    assert_eq!(
        send(&mut client, &format!("+{person}"), "service").await["state"],
        "suppressed"
    );
    let code = send(&mut client, &format!("+{person}"), "otp").await;
    assert_eq!(code["state"], "queued");
    until(LIMIT, "all is settled", async || {
        let mut told = states(&mut client, person).await;
        told.extend(states(&mut client, other).await);
        let done = |state: &str| state == "delivered" || state == "suppressed";
        told.iter().all(|(_, state)| done(state)).then_some(())
    })
    .await;
    let replies: Vec<_> = states(&mut client, person)
        .await
        .into_iter()
        .filter(|(class, _)| class == "reply")
        .collect();
    assert_eq!(replies, [("reply".to_owned(), "delivered".to_owned())]);
    let texts = Ledger::texts(carrier.ledger_file());
    let to_person: Vec<&str> = texts
        .iter()
        .filter(|(to, _)| to == person)
        .map(|(_, text)| text.as_str())
        .collect();
    assert_eq!(
        to_person.iter().filter(|text| text.contains("START")).count(),
        1,
        "{to_person:?}"
    );
    let shown = house.araldo(&["consent", "show", person]);
    assert_eq!(shown["consents"][0]["state"], "opted_out");
    assert_eq!(shown["consents"][0]["source"], "sms");
    assert!(carrier.text(person, "12345", "start").await.is_some());
    assert_eq!(
        send(&mut client, &format!("+{person}"), "service").await["state"],
        "queued"
    );
    assert!(daemon.stop().await.success());
}

/// Ways of writing STOP.
const SPELLINGS: &str = include_str!("../../src/consent/words/spellings.txt");

#[tokio::test(flavor = "multi_thread")]
async fn stop_in_two_hundred_spellings_ends_what_waits_and_what_comes() {
    let _stage = alone().await;
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "c", &[]);
    house.configure(&format!(
        "[two_way]\naddress_per_minute = 0\n{ADDRESS}{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
        carrier.section("throughput = 1\nwindow = 1")
    ));
    let daemon = house.start().await;
    carrier.until(LIMIT, "bound", 1).await;
    let mut client = house.client();
    let stops = SPELLINGS.lines().filter_map(|line| line.strip_prefix("stop: "));
    let spellings: Vec<&str> = stops.flat_map(|line| line.split('|')).collect();
    assert!(spellings.len() >= 200, "{}", spellings.len());
    // A slow carrier takes a few of the offers before their STOP; the others wait for it.
    let person = |n: usize| format!("39333{:07}", 6_000_000 + n);
    for n in 0..spellings.len() {
        send(&mut client, &format!("+{}", person(n)), "marketing").await;
    }
    let words = Words::new([], []);
    let mut waited = 0;
    for (n, spelling) in spellings.iter().enumerate() {
        let taken = carrier.text(&person(n), "12345", spelling).await;
        assert_eq!(taken.unwrap(), ["ESME_ROK"], "{spelling:?}");
        let ended = async |client: &mut Http| {
            let told = states(client, &person(n)).await;
            let offer = told.into_iter().find(|(class, _)| class == "marketing").unwrap().1;
            (offer != "queued" && offer != "scheduled").then_some(offer)
        };
        let mut offer = ended(&mut client).await;
        // What answers a question where one waits is obeyed once it is known that none does.
        if words.hear(spelling).is_some_and(|spoken| spoken.soft) {
            offer = Some(until(LIMIT, "the offer ends", async || ended(&mut client).await).await);
        }
        let offer = offer.unwrap_or_else(|| panic!("{spelling:?}: the offer waits"));
        waited += usize::from(offer == "suppressed");
        let state = send(&mut client, &format!("+{}", person(n)), "marketing").await;
        assert_eq!(state["state"], "suppressed", "{spelling:?}");
    }
    assert!(
        waited * 10 > spellings.len() * 8,
        "{waited} of {} waited",
        spellings.len()
    );
    assert!(daemon.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_a_stop_it_is_obeyed_if_it_was_answered() {
    let _stage = together().await;
    let seed = seed("consent");
    let mut moments = rng(seed, 1);
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "c", &["--receipt-delay", "10ms..50ms"]);
    house.configure(&format!(
        "[outbox]\ndoubt_hold = \"1s\"\nrescue_interval = \"200ms\"\n{ADDRESS}{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
        carrier.section("throughput = 50")
    ));
    let mut daemon = house.start().await;
    let people: Vec<String> = (0..8).map(|n| format!("39333000000{n}")).collect();
    for (taken, person) in (1..).zip(&people) {
        carrier.until(LIMIT, "bound", 1).await;
        let mut client = house.client();
        for _ in 0..20 {
            send(&mut client, &format!("+{person}"), "marketing").await;
        }
        let stop = carrier.text_when_bound(LIMIT, person, "12345", "STOP");
        let pause = tokio::time::sleep(Duration::from_micros(moments.random_range(0..4_000)));
        // Dies while the text is on its way, or just after it was answered; the carrier brings it again till it is.
        let died = async {
            pause.await;
            daemon.kill();
            house.start().await
        };
        (daemon, _) = tokio::join!(died, stop);
        carrier.until(LIMIT, "mos_taken", taken).await;
        let mut client = house.client();
        let state = send(&mut client, &format!("+{person}"), "service").await;
        assert_eq!(state["state"], "suppressed", "{person}");
    }
    let mut client = house.client();
    for person in &people {
        until(LIMIT, "all has ended", async || {
            let told = states(&mut client, person).await;
            let open = ["queued", "scheduled", "claimed", "uncertain"];
            told.iter()
                .all(|(_, state)| !open.contains(&state.as_str()))
                .then_some(())
        })
        .await;
        let replies = states(&mut client, person)
            .await
            .iter()
            .filter(|(class, _)| class == "reply")
            .count();
        assert_eq!(replies, 1, "one answer to {person}");
    }
    assert!(daemon.stop().await.success());
}
