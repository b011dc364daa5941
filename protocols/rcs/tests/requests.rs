//! Requests against the samples and against a JSON Schema validator that is not ours.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::time::Duration;

use araldo_rcs::message::{CardContent, CardWidth, CarouselCard, Content, Expiry, RichCard, Suggestion, TrafficType};
use araldo_rcs::{AgentEvent, AgentId, AgentMessage, Api, Msisdn, Problem, Region, Violations};
use bytes::Bytes;
use http::{Method, Request};
use jiff::ToSpan;
use serde_json::{Value, json};
use support::messages::messages;
use support::{assert_valid, entry, index, json_of, now, sample, sample_json, schema};
use uuid::{Uuid, uuid};

mod support;

const ID: Uuid = uuid!("a8ae7a65-9aa3-558c-aa00-e845dbe5f0cc");

fn api() -> Api {
    Api::new(Region::Europe.base(), AgentId::parse("harbour_bank_demo").unwrap()).unwrap()
}

fn to() -> Msisdn {
    Msisdn::parse("+447700900123").unwrap()
}

fn users(last_digits: std::ops::RangeInclusive<u32>) -> Vec<Msisdn> {
    last_digits
        .map(|digits| Msisdn::parse(&format!("+447700{digits:06}")).unwrap())
        .collect()
}

/// Method, path and names in the query, as the index has them.
fn assert_addressed(file: &str, request: &Request<Bytes>) {
    let entry = entry(file);
    let path = entry["path"].as_str().unwrap();
    let path = path
        .replace("{E.164}", "+447700900123")
        .replace("{messageId}", &ID.to_string());
    assert_eq!(request.method().as_str(), entry["method"], "{file}");
    assert_eq!(request.uri().path(), path, "{file}");
    assert_eq!(
        request.uri().host(),
        Some("europe-rcsbusinessmessaging.googleapis.com"),
        "{file}"
    );
    let query = request.uri().query().unwrap_or_default();
    let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let names: Vec<_> = query.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(json!(names), entry["query"], "{file}");
    for (name, value) in query {
        assert_eq!(
            value,
            if name == "agentId" {
                "harbour_bank_demo".into()
            } else {
                ID.to_string()
            },
            "{file}"
        );
    }
}

#[test]
fn messages_are_sent_as_the_samples_have_them() {
    for (file, message) in messages() {
        let request = api().send(&to(), ID, &message, now()).unwrap();
        assert_addressed(file, &request);
        assert_eq!(request.headers()["content-type"], "application/json");
        let body = json_of(request.body());
        assert_valid(file, &body);
        if file == "send-file-legacy-filename.request.json" {
            // Read, but never written.
            assert_eq!(
                body["contentMessage"].as_object().unwrap().keys().collect::<Vec<_>>(),
                ["uploadedRbmFile"]
            );
        } else {
            assert_eq!(body, sample_json(file), "{file}");
        }
    }
    assert_eq!(messages().len(), 19);
}

#[test]
fn samples_of_messages_are_read_as_the_messages_they_are() {
    for (file, message) in messages() {
        assert_eq!(AgentMessage::from_json(&sample(file)).unwrap(), message, "{file}");
    }
}

#[test]
fn every_sample_of_a_request_is_built() {
    let others = [
        "agent-event-typing.request.json",
        "agent-event-read.request.json",
        "batchget.request.json",
        "file-create-url.request.json",
        // The management API and agents of Dialogflow, which are not built here.
        "tester-create.request.json",
        "dialogflow-event.request.json",
    ];
    let built: Vec<_> = messages().into_iter().map(|(file, _)| file).chain(others).collect();
    for entry in index() {
        let file = entry["file"].as_str().unwrap();
        if entry["kind"] == "request" && entry["expect"] != "invalid" {
            assert!(built.contains(&file), "{file}");
        }
    }
}

#[test]
fn invalid_messages_are_refused_with_the_member_named() {
    let refused = [
        "send-limits-over.request.json",
        "send-two-contents.request.json",
        "send-ttl-and-expiretime.request.json",
    ];
    let said = refused.map(|file| refusal_of(&sample(file)));
    let labels: String = (0..12)
        .map(|index| {
            format!(", contentMessage.suggestions[{index}].reply.text: has 26 UTF-16 units, 25 are allowed: shorten it")
        })
        .collect();
    assert_eq!(
        said,
        [
            format!(
                "contentMessage.text: has 3073 UTF-16 units, 3072 are allowed: shorten it, \
                 contentMessage.suggestions: has 12 items, 0 to 11 are allowed{labels}"
            ),
            "contentMessage: has both `text` and `contentInfo`: keep one".to_owned(),
            "has both `ttl` and `expireTime`: keep one".to_owned(),
        ]
    );
    let invalid: Vec<_> = index()
        .into_iter()
        .filter(|entry| entry["expect"] == "invalid")
        .collect();
    assert_eq!(invalid.len(), refused.len());
    for file in refused {
        assert!(!schema("AgentMessage").is_valid(&sample_json(file)), "{file}");
    }
}

