//! Posts to the webhook against the samples, and signatures against the vectors.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

use araldo_rcs::answer::RichMessageClassification;
use araldo_rcs::message::LatLng;
use araldo_rcs::webhook::{
    BadSignature, ClientToken, FileInfo, LaunchEvent, LaunchState, Payload, Post, SIGNATURE_HEADER, ServerEvent,
    ServerEventType, SuggestionResponse, SuggestionType, UserContent, UserEvent, UserEventType, UserFile, UserMessage,
    UserMessageId, envelope,
};
use araldo_rcs::{AgentId, Msisdn};
use serde_json::{Value, json};
use support::{assert_valid, entry, index, json_of, sample, sample_json, schema};

mod support;

fn agent() -> AgentId {
    AgentId::parse("harbour_bank_demo").unwrap()
}

fn number(text: &str) -> Msisdn {
    Msisdn::parse(text).unwrap()
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    Some(text.parse().unwrap())
}

fn token(text: &str) -> ClientToken {
    ClientToken::new(text.into()).unwrap()
}

fn ours() -> ClientToken {
    token(sample_json("index.json")["clientToken"].as_str().unwrap())
}

fn said(sender: &str, message_id: &str, content: UserContent) -> Payload {
    Payload::UserMessage(UserMessage {
        agent_id: agent(),
        sender_phone_number: number(sender),
        id: UserMessageId::Message(message_id.into()),
        send_time: time("2026-03-04T09:16:10.045123456Z"),
        content,
        rich_message_classification: None,
        carrier: None,
    })
}

fn in_the_us(payload: Payload, classification: &str, segment_count: Option<u32>) -> Payload {
    let Payload::UserMessage(message) = payload else {
        panic!("a message of a user")
    };
    let classification_type = Some(classification.to_owned());
    Payload::UserMessage(UserMessage {
        rich_message_classification: Some(RichMessageClassification {
            classification_type,
            segment_count,
        }),
        carrier: Some("us-carrier-example".into()),
        ..message
    })
}

fn text(text: &str) -> UserContent {
    UserContent::Text(text.into())
}

fn tap(postback_data: &str, label: &str, kind: Option<SuggestionType>) -> UserContent {
    UserContent::SuggestionResponse(SuggestionResponse {
        postback_data: postback_data.into(),
        text: Some(label.into()),
        suggestion_type: kind,
    })
}

fn file_info(mime_type: &str, size: u64, name: &str, uri: &str) -> FileInfo {
    FileInfo {
        mime_type: Some(mime_type.into()),
        file_size_bytes: Some(size),
        file_name: Some(name.into()),
        file_uri: uri.into(),
    }
}

fn happened(event_id: &str, event: UserEventType) -> Payload {
    Payload::UserEvent(UserEvent {
        agent_id: agent(),
        sender_phone_number: number("+447700900123"),
        event,
        event_id: event_id.into(),
        send_time: time("2026-03-04T09:15:04.230Z"),
    })
}

fn expired(event_id: &str, event: ServerEventType) -> Payload {
    Payload::ServerEvent(ServerEvent {
        agent_id: agent(),
        phone_number: number("+447700900123"),
        message_id: "91fa93a5-f4cb-5fbf-bb58-20b2ea5d54e6".into(),
        event,
        event_id: event_id.into(),
        send_time: time("2026-03-04T09:16:01.100Z"),
    })
}

fn action_as_event() -> Payload {
    Payload::UserMessage(UserMessage {
        agent_id: agent(),
        sender_phone_number: number("+447700900123"),
        id: UserMessageId::Event("EvActionTap000000000001".into()),
        send_time: None,
        content: tap("act:url", "Open the booking", Some(SuggestionType::Action)),
        rich_message_classification: None,
        carrier: None,
    })
}

fn action_in_the_us() -> Payload {
    let content = tap("act:url", "Open the booking", Some(SuggestionType::Action));
    let payload = in_the_us(
        said("+12025550143", "MxACT00000000000001", content),
        "SUGGESTED_ACTION_CLICK",
        None,
    );
    let Payload::UserMessage(message) = payload else {
        panic!("a message of a user")
    };
    Payload::UserMessage(UserMessage {
        send_time: time("2026-03-04T09:17:00Z"),
        ..message
    })
}

fn launch() -> Payload {
    Payload::LaunchEvent(LaunchEvent {
        agent_id: agent(),
        event_id: Some("harbour_bank_demo/0a7ed168-0000-4000-8000-000000000001".into()),
        bot_display_name: Some("Harbour Bank".into()),
        brand_id: Some("bd38fbff-0000-4000-8000-000000000001".into()),
        brand_display_name: Some("Harbour Bank plc".into()),
        region_id: Some("/v1/regions/example-rcs".into()),
        old_launch_state: Some(LaunchState::Pending),
        new_launch_state: LaunchState::Rejected,
        acting_party: Some("carrier-reviewer@example.com".into()),
        comment: Some("Opt-in evidence missing".into()),
        send_time: time("2026-03-05T18:50:19.386436Z"),
    })
}

