//! The descriptions for programs, held against what is really read and written: every example in them is executed, and
//! what is told to owners is held against its schema.

use jsonschema::Validator;

use super::*;
use crate::config::LoadOptions;
use crate::domain::{CaseId, Flag, Flags, InboundId, MessageId, Reason, Source, State, Will};
use crate::notice::Event;
use crate::notify::shipped;
use crate::store::{
    About, AboutConsent, AboutInbound, AboutMessage, Between, CaseReason, CaseRecord, CaseState, ConsentRecord,
    Delivery, Notice, NoticeKind, NoticeRecord,
};

fn openapi() -> Value {
    serde_json::from_str(crate::http::openapi_document()).unwrap()
}

fn asyncapi() -> Value {
    serde_json::from_str(crate::http::ASYNCAPI_DOCUMENT).unwrap()
}

/// What a part of a document allows.
fn validator(document: &Value, part: &Value) -> Validator {
    let schema = json!({ "allOf": [part], "components": document["components"] });
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

#[track_caller]
fn is_valid(validator: &Validator, value: &Value) {
    let faults: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?} in {value:#}");
}

/// A house with the rules and templates that come along, and a client that may all.
async fn house() -> House {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/araldo.toml");
    let options = LoadOptions {
        file: Some(file.into()),
        ..LoadOptions::default()
    };
    let shipped = Config::load(&options).unwrap().config;
    let mut config = Config {
        templates: shipped.templates,
        template: shipped.template,
        event: shipped.event,
        ..config()
    };
    let scopes = vec![
        Scope::Events,
        Scope::Send,
        Scope::Read,
        Scope::Inbound,
        Scope::Consent,
        Scope::Cases,
    ];
    config.client.get_mut(&name("bank")).unwrap().scopes = scopes;
    House::with(&config, &settings(), Clock::manual(NOW)).await
}

/// What an example of a body is as octets.
fn octets(example: &Value) -> String {
    example.as_str().map_or_else(|| example.to_string(), str::to_owned)
}

#[tokio::test]
async fn every_example_of_a_request_gets_an_answer_that_is_described() {
    let (house, document) = (house().await, openapi());
    let mut sent = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let examples = parameters.filter_map(|parameter| Some((parameter, parameter.get("example")?.as_str()?)));
            let (mut path, mut headers) = (path.clone(), Vec::new());
            for (parameter, example) in examples {
                let name = parameter["name"].as_str().unwrap();
                match parameter["in"].as_str().unwrap() {
                    "path" => path = path.replace(&format!("{{{name}}}"), example),
                    "header" => headers.push((name, example)),
                    place => panic!("{path}: an example in the {place}"),
                }
            }
            if path == "/v1/stream" {
                continue; // It has no body, and its answer no end.
            }
            let bodies = operation["requestBody"]["content"].as_object();
            let bodies = bodies.into_iter().flatten().flat_map(|(media_type, content)| {
                let examples = content["examples"].as_object();
                let examples = examples.unwrap_or_else(|| panic!("{path}: no example of {media_type}"));
                examples
                    .values()
                    .map(move |example| (media_type.as_str(), octets(&example["value"])))
            });
            let mut requests: Vec<_> = bodies.collect();
            let has_body = !requests.is_empty();
            if !has_body {
                requests.push(("", String::new()));
            }
            for (media_type, body) in requests {
                // Attributes stand in headers where the body is the data alone.
                let binary = media_type == "application/json";
                let mut given: Vec<_> = headers
                    .iter()
                    .filter(|(name, _)| binary || !name.starts_with("ce-"))
                    .copied()
                    .collect();
                if has_body {
                    given.push(("content-type", media_type));
                }
                let answer = house
                    .call(request(method.clone(), &path, "bank-key", &given, body))
                    .await;
                is_described(&document, operation, &answer, &path);
                // The id of an example is nobody's.
                let found = !path.ends_with("/check") && !path.ends_with("/take");
                assert!(
                    !has_body || !found || answer.status.is_success(),
                    "{path} {media_type}: {}",
                    answer.body
                );
                sent.push(answer.status.as_u16());
            }
        }
    }
    sent.sort_unstable();
    assert_eq!(
        sent,
        [
            200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 202, 202, 202, 202, 202, 202, 404, 404,
            404, 404, 404, 404, 404
        ]
    );
}

