//! `GET /v1/stream`.

use std::net::SocketAddr;

use futures_util::StreamExt;
use hyper_util::rt::TokioIo;

use super::lists::text_to;
use super::server::served;
use super::*;

/// A stream that is read event by event.
struct Listener {
    body: axum::body::BodyDataStream,
    rest: String,
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    id: Option<u64>,
    event: String,
    data: Value,
    comment: String,
}

impl Listener {
    /// The next event with data; what stands before it is passed over.
    async fn event(&mut self) -> Told {
        loop {
            let told = self.next().await.expect("an event");
            if !told.event.is_empty() {
                return told;
            }
        }
    }

    /// What comes next; `None` at the end.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let told = read(block);
                self.rest = rest.to_owned();
                return Some(told);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next());
            let chunk = chunk.await.expect("in time")?.unwrap();
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// The lines of an event, as the specification of server-sent events reads them.
fn read(block: &str) -> Told {
    let mut told = Told::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap();
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => told.id = Some(value.parse().unwrap()),
            "event" => told.event = value.to_owned(),
            "data" => told.data = serde_json::from_str(value).unwrap(),
            "retry" => assert_eq!(value, "2000"),
            "" => told.comment = value.to_owned(),
            other => panic!("{other}"),
        }
    }
    told
}

/// A house with a client that may all, and one that may read alone.
async fn house() -> House {
    let mut config = config();
    config.http.max_streams = 2;
    let scopes = vec![Scope::Read, Scope::Send, Scope::Admin, Scope::Inbound];
    config.client.get_mut(&name("strict")).unwrap().scopes = scopes;
    House::with(&config, &settings(), Clock::manual(NOW)).await
}

impl House {
    async fn listen_as(&self, key: &str, path: &str, headers: &[(&str, &str)]) -> Listener {
        let request = request(Method::GET, path, key, headers, "");
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
        Listener {
            body: response.into_body().into_data_stream(),
            rest: String::new(),
        }
    }

    async fn listen(&self, path: &str) -> Listener {
        self.listen_as("bank-key", path, &[]).await
    }

    /// A message that is sent and taken back; its id.
    async fn cancel_one(&self, class: &str) -> String {
        let wish = json!({ "to": "+393331234567", "text": "Ciao", "class": class, "reference": class });
        let id = self.post(&wish).await.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(self.delete(&format!("/v1/messages/{id}")).await.status, 200);
        id
    }

    async fn text(&self, n: i64) {
        self.state.outbox.inbound(text_to("12345", n)).await.unwrap();
    }
}