/// What the payload of each sample is.
fn payloads() -> Vec<(&'static str, Payload)> {
    const UK: &str = "+447700900123";
    const ID: &str = "MxP3Vv0aTq2bGqOZ1mB7dXYw";
    let message_id = || "a8ae7a65-9aa3-558c-aa00-e845dbe5f0cc".to_owned();
    let yes = |kind| tap("appt:7731:yes", "Yes, I will come", kind);
    let photo = UserFile {
        payload: file_info("image/jpeg", 127_806, "photo.jpeg", "https://storage.example.com/u/abc"),
        thumbnail: Some(file_info(
            "image/jpeg",
            1_280,
            "photo-thumb.jpeg",
            "https://storage.example.com/u/abc-thumb",
        )),
    };
    let note = UserFile {
        payload: file_info("audio/mp4", 40_210, "note.m4a", "https://storage.example.com/u/def"),
        thumbnail: None,
    };
    let us = said("+12025550143", "MxUS0000000000000001", text("When do you close today?"));
    let unknown = UserEventType::Other {
        event_type: "SOMETHING_NEW".into(),
        message_id: None,
    };
    vec![
        ("webhook-user-text.json", said(UK, ID, text("When do you close today?"))),
        ("webhook-user-text-us.json", in_the_us(us, "RICH_MESSAGE", Some(1))),
        (
            "webhook-user-text-unicode.json",
            said("+33639980012", "MxFR0000000000000001", text("Merci 👍🏽 à demain")),
        ),
        (
            "webhook-user-reply-tap.json",
            said(UK, ID, yes(Some(SuggestionType::Reply))),
        ),
        ("webhook-user-reply-tap-untyped.json", said(UK, ID, yes(None))),
        (
            "webhook-user-location.json",
            said(
                UK,
                ID,
                UserContent::Location(LatLng {
                    latitude: 51.5033,
                    longitude: -0.1195,
                }),
            ),
        ),
        ("webhook-user-file.json", said(UK, ID, UserContent::UserFile(photo))),
        (
            "webhook-user-file-no-thumb.json",
            said(UK, ID, UserContent::UserFile(note)),
        ),
        ("webhook-user-stop.json", said(UK, "MxSTOP00000000000001", text("STOP"))),
        (
            "webhook-user-stop-br.json",
            said("+5511955501234", "MxSTOPBR000000000001", text("parar")),
        ),
        (
            "webhook-user-start-fr.json",
            said("+33639980012", "MxSTARTFR00000000001", text("Démarrer")),
        ),
        (
            "webhook-event-delivered.json",
            happened(
                "Eve7aaac828eee53d1992c74",
                UserEventType::Delivered {
                    message_id: message_id(),
                },
            ),
        ),
        (
            "webhook-event-read.json",
            happened(
                "Ev7c7a1770ce215af2b434c0",
                UserEventType::Read {
                    message_id: message_id(),
                },
            ),
        ),
        (
            "webhook-event-typing.json",
            happened("Ev7ce11b7064975f0b8cb808", UserEventType::IsTyping),
        ),
        (
            "webhook-event-unsubscribe.json",
            happened("Ev648f5674ec005f039705d5", UserEventType::Unsubscribe),
        ),
        (
            "webhook-event-subscribe.json",
            happened("Evf96b4b3d0f865565ae8e3b", UserEventType::Subscribe),
        ),
        (
            "webhook-event-unknown.json",
            happened("Ev130c402935ff50a093f33b", unknown),
        ),
        ("webhook-event-action-tap.json", action_as_event()),
        ("webhook-user-action-tap-us.json", action_in_the_us()),
        (
            "webhook-server-ttl-revoked.json",
            expired("Sv0c0b518febab5ce994828d", ServerEventType::TtlExpirationRevoked),
        ),
        (
            "webhook-server-ttl-revoke-failed.json",
            expired("Sv9fdc625cbe07596f8654e8", ServerEventType::TtlExpirationRevokeFailed),
        ),
        ("webhook-agent-launch.json", launch()),
    ]
}

fn payload_of(file: &str) -> Payload {
    payloads().into_iter().find(|(name, _)| *name == file).unwrap().1
}

#[test]
fn payloads_are_read_and_written_as_the_samples_have_them() {
    for (file, payload) in payloads() {
        assert_eq!(Payload::from_json(&sample(file)).unwrap(), payload, "{file}");
        let written = json_of(&payload.to_json());
        assert_valid(file, &written);
        assert_eq!(written, sample_json(file), "{file}");
    }
    let of_the_index = index()
        .into_iter()
        .filter(|entry| entry["kind"] == "webhook-decoded")
        .count();
    assert_eq!((payloads().len(), of_the_index), (22, 22));
}

