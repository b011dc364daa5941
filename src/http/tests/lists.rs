use super::*;
use crate::domain::BindRef;
use crate::store::NewInbound;

#[tokio::test]
async fn walking_the_cursor_shows_every_message_once_newest_first() {
    let house = House::new().await;
    let mut sent = Vec::new();
    for at in 0..7 {
        house.clock.set(NOW.after(Duration::from_secs(at)));
        sent.push(house.post(&wish()).await.json()["id"].clone());
    }
    sent.reverse();
    let (mut seen, mut path) = (Vec::new(), "/v1/messages?limit=3&class=service".to_owned());
    loop {
        let page = house.get(&path).await;
        let view = page.json();
        seen.extend(
            view["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|message| message["id"].clone()),
        );
        let Some(next) = view["next"].as_str() else { break };
        let link = page.header("link").unwrap();
        assert_eq!(
            link,
            format!("</v1/messages?limit=3&class=service&after={next}>; rel=\"next\"")
        );
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn filters_narrow_the_list_to_the_caller_s_own() {
    let house = House::new().await;
    house
        .post(&json!({ "to": "+393331234567", "text": "a", "class": "otp", "reference": "r1" }))
        .await;
    house.post(&json!({ "to": "+393337654321", "text": "b" })).await;
    let body = json!({ "to": "+393331234567", "text": "c", "from": "Shop" }).to_string();
    house
        .call(request(Method::POST, "/v1/messages", "shop-key", &[], body))
        .await;
    for (query, count) in [
        ("", 2),
        ("?class=otp", 1),
        ("?state=queued", 2),
        ("?state=delivered", 0),
        ("?to=%2B393337654321", 1),
        ("?to=+393337654321", 1),
        ("?reference=r1", 1),
        ("?reference=r1&class=service", 0),
    ] {
        let page = house.get(&format!("/v1/messages{query}")).await.json();
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
    }
    let message = &house.get("/v1/messages").await.json()["data"][0];
    assert_eq!(message.get("timeline"), None, "a list is brief");
}

pub(super) fn text_to(address: &str, at: i64) -> NewInbound {
    NewInbound {
        id: crate::clock::inbound_id(UnixMillis(at)),
        bind: BindRef {
            carrier: name("tim"),
            bind: 0,
        },
        from: "393331234567".into(),
        to: address.into(),
        data_coding: 0,
        esm_class: 0,
        octets: bytes::Bytes::from_static(b"SALDO"),
        text: Some("SALDO".into()),
        code: None,
        lossy: false,
        segment: None,
        carrier_message_id: None,
        digest: [u8::try_from(at).unwrap(); 32],
        losses: Vec::new(),
        at: UnixMillis(at),
        note: None,
        handled: None,
        consents: Vec::new(),
        answers: Vec::new(),
    }
}

#[tokio::test]
async fn inbound_texts_are_heard_by_the_client_of_their_address_alone() {
    let mut config = config();
    for client in config.client.values_mut() {
        client.scopes.push(Scope::Inbound);
    }
    let house = House::with(&config, &settings(), Clock::manual(NOW)).await;
    for (at, address) in (1..).zip(["12345", "3933399", "+3933399", "99999"]) {
        house.state.outbox.inbound(text_to(address, at)).await.unwrap();
    }
    let heard = |key: &'static str| {
        let house = &house;
        async move {
            let page = house
                .call(request(Method::GET, "/v1/inbound", key, &[], ""))
                .await
                .json();
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|text| text["to"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(heard("bank-key").await, ["12345"]);
    assert_eq!(
        heard("shop-key").await,
        ["+3933399", "3933399"],
        "with and without plus"
    );
    assert_eq!(heard("strict-key").await, Vec::<String>::new());
    let page = house
        .call(request(Method::GET, "/v1/inbound", "bank-key", &[], ""))
        .await
        .json();
    assert_eq!(
        (&page["data"][0]["text"], &page["data"][0]["from"]),
        (&json!("SALDO"), &json!("393331234567"))
    );
    assert!(page["data"][0]["id"].as_str().unwrap().starts_with("in_"));
}
