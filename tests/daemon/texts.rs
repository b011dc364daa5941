//! A text on its way through a carrier with an alphabet, a clock and a taste of its own.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::support::carrier::Carrier;
use crate::support::daemon::House;
use crate::support::{together, until};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_written_read_and_dated_as_its_carrier_is_configured() {
    let _stage = together().await;
    let house = House::new("");
    let carrier = Carrier::start(house.path(), "c", &["--default-alphabet", "latin1"]);
    let ways = "default_alphabet = \"latin1\"\nsmart = true\ntime_zone = \"+01:00\"";
    house.configure(&format!(
        "{}[route.all]\nsteps = [{{ carriers = [\"c\"] }}]\n",
        carrier.section(ways)
    ));
    let daemon = house.start().await;
    let wish = json!({ "to": "+393331234567", "from": "Bank", "text": "Il caffè “è” pronto", "flash": true });
    let headers = [("content-type", "application/json".to_owned())];
    let mut client = house.client();
    let answer = client.request(Method::POST, "/v1/messages", &headers, wish.to_string().into_bytes());
    let answer = answer.await.unwrap().json();
    assert_eq!(
        (&answer["encoding"], &answer["characters_replaced"]),
        (&json!("gsm7"), &json!(["“", "”"])),
        "{answer}"
    );
    let path = format!("/v1/messages/{}", answer["id"].as_str().unwrap());
    let message = until(LIMIT, "it is delivered", async || {
        let message = client.get(&path).await.ok()?.json();
        (message["state"] == "delivered").then_some(message)
    })
    .await;
    assert_eq!(
        (&message["text"], &message["flash"]),
        (&json!("Il caffè \"è\" pronto"), &json!(true))
    );
    // The carrier's clock stands at UTC and is said to stand an hour ahead: its date is that much in the past.
    let time = |field: &Value| field.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let behind = time(&message["final_at"]).duration_since(time(&message["done_at"]));
    assert!((3_600..3_720).contains(&behind.as_secs()), "{message}");
    assert!(daemon.stop().await.success());
    // Latin-1 in the octets, under the data_coding of a flash message.
    let ledger = std::fs::read_to_string(carrier.ledger_file()).unwrap();
    let submit = ledger.lines().find(|line| line.contains("\"submit_sm\"")).unwrap();
    let octets = hex::encode(b"\x10\x00\x13Il caff\xE8 \"\xE8\" pronto");
    assert!(submit.contains(&octets), "{submit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn carriers_with_references_of_two_sizes_send_what_was_counted() {
    let _stage = together().await;
    let house = House::new("");
    let narrow = Carrier::start(house.path(), "narrow", &[]);
    let wide = Carrier::start(house.path(), "wide", &[]);
    house.configure(&format!(
        "{}{}[route.all]\nsteps = [{{ carriers = [\"narrow\", \"wide\"] }}]\n",
        narrow.section("long_message = \"udh8\""),
        wide.section("long_message = \"udh16\""),
    ));
    let daemon = house.start().await;
    let headers = [("content-type", "application/x-ndjson".to_owned())];
    // Two segments with a reference of 8 bits, three with one of 16.
    let lines: String = (10..50)
        .map(|n| {
            format!(
                "{}\n",
                json!({ "to": format!("+3933312345{n}"), "from": "Bank", "text": "x".repeat(306) })
            )
        })
        .collect();
    let mut client = house.client();
    let answer = client.request(Method::POST, "/v1/messages", &headers, lines.into_bytes());
    for line in answer.await.unwrap().lines() {
        assert_eq!(line["segments"], 2, "{line}");
    }
    house.settled(LIMIT).await;
    assert!(daemon.stop().await.success());
    assert_eq!(house.database().states().await, [("delivered".to_owned(), 40)].into());
    let taken = (narrow.count("accepted").await, wide.count("accepted").await);
    assert!(taken.0 > 0 && taken.1 > 0 && taken.0 + taken.1 == 80, "{taken:?}");
}