#[test]
fn envelopes_are_verified_and_show_the_payload_that_the_index_names() {
    let mut read = 0;
    for entry in index() {
        let (file, Some(decoded)) = (entry["file"].as_str().unwrap(), entry["decoded"].as_str()) else {
            continue;
        };
        let signature = entry["headers"][SIGNATURE_HEADER].as_str().unwrap().as_bytes();
        let post = || match Post::read(&sample(file)).unwrap() {
            Post::Envelope(envelope) => envelope,
            Post::Handshake(_) => panic!("{file} is an envelope"),
        };
        let signed = post().verify(Some(signature), [&token("old"), &ours()]).unwrap();
        assert_eq!(json_of(signed.json()), sample_json(decoded), "{file}");
        assert_eq!(signed.payload().unwrap(), payload_of(decoded), "{file}");
        assert_eq!(post().verify(None, [&ours()]), Err(BadSignature::Missing));
        assert_eq!(
            post().verify(Some(signature), [&token("old")]),
            Err(BadSignature::Mismatch)
        );
        assert_eq!(post().verify(Some(signature), []), Err(BadSignature::Mismatch));
        assert_eq!(ours().sign(signed.json()).as_bytes(), signature);
        assert!(schema("WebhookEnvelope").is_valid(&json_of(&envelope(signed.json()))));
        read += 1;
    }
    assert_eq!(read, 6);
}

#[test]
fn signatures_are_judged_as_the_vectors_have_them() {
    let vectors = sample_json("webhook-signature-vectors.json");
    let vectors = vectors.as_array().unwrap();
    for vector in vectors {
        let body = json!({"message": {"data": vector["dataBase64"]}}).to_string();
        let Post::Envelope(envelope) = Post::read(body.as_bytes()).unwrap() else {
            panic!("an envelope")
        };
        let token = token(vector["clientToken"].as_str().unwrap());
        let verified = envelope.verify(Some(vector["signature"].as_str().unwrap().as_bytes()), [&token]);
        assert_eq!(json!(verified.is_ok()), vector["valid"], "{}", vector["name"]);
    }
    assert_eq!(vectors.len(), 11);
}

#[test]
fn a_signature_with_a_bit_turned_or_an_octet_less_is_refused() {
    let payload = b"{\"agentId\":\"a\"}";
    let signature = ours().sign(payload);
    let judge = |signature: &[u8]| {
        let Post::Envelope(envelope) = Post::read(&envelope(payload)).unwrap() else {
            panic!("an envelope")
        };
        envelope.verify(Some(signature), [&ours()]).is_ok()
    };
    assert!(judge(signature.as_bytes()));
    for place in 0..signature.len() - 2 {
        let mut turned = signature.clone().into_bytes();
        turned[place] = if turned[place] == b'A' { b'B' } else { b'A' };
        assert!(!judge(&turned), "{place}");
    }
    assert!(!judge(&signature.as_bytes()[..84]) && !judge(b""));
    assert!(ClientToken::new("".into()).is_none());
}

#[test]
fn a_handshake_with_our_token_is_answered_with_the_bare_secret() {
    let file = "webhook-handshake.request.json";
    assert_valid(file, &sample_json(file));
    assert_eq!(entry(file)["kind"], "webhook-raw");
    let Post::Handshake(handshake) = Post::read(&sample(file)).unwrap() else {
        panic!("a handshake")
    };
    let answer = handshake.answer([&token("other"), &ours()]).unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (200, &b"4815162342"[..])
    );
    assert_eq!(answer.headers()["content-type"], "text/plain");
    assert!(handshake.answer([&token("SAMPLE-CLIENT-TOKEN-0002")]).is_none());
    assert!(handshake.answer([]).is_none());
}

#[test]
fn nothing_secret_or_unverified_is_shown_by_debug() {
    let shown = format!(
        "{:?} {:?} {:?}",
        Post::read(&sample("webhook-handshake.request.json")).unwrap(),
        Post::read(&sample("webhook-envelope-user-text.json")).unwrap(),
        ours()
    );
    assert_eq!(
        shown,
        "Handshake(Handshake { .. }) Envelope(Envelope { bytes: 193 }) ClientToken { .. }"
    );
}

