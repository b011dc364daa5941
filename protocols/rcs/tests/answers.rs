//! Answers and errors against the samples.

#![expect(clippy::unwrap_used, reason = "in a test it is the assertion")]

use std::collections::BTreeMap;
use std::time::Duration;

use araldo_rcs::answer::{ReachableUsers, RichMessageClassification};
use araldo_rcs::message::{AgentMessage, TrafficType};
use araldo_rcs::{
    Accepted, Advice, ApiError, Capabilities, ErrorKind, Feature, PlainText, Reach, Revocation, StoredFile,
};
use serde_json::json;
use support::messages::messages;
use support::{answer, answer_of, assert_valid, index, sample_json};

mod support;

fn accepted(file: &str) -> Accepted {
    assert_valid(file, &sample_json(file));
    Accepted::read(&answer(file)).unwrap()
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    Some(text.parse().unwrap())
}

fn classified(name: &str, segment_count: Option<u32>) -> Option<RichMessageClassification> {
    Some(RichMessageClassification {
        classification_type: Some(name.into()),
        segment_count,
    })
}

fn named(path: &str) -> Option<String> {
    Some(path.to_owned())
}

#[test]
fn what_was_accepted_is_read_as_the_samples_have_it() {
    let text = Accepted {
        name: named("phones/+447700900123/agentMessages/a8ae7a65-9aa3-558c-aa00-e845dbe5f0cc"),
        send_time: time("2026-03-04T09:15:00.412345Z"),
        message_traffic_type: Some(TrafficType::Transaction),
        ..Accepted::default()
    };
    assert_eq!(accepted("send-text.response.json"), text);
    let otp = Accepted {
        name: named("phones/+447700900123/agentMessages/91fa93a5-f4cb-5fbf-bb58-20b2ea5d54e6"),
        send_time: time("2026-03-04T09:15:00.412Z"),
        expire_time: time("2026-03-04T09:16:00.412Z"),
        message_traffic_type: Some(TrafficType::Authentication),
        ..Accepted::default()
    };
    assert_eq!(accepted("send-otp-ttl.response.json"), otp);
    let us_text = Accepted {
        name: named("phones/+12025550143/agentMessages/3d07a9a7-b89b-5bb3-b3ec-316676ca1141"),
        send_time: time("2026-03-04T09:15:01.112Z"),
        message_traffic_type: Some(TrafficType::Transaction),
        rich_message_classification: classified("RICH_MESSAGE", Some(1)),
        total_payload_size_bytes: Some(0),
        carrier: named("us-carrier-example"),
        ..Accepted::default()
    };
    assert_eq!(accepted("send-text-us.response.json"), us_text);
    let us_card = Accepted {
        name: named("phones/+12025550143/agentMessages/25fb89b4-de3b-514d-9e1a-76c56bbee2e3"),
        send_time: time("2026-03-04T09:15:02Z"),
        message_traffic_type: Some(TrafficType::Promotion),
        rich_message_classification: classified("RICH_MEDIA_MESSAGE", None),
        total_payload_size_bytes: Some(182_044),
        carrier: named("us-carrier-example"),
        ..Accepted::default()
    };
    assert_eq!(accepted("send-card-us.response.json"), us_card);
    let typing = Accepted {
        name: named("phones/+447700900123/agentEvents/053b2b61-7f16-5682-94c3-1c8a2ea63c75"),
        send_time: time("2026-03-04T09:15:03.001Z"),
        ..Accepted::default()
    };
    assert_eq!(accepted("agent-event-typing.response.json"), typing);
    let read = Accepted {
        name: named("phones/+447700900123/agentEvents/cd459a9b-206e-5366-acc3-0e67fb5f0a78"),
        send_time: time("2026-03-04T09:15:03.101Z"),
        ..Accepted::default()
    };
    assert_eq!(accepted("agent-event-read.response.json"), read);
}

#[test]
fn a_message_stays_accepted_whatever_is_in_its_answer() {
    let strange = json!({"contentMessage": 7, "messageTrafficType": "NEW", "fromTheFuture": []});
    assert_eq!(
        Accepted::read(&answer_of(200, strange.to_string())),
        Ok(Accepted::default())
    );
    let duplicate = Accepted::read(&answer_of(409, "{}")).unwrap();
    assert!(duplicate.is_duplicate);
    let error = Accepted::read(&answer_of(200, "<html>")).unwrap_err();
    assert_eq!(
        (error.kind, error.advice()),
        (ErrorKind::Unreadable, Advice::Retry { after: None })
    );
}