#[tokio::test]
async fn what_happens_is_told_as_a_webhook_tells_it() {
    let house = house().await;
    house.cancel_one("otp").await;
    let mut listener = house.listen("/v1/stream").await;
    let begin = listener.next().await.unwrap();
    assert_eq!((begin.id, &*begin.event), (Some(1), ""), "from now on, and from where");
    let id = house.cancel_one("service").await;
    let told = listener.event().await;
    assert_eq!((told.id, &*told.event), (Some(2), "message.canceled"));
    let data = &told.data["data"];
    assert_eq!(
        (&data["id"], &data["to"], &data["state"], &data["reference"]),
        (
            &json!(id),
            &json!("+393331234567"),
            &json!("canceled"),
            &json!("service")
        )
    );
    assert_eq!(told.data["type"], "message.canceled");
    assert!(told.data["id"].as_str().unwrap().ends_with("_2"), "{}", told.data);
    house.text(1).await;
    let told = listener.event().await;
    assert_eq!((told.id, &*told.event), (Some(3), "inbound.received"));
    assert_eq!(told.data["data"]["text"], "SALDO");
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_id_that_is_named() {
    let house = house().await;
    for class in ["otp", "alert", "service"] {
        house.cancel_one(class).await;
    }
    let mut all = house
        .listen_as("bank-key", "/v1/stream", &[("last-event-id", "0")])
        .await;
    for id in 1..=3 {
        assert_eq!(all.event().await.id, Some(id));
    }
    // The header counts: who connects again sends it to the address that he began with.
    let path = "/v1/stream?last_event_id=0";
    let mut some = house.listen_as("bank-key", path, &[("last-event-id", "2")]).await;
    assert_eq!(some.event().await.id, Some(3));
}

#[tokio::test]
async fn filters_choose_by_kind_state_and_class() {
    let house = house().await;
    for class in ["otp", "alert", "service"] {
        house.cancel_one(class).await;
    }
    house.text(1).await;
    for (filter, ids) in [
        ("class=otp,service", vec![1, 3]),
        ("state=canceled,delivered", vec![1, 2, 3]),
        ("event=inbound.received", vec![4]),
        ("event=inbound.received&state=canceled", vec![1, 2, 3, 4]),
        ("state=delivered", vec![]),
        ("class=alert&event=message.canceled", vec![2]),
    ] {
        let mut listener = house.listen(&format!("/v1/stream?last_event_id=0&{filter}")).await;
        for id in ids {
            assert_eq!(listener.event().await.id, Some(id), "{filter}");
        }
        let more = tokio::time::timeout(Duration::from_millis(20), listener.event());
        assert!(more.await.is_err(), "{filter}");
    }
}

#[tokio::test]
async fn texts_and_others_are_told_only_to_who_may_hear_them() {
    let house = house().await;
    house.cancel_one("otp").await;
    house.text(1).await;
    let refused = house
        .call(request(
            Method::GET,
            "/v1/stream?event=inbound.received",
            "reader-key",
            &[],
            "",
        ))
        .await;
    assert_eq!(refused.is_problem(403, "scope_missing")["need"], "inbound");
    let refused = house.get("/v1/stream?client=shop").await;
    assert_eq!(refused.is_problem(403, "scope_missing")["need"], "admin");
    house
        .call(request(Method::GET, "/v1/stream", "", &[], ""))
        .await
        .is_problem(401, "unauthenticated");

    let all = "/v1/stream?last_event_id=0";
    for (key, path, ids) in [
        ("reader-key", all.to_owned(), vec![]),
        ("strict-key", all.to_owned(), vec![]),
        ("strict-key", format!("{all}&client=bank"), vec![1, 2]),
    ] {
        let mut listener = house.listen_as(key, &path, &[]).await;
        for id in ids {
            assert_eq!(listener.event().await.id, Some(id), "{path}");
        }
        let more = tokio::time::timeout(Duration::from_millis(20), listener.event());
        assert!(more.await.is_err(), "{key} {path}");
    }
}

#[tokio::test]
async fn parameters_that_cannot_be_followed_are_said() {
    let house = house().await;
    for (query, status, code) in [
        ("state=lost", 422, "invalid_state"),
        ("state=queued", 422, "invalid_state"),
        ("state=", 422, "invalid_state"),
        ("event=message.unheard", 422, "invalid_event_type"),
        ("class=otp,", 422, "invalid_class"),
        ("last_event_id=x", 400, "invalid_cursor"),
        ("last_event_id=-1", 400, "invalid_cursor"),
        ("since=1", 400, "invalid_query"),
        ("class=otp&class=alert", 400, "invalid_query"),
    ] {
        house.get(&format!("/v1/stream?{query}")).await.is_problem(status, code);
    }
    let unknown = request(Method::GET, "/v1/stream?client=nobody", "strict-key", &[], "");
    house.call(unknown).await.is_problem(422, "unknown_client");
    let json = [("accept", "application/json")];
    let unreadable = request(Method::GET, "/v1/stream", "bank-key", &json, "");
    house.call(unreadable).await.is_problem(406, "not_acceptable");
    let sse = [("accept", "text/event-stream")];
    house.listen_as("bank-key", "/v1/stream", &sse).await;
}

#[tokio::test]
async fn a_client_has_so_many_streams_and_a_closed_one_makes_room() {
    let house = house().await;
    let first = house.listen("/v1/stream").await;
    let _second = house.listen("/v1/stream").await;
    let third = house.get("/v1/stream").await;
    assert_eq!(third.is_problem(429, "too_many_streams")["limit"], 2);
    assert_eq!(third.header("retry-after"), Some("1"));
    house.listen_as("reader-key", "/v1/stream", &[]).await;
    drop(first);
    house.listen("/v1/stream").await;
}

#[tokio::test]
async fn an_id_that_is_unknown_or_forgotten_gets_all_that_is_kept_and_is_told_so() {
    let house = house().await;
    house.cancel_one("otp").await;
    house.cancel_one("alert").await;
    let mut listener = house.listen("/v1/stream?last_event_id=77").await;
    let gap = listener.event().await;
    assert_eq!((gap.id, &*gap.event), (None, "stream.gap"));
    assert_eq!(gap.data["data"], json!({ "after": 77, "reason": "unknown_id" }));
    assert_eq!(listener.event().await.id, Some(1));

    let before = NOW.after(Duration::from_secs(1));
    let prune = crate::store::Prune {
        after: 0,
        step: 10,
        ended_before: before,
        keys_before: before,
        parked_before: before,
        notices_after: 0,
    };
    house.state.outbox.prune(prune).await.unwrap();
    house.clock.set(before.after(Duration::from_secs(1)));
    house.cancel_one("service").await;
    listener = house.listen("/v1/stream?last_event_id=1").await;
    let gap = listener.event().await;
    let forgotten = json!({ "after": 1, "reason": "forgotten", "at_most": 1 });
    assert_eq!((&*gap.event, &gap.data["data"]), ("stream.gap", &forgotten));
    assert_eq!(listener.event().await.id, Some(3));
    listener = house.listen("/v1/stream?last_event_id=2").await;
    assert_eq!(listener.event().await.id, Some(3), "nothing is missing");
}

#[tokio::test]
async fn operators_hear_of_all_with_numbers_masked() {
    let desk = super::admin::Desk::of(house().await);
    desk.house.cancel_one("otp").await;
    desk.house.text(1).await;
    let open = async |query: &str| {
        let headers = [("host", "127.0.0.1:8481")];
        let path = format!("/admin/v1/stream?last_event_id=0{query}");
        let request = request(Method::GET, &path, "the-token", &headers, "");
        let response = desk.admin.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Listener {
            body: response.into_body().into_data_stream(),
            rest: String::new(),
        }
    };
    let mut masked = open("").await;
    assert_eq!(masked.event().await.data["data"]["to"], "+39333***4567");
    let text = masked.event().await.data;
    assert_eq!(
        (&text["data"]["text"], &text["data"]["from"]),
        (&Value::Null, &json!("39333***4567"))
    );
    let mut whole = open("&reveal=true&client=bank&event=inbound.received").await;
    assert_eq!(whole.event().await.data["data"]["text"], "SALDO");
}

/// Over a real connection; dropping it hangs up. Asks again, as a client does, until the server has seen that an earlier
/// one is gone.
async fn connect(at: SocketAddr, known: Option<u64>) -> Listener {
    for _ in 0..1_000 {
        let response = ask(at, known).await;
        if response.status() == 429 {
            continue;
        }
        assert_eq!(response.status(), 200);
        return Listener {
            body: Body::new(response.into_body()).into_data_stream(),
            rest: String::new(),
        };
    }
    panic!("no place came free");
}

async fn ask(at: SocketAddr, known: Option<u64>) -> hyper::Response<hyper::body::Incoming> {
    let stream = tokio::net::TcpStream::connect(at).await.unwrap();
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let known = known.map(|id| id.to_string());
    let headers: Vec<_> = known.iter().map(|id| ("last-event-id", &**id)).collect();
    let request = request(Method::GET, "/v1/stream", "bank-key", &headers, "");
    send.send_request(request).await.unwrap()
}

#[tokio::test]
async fn who_hangs_up_again_and_again_misses_nothing_and_hears_nothing_twice() {
    const MESSAGES: u64 = 120;
    let served = served(|_| {}).await;
    let (mut known, mut heard) = (None, Vec::new());
    let mut listener = connect(served.at, known).await;
    known = listener.next().await.unwrap().id;
    let work = async {
        for _ in 0..MESSAGES {
            served.house.cancel_one("service").await;
        }
    };
    let listening = async {
        let mut turn = 0;
        while heard.len() < usize::try_from(MESSAGES).unwrap() {
            turn += 1;
            // Some connections end before they have brought anything.
            for _ in 0..turn % 5 {
                let told = listener.event().await;
                known = told.id;
                heard.push(told.id.unwrap());
                if heard.len() == usize::try_from(MESSAGES).unwrap() {
                    break;
                }
            }
            listener = connect(served.at, known).await;
        }
    };
    tokio::join!(work, listening);
    assert_eq!(heard, (1..=MESSAGES).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stop_ends_every_stream_cleanly_and_does_not_wait() {
    let served = served(|settings| settings.drain = PATIENCE * 10).await;
    let mut listener = connect(served.at, None).await;
    listener.next().await.unwrap();
    served.house.cancel_one("otp").await;
    assert_eq!(listener.event().await.id, Some(1));
    served.stop.cancel();
    assert_eq!(listener.next().await, None, "the end, not a cut");
    let stopped = tokio::time::timeout(PATIENCE, served.task);
    stopped.await.expect("in time").unwrap().unwrap();
}