/// What is said of a message that is refused, wherever that happens.
fn refusal_of(json: &[u8]) -> String {
    let message = match AgentMessage::from_json(json) {
        Ok(message) => message,
        Err(error) => return error.to_string(),
    };
    let violations = message.check(now()).unwrap_err();
    violations
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What is wrong with a message, by path.
fn paths_of(message: &Value) -> Vec<String> {
    match AgentMessage::from_json(message.to_string().as_bytes()) {
        Err(error) => vec![format!("! {}", error.path)],
        Ok(message) => match message.to_json(now()) {
            Ok(_) => Vec::new(),
            Err(violations) => violations.iter().map(|violation| violation.path.clone()).collect(),
        },
    }
}

/// The sample with the member at a JSON pointer replaced, or added to its object.
fn changed(file: &str, pointer: &str, value: Value) -> Value {
    let mut message = sample_json(file);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = message.pointer_mut(parent).unwrap();
    match parent.as_array_mut() {
        Some(items) => items[name.parse::<usize>().unwrap()] = value,
        None => parent[name] = value,
    }
    message
}

#[test]
fn every_limit_holds_at_its_edge_and_breaks_beyond_it() {
    const TEXT: &str = "send-text.request.json";
    const ACTIONS: &str = "send-text-all-actions.request.json";
    const CARD: &str = "send-card-vertical.request.json";
    const CAROUSEL: &str = "send-carousel.request.json";
    let url = |length: usize| json!(format!("https://e.example/{}", "a".repeat(length - 18)));
    let units = |length: usize| json!("x".repeat(length));
    let replies = |count: usize| json!(vec![json!({"reply": {"text": "a", "postbackData": "b"}}); count]);
    let cards = |count: usize| json!(vec![json!({"title": "a"}); count]);
    let action = "/contentMessage/suggestions";
    let card = "/contentMessage/richCard/standaloneCard/cardContent";
    let carousel = "/contentMessage/richCard/carouselCard";
    for (file, pointer, good, bad) in [
        (TEXT, "/contentMessage/text".to_owned(), units(3_072), units(3_073)),
        (
            TEXT,
            "/contentMessage/text".to_owned(),
            json!("😀".repeat(1_536)),
            json!("😀".repeat(1_537)),
        ),
        (TEXT, "/contentMessage/text".to_owned(), units(1), units(0)),
        (TEXT, "/contentMessage/suggestions".to_owned(), replies(11), replies(12)),
        (TEXT, "/ttl".to_owned(), json!("1296000s"), json!("1296000.001s")),
        (TEXT, "/ttl".to_owned(), json!("0.001s"), json!("0s")),
        (
            TEXT,
            "/expireTime".to_owned(),
            json!("2026-03-19T09:15:00Z"),
            json!("2026-03-19T09:15:01Z"),
        ),
        (
            TEXT,
            "/expireTime".to_owned(),
            json!("2026-03-04T09:15:01Z"),
            json!("2026-03-04T09:15:00Z"),
        ),
        (ACTIONS, format!("{action}/0/action/text"), units(25), units(26)),
        (
            ACTIONS,
            format!("{action}/0/action/postbackData"),
            units(2_048),
            units(2_049),
        ),
        (ACTIONS, format!("{action}/0/action/postbackData"), units(1), units(0)),
        (
            ACTIONS,
            format!("{action}/0/action/fallbackUrl"),
            url(2_048),
            url(2_049),
        ),
        (
            ACTIONS,
            format!("{action}/0/action/dialAction/phoneNumber"),
            json!("*123#"),
            json!("12 34"),
        ),
        (
            ACTIONS,
            format!("{action}/0/action/dialAction/phoneNumber"),
            json!("112"),
            json!(""),
        ),
        (
            ACTIONS,
            format!("{action}/1/action/openUrlAction/url"),
            url(2_048),
            url(2_049),
        ),
        (
            ACTIONS,
            format!("{action}/1/action/openUrlAction/url"),
            json!("geo:51.5,-0.1"),
            json!("www.example.com"),
        ),
        (
            ACTIONS,
            format!("{action}/1/action/openUrlAction/url"),
            json!("tel:+44"),
            json!("https://e.example/a b"),
        ),
        (
            ACTIONS,
            format!("{action}/3/action/viewLocationAction/latLong/latitude"),
            json!(-90.0),
            json!(-90.1),
        ),
        (
            ACTIONS,
            format!("{action}/3/action/viewLocationAction/latLong/longitude"),
            json!(180),
            json!(180.1),
        ),
        (
            ACTIONS,
            format!("{action}/4/action/viewLocationAction"),
            json!({"query": "a"}),
            json!({"label": "a"}),
        ),
        (
            ACTIONS,
            format!("{action}/6/action/createCalendarEventAction/title"),
            units(100),
            units(101),
        ),
        (
            ACTIONS,
            format!("{action}/6/action/createCalendarEventAction/title"),
            units(1),
            units(0),
        ),
        (
            ACTIONS,
            format!("{action}/6/action/createCalendarEventAction/description"),
            units(500),
            units(501),
        ),
        (CARD, format!("{card}/title"), units(200), units(201)),
        (CARD, format!("{card}/description"), units(2_000), units(2_001)),
        (CARD, format!("{card}/suggestions"), replies(4), replies(5)),
        (CARD, card.to_owned(), json!({"title": "a"}), json!({"suggestions": []})),
        (
            CARD,
            format!("{card}/media/contentInfo/fileUrl"),
            url(2_048),
            url(2_049),
        ),
        (
            CARD,
            format!("{card}/media/contentInfo/thumbnailUrl"),
            url(2_048),
            json!("ftp://e.example/a"),
        ),
        (
            CARD,
            format!("{card}/media"),
            json!({"fileName": "files/1"}),
            json!({"fileName": "1"}),
        ),
        (CAROUSEL, format!("{carousel}/cardContents"), cards(2), cards(1)),
        (CAROUSEL, format!("{carousel}/cardContents"), cards(10), cards(11)),
        (
            CAROUSEL,
            format!("{carousel}/cardContents/1/media/height"),
            json!("SHORT"),
            json!("TALL"),
        ),
    ] {
        let path = pointer[1..]
            .split('/')
            .fold(String::new(), |path, name| match name.parse::<usize>() {
                Ok(index) => format!("{path}[{index}]"),
                Err(_) if path.is_empty() => name.to_owned(),
                Err(_) => format!("{path}.{name}"),
            });
        let good = changed(file, &pointer, good);
        assert_eq!(paths_of(&good), [""; 0], "{path}");
        assert_valid(file, &good);
        let [broken] = &paths_of(&changed(file, &pointer, bad))[..] else {
            panic!("{path}: one violation")
        };
        // Of a card or of media it may be a member that is named.
        assert!(broken.starts_with(&path), "{path}: {broken}");
    }
}

#[test]
fn what_json_cannot_say_is_refused_with_its_path() {
    const ACTIONS: &str = "send-text-all-actions.request.json";
    for (pointer, value, path) in [
        ("/contentMessage/text", json!(1), "contentMessage.text"),
        ("/contentMessage/suggestions", json!({}), "contentMessage.suggestions"),
        (
            "/contentMessage/suggestions/0",
            json!({}),
            "contentMessage.suggestions[0]",
        ),
        (
            "/contentMessage/suggestions/0/reply",
            json!({"text": "a", "postbackData": "b"}),
            "contentMessage.suggestions[0]",
        ),
        (
            "/contentMessage/suggestions/0/reply",
            json!({"text": "a"}),
            "contentMessage.suggestions[0].reply",
        ),
        (
            "/contentMessage/suggestions/1/action/dialAction",
            json!({"phoneNumber": "1"}),
            "contentMessage.suggestions[1].action",
        ),
        (
            "/contentMessage/suggestions/2/action/openUrlAction/application",
            json!("TV"),
            "contentMessage.suggestions[2].action.openUrlAction.application",
        ),
        (
            "/contentMessage/suggestions/6/action/createCalendarEventAction/startTime",
            json!("soon"),
            "contentMessage.suggestions[6].action.createCalendarEventAction.startTime",
        ),
        (
            "/contentMessage/suggestions/5/action/shareLocationAction",
            Value::Null,
            "contentMessage.suggestions[5].action",
        ),
        ("/contentMessage", json!({}), "contentMessage"),
        ("/messageTrafficType", json!("SPAM"), "messageTrafficType"),
        ("/ttl", json!("-1s"), "ttl"),
    ] {
        assert_eq!(
            paths_of(&changed(ACTIONS, pointer, value)),
            [format!("! {path}")],
            "{pointer}"
        );
    }
}

#[test]
fn no_error_repeats_what_was_written() {
    let secrets = json!({"contentMessage": {"text": ["482913, expected", "482913"]}, "ttl": "482913"});
    let error = AgentMessage::from_json(secrets.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "contentMessage.text: expected a string");
    let traffic = changed(
        "send-text.request.json",
        "/messageTrafficType",
        json!("482913, expected 1"),
    );
    let error = AgentMessage::from_json(traffic.to_string().as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("messageTrafficType: expected one of ") && !error.contains("482913"),
        "{error}"
    );
    assert_eq!(
        AgentMessage::from_json(b"{\"482913\":").unwrap_err().to_string(),
        "is not JSON at line 1 column 10"
    );
    assert_eq!(
        AgentMessage::from_json(b"{} 482913").unwrap_err().problem,
        "missing field `contentMessage`"
    );
}

#[test]
fn a_horizontal_card_has_something_beside_its_media() {
    let file = "send-card-horizontal.request.json";
    let media = sample_json(file)["contentMessage"]["richCard"]["standaloneCard"]["cardContent"]["media"].clone();
    let card = "/contentMessage/richCard/standaloneCard/cardContent";
    let bare = changed(file, card, json!({ "media": media }));
    assert_eq!(paths_of(&bare), ["contentMessage.richCard.standaloneCard.cardContent"]);
    let reply = json!([{"reply": {"text": "a", "postbackData": "b"}}]);
    assert_eq!(
        paths_of(&changed(file, card, json!({"media": media, "suggestions": reply}))),
        [""; 0]
    );
}

#[test]
fn a_message_has_at_most_250_kilobytes() {
    // In JSON a control character takes six bytes, so that cards within their limits take too many.
    let filler = |units: usize| "\u{1}".repeat(units);
    let card = CardContent {
        title: Some(filler(200)),
        description: Some(filler(2_000)),
        media: None,
        suggestions: vec![Suggestion::reply("a", filler(2_048)); 4],
    };
    let carousel = |cards: usize| {
        let carousel = CarouselCard {
            card_width: CardWidth::Small,
            card_contents: vec![card.clone(); cards],
        };
        AgentMessage::new(
            Content::RichCard(RichCard::CarouselCard(carousel)),
            TrafficType::Transaction,
        )
    };
    assert!(carousel(3).to_json(now()).unwrap().len() > 180_000);
    assert!(carousel(4).check(now()).is_ok());
    let violations = carousel(4).to_json(now()).unwrap_err();
    let found: Vec<_> = violations
        .iter()
        .map(|violation| (&*violation.path, violation.problem))
        .collect();
    assert!(
        matches!(
            found[..],
            [(
                "",
                Problem::TooBig {
                    bytes: 250_001..,
                    limit: 250_000
                }
            )]
        ),
        "{found:?}"
    );

    let padded = [b"{}".as_slice(), &[b' '; 250_000]].concat();
    assert_eq!(
        AgentMessage::from_json(&padded).unwrap_err().problem,
        "the body has 250002 bytes, 250000 are read"
    );
}

#[test]
fn unknown_members_and_unspecified_names_are_passed_over() {
    let mut message = sample_json("send-text-all-actions.request.json");
    message["name"] = json!("phones/+1/agentMessages/2");
    message["sendTime"] = json!("2026-03-04T09:15:00Z");
    message["fromTheFuture"] = json!({"a": [1]});
    message["ttl"] = Value::Null;
    message["messageTrafficType"] = json!("MESSAGE_TRAFFIC_TYPE_UNSPECIFIED");
    message["contentMessage"]["fromTheFuture"] = json!(1);
    let pay = &mut message["contentMessage"]["suggestions"][2]["action"];
    pay["openUrlAction"]["application"] = json!("OPEN_URL_APPLICATION_UNSPECIFIED");
    pay["openUrlAction"]["fromTheFuture"] = json!(1);
    pay["fromTheFuture"] = json!(1);
    let read = AgentMessage::from_json(message.to_string().as_bytes()).unwrap();
    assert_eq!((read.message_traffic_type, read.expiry), (None, None));
    assert_eq!(read.content_message.suggestions.len(), 7);
    let written = json_of(&read.to_json(now()).unwrap());
    assert_eq!(
        written["contentMessage"]["suggestions"][2]["action"]["openUrlAction"].get("application"),
        None
    );
    assert_eq!(written.get("messageTrafficType"), None);
}

#[test]
fn an_expiry_is_judged_by_the_time_that_is_handed_in() {
    let message = AgentMessage::from_json(&sample("send-text-expiretime.request.json")).unwrap();
    assert!(message.check(now()).is_ok());
    assert!(message.check(now().checked_add(12.hours()).unwrap()).is_err());
    assert!(message.check(now().checked_sub(360.hours()).unwrap()).is_err());
    let endless = Some(Expiry::Ttl(Duration::MAX));
    assert!(
        AgentMessage {
            expiry: endless,
            ..message
        }
        .check(now())
        .is_err()
    );
}

#[test]
fn the_other_requests_are_as_the_samples_have_them() {
    let read = AgentEvent::Read {
        message_id: "MxP3Vv0aTq2bGqOZ1mB7dXYw".into(),
    };
    let ferry = (
        "https://media.example.com/ferry.jpg",
        Some("https://media.example.com/ferry-s.jpg"),
    );
    for (file, request) in [
        (
            "agent-event-typing.request.json",
            api().event(&to(), ID, &AgentEvent::IsTyping),
        ),
        ("agent-event-read.request.json", api().event(&to(), ID, &read)),
        ("batchget.request.json", api().batch_get(&users(900_123..=900_125))),
        ("file-create-url.request.json", api().create_file(ferry.0, ferry.1)),
    ] {
        let request = request.unwrap();
        assert_addressed(file, &request);
        let body = json_of(request.body());
        assert_valid(file, &body);
        assert_eq!(body, sample_json(file), "{file}");
    }
    for (file, request) in [
        ("revoke.response.json", api().revoke(&to(), ID)),
        ("capabilities.response.json", api().capabilities(&to(), ID)),
    ] {
        assert_addressed(file, &request);
        assert!(request.body().is_empty() && request.headers().is_empty());
    }
}

#[test]
fn a_file_is_uploaded_as_its_bytes() {
    let request = api()
        .upload_file("image/jpeg", Bytes::from_static(b"\xff\xd8"))
        .unwrap();
    assert_eq!(request.method(), Method::POST);
    assert_eq!(
        request.uri().path_and_query().unwrap(),
        "/upload/v1/files?agentId=harbour_bank_demo"
    );
    assert_eq!(request.headers()["content-type"], "image/jpeg");
    assert_eq!(request.body(), &b"\xff\xd8"[..]);

    let refused = |result: Result<Request<Bytes>, Violations>| result.unwrap_err().to_string();
    assert_eq!(
        refused(api().upload_file("text/html", Bytes::from_static(b"x"))),
        "Content-Type: expected a media type that handsets show, as image/jpeg"
    );
    assert_eq!(
        refused(api().upload_file("image/png", Bytes::new())),
        "body: expected a file"
    );
    let huge = Bytes::from(vec![0; 100 * 1_024 * 1_024 + 1]);
    assert_eq!(
        refused(api().upload_file("video/mp4", huge)),
        "body: has 104857601 bytes, 104857600 are allowed: make it smaller"
    );
}

#[test]
fn a_batch_has_up_to_10_000_different_numbers() {
    assert!(api().batch_get(&users(1..=10_000)).is_ok());
    let refused = |users: &[Msisdn]| api().batch_get(users).unwrap_err().to_string();
    assert_eq!(refused(&[]), "users: has 0 items, 1 to 10000 are allowed");
    assert_eq!(
        refused(&users(1..=10_001)),
        "users: has 10001 items, 1 to 10000 are allowed"
    );
    assert_eq!(refused(&[to(), to()]), "users[1]: expected each number once");
}

#[test]
fn a_base_is_scheme_and_host() {
    let agent = AgentId::parse("a b");
    assert!(agent.is_err());
    let agent = AgentId::parse("a.b@rbm.goog").unwrap();
    assert_eq!((agent.as_str(), agent.with_domain().as_str()), ("a.b", "a.b@rbm.goog"));
    let simulator = Api::new("http://127.0.0.1:8080/rcs/", agent.clone()).unwrap();
    assert_eq!(
        simulator.revoke(&to(), ID).uri().to_string(),
        format!("http://127.0.0.1:8080/rcs/v1/phones/+447700900123/agentMessages/{ID}?agentId=a.b")
    );
    for base in [
        "",
        "example.com",
        "/v1",
        "ftp://example.com",
        "https://a:b@example.com",
        "https://a.com/?b",
        "https://a.com/#b",
    ] {
        assert!(Api::new(base, agent.clone()).is_err(), "{base}");
    }
}

#[test]
fn numbers_are_e_164() {
    for text in [
        "",
        "+",
        "447700900123",
        "+0447700900123",
        "+4477 0090",
        "+1234567890123456",
        "+٣٣",
        "++44",
    ] {
        assert!(Msisdn::parse(text).is_err(), "{text}");
    }
    assert!(Msisdn::parse("+123456789012345").is_ok());
}