#[test]
fn a_revocation_was_in_time_or_too_late() {
    assert_eq!(
        Revocation::read(&answer("revoke.response.json")),
        Ok(Revocation::Withdrawn)
    );
    assert_eq!(
        Revocation::read(&answer("revoke-too-late.response.json")),
        Ok(Revocation::TooLate)
    );
    assert_eq!(
        Revocation::read(&answer("error-503-unavailable.json"))
            .unwrap_err()
            .kind,
        ErrorKind::Unavailable
    );
    assert_valid("revoke.response.json", &json!({}));
}

const ALL_BUT_WEBVIEW: [Feature; 7] = [
    Feature::RichcardStandalone,
    Feature::RichcardCarousel,
    Feature::ActionCreateCalendarEvent,
    Feature::ActionDial,
    Feature::ActionOpenUrl,
    Feature::ActionShareLocation,
    Feature::ActionViewLocation,
];

fn capabilities(file: &str) -> Capabilities {
    assert_valid(file, &sample_json(file));
    Capabilities::read(&answer(file)).unwrap()
}

#[test]
fn capabilities_are_read_as_the_samples_have_them() {
    let features = |more: &[Feature]| ALL_BUT_WEBVIEW.iter().chain(more).cloned().collect();
    let modern = capabilities("capabilities.response.json");
    assert_eq!(
        modern,
        Capabilities {
            features: features(&[Feature::ActionOpenUrlInWebview]),
            carrier: None
        }
    );
    let basic = capabilities("capabilities-basic.response.json");
    assert_eq!(basic.features, [Feature::ActionDial, Feature::ActionOpenUrl].into());
    assert_eq!(
        capabilities("capabilities-empty.response.json"),
        Capabilities::default()
    );
    let us = Capabilities {
        features: features(&[]),
        carrier: Some("us-carrier-example".into()),
    };
    assert_eq!(capabilities("capabilities-us.response.json"), us);
    let unknown = features(&[Feature::PdfInRichCards, Feature::Other("SOME_FUTURE_FEATURE".into())]);
    assert_eq!(
        capabilities("capabilities-unknown-feature.response.json").features,
        unknown
    );
    for file in [
        "capabilities-unreachable.response.json",
        "capabilities-not-tester.response.json",
    ] {
        let error = Capabilities::read(&answer(file)).unwrap_err();
        assert_eq!(
            (error.kind, error.advice()),
            (ErrorKind::NotReachable, Advice::NextStep),
            "{file}"
        );
    }
}

#[test]
fn what_a_handset_lacks_is_named() {
    let basic = capabilities("capabilities-basic.response.json");
    let modern = capabilities("capabilities.response.json");
    let lacks: BTreeMap<&str, Vec<Feature>> = messages()
        .into_iter()
        .inspect(|(file, message)| assert_eq!(modern.lacks(message).is_empty(), !file.contains("compose"), "{file}"))
        .map(|(file, message)| (file, basic.lacks(&message)))
        .collect();
    assert_eq!(lacks["send-text-replies.request.json"], []);
    assert_eq!(lacks["send-card-vertical.request.json"], [Feature::RichcardStandalone]);
    assert_eq!(lacks["send-carousel.request.json"], [Feature::RichcardCarousel]);
    // Actions with a fallback URL ask for nothing.
    let actions = [Feature::ActionShareLocation, Feature::ActionViewLocation];
    assert_eq!(lacks["send-text-all-actions.request.json"], actions);
    assert_eq!(lacks["send-text-compose-action.request.json"], [Feature::ActionCompose]);
    let shown = |file: &str| {
        let (_, message) = messages().into_iter().find(|(name, _)| *name == file).unwrap();
        let suggestions = message.content_message.suggestions;
        (
            suggestions.iter().filter(|it| basic.shows(it)).count(),
            suggestions.len(),
        )
    };
    assert_eq!(shown("send-text-replies.request.json"), (3, 3));
    let (some, all) = shown("send-text-all-actions.request.json");
    assert_eq!(all - some, 2);
}