#[test]
fn posts_that_are_neither_are_refused() {
    for (body, error) in [
        ("", "is not JSON at line 1 column 0"),
        (
            "{}",
            "message: is missing, and so are `clientToken` and `secret` of a handshake",
        ),
        (
            r#"{"clientToken":"a"}"#,
            "message: is missing, and so are `clientToken` and `secret` of a handshake",
        ),
        (r#"{"message":{}}"#, "message: missing field `data`"),
        (r#"{"message":{"data":7}}"#, "message.data: expected a string"),
        (r#"{"message":{"data":"%"}}"#, "message.data: is not base64"),
    ] {
        assert_eq!(Post::read(body.as_bytes()).unwrap_err().to_string(), error, "{body}");
    }
    let huge = vec![b' '; 1_024 * 1_024 + 1];
    assert_eq!(
        Post::read(&huge).unwrap_err().to_string(),
        "the body has 1048577 bytes, 1048576 are read"
    );
    let deep = [b"{\"message\":".as_slice(), &b"[".repeat(500_000)].concat();
    assert!(Post::read(&deep).is_err());
}

fn changed(file: &str, member: &str, value: Value) -> Result<Payload, String> {
    let mut payload = sample_json(file);
    if value.is_null() {
        payload.as_object_mut().unwrap().remove(member);
    } else {
        payload[member] = value;
    }
    Payload::from_json(payload.to_string().as_bytes()).map_err(|error| error.path)
}

#[test]
fn a_member_that_is_needed_is_named_when_it_is_missing() {
    for (file, members) in [
        (
            "webhook-user-text.json",
            &["agentId", "senderPhoneNumber", "messageId"][..],
        ),
        (
            "webhook-event-delivered.json",
            &["agentId", "senderPhoneNumber", "eventId", "messageId"],
        ),
        ("webhook-event-read.json", &["messageId"]),
        ("webhook-event-typing.json", &["senderPhoneNumber"]),
        ("webhook-server-ttl-revoked.json", &["agentId", "messageId", "eventId"]),
        ("webhook-agent-launch.json", &["agentId"]),
    ] {
        for member in members {
            assert_eq!(changed(file, member, Value::Null), Err((*member).to_owned()), "{file}");
            assert_eq!(changed(file, member, json!(7)), Err((*member).to_owned()), "{file}");
        }
    }
    assert_eq!(
        changed("webhook-user-text.json", "senderPhoneNumber", json!("7700")),
        Err("senderPhoneNumber".into())
    );
    assert_eq!(
        changed("webhook-user-file.json", "userFile", json!({"payload": {}})),
        Err("userFile.payload".into())
    );
    assert_eq!(
        changed("webhook-event-read.json", "sendTime", json!("now")),
        Err("sendTime".into())
    );
}

#[test]
fn what_is_unknown_is_passed_over_or_kept() {
    let text = changed("webhook-user-text.json", "fromTheFuture", json!([{}]));
    assert_eq!(text, Ok(payload_of("webhook-user-text.json")));
    assert_eq!(
        changed("webhook-user-text.json", "text", Value::Null),
        Ok(Payload::Unknown)
    );
    let Ok(Payload::ServerEvent(event)) = changed("webhook-server-ttl-revoked.json", "eventType", json!("NEW")) else {
        panic!("a server event")
    };
    assert_eq!(event.event, ServerEventType::Other("NEW".into()));
    let Ok(Payload::LaunchEvent(event)) = changed("webhook-agent-launch.json", "newLaunchState", json!("NEW")) else {
        panic!("a launch event")
    };
    assert_eq!(event.new_launch_state, LaunchState::Other("NEW".into()));
    let size = json!({"payload": {"fileUri": "https://e.example", "fileSizeBytes": "12"}});
    let Ok(Payload::UserMessage(message)) = changed("webhook-user-file.json", "userFile", size) else {
        panic!("a message")
    };
    let UserContent::UserFile(file) = message.content else {
        panic!("a file")
    };
    assert_eq!(file.payload.file_size_bytes, Some(12));
    let equator = changed("webhook-user-location.json", "location", json!({"longitude": 6.5}));
    let Ok(Payload::UserMessage(message)) = equator else {
        panic!("a message")
    };
    assert_eq!(
        message.content,
        UserContent::Location(LatLng {
            latitude: 0.0,
            longitude: 6.5
        })
    );
}

#[test]
fn copies_have_one_key_and_others_have_another() {
    let payloads: Vec<_> = payloads().into_iter().map(|(_, payload)| payload).collect();
    let keys: std::collections::HashSet<_> = payloads.iter().map(|payload| payload.dedup_key().unwrap()).collect();
    // Five samples share the id of their message.
    assert_eq!(keys.len(), payloads.len() - 5);
    let delivered = payload_of("webhook-event-delivered.json");
    let key = delivered.dedup_key().unwrap();
    assert_eq!((key.kind, key.id), ("DELIVERED", "Eve7aaac828eee53d1992c74"));
    assert_eq!(Payload::Unknown.dedup_key(), None);
}