/// Whether the operation allows such an answer.
#[track_caller]
fn is_described(document: &Value, operation: &Value, answer: &Answer, path: &str) {
    let responses = &operation["responses"];
    let status = answer.status.as_str();
    let response = responses
        .get(status)
        .or_else(|| responses.get(format!("{}XX", &status[..1])));
    let response = response.unwrap_or_else(|| panic!("{path}: {status} is not described"));
    let media_type = answer.header("content-type").unwrap();
    let content = response["content"].get(media_type);
    let schema = &content.unwrap_or_else(|| panic!("{path}: {status} in {media_type} is not described"))["schema"];
    let validator = validator(document, schema);
    if media_type == "application/x-ndjson" {
        for line in answer.body.lines() {
            is_valid(&validator, &serde_json::from_str(line).unwrap());
        }
    } else {
        is_valid(&validator, &answer.json());
    }
}

#[tokio::test]
async fn every_example_of_an_event_makes_its_messages() {
    let (house, document) = (house().await, asyncapi());
    assert_eq!(house.get("/asyncapi.json").await.json(), document);
    let mut shipped: BTreeMap<String, Value> = shipped::examples()
        .into_iter()
        .map(|(file, octets)| (file.replace(".json", ""), serde_json::from_slice(&octets).unwrap()))
        .collect();
    for name in document["channels"]["events"]["messages"].as_object().unwrap().keys() {
        let message = &document["components"]["messages"][name];
        let media_type = message["contentType"].as_str().unwrap();
        for example in message["examples"].as_array().unwrap() {
            let payload = &example["payload"];
            is_valid(&validator(&document, &message["payload"]), payload);
            if let Some(file) = shipped.remove(example["name"].as_str().unwrap()) {
                assert_eq!(*payload, file, "{name}");
            }
            let headers = example["headers"].as_object().into_iter().flatten();
            let headers = headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
            let headers: Vec<_> = headers.chain([("content-type", media_type)]).collect();
            let request = request(Method::POST, "/v1/events", "bank-key", &headers, payload.to_string());
            let answer = house.call(request).await;
            let lines: Vec<Value> = answer
                .body
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            assert_eq!(
                lines.len(),
                payload.as_array().map_or(1, Vec::len),
                "{name}: {}",
                answer.body
            );
            for line in lines {
                assert_eq!(
                    (&line["matched"], &line["messages"][0]["state"]),
                    (&json!(1), &json!("queued")),
                    "{line}"
                );
            }
        }
    }
    assert!(shipped.is_empty(), "not described: {:?}", shipped.keys());
}