#[test]
fn reach_is_read_as_the_samples_have_it() {
    let read = |file| {
        assert_valid(file, &sample_json(file));
        Reach::read(&answer(file)).unwrap()
    };
    let reach = Reach {
        reachable_users: vec!["+447700900123".into(), "+447700900125".into()],
        total_random_sample_user_count: 3_750,
        reachable_random_sample_user_count: 3_000,
        ..Reach::default()
    };
    assert_eq!(read("batchget.response.json"), reach);
    let us = vec!["+12025550143".to_owned()];
    let by_carrier = ReachableUsers {
        reachable_users: us.clone(),
    };
    let reach = Reach {
        reachable_users: us,
        reachable_users_map: [("us-carrier-example".to_owned(), by_carrier)].into(),
        ..Reach::default()
    };
    assert_eq!(read("batchget-us.response.json"), reach);
    let error = Reach::read(&answer("batchget-mixed-regions.response.json")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
}

#[test]
fn a_stored_file_has_a_name() {
    let file = StoredFile::read(&answer("file-create.response.json")).unwrap();
    assert_eq!(file.name, "files/8d2f1a90-31c5-4c1b-9a77-000000000001");
    assert_eq!(
        StoredFile::read(&answer_of(200, "{}")).unwrap_err().kind,
        ErrorKind::Unreadable
    );
}

#[test]
fn errors_come_with_advice() {
    let retry = Advice::Retry { after: None };
    for (file, kind, advice) in [
        (
            "error-400-invalid-argument.json",
            ErrorKind::InvalidArgument,
            Advice::Downgrade,
        ),
        (
            "error-400-traffic-type.json",
            ErrorKind::InvalidArgument,
            Advice::Downgrade,
        ),
        (
            "error-401-unauthenticated.json",
            ErrorKind::Unauthenticated,
            Advice::RefreshToken,
        ),
        (
            "error-403-permission-denied.json",
            ErrorKind::PermissionDenied,
            Advice::Configuration,
        ),
        (
            "error-404-not-reachable.json",
            ErrorKind::NotReachable,
            Advice::NextStep,
        ),
        ("error-429-resource-exhausted.json", ErrorKind::RateLimited, retry),
        (
            "error-429-user-traffic-limit.json",
            ErrorKind::UserTrafficLimit,
            Advice::NextStep,
        ),
        ("error-500-internal.json", ErrorKind::Unavailable, retry),
        ("error-503-unavailable.json", ErrorKind::Unavailable, retry),
        ("tester-limit.response.json", ErrorKind::RateLimited, retry),
    ] {
        assert_valid(file, &sample_json(file));
        let error = Accepted::read(&answer(file)).unwrap_err();
        assert_eq!((error.kind, error.advice()), (kind, advice), "{file}");
        let sample = &sample_json(file)["error"];
        assert_eq!(
            (json!(error.status), json!(error.message)),
            (sample["status"].clone(), sample["message"].clone())
        );
        assert!(!error.to_string().contains(&error.message), "{error}");
    }
    let error = Accepted::read(&answer("error-400-invalid-argument.json")).unwrap_err();
    let [violation] = &error.field_violations[..] else {
        panic!("one violation")
    };
    assert_eq!(violation.field, "contentMessage.suggestions[0].reply.text");
    assert_eq!(violation.description, "text exceeds the maximum allowed length");
}

#[test]
fn the_status_decides_where_the_body_cannot_be_read() {
    for (status, kind) in [
        (302, ErrorKind::Refused),
        (400, ErrorKind::InvalidArgument),
        (401, ErrorKind::Unauthenticated),
        (405, ErrorKind::Refused),
        (408, ErrorKind::Unavailable),
        (413, ErrorKind::Refused),
        (429, ErrorKind::RateLimited),
        (502, ErrorKind::Unavailable),
        (504, ErrorKind::Unavailable),
        (599, ErrorKind::Unavailable),
    ] {
        for body in [
            &b""[..],
            b"<html>Bad gateway</html>",
            b"[]",
            b"{\"error\":\"x\"}",
            &[b'['; 100_000],
        ] {
            let error = ApiError::read(&answer_of(status, body.to_vec())).unwrap();
            assert_eq!((error.kind, error.message.as_str()), (kind, ""), "{status}");
        }
    }
    assert_eq!(ApiError::read(&answer_of(204, "")), None);
}

#[test]
fn what_an_error_says_is_bounded() {
    let detail = json!({"fieldViolations": vec![json!({"field": "a"}); 100]});
    let body = json!({"error": {"message": "è".repeat(1_000), "details": [{"@type": "other"}, 7, detail]}});
    let mut answer = answer_of(503, body.to_string());
    for (retry_after, expected) in [
        ("7", Some(Duration::from_secs(7))),
        ("999999999", Some(Duration::from_secs(3_600))),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
    ] {
        answer.headers_mut().insert("retry-after", retry_after.parse().unwrap());
        let error = ApiError::read(&answer).unwrap();
        assert_eq!(error.advice(), Advice::Retry { after: expected });
        assert_eq!((error.message.chars().count(), error.field_violations.len()), (300, 16));
    }
}

#[test]
fn messages_are_rendered_down_to_text() {
    let plain = |wanted: &str| {
        let (_, message) = messages().into_iter().find(|(file, _)| *file == wanted).unwrap();
        PlainText::of(&message)
    };
    assert_eq!(
        plain("send-text-all-actions.request.json").text,
        "Everything about your visit:\n\
         Call the desk: +442079460000\n\
         Open the booking: https://www.example.com/b/7731\n\
         Pay in the chat: https://pay.example.com/7731\n\
         Show the clinic: https://maps.example.com/?q=51.5033,-0.1195\n\
         Find one nearby: Riverside Clinic\n\
         Add to calendar: https://www.example.com/b/7731.ics"
    );
    let carousel = plain("send-carousel.request.json");
    assert_eq!(
        carousel.text,
        "Cabin type 1\nFrom 50 per night\nhttps://media.example.com/cabin1.jpg\n1 Choose type 1\n\n\
         Cabin type 2\nFrom 60 per night\nhttps://media.example.com/cabin2.jpg\n2 Choose type 2\n\n\
         Cabin type 3\nFrom 70 per night\nhttps://media.example.com/cabin3.jpg\n3 Choose type 3\n\
         4 None of these"
    );
    assert_eq!(carousel.choices[3].postback_data, "cabin:none");
    assert_eq!(plain("send-text-replies.request.json").choices.len(), 3);
    assert_eq!(plain("send-file-uploaded.request.json"), PlainText::default());
    assert_eq!(
        plain("send-file-url.request.json").text,
        "https://media.example.com/bills/2026-02.pdf"
    );
    let said = AgentMessage::text("See https://e.example/a", TrafficType::Transaction);
    assert_eq!(PlainText::of(&said).text, "See https://e.example/a");
}

#[test]
fn every_sample_of_an_answer_is_read() {
    let source = include_str!("answers.rs");
    // Answers of the management API but its 429, which are not read here; and those to a sign-in, in sign_in.rs.
    let elsewhere = ["tester-create", "tester-legacy", "auth-token"];
    let mut read = 0;
    for entry in index() {
        let file = entry["file"].as_str().unwrap();
        if entry["kind"] == "response" && !elsewhere.iter().any(|prefix| file.starts_with(prefix)) {
            assert!(source.contains(&format!("\"{file}\"")), "{file}");
            read += 1;
        }
    }
    assert_eq!(read, 29);
}

#[test]
fn a_404_of_an_unknown_path_is_not_that_of_a_user() {
    let kind_of = |body: &str| Accepted::read(&answer_of(404, body.to_owned())).unwrap_err().kind;
    let of_a_user = sample_json("error-404-not-reachable.json").to_string();
    assert_eq!(kind_of(&of_a_user), ErrorKind::NotReachable);
    // What a front end says of a path that it has not, an empty answer, and the words of an API gateway.
    for body in [
        "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title>",
        "",
        r#"{"error":{"code":404,"message":"Method not found.","status":"NOT_FOUND"}}"#,
    ] {
        assert_eq!(kind_of(body), ErrorKind::Refused, "{body}");
        let revoked = Revocation::read(&answer_of(404, body.to_owned())).unwrap_err();
        assert_eq!(revoked.advice(), Advice::Configuration, "{body}");
    }
}

#[test]
fn a_400_is_of_the_handset_where_it_may_lack_something_and_no_member_is_at_fault() {
    let message_of = |file: &str| messages().into_iter().find(|(name, _)| *name == file).unwrap().1;
    let (text, card) = (
        message_of("send-text-replies.request.json"),
        message_of("send-card-vertical.request.json"),
    );
    let error_of = |body: &str| Accepted::read(&answer_of(400, body.to_owned())).unwrap_err();
    let bare = error_of(&sample_json("error-400-traffic-type.json").to_string());
    assert_eq!((bare.is_of_the_handset(&card), bare.field()), (true, None));
    assert!(!bare.is_of_the_handset(&text), "every handset shows a text");
    let named = error_of(&sample_json("error-400-invalid-argument.json").to_string());
    assert!(!named.is_of_the_handset(&card));
    assert_eq!(named.field(), Some("contentMessage.suggestions[0].reply.text"));
    let with = |field: &str, description: &str| {
        let violations = json!([{ "field": field, "description": description }]);
        error_of(&json!({ "error": { "details": [{ "fieldViolations": violations }] } }).to_string())
    };
    assert!(with("contentMessage.richCard", "is not supported by the device").is_of_the_handset(&card));
    for nosy in ["+393471234567", "phones/393471234567", "Ciao Giulia", "", "text[39347]"] {
        assert_eq!(with(nosy, "is wrong").field(), None, "{nosy}");
    }
}