/// A notice of each kind, with all that it may say and with as little as it may.
fn notices() -> Vec<NoticeRecord> {
    let id = uuid::Uuid::from_u128(0x0193_27f0_a1b2_7c3d_8e4f_5a6b_7c8d_9e0f);
    let kinds = NoticeKind::words().map(|word| word.parse().unwrap());
    let kinds: Vec<NoticeKind> = kinds.collect();
    let records = kinds
        .into_iter()
        .flat_map(|kind| [true, false].map(|full| (kind, full)));
    let record = |(kind, full): (NoticeKind, bool)| {
        let state = kind.state();
        let ill = state.is_some_and(|state| state.is_final() && state != State::Delivered);
        let about = match state {
            Some(_) => About::Message(Box::new(AboutMessage {
                seq: 1,
                id: MessageId(id),
                client: name("bank"),
                class: crate::domain::Class::Otp,
                to: "393331234567".into(),
                from: "Bank".into(),
                segments: 2,
                reference: full.then(|| "7".into()),
                callback: full.then(|| "https://bank.example/".into()),
                accepted_at: NOW,
                submitted_at: full.then_some(NOW),
            })),
            None if kind == NoticeKind::ConsentChanged => About::Consent(Box::new(AboutConsent {
                client: Some(name("bank")),
                said: ConsentRecord {
                    seq: 1,
                    msisdn: "393331234567".into(),
                    brand: name("acme"),
                    topic: full.then(|| name("promo")),
                    will: Will::OptedOut,
                    source: Source::Sms,
                    at: NOW,
                    note: None,
                },
            })),
            None if kind.as_str().starts_with("case.") => About::Case(Box::new(CaseRecord {
                seq: 1,
                id: CaseId(48_213_077),
                between: Between {
                    number: "393331234567".into(),
                    address: "12345".into(),
                },
                client: name("bank"),
                state: CaseState::Opened,
                reason: CaseReason::NotUnderstood,
                owner: full.then(|| "anna".into()),
                understood: full.then(|| "nothing".into()),
                language: "it".into(),
                opened_at: NOW,
                heard_at: NOW,
                due_at: full.then_some(NOW),
                overdue_at: None,
                taken_at: None,
                solved_at: None,
                joined: 0,
            })),
            None => About::Inbound(Box::new(AboutInbound {
                seq: 1,
                id: InboundId(id),
                client: Some(name("bank")),
                from: "393331234567".into(),
                to: "12345".into(),
                text: full.then(|| "SALDO ".repeat(1_000).into()),
                segment: full.then_some(crate::domain::Concat {
                    reference: 7,
                    reference_size: crate::domain::ReferenceSize::Bits8,
                    total: 2,
                    number: 1,
                }),
            })),
        };
        let notice = Notice {
            seq: 9,
            kind,
            at: NOW,
            reason: ill.then_some(Reason::CarrierRefused),
            code: full.then_some(69),
            flags: if full {
                Flags::default().with(Flag::PossibleDuplicate).with(Flag::WasUncertain)
            } else {
                Flags::default()
            },
            carrier: full.then(|| name("tim")),
            endpoint: None,
            delivery: Delivery::default(),
        };
        NoticeRecord { notice, about }
    };
    records.map(record).collect()
}

#[test]
fn what_owners_are_told_is_as_described_and_every_kind_is_described() {
    let mut document = asyncapi();
    for data in ["MessageData", "InboundData", "ConsentData", "CaseData"] {
        // A reader puts up with more; that nothing is left undescribed is held here.
        document["components"]["schemas"][data]["additionalProperties"] = json!(false);
    }
    let messages = document["components"]["messages"].as_object().unwrap();
    let of_kind = |kind: &Value| messages.values().find(|message| message["name"] == *kind);
    let any = validator(&document, &messages["streamEvent"]["payload"]);
    for record in notices() {
        let told = serde_json::to_value(Event::of(&record)).unwrap();
        let described = of_kind(&told["type"]).unwrap_or_else(|| panic!("{} is not described", told["type"]));
        is_valid(&validator(&document, &described["payload"]), &told);
        is_valid(&any, &told);
    }
    for reason in Reason::ALL {
        let enumerated = &document["components"]["schemas"]["MessageData"]["properties"]["reason"]["enum"];
        assert!(enumerated.as_array().unwrap().contains(&json!(reason)), "{reason:?}");
    }
}

#[test]
fn every_example_of_a_webhook_is_as_described_and_of_its_own_kind_alone() {
    let document = asyncapi();
    let messages = document["components"]["messages"].as_object().unwrap();
    let told = ["webhooks", "stream"].map(|channel| document["channels"][channel]["messages"].as_object().unwrap());
    for name in told.into_iter().flat_map(|messages| messages.keys()) {
        let message = &messages[name];
        let payload = validator(&document, &message["payload"]);
        for example in message["examples"].as_array().unwrap() {
            is_valid(&payload, &example["payload"]);
            if let Some(headers) = message.get("headers") {
                is_valid(&validator(&document, headers), &example["headers"]);
            }
            if example["payload"].is_object() {
                let mut other = example["payload"].clone();
                other["type"] = json!("message.unheard");
                assert!(!payload.is_valid(&other), "{name} takes any type");
            }
        }
    }
}
